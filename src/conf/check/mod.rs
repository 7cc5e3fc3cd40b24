//! Why: each setting may be right and the whole still wrong. A combination that can never work, or a rule that can
//! never match, is a problem now and not a surprise at night.

mod access;
mod bedrock;
mod entra;
mod models;
mod providers;
mod tokens;

use std::net::SocketAddr;
use std::time::Duration;

use super::address;
use super::config::{Config, Listen};
use super::cx::Cx;

/// Completes `config` (addresses of well-known providers, the built-in mock) and reports what does not fit together.
pub(super) fn all(config: &mut Config, cx: &mut Cx<'_>) {
    listen(&config.listen, config.tls.is_some(), cx);
    body(config, cx);
    flood(config, cx);
    if config.threads > 1024 {
        cx.cross(
            &[&["threads"]],
            "more than 1024 threads help nobody",
            "0 means one per core",
        );
    }
    if let Some(pepper) = &config.pepper {
        let lines = pepper.expose().split_whitespace();
        let is_hex = |line: &str| line.len() == 64 && line.bytes().all(|b| b.is_ascii_hexdigit());
        if pepper.expose().trim().is_empty() || !lines.clone().all(is_hex) || lines.count() > 16 {
            let hint = "`openssl rand -hex 32` makes one; keep it as safe as the keys";
            cx.cross(
                &[&["pepper"]],
                "is not 1 to 16 lines of 64 hexadecimal digits",
                hint,
            );
        }
    }
    providers::all(&mut config.providers, cx);
    circles(config, cx);
    models::complete(config, cx);
    models::all(config, cx);
    access::all(config, cx);
    tokens::all(config, cx);
}

fn listen(listen: &Listen, has_tls: bool, cx: &mut Cx<'_>) {
    let all = [
        ("gateway", listen.gateway),
        ("admin", listen.admin),
        ("telemetry", listen.telemetry),
        ("console", listen.console),
    ];
    for (index, (name, address)) in all.iter().enumerate() {
        for (other, taken) in all.iter().take(index) {
            if clash(*address, *taken) {
                let message = format!("{address} is already taken by {other} ({taken})");
                cx.cross(
                    &[&["listen", name], &["listen", other]],
                    message,
                    "give each its own port",
                );
            }
        }
        let is_open = !address.ip().is_loopback();
        if *name == "admin" && is_open && !has_tls {
            let message =
                format!("{address} can be reached from other machines, but `tls` is missing");
            let hint = format!(
                "configure `tls`, or bind it to loopback, such as 127.0.0.1:{}",
                address.port()
            );
            cx.cross(&[&["listen", name]], message, hint);
        }
        if *name == "console" && is_open {
            let message = format!(
                "{address} can be reached from other machines, and the console is not served there yet"
            );
            let hint = format!("bind it to loopback, such as 127.0.0.1:{}", address.port());
            cx.cross(&[&["listen", name]], message, hint);
        }
    }
}

/// Whether two listeners cannot both be opened. Port 0 asks for any free port.
fn clash(a: SocketAddr, b: SocketAddr) -> bool {
    let same_family = a.is_ipv4() == b.is_ipv4();
    let wildcard = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || (same_family && wildcard))
}

/// A provider that is Alfred itself: every call would come back until nothing is left to call with.
fn circles(config: &Config, cx: &mut Cx<'_>) {
    for (name, provider) in &config.providers {
        for (index, endpoint) in provider.endpoints.iter().enumerate() {
            if address::is_here(&endpoint.url, config.listen.gateway) {
                let index = index.to_string();
                let path = ["providers", name, "endpoints", &index];
                cx.cross(
                    &[&path, &["listen", "gateway"]],
                    "is Alfred's own address: calls would go round for ever",
                    "name the server behind Alfred, or let one of them listen elsewhere",
                );
            }
        }
    }
}

fn body(config: &Config, cx: &mut Cx<'_>) {
    let body = &config.body;
    if body.max == 0 {
        cx.cross(
            &[&["body", "max"]],
            "no request would fit",
            "such as `20MB`",
        );
    }
    not_zero(cx, &["body", "read_timeout"], body.read_timeout);
    if body.in_flight_max < body.max {
        cx.cross(
            &[&["body", "in_flight_max"], &["body", "max"]],
            "is smaller than `max`, so that the largest body could never be taken",
            "make it several times `max`",
        );
    }
}

fn flood(config: &Config, cx: &mut Cx<'_>) {
    if config.flood.requests > 0 {
        not_zero(cx, &["flood", "window"], config.flood.window);
    }
}

/// Reports a duration that must not be zero.
fn not_zero(cx: &mut Cx<'_>, path: &[&str], duration: Duration) {
    if duration.is_zero() {
        cx.cross(&[path], "must not be zero", "such as `30s`");
    }
}

/// Reports a name that could not stand in a model name, a log line or a metric.
fn name(cx: &mut Cx<'_>, path: &[&str], what: &str, also: &str) {
    let name = path.last().copied().unwrap_or("");
    let is_fine = |letter: char| {
        letter.is_ascii_alphanumeric() || "._-".contains(letter) || also.contains(letter)
    };
    if name.is_empty() || name.len() > 100 || !name.chars().all(is_fine) {
        let message = format!("{what} has 1 to 100 letters, digits, `.`, `_`, `-`");
        let hint = match name.contains('/') {
            true => "a slash parts provider and model, as in `openai/gpt-5-mini`",
            false => "choose a plain name",
        };
        cx.misnamed(path, message, hint);
    }
}
