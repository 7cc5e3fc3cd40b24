//! Every dialect of providers with every dialect of clients. The promises: saying a request
//! of 2 KB at most 15 us, one of 1 MB at 300 MB/s or more, a chunk of a stream at most 3 us.
#![allow(
    missing_docs,
    reason = "criterion's macro writes an undocumented function"
)]

use std::hint::black_box;
use std::time::Duration;

use alfred_filters::answer::{AnswerStream, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use bytes::{Bytes, BytesMut};
use criterion::measurement::WallTime;
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main,
};

#[path = "../tests/bedrock/frames.rs"]
mod frames;

const SENTENCE: &str = "The quick brown fox jumps over the lazy dog, and 42 hens look on.\\n";
const SCHEMA: &str = r#"{"type":"object","properties":{"city":{"type":"string","description":"Which city"}},"required":["city"]}"#;
/// Chunks per measured stream.
const COUNT: u64 = 200;

/// A dialect of clients: its name, the surface, a request with texts of that many sentences.
type Client = (&'static str, Surface, fn(usize) -> String);
const CLIENTS: [Client; 3] = [
    ("chat", Surface::Chat, chat),
    ("messages", Surface::Messages, messages),
    ("responses", Surface::Responses, responses),
];

/// A model of each dialect, named as its providers name theirs.
fn model(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => "gpt-5-mini",
        Dialect::AnthropicMessages => "claude-sonnet-4-5",
        Dialect::Gemini => "gemini-2.5-flash",
        Dialect::BedrockConverse => "anthropic.claude-sonnet-4-5-v1:0",
        Dialect::CohereChat => "command-a-03-2025",
        Dialect::OllamaChat => "qwen3:8b",
        Dialect::HfFeatures => "none",
    }
}

fn chat(sentences: usize) -> String {
    let text = SENTENCE.repeat(sentences);
    format!(
        r#"{{"model":"fast","messages":[{{"role":"system","content":"{text}"}},{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}},{{"role":"assistant","content":null,"tool_calls":[{{"id":"call_1","type":"function","function":{{"name":"weather","arguments":"{{\"city\":\"Paris\"}}"}}}}]}},{{"role":"tool","tool_call_id":"call_1","content":"{text}"}},{{"role":"user","content":"{text}"}}],"tools":[{{"type":"function","function":{{"name":"weather","description":"Tells the weather","parameters":{SCHEMA}}}}}],"temperature":0.2,"max_tokens":512,"stream":true,"user":"u-17"}}"#
    )
}

fn messages(sentences: usize) -> String {
    let text = SENTENCE.repeat(sentences);
    format!(
        r#"{{"model":"fast","max_tokens":512,"system":[{{"type":"text","text":"{text}","cache_control":{{"type":"ephemeral"}}}}],"messages":[{{"role":"user","content":"{text}"}},{{"role":"assistant","content":[{{"type":"tool_use","id":"toolu_1","name":"weather","input":{{"city":"Paris"}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_1","content":"{text}"}},{{"type":"text","text":"{text}"}}]}}],"tools":[{{"name":"weather","description":"Tells the weather","input_schema":{SCHEMA}}}],"temperature":0.2,"stream":true,"metadata":{{"user_id":"u-17"}}}}"#
    )
}

fn responses(sentences: usize) -> String {
    let text = SENTENCE.repeat(sentences);
    format!(
        r#"{{"model":"fast","instructions":"{text}","input":[{{"role":"user","content":[{{"type":"input_text","text":"{text}"}}]}},{{"type":"function_call","call_id":"call_1","name":"weather","arguments":"{{\"city\":\"Paris\"}}"}},{{"type":"function_call_output","call_id":"call_1","output":"{text}"}},{{"role":"user","content":"{text}"}}],"tools":[{{"type":"function","name":"weather","description":"Tells the weather","parameters":{SCHEMA},"strict":false}}],"temperature":0.2,"max_output_tokens":512,"stream":true,"store":false}}"#
    )
}

fn quick<'c>(c: &'c mut Criterion, name: &str) -> BenchmarkGroup<'c, WallTime> {
    let mut group = c.benchmark_group(name);
    group.sample_size(20);
    group.warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_millis(1000));
    group
}

fn requests(c: &mut Criterion) {
    for (name, sentences) in [
        ("request of 2 KB, at most 15 us", 5),
        ("request of 1 MB, at least 300 MB/s", 3_700),
    ] {
        let mut group = quick(c, name);
        for (client, surface, made) in CLIENTS {
            let body = Bytes::from(made(sentences));
            group.throughput(Throughput::Bytes(body.len() as u64));
            for (provider, to) in Dialect::TABLE {
                // Nobody who speaks another dialect can be told to a provider of Responses.
                let is_foreign = *to == Dialect::OpenAiResponses && surface != Surface::Responses;
                if is_foreign || *to == Dialect::HfFeatures {
                    continue;
                }
                request(&mut group, (client, provider), (surface, &body), *to);
            }
        }
        group.finish();
    }
}

fn request(
    group: &mut BenchmarkGroup<'_, WallTime>,
    (client, provider): (&str, &str),
    (surface, body): (Surface, &Bytes),
    to: Dialect,
) {
    let how = Translation {
        patch: RequestPatch {
            model: model(to),
            ask_usage: true,
            ..RequestPatch::default()
        },
        default_max_output: 4096,
        ..Translation::default()
    };
    let said = |body: Bytes| Prompt::read(surface, body).map(|prompt| prompt.translate(to, &how));
    assert!(
        said(body.clone()).is_ok_and(|said| said.is_ok()),
        "{client} to {provider}"
    );
    group.bench_function(format!("{client} to {provider}"), |b| {
        b.iter(|| said(black_box(body.clone())));
    });
}

