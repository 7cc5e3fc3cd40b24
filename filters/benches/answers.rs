//! What one chunk of a stream costs. The promise: well under 1.5 us for a chunk
//! of about 250 bytes through the lens, decoding and metering included.
#![allow(
    missing_docs,
    reason = "criterion's macro writes an undocumented function"
)]

use std::hint::black_box;

use alfred_filters::answer::{Answer, AnswerStream, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use alfred_filters::sse::SseReader;
use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

const CHUNK: &str = concat!(
    r#"data: {"id":"chatcmpl-C4Hq5a6K3RaPMymUv70btQNYv6SvY","object":"chat.completion.chunk","#,
    r#""created":1755137921,"model":"gpt-5-nano-2025-08-07","service_tier":"default","#,
    r#""system_fingerprint":null,"choices":[{"index":0,"delta":{"content":" streamed"},"#,
    r#""finish_reason":null}],"usage":null,"obfuscation":"IPio8PDe"}"#,
    "\n\n"
);
const FINISH: &str =
    r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
/// Chunks per measured stream.
const COUNT: u64 = 200;

fn plan(fidelity: Fidelity) -> StreamPlan {
    StreamPlan {
        from: Dialect::OpenAiChat,
        to: Dialect::OpenAiChat,
        surface: Surface::Chat,
        fidelity,
        show_usage: false,
        model: "gpt-5-nano".into(),
        id: "chatcmpl-x".into(),
        created: 1,
        choices: 1,
        input_estimate: 10,
    }
}

fn streams(c: &mut Criterion) {
    let mut group = c.benchmark_group("answer stream, per chunk at most 1.5 us");
    group.throughput(Throughput::Elements(COUNT));
    let chunk = Bytes::from_static(CHUNK.as_bytes());
    for (name, fidelity) in [("lens", Fidelity::Lens), ("canonical", Fidelity::Canonical)] {
        group.bench_function(name, |b| {
            let mut out = BytesMut::with_capacity(1 << 16);
            b.iter_batched_ref(
                || AnswerStream::new(plan(fidelity)),
                |stream| {
                    for _ in 0..COUNT {
                        out.clear();
                        let _ = black_box(stream.feed(&chunk, &mut out));
                    }
                    black_box(stream.metered())
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.bench_function("sse reader alone", |b| {
        let mut reader = SseReader::new(1 << 20);
        b.iter(|| {
            for _ in 0..COUNT {
                let _ = reader.feed(chunk.clone());
                while let Ok(Some(frame)) = reader.next_frame() {
                    black_box(frame);
                }
            }
        });
    });
    group.finish();
}

fn torn(c: &mut Criterion) {
    let text = Bytes::from(format!("{}{FINISH}\n\n", CHUNK.repeat(COUNT as usize)));
    let mut group = c.benchmark_group("answer stream of 200 chunks, torn");
    group.throughput(Throughput::Bytes(text.len() as u64));
    for size in [97, 1460, 16_384] {
        group.bench_function(format!("{size} bytes at a time"), |b| {
            b.iter(|| {
                let mut out = BytesMut::with_capacity(text.len() * 2);
                let mut stream = AnswerStream::new(plan(Fidelity::Lens));
                for start in (0..text.len()).step_by(size) {
                    let piece = text.slice(start..(start + size).min(text.len()));
                    let _ = stream.feed(&piece, &mut out);
                }
                black_box(stream.finish(&mut out))
            });
        });
    }
    group.finish();
}

fn bodies(c: &mut Criterion) {
    let words = "a sentence of the answer. ".repeat(40);
    let chat = Bytes::from(format!(
        r#"{{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{{"index":0,"message":{{"role":"assistant","content":"{words}"}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":9,"completion_tokens":240,"total_tokens":249}}}}"#
    ));
    let vector = "-0.012345678,".repeat(1535) + "0.5";
    let element = format!(r#"{{"object":"embedding","index":0,"embedding":[{vector}]}}"#);
    let elements = vec![element; 50].join(",");
    let embeddings = Bytes::from(format!(
        r#"{{"object":"list","data":[{elements}],"model":"m","usage":{{"prompt_tokens":9,"total_tokens":9}}}}"#
    ));
    let mut group = c.benchmark_group("whole answer, read and rendered");
    for (name, surface, body) in [
        ("chat of 1 KB", Surface::Chat, chat),
        ("embeddings of 1 MB", Surface::Embeddings, embeddings),
    ] {
        group.throughput(Throughput::Bytes(body.len() as u64));
        for (kind, fidelity) in [("lens", Fidelity::Lens), ("canonical", Fidelity::Canonical)] {
            let plan = plan(fidelity);
            group.bench_function(format!("{name}, {kind}"), |b| {
                b.iter(|| {
                    Answer::read(Dialect::OpenAiChat, surface, body.clone())
                        .map(|answer| answer.render(&plan))
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, streams, torn, bodies);
criterion_main!(benches);
