//! What an answer costs: integer arithmetic, rounded up once, and never nothing for unknown.

use serde_json::{Value, json};

use crate::support::{Answer, Do, Gateway, Scripted, Upstream, chat, streaming, until};
use crate::world::{alias, calm, config};

/// Pico-USD per token.
const PRICES: &str = "prices:\n  \"p/*\": { in: 2500000, out: 10000000, cache_read: 1250000 }\n  \"tiny/*\": { in: 1, out: 1 }\n  \"halves/*\": { in: 150000 }\n  \"huge/*\": { in: 9999999937, out: 1 }\n";

async fn start(more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let names = ["p", "tiny", "halves", "huge", "unknown"];
    let providers = names.map(|name| mock.provider(name, &calm("")));
    let models = [
        alias("dear", &["p/echo?tokens_in=1000&tokens_out=77"], ""),
        alias(
            "falls",
            &["p/status?code=503", "tiny/echo?tokens_in=5&tokens_out=4"],
            "",
        ),
        alias(
            "mixed",
            &["unknown/status?code=503", "p/echo?tokens_in=1&tokens_out=1"],
            "",
        ),
    ];
    let yaml = more.to_owned() + &config(&providers, &models);
    (mock, Gateway::start(&yaml).await)
}

async fn cost(gateway: &Gateway, answer: &Answer) -> i64 {
    let receipt = gateway.receipt_of(answer).await;
    assert!(receipt["price_unknown"].is_null(), "{receipt:#}");
    receipt["cost_nano"]
        .as_i64()
        .unwrap_or_else(|| panic!("no cost: {receipt:#}"))
}

#[tokio::test]
async fn a_cost_is_what_a_person_reckons_by_hand() {
    let (_mock, gateway) = start(PRICES).await;
    let cases = [
        // (600 x 2.5 + 400 x 1.25 + 77 x 10) micro-USD
        (
            "p/echo?tokens_in=1000&tokens_cached=400&tokens_out=77",
            2_770_000,
            "0.002770000",
        ),
        ("dear", 3_270_000, "0.003270000"),
        // Nine pico-USD are a nano-credit, rounded up once for the whole request.
        ("tiny/echo?tokens_in=5&tokens_out=4", 1, "0.000000001"),
        ("tiny/echo?tokens_in=1000&tokens_out=0", 1, "0.000000001"),
        ("tiny/echo?tokens_in=1000&tokens_out=1", 2, "0.000000002"),
        ("tiny/echo?tokens_in=0&tokens_out=0", 0, "0.000000000"),
        ("falls", 1, "0.000000001"),
    ];
    let mut spent = 0;
    for (model, nano, credits) in cases {
        let answer = gateway.chat(&chat(model, json!({}))).await.expect(200);
        assert_eq!(cost(&gateway, &answer).await, nano, "{model}");
        assert_eq!(answer.header("x-alfred-cost"), credits, "{model}");
        spent += nano;
    }
    #[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
    let spent = spent as f64;
    assert_eq!(
        gateway.metrics("alfred_spend_nano_credits_total").await,
        spent
    );
}

#[tokio::test]
async fn a_cost_beyond_what_a_float_can_hold_is_exact() {
    let (_mock, gateway) = start(PRICES).await;
    let model = "huge/echo?tokens_in=999999999&tokens_out=0";
    let answer = gateway.chat(&chat(model, json!({}))).await.expect(200);
    // 999,999,999 x 9,999,999,937 pico-USD; the next float is one nano-credit away.
    assert_eq!(cost(&gateway, &answer).await, 9_999_999_927_000_001);
    assert_eq!(answer.header("x-alfred-cost"), "9999999.927000001");
}

#[tokio::test]
async fn a_stream_costs_the_same_as_a_whole_answer() {
    let (_mock, gateway) = start(PRICES).await;
    let model = "p/echo?tokens_in=1000&tokens_cached=400&tokens_out=77";
    for body in [streaming(model), chat(model, json!({"stream": true}))] {
        let answer = gateway.chat(&body).await.expect(200);
        assert_eq!(cost(&gateway, &answer).await, 2_770_000);
        assert_eq!(
            answer.events().comments,
            1,
            "the figures known at the end: {}",
            answer.text()
        );
        assert!(answer.text().contains("0.002770000"), "{}", answer.text());
    }
}

