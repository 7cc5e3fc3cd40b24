//! What a request costs: reading, patching, showing its texts, counting its
//! tokens. The promise is about 2 us for the lens on 0.6 KB.

use std::hint::black_box;

use alfred_filters::error::ProviderError;
use alfred_filters::meter::{TokenCounter, count};
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SENTENCE: &str = "The quick brown fox jumps over the lazy dog, and 42 hens look on.\\n";

/// A chat request of about `size` bytes, in four messages.
fn request(size: usize) -> Bytes {
    let text = SENTENCE.repeat(size.saturating_sub(280) / (4 * SENTENCE.len()) + 1);
    let message = |role: &str| format!(r#"{{"role":"{role}","content":"{text}"}}"#);
    let messages = ["system", "user", "assistant", "user"]
        .map(message)
        .join(",");
    Bytes::from(format!(
        r#"{{"model":"fast","messages":[{messages}],"temperature":0.2,"max_tokens":512,"stream":true,"user":"u-17"}}"#
    ))
}

fn requests(c: &mut Criterion) {
    let patch = RequestPatch {
        model: "gpt-5-mini",
        ask_usage: true,
        ..RequestPatch::default()
    };
    for (name, size) in [("0.6KB", 600), ("2KB", 2_000), ("1MB", 1_000_000)] {
        let body = request(size);
        let mut group = c.benchmark_group(format!("request {name}"));
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function("read", |b| {
            b.iter(|| Prompt::read(Surface::Chat, black_box(body.clone())));
        });
        group.bench_function("read and render", |b| {
            b.iter(|| {
                Prompt::read(Surface::Chat, black_box(body.clone())).map(|p| p.render(&patch))
            });
        });
        let Ok(prompt) = Prompt::read(Surface::Chat, body.clone()) else {
            continue;
        };
        group.bench_function("visit texts", |b| {
            b.iter(|| {
                let mut bytes = 0;
                prompt.visit_texts(&mut |text| bytes += text.text.len());
                bytes
            });
        });
        group.bench_function("estimate tokens", |b| {
            b.iter(|| prompt.estimate_input_tokens());
        });
        group.finish();
    }
}

fn meters(c: &mut Criterion) {
    let text = SENTENCE.repeat(15);
    let mut group = c.benchmark_group("meter");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("1KB at once", |b| b.iter(|| count(black_box(&text))));
    group.throughput(Throughput::Bytes(6));
    group.bench_function("one word", |b| {
        let mut counter = TokenCounter::default();
        b.iter(|| counter.push(black_box(" quick")));
    });
    group.finish();
}

fn errors(c: &mut Criterion) {
    let body = br#"{"error":{"message":"Rate limit reached for gpt-5 in organization org-a1b2c3d4e5 on tokens per min (TPM): Limit 30000, Used 29000. Please try again in 8s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#;
    c.bench_function("error read and said", |b| {
        b.iter(|| ProviderError::read(429, Some("8"), None, black_box(body), 0).openai_body());
    });
}

criterion_group!(benches, requests, meters, errors);
criterion_main!(benches);
