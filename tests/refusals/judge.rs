//! What holds for every refusal, whatever the reason.

use serde_json::Value;

use crate::support::{Answer, Ending, Gateway, H1, Upstream};
use crate::world::{alias, calm, config};

/// A gateway with two aliases, `fast` (which echoes) and `slow` (which never answers).
pub(crate) async fn start(more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let models = [
        alias("fast", &["p/echo"], ""),
        alias("slow", &["p/hang"], ""),
    ];
    let yaml = more.to_owned() + &config(&providers, &models);
    (mock, Gateway::start(&yaml).await)
}

/// Fails unless this is a whole, strict OpenAI error of the gateway's own; gives the error.
#[track_caller]
pub(crate) fn refused(answer: &Answer, status: u16, code: &str) -> Value {
    let seen = (answer.status, &answer.ending);
    assert_eq!(seen, (status, &Ending::Complete), "{answer:?}");
    let json = answer.json();
    let outer: Vec<_> = json.as_object().unwrap().keys().collect();
    assert_eq!(outer, ["error"], "{json}");
    let error = json["error"].clone();
    let mut members: Vec<_> = error.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["code", "message", "param", "type"], "{json}");
    assert_eq!(error["code"], code, "{json}");
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    assert!(
        is_text(&error["message"]) && is_text(&error["type"]),
        "{json}"
    );
    assert!(
        error["param"].is_null() || is_text(&error["param"]),
        "{json}"
    );
    expect_headers(answer);
    error
}

#[track_caller]
fn expect_headers(answer: &Answer) {
    assert_eq!(
        answer.header("x-alfred-error-source"),
        "gateway",
        "{answer:?}"
    );
    assert_eq!(answer.header("content-type"), "application/json");
    assert_eq!(answer.header("x-alfred-request-id").len(), 36);
    assert!(!answer.header("x-request-id").is_empty());
    let final_no = answer.header("x-should-retry") == "false";
    if [429, 503].contains(&answer.status) && !final_no {
        let wait = answer.header("retry-after").parse::<u64>();
        assert!(wait.is_ok_and(|wait| wait > 0), "{answer:?}");
    }
    if answer.status == 401 {
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
}

/// Sends a head of these lines, and this body, on a connection of its own without a key of the
/// harness; gives the answer, if any came before the connection ended.
pub(crate) async fn raw(gateway: &Gateway, start: &str, lines: &[&str], body: &[u8]) -> Reply {
    let mut client = H1::connect(gateway.addr).await;
    let key = format!("authorization: Bearer {}", gateway.key);
    let head = [&[start, "host: alfred.test", &key], lines].concat();
    client.send(head.join("\r\n") + "\r\n\r\n").await;
    client.send(body).await;
    let answer = client.try_answer().await;
    Reply { client, answer }
}

/// What came of exact bytes.
pub(crate) struct Reply {
    pub(crate) client: H1,
    pub(crate) answer: Option<Answer>,
}

/// The first line of a chat request.
pub(crate) const POST: &str = "POST /v1/chat/completions HTTP/1.1";
/// The usual media type.
pub(crate) const JSON: &str = "content-type: application/json";
