//! Why: what a provider needs depends on its kind, and what is missing must not wait for the first call to be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::super::address;
use super::super::cx::Cx;
use super::super::provider::{Endpoint, HealthCheck, Kind, OLLAMA_API, Probe, Provider, Timeouts};

/// Completes and checks every provider, and adds the built-in mock unless it is configured.
pub(super) fn all(providers: &mut BTreeMap<String, Provider>, cx: &mut Cx<'_>) {
    for (name, provider) in providers.iter_mut() {
        super::name(cx, &["providers", name], "a provider's name", "");
        if name == "mock" && provider.kind != Kind::Mock {
            cx.cross(
                &[&["providers", name, "kind"]],
                "the name `mock` belongs to the built-in mock",
                "give this provider another name",
            );
        }
        keys(name, provider, cx);
        endpoints(name, provider, cx);
        let path = ["providers", name.as_str(), "timeouts"];
        let written = cx.written_names(&path);
        let is_written = |limit: &str| written.iter().any(|name| name == limit);
        provider.timeouts = provider.timeouts.within_total(is_written);
        timeouts(cx, &path, &provider.timeouts, |_| true);
        patience(name, provider, cx);
        if let Some(check) = &provider.health {
            health(name, check, cx);
        }
        headers(name, provider, cx);
        overrides(cx, &["providers", name], &provider.overrides);
    }
    let mock = || Provider::of_kind(Kind::Mock);
    providers.entry("mock".to_owned()).or_insert_with(mock);
}

fn keys(name: &str, provider: &Provider, cx: &mut Cx<'_>) {
    let path = ["providers", name, "keys"];
    let kind = provider.kind;
    if provider.keys.is_empty() && kind.needs_key() && provider.entra.is_none() {
        let variable = kind.key_variable().unwrap_or("API_KEY");
        let message = format!("a provider of kind {} needs an API key", kind.name());
        cx.cross(&[&path], message, format!("keys: [\"${{{variable}}}\"]"));
    }
    let distinct: BTreeSet<&str> = provider.keys.iter().map(|key| key.expose()).collect();
    if distinct.len() < provider.keys.len() {
        cx.cross(
            &[&path],
            "the same key stands here twice",
            "keep one of them",
        );
    }
}