/// What begins a stream of that dialect, and a chunk of text in it.
fn stream(dialect: Dialect) -> (Vec<u8>, Vec<u8>) {
    let event = |name: &str, data: &str| format!("event: {name}\ndata: {data}\n\n").into_bytes();
    let frame = |name: &str, data: &str| {
        let headers = [(":message-type", "event"), (":event-type", name)];
        frames::frame(&headers, data.as_bytes())
    };
    match dialect {
        Dialect::OpenAiChat => (Vec::new(), format!("data: {CHUNK}\n\n").into_bytes()),
        Dialect::AnthropicMessages => (
            [
                event("message_start", r#"{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"c","content":[],"usage":{"input_tokens":9,"output_tokens":1}}}"#),
                event("content_block_start", r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#),
            ]
            .concat(),
            event("content_block_delta", r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" streamed and"}     }"#),
        ),
        Dialect::OpenAiResponses => (
            [
                event("response.created", r#"{"type":"response.created","sequence_number":0,"response":{"id":"r","object":"response","created_at":1,"status":"in_progress","model":"g","output":[]}}"#),
                event("response.output_item.added", r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"i","type":"message","status":"in_progress","role":"assistant","content":[]}}"#),
                event("response.content_part.added", r#"{"type":"response.content_part.added","sequence_number":2,"item_id":"i","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[]}}"#),
            ]
            .concat(),
            event("response.output_text.delta", r#"{"type":"response.output_text.delta","sequence_number":3,"item_id":"i","output_index":0,"content_index":0,"delta":" streamed and","logprobs":[],"obfuscation":"IPio8PDe"}"#),
        ),
        Dialect::Gemini => (
            Vec::new(),
            b"data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\" streamed and more\"}],\"role\":\"model\"},\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":9,\"candidatesTokenCount\":2,\"totalTokenCount\":11},\"modelVersion\":\"gemini-2.5-flash\",\"responseId\":\"r\"}\r\n\r\n".to_vec(),
        ),
        Dialect::BedrockConverse => (
            frame("messageStart", r#"{"role":"assistant","p":"abcd"}"#),
            frame("contentBlockDelta", r#"{"contentBlockIndex":0,"delta":{"text":" streamed and"},"p":"abcdefghij"}"#),
        ),
        Dialect::CohereChat => (
            [
                event("message-start", r#"{"id":"c","type":"message-start","delta":{"message":{"role":"assistant","content":[],"tool_plan":"","tool_calls":[],"citations":[]}}}"#),
                event("content-start", r#"{"type":"content-start","index":0,"delta":{"message":{"content":{"type":"text","text":""}}}}"#),
            ]
            .concat(),
            event("content-delta", r#"{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":" streamed and"}}}}"#),
        ),
        // Embeddings are not streamed.
        Dialect::HfFeatures => (Vec::new(), Vec::new()),
        Dialect::OllamaChat => (
            Vec::new(),
            b"{\"model\":\"qwen3:8b\",\"created_at\":\"2025-08-07T12:00:00.294874Z\",\"message\":{\"role\":\"assistant\",\"content\":\" streamed\"},\"done\":false}\n".to_vec(),
        ),
    }
}

const CHUNK: &str = concat!(
    r#"{"id":"chatcmpl-C4Hq5a6K3RaPMymUv70btQNYv6SvY","object":"chat.completion.chunk","#,
    r#""created":1755137921,"model":"gpt-5-nano-2025-08-07","service_tier":"default","#,
    r#""system_fingerprint":null,"choices":[{"index":0,"delta":{"content":" streamed"},"#,
    r#""finish_reason":null}],"usage":null,"obfuscation":"IPio8PDe"}"#,
);

fn streams(c: &mut Criterion) {
    let mut group = quick(c, "chunk of a stream, at most 3 us");
    group.throughput(Throughput::Elements(COUNT));
    let streams = Dialect::TABLE.iter();
    for (provider, from) in streams.filter(|(_, from)| *from != Dialect::HfFeatures) {
        let (opening, chunk) = stream(*from);
        let (opening, chunk) = (Bytes::from(opening), Bytes::from(chunk));
        for (client, surface, _) in CLIENTS {
            let to = surface.dialect();
            // Chat completions and Messages are not asked of a provider of Responses.
            if *from == Dialect::OpenAiResponses && to != *from {
                continue;
            }
            let plan = StreamPlan {
                from: *from,
                to,
                surface,
                fidelity: Fidelity::Canonical,
                show_usage: false,
                model: "fast".into(),
                id: "chatcmpl-x".into(),
                created: 1,
                choices: 1,
                input_estimate: 10,
            };
            let begun = || {
                let (mut begun, mut out) = (AnswerStream::new(plan.clone()), BytesMut::new());
                let _ = begun.feed(&opening, &mut out);
                let _ = begun.feed(&chunk, &mut out);
                assert!(!out.is_empty(), "{provider} to {client}");
                begun
            };
            group.bench_function(format!("{provider} to {client}"), |b| {
                let mut out = BytesMut::with_capacity(1 << 16);
                b.iter_batched_ref(
                    begun,
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
    }
    group.finish();
}

criterion_group!(benches, requests, streams);
criterion_main!(benches);
