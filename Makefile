# The commands that work on a fresh Debian or Ubuntu with a Rust toolchain.
.PHONY: run build test torture fuzz train-injection lint bench bench-pure bench-ledger bench-gateway bench-guard setup-build setup-test setup-bench setup-guard setup-lint clean

CARGO ?= cargo
TARGET = $(or $(CARGO_TARGET_DIR),target)

run: setup-build
	$(CARGO) build --release --bin alfred
	$(TARGET)/release/alfred run

build: setup-build
	$(CARGO) build --release --bin alfred

test: setup-build setup-test
	$(CARGO) test --workspace --tests -- --test-threads 4
	$(CARGO) test --workspace --doc

# Kills processes under load for TORTURE_SECONDS and compares the ledger with the provider's own log.
torture: setup-build setup-test
	@TORTURE_SECONDS=$${TORTURE_SECONDS:-600} $(CARGO) test --quiet --release --test torture

# Hostile bytes for every reader, decoder and translator, FUZZ_SECONDS for each; TARGETS names some of them.
fuzz: setup-build
	@./filters/fuzz/run $(TARGETS)

lint: setup-build setup-lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) deny --all-features check bans licenses sources

# Trains the injection model from templates and the shared rows (ALFRED_SHARED), and prints its figures.
train-injection: setup-build
	$(CARGO) run --release -p alfred-filters --example train_injection

# The last two fail when a goal was missed.
bench: bench-pure bench-gateway bench-guard bench-ledger

bench-pure: setup-build
	$(CARGO) bench -p alfred-filters --no-fail-fast
	$(CARGO) bench -p alfred --bench audit
	$(CARGO) bench -p alfred --bench jwt

bench-ledger: setup-build setup-bench
	$(CARGO) bench -p alfred --bench ledger

bench-gateway: setup-build setup-bench
	$(CARGO) build --release --bin alfred
	ALFRED_BIN=$(abspath $(TARGET))/release/alfred $(CARGO) bench -p alfred --bench gateway

# The guards beside Presidio, detect-secrets and secretlint; DATA names folders of rows (else those of ALFRED_SHARED).
bench-guard: setup-build setup-guard
	@./benches/guard/run $(DATA)

setup-build:
	@./.ci/setup build

setup-test:
	@./.ci/setup test

setup-bench:
	@./.ci/setup bench

setup-guard:
	@./.ci/setup guard

setup-lint:
	@./.ci/setup lint

clean:
	$(CARGO) clean
