//! A running gateway whose configuration is rewritten in every way that people and Kubernetes do it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use crate::support::{Answer, Gateway, H1, until};

/// A gateway and its configuration file.
pub(crate) struct Place {
    pub(crate) gateway: Gateway,
    /// The lines about ports and data, which stay.
    head: String,
    /// An access token of the house's owner.
    pub(crate) token: String,
}

impl Place {
    pub(crate) async fn start(yaml: &str) -> Self {
        Self::of(Gateway::start(yaml).await)
    }

    pub(crate) fn of(gateway: Gateway) -> Self {
        let text = fs::read_to_string(gateway.folder().join("alfred.yaml")).unwrap();
        let head = text.lines().take(2).map(|line| format!("{line}\n"));
        let head = head.collect();
        let token = gateway.admin_token();
        Self {
            gateway,
            head,
            token,
        }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.gateway.folder().join("alfred.yaml")
    }

    /// The whole text of a configuration with these settings.
    pub(crate) fn text(&self, yaml: &str) -> String {
        format!("{}{yaml}", self.head)
    }

    /// Writes the file in place.
    pub(crate) fn write(&self, yaml: &str) {
        fs::write(self.file(), self.text(yaml)).unwrap();
    }

    /// Puts a new file in its place, at one instant.
    pub(crate) fn replace(&self, yaml: &str) {
        let new = self.file().with_extension("new");
        fs::write(&new, self.text(yaml)).unwrap();
        fs::rename(new, self.file()).unwrap();
    }

    /// Sends SIGHUP.
    pub(crate) fn hang_up(&self) {
        let pid = self.gateway.pid().to_string();
        let sent = Command::new("kill").args(["-HUP", &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// How many reloads ended like that.
    pub(crate) async fn count(&self, result: &str) -> f64 {
        let name = format!("alfred_config_reloads_total{{result=\"{result}\"}}");
        self.gateway.metrics(&name).await
    }

    /// Waits until one more reload has ended like that than `before`.
    pub(crate) async fn after(&self, result: &str, before: f64) {
        let what = format!("a reload that is {result}");
        until(&what, || async { self.count(result).await > before }).await;
    }

    /// Writes the file, sends SIGHUP, and waits for the result.
    pub(crate) async fn reload(&self, yaml: &str, result: &str) {
        let before = self.count(result).await;
        self.write(yaml);
        self.hang_up();
        self.after(result, before).await;
    }

    /// The head of a request to the admin port, without the empty line that ends it.
    pub(crate) fn head_of(&self, method: &str, path: &str) -> String {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\nidempotency-key: reload-{number}\r\n",
            self.gateway.admin, self.token
        )
    }

    /// A request to the admin port.
    pub(crate) async fn admin(&self, method: &str, path: &str) -> Answer {
        let mut client = H1::connect(self.gateway.admin).await;
        let head = self.head_of(method, path);
        client.send(format!("{head}\r\n")).await;
        client.answer().await
    }

    /// What `GET /v1/config` says.
    pub(crate) async fn status(&self) -> Value {
        self.admin("GET", "/v1/config").await.expect(200).json()
    }

    /// Asks for a reload by the admin port.
    pub(crate) async fn ask(&self) -> Answer {
        self.admin("POST", "/v1/config/reload").await
    }
}
