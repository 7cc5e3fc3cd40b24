//! Why: who may call, how often, from which page and at what price. A rule that can never match protects nobody.

use std::collections::BTreeSet;

use super::super::config::{Config, Limit};
use super::super::cx::Cx;

/// Checks limits, keys, prices and CORS.
pub(super) fn all(config: &Config, cx: &mut Cx<'_>) {
    limits(&config.limits, cx);
    keys(config, cx);
    prices(config, cx);
    cors(config, cx);
    ledger(config, cx);
}

fn ledger(config: &Config, cx: &mut Cx<'_>) {
    let ledger = &config.ledger;
    let at = |field: &'static str| ["ledger", field];
    for (field, wait) in [
        ("lease_ttl", ledger.lease_ttl),
        ("quarantine", ledger.quarantine),
    ] {
        super::not_zero(cx, &at(field), wait);
    }
    if ledger.lease_ttl * 2 > ledger.quarantine {
        let message = "leases must go back long after they were last used, or money is spent twice";
        let hint = "make `quarantine` at least twice `lease_ttl`";
        cx.cross(&[&at("quarantine"), &at("lease_ttl")], message, hint);
    }
    for (field, count) in [
        ("slice", ledger.slice),
        ("answer", ledger.answer),
        ("backlog", ledger.backlog),
    ] {
        if count == 0 {
            cx.cross(
                &[&at(field)],
                "0 would refuse every call",
                "leave it out for the default",
            );
        }
    }
    if let Some(alerts) = &ledger.alerts
        && !(alerts.url.starts_with("https://") || alerts.url.starts_with("http://"))
    {
        let path = ["ledger", "alerts", "url"];
        cx.cross(
            &[&path],
            "is no address of a web server",
            "write `https://…`",
        );
    }
    let usd = config.credit.usd;
    if usd == 0 || !usd.is_multiple_of(1000) || usd / 1000 > u64::from(u32::MAX) {
        let message =
            "a credit is worth 0.000001 to 4294 USD, with at most 6 digits after the point";
        cx.cross(
            &[&["credit", "usd"]],
            message,
            "write `usd: 1`, or `usd: 0.01`",
        );
    }
}

fn limits(limits: &[Limit], cx: &mut Cx<'_>) {
    let mut seen = BTreeSet::new();
    for (index, limit) in limits.iter().enumerate() {
        let place = index.to_string();
        let at = |field: &'static str| ["limits", &place, field];
        if limit.requests.is_none() && limit.tokens.is_none() {
            let hint = "add `requests: …` or `tokens: …`";
            cx.cross(&[&["limits", &place]], "limits nothing", hint);
        }
        for (field, most) in [("requests", limit.requests), ("tokens", limit.tokens)] {
            if most == Some(0) {
                let message = "a limit of 0 would refuse every call";
                cx.cross(&[&at(field)], message, "revoke the key instead");
            }
            if most.is_some() && !seen.insert((field, limit.per.name(), limit.window)) {
                let message = format!("{field} are limited twice for the same window");
                cx.cross(&[&at(field)], message, "keep the stricter one");
            }
        }
        super::not_zero(cx, &at("window"), limit.window);
    }
}

fn keys(config: &Config, cx: &mut Cx<'_>) {
    let (mut names, mut hashes) = (BTreeSet::new(), BTreeSet::new());
    for (index, key) in config.keys.iter().enumerate() {
        let place = index.to_string();
        let at = |field: &'static str| ["keys", &place, field];
        if !names.insert(key.name.as_str()) {
            cx.cross(
                &[&at("name")],
                "another key has this name",
                "logs could not tell them apart",
            );
        }
        if key.name.len() > 100 || key.name.chars().any(char::is_control) {
            cx.cross(
                &[&at("name")],
                "a name has at most 100 visible characters",
                "choose a plain name",
            );
        }
        let hash = key.hash.expose();
        let digits = hash.strip_prefix("blake3:").unwrap_or("");
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let hint =
                "`alfred keys hash` prints the hash of a key: blake3: and 64 hexadecimal digits";
            cx.cross(&[&at("hash")], "is not the hash of a key", hint);
        } else if !hashes.insert(hash.to_ascii_lowercase()) {
            cx.cross(
                &[&at("hash")],
                "another entry has the same key",
                "keep one of them",
            );
        }
        for (field, most) in [
            ("requests_per_minute", key.requests_per_minute),
            ("tokens_per_minute", key.tokens_per_minute),
        ] {
            if most == Some(0) {
                cx.cross(
                    &[&at(field)],
                    "a limit of 0 would refuse every call",
                    "remove the key instead",
                );
            }
        }
        for (item, model) in key.models.iter().enumerate() {
            allowed(&["keys", &place, "models", &item.to_string()], model, cx);
        }
    }
}

