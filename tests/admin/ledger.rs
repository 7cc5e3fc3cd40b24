//! The ledger, usage and the audit chain as the API tells them.

use serde_json::{Value, json};

use crate::house::{House, Store, Tenant, expect_problem};
use crate::support::{chat, until};

crate::house::on_each_store! {
    the_ledger_is_read_page_by_page_and_as_a_sheet_without_formulas,
    what_was_used_is_summed_up_within_reach,
    what_people_did_is_chained_and_the_chain_can_be_checked,
    a_price_is_told_and_an_unknown_one_is_not_made_up,
}

async fn with_money(house: &House) -> Tenant {
    let tenant = house.tenant("one").await;
    let line = format!("POST /v1/wallets/{}/credit", tenant.wallet);
    for note in ["=1+1", "a,\"b\"", "plain"] {
        let body = json!({ "amount": "1", "note": note });
        house
            .change(&tenant.people[0].token, &line, body)
            .await
            .expect(200);
    }
    tenant
}

async fn the_ledger_is_read_page_by_page_and_as_a_sheet_without_formulas(store: Store) {
    let house = House::start(store).await;
    let tenant = with_money(&house).await;
    let owner = &tenant.people[0].token;
    let base = format!("/v1/transactions?wallet_id={}&type=credit", tenant.wallet);
    let all = house.get(owner, &base).await.expect(200).json();
    let all = all["data"].as_array().unwrap().clone();
    assert_eq!(all.len(), 3);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = house
            .get(owner, &format!("{base}&limit=2{cursor}"))
            .await
            .expect(200)
            .json();
        seen.extend(page["data"].as_array().unwrap().clone());
        let Value::String(next) = &page["next_cursor"] else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, all);
    let one = format!("/v1/transactions/{}", all[0]["id"].as_str().unwrap());
    assert_eq!(house.get(owner, &one).await.expect(200).json(), all[0]);
    let by_format = house
        .get(owner, &format!("{base}&format=csv"))
        .await
        .expect(200);
    let accept = ["accept: text/csv"];
    let by_accept = house
        .send(owner, &format!("GET {base}"), &accept, None)
        .await
        .expect(200);
    assert_eq!(by_format.body, by_accept.body);
    assert_eq!(by_format.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        by_format
            .header("content-disposition")
            .starts_with("attachment")
    );
    let text = by_format.text();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(
        text.contains("\"'=1+1\"") && text.contains("\"a,\"\"b\"\"\""),
        "{text}"
    );
    let first = house
        .get(owner, &format!("{base}&format=csv&limit=1"))
        .await
        .expect(200);
    let next = first.header("x-next-cursor").to_owned();
    let rest = house
        .get(owner, &format!("{base}&cursor={next}"))
        .await
        .expect(200)
        .json();
    assert_eq!(rest["data"].as_array().unwrap().len(), 2);
    let none = format!("{base}&until=2000-01-01T00:00:00Z");
    assert_eq!(
        house.get(owner, &none).await.expect(200).json()["data"],
        json!([])
    );
}

async fn what_was_used_is_summed_up_within_reach(store: Store) {
    let house = House::start(store).await;
    house
        .gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
    let path = "/v1/usage?by=model";
    until("the request is posted", || async {
        let told = house.get(&house.token, path).await.expect(200).json();
        !told["data"].as_array().unwrap().is_empty()
    })
    .await;
    let told = house.get(&house.token, path).await.expect(200).json();
    assert_eq!(told["data"][0]["requests"], 1);
    assert!(told["data"][0]["cost"].is_string() && told["from"].is_string());
    let me = house.get(&house.token, "/v1/me").await.expect(200).json();
    let mut days = Value::Null;
    for (by, group) in [
        ("user", Some(me["id"].to_string())),
        ("team", None),
        ("key", None),
        ("model", Some("echo".to_owned())),
        ("provider", Some("mock".to_owned())),
        ("day", None),
    ] {
        let path = format!("/v1/usage?by={by}");
        let report = house.get(&house.token, &path).await.expect(200).json();
        let rows = report["data"].as_array().unwrap();
        assert_eq!(rows.len(), 1, "{by}: {report:#}");
        for figure in ["requests", "prompt_tokens", "completion_tokens", "cost"] {
            assert_eq!(rows[0][figure], told["data"][0][figure], "{by}: {figure}");
        }
        if let Some(group) = group {
            assert_eq!(rows[0]["group"], group, "{by}: {report:#}");
        }
        days = report;
    }
    assert_eq!(days["data"][0]["group"].as_str().unwrap().len(), 10);
    let other = house.tenant("other").await;
    let told = house
        .get(&other.people[0].token, path)
        .await
        .expect(200)
        .json();
    assert_eq!(told["data"], json!([]));
}

async fn what_people_did_is_chained_and_the_chain_can_be_checked(store: Store) {
    let house = House::start(store).await;
    let tenant = with_money(&house).await;
    let told = house
        .get(&house.token, "/v1/audit/verify")
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&told["whole"], &told["flaw"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(told["records"], told["head"]["number"]);
    let head = house.get(&house.token, "/v1/audit/head").await;
    let head = head.expect(200).json();
    assert_eq!(head["audit"], told["head"]);
    let (number, hash) = (
        &told["head"]["number"],
        told["head"]["hash"].as_str().unwrap(),
    );
    let anchor = format!("alfred-anchor 1 audit {number} {hash}");
    assert_eq!(head["anchors"][0], anchor);
    let more = json!({ "name": "later" });
    house.make(&house.token, "/v1/teams", more).await;
    let from = async |query: &str| {
        let path = format!("/v1/audit/verify?{query}");
        house.get(&house.token, &path).await
    };
    let partly = from(&format!("from={number}&hash={hash}")).await;
    let partly = partly.expect(200).json();
    assert_eq!(
        (&partly["whole"], &partly["records"]),
        (&json!(true), &json!(2))
    );
    let forged = "0".repeat(64);
    let other = from(&format!("from={number}&hash={forged}")).await;
    let other = other.expect(200).json();
    assert_eq!(other["whole"], false);
    let flaw = other["flaw"].as_str().unwrap();
    assert!(flaw.starts_with(&format!("audit_log {number}: ")) && flaw.contains("published"));
    for query in [
        "from=3",
        &format!("hash={hash}"),
        "from=3&hash=x",
        &format!("from=0&hash={hash}"),
    ] {
        expect_problem(from(query).await, 422, "invalid");
    }
    let owner = &tenant.people[0];
    let path = format!("/v1/audit?user_id={}&event_type=team.created", owner.id);
    let links = house.get(&owner.token, &path).await.expect(200).json();
    let link = &links["data"][0];
    assert_eq!(link["target"], format!("team:{}", tenant.team));
    assert!(link["actor"].as_str().unwrap().starts_with("token:"));
    assert_eq!(link["ip_address"], "127.0.0.1");
}

async fn a_price_is_told_and_an_unknown_one_is_not_made_up(store: Store) {
    let house = House::start(store).await;
    let free = house
        .get(&house.token, "/v1/prices?model=mock/echo")
        .await
        .expect(200)
        .json();
    assert_eq!(free["usd_per_million_tokens"]["standard"]["in"], "0.000000");
    house
        .get(&house.token, "/v1/prices?model=nobody/echo")
        .await
        .expect(404);
    house
        .get(&house.token, "/v1/prices?model=echo")
        .await
        .expect(422);
    house.get(&house.token, "/v1/prices").await.expect(422);
}
