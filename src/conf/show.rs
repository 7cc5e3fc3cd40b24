//! Why: an operator asks what really holds, defaults included, and what a reload has changed. Both are answered from one
//! walk over the settings, which knows where secrets stand and never lets one out.

use serde_json::{Map, Value};

use super::config::Config;
use super::secret::Secret;
use super::shape::Shape;
use super::source::Source;

/// What stands for a secret.
const MASK: &str = "***";

/// A walk over settings that are shown or compared.
pub(super) struct Show<'a> {
    source: &'a Source,
    path: Vec<String>,
    masked: bool,
}

impl<'a> Show<'a> {
    /// A walk over settings of which everything is shown.
    pub(super) fn open(source: &'a Source) -> Self {
        Self {
            source,
            path: Vec::new(),
            masked: false,
        }
    }

    /// Walks into the setting called `step`.
    pub(super) fn inside<T>(&mut self, step: &str, show: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step.to_owned());
        let shown = show(self);
        self.path.pop();
        shown
    }

    /// A secret as it may be shown.
    pub(super) fn secret(&self, secret: &Secret) -> Value {
        Value::from(if self.masked { MASK } else { secret.expose() })
    }

    /// A value of free JSON as it may be shown: one that a variable filled in may be a secret.
    pub(super) fn free(&self, value: &Value) -> Value {
        let is_hidden = self.masked && self.source.is_filled(&self.path);
        if is_hidden {
            Value::from(MASK)
        } else {
            value.clone()
        }
    }
}

impl Config {
    /// Every setting as JSON, defaults included. In the place of a secret stands `***`.
    #[must_use]
    pub fn shown(&self) -> Value {
        self.walk(true)
    }

    /// The paths of the settings in which `other` differs, such as `providers.vllm.endpoints`.
    #[must_use]
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut paths = Vec::new();
        differ("", &self.walk(false), &other.walk(false), &mut paths);
        paths
    }

    fn walk(&self, masked: bool) -> Value {
        let mut show = Show {
            source: &self.source,
            path: Vec::new(),
            masked,
        };
        Self::show(self, &mut show)
    }
}

fn differ(path: &str, one: &Value, other: &Value, paths: &mut Vec<String>) {
    if one == other {
        return;
    }
    let (Value::Object(ones), Value::Object(others)) = (one, other) else {
        paths.push(path.to_owned());
        return;
    };
    let added = others.keys().filter(|name| !ones.contains_key(*name));
    for name in ones.keys().chain(added) {
        let at = |members: &Map<String, Value>| members.get(name).cloned().unwrap_or_default();
        let dot = if path.is_empty() { "" } else { "." };
        differ(&format!("{path}{dot}{name}"), &at(ones), &at(others), paths);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Environment, parse};
    use super::*;

    fn config(text: &str) -> Config {
        let env = Environment::from_pairs([("KEY", "sk-from-variable"), ("TOKEN", "tok-hidden")]);
        parse("a.yaml", text, &env).unwrap_or_else(|problems| panic!("{problems}"))
    }

    const TEXT: &str = "
listen: { gateway: 127.0.0.1:1 }
providers:
  p:
    kind: openai
    keys: [\"${KEY}\", sk-inline]
    headers: { X-Team: hd-secret }
    overrides: { user: \"${TOKEN}\", seed: 7, deep: { list: [\"${TOKEN}\", plain] } }
    endpoints: [ { url: \"http://10.0.0.5:8000/v1\", weight: 2 } ]
models:
  fast: { targets: [ { model: p/gpt, weight: 3, overrides: { a: \"${TOKEN}\" } } ] }
limits: [ { per: key, requests: 600, window: 1m } ]
keys: [ { name: ci, hash: \"blake3:0000000000000000000000000000000000000000000000000000000000000000\", expires_at: 2031-01-02T03:04:05Z } ]
trusted_proxies: [ 10.0.0.0/8 ]
prices: { p/gpt: { in: 5, out: 6 } }
unknown_price: { ceiling: { in: 1, out: 2 } }
cors: { origins: [\"https://a.example\"] }
";

    #[test]
    fn everything_is_shown_but_no_secret() {
        let shown = config(TEXT).shown();
        let text = shown.to_string();
        for hidden in ["sk-from", "sk-inline", "hd-secret", "tok-hidden", "blake3:"] {
            assert!(!text.contains(hidden), "{hidden} in {text}");
        }
        let expected = [
            ("/listen/gateway", Value::from("127.0.0.1:1")),
            ("/listen/telemetry", Value::from("127.0.0.1:9464")),
            ("/tls", Value::Null),
            ("/data_dir", Value::from("./data")),
            ("/providers/p/kind", Value::from("openai")),
            ("/providers/p/keys", serde_json::json!(["***", "***"])),
            ("/providers/p/overrides/user", Value::from("***")),
            ("/providers/p/overrides/seed", Value::from(7)),
            (
                "/providers/p/overrides/deep/list",
                serde_json::json!(["***", "plain"]),
            ),
            ("/providers/p/endpoints/0/weight", Value::from(2)),
            ("/providers/p/timeouts/first_byte", Value::from("1m")),
            ("/models/fast/targets/0/model", Value::from("p/gpt")),
            ("/models/fast/targets/0/overrides/a", Value::from("***")),
            ("/limits/0/requests", Value::from(600)),
            ("/limits/0/tokens", Value::Null),
            ("/keys/0/expires_at", Value::from("2031-01-02T03:04:05Z")),
            ("/trusted_proxies/0", Value::from("10.0.0.0/8")),
            ("/prices/p~1gpt/in", Value::from(5)),
            ("/unknown_price/ceiling/out", Value::from(2)),
            ("/body/max", Value::from("20MB")),
        ];
        for (path, value) in expected {
            assert_eq!(shown.pointer(path), Some(&value), "{path} in {shown:#}");
        }
    }

    #[test]
    fn two_readings_differ_in_exactly_the_settings_that_were_changed() {
        let before = config(TEXT);
        assert_eq!(before.differences(&config(TEXT)), Vec::<String>::new());
        let text = TEXT
            .replace("sk-inline", "sk-other")
            .replace("requests: 600", "requests: 60")
            .replace("  fast:", "  slow:")
            .replace("seed: 7", "seed: 8");
        let paths = before.differences(&config(&text));
        let expected = [
            "providers.p.keys",
            "providers.p.overrides.seed",
            "models.fast",
            "models.slow",
            "limits",
        ];
        assert_eq!(paths, expected);
    }
}
