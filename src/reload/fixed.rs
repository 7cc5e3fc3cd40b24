//! Why: sockets, threads and the store are made once. A file that wants them otherwise would be half obeyed, which is
//! worse than not at all; so it is refused, at the line, until the process is started anew.

use serde_json::Value;

use crate::conf::{Config, Problem};

/// The settings that hold until the process ends.
const FIXED: &[&[&str]] = &[
    &["listen", "gateway"],
    &["listen", "admin"],
    &["listen", "telemetry"],
    &["listen", "console"],
    &["tls", "min_version"],
    &["data_dir"],
    &["store"],
    &["pepper"],
    &["credit", "usd"],
    &["ledger", "patience"],
    &["ledger", "lease_ttl"],
    &["ledger", "quarantine"],
    &["ledger", "durability"],
    &["ledger", "backlog"],
    &["ledger", "orphans"],
    &["threads"],
    &["shutdown", "pause"],
    &["shutdown", "drain"],
    &["log", "level"],
    &["log", "format"],
];

/// What `wanted` has otherwise than the configuration that runs, although only a restart could make it so.
pub(super) fn check(running: &Config, wanted: &Config) -> Vec<Problem> {
    let (has, wants) = (running.shown(), wanted.shown());
    let differing = FIXED
        .iter()
        .filter(|path| setting(&has, path) != setting(&wants, path));
    let problem = |path: &&[&str]| {
        let (path, message) = match (*path, &running.tls, &wanted.tls) {
            (["tls", _], None, _) => (
                &["tls"] as &[&str],
                "TLS cannot be switched on while Alfred runs".to_owned(),
            ),
            (["tls", _], _, None) => (
                &["tls"] as &[&str],
                "TLS cannot be switched off while Alfred runs".to_owned(),
            ),
            (path, ..) => (path, held(setting(&has, path))),
        };
        wanted.source.problem(path, message).hint(HINT)
    };
    differing.map(problem).collect()
}

const HINT: &str = "restart Alfred to apply the file, or write what it was; until then the old configuration serves";

fn held(value: Option<&Value>) -> String {
    let value = match value {
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
        None => "nothing".to_owned(),
    };
    format!("cannot be changed while Alfred runs; it runs with `{value}`")
}

fn setting<'a>(shown: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(shown, |value, step| value.get(step))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::{Environment, parse};

    fn config(text: &str) -> Config {
        parse("a.yaml", text, &Environment::default())
            .unwrap_or_else(|problems| panic!("{problems}"))
    }

    #[test]
    fn each_setting_that_needs_a_restart_is_refused_at_its_line() {
        let running = config("tls: { cert: a, key: b }\n");
        for (text, place) in [
            (
                "tls: { cert: a, key: b }\nlisten: { gateway: 127.0.0.1:1 }",
                (2, 20, "listen.gateway"),
            ),
            (
                "tls: { cert: a, key: b }\nlisten:\n  admin: 127.0.0.1:2",
                (3, 10, "listen.admin"),
            ),
            (
                "tls:\n  cert: a\n  key: b\n  min_version: '1.3'",
                (4, 16, "tls.min_version"),
            ),
            ("body: {}", (1, 1, "tls")),
            (
                "tls: { cert: a, key: b }\ndata_dir: /elsewhere",
                (2, 11, "data_dir"),
            ),
            ("tls: { cert: a, key: b }\nthreads: 2", (2, 10, "threads")),
            (
                "tls: { cert: a, key: b }\nshutdown: { drain: 1s }",
                (2, 20, "shutdown.drain"),
            ),
            (
                "tls: { cert: a, key: b }\nlog: { level: debug }",
                (2, 15, "log.level"),
            ),
        ] {
            let found = check(&running, &config(text));
            assert_eq!(found.len(), 1, "{found:?}");
            let at = (found[0].line, found[0].column, found[0].path.as_str());
            assert_eq!(at, place, "{text}");
            assert!(
                found[0]
                    .hint
                    .as_deref()
                    .is_some_and(|hint| hint.contains("restart"))
            );
        }
        let plain = config("");
        let on = check(&plain, &running);
        assert_eq!((on.len(), on[0].path.as_str()), (1, "tls"));
    }

    #[test]
    fn everything_else_may_change() {
        let running = config("tls: { cert: a, key: b }\n");
        let text = "tls: { cert: c, key: d }\nbody: { max: 1MB }\nflood: { requests: 1 }\nthreads: 0\nproviders: { p: { kind: ollama } }\ntrusted_proxies: [ 10.0.0.1 ]\nlimits: [ { per: key, requests: 1 } ]\n";
        assert_eq!(check(&running, &config(text)), []);
    }
}
