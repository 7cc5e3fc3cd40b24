//! The real binary with a configuration of its own, on ports of its own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use super::{Answer, H1, H2, ms, until};

/// How much of the log is shown when a test fails.
const TAIL: usize = 8_000;

/// A port that nobody listens on, below those that the kernel gives to clients.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Test processes run side by side: each begins somewhere else.
    let start = u16::try_from(std::process::id() % 1500).unwrap_or(0) * 14;
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (start + step) % 21_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// A running gateway; it is killed when this is dropped.
pub(crate) struct Gateway {
    child: Child,
    folder: TempDir,
    variables: Vec<(String, String)>,
    pub(crate) addr: SocketAddr,
    pub(crate) telemetry: SocketAddr,
    pub(crate) admin: SocketAddr,
    /// An API key without limits.
    pub(crate) key: String,
}

impl Gateway {
    /// Starts a gateway with these settings; `listen` and `data_dir` are added.
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::start_with(yaml, &[]).await
    }

    /// The same with environment variables.
    pub(crate) async fn start_with(yaml: &str, variables: &[(&str, &str)]) -> Self {
        Self::start_at(yaml, variables, Ipv4Addr::LOCALHOST).await
    }

    /// The same with an admin port that other machines can reach; it needs `tls`.
    pub(crate) async fn start_open(yaml: &str) -> Self {
        Self::start_at(yaml, &[], Ipv4Addr::UNSPECIFIED).await
    }

    async fn start_at(yaml: &str, variables: &[(&str, &str)], at: Ipv4Addr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
        let (addr, telemetry, console) = (port(), port(), port());
        let admin = SocketAddr::from((at, free_port()));
        let data = folder.path().join("data");
        let listen = format!(
            "listen: {{ gateway: \"{addr}\", telemetry: \"{telemetry}\", admin: \"{admin}\", console: \"{console}\" }}\n\
             data_dir: {}\n",
            data.display()
        );
        fs::write(folder.path().join("alfred.yaml"), listen + yaml).unwrap();
        let made =
            Self::command(&folder, &["keys", "create", "--name", "test"], variables).output();
        let key = key_in(&made.unwrap());
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = Self::command(&folder, &["run"], variables)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut gateway = Self {
            child,
            folder,
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            addr,
            telemetry,
            admin,
            key,
        };
        gateway.wait_until_ready().await;
        gateway
    }

    fn command(folder: &TempDir, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_alfred"));
        let config = folder.path().join("alfred.yaml");
        command.args(arguments).arg("--config").arg(config);
        command
            .current_dir(folder.path())
            .envs(variables.iter().copied());
        command
    }

    async fn wait_until_ready(&mut self) {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("the gateway ended with {status}:\n{}", self.log());
            }
            if self.is_ready().await {
                return;
            }
            let waited = begun.elapsed();
            assert!(
                waited < Duration::from_secs(20),
                "never ready:\n{}",
                self.log()
            );
            tokio::time::sleep(ms(10)).await;
        }
    }

    /// What `/readyz` says; false when nobody answers.
    pub(crate) async fn is_ready(&self) -> bool {
        match H1::try_connect(self.telemetry).await {
            Ok(mut client) => client.get("/readyz").await.status == 200,
            Err(_) => false,
        }
    }

    /// Runs another command of the binary on the same configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let variables = self.variables.iter();
        let variables: Vec<(&str, &str)> = variables
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        Self::command(&self.folder, arguments, &variables)
            .output()
            .unwrap()
    }

    /// Makes another key; `more` holds further arguments of `keys create`.
    pub(crate) fn create_key(&self, name: &str, more: &[&str]) -> String {
        let arguments = [&["keys", "create", "--name", name], more].concat();
        key_in(&self.run(&arguments))
    }

    /// Makes an access token for the admin API, of the house's owner.
    pub(crate) fn admin_token(&self) -> String {
        self.token_of("owner@default.invalid")
    }

    /// Makes an access token of a user: number or address.
    pub(crate) fn token_of(&self, user: &str) -> String {
        let made = self.run(&["tokens", "create", "--user", user, "--name", "test"]);
        let token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
        assert!(token.starts_with("at_"), "no token was made: {made:?}");
        token
    }

    /// The folder with configuration, data and log.
    pub(crate) fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks the gateway to drain and stop.
    pub(crate) fn terminate(&self) {
        let pid = self.pid().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until the process is gone.
    pub(crate) async fn ended(&mut self, limit: Duration) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(begun.elapsed() < limit, "still running after {limit:?}");
            tokio::time::sleep(ms(5)).await;
        }
    }

    /// Everything printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The receipts printed so far.
    pub(crate) fn receipts(&self) -> Vec<Value> {
        let log = self.log();
        let lines = log.lines().filter(|line| line.starts_with(r#"{"schema":"#));
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// The receipt of the request that was given this `x-alfred-request-id`.
    pub(crate) async fn receipt(&self, id: &str) -> Value {
        let find = || {
            self.receipts()
                .into_iter()
                .find(|receipt| receipt["request_id"] == id)
        };
        until(&format!("the receipt of {id}"), || async {
            find().is_some()
        })
        .await;
        find().unwrap()
    }

    /// The receipt of an answer.
    pub(crate) async fn receipt_of(&self, answer: &Answer) -> Value {
        self.receipt(answer.header("x-alfred-request-id")).await
    }

    /// The last receipt, once there are `count` of them.
    pub(crate) async fn nth_receipt(&self, count: usize) -> Value {
        let what = format!("{count} receipts");
        until(&what, || async { self.receipts().len() >= count }).await;
        self.receipts().swap_remove(count - 1)
    }

    /// The sum of all series whose line begins with `name`, which may end within the labels.
    pub(crate) async fn metrics(&self, name: &str) -> f64 {
        let text = self.scrape().await;
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines
            .filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok())
            .sum()
    }

    /// All metrics, as Prometheus reads them.
    pub(crate) async fn scrape(&self) -> String {
        let mut client = H1::connect(self.telemetry).await;
        client.get("/metrics").await.text()
    }

    /// Waits until no request is in flight and no body held: nothing leaked.
    pub(crate) async fn settled(&self) {
        until("nothing in flight", || async {
            let requests = self.metrics("alfred_requests_in_flight").await;
            let bytes = self.metrics("alfred_request_body_bytes_in_flight").await;
            requests == 0.0 && bytes == 0.0
        })
        .await;
    }

    /// A new HTTP/1.1 connection that sends the key.
    pub(crate) async fn h1(&self) -> H1 {
        H1::connect(self.addr).await.with_key(&self.key)
    }

    /// A new HTTP/2 connection that sends the key.
    pub(crate) async fn h2(&self) -> H2 {
        H2::connect(self.addr).await.with_key(&self.key)
    }

    /// One request with a body of JSON and these further header lines, over a connection of its own.
    pub(crate) async fn post(&self, path: &str, lines: &[&str], body: &str) -> Answer {
        let mut client = self.h1().await;
        let length = format!("content-length: {}", body.len());
        let lines = [&["content-type: application/json", &length], lines].concat();
        let head = client.head("POST", path, &lines);
        client.send(head + body).await;
        client.answer().await
    }

    /// One chat request over a connection of its own.
    pub(crate) async fn chat(&self, body: &[u8]) -> Answer {
        self.h1().await.chat(body).await
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            let log = self.log();
            let from = log.floor_char_boundary(log.len().saturating_sub(TAIL));
            eprintln!("--- the end of the gateway's log ---\n{}", &log[from..]);
        }
    }
}

/// The key in what `keys create` printed.
fn key_in(made: &Output) -> String {
    let text = String::from_utf8_lossy(&made.stdout);
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let words = text.split(|c| !is_part(c));
    let mut keys = words.filter(|word| word.starts_with("ak_") && word.len() > 60);
    keys.next()
        .map(str::to_owned)
        .unwrap_or_else(|| panic!("no key was made: {made:?}"))
}
