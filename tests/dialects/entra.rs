//! Azure, which knows Alfred by an identity of Entra ID instead of a key.

use serde_json::{Value, json};

use crate::support::{Do, Gateway, Scripted, chat, until};

fn answer(status: &str, body: &Value) -> Vec<Do> {
    let body = body.to_string();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    vec![Do::Read, Do::Send((head + &body).into_bytes())]
}

fn said() -> Value {
    json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [{"index": 0,
        "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})
}

async fn start(proof: &str, tokens: Vec<Vec<Do>>, more: &str) -> (Scripted, Scripted, Gateway) {
    let authority = Scripted::new(tokens).await;
    let azure = Scripted::new(vec![answer("200 OK", &said()), answer("200 OK", &said())]).await;
    let yaml = format!(
        "providers:\n  \
         az: {{ kind: azure, endpoints: [\"http://{}/openai/v1\"], \
         entra: {{ tenant: contoso.example, client_id: app-1, {proof}, authority: \"http://{}\" }} }}\n{more}",
        azure.addr, authority.addr
    );
    (authority, azure, Gateway::start(&yaml).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_asked_for_once_and_goes_with_every_call() {
    let token =
        json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "eyJ.token-of-azure.x"});
    let proof = "client_secret: \"s3cr&t\"";
    let (authority, azure, gateway) = start(proof, vec![answer("200 OK", &token)], "").await;
    for _ in 0..2 {
        gateway.chat(&chat("az/gpt", json!({}))).await.expect(200);
    }
    let asked = authority.received();
    assert_eq!(asked.len(), 1);
    assert!(
        asked[0]
            .head
            .starts_with("POST /contoso.example/oauth2/v2.0/token "),
        "{}",
        asked[0].head
    );
    let form = String::from_utf8(asked[0].body.clone()).unwrap();
    assert!(
        form.contains("grant_type=client_credentials&client_id=app-1"),
        "{form}"
    );
    assert!(
        form.contains("client_secret=s3cr%26t")
            && form.contains("cognitiveservices.azure.com%2F.default"),
        "{form}"
    );
    for call in azure.received() {
        let head = call.head.to_ascii_lowercase();
        assert!(
            head.contains("authorization: bearer eyj.token-of-azure.x\r\n"),
            "{head}"
        );
        assert!(!head.contains("api-key:"), "{head}");
    }
    let log = gateway.log();
    assert!(
        !log.contains("token-of-azure") && !log.contains("s3cr"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workload_proves_itself_with_the_token_in_its_file() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "proof.of.cluster\n").unwrap();
    let proof = format!("federated_token_file: {}", file.path().display());
    let token = json!({"expires_in": 3599, "access_token": "t"});
    let (authority, _azure, gateway) = start(&proof, vec![answer("200 OK", &token)], "").await;
    gateway.chat(&chat("az/gpt", json!({}))).await.expect(200);
    let form = String::from_utf8(authority.received()[0].body.clone()).unwrap();
    assert!(
        form.ends_with("&client_assertion=proof.of.cluster"),
        "{form}"
    );
    assert!(
        form.contains("client-assertion-type%3Ajwt-bearer") && !form.contains("client_secret"),
        "{form}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_another_target_is_asked_and_then_the_client_told() {
    let refused =
        json!({"error": "invalid_client", "error_description": "secret s3cret of app-1 is wrong"});
    let refusals = vec![answer("401 Unauthorized", &refused); 4];
    let more = "models: { two: { targets: [az/gpt], fallback: [mock/echo] }, one: { targets: [az/gpt], \
                timeouts: { connect: 1s } } }\n";
    let (_authority, azure, gateway) = start("client_secret: s3cret", refusals, more).await;
    let answer = gateway.chat(&chat("one", json!({}))).await;
    answer.expect_refusal(502, "provider_access_token");
    let answer = gateway.chat(&chat("two", json!({}))).await.expect(200);
    assert_eq!(answer.header("x-alfred-provider"), "mock");
    assert!(azure.received().is_empty());
    until("the log to say why", async || {
        gateway.log().contains("the answer is 401 (invalid_client)")
    })
    .await;
    assert!(!gateway.log().contains("s3cret"));
}
