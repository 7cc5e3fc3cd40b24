//! CONNECT: asks a proxy for a connection to somewhere else.

use http::HeaderValue;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The longest head that a proxy may answer with.
const MAX_HEAD: usize = 16 * 1024;

/// Why there is no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    /// The connection to the proxy failed.
    #[error("the connection to the egress proxy failed: {0}")]
    Connection(#[from] std::io::Error),
    /// The proxy says no.
    #[error("the egress proxy refused to connect: it answered {0}")]
    Refused(u16),
    /// What answers is no proxy.
    #[error("what answers at the address of the egress proxy is no HTTP proxy")]
    NoProxy,
}

/// Asks the proxy at the other end for a connection to `target` (`host:port`).
///
/// # Errors
/// The proxy refuses, or is none.
pub async fn open(
    proxy: &mut TcpStream,
    target: &str,
    authorization: Option<&HeaderValue>,
) -> Result<(), TunnelError> {
    let mut request = Vec::with_capacity(256);
    request.extend_from_slice(b"CONNECT ");
    request.extend_from_slice(target.as_bytes());
    request.extend_from_slice(b" HTTP/1.1\r\nHost: ");
    request.extend_from_slice(target.as_bytes());
    request.extend_from_slice(b"\r\n");
    if let Some(value) = authorization {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(value.as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    proxy.write_all(&request).await?;
    let status = read_status(proxy).await?;
    match status {
        200..=299 => Ok(()),
        _ => Err(TunnelError::Refused(status)),
    }
}

/// Reads the proxy's head to its end and not a byte beyond: what follows belongs to the tunnel.
async fn read_status(proxy: &mut TcpStream) -> Result<u16, TunnelError> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(TunnelError::NoProxy);
        }
        head.push(proxy.read_u8().await?);
    }
    let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
    let line = std::str::from_utf8(line).map_err(|_| TunnelError::NoProxy)?;
    let mut words = line.split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok());
    match status {
        Some(status) if version.starts_with("HTTP/1.") => Ok(status),
        _ => Err(TunnelError::NoProxy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    async fn answered(with: &'static [u8]) -> (Result<(), TunnelError>, String, Vec<u8>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let proxy = async {
            let (mut tcp, _) = listener.accept().await.expect("a connection");
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(tcp.read_u8().await.expect("a byte"));
            }
            tcp.write_all(with).await.expect("written");
            String::from_utf8(asked).expect("text")
        };
        let client = async {
            let mut tcp = TcpStream::connect(addr).await.expect("connects");
            let login = HeaderValue::from_static("Basic eA==");
            let opened = open(&mut tcp, "provider.test:443", Some(&login)).await;
            (opened, tcp)
        };
        let (asked, (opened, mut tcp)) = tokio::join!(proxy, client);
        let mut rest = Vec::new();
        let _ = tcp.read_to_end(&mut rest).await;
        (opened, asked, rest)
    }

    #[tokio::test]
    async fn a_tunnel_is_asked_for_by_name_and_what_follows_its_head_is_left_in_it() {
        let (opened, asked, rest) =
            answered(b"HTTP/1.1 200 Connection established\r\nvia: x\r\n\r\nfirst bytes").await;
        assert!(opened.is_ok(), "{opened:?}");
        assert_eq!(
            asked,
            "CONNECT provider.test:443 HTTP/1.1\r\nHost: provider.test:443\r\nProxy-Authorization: Basic eA==\r\n\r\n"
        );
        assert_eq!(rest, b"first bytes");
    }

    #[tokio::test]
    async fn a_proxy_may_refuse_and_something_else_is_no_proxy() {
        let (opened, ..) = answered(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n").await;
        assert!(
            matches!(opened, Err(TunnelError::Refused(407))),
            "{opened:?}"
        );
        let (opened, ..) = answered(b"SSH-2.0-OpenSSH\r\n\r\n").await;
        assert!(matches!(opened, Err(TunnelError::NoProxy)), "{opened:?}");
        let (opened, ..) = answered(b"HTTP/1.1 2").await;
        assert!(
            matches!(opened, Err(TunnelError::Connection(_))),
            "{opened:?}"
        );
    }
}
