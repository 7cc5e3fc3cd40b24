//! A provider that speaks Bedrock's Converse, before callers of OpenAI's dialect: frames and
//! bodies, and a signature that is computed here once more.

use ring::{digest, hmac};
use serde_json::{Value, json};

use crate::frames::frame;
use crate::support::{Answer, Do, Gateway, Received, Scripted};
use crate::world::post;

const SECRET: &str = "nobodys/secret+for+this+test";
const MODEL: &str = "amazon.nova-lite-v1:0";

async fn start(scripts: Vec<Vec<Do>>) -> (Scripted, Gateway) {
    let aws = Scripted::new(scripts).await;
    let addr = aws.addr;
    let yaml = format!(
        "providers:\n  aws: {{ kind: bedrock, region: eu-west-1, \
         keys: [\"AKIDEXAMPLE:{SECRET}:session+token==\"], endpoints: [\"http://{addr}\"] }}\n"
    );
    let gateway = Gateway::start(&yaml).await;
    (aws, gateway)
}

async fn ask(gateway: &Gateway, model: &str, stream: bool) -> Answer {
    let body = json!({"model": format!("aws/{model}"), "stream": stream, "max_tokens": 50,
        "messages": [{"role": "user", "content": "hello"}]});
    post(gateway, "/v1/chat/completions", &body).await
}

fn said() -> Value {
    json!({"output": {"message": {"role": "assistant", "content": [{"text": "hi"}]}},
        "stopReason": "end_turn", "usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}})
}

/// An answer of that status, with this line in its head.
fn answer(status: u16, line: &str, body: &Value) -> Vec<Do> {
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} Said\r\n{line}content-length: {length}\r\n\r\n");
    vec![Do::Read, Do::Send((head + &body).into_bytes())]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn line(head: &str, name: &str) -> String {
    let found = head.lines().find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().to_owned())
    });
    found.unwrap_or_else(|| panic!("no {name} in {head}"))
}

/// Holds the request to the signature that it carries.
fn check_signature(request: &Received, path: &str) {
    let head = &request.head;
    assert!(head.starts_with(&format!("POST {path} HTTP/1.1")), "{head}");
    let authorization = line(head, "authorization");
    let piece = |name: &str| {
        let (_, rest) = authorization.split_once(name).unwrap();
        rest.split(',').next().unwrap().to_owned()
    };
    let (names, signature) = (piece("SignedHeaders="), piece("Signature="));
    let date = line(head, "x-amz-date");
    let scope = format!("{}/eu-west-1/bedrock/aws4_request", &date[..8]);
    assert_eq!(piece("Credential="), format!("AKIDEXAMPLE/{scope}"));
    for needed in [
        "host",
        "x-amz-date",
        "x-amz-content-sha256",
        "x-amz-security-token",
    ] {
        assert!(names.split(';').any(|name| name == needed), "{names}");
    }
    assert_eq!(line(head, "x-amz-security-token"), "session+token==");
    let sha = |bytes: &[u8]| hex(digest::digest(&digest::SHA256, bytes).as_ref());
    let payload = sha(&request.body);
    assert_eq!(line(head, "x-amz-content-sha256"), payload);
    let lines: String = names
        .split(';')
        .map(|name| format!("{name}:{}\n", line(head, name)))
        .collect();
    let twice = path.replace('%', "%25");
    let canonical = format!("POST\n{twice}\n\n{lines}\n{names}\n{payload}");
    let text = format!(
        "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
        sha(canonical.as_bytes())
    );
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for word in [&date[..8], "eu-west-1", "bedrock", "aws4_request", &text] {
        let signing = hmac::Key::new(hmac::HMAC_SHA256, &key);
        key = hmac::sign(&signing, word.as_bytes()).as_ref().to_vec();
    }
    assert_eq!(hex(&key), signature);
    assert!(!head.contains(SECRET));
}

