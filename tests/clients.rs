//! The official client SDKs against the real binary: what an application sees when only its base
//! URL is changed. Each test runs one scenario of `tests/clients/openai_client.py`, before a
//! provider whose bytes pass (kind `openai`) and before one whose answers are written anew.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Gateway, H1, Upstream, until};

const SCRIPT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/clients/openai_client.py"
);

/// The Python that has the pinned SDKs, in the place where `.ci/setup` puts it.
fn python() -> PathBuf {
    let chosen = std::env::var_os("ALFRED_CLIENTS_VENV").map(PathBuf::from);
    let venv = chosen.unwrap_or_else(|| {
        let binary = Path::new(env!("CARGO_BIN_EXE_alfred"));
        let mut beside = binary.ancestors().map(|folder| folder.join("clients-venv"));
        beside.find(|venv| venv.exists()).unwrap_or_default()
    });
    let installed = std::fs::read_to_string(venv.join("requirements.txt")).unwrap_or_default();
    assert_eq!(
        installed,
        include_str!("clients/requirements.txt"),
        "these client SDKs are not installed in {venv:?}: run `make setup-test`"
    );
    venv.join("bin/python")
}

/// A gateway in front of the mock under two names.
async fn start(more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let calm =
        "breaker: { failures: 100000, connect_errors: 100000 }, retry_budget: { minimum: 100000 }";
    let url = format!("http://{}/v1", mock.addr);
    let yaml = format!(
        "flood: {{ requests: 0 }}\nbody: {{ max: 1MB }}\nproviders:\n  \
         passed: {{ kind: openai, keys: [sk-test], endpoints: [\"{url}\"], {calm} }}\n  \
         anew: {{ kind: openai_compatible, endpoints: [\"{url}\"], {calm} }}\n\
         models: {{ fast: {{ targets: [passed/echo] }} }}\n\
         prices: {{ \"passed/*\": {{ in: 1, out: 1 }}, \"anew/*\": {{ in: 1, out: 1 }} }}\n{more}"
    );
    (mock, Gateway::start(&yaml).await)
}

/// Runs a scenario with this key; fails with what Python said.
async fn run(gateway: &Gateway, scenario: &str, key: &str, providers: &[&str]) {
    let url = format!("http://{}/v1", gateway.addr);
    let mut command = Command::new(python());
    command
        .args([SCRIPT, scenario, &url, key])
        .args(providers)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env_remove("OPENAI_BASE_URL");
    let done = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
}

/// Runs a scenario before each kind of provider.
async fn scenario(name: &str) {
    let (_mock, gateway) = start("").await;
    run(&gateway, name, &gateway.key, &["passed", "anew"]).await;
    gateway.settled().await;
}

/// Makes a key and waits until it is known.
async fn key(gateway: &Gateway, more: &[&str]) -> String {
    let key = gateway.create_key("narrow", more);
    until("the new key to be known", || async {
        let mut client = H1::connect(gateway.addr).await.with_key(&key);
        client.chat(b"{}").await.status != 401
    })
    .await;
    key
}

macro_rules! scenarios {
    ($($name:ident => $scenario:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            scenario($scenario).await;
        }
    )*};
}

scenarios! {
    whole_answers_are_what_the_client_expects => "chat",
    streams_are_what_the_client_expects => "stream",
    chunks_arrive_when_they_are_made => "stream_timing",
    tools_are_called => "tools",
    tools_are_called_in_streams => "tools_streamed",
    structured_output_is_parsed => "structured",
    alfreds_errors_are_the_clients_own_exceptions => "gateway_errors",
    providers_errors_are_the_clients_own_exceptions => "provider_errors",
    a_stream_that_breaks_off_raises => "stream_errors",
    a_client_that_gives_up_harms_nobody => "timeouts",
    a_stream_that_is_closed_early_leaves_the_client_usable => "leaving",
    embeddings_come_packed_and_plain => "embeddings",
    models_are_listed_and_found => "models",
    raw_answers_show_the_headers => "raw_headers",
    retries_are_not_multiplied => "retries",
    many_requests_at_once_are_not_mixed_up => "concurrent",
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_narrow_key_is_told_what_it_may() {
    let (_mock, gateway) = start("").await;
    // Three a minute, of which finding out that the key is known takes one.
    let more = ["--model", "fast", "--requests-per-minute", "3"];
    let key = key(&gateway, &more).await;
    run(&gateway, "narrow_key", &key, &["passed"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_passes_is_waited_for() {
    let (_mock, gateway) = start("limits: [ { per: key, requests: 1, window: 1s } ]\n").await;
    run(&gateway, "retries_of_limits", &gateway.key, &["passed"]).await;
}