/// Checks an entry of an allowlist: an alias, `provider/model`, or the beginning of either and `*`.
fn allowed(path: &[&str], model: &str, cx: &mut Cx<'_>) {
    let (aliases, providers) = (cx.aliases(), cx.providers());
    let matches = match model.strip_suffix('*') {
        Some(start) => {
            // In order, the first name from `start` on begins with it if any does.
            let begins = |names: &BTreeSet<&str>| {
                let first = names.range(start..).next();
                first.is_some_and(|name| name.starts_with(start))
            };
            let provider = start.split_once('/').map(|(provider, _)| provider);
            begins(aliases)
                || begins(providers)
                || provider.is_some_and(|name| providers.contains(name))
        }
        None => {
            let split = model.split_once('/');
            let named =
                |(provider, name): (&str, &str)| providers.contains(provider) && !name.is_empty();
            aliases.contains(model) || split.is_some_and(named)
        }
    };
    if matches {
        return;
    }
    let near = match model.split_once('/') {
        Some((provider, name)) => {
            let near = cx.near(provider, providers.iter().copied());
            near.map(|provider| format!("{provider}/{name}"))
        }
        None => cx.near(model, aliases.iter().copied()).map(str::to_owned),
    };
    let hint = near.map_or_else(
        || "write an alias of `models`, `provider/model` or `provider/*`".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    cx.cross(&[path], format!("no model can be called `{model}`"), hint);
}

fn prices(config: &Config, cx: &mut Cx<'_>) {
    for (name, price) in &config.prices {
        let path = ["prices", name.as_str()];
        match name.split_once('/').filter(|(_, model)| !model.is_empty()) {
            None => {
                let hint = "prices belong to targets, not to aliases";
                cx.misnamed(&path, "expects `provider/model`", hint);
            }
            Some((provider, model)) if !cx.providers().contains(provider) => {
                let near = cx.near(provider, cx.providers().iter().copied());
                let hint = near.map_or_else(
                    || cx.providers_here(),
                    |near| format!("did you mean `{near}/{model}`?"),
                );
                cx.misnamed(&path, format!("there is no provider `{provider}`"), hint);
            }
            Some(_) if price.input.is_none() && price.output.is_none() => {
                cx.misnamed(&path, "a price needs `in` or `out`", "0 means free");
            }
            Some(_) => {}
        }
    }
}

fn cors(config: &Config, cx: &mut Cx<'_>) {
    let Some(cors) = &config.cors else {
        return;
    };
    if cors.origins.is_empty() {
        let hint = "name the pages, or remove `cors`";
        cx.cross(&[&["cors", "origins"]], "allows no page at all", hint);
    }
    let mut seen = BTreeSet::new();
    for (index, origin) in cors.origins.iter().enumerate() {
        let place = index.to_string();
        let path = ["cors", "origins", &place];
        if origin == "*" {
            if cors.origins.len() > 1 {
                cx.cross(
                    &[&path],
                    "`*` allows every page, so the others mean nothing",
                    "keep `*` alone, or remove it",
                );
            }
        } else if !is_origin(origin) {
            let hint = "scheme, host and port only, such as `https://app.example.com`";
            cx.cross(&[&path], "is not an origin as browsers send it", hint);
        } else if !seen.insert(origin.as_str()) {
            cx.cross(
                &[&path],
                "this origin stands here twice",
                "keep one of them",
            );
        }
    }
}

/// An origin as browsers send it: lower case, no path, no trailing slash. Apps have schemes of their own.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, host)| {
        let is_scheme =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        let is_host = |byte: u8| {
            byte.is_ascii_graphic() && !byte.is_ascii_uppercase() && !b"/?#@*".contains(&byte)
        };
        !scheme.is_empty()
            && scheme.bytes().all(is_scheme)
            && !host.is_empty()
            && host.bytes().all(is_host)
    })
}
