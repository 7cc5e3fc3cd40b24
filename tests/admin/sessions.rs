//! People log in with a password, prove with each change that the page is Alfred's own, and log out again.

use serde_json::json;

use crate::house::{House, Store, expect_problem, fresh};
use crate::support::Answer;

crate::house::on_each_store! {
    whoever_logs_in_acts_until_they_log_out,
    a_wrong_password_and_an_unknown_account_are_told_alike_and_guessing_ends,
    a_new_password_ends_all_sessions,
    a_revoked_token_and_a_suspended_user_are_nobody,
}

const PASSWORD: &str = "correct horse battery staple";

async fn log_in(house: &House, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    house.send("", "POST /v1/session", &[], Some(&body)).await
}

async fn with_password(house: &House) -> String {
    let body = json!({ "email": "Ann@Example.com", "role": "admin", "password": PASSWORD });
    house.make(&house.token, "/v1/users", body).await["email"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn cookie(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(set.contains(part), "{set}");
    }
    format!("cookie: {}", set.split(';').next().unwrap())
}

async fn whoever_logs_in_acts_until_they_log_out(store: Store) {
    let house = House::start(store).await;
    let email = with_password(&house).await;
    let answer = log_in(&house, &email, PASSWORD).await.expect(201);
    let cookie = cookie(&answer);
    let csrf = answer.json()["csrf_token"].as_str().unwrap().to_owned();
    let me = house
        .send("", "GET /v1/me", &[&cookie], None)
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&me["email"], &me["csrf_token"]),
        (&json!(email), &json!(csrf))
    );
    assert!(!me.to_string().contains("argon2"));
    let body = json!({ "name": "by cookie" });
    let make = async |lines: &[&str]| {
        let key = format!("idempotency-key: {}", fresh());
        let lines = [&[key.as_str(), cookie.as_str()], lines].concat();
        house.send("", "POST /v1/teams", &lines, Some(&body)).await
    };
    expect_problem(make(&[]).await, 403, "csrf_token_required");
    expect_problem(make(&["x-csrf-token: "]).await, 403, "csrf_token_required");
    let other = format!("x-csrf-token: {}", "0".repeat(64));
    expect_problem(make(&[&other]).await, 403, "csrf_token_required");
    let own = format!("x-csrf-token: {csrf}");
    make(&[&own]).await.expect(201);
    let origin = "origin: http://evil.example";
    expect_problem(make(&[&own, origin]).await, 403, "origin_not_allowed");
    let out = house
        .send("", "DELETE /v1/session", &[&cookie, &own], None)
        .await
        .expect(204);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    expect_problem(
        house.send("", "GET /v1/me", &[&cookie], None).await,
        401,
        "unauthorized",
    );
}

async fn a_wrong_password_and_an_unknown_account_are_told_alike_and_guessing_ends(store: Store) {
    let house = House::start(store).await;
    let email = with_password(&house).await;
    let wrong = log_in(&house, &email, "correct horse battery stable")
        .await
        .expect(401);
    let unknown = log_in(&house, "nobody@example.com", PASSWORD)
        .await
        .expect(401);
    assert_eq!(wrong.json(), unknown.json());
    log_in(&house, &email, PASSWORD).await.expect(201);
    for _ in 0..10 {
        log_in(&house, &email, "x").await.expect(401);
    }
    let waits = log_in(&house, &email, PASSWORD).await.expect(429);
    assert!(waits.header("retry-after").parse::<u64>().unwrap() > 0);
    expect_problem(waits, 429, "too_many_attempts");
    let suspended = json!({ "email": "b@example.com", "password": PASSWORD });
    let user = house.make(&house.token, "/v1/users", suspended).await;
    log_in(&house, "b@example.com", PASSWORD).await.expect(201);
    let line = format!("PUT /v1/users/{}/status", user["id"]);
    let body = json!({ "status": "suspended" });
    house.change(&house.token, &line, body).await.expect(200);
    log_in(&house, "b@example.com", PASSWORD).await.expect(401);
}

async fn a_new_password_ends_all_sessions(store: Store) {
    let house = House::start(store).await;
    let email = with_password(&house).await;
    let answer = log_in(&house, &email, PASSWORD).await.expect(201);
    let cookie = cookie(&answer);
    let csrf = format!(
        "x-csrf-token: {}",
        answer.json()["csrf_token"].as_str().unwrap()
    );
    let set = async |current: &str, new: &str| {
        let key = format!("idempotency-key: {}", fresh());
        let body = json!({ "current": current, "new": new });
        house
            .send(
                "",
                "PUT /v1/me/password",
                &[&key, &cookie, &csrf],
                Some(&body),
            )
            .await
    };
    expect_problem(
        set("wrong", "another good password").await,
        403,
        "forbidden",
    );
    expect_problem(set(PASSWORD, "short").await, 422, "invalid");
    set(PASSWORD, "another good password").await.expect(200);
    expect_problem(
        house.send("", "GET /v1/me", &[&cookie], None).await,
        401,
        "unauthorized",
    );
    log_in(&house, &email, PASSWORD).await.expect(401);
    log_in(&house, &email, "another good password")
        .await
        .expect(201);
}

async fn a_revoked_token_and_a_suspended_user_are_nobody(store: Store) {
    let house = House::start(store).await;
    let tenant = house.tenant("one").await;
    let member = &tenant.people[4];
    let line = format!("DELETE /v1/tokens/{}", tenant.access_token);
    house.get(&member.token, "/v1/me").await.expect(200);
    house
        .change(&member.token, &line, json!({}))
        .await
        .expect(200);
    expect_problem(
        house.get(&member.token, "/v1/me").await,
        401,
        "unauthorized",
    );
    let admin = &tenant.people[1];
    let line = format!("PUT /v1/users/{}/status", admin.id);
    let body = json!({ "status": "suspended" });
    house
        .change(&tenant.people[0].token, &line, body)
        .await
        .expect(200);
    expect_problem(house.get(&admin.token, "/v1/me").await, 401, "unauthorized");
}
