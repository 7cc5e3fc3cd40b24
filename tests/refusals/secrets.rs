//! What a client entrusts to the gateway never shows: not in answers, not in logs.

use serde_json::{Value, json};

use crate::judge::{JSON, POST, raw};
use crate::support::{Do, Gateway, H1, Scripted, Upstream, chat, until};
use crate::world::{Client, alias, calm, config};

/// Stands in bodies; nothing else contains it.
const CONFIDENCE: &str = "xylophone-confidence";
/// A key of somebody's account elsewhere, sent to Alfred by mistake.
const FOREIGN: &str = "sk-proj-Zm9yZWlnbi1rZXktb2YtYW5vdGhlci1hY2NvdW50";

/// Alfred's own key at a provider.
const PROVIDER_KEY: &str = "sk-provider-secret-0123456789abcdef";

fn confided() -> Value {
    json!({"messages": [{"role": "user", "content": CONFIDENCE}], "user": CONFIDENCE})
}

/// Sends the confidence in every way that is refused, and in some that are not.
async fn confide(gateway: &Gateway) -> Vec<String> {
    let mut answers = Vec::new();
    for mut client in Client::both(gateway).await {
        let broken = format!("{{\"model\":\"fast\",\"messages\":[{{\"{CONFIDENCE}\":}}]}}");
        let duplicate = format!("{{\"model\":\"fast\",\"a\":\"{CONFIDENCE}\",\"a\":1}}");
        let wrong = format!("{{\"model\":\"fast\",\"messages\":\"{CONFIDENCE}\"}}");
        let role = format!("{{\"model\":\"fast\",\"messages\":[{{\"role\":\"{CONFIDENCE}\"}}]}}");
        for body in [broken, duplicate, wrong, role] {
            answers.push(client.chat(body.as_bytes()).await.expect(400).text());
        }
        let unknown = client.chat(&chat("nobody", confided())).await;
        answers.push(unknown.expect(404).text());
        client.chat(&chat("fast", confided())).await.expect(200);
        let failing = client.chat(&chat("p/status?code=503", confided())).await;
        answers.push(failing.text());
    }
    let bearer = format!("authorization: Bearer {FOREIGN}");
    let query = format!("POST /v1/chat/completions?api_key={FOREIGN} HTTP/1.1");
    let path = format!("GET /v1/{FOREIGN} HTTP/1.1");
    let length = "content-length: 2";
    let basic = format!("x-api-key: {FOREIGN}");
    for (start, lines) in [
        (POST, [JSON, length, &basic]),
        (query.as_str(), [JSON, length, "x-one: 1"]),
        (path.as_str(), [JSON, length, "x-one: 1"]),
        (POST, ["content-type: text/plain", length, "x-one: 1"]),
    ] {
        answers.push(
            raw(gateway, start, &lines, b"{}")
                .await
                .answer
                .unwrap()
                .text(),
        );
    }
    let mut client = H1::connect(gateway.addr).await;
    let head = client.head("POST", "/v1/chat/completions", &[JSON, length, &bearer]);
    client.send(head + "{}").await;
    answers.push(client.answer().await.expect(401).text());
    answers
}

async fn keeps_silent(level: &str, variables: &[(&str, &str)]) {
    let mock = Upstream::mock().await;
    let provider = calm(&format!("http: h1, keys: [\"{PROVIDER_KEY}\"]"));
    let models = [alias("fast", &["p/echo"], "")];
    let yaml =
        format!("log: {{ level: {level} }}\n") + &config(&[mock.provider("p", &provider)], &models);
    let gateway = Gateway::start_with(&yaml, variables).await;
    let answers = confide(&gateway).await;
    until("the receipts", || async {
        gateway.receipts().len() >= answers.len()
    })
    .await;
    gateway.settled().await;
    let log = gateway.log();
    let secret = gateway.key.rsplit('_').next().unwrap();
    for hidden in [
        CONFIDENCE,
        FOREIGN,
        &gateway.key,
        secret,
        "sk-provider-secret",
    ] {
        for answer in &answers {
            assert!(!answer.contains(hidden), "{hidden} in an answer: {answer}");
        }
        let line = log.lines().find(|line| line.contains(hidden));
        assert_eq!(line, None, "{hidden} in the log at level {level}");
    }
}

#[tokio::test]
async fn keys_and_bodies_are_neither_in_answers_nor_in_the_log() {
    keeps_silent("info", &[]).await;
}

#[tokio::test]
async fn not_even_a_log_of_every_step_holds_them() {
    keeps_silent("trace", &[]).await;
}

/// An error of a provider whose message repeats a key of Alfred's account there.
fn indiscreet(status: u16) -> Vec<Do> {
    let body = json!({"error": {
        "message": format!("Incorrect API key provided: {PROVIDER_KEY}. See your account."),
        "type": "invalid_request_error",
        "param": null,
        "code": format!("bad {PROVIDER_KEY}"),
    }});
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    vec![Do::Read, Do::Send(head.into_bytes())]
}

#[tokio::test]
async fn a_providers_words_do_not_give_its_key_away() {
    let statuses = [401, 403, 400, 404, 429, 500, 503];
    let provider = Scripted::new(statuses.map(indiscreet).to_vec()).await;
    let keys = calm(&format!("keys: [\"{PROVIDER_KEY}\"]"));
    // A provider for each: a key that was refused rests.
    let providers = statuses.map(|status| provider.provider(&format!("p{status}"), &keys));
    let models = statuses.map(|status| {
        let target = format!("p{status}/model");
        alias(&format!("m{status}"), &[&target], "")
    });
    let gateway = Gateway::start(&config(&providers, &models)).await;
    for status in statuses {
        let body = chat(&format!("m{status}"), json!({}));
        let answer = gateway.chat(&body).await;
        assert!(
            answer.status >= 400 && answer.status != 401,
            "{status}: {answer:?}"
        );
        assert_eq!(
            answer.header("x-alfred-error-source"),
            "provider",
            "{answer:?}"
        );
        let told = format!("{:?} {}", answer.headers, answer.text());
        assert!(!told.contains("sk-provider-secret"), "{status}: {told}");
        gateway.receipt_of(&answer).await;
    }
    assert_eq!(provider.received().len(), statuses.len());
    assert!(provider.received()[0].head.contains(PROVIDER_KEY));
    assert!(
        !gateway.log().contains("sk-provider-secret"),
        "{}",
        gateway.log()
    );
}
