//! The scanner of personal data. The promises: 2 KB of a prompt at most 5 us, 1 MB at
//! 400 MB/s or more, and no text of 1 MB takes 20 ms, however hostile.
#![allow(
    missing_docs,
    reason = "criterion's macro writes an undocumented function"
)]

use std::hint::black_box;
use std::time::Duration;

use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::{Entity, Window};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const PROSE: &str = "Please read the letter below and tell me in plain words what the sender wants, \
    when an answer is due, and whether anything in it sounds unusual to you. ";
const MIXED: &str = "On 2026-03-14 at 10:32 the job v2.4.1 took 467 ms; Ann (ann.lee@example.org) \
    said: \"retry 3 times\". Call +49 30 901820 if it fails again. The log says nothing else of use, \
    and the rest of the page is about the weather, the food and the long way home by train. \
    See https://example.org/docs/a-b-c?page=12 for more of it, chapter 7. ";
const CODE: &str = "for (i, row) in rows.iter().enumerate() { let at = base + i * 16; out.push(0x1f); \
    std::mem::swap(&mut a, &mut b); // 12 of 40\n} ";

/// What costs a scanner most.
const HOSTILE: &[(&str, &str)] = &[
    ("at", "a@"),
    ("dash", "1-"),
    ("space", "1 "),
    ("dots", "1.1.1.1."),
    ("colons", "a:1:"),
    ("pairs", "::"),
    ("digits", "7"),
    ("cards", "4111 1111 1111 1112 "),
    ("phones", "call 555 123 456 "),
    ("plus", "+49 "),
    ("hex", "ab:cd:e1:"),
    ("groups", "1234 "),
    ("sevens", "1234567 "),
    ("table", "| 123 4567 \n"),
    ("letters", "GB82 WEST "),
];

fn fill(text: &str, size: usize) -> String {
    let mut filled = text.repeat(size / text.len() + 1);
    filled.truncate(size);
    filled
}

fn scan(c: &mut Criterion) {
    let defaults = Pii::new(&Entity::defaults().collect::<Vec<_>>());
    let all = Pii::new(Entity::ALL);
    let mut group = c.benchmark_group("pii");
    group.measurement_time(Duration::from_secs(2));
    for (name, text) in [("prose", PROSE), ("mixed", MIXED), ("code", CODE)] {
        for (size, label) in [(2 << 10, "2k"), (1 << 20, "1m")] {
            let text = fill(text, size);
            group.throughput(Throughput::Bytes(size as u64));
            for (pii, kinds) in [(&defaults, "defaults"), (&all, "all")] {
                let mut out = Vec::with_capacity(1 << 16);
                group.bench_function(format!("{kinds}/{name}/{label}"), |b| {
                    b.iter(|| {
                        out.clear();
                        black_box(pii.scan(Window::whole(black_box(&text)), &mut out))
                    });
                });
            }
        }
    }
    group.finish();
}

fn hostile(c: &mut Criterion) {
    let all = Pii::new(Entity::ALL);
    let defaults = Pii::new(&Entity::defaults().collect::<Vec<_>>());
    let mut group = c.benchmark_group("pii-hostile");
    group.sample_size(10);
    for (name, text) in HOSTILE {
        let text = fill(text, 1 << 20);
        for (pii, kinds) in [(&defaults, "defaults"), (&all, "all")] {
            let mut out = Vec::with_capacity(1 << 18);
            group.bench_function(format!("{kinds}/{name}"), |b| {
                b.iter(|| {
                    out.clear();
                    black_box(pii.scan(Window::whole(black_box(&text)), &mut out))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, scan, hostile);
criterion_main!(benches);
