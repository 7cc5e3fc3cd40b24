//! Why: many networks let nothing out but through a proxy, and trust authorities of their own. How Alfred gets out is
//! said once, for calls to providers and for its own.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::cx::Cx;
use super::secret::Secret;
use super::shape::{Shape, section};
use super::tree::Node;

section! {
    /// How calls leave this network. Loopback addresses are always called directly.
    pub struct Egress {
        /// The proxy through which every call goes, by CONNECT, such as `http://user:password@proxy:3128`.
        pub proxy: Option<ProxyAddress> = None,
        /// What is called directly: hosts with everything below them (`example.com`), addresses, networks
        /// (`10.0.0.0/8`), or `*`. One text may hold several, separated by commas, as `NO_PROXY` does.
        pub except: Vec<String> as Vec<Hosts> = Vec::new(),
        /// PEM file of the authorities that are trusted beside those of the system.
        pub ca_file: Option<PathBuf> = None,
    }
}

/// Hosts, separated by commas; a variable that is empty names none.
struct Hosts;

impl Shape for Hosts {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        match cx.is_blank(node) {
            true => Some(String::new()),
            false => String::read(node, cx),
        }
    }

    fn schema() -> Value {
        String::schema()
    }
}

/// A proxy, with the credentials that it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    /// Its host; IPv6 addresses without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// `user:password`, decoded.
    pub login: Option<Secret>,
}

impl Shape for ProxyAddress {
    type Value = Self;
    const SECRET: bool = true;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let text = cx.text(node, "the address of a proxy")?;
        match parse(text.text.trim()) {
            Ok(proxy) => Some(proxy),
            Err(message) => {
                let hint = "such as `http://proxy:3128`, or `http://user:password@proxy:3128`";
                cx.at(&node.at, message, Some(hint.to_owned()));
                None
            }
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^http://[^/?#]+/?$|\$\{" })
    }
}

/// Takes the address of a proxy apart. The address itself is not repeated: it may hold a password.
fn parse(text: &str) -> Result<ProxyAddress, &'static str> {
    let Some(rest) = text.strip_prefix("http://") else {
        return Err("a proxy is spoken to in plain HTTP: its address begins with http://");
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (login, authority) = match rest.rsplit_once('@') {
        Some((login, authority)) => (Some(login), authority),
        None => (None, rest),
    };
    let login = match login.map(decoded) {
        Some(None) => return Err("user and password must be percent-encoded"),
        Some(Some(login)) => Some(Secret::new(login)),
        None => None,
    };
    let uri: Result<http::uri::Authority, _> = authority.parse();
    let authority = uri.map_err(|_| "holds no host and port that can be called")?;
    let host = authority.host();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let has_bad_port = authority.port_u16().is_none() && authority.as_str() != authority.host();
    if host.is_empty() || has_bad_port {
        return Err("holds no host and port that can be called");
    }
    Ok(ProxyAddress {
        host: host.to_ascii_lowercase(),
        port: authority.port_u16().unwrap_or(3128),
        login,
    })
}

/// Percent-decodes a login; `None` when that gives no text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.chars().any(char::is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_has_a_host_a_port_and_perhaps_a_login() {
        let proxy = parse("http://us%40er:p%3Ass@Proxy.corp:8080/").expect("a proxy");
        assert_eq!((proxy.host.as_str(), proxy.port), ("proxy.corp", 8080));
        let login = proxy.login.as_ref().map(Secret::expose);
        assert_eq!(login, Some("us@er:p:ss"));
        assert!(!format!("{proxy:?}").contains("p:ss"));
        let proxy = parse("http://[::1]").expect("a proxy");
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 3128));
        for bad in [
            "https://p:1",
            "p:1",
            "http://",
            "http://a%zz@p",
            "http://p:1/x",
            "http://p:99999",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
