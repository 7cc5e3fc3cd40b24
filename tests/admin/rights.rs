//! Every route of the table, as every role, in one's own organisation and in a foreign one.

use alfred::admin::access::{Least, Reach, Row, TABLE};
use serde_json::{Value, json};

use crate::house::{House, ROLES, Store, Tenant};

crate::house::on_each_store! {
    every_route_admits_exactly_the_roles_of_the_table,
    what_is_of_another_organisation_does_not_exist,
    a_member_and_a_lead_see_their_own_and_no_more,
    an_admin_becomes_no_owner_by_any_way,
}

/// How strong a role is on a route.
fn strength(role: &str, row: &Row) -> Least {
    match role {
        "owner" => Least::Owner,
        "admin" => Least::Admin,
        "auditor" if row.reads() => Least::Auditor,
        "lead" => Least::Lead,
        _ => Least::Member,
    }
}

/// The path of a row with the ids of a tenant. Who is named is the member, whom all may see.
pub(crate) fn path(row: &Row, tenant: &Tenant) -> String {
    let member = tenant.people[4].id;
    let nowhere = "00000000-0000-7000-8000-000000000000";
    let resource = row.path.split('/').nth(2).unwrap_or_default();
    let id = match resource {
        "organisations" => tenant.org.to_string(),
        "users" => member.to_string(),
        "teams" => tenant.team.to_string(),
        "absences" => tenant.absence.to_string(),
        "wallets" => tenant.wallet.to_string(),
        "keys" => tenant.key.to_string(),
        "tokens" => tenant.access_token.to_string(),
        _ => nowhere.to_owned(),
    };
    let path = row.path.replace("{id}", &id);
    path.replace("{user}", &member.to_string())
}

/// A body that no route takes: whoever gets as far as to hear that may use the route, and nothing happens.
fn nonsense() -> Value {
    json!({ "no such member": 1 })
}

/// Routes whose success changes what later ones are tried on; those are tried with a version that is not there.
fn lines() -> Vec<String> {
    vec![
        "if-match: \"999999\"".to_owned(),
        format!("idempotency-key: {}", crate::house::fresh()),
    ]
}

async fn try_it(house: &House, row: &Row, path: &str, token: &str) -> u16 {
    let lines = lines();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let line = format!("{} {path}", row.method);
    let query = match row.path {
        "/v1/usage" => "?by=user",
        "/v1/guards/report" => "?by=rule",
        "/v1/prices" => "?model=mock/echo",
        _ => "",
    };
    let body = (!row.reads()).then(nonsense);
    let answer = house
        .send(token, &format!("{line}{query}"), &lines, body.as_ref())
        .await;
    answer.status
}

/// The path to try. A token that is to be revoked is one that nobody needs.
async fn fresh_path(house: &House, row: &Row, tenant: &Tenant) -> String {
    if (row.method, row.path) != ("DELETE", "/v1/tokens/{id}") {
        return path(row, tenant);
    }
    let body = json!({ "name": "to be revoked", "user_id": tenant.people[4].id });
    let made = house
        .make(&tenant.people[0].token, "/v1/tokens", body)
        .await;
    format!("/v1/tokens/{}", made["id"])
}

async fn every_route_admits_exactly_the_roles_of_the_table(store: Store) {
    let house = House::start(store).await;
    let own = house.own_tenant().await;
    let other = house.tenant("other").await;
    for row in TABLE {
        if row.least == Least::Anyone {
            continue;
        }
        for (tenant, is_house) in [(&own, true), (&other, false)] {
            for (role, person) in ROLES.iter().zip(&tenant.people) {
                let may =
                    strength(role, row) >= row.least && (row.reach != Reach::House || is_house);
                let path = fresh_path(&house, row, tenant).await;
                let status = try_it(&house, row, &path, &person.token).await;
                let what = format!(
                    "{} {} as {role}, house {is_house}: {status}",
                    row.method, row.path
                );
                assert_eq!(status != 403, may, "{what}");
                assert!(status != 401 && status != 405 && status < 500, "{what}");
                let is_theirs = !row.path.contains("transactions/{id}")
                    && (*role != "lead" || !row.path.contains("tokens/{id}"));
                if may && row.reads() && is_theirs {
                    assert_eq!(status, 200, "{what}");
                }
            }
        }
        let status = try_it(&house, row, &path(row, &own), "").await;
        assert_eq!(status, 401, "{} {} as nobody", row.method, row.path);
    }
}

