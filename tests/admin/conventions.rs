//! One shape of refusals, requests that are done once, and no change over someone else's.

use serde_json::{Value, json};

use crate::house::{House, Store, expect_problem, fresh};
use crate::support::H1;

crate::house::on_each_store! {
    everything_that_is_wrong_is_a_problem_that_says_what_to_do,
    a_change_says_which_request_and_which_version_it_is,
    bodies_are_json_of_known_members_and_not_large,
    a_request_is_done_once_however_often_it_is_sent,
    money_moves_once_however_often_it_is_sent,
    nobody_changes_what_somebody_else_has_changed,
    a_list_is_read_page_by_page_and_misses_nothing,
    hostile_texts_are_kept_as_they_are_or_refused,
}

/// What is asked, with which header lines, and how it is refused.
type Case<'a> = (&'a str, &'a [&'a str], u16, &'a str);

async fn refused(house: &House, token: &str, body: Option<&Value>, cases: &[Case<'_>]) {
    for (line, lines, status, code) in cases {
        let answer = house.send(token, line, lines, body).await;
        assert_eq!(answer.status, *status, "{line}: {answer:?}");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(*status == 401, answer.count("www-authenticate") == 1);
        expect_problem(answer, *status, code);
    }
}

async fn everything_that_is_wrong_is_a_problem_that_says_what_to_do(store: Store) {
    let house = House::start(store).await;
    let asked: [Case<'_>; 9] = [
        ("GET /v1/nothing", &[], 404, "not_found"),
        ("PUT /v1/teams", &[], 405, "method_not_allowed"),
        ("GET /v1/teams/x", &[], 404, "not_found"),
        ("GET /v1/teams/99", &[], 404, "not_found"),
        ("GET /v1/teams?limit=0", &[], 422, "invalid"),
        ("GET /v1/teams?limit=many", &[], 422, "invalid"),
        ("GET /v1/teams?cursor=x", &[], 422, "invalid"),
        ("GET /v1/teams?nope=1", &[], 422, "invalid"),
        ("GET /v1/teams?name=%00", &[], 422, "invalid"),
    ];
    refused(&house, &house.token, None, &asked).await;
    for nobody in ["", "at_x", "eyJhbGciOiJub25lIn0.e30."] {
        let asked: [Case<'_>; 1] = [("GET /v1/teams", &[], 401, "unauthorized")];
        refused(&house, nobody, None, &asked).await;
    }
    let no_body: [Case<'_>; 1] = [("POST /v1/teams", &["idempotency-key: a"], 415, "not_json")];
    refused(&house, &house.token, None, &no_body).await;
}

async fn a_change_says_which_request_and_which_version_it_is(store: Store) {
    let house = House::start(store).await;
    let (keyed, any) = ("idempotency-key: b", "if-match: \"99\"");
    let asked: [Case<'_>; 4] = [
        ("POST /v1/teams", &[], 400, "idempotency_key_required"),
        ("PATCH /v1/teams/1", &[keyed], 428, "if_match_required"),
        ("PATCH /v1/teams/1", &[keyed, any], 412, "stale"),
        ("PATCH /v1/teams/1", &[keyed, "if-match: 1"], 412, "stale"),
    ];
    let body = json!({ "name": "core" });
    refused(&house, &house.token, Some(&body), &asked).await;
}

async fn bodies_are_json_of_known_members_and_not_large(store: Store) {
    let house = House::start(store).await;
    let send = async |kind: &str, body: String| {
        let mut client = H1::connect(house.gateway.admin).await;
        let head = format!(
            "POST /v1/teams HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             idempotency-key: {}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n",
            house.gateway.admin,
            house.token,
            fresh(),
            body.len()
        );
        client.send(head + &body).await;
        client.answer().await
    };
    let json = "application/json";
    let good = r#"{"name":"t"}"#.to_owned();
    expect_problem(send("text/plain", good.clone()).await, 415, "not_json");
    expect_problem(send(json, "{".to_owned()).await, 400, "bad_json");
    expect_problem(send(json, String::new()).await, 400, "bad_json");
    expect_problem(
        send(json, r#"{"name":"t","x":1}"#.to_owned()).await,
        422,
        "invalid",
    );
    expect_problem(
        send(json, r#"{"name":"t","name":"u"}"#.to_owned()).await,
        422,
        "invalid",
    );
    expect_problem(send(json, r#"{"name":7}"#.to_owned()).await, 422, "invalid");
    expect_problem(
        send(json, r#"{"name":"t","common_pool":1.5}"#.to_owned()).await,
        422,
        "invalid",
    );
    expect_problem(
        send(json, r#"{"name":""}"#.to_owned()).await,
        422,
        "invalid",
    );
    expect_problem(send(json, " ".repeat(70_000)).await, 413, "body_too_large");
    let made = send("application/json; charset=utf-8", good)
        .await
        .expect(201);
    assert_eq!(
        made.header("location"),
        format!("/v1/teams/{}", made.json()["id"])
    );
}

async fn a_request_is_done_once_however_often_it_is_sent(store: Store) {
    let house = House::start(store).await;
    let key = format!("idempotency-key: {}", fresh());
    let line = "POST /v1/teams";
    let body = json!({ "name": "once" });
    let first = house
        .send(&house.token, line, &[&key], Some(&body))
        .await
        .expect(201);
    let again = house
        .send(&house.token, line, &[&key], Some(&body))
        .await
        .expect(201);
    assert_eq!(
        (first.json(), first.header("etag")),
        (again.json(), again.header("etag"))
    );
    assert_eq!(first.count("idempotency-replayed"), 0);
    assert_eq!(again.header("idempotency-replayed"), "true");
    let other = json!({ "name": "another" });
    let reused = house.send(&house.token, line, &[&key], Some(&other)).await;
    expect_problem(reused, 422, "idempotency_key_reused");
    let path = "POST /v1/keys";
    expect_problem(
        house.send(&house.token, path, &[&key], Some(&body)).await,
        422,
        "idempotency_key_reused",
    );
    let teams = house
        .get(&house.token, "/v1/teams?name=once")
        .await
        .expect(200)
        .json();
    assert_eq!(teams["data"].as_array().unwrap().len(), 1);
}

async fn money_moves_once_however_often_it_is_sent(store: Store) {
    let house = House::start(store).await;
    let tenant = house.tenant("one").await;
    let line = format!("POST /v1/wallets/{}/credit", tenant.wallet);
    let key = format!("idempotency-key: {}", fresh());
    let body = json!({ "amount": "12.5", "note": "January" });
    let owner = &tenant.people[0].token;
    let first = house
        .send(owner, &line, &[&key], Some(&body))
        .await
        .expect(200)
        .json();
    let again = house
        .send(owner, &line, &[&key], Some(&body))
        .await
        .expect(200)
        .json();
    assert_eq!(first, again);
    assert_eq!(first["wallet"]["balance"], "12.500000000");
    let path = format!("/v1/wallets/{}", tenant.wallet);
    let wallet = house.get(owner, &path).await.expect(200).json();
    assert_eq!(wallet["balance"], "12.500000000");
    for bad in ["0", "-1", "1e3", "NaN", "0.0000000001", "99999999999"] {
        let body = json!({ "amount": bad });
        expect_problem(house.change(owner, &line, body).await, 422, "invalid");
    }
    let body = json!({ "amount": "13" });
    let line = format!("POST /v1/wallets/{}/debit", tenant.wallet);
    expect_problem(house.change(owner, &line, body).await, 409, "conflict");
}

async fn nobody_changes_what_somebody_else_has_changed(store: Store) {
    let house = House::start(store).await;
    let made = house
        .change(&house.token, "POST /v1/teams", json!({ "name": "t" }))
        .await
        .expect(201);
    let path = made.header("location").to_owned();
    let read = house.get(&house.token, &path).await.expect(200);
    assert_eq!(read.header("etag"), made.header("etag"));
    let tag = format!("if-match: {}", read.header("etag"));
    let patch = async |name: &str| {
        let key = format!("idempotency-key: {}", fresh());
        let body = json!({ "name": name });
        let line = format!("PATCH {path}");
        house
            .send(&house.token, &line, &[&key, &tag], Some(&body))
            .await
    };
    let changed = patch("first").await.expect(200);
    assert_ne!(changed.header("etag"), read.header("etag"));
    let stale = patch("second").await.expect(412);
    assert_eq!(stale.json()["current"], changed.header("etag"));
    expect_problem(stale, 412, "stale");
}

async fn a_list_is_read_page_by_page_and_misses_nothing(store: Store) {
    let house = House::start(store).await;
    let mut made = Vec::new();
    for number in 0..7 {
        let name = json!({ "name": format!("team {number}") });
        made.push(house.make(&house.token, "/v1/teams", name).await["id"].clone());
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/teams?limit=3{cursor}");
        let page = house.get(&house.token, &path).await.expect(200).json();
        let rows = page["data"].as_array().unwrap();
        assert!(rows.len() <= 3);
        seen.extend(rows.iter().map(|row| row["id"].clone()));
        let Value::String(next) = &page["next_cursor"] else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert!(
        made.iter().all(|id| seen.contains(id)) && seen.len() == 8,
        "{seen:?}"
    );
}

async fn hostile_texts_are_kept_as_they_are_or_refused(store: Store) {
    let house = House::start(store).await;
    for name in [
        "'; DROP TABLE teams; --",
        "<script>alert(1)</script>",
        "\u{202e}gnp.exe",
        "=cmd|' /C calc'!A0",
        "\"\\/\u{8}\r\n\t",
        "🦇",
    ] {
        let made = house
            .make(&house.token, "/v1/teams", json!({ "name": name }))
            .await;
        assert_eq!(made["name"], name);
        let path = format!("/v1/teams/{}", made["id"]);
        let read = house.get(&house.token, &path).await.expect(200);
        assert_eq!(read.header("content-type"), "application/json");
        assert_eq!(read.json()["name"], name);
    }
    for name in ["\u{0}", &"x".repeat(201), ""] {
        let body = json!({ "name": name });
        let answer = house.change(&house.token, "POST /v1/teams", body).await;
        expect_problem(answer, 422, "invalid");
    }
    for path in [
        "/v1/teams/%27",
        "/v1/teams/1%20OR%201",
        "/v1/teams/-1",
        "/v1/teams/9223372036854775808",
    ] {
        expect_problem(house.get(&house.token, path).await, 404, "not_found");
    }
    let found = house
        .get(&house.token, "/v1/teams?name=%27%20OR%201%3D1%20--")
        .await;
    assert_eq!(found.expect(200).json()["data"], json!([]));
}
