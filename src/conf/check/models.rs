//! Why: an alias that can never answer, or a target that is never chosen, is a mistake of the file.

use std::collections::BTreeSet;

use super::super::config::Config;
use super::super::cx::Cx;
use super::super::model::{Model, Target};
use super::super::provider::Provider;
use super::providers;

/// The most attempts of one request.
const MAX_ATTEMPTS: u32 = 20;

/// Lets an alias that does not say how often to try reach each of its targets once, by every
/// endpoint and with every key.
pub(super) fn complete(config: &mut Config, cx: &Cx<'_>) {
    let providers = &config.providers;
    let lanes = |target: &Target| providers.get(&target.provider).map_or(1, Provider::lanes);
    for (name, model) in &mut config.models {
        let written = cx.written_names(&["models", name, "retry"]);
        if !written.iter().any(|name| name == "attempts") {
            let lanes: usize = model.targets.iter().chain(&model.fallback).map(lanes).sum();
            let lanes = u32::try_from(lanes).unwrap_or(MAX_ATTEMPTS);
            model.retry.attempts = model.retry.attempts.max(lanes).min(MAX_ATTEMPTS);
        }
    }
}

/// Checks every alias.
pub(super) fn all(config: &Config, cx: &mut Cx<'_>) {
    for (name, model) in &config.models {
        super::name(cx, &["models", name], "an alias", ":");
        targets(name, model, cx);
        fallback(name, model, cx);
        retry(name, model, cx);
        timeouts(name, model, config, cx);
    }
}

fn targets(name: &str, model: &Model, cx: &mut Cx<'_>) {
    let path = ["models", name, "targets"];
    if model.targets.is_empty() {
        cx.cross(
            &[&path],
            "an alias needs at least one target",
            "such as `targets: [ openai/gpt-5-mini ]`",
        );
    } else if model.targets.iter().all(|target| target.weight == 0) {
        cx.cross(
            &[&path],
            "every target has weight 0, so none is ever chosen",
            "give one a weight",
        );
    }
    each(name, "targets", &model.targets, cx);
}

fn fallback(name: &str, model: &Model, cx: &mut Cx<'_>) {
    each(name, "fallback", &model.fallback, cx);
    for (index, target) in model.fallback.iter().enumerate() {
        if target.weight != 1 {
            let index = index.to_string();
            let path = ["models", name, "fallback", &index, "weight"];
            cx.cross(
                &[&path],
                "a fallback is tried in order, so a weight means nothing",
                "remove it",
            );
        }
    }
}

/// Checks the targets of one list.
fn each(name: &str, list: &str, targets: &[Target], cx: &mut Cx<'_>) {
    let mut seen = BTreeSet::new();
    for (index, target) in targets.iter().enumerate() {
        let place = index.to_string();
        let path = ["models", name, list, &place];
        providers::overrides(cx, &path, &target.overrides);
        let overrides = serde_json::to_string(&target.overrides).unwrap_or_default();
        if !seen.insert((target.provider.as_str(), target.model.as_str(), overrides)) {
            let message = "this target stands here twice";
            cx.cross(&[&path], message, "keep one of them");
        }
    }
}

fn retry(name: &str, model: &Model, cx: &mut Cx<'_>) {
    let path = ["models", name, "retry", "attempts"];
    if !(1..=MAX_ATTEMPTS).contains(&model.retry.attempts) {
        cx.cross(&[&path], "must be from 1 to 20", "1 means: no retry");
    }
    super::not_zero(
        cx,
        &["models", name, "retry", "deadline"],
        model.retry.deadline,
    );
}

fn timeouts(name: &str, model: &Model, config: &Config, cx: &mut Cx<'_>) {
    let written = &model.timeouts;
    let concerns = |limit: &str| match limit {
        "connect" => written.connect.is_some(),
        "first_byte" => written.first_byte.is_some(),
        "between_chunks" => written.between_chunks.is_some(),
        "commit_after" => written.commit_after.is_some(),
        _ => written.total.is_some(),
    };
    for target in model.targets.iter().chain(&model.fallback) {
        if let Some(provider) = config.providers.get(&target.provider) {
            let merged = written.over(&provider.timeouts);
            providers::timeouts(cx, &["models", name, "timeouts"], &merged, concerns);
        }
    }
}
