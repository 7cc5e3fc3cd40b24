//! Processes that are killed and started again, each with its own data directory, and the one
//! provider whose log tells what was really used.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{H1, free_port};

/// A start, recovery included, takes no longer.
const START: Duration = Duration::from_secs(60);

fn port() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()))
}

/// The provider: one mock for all, which logs every attempt.
pub(crate) struct Provider {
    child: Child,
    pub(crate) url: String,
    pub(crate) log: PathBuf,
}

impl Provider {
    pub(crate) fn start(folder: &Path) -> Self {
        let (address, log) = (port(), folder.join("usage.jsonl"));
        let child = Command::new(env!("CARGO_BIN_EXE_alfred"))
            .args(["mock", "--listen", &address.to_string(), "--usage-log"])
            .arg(&log)
            .stdout(Stdio::null())
            .stderr(File::create(folder.join("mock.log")).unwrap())
            .spawn()
            .unwrap();
        Self {
            child,
            url: format!("http://{address}/v1"),
            log,
        }
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One member of the fleet.
pub(crate) struct Member {
    folder: PathBuf,
    pub(crate) gateway: SocketAddr,
    telemetry: SocketAddr,
    child: Option<Child>,
    pub(crate) kills: u64,
}

impl Member {
    /// A member that has not begun. `store` is the line of the configuration that names the
    /// database.
    pub(crate) fn new(folder: &Path, number: usize, store: &str, provider: &Provider) -> Self {
        let folder = folder.join(format!("member-{number}"));
        fs::create_dir_all(&folder).unwrap();
        let (gateway, telemetry, admin, console) = (port(), port(), port(), port());
        let text = format!(
            "listen: {{ gateway: \"{gateway}\", telemetry: \"{telemetry}\", admin: \"{admin}\", console: \"{console}\" }}\n\
             data_dir: {data}\n{store}\npepper: {pepper}\nlog: {{ level: warn }}\nflood: {{ requests: 0 }}\n\
             providers:\n  p: {{ kind: openai_compatible, endpoints: [ {{ url: \"{url}\" }} ], on_client_disconnect: drain, retry_budget: {{ percent: 100 }} }}\n  \
             q: {{ kind: openai_compatible, endpoints: [ {{ url: \"{url}\" }} ], breaker: {{ failures: 1000000, ratio: 100 }}, retry_budget: {{ percent: 100 }} }}\n\
             models:\n  falls: {{ targets: [ {{ model: \"q/status?code=503\" }} ], fallback: [ \"p/echo?tokens_in=50&tokens_out=5\" ], retry: {{ attempts: 2 }} }}\n\
             prices: {{ \"p/*\": {{ in: 1000000, out: 3000000 }}, \"q/*\": {{ in: 1000000, out: 3000000 }} }}\n",
            data = folder.join("data").display(),
            url = provider.url,
            pepper = "5a".repeat(32),
        );
        fs::write(folder.join("alfred.yaml"), text).unwrap();
        Self {
            folder,
            gateway,
            telemetry,
            child: None,
            kills: 0,
        }
    }

    /// Runs another command on the same configuration; fails loudly.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let made = Command::new(env!("CARGO_BIN_EXE_alfred"))
            .args(arguments)
            .arg("--config")
            .arg(self.folder.join("alfred.yaml"))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&made.stdout).into_owned();
        let errors = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "{arguments:?}: {text}{errors}");
        text
    }

    pub(crate) fn start(&mut self) {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"))
            .unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_alfred"))
            .arg("run")
            .arg("--config")
            .arg(self.folder.join("alfred.yaml"))
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Waits until it takes traffic. A start may fail while the database is away; it is then
    /// tried again, as any supervisor would.
    pub(crate) async fn ready(&mut self) {
        let begun = Instant::now();
        loop {
            if let Ok(mut client) = H1::try_connect(self.telemetry).await
                && client.get("/readyz").await.status == 200
            {
                return;
            }
            if let Some(child) = &mut self.child
                && child.try_wait().unwrap().is_some()
            {
                tokio::time::sleep(Duration::from_millis(100)).await;
                self.start();
            }
            assert!(begun.elapsed() < START, "never ready:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills it, as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
            self.kills += 1;
        }
    }

    /// Ends it in order.
    pub(crate) fn end(&mut self) {
        let Some(mut child) = self.child.take() else {
            return;
        };
        let pid = child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let begun = Instant::now();
        while child.try_wait().unwrap().is_none() {
            assert!(begun.elapsed() < START, "never ended:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The end of what it logged.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let from = log.floor_char_boundary(log.len().saturating_sub(6_000));
        log[from..].to_owned()
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
