//! Why: a client may name a picture by its address, and some providers want its bytes. Who fetches it
//! for them opens a door, so the door has a list.

use std::time::Duration;

use super::cx::Cx;
use super::shape::{Shape, section};
use super::tree::Node;
use super::units::Size;

section! {
    /// Pictures that requests name by their address, for providers that take bytes only (Gemini, Bedrock, Ollama's own API).
    pub struct Images {
        /// The hosts from which pictures are fetched, over HTTPS and never from inside this network: `pics.example.com`,
        /// `*.example.com` for all below it, or `*` for any. Without one, such requests are refused.
        pub fetch_from: Vec<String> as Vec<PictureHost> = Vec::new(),
        /// The largest size of all pictures of one request together, in bytes.
        pub max_bytes: u64 as Size = 20_000_000,
        /// How long a picture may take.
        pub timeout: Duration = Duration::from_secs(10),
    }
}

impl Images {
    /// Whether pictures are fetched from that host, given in lower case.
    #[must_use]
    pub fn allows(&self, host: &str) -> bool {
        self.fetch_from
            .iter()
            .any(|listed| match listed.strip_prefix('*') {
                Some("") => true,
                Some(below) => host.len() > below.len() && host.ends_with(below),
                None => host == listed,
            })
    }
}

/// A host, or all below one.
struct PictureHost;

impl Shape for PictureHost {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        let text = String::read(node, cx)?.to_ascii_lowercase();
        let name = text.strip_prefix("*.").unwrap_or(&text);
        let is_name = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
        if is_name || text == "*" {
            return Some(text);
        }
        let hint = "write `pics.example.com`, `*.example.com` or `*`";
        cx.at(&node.at, "is no host", Some(hint.to_owned()));
        None
    }

    fn schema() -> serde_json::Value {
        String::schema()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_what_is_below_and_not_beside() {
        let images = |hosts: &[&str]| Images {
            fetch_from: hosts.iter().map(|host| (*host).to_owned()).collect(),
            ..Images::default()
        };
        let some = images(&["pics.example.com", "*.cdn.example"]);
        for host in ["pics.example.com", "a.cdn.example", "a.b.cdn.example"] {
            assert!(some.allows(host), "{host}");
        }
        for host in [
            "example.com",
            "cdn.example",
            "evilcdn.example",
            "pics.example.com.evil",
            "",
            ".cdn.example.evil",
        ] {
            assert!(!some.allows(host), "{host}");
        }
        assert!(images(&["*"]).allows("any.where") && !images(&[]).allows("any.where"));
    }
}
