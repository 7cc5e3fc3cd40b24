//! Why: the first file a user sees must teach: every setting with its default and a word on it, and nothing switched on
//! that was not asked for.

use std::fmt::Write as _;

use super::provider::Kind;

/// The commented configuration that `alfred init` writes. The providers of the given kinds are switched on, the others
/// stand in comments. It can be read as it is, once the variables it names are set.
pub fn template(providers: &[Kind]) -> String {
    let mut text = String::from(HEAD);
    for kind in Kind::ALL {
        let mark = if providers.contains(kind) {
            "  "
        } else {
            "  # "
        };
        for line in example(*kind).lines() {
            text.push_str(mark);
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(MODELS);
    let named = providers
        .iter()
        .find_map(|kind| Some((kind.name(), model(*kind)?)));
    let (mark, name, model) = match named {
        Some((name, model)) => ("  ", name, model),
        None => ("  # ", "openai", "gpt-5-mini"),
    };
    for line in [
        "fast:".to_owned(),
        format!("  targets: [ {name}/{model} ]"),
        "  # fallback: [ PROVIDER/MODEL ]                   # tried when no target answered"
            .to_owned(),
        "  retry: { attempts: 3, deadline: 90s }".to_owned(),
    ] {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{mark}{line}");
    }
    text.push_str(TAIL);
    text
}

/// How a provider of this kind is written.
fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Openai => "openai: { kind: openai, keys: [\"${OPENAI_API_KEY:?export it first}\"] }",
        Kind::Azure => {
            "azure:
  kind: azure
  endpoints: [ { url: \"${AZURE_OPENAI_ENDPOINT:?such as https://RESOURCE.openai.azure.com}\" } ]
  keys: [\"${AZURE_OPENAI_API_KEY:?export it first}\"]
  # api_version: \"2024-10-21\"                        # only for the classic form of the address"
        }
        Kind::Anthropic => {
            "anthropic: { kind: anthropic, keys: [\"${ANTHROPIC_API_KEY:?export it first}\"] }"
        }
        Kind::Gemini => "gemini: { kind: gemini, keys: [\"${GEMINI_API_KEY:?export it first}\"] }",
        Kind::Mistral => {
            "mistral: { kind: mistral, keys: [\"${MISTRAL_API_KEY:?export it first}\"] }"
        }
        Kind::Groq => "groq: { kind: groq, keys: [\"${GROQ_API_KEY:?export it first}\"] }",
        Kind::Together => {
            "together: { kind: together, keys: [\"${TOGETHER_API_KEY:?export it first}\"] }"
        }
        Kind::Ollama => {
            "ollama: { kind: ollama, endpoints: [ { url: \"http://127.0.0.1:11434/v1\" } ] }"
        }
        Kind::Huggingface => {
            "huggingface: { kind: huggingface, keys: [\"${HF_TOKEN:?export it first}\"] }"
        }
        Kind::Bedrock => {
            "bedrock:
  kind: bedrock
  keys: [\"${AWS_BEARER_TOKEN_BEDROCK:?export it first}\"]  # or ACCESS_KEY_ID:SECRET_ACCESS_KEY:SESSION_TOKEN
  region: us-east-1"
        }
        Kind::Cohere => "cohere: { kind: cohere, keys: [\"${COHERE_API_KEY:?export it first}\"] }",
        Kind::OpenaiCompatible => {
            "vllm:
  kind: openai_compatible                            # vLLM, llama.cpp, SGLang, LM Studio, TGI …
  endpoints: [ { url: \"http://127.0.0.1:8001/v1\" } ]
  timeouts: { connect: 2s, first_byte: 60s, between_chunks: 30s, total: 10m }
  breaker: { failures: 5, ratio: 50, connect_errors: 3, window: 30s, cooldown: 15s }"
        }
        Kind::Mock => {
            "mock: { kind: mock }                                 # always there, named or not"
        }
    }
}

/// A model most accounts of this kind can call; `None` where each has its own.
fn model(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Openai => Some("gpt-5-mini"),
        Kind::Anthropic => Some("claude-haiku-4-5"),
        Kind::Gemini => Some("gemini-2.5-flash"),
        Kind::Mistral => Some("mistral-small-latest"),
        Kind::Groq => Some("llama-3.3-70b-versatile"),
        Kind::Together => Some("meta-llama/Llama-3.3-70B-Instruct-Turbo"),
        Kind::Huggingface => Some("meta-llama/Llama-3.3-70B-Instruct"),
        Kind::Ollama => Some("llama3.2"),
        Kind::Cohere => Some("command-a-03-2025"),
        Kind::Azure | Kind::Bedrock | Kind::OpenaiCompatible | Kind::Mock => None,
    }
}

const HEAD: &str = r##"# yaml-language-server: $schema=./schema.json
#
# The settings of Alfred. `alfred check` reads this file and says all that is wrong with it.
# Lines in comments show the defaults; a setting that is not written has its default.
# Any value may hold ${VARIABLE}, ${VARIABLE:-default} or ${VARIABLE:?message}; a key may also be file:/path.

# Where Alfred listens. Admin and console stay on this machine.
# listen: { gateway: "0.0.0.0:9090", admin: "127.0.0.1:8000", telemetry: "127.0.0.1:9464", console: "127.0.0.1:3000" }

# TLS on the gateway's port.
# tls: { cert: ./tls/server.pem, key: ./tls/server.key, min_version: "1.2" }

# The folder of the database; threads of the gateway, where 0 means one per core.
# data_dir: ./data
# store: sqlite
# threads: 0

# Proxies in front of Alfred whose X-Forwarded-For is believed.
# trusted_proxies: [ 10.0.0.0/8 ]

# Larger bodies are answered 413; beyond in_flight_max clients are asked to retry.
# body: { max: 20MB, read_timeout: 30s, in_flight_max: 1GB }

# Leaving: time for load balancers to notice, then time for running calls to finish.
# shutdown: { pause: 0s, drain: 2m }

# Requests of one address, counted before authentication; 0 switches this off.
# flood: { requests: 50k, window: 1s }

# Who answers. Call any of their models as provider/model, such as openai/gpt-5-mini.
providers:
"##;

const MODELS: &str = r##"
# Names of your own for one model or several: the first targets are shared by weight, then comes the fallback.
models:
"##;

const TAIL: &str = r##"
# Limits for each key. `alfred keys create` makes keys.
# limits:
#   - { per: key, requests: 600, window: 1m }
#   - { per: key, tokens: 200k, window: 1m }

# Web pages that may call Alfred from a browser.
# cors: { origins: [ "https://app.example.com" ] }

# Prices by provider/model in pico-USD per token (micro-USD per million tokens); they win over the shipped table.
# prices:
#   openai/my-fine-tune: { in: 300000, out: 1200000 }

# A call whose model has no known price: warn, refuse, or { ceiling: { in: 15000000, out: 75000000 } }.
# unknown_price: warn

# log: { level: info, format: auto }
"##;