/// One answer of OpenAI's `gpt-5-mini` for 1,000 tokens in and 100 out.
fn served(tier: &str, is_stream: bool) -> Vec<Do> {
    let usage = r#""usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}"#;
    let head = r#""id":"c","created":1,"model":"gpt-5-mini""#;
    if !is_stream {
        let body = format!(
            r#"{{{head},"object":"chat.completion","choices":[{{"index":0,"message":{{"role":"assistant","content":"Hi"}},"finish_reason":"stop"}}],{usage},"service_tier":{tier}}}"#
        );
        return vec![
            Do::Read,
            Do::Send([Do::json_head(body.len()), body.into_bytes()].concat()),
        ];
    }
    // Said at the beginning, as some do, and not again where the usage is.
    let first = format!(
        "data: {{{head},\"object\":\"chat.completion.chunk\",\"service_tier\":{tier},\"choices\":[{{\"index\":0,\"delta\":{{\"role\":\"assistant\",\"content\":\"Hi\"}},\"finish_reason\":\"stop\"}}]}}\n\n"
    );
    let last = format!(
        "data: {{{head},\"object\":\"chat.completion.chunk\",\"choices\":[],{usage}}}\n\ndata: [DONE]\n\n"
    );
    let events = Do::chunk(&(first + &last));
    vec![
        Do::Read,
        Do::Send([Do::stream_head(), events, Do::last_chunk()].concat()),
    ]
}

#[tokio::test]
async fn an_answer_costs_what_the_service_costs_that_was_given_not_the_one_asked_for() {
    // Pico-USD per token of the price table: 250,000 and 2,000,000; half in flex, 1.8 times in priority.
    let cases = [
        ("auto", "\"default\"", 450_000),
        ("auto", "\"flex\"", 225_000),
        ("default", "\"priority\"", 810_000),
        ("priority", "\"default\"", 450_000),
        // Where the provider says nothing it gave what was asked for.
        ("priority", "null", 810_000),
    ];
    for is_stream in [false, true] {
        let scripts = cases.iter().map(|(_, given, _)| served(given, is_stream));
        let openai = Scripted::new(scripts.collect()).await;
        let provider = format!(
            "  openai: {{ kind: openai, endpoints: [\"http://{}/v1\"], keys: [ sk-test ] }}\n",
            openai.addr
        );
        let gateway = Gateway::start(&config(&[provider], &[])).await;
        for (asked, given, nano) in cases {
            let more = json!({"service_tier": asked, "stream": is_stream});
            let body = chat("openai/gpt-5-mini", more);
            let answer = gateway.chat(&body).await.expect(200);
            let about = format!("asked {asked}, given {given}, stream {is_stream}");
            assert_eq!(cost(&gateway, &answer).await, nano, "{about}");
            let receipt = gateway.receipt_of(&answer).await;
            let told = receipt["usage"]["service_tier"].as_str();
            let word = given.trim_matches('"').replace("default", "standard");
            assert_eq!(told, Some(&*word).filter(|word| *word != "null"), "{about}");
        }
    }
}

#[tokio::test]
async fn embeddings_cost_their_input() {
    let (_mock, gateway) = start(PRICES).await;
    let mut client = gateway.h1().await;
    let body = json!({"model": "p/echo?tokens_in=400", "input": "a text"}).to_string();
    let length = format!("content-length: {}", body.len());
    let head = client.head(
        "POST",
        "/v1/embeddings",
        &["content-type: application/json", &length],
    );
    client.send(head + &body).await;
    let answer = client.answer().await.expect(200);
    assert_eq!(cost(&gateway, &answer).await, 1_000_000);
    assert_eq!(answer.header("x-alfred-cost"), "0.001000000");
}

