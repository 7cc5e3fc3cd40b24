//! What the new file says holds from the next request on.

use serde_json::json;

use crate::parrot::{Parrot, says};
use crate::place::Place;
use crate::support::{H1, Shell, Upstream, chat};
use crate::world::{alias, calm, config};

fn echo(model: &str) -> Vec<u8> {
    chat(model, json!({}))
}

#[tokio::test]
async fn sighup_brings_new_providers_models_and_limits_and_takes_old_ones_away() {
    let (one, two) = (Upstream::mock().await, Upstream::mock().await);
    let first = config(
        &[one.provider("one", &calm(""))],
        &[alias("old", &["one/echo"], "")],
    );
    let place = Place::start(&first).await;
    let gateway = &place.gateway;
    gateway.chat(&echo("old")).await.expect(200);
    let second = config(
        &[two.provider("two", &calm(""))],
        &[alias("new", &["two/echo"], "")],
    ) + "limits: [ { per: key, requests: 2, window: 1h } ]\n";
    place.reload(&second, "applied").await;
    let answer = gateway.chat(&echo("new")).await.expect(200);
    assert_eq!(answer.header("x-alfred-provider"), "two");
    assert_eq!(answer.header("x-ratelimit-remaining-requests"), "1");
    gateway
        .chat(&echo("old"))
        .await
        .expect_refusal(404, "model_not_found");
    gateway
        .chat(&echo("new"))
        .await
        .expect_refusal(429, "rate_limit_exceeded");
    assert_eq!(
        (one.requests().await.len(), two.requests().await.len()),
        (1, 1)
    );
    assert!(
        gateway.log().contains("models.new"),
        "the log tells what changed"
    );
}

#[tokio::test]
async fn a_connection_that_stays_open_is_served_by_the_new_file_too() {
    let mock = Parrot::new().await;
    let yaml = |words: &str| config(&[mock.provider("p", &calm(""))], &[]) + &says("p", words, 0);
    let place = Place::start(&yaml("one")).await;
    let (mut h1, mut h2) = (place.gateway.h1().await, place.gateway.h2().await);
    for words in ["one", "two", "three"] {
        if words != "one" {
            place.reload(&yaml(words), "applied").await;
        }
        let told = [h1.chat(&echo("m")).await, h2.chat(&echo("m")).await];
        for answer in told {
            let content = answer.expect(200).json()["choices"][0]["message"]["content"].clone();
            assert_eq!(content, words);
        }
    }
}

#[tokio::test]
async fn keys_prices_and_body_limits_follow_the_file() {
    let mock = Upstream::mock().await;
    let hash = Shell::new().run_with_input(&["keys", "hash"], "ci-machine-key-0123456789abcdef\n");
    let base = config(&[mock.provider("p", &calm(""))], &[]);
    let place = Place::start(&base).await;
    let mut ci = H1::connect(place.gateway.addr)
        .await
        .with_key("ci-machine-key-0123456789abcdef");
    ci.chat(&echo("p/echo"))
        .await
        .expect_refusal(401, "invalid_api_key");
    let keys = format!("keys: [ {{ name: ci, hash: \"{}\" }} ]\n", hash.out.trim());
    let more = keys + "prices: { p/echo: { in: 1000000, out: 1000000 } }\nbody: { max: 300B }\n";
    place.reload(&(base.clone() + &more), "applied").await;
    let answer = ci.chat(&echo("p/echo")).await.expect(200);
    let receipt = place.gateway.receipt_of(&answer).await;
    assert_eq!(receipt["caller"]["key_name"], "ci");
    assert!(receipt["cost_nano"].as_i64().unwrap() > 0, "{receipt:#}");
    assert_eq!(place.gateway.metrics("alfred_keys_loaded").await, 2.0);
    let large = chat("p/echo", json!({ "user": "x".repeat(300) }));
    place
        .gateway
        .chat(&large)
        .await
        .expect_refusal(413, "request_too_large");
    place.reload(&base, "applied").await;
    place.gateway.chat(&large).await.expect(200);
    ci.chat(&echo("p/echo"))
        .await
        .expect_refusal(401, "invalid_api_key");
}

#[tokio::test]
async fn an_endpoint_with_a_host_name_that_a_reload_adds_is_found_at_once() {
    let mock = Upstream::mock().await;
    let place = Place::start("").await;
    let named = format!(
        "providers: {{ n: {{ kind: openai_compatible, endpoints: [\"http://localhost:{}/v1\"] }} }}\n",
        mock.addr.port()
    );
    place.reload(&named, "applied").await;
    place.gateway.chat(&echo("n/echo")).await.expect(200);
}

#[tokio::test]
async fn a_file_that_says_the_same_changes_nothing() {
    let place = Place::start("flood: { requests: 0 }\n").await;
    place.reload("flood: { requests: 0 }\n", "unchanged").await;
    assert_eq!(place.status().await["last_reload"]["result"], "unchanged");
    // Only a comment: the text is another, and nothing else.
    place
        .reload("flood: { requests: 0 } # none\n", "applied")
        .await;
    let status = place.status().await;
    assert_eq!(status["last_reload"]["changed"], json!([]), "{status:#}");
}
