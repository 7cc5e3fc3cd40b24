//! The secrets' scanner. The promises: 2 KB of prose in 5 us, 1 MB at 200 MB/s or
//! more, hostile texts of 1 MB in 20 ms, and no family of the table under 50 MB/s.
#![allow(
    missing_docs,
    reason = "criterion's macro writes an undocumented function"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use alfred_filters::guard::Window;
use alfred_filters::guard::secrets::Secrets;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const MEGABYTE: usize = 1 << 20;
/// The slowest that a family may be by itself, in bytes per second.
const SLOWEST: f64 = 50e6;

const PROSE: &str = "The committee met on a Tuesday in the old town hall, and after some debate \
    it was agreed that the bridge should be repaired before winter. Nobody had counted the \
    costs; the treasurer, who knew them, said nothing. \"We will see,\" she told the mayor. ";
const CODE: &str = "    pub fn handle(&self, request: &Request<Body>) -> Result<Response, Error> {\n\
    \x20       let retries = self.config.max_retries.unwrap_or(3);\n\
    \x20       for attempt in 0..retries { self.client.send(request.clone()).await?; }\n    }\n";
const JSON: &str = "{\"id\":\"5f2b9c1e-77aa-4b0e-9d51-0c3e6a1f2b3c\",\"name\":\"Widget 42\",\
    \"tags\":[\"alpha\",\"beta\"],\"size\":1048576,\"sha\":\"9b74c9897bac770ffc029102a200c5de\"},\n";

fn filled(piece: &str, size: usize) -> String {
    let mut text = piece.repeat(size / piece.len() + 1);
    text.truncate(size);
    text
}

fn texts() -> Vec<(&'static str, String)> {
    let mixed = [PROSE, CODE, PROSE, JSON].concat();
    vec![
        ("prose 2 KB", filled(PROSE, 2048)),
        ("prose", filled(PROSE, MEGABYTE)),
        ("code", filled(CODE, MEGABYTE)),
        ("json", filled(JSON, MEGABYTE)),
        ("mixed", filled(&mixed, MEGABYTE)),
        ("hostile sk-", filled("sk-", MEGABYTE)),
        ("hostile =", filled("=", MEGABYTE)),
        ("hostile password=", filled("password=", MEGABYTE)),
        ("hostile password=a", filled("password=a1 ", MEGABYTE)),
        ("hostile token", filled("aB3", MEGABYTE)),
        (
            "hostile key lines",
            filled("key token a1b2c3d4e5 ", MEGABYTE),
        ),
        (
            "hostile begin",
            filled("-----BEGIN PRIVATE KEY-----\n", MEGABYTE),
        ),
        ("hostile dashes", filled("a-1_", MEGABYTE)),
        ("hostile urls", filled("a://b:c@", MEGABYTE)),
        ("hostile dots", filled("eyJ.eyJ.", MEGABYTE)),
    ]
}

fn scan(secrets: &Secrets, text: &str) -> usize {
    let mut out = Vec::new();
    secrets.scan(Window::whole(black_box(text)), &mut out);
    out.len()
}

fn whole(criterion: &mut Criterion) {
    let secrets = Secrets::new();
    let mut group = criterion.benchmark_group("secrets");
    for (name, text) in texts() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(name, |bench| bench.iter(|| scan(&secrets, &text)));
    }
    group.finish();
    criterion.bench_function("secrets/compile", |bench| bench.iter(Secrets::new));
}

/// Every family by itself; those that are too slow are named, and the run fails.
fn families(_: &mut Criterion) {
    let text = filled(&[PROSE, CODE, PROSE, JSON].concat(), MEGABYTE);
    let slow: Vec<(&str, f64)> = Secrets::families()
        .filter_map(|family| {
            let alone = Secrets::only(family)?;
            let best = (0..5).map(|_| {
                let begun = Instant::now();
                black_box(scan(&alone, &text));
                begun.elapsed()
            });
            let speed = text.len() as f64 / best.min()?.as_secs_f64();
            (speed < SLOWEST).then_some((family, speed / 1e6))
        })
        .collect();
    for (family, speed) in &slow {
        println!("{family}: {speed:.0} MB/s");
    }
    assert!(slow.is_empty(), "{} families are too slow", slow.len());
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(1))
        .sample_size(20);
    targets = whole, families
}
criterion_main!(benches);