#[tokio::test]
async fn what_failed_before_an_answer_costs_nothing_and_the_answer_costs_what_gave_it_asks() {
    let (_mock, gateway) = start(PRICES).await;
    for model in [
        "p/status?code=400",
        "p/status?code=503",
        "p/close",
        "p/error_in_stream",
    ] {
        let answer = gateway.chat(&chat(model, json!({}))).await;
        let receipt = gateway.receipt_of(&answer).await;
        assert!(receipt["cost_nano"].is_null(), "{model}: {receipt:#}");
        assert!(receipt["usage"].is_null(), "{model}: {receipt:#}");
        assert_eq!(answer.header("x-alfred-cost"), "");
    }
    let answer = gateway.chat(&chat("mixed", json!({}))).await.expect(200);
    assert_eq!(cost(&gateway, &answer).await, 12_500);
}

/// The lines of the program's log at level `warn`.
fn warnings(gateway: &Gateway) -> Vec<Value> {
    let log = gateway.log();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines.filter(|line| line["level"] == "warn").collect()
}

#[tokio::test]
async fn an_unknown_price_is_loud_and_not_zero() {
    let (_mock, gateway) = start(PRICES).await;
    for body in [chat("unknown/echo", json!({})), streaming("unknown/echo")] {
        for _ in 0..2 {
            let answer = gateway.chat(&body).await.expect(200);
            let receipt = gateway.receipt_of(&answer).await;
            assert_eq!(receipt["price_unknown"], true, "{receipt:#}");
            assert!(receipt["cost_nano"].is_null(), "{receipt:#}");
            assert_eq!(answer.header("x-alfred-cost"), "", "{answer:?}");
        }
    }
    assert_eq!(
        gateway.metrics("alfred_unpriced_requests_total{").await,
        4.0
    );
    until("a warning", || async { !warnings(&gateway).is_empty() }).await;
    let warnings = warnings(&gateway);
    let about: Vec<_> = warnings
        .iter()
        .filter(|line| line.to_string().contains("unknown/echo"))
        .collect();
    assert_eq!(about.len(), 1, "once for each model: {warnings:?}");
    assert!(
        about[0]["message"].as_str().unwrap().contains("price"),
        "{about:?}"
    );
}

#[tokio::test]
async fn a_price_that_covers_only_a_part_is_unknown_for_the_rest() {
    let (_mock, gateway) = start(PRICES).await;
    let answer = gateway
        .chat(&chat("halves/echo?tokens_in=10&tokens_out=1", json!({})))
        .await
        .expect(200);
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["price_unknown"], true, "{receipt:#}");
    assert_eq!(answer.header("x-alfred-cost"), "");
}

#[tokio::test]
async fn models_without_a_price_can_be_refused() {
    let (mock, gateway) = start(&format!("unknown_price: refuse\n{PRICES}")).await;
    let answer = gateway.chat(&chat("unknown/echo", json!({}))).await;
    let answer = answer.expect_refusal(400, "unknown_price");
    assert!(answer.text().contains("prices"), "{}", answer.text());
    assert!(mock.requests().await.is_empty());
    gateway.chat(&chat("p/echo", json!({}))).await.expect(200);
    gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
    // A fallback without a price is passed over, the rest of the plan stands.
    let answer = gateway.chat(&chat("mixed", json!({}))).await.expect(200);
    assert_eq!(answer.header("x-alfred-attempts"), "1");
}

#[tokio::test]
async fn models_without_a_price_can_be_charged_a_ceiling() {
    let ceiling = "unknown_price: { ceiling: { in: 15000000, out: 75000000 } }\n";
    let (_mock, gateway) = start(&format!("{ceiling}{PRICES}")).await;
    let answer = gateway
        .chat(&chat("unknown/echo?tokens_in=10&tokens_out=2", json!({})))
        .await;
    assert_eq!(cost(&gateway, &answer.expect(200)).await, 300_000);
    let answer = gateway.chat(&chat("dear", json!({}))).await;
    assert_eq!(cost(&gateway, &answer.expect(200)).await, 3_270_000);
}

#[tokio::test]
async fn the_mock_is_free_and_says_so() {
    let (_mock, gateway) = start("").await;
    let answer = gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
    assert_eq!(answer.header("x-alfred-cost"), "0.000000000");
    assert_eq!(cost(&gateway, &answer).await, 0);
}
