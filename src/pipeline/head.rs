//! The request's head as the stations see it: no Pingora, nothing that can still change.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, Method};
use ipnet::IpNet;

/// What is known before the body is read.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// The method.
    pub method: &'a Method,
    /// The path, without the query.
    pub path: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The address of the connection.
    pub peer: Option<IpAddr>,
}

impl Head<'_> {
    /// A header as text, if it is there once and readable.
    #[must_use]
    pub fn text(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The client's address: the connection's, or, where that belongs to a trusted proxy, the last
    /// address in `X-Forwarded-For` that does not.
    #[must_use]
    pub fn client(&self, trusted: &[IpNet]) -> Option<IpAddr> {
        let peer = self.peer?.to_canonical();
        let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
        if !is_trusted(&peer) {
            return Some(peer);
        }
        let forwarded = self.headers.get_all("x-forwarded-for").iter();
        let mut hops: Vec<&str> = forwarded
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let mut client = peer;
        while let Some(hop) = hops.pop() {
            // What a trusted proxy wrote ends where it is no address.
            let Ok(address) = hop.trim().parse::<IpAddr>() else {
                break;
            };
            client = address.to_canonical();
            if !is_trusted(&client) {
                break;
            }
        }
        Some(client)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().expect("a header"));
        }
        let head = Head {
            method: &Method::GET,
            path: "/",
            headers: &headers,
            peer: Some(peer.parse().expect("an address")),
        };
        let trusted = ["10.0.0.0/8".parse().expect("a network")];
        head.client(&trusted).expect("an address").to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_its_address() {
        assert_eq!(client("203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_is_believed_up_to_the_first_stranger() {
        assert_eq!(
            client("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]),
            "1.2.3.4"
        );
        assert_eq!(client("10.0.0.1", &["6.6.6.6", "1.2.3.4"]), "1.2.3.4");
        assert_eq!(client("10.0.0.1", &["nonsense"]), "10.0.0.1");
        assert_eq!(client("::ffff:10.0.0.1", &["1.2.3.4"]), "1.2.3.4");
    }
}
