//! Policies that organisations, teams and keys set while the gateway runs.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::requests::assert_nowhere;
use crate::support::{Answer, Gateway, H1, until};
use crate::world::{MAIL, chat, says, secret, world};

/// Asks the admin port as the owner of the house.
async fn admin(gateway: &Gateway, line: &str, body: Option<Value>) -> Answer {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let body = body.as_ref().map(Value::to_string).unwrap_or_default();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nidempotency-key: g{}\r\nif-match: *\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        gateway.admin,
        gateway.admin_token(),
        NEXT.fetch_add(1, Ordering::Relaxed),
        body.len(),
    );
    let mut client = H1::connect(gateway.admin).await;
    client.send(head + &body).await;
    client.answer().await
}

async fn set(gateway: &Gateway, owner: &str, policy: Value) -> Answer {
    admin(gateway, &format!("PUT /v1/{owner}/guards"), Some(policy)).await
}

/// The status of a request with a key of GitHub's form.
async fn status(gateway: &Gateway) -> u16 {
    chat(gateway, &secret(), false).await.status
}

/// Waits until such a request is answered with that status.
async fn settles(gateway: &Gateway, wanted: u16) {
    until(
        &format!("requests to be answered with {wanted}"),
        || async { status(gateway).await == wanted },
    )
    .await;
}

fn secrets(action: &str) -> Value {
    json!({ "filters": [{ "secrets": { "action": action } }] })
}

#[tokio::test]
async fn the_nearest_policy_holds_from_the_moment_that_it_is_set() {
    let (_upstream, gateway) = world("", vec![says("done")]).await;
    assert_eq!(status(&gateway).await, 200);
    set(&gateway, "organisations/1", secrets("block"))
        .await
        .expect(200);
    settles(&gateway, 400).await;
    set(&gateway, "teams/1", secrets("log")).await.expect(200);
    settles(&gateway, 200).await;
    set(&gateway, "keys/1", secrets("block")).await.expect(200);
    settles(&gateway, 400).await;
    let told = admin(&gateway, "GET /v1/keys/1/guards/effective", None).await;
    let told = told.expect(200).json();
    assert_eq!(told["layers"].as_array().map(Vec::len), Some(3), "{told:#}");
    assert_eq!(told["policy"]["filters"][0]["secrets"]["action"], "block");
    assert_eq!(told["policy"]["filters"][0]["secrets"]["answer"], "mask");
    assert_eq!(told["problem"], Value::Null);
    admin(&gateway, "DELETE /v1/keys/1/guards", None)
        .await
        .expect(200);
    settles(&gateway, 200).await;
    let none = admin(&gateway, "GET /v1/keys/1/guards", None)
        .await
        .expect(200);
    assert_eq!(
        (none.json()["version"].clone(), none.header("etag")),
        (json!(0), "\"0\"")
    );
}

#[tokio::test]
async fn what_is_locked_above_is_refused_below() {
    let filters = "filters: [ { secrets: {} } ]\nguard: { locked: [secrets] }\n";
    let (_upstream, gateway) = world(filters, vec![says("done")]).await;
    let refused = set(&gateway, "teams/1", secrets("allow"))
        .await
        .expect(409)
        .json();
    assert_eq!(refused["code"], "locked");
    assert!(
        refused["detail"]
            .as_str()
            .unwrap()
            .contains("filters.secrets"),
        "{refused}"
    );
    let dry = json!({ "guard": { "dry_run": true } });
    assert_eq!(
        set(&gateway, "teams/1", dry).await.expect(409).json()["code"],
        "locked"
    );
    let more = json!({ "filters": [{ "pii": { "action": "mask" } }] });
    set(&gateway, "teams/1", more).await.expect(200);
    assert_eq!(status(&gateway).await, 400);
}

#[tokio::test]
async fn a_bad_policy_is_refused_with_every_problem_and_nothing_changes() {
    let (_upstream, gateway) = world("", vec![says("done")]).await;
    let bad = json!({
        "filters": [{ "pii": { "types": ["emial"] } }, { "webhook": { "name": "x", "url": "http://169.254.169.254/" } }],
        "guard": { "dry": true },
    });
    let told = set(&gateway, "teams/1", bad).await.expect(422).json();
    let problems = told["problems"].to_string();
    for wanted in [
        "filters.0.pii.types.0",
        "did you mean `email`?",
        "filters.1",
        "guard.dry",
    ] {
        assert!(problems.contains(wanted), "{wanted}: {told:#}");
    }
    let unbuilt = json!({ "filters": [{ "patterns": { "name": "p", "patterns": ["("] } }] });
    let told = set(&gateway, "teams/1", unbuilt).await.expect(422).json();
    assert!(
        told["detail"].as_str().unwrap().contains("patterns"),
        "{told}"
    );
    let list = admin(&gateway, "GET /v1/guards", None)
        .await
        .expect(200)
        .json();
    assert_eq!(list["data"], json!([]));
    assert_eq!(set(&gateway, "teams/77", secrets("log")).await.status, 404);
}

