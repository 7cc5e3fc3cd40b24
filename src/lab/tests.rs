//! The lab judges what it is shown; nobody is asked here but a port where nobody listens.

use super::*;

fn subject(key: Option<&str>) -> Subject {
    Subject {
        url: "http://127.0.0.1:9/v1/".to_owned(),
        model: "m".to_owned(),
        embeddings: None,
        key: key.map(Secret::new),
        timeout: Duration::from_secs(5),
    }
}

fn reply(status: u16, kind: &'static str, body: &str) -> Reply {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Reply {
        status,
        headers,
        body: body.as_bytes().to_vec(),
    }
}

#[test]
fn a_wrong_key_is_tried_only_where_there_is_a_right_one() {
    let strangers = |key| {
        let all = probes::all(&subject(key));
        all.iter().filter(|probe| !probe.has_key).count()
    };
    assert_eq!((strangers(None), strangers(Some("k"))), (0, 3));
}

#[tokio::test]
async fn a_subject_that_is_not_there_is_a_violation_of_every_question() {
    let lab = Lab::new(subject(None)).unwrap();
    let findings = lab.examine(&[Client::Messages]).await;
    assert!(findings.len() > 8);
    for finding in findings {
        assert_eq!((finding.client, finding.status), (Client::Messages, None));
        assert_eq!(finding.violations[0].rule, "http.answer");
    }
}

#[test]
fn an_address_without_a_scheme_is_refused() {
    let odd = Subject {
        url: "127.0.0.1:9090".to_owned(),
        ..subject(None)
    };
    assert!(Lab::new(odd).is_err());
}

#[test]
fn an_answer_is_judged_by_status_type_and_body() {
    use alfred_filters::conform::Body;
    let expected = Expected::Error(Body::OpenAiError, &[400, 422]);
    let good = r#"{"error":{"message":"no","type":"t","param":null,"code":null}}"#;
    let rules = |reply: &Reply| -> Vec<_> {
        let found = judge(reply, &expected);
        found.iter().map(|violation| violation.rule).collect()
    };
    assert!(rules(&reply(422, "application/json", good)).is_empty());
    assert_eq!(
        rules(&reply(200, "application/json", good)),
        ["http.status"]
    );
    assert_eq!(rules(&reply(400, "text/html", good)), ["http.content-type"]);
    assert_eq!(
        rules(&reply(400, "application/json", "<html>")),
        ["body.json"]
    );
}
