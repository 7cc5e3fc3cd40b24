//! Tokens of other issuers at the gateway's port: who gets in, who does not, and what becomes of it when keys change.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../../src/tokens/signing.rs"]
mod signing;
#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "each test target uses a part of it")]
#[path = "../replay/world.rs"]
mod world;

mod denied;
mod fetched;
mod passing;
mod refused;
mod sessions;

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::signing::Signer;
use crate::support::{Answer, Gateway, H1, Upstream, chat};
use crate::world::{alias, calm, config};

/// A gateway with a mock behind the model `fast`, and these entries of `jwt:`.
async fn start(entries: &[String]) -> (Upstream, Gateway) {
    start_on("", entries).await
}

/// The same with further settings.
async fn start_on(more: &str, entries: &[String]) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let models = [alias("fast", &["p/echo"], "")];
    let yaml = config(&[mock.provider("p", &calm(""))], &models);
    let yaml = format!("{more}{yaml}jwt:\n{}", entries.concat());
    (mock, Gateway::start(&yaml).await)
}

/// An entry of this issuer with these keys, for the audience `alfred`; its users need not be stored.
fn issuer(name: &str, keys: &str, algorithms: &str) -> String {
    let rest = "unknown_users: allow";
    strict_issuer(name, &format!("{keys}, {rest}"), algorithms)
}

/// The same whose users must be stored.
fn strict_issuer(name: &str, keys: &str, algorithms: &str) -> String {
    format!(
        "  - {{ name: {name}, issuer: \"https://{name}.test\", audience: alfred, algorithms: [{algorithms}], subject_prefix: \"{name}:\", {keys} }}\n"
    )
}

/// The secret of [`Signer::secret`] as a setting.
fn secret() -> String {
    let Signer::Secret(secret) = Signer::secret() else {
        panic!("it is one");
    };
    format!("secret: {}", String::from_utf8(secret).unwrap())
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// What a good token of this issuer says.
fn claims(name: &str) -> Value {
    json!({
        "iss": format!("https://{name}.test"), "aud": "alfred", "sub": "u-1",
        "iat": now() - 5, "exp": now() + 600,
    })
}

/// A chat with this token.
async fn ask(gateway: &Gateway, token: &str) -> Answer {
    let mut client = H1::connect(gateway.addr).await.with_key(token);
    client.chat(&chat("fast", json!({}))).await
}
