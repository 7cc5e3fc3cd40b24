//! Why: the table is data of others; every line of it must be found, read and priced as it says.

use super::{Class, Price, PriceTable, ServiceTier};
use serde_json::Value;

fn entries() -> Vec<(String, String, Value)> {
    let text = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/conf/prices.json"));
    let table: Value = serde_json::from_str(text).unwrap();
    let mut entries = Vec::new();
    for (kind, models) in table["providers"].as_object().unwrap() {
        for (model, entry) in models.as_object().unwrap() {
            entries.push((kind.clone(), model.clone(), entry.clone()));
        }
    }
    entries
}

#[test]
fn every_model_of_the_table_is_found_with_the_prices_of_its_line() {
    let table = PriceTable::shipped();
    let entries = entries();
    assert_eq!(entries.len(), 1_288);
    for (kind, model, entry) in entries {
        if kind == "ollama" {
            continue;
        }
        let price = table.price("any", &kind, &model).expect(&model);
        for (class, name) in [(Class::Input, "in"), (Class::Output, "out")] {
            let found = price.per_token(class, ServiceTier::Standard, 0);
            assert_eq!(found, entry[name].as_u64(), "{kind}/{model} {name}");
            let found = price.per_token(class, ServiceTier::Batch, 0);
            let batch = entry[format!("{name}_batch")].as_u64();
            assert_eq!(
                found,
                batch.or(entry[name].as_u64()),
                "{kind}/{model} {name}"
            );
        }
        if let Some(cached) = entry["cache_read"].as_u64() {
            let found = price.per_token(Class::CacheRead, ServiceTier::Standard, 0);
            assert_eq!(found, Some(cached), "{kind}/{model}");
        }
        for step in entry["tiers"].as_array().into_iter().flatten() {
            let prompt = step["above"].as_u64().unwrap() + 1;
            let found = price.per_token(Class::Output, ServiceTier::Standard, prompt);
            assert_eq!(found, step["out"].as_u64(), "{kind}/{model} step");
        }
    }
}

fn found(kind: &str, model: &str) -> Option<Price> {
    PriceTable::shipped().price(kind, kind, model).cloned()
}

#[test]
fn dates_regions_prefixes_and_case_do_not_hide_a_price() {
    let same = [
        ("openai", "gpt-4o-mini-2031-01-02", "gpt-4o-mini"),
        ("openai", "GPT-4o-Mini", "gpt-4o-mini"),
        ("openai", "openai/gpt-4o-mini", "gpt-4o-mini"),
        ("openai", "gpt-4o-mini-latest", "gpt-4o-mini"),
        (
            "openai",
            "ft:gpt-4o-mini-2024-07-18:acme:bot:abc",
            "ft:gpt-4o-mini-2024-07-18",
        ),
        ("azure", "eu/gpt-4o-mini-2033-12-31", "eu/gpt-4o-mini"),
        ("anthropic", "claude-haiku-4-5@20330101", "claude-haiku-4-5"),
        ("gemini", "models/gemini-2.5-flash", "gemini-2.5-flash"),
        (
            "bedrock",
            "au.amazon.nova-lite-v1:0",
            "amazon.nova-lite-v1:0",
        ),
        (
            "bedrock",
            "arn:aws:bedrock:au:1:inference-profile/au.amazon.nova-lite-v1:0",
            "amazon.nova-lite-v1:0",
        ),
    ];
    for (kind, asked, listed) in same {
        assert!(found(kind, listed).is_some(), "{listed}");
        assert_eq!(found(kind, asked), found(kind, listed), "{asked}");
    }
}

#[test]
fn an_exact_name_wins_over_a_shortened_one() {
    let dated = found("openai", "gpt-4o-2024-05-13").unwrap();
    let plain = found("openai", "gpt-4o").unwrap();
    assert_ne!(dated, plain);
}

#[test]
fn what_is_not_listed_has_no_price() {
    for model in [
        "gpt-99",
        "gpt",
        "",
        "/",
        "-2024-08-06",
        "ft:",
        "ft::",
        "us.",
        "models/",
        "é-2024-08-06",
    ] {
        assert_eq!(found("openai", model), None, "{model}");
    }
    assert_eq!(found("openai_compatible", "gpt-4o"), None);
    assert_eq!(
        found("huggingface", "meta-llama/Llama-3.3-70B-Instruct"),
        None
    );
    assert_eq!(found("", "gpt-4o"), None);
    assert_eq!(found("openai", &"x/".repeat(100_000)), None);
    let unlisted_price = found("openai", "container").unwrap();
    assert_eq!(unlisted_price, Price::new());
}

#[test]
fn own_hardware_and_the_mock_are_free_by_name() {
    assert_eq!(found("ollama", "whatever:7b"), Some(Price::free()));
    assert_eq!(found("mock", "echo"), Some(Price::free()));
}

#[test]
fn an_override_replaces_the_whole_price_of_its_model_at_its_provider() {
    let own = Price::new().with(Class::Input, 1);
    let table = PriceTable::shipped().with_overrides([
        ("mine/gpt-4o".to_owned(), own.clone()),
        ("local/llama".to_owned(), own.clone()),
    ]);
    assert_eq!(table.price("mine", "openai", "gpt-4o"), Some(&own));
    assert_eq!(table.price("local", "ollama", "llama"), Some(&own));
    let other = table.price("theirs", "openai", "gpt-4o").cloned();
    assert_eq!(other, found("openai", "gpt-4o"));
}

#[test]
fn a_star_prices_every_model_of_a_provider_that_is_not_named() {
    let price = |pico| Price::new().with(Class::Input, pico);
    let table = PriceTable::shipped().with_overrides([
        ("vllm/*".to_owned(), price(1)),
        ("vllm/big/model".to_owned(), price(2)),
    ]);
    let of = |provider, model| table.price(provider, "openai_compatible", model);
    assert_eq!(of("vllm", "big/model"), Some(&price(2)));
    assert_eq!(of("vllm", "small"), Some(&price(1)));
    assert_eq!(of("other", "small"), None);
}
