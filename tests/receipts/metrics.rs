//! The counters add up to what was asked, and no label is a client's to choose.

use serde_json::json;

use crate::support::{Gateway, H1, Upstream, chat, streaming};
use crate::world::{alias, calm, config};

async fn start() -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("")), mock.provider("q", &calm(""))];
    let models = [
        alias("fast", &["p/echo?tokens_in=100&tokens_out=7"], ""),
        alias(
            "falls",
            &["p/status?code=503", "q/echo?tokens_in=10&tokens_out=3"],
            "",
        ),
    ];
    let prices = "prices: { \"p/*\": { in: 1000, out: 3000 } }\n";
    let yaml = prices.to_owned() + &config(&providers, &models);
    (mock, Gateway::start(&yaml).await)
}

/// One request of each kind; gives how many there were.
async fn ask(gateway: &Gateway) -> f64 {
    let bodies = [
        (chat("fast", json!({})), 200),
        (streaming("fast"), 200),
        (chat("falls", json!({})), 200),
        (chat("p/status?code=400", json!({})), 400),
        (chat("nobody", json!({})), 404),
        (b"{".to_vec(), 400),
    ];
    for (body, status) in &bodies {
        gateway.chat(body).await.expect(*status);
    }
    H1::connect(gateway.addr)
        .await
        .get("/v1/models")
        .await
        .expect(401);
    gateway.h1().await.get("/v1/models").await.expect(200);
    gateway.settled().await;
    8.0
}

#[tokio::test]
async fn the_counters_add_up() {
    let (_mock, gateway) = start().await;
    let asked = ask(&gateway).await;
    for (series, count) in [
        ("alfred_requests_total{", asked),
        (
            "alfred_requests_total{outcome=\"ok\",surface=\"chat\"}",
            3.0,
        ),
        (
            "alfred_requests_total{outcome=\"refused\",surface=\"chat\"}",
            2.0,
        ),
        (
            "alfred_requests_total{outcome=\"provider_error\",surface=\"chat\"}",
            1.0,
        ),
        (
            "alfred_requests_total{outcome=\"ok\",surface=\"models\"}",
            1.0,
        ),
        (
            "alfred_requests_total{outcome=\"refused\",surface=\"models\"}",
            1.0,
        ),
        ("alfred_request_duration_seconds_count", asked),
        ("alfred_refusals_total{", 3.0),
        ("alfred_refusals_total{code=\"model_not_found\"}", 1.0),
        ("alfred_refusals_total{code=\"invalid_json\"}", 1.0),
        ("alfred_refusals_total{code=\"invalid_api_key\"}", 1.0),
        ("alfred_attempts_total{", 5.0),
        ("alfred_attempts_total{provider=\"p\",result=\"ok\"}", 2.0),
        ("alfred_attempts_total{provider=\"q\",result=\"ok\"}", 1.0),
        (
            "alfred_attempts_total{provider=\"p\",result=\"invalid_request\"}",
            1.0,
        ),
        ("alfred_retries_total{", 1.0),
        ("alfred_retries_total{provider=\"q\"}", 1.0),
        ("gen_ai_client_operation_duration_seconds_count{", 4.0),
        ("alfred_unpriced_requests_total{provider=\"q\"}", 1.0),
        // Twice 100 x 1000 + 7 x 3000 pico-USD.
        ("alfred_spend_nano_credits_total{provider=\"p\"}", 242.0),
        ("alfred_requests_in_flight", 0.0),
        ("alfred_request_body_bytes_in_flight", 0.0),
        ("alfred_panics_total", 0.0),
        ("alfred_access_log_dropped_total", 0.0),
        ("alfred_keys_loaded", 1.0),
        ("alfred_build_info{", 1.0),
    ] {
        assert_eq!(gateway.metrics(series).await, count, "{series}");
    }
}

#[tokio::test]
async fn tokens_are_counted_by_provider_model_and_kind() {
    let (_mock, gateway) = start().await;
    ask(&gateway).await;
    let text = H1::connect(gateway.telemetry)
        .await
        .get("/metrics")
        .await
        .expect(200)
        .text();
    let sum = |labels: &[&str]| -> f64 {
        let lines = text
            .lines()
            .filter(|line| line.starts_with("gen_ai_client_token_usage_sum{"));
        let lines = lines.filter(|line| labels.iter().all(|label| line.contains(label)));
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    };
    let (fast, falls) = (
        "gen_ai_request_model=\"fast\"",
        "gen_ai_request_model=\"falls\"",
    );
    let (input, output) = (
        "gen_ai_token_type=\"input\"",
        "gen_ai_token_type=\"output\"",
    );
    assert_eq!(
        (sum(&[fast, input]), sum(&[fast, output])),
        (200.0, 14.0),
        "{text}"
    );
    assert_eq!((sum(&[falls, input]), sum(&[falls, output])), (10.0, 3.0));
    assert_eq!(sum(&["gen_ai_provider_name=\"q\""]), 13.0);
    assert!(text.contains("gen_ai_operation_name=\"chat\""), "{text}");
}

#[tokio::test]
async fn no_label_is_made_up_by_a_client() {
    let (_mock, gateway) = start().await;
    ask(&gateway).await;
    for number in 0..20 {
        let model = format!("q/echo?id=made-up-{number}");
        gateway.chat(&chat(&model, json!({}))).await;
        gateway
            .chat(&chat(&format!("q/stream?chunks={number}"), json!({})))
            .await;
        gateway
            .chat(&chat(&format!("made-up-{number}"), json!({})))
            .await;
        gateway
            .h1()
            .await
            .get(&format!("/v1/made-up-{number}"))
            .await;
    }
    gateway.settled().await;
    let text = H1::connect(gateway.telemetry)
        .await
        .get("/metrics")
        .await
        .expect(200)
        .text();
    let public_id = gateway.key.split('_').nth(2).unwrap();
    // The addresses of endpoints come from the configuration.
    let made_here = |line: &&str| !line.contains("{endpoint=\"");
    let text: Vec<&str> = text.lines().filter(made_here).collect();
    let text = text.join("\n");
    for hidden in [
        "made-up",
        "stream?chunks",
        "\"test\"",
        public_id,
        "127.0.0.1",
    ] {
        assert!(!text.contains(hidden), "{hidden} is a label");
    }
    assert!(text.contains("gen_ai_request_model=\"other\""), "{text}");
}

#[tokio::test]
async fn what_is_scraped_is_prometheus_text() {
    let (_mock, gateway) = start().await;
    ask(&gateway).await;
    let answer = H1::connect(gateway.telemetry)
        .await
        .get("/metrics")
        .await
        .expect(200);
    assert!(
        answer
            .header("content-type")
            .starts_with("text/plain; version=0.0.4")
    );
    let text = answer.text();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        assert!(value.parse::<f64>().is_ok(), "{line}");
        let name = series.split('{').next().unwrap();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        assert!(name.chars().all(plain), "{line}");
    }
    let helped = text
        .lines()
        .filter(|line| line.starts_with("# HELP "))
        .count();
    let typed = text
        .lines()
        .filter(|line| line.starts_with("# TYPE "))
        .count();
    assert_eq!(helped, typed);
}
