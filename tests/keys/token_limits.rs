//! Tokens per window: set aside as estimated, settled to what was used, whichever way it ended.

use serde_json::{Value, json};

use crate::support::{Answer, Gateway, H1, Upstream, chat, ms, until};
use crate::world::{Client, calm, config};

/// A day, so that nothing flows back while a test runs.
const TOKENS: &str = "limits: [ { per: key, tokens: 10000, window: 1d } ]\n";

async fn start(limits: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let yaml = limits.to_owned() + &config(&[mock.provider("p", &calm(""))], &[]);
    (mock, Gateway::start(&yaml).await)
}

fn number(answer: &Answer, name: &str) -> u64 {
    let text = answer.header(name);
    text.parse()
        .unwrap_or_else(|_| panic!("{name} is {text:?}: {answer:?}"))
}

fn remaining(answer: &Answer) -> u64 {
    number(answer, "x-ratelimit-remaining-tokens")
}

/// A request that sets `bound` tokens aside for its answer and reports these.
fn reporting(input: u64, output: u64, bound: u64) -> Vec<u8> {
    let model = format!("p/echo?tokens_in={input}&tokens_out={output}");
    chat(&model, json!({"max_tokens": bound}))
}

#[tokio::test]
async fn what_was_set_aside_is_settled_to_what_was_used() {
    let (_mock, gateway) = start(TOKENS).await;
    for mut client in Client::both(&gateway).await {
        let first = client.chat(&reporting(300, 200, 990)).await.expect(200);
        assert_eq!(number(&first, "x-ratelimit-limit-tokens"), 10_000);
        let second = client.chat(&reporting(1, 1, 990)).await.expect(200);
        // Both set the same aside, so that the difference is what the first one used.
        assert_eq!(remaining(&first) - remaining(&second), 500);
        let third = client.chat(&reporting(1, 1, 990)).await.expect(200);
        assert_eq!(remaining(&second) - remaining(&third), 2);
    }
}

#[tokio::test]
async fn an_answer_longer_than_its_estimate_is_charged_in_full() {
    let (_mock, gateway) = start(TOKENS).await;
    let mut client = gateway.h1().await;
    let first = client.chat(&reporting(10, 6000, 10)).await.expect(200);
    let second = client.chat(&reporting(10, 6000, 10)).await.expect(200);
    assert_eq!(remaining(&first) - remaining(&second), 6010);
    // The debt is the next request's: there is nothing left for it.
    client
        .chat(&reporting(1, 1, 10))
        .await
        .expect_refusal(429, "rate_limit_exceeded");
}

#[tokio::test]
async fn a_request_that_fails_gives_back_what_was_set_aside() {
    let (_mock, gateway) = start(TOKENS).await;
    let mut client = gateway.h1().await;
    let before = remaining(&client.chat(&reporting(0, 0, 90)).await.expect(200));
    for model in [
        "p/status?code=500",
        "p/status?code=400",
        "p/close",
        "p/error_in_stream",
    ] {
        let body = chat(model, json!({"max_tokens": 3000}));
        assert!(client.chat(&body).await.status >= 400, "{model}");
        client = gateway.h1().await;
    }
    let after = remaining(&client.chat(&reporting(0, 0, 90)).await.expect(200));
    assert_eq!(before, after);
}

