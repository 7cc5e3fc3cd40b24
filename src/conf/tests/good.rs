//! Why: a good file means what its author thinks it means.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;

use super::super::*;
use super::read;

const WHOLE: &str = r#"
listen:   { gateway: 0.0.0.0:9090, admin: 127.0.0.1:8000, telemetry: 127.0.0.1:9464, console: 127.0.0.1:3000 }
tls:      { cert: ./tls/server.pem, key: ./tls/server.key, min_version: "1.3" }
data_dir: ./data
store:    sqlite
threads:  0
trusted_proxies: []
body:     { max: 20MB, read_timeout: 30s, in_flight_max: 1GB }
providers:
  openai: { kind: openai, keys: ["${OPENAI_API_KEY:?export it first}"] }
  vllm:
    kind: openai_compatible
    endpoints: [ { url: "http://10.0.0.5:8000/v1", weight: 2 }, { url: "http://10.0.0.6:8000/v1/" } ]
    balance: round_robin
    timeouts: { connect: 1s, first_byte: 50s, between_chunks: 20s, total: 5m, commit_after: 9s }
    breaker:  { failures: 7, window: 31s, cooldown: 16s }
    on_client_disconnect: drain
    retry_budget: { percent: 10, window: 20s, minimum: 3 }
models:
  fast:
    targets:  [ { model: vllm/org/qwen3-8b, weight: 3 }, { model: openai/gpt-5-mini, weight: 1 } ]
    fallback: [ openai/gpt-5 ]
    retry:    { attempts: 4, deadline: 80s }
limits:
  - { per: key, requests: 600, window: 1m }
  - { per: key, tokens: 200k, window: 1m }
cors:     { origins: ["https://app.example.com"] }
keys:     [ { name: ci, hash: "blake3:00000000000000000000000000000000000000000000000000000000000000ff", models: [fast] } ]
prices:   { "vllm/qwen3-8b": { in: 0, out: 0, cache_read: 1 } }
unknown_price: { ceiling: { in: 15000000, out: 75000000 } }
"#;

#[test]
fn the_file_of_the_contract_means_what_it_says() {
    let config = read(WHOLE, &[("OPENAI_API_KEY", "sk-1")]).unwrap();
    assert_eq!(config.listen, Listen::default());
    let tls = config.tls.unwrap();
    assert_eq!(
        (tls.cert, tls.min_version),
        (PathBuf::from("./tls/server.pem"), TlsVersion::V1_3)
    );
    assert_eq!(config.body, BodyLimits::default());
    let openai = &config.providers["openai"];
    assert_eq!(openai.keys, [Secret::new("sk-1")]);
    assert_eq!(openai.endpoints[0].url, "https://api.openai.com/v1");
    let vllm = &config.providers["vllm"];
    let urls: Vec<_> = vllm
        .endpoints
        .iter()
        .map(|e| (e.url.as_str(), e.weight))
        .collect();
    assert_eq!(
        urls,
        [
            ("http://10.0.0.5:8000/v1", 2),
            ("http://10.0.0.6:8000/v1", 1)
        ]
    );
    assert_eq!(vllm.balance, Balance::RoundRobin);
    assert_eq!(vllm.on_client_disconnect, OnDisconnect::Drain);
    assert_eq!(vllm.timeouts.commit_after, Duration::from_secs(9));
    assert_eq!(vllm.breaker.failures, 7);
    assert_eq!(vllm.retry_budget.minimum, 3);
    let fast = &config.models["fast"];
    let target = &fast.targets[0];
    assert_eq!(
        (target.provider.as_str(), target.model.as_str()),
        ("vllm", "org/qwen3-8b")
    );
    assert_eq!(target.weight, 3);
    assert_eq!(fast.fallback[0].model, "gpt-5");
    assert_eq!(
        (fast.retry.attempts, fast.retry.deadline),
        (4, Duration::from_secs(80))
    );
    assert_eq!(config.limits[1].tokens, Some(200_000));
    assert_eq!(config.cors.unwrap().max_age, Duration::from_secs(600));
    assert_eq!(config.keys[0].models, ["fast"]);
    let price = &config.prices["vllm/qwen3-8b"];
    assert_eq!(
        (price.input, price.output, price.cache_read),
        (Some(0), Some(0), Some(1))
    );
    let UnknownPrice::Ceiling(ceiling) = config.unknown_price else {
        panic!("a ceiling was written");
    };
    assert_eq!((ceiling.input, ceiling.output), (15_000_000, 75_000_000));
}

