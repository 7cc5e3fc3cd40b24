//! What Alfred writes anew is what OpenAI publishes: every recorded answer of every provider, asked
//! for through the real binary, is judged by the models of the `openai` package, and by the published
//! schema itself where `OPENAI_SPEC` names it (openapi.json of the repository openai/openai-openapi).

use crate::harness::{finish, python};
use crate::support::{Gateway, free_port, shared};

/// Providers that are asked for their recordings, with their kinds and the tails of their addresses.
const PROVIDERS: [(&str, &str, &str); 11] = [
    ("anew", "kind: openai_compatible", "/v1"),
    ("groq", "kind: groq, keys: [k]", "/v1"),
    ("mistral", "kind: mistral, keys: [k]", "/v1"),
    ("together", "kind: together, keys: [k]", "/v1"),
    ("huggingface", "kind: huggingface, keys: [k]", "/v1"),
    ("ollama", "kind: ollama", "/v1"),
    ("anthropic", "kind: anthropic, keys: [k]", ""),
    ("gemini", "kind: gemini, keys: [k]", ""),
    ("cohere", "kind: cohere, keys: [k]", ""),
    ("ollama_native", "kind: ollama", "/api"),
    (
        "bedrock",
        "kind: bedrock, region: eu-west-1, keys: [\"AKIDEXAMPLE:secret\"]",
        "",
    ),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_a_provider_once_said_is_told_as_openai_publishes_it() {
    let port = free_port();
    let calm = "breaker: { failures: 100000, connect_errors: 100000 }";
    let mut yaml = "flood: { requests: 0 }\nproviders:\n".to_owned();
    for (name, settings, tail) in PROVIDERS {
        let url = format!("http://127.0.0.1:{port}{tail}");
        yaml += &format!("  {name}: {{ {settings}, endpoints: [\"{url}\"], {calm} }}\n");
    }
    let gateway = Gateway::start(&yaml).await;
    let mut command = python("schema_client.py");
    command
        .arg(format!("http://{}/v1", gateway.addr))
        .args([&gateway.key, &port.to_string()])
        .arg(shared())
        .args(PROVIDERS.map(|(name, ..)| name));
    println!("{}", finish(command).await);
    gateway.settled().await;
}