#[tokio::test]
async fn a_client_that_leaves_is_charged_what_was_generated() {
    let (_mock, gateway) = start(TOKENS).await;
    let before = remaining(&gateway.chat(&reporting(0, 0, 90)).await.expect(200));
    let mut leaving = gateway.h1().await;
    let more = json!({"stream": true, "max_tokens": 5000});
    leaving
        .begin(&chat("p/stream?chunks=5000&delay=10ms", more))
        .await;
    leaving.read_until("w20 ").await;
    drop(leaving);
    let receipt = gateway.nth_receipt(2).await;
    let used = &receipt["usage"];
    let used = used["input"].as_u64().unwrap() + used["output"].as_u64().unwrap();
    assert!((20..500).contains(&used), "{receipt:#}");
    let after = remaining(&gateway.chat(&reporting(0, 0, 90)).await.expect(200));
    assert_eq!(before - after, used);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_requests_at_once_no_more_are_admitted_than_tokens_are_there_for() {
    let (_mock, gateway) = start(TOKENS).await;
    let probe = gateway.create_key("probe", &[]);
    until("the new key to be known", || async {
        H1::connect(gateway.addr)
            .await
            .with_key(&probe)
            .get("/v1/models")
            .await
            .status
            == 200
    })
    .await;
    let body = chat("p/slow?first_byte=2s", json!({"max_tokens": 640}));
    let answer = H1::connect(gateway.addr)
        .await
        .with_key(&probe)
        .chat(&body)
        .await
        .expect(200);
    let set_aside = 10_000 - remaining(&answer);
    let expected = usize::try_from(10_000 / set_aside).unwrap();
    let mut asked = tokio::task::JoinSet::new();
    for _ in 0..40 {
        let mut client = gateway.h1().await;
        let body = body.clone();
        asked.spawn(async move { client.chat(&body).await });
    }
    let answers = asked.join_all().await;
    let count = |status| {
        answers
            .iter()
            .filter(|answer| answer.status == status)
            .count()
    };
    assert_eq!(
        (count(200), count(429)),
        (expected, 40 - expected),
        "{set_aside} each"
    );
}

#[tokio::test]
async fn a_prompt_larger_than_the_whole_limit_is_told_that_waiting_is_no_use() {
    let (_mock, gateway) = start("limits: [ { per: key, tokens: 100, window: 1m } ]\n").await;
    let words = "many words ".repeat(200);
    let body = json!({"model": "p/echo", "messages": [{"role": "user", "content": words}]});
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(body.to_string().as_bytes()).await;
        let answer = answer.expect_refusal(429, "request_exceeds_limit");
        assert_eq!(answer.header("x-should-retry"), "false");
        assert!(client.is_alive().await);
    }
    // A generous bound on the answer does not make a short prompt too large.
    let bound = chat("p/echo", json!({"max_tokens": 100_000}));
    gateway.chat(&bound).await.expect(200);
}

#[tokio::test]
async fn both_measures_are_told_together() {
    let limits = "limits:\n  - { per: key, requests: 50, window: 1m }\n  - { per: key, tokens: 10k, window: 1m }\n";
    let (_mock, gateway) = start(limits).await;
    let answer = gateway.chat(&reporting(1, 1, 100)).await.expect(200);
    assert_eq!(number(&answer, "x-ratelimit-limit-requests"), 50);
    assert_eq!(number(&answer, "x-ratelimit-limit-tokens"), 10_000);
    let all = |name: &str| {
        let lines = answer.headers.iter().filter(|(known, _)| known == name);
        lines
            .map(|(_, value)| value.clone())
            .collect::<Vec<_>>()
            .join(", ")
    };
    for name in ["ratelimit-policy", "ratelimit"] {
        let told = all(name);
        assert!(
            told.contains("\"rpm\";") && told.contains("\"tpm\";"),
            "{name}: {told}"
        );
    }
    assert!(all("ratelimit-policy").contains("qu=\"tokens\""));
}

#[tokio::test]
async fn embeddings_count_what_they_were_sent() {
    let (_mock, gateway) = start(TOKENS).await;
    let mut client = gateway.h1().await;
    let mut embed = async |input: Value| {
        let body = json!({"model": "p/echo?tokens_in=700", "input": input}).to_string();
        let length = format!("content-length: {}", body.len());
        let lines = ["content-type: application/json", length.as_str()];
        let head = client.head("POST", "/v1/embeddings", &lines);
        client.send(head + &body).await;
        client.answer().await
    };
    let first = embed(json!([1, 2, 3])).await.expect(200);
    assert_eq!(remaining(&first), 9_997, "token ids count exactly");
    let second = embed(json!([4, 5, 6])).await.expect(200);
    assert_eq!(remaining(&first) - remaining(&second), 700);
    tokio::time::sleep(ms(10)).await;
}