#[test]
fn an_empty_file_is_all_defaults_and_the_mock() {
    for text in [
        "",
        "\n",
        "# nothing\n",
        "---\n",
        "{}",
        "null",
        "providers:\nmodels:\nlimits:\n",
        "\u{feff}",
    ] {
        let config = read(text, &[]).unwrap();
        let mut expected = Config::default();
        expected
            .providers
            .insert("mock".to_owned(), Provider::of_kind(Kind::Mock));
        assert_eq!(config, expected, "{text:?}");
    }
}

#[test]
fn the_defaults_are_those_of_the_contract() {
    let config = Config::default();
    assert_eq!(
        config.listen.gateway,
        SocketAddr::from(([0, 0, 0, 0], 9090))
    );
    assert_eq!(config.body.max, 20_000_000);
    assert_eq!(config.shutdown.drain, Duration::from_secs(120));
    let timeouts = Timeouts::default();
    let seconds = [
        timeouts.connect,
        timeouts.first_byte,
        timeouts.between_chunks,
        timeouts.total,
        timeouts.commit_after,
    ]
    .map(|timeout| timeout.as_secs());
    assert_eq!(seconds, [2, 60, 30, 600, 20]);
    let budget = RetryBudget::default();
    assert_eq!(
        (budget.percent, budget.window.as_secs(), budget.minimum),
        (20, 10, 10)
    );
    assert_eq!(config.unknown_price, UnknownPrice::Warn);
}

