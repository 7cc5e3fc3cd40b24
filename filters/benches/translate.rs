//! What it costs to say a request in the other dialect: reading, lifting,
//! fitting, lowering. The promise is at most 15 us for 2 KB.

use std::hint::black_box;

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const SENTENCE: &str = "The quick brown fox jumps over the lazy dog, and 42 hens look on.\\n";
const SCHEMA: &str = r#"{"type":"object","properties":{"city":{"type":"string","description":"Which city"}},"required":["city"]}"#;

fn chat() -> Bytes {
    let text = SENTENCE.repeat(5);
    Bytes::from(format!(
        r#"{{"model":"fast","messages":[{{"role":"system","content":"{text}"}},{{"role":"user","content":[{{"type":"text","text":"{text}"}}]}},{{"role":"assistant","content":null,"tool_calls":[{{"id":"call_1","type":"function","function":{{"name":"weather","arguments":"{{\"city\":\"Paris\"}}"}}}}]}},{{"role":"tool","tool_call_id":"call_1","content":"{text}"}},{{"role":"user","content":"{text}"}}],"tools":[{{"type":"function","function":{{"name":"weather","description":"Tells the weather","parameters":{SCHEMA}}}}}],"temperature":0.2,"max_tokens":512,"stream":true,"user":"u-17"}}"#
    ))
}

fn messages() -> Bytes {
    let text = SENTENCE.repeat(5);
    Bytes::from(format!(
        r#"{{"model":"fast","max_tokens":512,"system":[{{"type":"text","text":"{text}","cache_control":{{"type":"ephemeral"}}}}],"messages":[{{"role":"user","content":"{text}"}},{{"role":"assistant","content":[{{"type":"tool_use","id":"toolu_1","name":"weather","input":{{"city":"Paris"}}}}]}},{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_1","content":"{text}"}},{{"type":"text","text":"{text}"}}]}}],"tools":[{{"name":"weather","description":"Tells the weather","input_schema":{SCHEMA}}}],"temperature":0.2,"stream":true,"metadata":{{"user_id":"u-17"}}}}"#
    ))
}

fn translated(c: &mut Criterion) {
    let mut group = c.benchmark_group("translated request 2KB, at most 15 us");
    for (name, surface, body, to, model) in [
        (
            "OpenAI to Anthropic",
            Surface::Chat,
            chat(),
            Dialect::AnthropicMessages,
            "claude-sonnet-4-5",
        ),
        (
            "Anthropic to OpenAI",
            Surface::Messages,
            messages(),
            Dialect::OpenAiChat,
            "gpt-5-mini",
        ),
        (
            "OpenAI to Ollama",
            Surface::Chat,
            chat(),
            Dialect::OllamaChat,
            "qwen3:8b",
        ),
        (
            "OpenAI to Cohere",
            Surface::Chat,
            chat(),
            Dialect::CohereChat,
            "command-a-03-2025",
        ),
        (
            "Anthropic to Cohere",
            Surface::Messages,
            messages(),
            Dialect::CohereChat,
            "command-a-03-2025",
        ),
    ] {
        let how = Translation {
            patch: RequestPatch {
                model,
                ask_usage: true,
                ..RequestPatch::default()
            },
            default_max_output: 4096,
            most_output: None,
            keep_reasoning: false,
        };
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(name, |b| {
            b.iter(|| {
                Prompt::read(surface, black_box(body.clone())).map(|p| p.translate(to, &how))
            });
        });
        let Ok(prompt) = Prompt::read(surface, body) else {
            continue;
        };
        group.bench_function(format!("{name}, already read"), |b| {
            b.iter(|| prompt.translate(to, &how));
        });
    }
    group.finish();
}

criterion_group!(benches, translated);
criterion_main!(benches);
