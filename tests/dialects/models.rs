//! `GET /v1/models`: what a key may use, what fits into it, what it can do and what it costs, in the
//! shape of who asks.

use serde_json::{Value, json};

use crate::support::{Gateway, H1, until};

/// No model is asked in these tests.
const YAML: &str = "\
providers:
  openai: { kind: openai, keys: [sk-test], endpoints: [\"http://127.0.0.1:1/v1\"], models: [gpt-4o-mini, text-embedding-3-small, nobody-knows] }
  claude: { kind: anthropic, keys: [sk-test], endpoints: [\"http://127.0.0.1:1\"], models: [claude-haiku-4-5] }
models:
  both: { targets: [openai/gpt-4o-mini], fallback: [claude/claude-haiku-4-5] }
  half: { targets: [openai/gpt-4o-mini], fallback: [openai/nobody-knows] }
";

async fn ask(client: &mut H1, path: &str, lines: &[&str]) -> Value {
    let head = client.head("GET", path, lines);
    client.send(head).await;
    client.answer().await.expect(200).json()
}

fn row<'a>(list: &'a Value, id: &str) -> &'a Value {
    let rows = list["data"].as_array().unwrap();
    let found = rows.iter().find(|row| row["id"] == id);
    found.unwrap_or_else(|| panic!("{id} is not in {list:#}"))
}

#[tokio::test]
async fn each_model_is_listed_with_its_window_its_price_and_what_it_can_do() {
    let gateway = Gateway::start(YAML).await;
    let mut client = gateway.h1().await;
    let list = ask(&mut client, "/v1/models", &[]).await;
    let small = row(&list, "openai/gpt-4o-mini");
    assert_eq!(small["object"], "model");
    assert_eq!(small["context_length"], 128_000, "{small:#}");
    assert_eq!(small["max_completion_tokens"], 16_384);
    let can = small["capabilities"].as_array().unwrap();
    assert!(can.contains(&json!("tools")) && can.contains(&json!("vision")));
    assert_eq!(
        small["pricing"],
        json!({
            "prompt": "0.00000015", "completion": "0.0000006",
            "input_cache_read": "0.000000075", "input_cache_write": "0.00000015",
        })
    );
    let vectors = row(&list, "openai/text-embedding-3-small");
    assert_eq!(vectors["capabilities"][0], "embeddings", "{vectors:#}");
    // What nobody knows is not claimed.
    let unknown = row(&list, "openai/nobody-knows");
    for member in ["context_length", "pricing", "capabilities"] {
        assert!(unknown.get(member).is_none(), "{unknown:#}");
    }
    let one = ask(&mut client, "/v1/models/openai%2Fgpt-4o-mini", &[]).await;
    assert_eq!(&one, small);
}

#[tokio::test]
async fn of_an_alias_only_what_holds_for_every_target_is_told() {
    let gateway = Gateway::start(YAML).await;
    let mut client = gateway.h1().await;
    let list = ask(&mut client, "/v1/models", &[]).await;
    let both = row(&list, "both");
    assert_eq!(both["context_length"], 128_000, "the smaller: {both:#}");
    assert_eq!(both["pricing"]["completion"], "0.000005", "the dearer");
    let can = both["capabilities"].as_array().unwrap();
    assert!(can.contains(&json!("tools")) && !can.contains(&json!("reasoning")));
    let half = row(&list, "half");
    assert!(half.get("context_length").is_none() && half.get("pricing").is_none());
}

#[tokio::test]
async fn a_key_sees_what_it_may_use_and_no_more() {
    let gateway = Gateway::start(YAML).await;
    let key = gateway.create_key("narrow", &["--model", "both", "--model", "claude/*"]);
    let list = async || {
        let mut client = H1::connect(gateway.addr).await.with_key(&key);
        client.get("/v1/models").await
    };
    until("the key is known", async || list().await.status == 200).await;
    let list = list().await.json();
    let ids: Vec<&str> = list["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["id"].as_str())
        .collect();
    assert_eq!(ids, ["both", "claude/claude-haiku-4-5"]);
    let mut client = H1::connect(gateway.addr).await.with_key(&key);
    client.get("/v1/models/half").await.expect(403);
}

#[tokio::test]
async fn anthropics_clients_find_their_own_members() {
    let gateway = Gateway::start(YAML).await;
    let mut client = gateway.h1().await;
    let lines = ["anthropic-version: 2023-06-01"];
    let page = ask(&mut client, "/v1/models", &lines).await;
    let haiku = row(&page, "claude/claude-haiku-4-5");
    assert_eq!(
        (&haiku["type"], &haiku["lifecycle"]),
        (&json!("model"), &json!("active"))
    );
    assert_eq!(haiku["max_input_tokens"], 200_000, "{haiku:#}");
    assert_eq!(haiku["max_tokens"], 64_000);
    assert_eq!(
        haiku.pointer("/capabilities/image_input/supported"),
        Some(&json!(true))
    );
    assert_eq!(haiku["pricing"]["prompt"], "0.000001");
    let unknown = row(&page, "openai/nobody-knows");
    assert!(unknown["max_tokens"].is_null() && unknown.get("capabilities").is_none());
}
