//! Money at the door and in the stream: who may spend, how much is held, what is told.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;
#[allow(dead_code, reason = "each test target uses a part of it")]
#[path = "../replay/world.rs"]
mod world;

mod exhaustion;
mod failover;
mod spending;
mod statements;
mod streams;

use serde_json::Value;
use support::{Gateway, Upstream};
use world::{calm, config};

/// A nano-credit per token of the prompt, ten per token of the answer.
const PRICES: &str = "prices: { \"p/*\": { in: 1000, out: 10000 } }\n";

/// A gateway whose test key has an owner with this much credit, in nano-credits.
async fn funded(more: &str, credit: u64, flags: &[&str]) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let yaml = PRICES.to_owned() + more + &config(&[mock.provider("p", &calm(""))], &[]);
    let gateway = Gateway::start(&yaml).await;
    fund(&gateway, credit, flags).await;
    (mock, gateway)
}

/// A gateway with this provider, and nobody who pays.
async fn start(provider: &str) -> Gateway {
    let yaml = PRICES.to_owned() + &config(&[provider.to_owned()], &[]);
    Gateway::start(&yaml).await
}

/// Gives the owner of the test key a wallet.
async fn fund(gateway: &Gateway, credit: u64, flags: &[&str]) {
    let credit = nanos(credit);
    let create = ["wallets", "create", "user:1", "--credit", &credit];
    said(gateway, &[&create[..], flags].concat());
    known().await;
}

/// Nano-credits as the command line takes them.
fn nanos(amount: u64) -> String {
    format!("{}.{:09}", amount / 1_000_000_000, amount % 1_000_000_000)
}

/// Runs a command that must succeed.
fn said(gateway: &Gateway, arguments: &[&str]) -> String {
    let made = gateway.run(arguments);
    assert!(made.status.success(), "{arguments:?}: {made:?}");
    String::from_utf8(made.stdout).unwrap()
}

/// Waits until the gateway has read the wallets; it looks twice a second.
async fn known() {
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
}

/// The wallet of the test key's owner.
fn wallet(gateway: &Gateway) -> Value {
    let text = said(gateway, &["wallets", "show", "user:1", "--json"]);
    serde_json::from_str(&text).unwrap()
}

/// Waits until the ledger has posted this much usage, in nano-credits.
async fn spent(gateway: &Gateway, amount: u64) {
    let wanted = nanos(amount);
    let begun = std::time::Instant::now();
    while wallet(gateway)["spent"] != wanted.as_str() {
        let waited = begun.elapsed().as_secs();
        assert!(waited < 40, "{wanted} never spent of {:#}", wallet(gateway));
        tokio::time::sleep(support::ms(50)).await;
    }
}
