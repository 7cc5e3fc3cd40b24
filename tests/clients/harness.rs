//! What the clients' tests share: the interpreters that have the pinned SDKs, the oracles that judge
//! what Alfred sends, and how a scenario is run before providers.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::support::{Gateway, H1, Upstream, shared};

/// Where the clients' scripts are.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

/// Providers that are asked as often as a test likes.
const CALM: &str =
    "breaker: { failures: 100000, connect_errors: 100000 }, retry_budget: { minimum: 100000 }";

/// The folder where `.ci/setup` put SDKs: named by the variable, else beside the binary. `list` is
/// what was asked for, which must be what is there.
fn installed(variable: &str, folder: &str, (list, wanted): (&str, &str)) -> PathBuf {
    let chosen = std::env::var_os(variable).map(PathBuf::from);
    let found = chosen.unwrap_or_else(|| {
        let binary = Path::new(env!("CARGO_BIN_EXE_alfred"));
        let mut beside = binary.ancestors().map(|place| place.join(folder));
        beside.find(|place| place.exists()).unwrap_or_default()
    });
    let there = std::fs::read_to_string(found.join(list)).unwrap_or_default();
    assert_eq!(
        there, wanted,
        "these client SDKs are not installed in {found:?}: run `make setup-test`"
    );
    found
}

/// A command of the Python that has the pinned SDKs.
pub(crate) fn python(script: &str) -> Command {
    let list = ("requirements.txt", include_str!("requirements.txt"));
    let venv = installed("ALFRED_CLIENTS_VENV", "clients-venv", list);
    let mut command = Command::new(venv.join("bin/python"));
    command
        .arg(format!("{SCRIPTS}/{script}"))
        .env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

/// A command of Node with the pinned packages.
fn node(script: &str) -> Command {
    let list = ("package-lock.json", include_str!("node/package-lock.json"));
    let folder = installed("ALFRED_CLIENTS_NODE", "clients-node", list);
    let mut command = Command::new("node");
    command
        .arg(format!("{SCRIPTS}/node/{script}"))
        .env("ALFRED_CLIENTS_NODE", folder);
    command
}

/// Runs a command to its end; fails with what it said.
pub(crate) async fn finish(mut command: Command) -> String {
    let done = tokio::task::spawn_blocking(move || command.output())
        .await
        .unwrap()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{said}{told}");
    told.into_owned()
}

/// Runs scenarios of a client with this key; `node/openai` is the client of that name for Node.
pub(crate) async fn run(
    server: SocketAddr,
    client: &str,
    scenarios: &str,
    (key, providers): (&str, &[&str]),
) {
    let mut command = match client.strip_prefix("node/") {
        Some(client) => node(&format!("{client}.mjs")),
        None => python(&format!("{client}_client.py")),
    };
    command
        .args([scenarios, &format!("http://{server}/v1"), key])
        .args(providers)
        .env("ALFRED_SHARED", shared())
        .env_remove("ANTHROPIC_BASE_URL")
        .env_remove("OPENAI_BASE_URL");
    finish(command).await;
}

/// A gateway in front of the mock under three names.
pub(crate) async fn start(more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let root = format!("http://{}", mock.addr);
    let url = format!("{root}/v1");
    let yaml = format!(
        "flood: {{ requests: 0 }}\nbody: {{ max: 1MB }}\nproviders:\n  \
         passed: {{ kind: openai, keys: [sk-test], endpoints: [\"{url}\"], {CALM} }}\n  \
         anew: {{ kind: openai_compatible, endpoints: [\"{url}\"], {CALM} }}\n  \
         claude: {{ kind: anthropic, keys: [sk-ant-test], endpoints: [\"{root}\"], {CALM} }}\n\
         models: {{ fast: {{ targets: [passed/echo] }} }}\n\
         prices: {{ \"passed/*\": {{ in: 1, out: 1 }}, \"anew/*\": {{ in: 1, out: 1 }}, \
         \"claude/*\": {{ in: 1, out: 1 }} }}\n{more}"
    );
    (mock, Gateway::start(&yaml).await)
}

/// Runs a scenario before these providers behind a gateway.
pub(crate) async fn scenario(client: &str, name: &str, providers: &[&str]) {
    let (_mock, gateway) = start("").await;
    run(gateway.addr, client, name, (&gateway.key, providers)).await;
    gateway.settled().await;
}

/// A vendor's own library as a provider; see `oracles/serve.py`.
pub(crate) struct Oracle {
    child: Child,
    /// Such as `http://127.0.0.1:4711`.
    url: String,
}

impl Oracle {
    fn start(dialect: &str) -> Self {
        let mut command = python("oracles/serve.py");
        let mut child = command.arg(dialect).stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut url).unwrap();
        assert!(url.starts_with("http://"), "the oracle did not start");
        let url = url.trim().to_owned();
        Self { child, url }
    }

    /// Fails unless requests were judged and all of them right.
    async fn is_content(&self) {
        let addr = self.url.trim_start_matches("http://").parse().unwrap();
        let told = H1::connect(addr).await.get("/faults").await.json();
        assert_eq!(told.pointer("/faults"), Some(&Value::Array(vec![])));
        assert!(told.pointer("/judged").and_then(Value::as_u64) > Some(0));
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs scenarios before the provider `gem` or `aws`, whose every request its vendor's library
/// judges; `plain` and `bearer` are `aws` with other credentials. `prefix` is the provider, and what
/// of a model's name stands before the scenario.
pub(crate) async fn judged(client: &str, scenarios: &str, prefix: &str) {
    let provider = prefix.split('/').next().unwrap();
    let key = match provider {
        "gem" => "AIza-test",
        "plain" => "AKIDPLAIN:nobodys/other+secret",
        "bearer" => "bedrock-api-key-of-nobody",
        _ => "AKIDEXAMPLE:nobodys/secret+for+this+test:session+token==",
    };
    let (dialect, kind) = match provider {
        "gem" => ("google", "gemini"),
        _ => ("aws", "bedrock, region: eu-west-1"),
    };
    let oracle = Oracle::start(dialect);
    let yaml = format!(
        "flood: {{ requests: 0 }}\nbody: {{ max: 1MB }}\nproviders:\n  \
         {provider}: {{ kind: {kind}, keys: [\"{key}\"], endpoints: [\"{}\"], {CALM} }}\n\
         prices: {{ \"{provider}/*\": {{ in: 1, out: 1 }} }}\n",
        oracle.url
    );
    let gateway = Gateway::start(&yaml).await;
    run(gateway.addr, client, scenarios, (&gateway.key, &[prefix])).await;
    oracle.is_content().await;
    gateway.settled().await;
}

macro_rules! scenarios {
    ($play:ident, $providers:expr; $($name:ident => $client:literal, $scenario:literal,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            $play($client, $scenario, $providers).await;
        }
    )*};
}
pub(crate) use scenarios;
