//! A key that the API made opens the gateway, is shown once, and is closed within two seconds of its end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::house::{House, Store, fresh};
use crate::support::{H1, chat};

crate::house::on_each_store! {
    a_key_works_soon_after_it_is_made_and_no_more_soon_after_it_is_revoked,
    a_secret_is_shown_once_even_to_the_same_request,
    a_rotated_key_works_beside_the_new_one_until_its_time_is_over,
    a_token_made_by_the_api_has_the_rights_of_its_user,
}

/// Waits until the gateway answers so to the key; answers how long it took.
async fn until_answered(house: &House, key: &str, status: u16) -> Duration {
    let begun = Instant::now();
    loop {
        let mut client = H1::connect(house.gateway.addr).await.with_key(key);
        let answer = client.chat(&chat("mock/echo", json!({}))).await;
        if answer.status == status {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const SOON: Duration = Duration::from_secs(2);

async fn a_key_works_soon_after_it_is_made_and_no_more_soon_after_it_is_revoked(store: Store) {
    let house = House::start(store).await;
    let made = house
        .change(&house.token, "POST /v1/keys", json!({ "name": "app" }))
        .await
        .expect(201);
    let row = made.json();
    let key = row["key"].as_str().unwrap();
    assert!(until_answered(&house, key, 200).await < SOON);
    let path = made.header("location");
    let read = house.get(&house.token, path).await.expect(200);
    assert!(!read.text().contains(key) && read.json().get("key").is_none());
    let lines = [
        format!("idempotency-key: {}", fresh()),
        format!("if-match: {}", read.header("etag")),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let line = format!("DELETE {path}");
    let revoked = house
        .send(&house.token, &line, &lines, None)
        .await
        .expect(200);
    assert!(
        revoked.json()["revoked_at"]
            .as_str()
            .unwrap()
            .ends_with('Z')
    );
    assert!(until_answered(&house, key, 401).await < SOON);
}

async fn a_secret_is_shown_once_even_to_the_same_request(store: Store) {
    let house = House::start(store).await;
    for (path, member) in [("/v1/keys", "key"), ("/v1/tokens", "token")] {
        let line = format!("POST {path}");
        let key = format!("idempotency-key: {}", fresh());
        let body = json!({ "name": "once", "expires_at": "2099-01-01T00:00:00Z" });
        let first = house
            .send(&house.token, &line, &[&key], Some(&body))
            .await
            .expect(201);
        let again = house
            .send(&house.token, &line, &[&key], Some(&body))
            .await
            .expect(201);
        let (first, again) = (first.json(), again.json());
        let secret = first[member].as_str().unwrap();
        assert!(secret.len() > 60);
        assert_eq!(again[member], Value::Null);
        assert_eq!(first["id"], again["id"]);
        assert!(again["hint"].as_str().unwrap().contains("not shown again"));
        assert_eq!(first["expires_at"], "2099-01-01T00:00:00Z");
        let audit = house.get(&house.token, "/v1/audit").await.expect(200);
        assert!(!audit.text().contains(secret));
        assert!(!house.gateway.log().contains(secret));
    }
}

async fn a_rotated_key_works_beside_the_new_one_until_its_time_is_over(store: Store) {
    let house = House::start(store).await;
    let old = house
        .make(
            &house.token,
            "/v1/keys",
            json!({ "name": "app", "env": "test" }),
        )
        .await;
    let path = format!("/v1/keys/{}/rotate", old["id"]);
    let new = house
        .make(&house.token, &path, json!({ "overlap_seconds": 3 }))
        .await;
    assert_ne!(old["key"], new["key"]);
    assert_eq!(new["env"], "test");
    let (old_key, new_key) = (old["key"].as_str().unwrap(), new["key"].as_str().unwrap());
    until_answered(&house, new_key, 200).await;
    until_answered(&house, old_key, 200).await;
    until_answered(&house, old_key, 401).await;
    until_answered(&house, new_key, 200).await;
}

async fn a_token_made_by_the_api_has_the_rights_of_its_user(store: Store) {
    let house = House::start(store).await;
    let made = house
        .make(&house.token, "/v1/tokens", json!({ "name": "ci" }))
        .await;
    let token = made["token"].as_str().unwrap();
    let me = house.get(token, "/v1/me").await.expect(200).json();
    assert_eq!(
        (&me["role"], &me["of_the_house"]),
        (&json!("owner"), &json!(true))
    );
    assert_eq!(me["csrf_token"], Value::Null);
}
