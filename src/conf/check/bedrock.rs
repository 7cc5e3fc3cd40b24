//! Why: Bedrock has a region in its address and in every signature, and keys of two forms.

use super::super::cx::Cx;
use super::super::provider::{Kind, Probe, Provider};

/// Checks what only Bedrock has, and that nobody else has it.
pub(super) fn check(name: &str, provider: &Provider, cx: &mut Cx<'_>) {
    let kind = provider.kind;
    let region_path = ["providers", name, "region"];
    if kind != Kind::Bedrock {
        if provider.region.is_some() {
            let message = format!("only Bedrock has a region, and this is {}", kind.name());
            cx.cross(&[&region_path], message, "remove it");
        }
        return;
    }
    let is_region = |text: &String| {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    match &provider.region {
        None => cx.cross(
            &[&region_path],
            "a provider of kind bedrock needs a region",
            "region: us-east-1",
        ),
        Some(region) if !is_region(region) => {
            cx.cross(
                &[&region_path],
                "is not a region of AWS's",
                "such as `us-east-1`",
            );
        }
        Some(_) => {}
    }
    for (index, key) in provider.keys.iter().enumerate() {
        if !is_whole(key.expose()) {
            let index = index.to_string();
            let path = ["providers", name, "keys", &index];
            cx.cross(
                &[&path],
                "is neither a Bedrock API key nor one of an AWS account",
                "write ACCESS_KEY_ID:SECRET_ACCESS_KEY, and :SESSION_TOKEN if there is one",
            );
        }
    }
    let probes = provider.health.as_ref().map(|check| check.probe);
    if probes.is_some_and(|probe| probe != Probe::Tcp) {
        let path = ["providers", name, "health", "probe"];
        let message = "Bedrock has no free page to ask for, and a trial is not signed";
        cx.cross(&[&path], message, "write `probe: tcp`");
    }
}

/// Whether a key with a colon looks like that of an account; one without is a Bedrock API key.
fn is_whole(key: &str) -> bool {
    let mut pieces = key.splitn(3, ':');
    let (Some(id), Some(secret)) = (pieces.next(), pieces.next()) else {
        return true;
    };
    let base64 = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-".contains(&byte))
    };
    let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_id && !secret.is_empty() && base64(secret) && pieces.next().is_none_or(base64)
}