#[test]
fn a_variable_may_stand_in_a_number_a_duration_a_choice_and_an_address() {
    let text = "
threads: ${THREADS}
listen: { gateway: \"${HOST}:${PORT:-9999}\" }
log: { level: \"${LEVEL}\" }
body: { read_timeout: \"${NONE:-7s}\", max: \"${MAX}\" }
";
    let env = [
        ("THREADS", "4"),
        ("HOST", "127.0.0.1"),
        ("LEVEL", "debug"),
        ("MAX", "1MB"),
    ];
    let config = read(text, &env).unwrap();
    assert_eq!(config.threads, 4);
    assert_eq!(
        config.listen.gateway,
        SocketAddr::from(([127, 0, 0, 1], 9999))
    );
    assert_eq!(config.log.level, LogLevel::Debug);
    assert_eq!(config.body.read_timeout, Duration::from_secs(7));
    assert_eq!(config.body.max, 1_000_000);
}

#[test]
fn a_variable_that_holds_yaml_stays_one_value() {
    let injected = "x: {}\nlisten: { gateway: 1.2.3.4:1 }\n# \"";
    for text in [
        "data_dir: ${X}",
        "data_dir: \"${X}\"",
        "data_dir: '${X}'",
        "{ data_dir: \"${X}\" }",
    ] {
        let config = read(text, &[("X", injected)]).unwrap();
        assert_eq!(config.data_dir, Path::new(injected), "{text}");
        assert_eq!(config.listen, Listen::default());
    }
}

#[test]
fn a_variable_that_leaves_nothing_is_a_setting_not_written() {
    let text = "data_dir: ${NONE:-}\nthreads: \"${EMPTY}\"\nproviders: { a: { kind: ollama, api_version: \"${NONE:-}\" } }";
    let config = read(text, &[("EMPTY", "")]).unwrap();
    assert_eq!(config.data_dir, Path::new("./data"));
    assert_eq!(config.threads, 0);
    assert_eq!(config.providers["a"].api_version, None);
}

#[test]
fn anchors_and_merges_work_and_what_is_written_wins() {
    let text = "
providers:
  a: &a
    timeouts: { total: 7m }
    kind: ollama
  b: { <<: *a, kind: mock }
  c: { kind: mock, <<: [ { balance: weighted }, *a ] }
";
    let providers = read(text, &[]).unwrap().providers;
    let seven = Duration::from_secs(420);
    assert_eq!(
        (providers["b"].kind, providers["b"].timeouts.total),
        (Kind::Mock, seven)
    );
    assert_eq!(
        (providers["c"].kind, providers["c"].timeouts.total),
        (Kind::Mock, seven)
    );
    assert_eq!(providers["c"].balance, Balance::Weighted);
}

#[test]
fn overrides_keep_the_types_of_json() {
    let text = "
providers:
  a:
    kind: ollama
    overrides:
      temperature: 0.2
      seed: 7
      text: \"7\"
      version: 1.2.3
      yes: true
      nothing: null
      blank:
      list: [ 1, -2e3, false, x ]
      deep: { a: { b: ~ } }
      from_env: ${NUMBER}
      text_from_env: \"${NUMBER}\"
      exact: 12345678901234567890
      octal: 010
";
    let config = read(text, &[("NUMBER", "3")]).unwrap();
    let overrides = serde_json::to_value(&config.providers["a"].overrides).unwrap();
    let expected = json!({
        "temperature": 0.2, "seed": 7, "text": "7", "version": "1.2.3", "yes": true, "nothing": null, "blank": null,
        "list": [1, -2000.0, false, "x"], "deep": { "a": { "b": null } }, "from_env": 3, "text_from_env": "3",
        "exact": 12_345_678_901_234_567_890_u64, "octal": "010",
    });
    assert_eq!(overrides, expected);
}

#[test]
fn texts_need_no_quotes_even_where_yaml_would_guess_a_type() {
    let text = "
tls: { cert: yes, key: 12, min_version: 1.2 }
providers: { no: { kind: azure, keys: [ 1e3 ], api_version: 2024-10-21, endpoints: [ \"https://r.openai.azure.com\" ] } }
";
    let config = read(text, &[]).unwrap();
    assert_eq!(config.tls.unwrap().cert, Path::new("yes"));
    let azure = &config.providers["no"];
    assert_eq!(azure.keys[0].expose(), "1e3");
    assert_eq!(azure.api_version.as_deref(), Some("2024-10-21"));
}

#[test]
fn the_addresses_of_azure_end_in_one_of_two_forms() {
    for (url, version, kept) in [
        (
            "https://r.openai.azure.com",
            None,
            "https://r.openai.azure.com/openai/v1",
        ),
        (
            "https://r.openai.azure.com/openai/",
            None,
            "https://r.openai.azure.com/openai/v1",
        ),
        (
            "https://r.openai.azure.com/openai/v1/",
            None,
            "https://r.openai.azure.com/openai/v1",
        ),
        (
            "https://gw.example.com/ai/v1",
            None,
            "https://gw.example.com/ai/v1",
        ),
        (
            "https://r.openai.azure.com",
            Some("2024-10-21"),
            "https://r.openai.azure.com",
        ),
        (
            "https://r.openai.azure.com/openai",
            Some("2024-10-21"),
            "https://r.openai.azure.com",
        ),
        (
            "https://gw.example.com/ai",
            Some("2025-01-01-preview"),
            "https://gw.example.com/ai",
        ),
    ] {
        let version = version.map_or(String::new(), |version| {
            format!(", api_version: \"{version}\"")
        });
        let text = format!(
            "providers: {{ a: {{ kind: azure, keys: [ k ], endpoints: [ \"{url}\" ]{version} }} }}"
        );
        let config = read(&text, &[]).unwrap();
        assert_eq!(config.providers["a"].endpoints[0].url, kept, "{text}");
    }
}

#[test]
fn an_ollama_is_asked_by_the_api_that_its_addresses_name() {
    for (url, kept, native) in [
        ("http://h:11434", "http://h:11434/v1", false),
        ("http://h:11434/v1/", "http://h:11434/v1", false),
        ("http://h:11434/api/", "http://h:11434/api", true),
        ("https://h/far/api", "https://h/far/api", true),
    ] {
        let text = format!("providers: {{ o: {{ kind: ollama, endpoints: [ \"{url}\" ] }} }}");
        let ollama = &read(&text, &[]).unwrap().providers["o"];
        assert_eq!(ollama.endpoints[0].url, kept);
        assert_eq!(ollama.is_native_ollama(), native, "{url}");
    }
    let config = read("providers: { o: { kind: ollama } }", &[]).unwrap();
    assert!(!config.providers["o"].is_native_ollama());
}

#[test]
fn the_timeouts_of_an_alias_win_over_those_of_the_provider() {
    let text = "
providers: { a: { kind: ollama, timeouts: { first_byte: 5s, total: 50s } } }
models: { m: { targets: [ a/x ], timeouts: { first_byte: 9s } } }
";
    let config = read(text, &[]).unwrap();
    let timeouts = config.models["m"]
        .timeouts
        .over(&config.providers["a"].timeouts);
    assert_eq!(
        (timeouts.first_byte.as_secs(), timeouts.total.as_secs()),
        (9, 50)
    );
    assert_eq!(timeouts.connect, Timeouts::default().connect);
}

#[test]
fn the_mock_may_be_named_without_being_configured_and_keeps_its_settings_when_it_is() {
    let config = read(
        "models: { m: { targets: [ \"mock/stream?chunks=5\" ] } }",
        &[],
    )
    .unwrap();
    assert_eq!(config.models["m"].targets[0].model, "stream?chunks=5");
    assert!(config.providers["mock"].endpoints.is_empty());
    let text =
        "providers: { mock: { kind: mock, http: h2, endpoints: [ \"http://127.0.0.1:7/v1\" ] } }";
    let config = read(text, &[]).unwrap();
    assert_eq!(config.providers["mock"].http, HttpVersion::H2);
}

#[test]
fn a_problem_found_later_still_points_into_the_file() {
    let config = read(WHOLE, &[("OPENAI_API_KEY", "sk-1")]).unwrap();
    let problem = config
        .source
        .problem(&["tls", "cert"], "there is no such file")
        .hint("make one");
    assert_eq!((problem.line, problem.column), (3, 19));
    assert_eq!(problem.path, "tls.cert");
    let unwritten = config
        .source
        .problem(&["providers", "vllm", "http"], "cannot be");
    assert_eq!((unwritten.line, unwritten.column), (11, 3));
    let second = config.source.problem(
        &["providers", "vllm", "endpoints", "1", "url"],
        "no such host",
    );
    assert_eq!((second.line, second.column), (13, 72));
    let nowhere = Config::default().source.problem(&["tls"], "cannot be");
    assert_eq!(nowhere.to_string(), "configuration: tls: cannot be");
}

#[test]
fn two_files_that_say_the_same_are_equal() {
    let short = read("threads: 2", &[]).unwrap();
    let long = read("# two\nthreads: \"2\"\nlisten:\n", &[]).unwrap();
    assert_eq!(short, long);
    assert_ne!(short, read("threads: 3", &[]).unwrap());
}

#[test]
fn a_short_total_alone_is_no_contradiction() {
    let text = "providers: { a: { kind: ollama, timeouts: { total: 700ms, first_byte: 300ms } } }\n\
                models: { x: { targets: [ a/b ], timeouts: { total: 200ms } } }";
    let config = read(text, &[]).expect("reads");
    let provider = &config.providers["a"].timeouts;
    let ms = std::time::Duration::from_millis;
    assert_eq!((provider.first_byte, provider.connect), (ms(300), ms(700)));
    let alias = config.models["x"].timeouts.over(provider);
    assert_eq!((alias.first_byte, alias.total), (ms(200), ms(200)));
}

#[test]
fn an_alias_reaches_all_its_targets_unless_it_says_otherwise() {
    let text = "models:\n  a: { targets: [ mock/a, mock/b ], fallback: [ mock/c, mock/d, mock/e ] }\n  \
                b: { targets: [ mock/a, mock/b ], fallback: [ mock/c, mock/d ], retry: { attempts: 2 } }\n  \
                c: { targets: [ mock/a ] }";
    let config = read(text, &[]).expect("reads");
    let attempts = |name: &str| config.models[name].retry.attempts;
    assert_eq!((attempts("a"), attempts("b"), attempts("c")), (5, 2, 3));
}

#[test]
fn an_issuer_of_tokens_needs_little_and_its_key_files_are_watched() {
    let text = "jwt:\n  - { name: a, issuer: \"https://a\", audience: x, algorithms: [ES256], public_key: ./a.pem }\n  \
                - { name: b, issuer: \"https://a\", audience: [y, z], algorithms: [EdDSA, RS256], jwks_file: ./b.json }";
    let config = read(text, &[]).expect("reads");
    let [a, b] = config.jwt.as_slice() else {
        panic!("two issuers");
    };
    assert_eq!((a.audience.len(), b.audience.len()), (1, 2));
    assert_eq!(b.algorithms, [Algorithm::EdDsa, Algorithm::Rs256]);
    assert_eq!(a.claims, ClaimNames::default());
    assert_eq!(
        (a.claims.user.as_str(), a.claims.email.as_str()),
        ("sub", "email")
    );
    assert_eq!(
        (a.leeway, a.refresh),
        (Duration::from_secs(30), Duration::from_secs(300))
    );
    assert_eq!(
        (a.plane, a.unknown_users),
        (Planes::Both, UnknownUsers::Refuse)
    );
    let files: Vec<&Path> = config.files().collect();
    assert_eq!(files, [Path::new("./a.pem"), Path::new("./b.json")]);
}