async fn what_is_of_another_organisation_does_not_exist(store: Store) {
    let house = House::start(store).await;
    let one = house.tenant("one").await;
    let two = house.tenant("two").await;
    let owner = &one.people[0].token;
    for row in TABLE {
        if !row.path.contains("{id}") || row.reach == Reach::House {
            continue;
        }
        let (line, path) = (row.method, path(row, &two));
        let key = format!("idempotency-key: {}", crate::house::fresh());
        let body = good_body(row, &one);
        let answer = house
            .send(
                owner,
                &format!("{line} {path}"),
                &[&key, "if-match: *"],
                body.as_ref(),
            )
            .await;
        assert_eq!(answer.status, 404, "{line} {path}: {answer:?}");
    }
    for list in [
        "users", "teams", "absences", "wallets", "keys", "tokens", "audit",
    ] {
        let rows = house
            .get(owner, &format!("/v1/{list}?limit=500"))
            .await
            .expect(200)
            .json();
        let rows = rows["data"].as_array().unwrap().clone();
        assert!(!rows.is_empty(), "{list}");
        assert!(rows.iter().all(|row| row["org_id"] == one.org), "{list}");
    }
}

/// A body with which the act would be done if the row were there.
pub(crate) fn good_body(row: &Row, own: &Tenant) -> Option<Value> {
    Some(match (row.method, row.path) {
        ("PATCH", "/v1/absences/{id}") => json!({ "ends_at": "2099-03-01T00:00:00Z" }),
        ("PATCH", "/v1/wallets/{id}") => json!({ "overdraft": "5" }),
        ("PATCH", _) => json!({ "name": "mine now" }),
        ("PUT", "/v1/users/{id}/status") => json!({ "status": "suspended" }),
        ("PUT", "/v1/wallets/{id}/status") => json!({ "status": "frozen" }),
        ("PUT", "/v1/users/{id}/password") => json!({ "password": "correct horse battery" }),
        ("PUT", path) if path.ends_with("/guards") => json!({ "filters": [{ "pii": {} }] }),
        ("PUT", _) => json!({ "role": "member" }),
        ("POST", "/v1/transactions/{id}/reconcile") => json!({ "cost": "1" }),
        ("POST", "/v1/wallets/{id}/transfer") => json!({ "to": own.wallet, "amount": "1" }),
        ("POST", "/v1/wallets/{id}/forgive") | ("POST", "/v1/keys/{id}/rotate") => json!({}),
        ("POST", path) if path.contains("wallets") => json!({ "amount": "1" }),
        _ => return None,
    })
}

async fn a_member_and_a_lead_see_their_own_and_no_more(store: Store) {
    let house = House::start(store).await;
    let tenant = house.tenant("one").await;
    let (lead, member) = (&tenant.people[3], &tenant.people[4]);
    let owner = &tenant.people[0];
    let count = async |token: &str, path: &str| {
        let rows = house.get(token, path).await.expect(200).json();
        rows["data"].as_array().unwrap().len()
    };
    assert_eq!(count(&member.token, "/v1/users").await, 1);
    assert_eq!(
        count(&lead.token, "/v1/users").await,
        4,
        "the owner is in no team"
    );
    assert_eq!(count(&owner.token, "/v1/users").await, 5);
    assert_eq!(
        count(&lead.token, "/v1/tokens").await,
        1,
        "credentials are not the lead's"
    );
    let outsider = format!("/v1/users/{}", owner.id);
    assert_eq!(house.get(&lead.token, &outsider).await.status, 404);
    let other_key = json!({ "name": "k", "user_id": owner.id });
    let made = house
        .change(&member.token, "POST /v1/keys", other_key)
        .await;
    assert_eq!(made.status, 404, "{made:?}");
}

async fn an_admin_becomes_no_owner_by_any_way(store: Store) {
    let house = House::start(store).await;
    let tenant = house.tenant("one").await;
    let (owner, admin) = (&tenant.people[0], &tenant.people[1]);
    let user = format!("/v1/users/{}", owner.id);
    let own = format!("PATCH /v1/users/{}", admin.id);
    let before = house.get(&owner.token, "/v1/me").await.expect(200).json();
    for (line, body) in [
        (own, json!({ "role": "owner" })),
        (
            "POST /v1/users".to_owned(),
            json!({ "email": "x@y.example", "role": "owner" }),
        ),
        (format!("PATCH {user}"), json!({ "role": "member" })),
        (
            format!("PATCH {user}"),
            json!({ "email": "mine@y.example" }),
        ),
        (format!("PUT {user}/status"), json!({ "status": "closed" })),
        (
            format!("PUT {user}/password"),
            json!({ "password": "correct horse battery" }),
        ),
        (format!("POST {user}/void"), json!({})),
        (
            "POST /v1/tokens".to_owned(),
            json!({ "name": "t", "user_id": owner.id }),
        ),
    ] {
        let answer = house.change(&admin.token, &line, body).await;
        assert_eq!(answer.status, 403, "{line}: {answer:?}");
    }
    let me = house.get(&owner.token, "/v1/me").await.expect(200).json();
    assert_eq!(me, before);
}