fn endpoints(name: &str, provider: &mut Provider, cx: &mut Cx<'_>) {
    let path = ["providers", name, "endpoints"];
    let kind = provider.kind;
    if provider.endpoints.is_empty() {
        match (kind, kind.default_url()) {
            (_, Some(url)) => provider.endpoints.push(Endpoint {
                url: url.to_owned(),
                weight: 1,
            }),
            (Kind::Mock, None) => {}
            // Its address is made of the region, whose absence is told below.
            (Kind::Bedrock, None) => {
                if let Some(region) = &provider.region {
                    provider.endpoints.push(Endpoint {
                        url: format!("https://bedrock-runtime.{region}.amazonaws.com"),
                        weight: 1,
                    });
                }
            }
            (_, None) => {
                let message = format!("a provider of kind {} needs an endpoint", kind.name());
                let url = match kind {
                    Kind::Azure => "https://RESOURCE.openai.azure.com",
                    _ => "http://10.0.0.5:8000/v1",
                };
                cx.cross(
                    &[&path],
                    message,
                    format!("endpoints: [{{ url: \"{url}\" }}]"),
                );
            }
        }
    } else if provider
        .endpoints
        .iter()
        .all(|endpoint| endpoint.weight == 0)
    {
        cx.cross(
            &[&path],
            "every endpoint has weight 0, so none is ever called",
            "give one a weight",
        );
    }
    super::bedrock::check(name, provider, cx);
    super::entra::check(name, provider, cx);
    if provider.is_native_ollama() {
        one_api(name, provider, cx);
    }
    if kind == Kind::Azure {
        azure(name, provider, cx);
    } else if provider.api_version.is_some() {
        let message = format!("only Azure has an api_version, and this is {}", kind.name());
        cx.cross(&[&["providers", name, "api_version"]], message, "remove it");
    }
    // Their SDKs take the bare host.
    let usual = match kind {
        Kind::Ollama | Kind::Anthropic => "/v1",
        Kind::Gemini => "/v1beta",
        _ => "",
    };
    if !usual.is_empty() {
        for endpoint in &mut provider.endpoints {
            if address::split(&endpoint.url).1.is_empty() {
                endpoint.url.push_str(usual);
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (index, endpoint) in provider.endpoints.iter().enumerate() {
        if !seen.insert(endpoint.url.as_str()) {
            let index = index.to_string();
            let path = ["providers", name, "endpoints", &index];
            cx.cross(
                &[&path],
                "this endpoint stands here twice",
                "keep one, with a larger weight",
            );
        }
    }
}

/// The addresses of an Ollama say which API is asked, and a provider asks one.
fn one_api(name: &str, provider: &Provider, cx: &mut Cx<'_>) {
    for (index, endpoint) in provider.endpoints.iter().enumerate() {
        if !endpoint.url.ends_with(OLLAMA_API) {
            let index = index.to_string();
            cx.cross(
                &[&["providers", name, "endpoints", &index]],
                "is not of Ollama's own API, as the address of another endpoint is",
                "let all end in /api or none, or make two providers of them",
            );
        }
    }
}

/// Azure's two forms. Classic: `https://RESOURCE.openai.azure.com` with `api_version`; the path of a call then names the
/// deployment. v1: `https://RESOURCE.openai.azure.com/openai/v1` without. A bare host without `api_version` means v1.
fn azure(name: &str, provider: &mut Provider, cx: &mut Cx<'_>) {
    let version_path = ["providers", name, "api_version"];
    if let Some(version) = &provider.api_version
        && !version
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.')
    {
        cx.cross(
            &[&version_path],
            "is not a version of Azure's API",
            "such as `2024-10-21`",
        );
    }
    for (index, endpoint) in provider.endpoints.iter_mut().enumerate() {
        let index = index.to_string();
        let path = ["providers", name, "endpoints", &index];
        let (origin, tail) = address::split(&endpoint.url);
        let is_v1 = tail.ends_with("/v1");
        if provider.api_version.is_some() && is_v1 {
            cx.cross(
                &[&version_path, &path],
                "the v1 form of the address takes no api_version",
                format!("remove it, or shorten the endpoint to {origin}"),
            );
        } else if provider.api_version.is_some() {
            let root = tail.strip_suffix("/openai").unwrap_or(tail);
            endpoint.url = format!("{origin}{root}");
        } else if matches!(tail, "" | "/openai") {
            endpoint.url = format!("{origin}/openai/v1");
        } else if !is_v1 {
            cx.cross(
                &[&path, &version_path],
                "neither ends in /openai/v1 nor has an api_version beside it",
                format!("write {origin}/openai/v1, or add `api_version: \"2024-10-21\"`"),
            );
        }
    }
}

/// Checks limits of time that stand under `path`; only those that `concerns` names are reported as contradictions.
pub(super) fn timeouts(
    cx: &mut Cx<'_>,
    path: &[&str],
    timeouts: &Timeouts,
    concerns: impl Fn(&str) -> bool,
) {
    let all: [(&str, Duration); 5] = [
        ("connect", timeouts.connect),
        ("first_byte", timeouts.first_byte),
        ("between_chunks", timeouts.between_chunks),
        ("commit_after", timeouts.commit_after),
        ("total", timeouts.total),
    ];
    let total = [path, &["total"]].concat();
    for (name, duration) in all {
        let path = [path, &[name]].concat();
        if concerns(name) {
            super::not_zero(cx, &path, duration);
        }
        if duration > timeouts.total
            && !timeouts.total.is_zero()
            && (concerns(name) || concerns("total"))
        {
            let blame: [&[&str]; 2] = if concerns(name) {
                [&path, &total]
            } else {
                [&total, &path]
            };
            let message = format!(
                "{name} ({duration:?}) is longer than total ({:?})",
                timeouts.total
            );
            cx.cross(&blame, message, "make total the longest");
        }
    }
}

fn patience(name: &str, provider: &Provider, cx: &mut Cx<'_>) {
    let breaker = &provider.breaker;
    for (field, count, example) in [
        ("failures", breaker.failures, "such as `5`"),
        ("connect_errors", breaker.connect_errors, "such as `3`"),
    ] {
        if count == 0 {
            let path = ["providers", name, "breaker", field];
            let message = "must not be zero: the breaker would always be open";
            cx.cross(&[&path], message, example);
        }
    }
    if breaker.ratio > 100 {
        let path = ["providers", name, "breaker", "ratio"];
        let hint = "50 opens the breaker when every other call fails";
        cx.cross(&[&path], "is more than 100", hint);
    }
    super::not_zero(
        cx,
        &["providers", name, "breaker", "window"],
        breaker.window,
    );
    super::not_zero(
        cx,
        &["providers", name, "breaker", "cooldown"],
        breaker.cooldown,
    );
    if provider.retry_budget.percent > 100 {
        let path = ["providers", name, "retry_budget", "percent"];
        cx.cross(
            &[&path],
            "is more than 100",
            "20 lets one call in five be a retry",
        );
    }
    super::not_zero(
        cx,
        &["providers", name, "retry_budget", "window"],
        provider.retry_budget.window,
    );
}

fn health(name: &str, check: &HealthCheck, cx: &mut Cx<'_>) {
    let at = |field: &'static str| ["providers", name, "health", field];
    super::not_zero(cx, &at("interval"), check.interval);
    super::not_zero(cx, &at("timeout"), check.timeout);
    if check.probe == Probe::Completion && check.max_spend.is_none() {
        let message = "a completion costs money, so its probe needs a limit";
        cx.cross(&[&at("max_spend")], message, "such as `max_spend: 0.05`");
    }
    if check.probe == Probe::Completion && check.model.is_none() {
        let message = "which model shall be asked is missing";
        cx.cross(&[&at("model")], message, "such as `model: gpt-5-nano`");
    }
    let only = |probe: Probe, field: &'static str, written: bool, cx: &mut Cx<'_>| {
        if written && check.probe != probe {
            let message = format!("only the probe `{}` has it", probe.name());
            cx.cross(&[&at(field)], message, "remove it");
        }
    };
    only(Probe::Http, "path", check.path.is_some(), cx);
    only(Probe::Completion, "model", check.model.is_some(), cx);
    only(
        Probe::Completion,
        "max_spend",
        check.max_spend.is_some(),
        cx,
    );
    let is_path = |path: &String| {
        path.starts_with('/') && path.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
    };
    if check.path.as_ref().is_some_and(|path| !is_path(path)) {
        cx.cross(&[&at("path")], "is not a path", "such as `/health`");
    }
}

/// Headers that Alfred writes itself, or that belong to one connection.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-alfred-attempt",
];

fn headers(name: &str, provider: &Provider, cx: &mut Cx<'_>) {
    let mut seen = BTreeSet::new();
    for header in provider.headers.keys() {
        let path = ["providers", name, "headers", header];
        let lower = header.to_ascii_lowercase();
        let is_token =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if header.is_empty() || !header.bytes().all(is_token) {
            cx.misnamed(
                &path,
                "is not the name of a header",
                "letters, digits and `-`",
            );
        } else if OWN_HEADERS.contains(&lower.as_str()) {
            cx.misnamed(&path, "Alfred sets this header itself", "remove it");
        } else if matches!(lower.as_str(), "authorization" | "api-key") && !provider.keys.is_empty()
        {
            cx.misnamed(
                &path,
                "Alfred sets this header from `keys`",
                "remove one of the two",
            );
        } else if !seen.insert(lower) {
            cx.misnamed(
                &path,
                "this header stands here twice",
                "names of headers ignore case",
            );
        }
    }
}

/// Members of a request that are Alfred's to set.
const OWN_MEMBERS: &[(&str, &str)] = &[
    ("model", "the target names the model"),
    ("messages", "the client writes the messages"),
    ("input", "the client writes the input"),
    ("stream", "the client decides whether to stream"),
    ("stream_options", "Alfred always asks for usage"),
];

/// Checks the overrides that stand in the section at `path`.
pub(super) fn overrides(
    cx: &mut Cx<'_>,
    path: &[&str],
    overrides: &BTreeMap<String, serde_json::Value>,
) {
    for (member, why) in OWN_MEMBERS {
        if overrides.contains_key(*member) {
            let path = [path, &["overrides", member]].concat();
            cx.misnamed(
                &path,
                format!("`{member}` cannot be forced: {why}"),
                "remove it",
            );
        }
    }
}
