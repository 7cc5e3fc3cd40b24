//! Why: a base address is joined with paths on every call, so it must be plain: scheme, host, port and path, without a
//! trailing slash, and without anything (user, password, query) that would end up in logs.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Checks a base address and drops its trailing slashes.
///
/// # Errors
/// What is wrong with it and what to write instead. The address itself is not repeated.
pub(super) fn base(text: &str) -> Result<String, (&'static str, &'static str)> {
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err((
            "must begin with http:// or https://",
            "such as `http://10.0.0.5:8000/v1`",
        ));
    };
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "http" && scheme != "https" {
        return Err((
            "must begin with http:// or https://",
            "such as `http://10.0.0.5:8000/v1`",
        ));
    }
    if rest.contains(['?', '#']) {
        return Err((
            "must not hold a query or fragment",
            "Alfred adds what a call needs",
        ));
    }
    let (authority, path) = rest
        .find('/')
        .map_or((rest, ""), |index| rest.split_at(index));
    if authority.contains('@') {
        return Err((
            "must not hold a user or password",
            "credentials belong in `keys`",
        ));
    }
    if !is_authority(authority) {
        return Err((
            "holds no host and port that can be called",
            "such as `http://10.0.0.5:8000/v1`",
        ));
    }
    if !path.bytes().all(|byte| {
        byte.is_ascii_graphic()
            && !matches!(
                byte,
                b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
            )
    }) {
        return Err((
            "holds characters that no path can have",
            "percent-encode them",
        ));
    }
    if path.split('/').any(|step| step == "." || step == "..") {
        return Err((
            "must not hold `.` or `..` as a step",
            "write the path itself",
        ));
    }
    let path = path.trim_end_matches('/');
    if [
        "/chat/completions",
        "/embeddings",
        "/completions",
        "/models",
    ]
    .iter()
    .any(|end| path.ends_with(end))
    {
        return Err((
            "is the address of one operation",
            "end it before, such as at `/v1`",
        ));
    }
    Ok(format!(
        "{scheme}://{}{path}",
        authority.to_ascii_lowercase()
    ))
}

/// The address without its path, and its path.
pub(super) fn split(base: &str) -> (&str, &str) {
    let host = base.find("://").map_or(0, |index| index + 3);
    let end = base
        .get(host..)
        .and_then(|rest| rest.find('/'))
        .map_or(base.len(), |index| host + index);
    base.split_at(end)
}

/// Whether a call to `base` would come back to a listener on this machine.
pub(super) fn is_here(base: &str, listener: SocketAddr) -> bool {
    let (origin, _) = split(base);
    let (scheme, authority) = origin.split_once("://").unwrap_or(("", origin));
    let default = if scheme == "https" { 443 } else { 80 };
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port.parse().unwrap_or(default)),
        _ => (authority, default),
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let ip = match bare {
        "localhost" => Ok(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        _ => bare.parse::<IpAddr>(),
    };
    port == listener.port()
        && ip.is_ok_and(|ip| {
            ip == listener.ip() || (listener.ip().is_unspecified() && ip.is_loopback())
        })
}

fn is_authority(authority: &str) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, port)) if address.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", port),
            _ => return false,
        },
        None => authority
            .find(':')
            .map_or((authority, ""), |index| authority.split_at(index)),
    };
    let port_is_fine = match port.strip_prefix(':') {
        Some(port) => {
            port.bytes().all(|b| b.is_ascii_digit())
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        }
        None => port.is_empty(),
    };
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    port_is_fine && host.len() <= 253 && host.trim_end_matches('.').split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_address_loses_its_trailing_slashes_and_its_capitals() {
        for (written, kept) in [
            ("http://10.0.0.5:8000/v1/", "http://10.0.0.5:8000/v1"),
            (
                "HTTPS://Api.Example.COM/Path//",
                "https://api.example.com/Path",
            ),
            ("http://[::1]:8000", "http://[::1]:8000"),
            ("http://localhost/", "http://localhost"),
            (
                "http://vllm_0.svc.cluster.local.:80/a%20b",
                "http://vllm_0.svc.cluster.local.:80/a%20b",
            ),
        ] {
            assert_eq!(base(written).as_deref(), Ok(kept), "{written}");
        }
    }

    #[test]
    fn an_address_that_cannot_be_joined_or_would_leak_is_refused() {
        for written in [
            "",
            "api.example.com",
            "ftp://a",
            "http://",
            "http:///v1",
            "http://a:b",
            "http://a:0",
            "http://a:99999",
            "http://a:",
            "http://user:pass@a/v1",
            "http://a@b",
            "http://a/v1?key=x",
            "http://a#x",
            "http://a b/",
            "http://a/v1 ",
            "http://[::1",
            "http://[zz]",
            "http://a..b",
            "http://-a",
            "http://a/\u{e9}",
            "http://\u{e9}",
            "http://a/../b",
            "http://a/v1/chat/completions",
            "http://a:80:80",
            "http://[::1]x",
        ] {
            assert!(base(written).is_err(), "{written}");
        }
    }

    #[test]
    fn an_address_of_this_machine_is_known_as_such() {
        let open = SocketAddr::from(([0, 0, 0, 0], 9090));
        let local = SocketAddr::from(([127, 0, 0, 1], 80));
        for (base, listener, expected) in [
            ("http://127.0.0.1:9090/v1", open, true),
            ("http://localhost:9090/v1", open, true),
            ("http://[::1]:9090", open, true),
            ("http://127.0.0.1:9091/v1", open, false),
            ("http://10.0.0.5:9090/v1", open, false),
            ("http://alfred:9090/v1", open, false),
            ("http://localhost/v1", local, true),
            ("https://localhost/v1", local, false),
            ("http://127.0.0.2:80", local, false),
        ] {
            assert_eq!(is_here(base, listener), expected, "{base}");
        }
    }

    #[test]
    fn an_address_splits_into_origin_and_path() {
        assert_eq!(split("https://a.b:1/c/d"), ("https://a.b:1", "/c/d"));
        assert_eq!(split("https://a.b"), ("https://a.b", ""));
    }
}
