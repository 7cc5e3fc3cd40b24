//! What an identity of Entra ID has to have.

use super::super::cx::Cx;
use super::super::provider::{Kind, Provider};

pub(super) fn check(name: &str, provider: &Provider, cx: &mut Cx<'_>) {
    let Some(entra) = &provider.entra else {
        return;
    };
    let path = ["providers", name, "entra"];
    if provider.kind != Kind::Azure {
        let message = format!(
            "only Azure knows Entra ID, and this is {}",
            provider.kind.name()
        );
        cx.cross(&[&path], message, "remove it");
        return;
    }
    if !provider.keys.is_empty() {
        let keys = ["providers", name, "keys"];
        cx.cross(
            &[&path, &keys],
            "both keys and an identity are given",
            "keep one of them, or make two providers of them",
        );
    }
    match (&entra.client_secret, &entra.federated_token_file) {
        (Some(_), None) | (None, Some(_)) => {}
        (Some(_), Some(_)) => cx.cross(
            &[&path],
            "both client_secret and federated_token_file are given",
            "keep one of them",
        ),
        (None, None) => cx.cross(
            &[&path],
            "has nothing to prove itself with",
            "give client_secret or federated_token_file",
        ),
    }
    let is_loopback = entra.authority.starts_with("http://127.0.0.1:");
    if !entra.authority.starts_with("https://") && !is_loopback {
        cx.cross(
            &[&["providers", name, "entra", "authority"]],
            "the secret would travel in the clear",
            "begin it with https://",
        );
    }
}