#[tokio::test]
async fn a_value_that_is_let_through_is_kept_as_a_hash_only() {
    let filters = "filters: [ { pii: { action: block } } ]\n";
    let (_upstream, gateway) = world(filters, vec![says("done")]).await;
    chat(&gateway, MAIL, false).await.expect(400);
    let allow = json!({ "filters": [{ "pii": { "allow": [MAIL] } }] });
    let told = set(&gateway, "teams/1", allow).await.expect(200).json();
    let hashed = told["policy"]["filters"][0]["pii"]["allow_hashed"][0].as_str();
    assert_eq!(hashed.map(str::len), Some(64), "{told}");
    until("the value to be let through", || async {
        chat(&gateway, MAIL, false).await.status == 200
    })
    .await;
    chat(&gateway, "bob@example.org", false).await.expect(400);
    assert_nowhere(&gateway, MAIL).await;
}

#[tokio::test]
async fn what_guards_found_is_reported_by_rule_and_team() {
    let filters = "filters: [ { secrets: {} }, { pii: { action: mask } } ]\n";
    let (_upstream, gateway) = world(filters, vec![says("done")]).await;
    chat(&gateway, &format!("{MAIL} and bob@example.org"), false)
        .await
        .expect(200);
    assert_eq!(status(&gateway).await, 400);
    until("both to be counted", || async {
        let told = admin(&gateway, "GET /v1/guards/report?by=kind", None).await;
        told.expect(200).json()["data"].as_array().map(Vec::len) == Some(2)
    })
    .await;
    let told = admin(&gateway, "GET /v1/guards/report?by=kind&team_id=1", None)
        .await
        .expect(200)
        .json();
    let email = json!({ "group": "email", "findings": 2, "acted": 2, "blocked": 0, "dry_run": 0 });
    let token = json!({ "group": "secret", "findings": 1, "acted": 1, "blocked": 1, "dry_run": 0 });
    assert_eq!(told["data"], json!([email, token]));
    let day = admin(&gateway, "GET /v1/guards/report?by=day", None)
        .await
        .expect(200)
        .json();
    assert_eq!(
        day["data"][0]["group"].as_str().map(str::len),
        Some(10),
        "{day}"
    );
}

#[tokio::test]
async fn what_one_policy_found_clean_is_read_again_by_another() {
    let (upstream, gateway) = world("filters: [ { secrets: {} } ]\n", vec![says("done")]).await;
    let text = format!("{MAIL} {}", "and so on and so forth ".repeat(20));
    for _ in 0..3 {
        chat(&gateway, &text, false).await.expect(200);
    }
    let masks = json!({ "filters": [{ "pii": { "action": "mask" } }] });
    set(&gateway, "teams/1", masks).await.expect(200);
    until("the address to be masked", || async {
        chat(&gateway, &text, false).await.expect(200);
        let last = upstream.received().pop().expect("a request");
        String::from_utf8(last.body)
            .expect("text")
            .contains("[EMAIL] and so on")
    })
    .await;
}

#[tokio::test]
async fn a_policy_is_set_shown_and_dropped_without_a_browser() {
    let (_upstream, gateway) = world("", vec![says("done")]).await;
    let file = gateway.folder().join("policy.json");
    let policy =
        json!({ "filters": [{ "secrets": { "action": "block", "allow": ["harmless"] } }] });
    std::fs::write(&file, policy.to_string()).unwrap();
    let run = |arguments: &[&str]| {
        let done = gateway.run(&[&["guard", "policy"], arguments].concat());
        let said = [done.stdout, done.stderr].concat();
        (
            done.status.success(),
            String::from_utf8(said).expect("text"),
        )
    };
    let (done, said) = run(&["set", "--team", "1", file.to_str().unwrap()]);
    assert!(done && said.contains("team 1 is set"), "{said}");
    settles(&gateway, 400).await;
    let (done, said) = run(&["show", "--team", "1"]);
    assert!(
        done && said.contains("allow_hashed") && !said.contains("harmless"),
        "{said}"
    );
    let (done, said) = run(&["list"]);
    assert!(done && said.contains("team"), "{said}");
    std::fs::write(&file, r#"{"filters":[{"pii":{"types":["emial"]}}]}"#).unwrap();
    let (done, said) = run(&["set", "--key", "1", file.to_str().unwrap()]);
    assert!(!done && said.contains("did you mean `email`"), "{said}");
    let locked = json!({ "guard": { "locked": ["secrets"] } });
    set(&gateway, "organisations/1", locked).await.expect(200);
    std::fs::write(&file, secrets("log").to_string()).unwrap();
    let (done, said) = run(&["set", "--team", "1", file.to_str().unwrap()]);
    assert!(!done && said.contains("locked above: "), "{said}");
    let (done, said) = run(&["set", "--team", "77", file.to_str().unwrap()]);
    assert!(!done && said.contains("team"), "{said}");
    let (done, said) = run(&["drop", "--team", "1"]);
    assert!(done && said.contains("gone"), "{said}");
    settles(&gateway, 200).await;
    let (done, said) = run(&["show", "--team", "1"]);
    assert!(!done && said.contains("guard policy list"), "{said}");
}