#[tokio::test]
async fn a_whole_answer_of_a_signed_request_reaches_a_client_of_openais() {
    let script = answer(200, "", &said());
    let (aws, gateway) = start(vec![script]).await;
    let answer = ask(&gateway, MODEL, false).await.expect(200).json();
    assert_eq!(answer["choices"][0]["message"]["content"], "hi");
    assert_eq!(answer["usage"]["total_tokens"], 5);
    let received = aws.received();
    check_signature(&received[0], "/model/amazon.nova-lite-v1%3A0/converse");
    let sent: Value = serde_json::from_slice(&received[0].body).unwrap();
    assert_eq!(sent["inferenceConfig"]["maxTokens"], 50);
}

#[tokio::test]
async fn frames_of_a_signed_request_reach_a_client_of_openais_as_events() {
    let event = |name: &str, payload: Value| {
        frame(
            &[(":event-type", name), (":message-type", "event")],
            payload.to_string().as_bytes(),
        )
    };
    let bytes = [
        event("messageStart", json!({"role": "assistant"})),
        event(
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "hi "}}),
        ),
        event(
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": {"text": "you"}}),
        ),
        event("contentBlockStop", json!({"contentBlockIndex": 0})),
        event("messageStop", json!({"stopReason": "end_turn"})),
        event(
            "metadata",
            json!({"usage": {"inputTokens": 3, "outputTokens": 2, "totalTokens": 5}}),
        ),
    ]
    .concat();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\n\
         content-length: {}\r\n\r\n",
        bytes.len()
    );
    let script = vec![Do::Read, Do::Send([head.into_bytes(), bytes].concat())];
    let (aws, gateway) = start(vec![script]).await;
    let answer = ask(&gateway, MODEL, true).await.expect(200);
    answer.events().expect_whole("hi you");
    let path = "/model/amazon.nova-lite-v1%3A0/converse-stream";
    check_signature(&aws.received()[0], path);
}

#[tokio::test]
async fn a_model_that_is_not_granted_does_not_take_the_key_from_the_others() {
    let denied = answer(
        403,
        "x-amzn-errortype: AccessDeniedException:http://internal.amazon.com/\r\n",
        &json!({"message": "You don't have access to the model with the specified model ID."}),
    );
    let (aws, gateway) = start(vec![denied, answer(200, "", &said())]).await;
    ask(&gateway, "anthropic.claude-x", false).await.expect(502);
    // It rests for this model, so nobody is asked.
    let rests = ask(&gateway, "anthropic.claude-x", false).await;
    assert_eq!((rests.status, aws.received().len()), (503, 1));
    ask(&gateway, MODEL, false).await.expect(200);
    assert_eq!(aws.received().len(), 2);
}

#[tokio::test]
async fn a_key_that_is_none_rests_for_every_model() {
    let refused = answer(
        403,
        "x-amzn-errortype: UnrecognizedClientException\r\n",
        &json!({"message": "The security token included in the request is invalid."}),
    );
    let (aws, gateway) = start(vec![refused]).await;
    ask(&gateway, MODEL, false).await.expect(502);
    let rests = ask(&gateway, "anthropic.claude-x", false).await;
    assert_eq!((rests.status, aws.received().len()), (503, 1));
}

#[tokio::test]
async fn what_embeddings_cost_is_read_from_the_header() {
    let vectors = json!({"id": "e", "embeddings": [[0.5], [0.25]], "texts": ["a", "b"]});
    let line = "x-amzn-bedrock-input-token-count: 5\r\n";
    let (aws, gateway) = start(vec![answer(200, line, &vectors)]).await;
    let body = json!({"model": "aws/cohere.embed-english-v3", "input": ["a", "b"]});
    let answer = post(&gateway, "/v1/embeddings", &body).await.expect(200);
    let answer = answer.json();
    assert_eq!(answer["data"][1]["embedding"], json!([0.25]));
    assert_eq!(answer["usage"]["prompt_tokens"], 5);
    assert_eq!(answer["usage"].get("estimated"), None);
    let path = "/model/cohere.embed-english-v3/invoke";
    check_signature(&aws.received()[0], path);
}
