//! Every text that any route takes, as somebody sends it who hopes that it becomes SQL: it is kept letter for letter,
//! finds nothing, or is refused. What there is to try comes from the description, so a new member is tried by itself.

use alfred::admin::access::{Row, TABLE};
use serde_json::{Value, json};

use crate::house::{House, Store, Tenant, fresh};
use crate::rights::{good_body, path};
use crate::support::Answer;

crate::house::on_each_store! {
    every_text_of_every_body_is_kept_or_refused,
    every_text_of_every_query_and_path_finds_nothing,
}

const HOSTILE: [&str; 5] = [
    "'; DROP TABLE teams; --",
    "x' OR '1'='1",
    "\\'; SELECT pg_sleep(20); --$1 ?1 %s {{7*7}}",
    "x@example.com'||(SELECT hash FROM api_keys)||'",
    "NUL \u{0}",
];

/// A body that the route takes.
fn base(row: &Row, own: &Tenant) -> Value {
    let member = own.people[4].id;
    match (row.method, row.path) {
        ("POST", "/v1/users") | ("POST", "/v1/organisations/{id}/owners") => {
            json!({ "email": format!("{}@example.com", fresh()) })
        }
        ("POST", "/v1/absences") => json!({
            "user_id": member,
            "starts_at": "2098-01-01T00:00:00Z", "ends_at": "2098-02-01T00:00:00Z",
        }),
        ("POST", "/v1/wallets") => json!({ "owner_type": "key", "owner_id": own.key }),
        ("POST", "/v1/denied-tokens") => json!({
            "issuer": "idp", "jti": fresh(), "expires_at": "2099-01-01T00:00:00Z",
        }),
        ("POST", "/v1/session") => json!({ "email": "a@example.com", "password": "x" }),
        ("PUT", "/v1/me/password") => json!({ "new": "correct horse battery" }),
        ("POST", "/v1/organisations" | "/v1/teams" | "/v1/keys" | "/v1/tokens") => {
            json!({ "name": fresh() })
        }
        _ => good_body(row, own).unwrap_or_else(|| json!({})),
    }
}

/// The members of the body of a route that may be texts, or lists of them.
fn texts(document: &Value, row: &Row) -> Vec<(String, bool)> {
    let operation = &document["paths"][row.path][row.method.to_lowercase()];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let Some(reference) = schema["$ref"].as_str() else {
        return Vec::new();
    };
    let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
    let members = schema["properties"].as_object().unwrap();
    let kind = |member: &Value| member.to_string();
    let all = members.iter();
    all.filter(|(_, member)| {
        let said = kind(member);
        said.contains("string") || said.contains("$ref")
    })
    .map(|(name, member)| (name.clone(), kind(member).contains("array")))
    .collect()
}

#[track_caller]
fn is_fair(answer: &Answer, what: &str) {
    let fair = [200, 201, 204, 400, 401, 403, 404, 409, 412, 422, 429];
    assert!(fair.contains(&answer.status), "{what}: {answer:?}");
}

async fn every_text_of_every_body_is_kept_or_refused(store: Store) {
    let issuer = "jwt: [ { name: idp, issuer: \"https://idp.test\", audience: alfred, algorithms: [HS256], \
                  secret: 0123456789abcdef0123456789abcdef } ]\n";
    let house = House::start_with(&(store.line() + issuer)).await;
    let own = house.own_tenant().await;
    let document = house.get("", "/openapi.json").await.expect(200).json();
    let (mut tried, mut kept) = (0, 0);
    for row in TABLE.iter().filter(|row| !row.reads()) {
        for (name, is_list) in texts(&document, row) {
            // What is only hashed may hold anything, and takes its time.
            let is_hashed = ["password", "current", "new"].contains(&name.as_str());
            let texts: &[&str] = if is_hashed { &HOSTILE[..1] } else { &HOSTILE };
            for text in texts {
                let mut body = base(row, &own);
                body[&name] = match is_list {
                    true => json!([text]),
                    false => json!(text),
                };
                let line = format!("{} {}", row.method, path(row, &own));
                let answer = house.change(&house.token, &line, body).await;
                let what = format!("{line} with {name}: {text:?}");
                is_fair(&answer, &what);
                tried += 1;
                if answer.status >= 300 {
                    continue;
                }
                assert!(!text.contains('\0'), "{what}: {answer:?}");
                let row = answer.json();
                if let Some(value) = row.get(&name).filter(|value| !value.is_null()) {
                    assert!(value == text || value == &json!([text]), "{what}: {row:#}");
                    kept += 1;
                }
            }
        }
    }
    assert!(tried > 150 && kept > 20, "{tried} tried, {kept} kept");
    is_whole(&house).await;
}

async fn every_text_of_every_query_and_path_finds_nothing(store: Store) {
    let house = House::start(store).await;
    let own = house.own_tenant().await;
    let document = house.get("", "/openapi.json").await.expect(200).json();
    let mut tried = 0;
    for row in TABLE.iter().filter(|row| row.path.starts_with("/v1/")) {
        for id in [
            "%27",
            "1%20OR%201%3D1",
            "1;DROP",
            "-1",
            "9223372036854775807",
            "%F0%9F%A6%87",
        ] {
            let line = row.path.replace("{id}", id).replace("{user}", id);
            if line == row.path {
                break;
            }
            let body = base(row, &own);
            let answer = house
                .change(&house.token, &format!("{} {line}", row.method), body)
                .await;
            assert_eq!(answer.status, 404, "{} {line}: {answer:?}", row.method);
            tried += 1;
        }
        let parameters = &document["paths"][row.path][row.method.to_lowercase()]["parameters"];
        for parameter in parameters.as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            if parameter["in"] != "query" {
                continue;
            }
            for text in [
                "%27%20OR%20%271%27%3D%271",
                "%27%3BDROP%20TABLE%20users--",
                "1%29%20OR%20%281%3D1",
            ] {
                let by = match row.path {
                    "/v1/usage" | "/v1/guards/report" if name != "by" => "&by=user",
                    _ => "",
                };
                let line = format!("{}?{name}={text}{by}", path(row, &own));
                let answer = house.get(&house.token, &line).await;
                match answer.status {
                    200 => assert_eq!(answer.json()["data"], json!([]), "{line}"),
                    status => assert!(matches!(status, 404 | 422), "{line}: {answer:?}"),
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 200, "{tried} tried");
    let key = "idempotency-key: '; DROP TABLE teams; --";
    let body = json!({ "name": "kept" });
    for replayed in [0, 1] {
        let made = house
            .send(&house.token, "POST /v1/teams", &[key], Some(&body))
            .await
            .expect(201);
        assert_eq!(made.count("idempotency-replayed"), replayed);
    }
    is_whole(&house).await;
}

/// Everything is still there, and as it was written.
async fn is_whole(house: &House) {
    for list in [
        "users",
        "teams",
        "wallets",
        "keys",
        "tokens",
        "organisations",
        "audit",
    ] {
        let rows = house
            .get(&house.token, &format!("/v1/{list}?limit=1"))
            .await;
        let rows = rows.expect(200).json();
        assert_eq!(rows["data"].as_array().unwrap().len(), 1, "{list}");
    }
    let told = house.get(&house.token, "/v1/audit/verify").await;
    assert_eq!(told.expect(200).json()["whole"], true);
    let said = house.gateway.run(&["audit", "verify", "--ledger"]);
    assert!(said.status.success(), "{said:?}");
}
