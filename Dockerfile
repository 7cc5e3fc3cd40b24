# Build: a Rust image with what the crates with C code need.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends cmake && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN cargo build --release --locked --bin alfred

# Run: nothing but the binary and the roots of trust that providers' certificates need.
FROM debian:bookworm-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/alfred --create-home alfred
COPY --from=build /src/target/release/alfred /usr/local/bin/alfred
COPY --from=build /src/conf/schema.json /etc/alfred/schema.json
USER alfred
WORKDIR /var/lib/alfred
# A container is reached from outside, so telemetry may be too; the gateway always is.
ENV ALFRED_DATA_DIR=/var/lib/alfred/data \
    ALFRED_LISTEN_TELEMETRY=0.0.0.0:9464
EXPOSE 9090 9464
STOPSIGNAL SIGTERM
ENTRYPOINT ["alfred"]
CMD ["run"]
