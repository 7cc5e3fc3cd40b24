//! Why: a port on loopback is still reached by every web page that a browser on this machine shows. A page that points
//! its own name at 127.0.0.1 (DNS rebinding) betrays itself by the Host it sends, one that calls across by its Origin.
//! Where the port speaks TLS, a name that was rebound fails at the certificate; the Origin is looked at all the same.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

/// Lets requests through that were meant for this port.
pub(super) async fn check(State(is_tls): State<bool>, request: Request, next: Next) -> Response {
    let authority = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    match judge(request.headers(), authority, is_tls) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

fn judge(headers: &HeaderMap, authority: Option<&str>, is_tls: bool) -> Result<(), Problem> {
    let (scheme, is_ours): (_, fn(&str) -> bool) = match is_tls {
        true => ("https", is_authority),
        false => ("http", is_local),
    };
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().and_then(|value| value.to_str().ok());
        first.filter(|_| values.next().is_none())
    };
    let host = only(header::HOST).filter(|host| is_ours(host));
    let Some(host) = host.filter(|_| authority.is_none_or(is_ours)) else {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "host_not_allowed",
            "The request was meant for another host",
        )
        .detail(match is_tls {
            true => "the Host header is missing, there twice, or no name",
            false => "the admin port answers only to names and addresses of loopback",
        })
        .hint(
            "call http://127.0.0.1:PORT or http://localhost:PORT; from elsewhere, through a tunnel",
        ));
    };
    let is_own = |origin: &str| origin.eq_ignore_ascii_case(&format!("{scheme}://{host}"));
    if headers.contains_key(header::ORIGIN) && !only(header::ORIGIN).is_some_and(is_own) {
        return Err(Problem::new(
            StatusCode::FORBIDDEN,
            "origin_not_allowed",
            "Web pages of other origins may not call the admin port",
        )
        .detail("the Origin header names another origin than the admin port's own")
        .hint("call it from a program, or from a page that it served itself"));
    }
    Ok(())
}

/// Whether this is a name or an address, with or without a port.
fn is_authority(authority: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    !authority.is_empty() && authority.bytes().all(is_part)
}

/// Whether this is a name or an address of loopback, with or without a port.
fn is_local(authority: &str) -> bool {
    let (host, port) = match authority.rfind(':') {
        Some(at) if !authority.ends_with(']') => authority.split_at(at),
        _ => (authority, ""),
    };
    if !port.bytes().skip(1).all(|byte| byte.is_ascii_digit()) {
        return false;
    }
    let six = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    match six {
        Some(six) => six.parse().is_ok_and(|ip: Ipv6Addr| ip.is_loopback()),
        None => {
            host.eq_ignore_ascii_case("localhost")
                || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(lines: &[(&'static str, &'static str)], authority: Option<&str>) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        judge(&headers, authority, false).is_ok()
    }

    use axum::http::HeaderValue;

    #[test]
    fn only_names_and_addresses_of_loopback_are_hosts() {
        for host in [
            "localhost",
            "LocalHost:8000",
            "127.0.0.1",
            "127.1.2.3:8000",
            "[::1]",
            "[::1]:8000",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "",
            ":",
            "evil.example",
            "evil.example:8000",
            "localhost.evil.example",
            "localhost.",
            "10.0.0.1",
            "0.0.0.0:8000",
            "[::]",
            "[::ffff:127.0.0.1]",
            "::1",
            "127.0.0.1.nip.io",
            "127.1",
            "2130706433",
            "localhost:80@evil",
            "localhost:8000:1",
            "evil@localhost",
            "localhost, evil",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }

    #[test]
    fn a_rebound_name_a_second_host_and_none_are_refused() {
        let host = ("host", "127.0.0.1:8000");
        assert!(passes(&[host], None) && passes(&[host], Some("localhost:8000")));
        assert!(!passes(&[("host", "evil.example:8000")], None));
        assert!(!passes(&[host, ("host", "evil.example")], None));
        assert!(!passes(&[host], Some("evil.example")));
        assert!(!passes(&[], None));
    }

    #[test]
    fn pages_of_other_origins_are_refused_even_local_ones() {
        let host = ("host", "localhost:8000");
        assert!(passes(&[host, ("origin", "http://localhost:8000")], None));
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:3000",
            "https://localhost:8000",
            "",
        ] {
            assert!(!passes(&[host, ("origin", origin)], None), "{origin}");
        }
        let own = ("origin", "http://localhost:8000");
        assert!(!passes(
            &[host, own, ("origin", "http://evil.example")],
            None
        ));
    }
}
