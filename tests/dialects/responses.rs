//! `POST /v1/responses` before a provider that serves it itself, whose every byte is known, and
//! before others.

use serde_json::{Value, json};

use crate::support::{Answer, Do, Gateway, Scripted};
use crate::world::World;

const ANSWERED: &str = concat!(
    "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"resp_9\",\"object\":\"response\",\"status\":\"in_progress\",\"model\":\"gpt-x\",\"output\":[]}}\n\n",
    "event: response.invented\ndata: {\"type\":\"response.invented\",\"sequence_number\":1,\"new\":{\"deep\":[1.50]}}\n\n",
    "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"sequence_number\":2,\"output_index\":0,\"content_index\":0,\"item_id\":\"msg_1\",\"delta\":\"one\"}\n\n",
);
const COMPLETED: &str = "event: response.completed\ndata: {\"type\":\"response.completed\",\"sequence_number\":3,\"response\":{\"id\":\"resp_9\",\"object\":\"response\",\"status\":\"completed\",\"model\":\"gpt-x\",\"output\":[],\"usage\":{\"input_tokens\":7,\"output_tokens\":2,\"total_tokens\":9}}}\n\n";

async fn post(gateway: &Gateway, body: &str) -> Answer {
    gateway.post("/v1/responses", &[], body).await
}

fn stream(events: &str) -> Vec<Do> {
    let bytes = [Do::stream_head(), Do::chunk(events), Do::last_chunk()].concat();
    vec![Do::Read, Do::Send(bytes)]
}

async fn before(scripts: Vec<Vec<Do>>) -> (Scripted, Gateway) {
    let upstream = Scripted::new(scripts).await;
    let yaml = format!(
        "providers:\n  gpt: {{ kind: openai, keys: [sk-test], endpoints: [\"http://{}/v1\"] }}\n\
         prices: {{ \"gpt/*\": {{ in: 1000, out: 3000 }} }}\n",
        upstream.addr
    );
    let gateway = Gateway::start(&yaml).await;
    (upstream, gateway)
}

#[tokio::test]
async fn a_provider_of_responses_gets_and_gives_what_was_said_byte_by_byte() {
    let whole = r#"{"id":"resp_8","object":"response","status":"completed","model":"gpt-x","output":[], "new" : 1,"usage":{"input_tokens":7,"output_tokens":2,"total_tokens":9}}"#;
    let json = [Do::json_head(whole.len()), whole.as_bytes().to_vec()].concat();
    let (upstream, gateway) = before(vec![
        stream(&format!("{ANSWERED}{COMPLETED}")),
        vec![Do::Read, Do::Send(json)],
    ])
    .await;
    let asked = r#"{"model":"gpt/x", "input":"hi","previous_response_id":"resp_7","tomorrow":[1.0],"stream":true}"#;
    let answer = post(&gateway, asked).await.expect(200);
    let text = answer.text();
    assert!(text.starts_with(ANSWERED), "{text}");
    assert!(text.ends_with(COMPLETED), "{text}");
    assert!(
        text.contains(": alfred {"),
        "the cost comes before the last event"
    );
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["surface"], "responses");
    assert!(receipt["cost_nano"].as_i64().unwrap() > 0, "{receipt}");
    let got = &upstream.received()[0];
    assert!(got.head.starts_with("POST /v1/responses "), "{}", got.head);
    let expected = asked.replace("gpt/x", "x");
    assert_eq!(String::from_utf8_lossy(&got.body), expected);

    let answer = post(&gateway, r#"{"model":"gpt/x","input":"hi"}"#)
        .await
        .expect(200);
    assert_eq!(answer.text(), whole);
}

#[tokio::test]
async fn a_stream_of_responses_that_is_cut_ends_with_an_error_of_its_own_number() {
    let (_upstream, gateway) = before(vec![stream(ANSWERED)]).await;
    let asked = r#"{"model":"gpt/x","input":"hi","stream":true}"#;
    let answer = post(&gateway, asked).await.expect(200);
    let text = answer.text();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let data = last.strip_prefix("event: error\ndata: ").expect("an error");
    let error: Value = serde_json::from_str(data).unwrap();
    assert_eq!(
        (&error["type"], &error["sequence_number"]),
        (&json!("error"), &json!(3))
    );
    assert!(
        error["error"]["code"].is_string() && error["message"].is_string(),
        "{error}"
    );
}

#[tokio::test]
async fn responses_are_made_of_the_answers_of_other_dialects() {
    let world = World::start("").await;
    for provider in ["claude", "vllm"] {
        for stream in [false, true] {
            let body = json!({ "model": format!("{provider}/echo"), "input": "one two three", "stream": stream });
            let answer = post(&world.gateway, &body.to_string()).await.expect(200);
            let response = if stream {
                let text = answer.text();
                let last = text.trim_end().rsplit("\n\n").next().unwrap();
                let data = last.strip_prefix("event: response.completed\ndata: ");
                let event: Value = serde_json::from_str(data.expect("the end")).unwrap();
                event["response"].clone()
            } else {
                answer.json()
            };
            let said = &response["output"][0]["content"][0]["text"];
            assert_eq!(said, "one two three", "{provider}: {response}");
            assert_eq!(response["usage"]["output_tokens"], 3, "{provider}");
            let receipt = world.gateway.receipt_of(&answer).await;
            assert_eq!(
                (&receipt["surface"], &receipt["outcome"]),
                (&json!("responses"), &json!("ok"))
            );
            assert!(receipt["cost_nano"].as_i64().unwrap() > 0, "{receipt}");
        }
        let body =
            json!({ "model": format!("{provider}/echo"), "input": "x", "conversation": "c" });
        let refused = post(&world.gateway, &body.to_string()).await;
        let error = refused.expect_refusal(400, "unsupported_parameter").json();
        assert_eq!(error["error"]["param"], "conversation");
    }
}
