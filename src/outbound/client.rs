//! Alfred's own HTTP client.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use tokio::net::TcpStream;

use super::egress::{Egress, Proxy};
use super::tunnel;

/// The longest answer that is read, where nobody says otherwise.
const MAX_REPLY: usize = 1024 * 1024;

/// Who chose the address that is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The operator, in the configuration: it may be anywhere.
    Configured,
    /// Somebody else, such as a client: only HTTPS, and never an address inside this network.
    Foreign,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The whole address.
    pub url: String,
    /// The headers; a credential in them reaches this address and no other.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// How long the whole call may take.
    pub timeout: Duration,
    /// The longest answer that is read, in bytes.
    pub most: usize,
}

impl Request {
    /// A GET without headers.
    #[must_use]
    pub fn get(url: String, timeout: Duration) -> Self {
        Self {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            timeout,
            most: MAX_REPLY,
        }
    }
}

/// What came back. A redirect is one of the answers; nobody follows it.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

/// Why nothing came back. None of them names the address's path, query or credential.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The client cannot be set up.
    #[error("the HTTP client cannot be set up: {0}")]
    Setup(String),
    /// The address is none that may be called.
    #[error("this address may not be called: {0}")]
    Forbidden(&'static str),
    /// It took too long.
    #[error("the call took too long")]
    Timeout,
    /// Nobody could be connected to.
    #[error("no connection could be made")]
    Connect,
    /// The answer is longer than is read.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    /// It failed in another way.
    #[error("the call failed: {0}")]
    Failed(String),
}

impl From<reqwest::Error> for OutboundError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        if error.is_connect() {
            return Self::Connect;
        }
        Self::Failed(error.without_url().to_string())
    }
}

/// See the module text.
#[derive(Clone, Debug)]
pub struct Outbound {
    egress: Arc<Egress>,
    configured: reqwest::Client,
    foreign: reqwest::Client,
}

impl Outbound {
    /// A client that leaves by this way.
    ///
    /// # Errors
    /// TLS or the proxy cannot be set up.
    pub fn new(egress: &Arc<Egress>) -> Result<Self, OutboundError> {
        Ok(Self {
            egress: Arc::clone(egress),
            configured: client(egress, Trust::Configured)?,
            foreign: client(egress, Trust::Foreign)?,
        })
    }

    /// Makes a call.
    ///
    /// # Errors
    /// The address may not be called, or nobody answered in full.
    pub async fn call(&self, request: Request, trust: Trust) -> Result<Reply, OutboundError> {
        let url: reqwest::Url = request
            .url
            .parse()
            .map_err(|_| OutboundError::Forbidden("it is no URL"))?;
        let client = match trust {
            Trust::Configured => &self.configured,
            Trust::Foreign => {
                check_foreign(&url)?;
                &self.foreign
            }
        };
        if url.scheme() == "http"
            && let Some(proxy) = self.egress.proxy_for(url.host_str().unwrap_or_default())
        {
            let called = tunnelled(proxy, &url, &request);
            let called = tokio::time::timeout(request.timeout, called).await;
            return called.unwrap_or(Err(OutboundError::Timeout));
        }
        let sent = client
            .request(request.method, url)
            .headers(request.headers)
            .timeout(request.timeout)
            .body(request.body);
        let mut answer = sent.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(piece) = answer.chunk().await? {
            if body.len() + piece.len() > request.most {
                return Err(OutboundError::TooLong(request.most));
            }
            body.extend_from_slice(&piece);
        }
        Ok(Reply {
            status,
            headers,
            body,
        })
    }
}

/// A call without TLS through the proxy. Reqwest would hand it the request itself, with the
/// credential in it; a tunnel shows it host and port.
async fn tunnelled(
    proxy: &Proxy,
    url: &reqwest::Url,
    request: &Request,
) -> Result<Reply, OutboundError> {
    let failed = |error: hyper::Error| OutboundError::Failed(error.to_string());
    let host = url.host_str().unwrap_or_default();
    let target = format!("{host}:{}", url.port_or_known_default().unwrap_or(80));
    let mut tcp = TcpStream::connect((proxy.host.as_str(), proxy.port))
        .await
        .map_err(|_| OutboundError::Connect)?;
    tunnel::open(&mut tcp, &target, proxy.authorization.as_ref())
        .await
        .map_err(|_| OutboundError::Connect)?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp))
        .await
        .map_err(failed)?;
    let mut sent = http::Request::new(Full::new(Bytes::from(request.body.clone())));
    *sent.method_mut() = request.method.clone();
    let query = url
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let path = format!("{}{query}", url.path());
    *sent.uri_mut() = path
        .parse()
        .map_err(|_| OutboundError::Forbidden("its path is none"))?;
    *sent.headers_mut() = request.headers.clone();
    let name = HeaderValue::from_str(&target).map_err(|_| OutboundError::Forbidden("its host"))?;
    sent.headers_mut().insert(http::header::HOST, name);
    let exchange = async {
        let answer = sender.send_request(sent).await.map_err(failed)?;
        let (parts, body) = answer.into_parts();
        let body = Limited::new(body, request.most).collect().await;
        Ok(Reply {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body
                .map_err(|_| OutboundError::TooLong(request.most))?
                .to_bytes()
                .into(),
        })
    };
    tokio::pin!(exchange, connection);
    // The connection does the work of the exchange; when it ends first, the exchange says why.
    tokio::select! {
        done = &mut exchange => done,
        _ = &mut connection => exchange.await,
    }
}

fn client(egress: &Arc<Egress>, trust: Trust) -> Result<reqwest::Client, OutboundError> {
    let setup = |error: &dyn std::fmt::Display| OutboundError::Setup(error.to_string());
    let tls = egress.tls().map_err(|error| setup(&error))?;
    let mut builder = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("alfred/", env!("CARGO_PKG_VERSION")));
    if trust == Trust::Foreign {
        builder = builder.dns_resolver(Arc::new(PublicOnly));
    }
    let way = Arc::clone(egress);
    let mut proxy = reqwest::Proxy::custom(move |url| {
        let proxy = way.proxy_for(url.host_str()?)?;
        Some(format!("http://{}:{}", bracketed(&proxy.host), proxy.port))
    });
    // Any excepted host asks for no proxy and so never sees the login.
    if let Some(login) = egress.login() {
        proxy = proxy.custom_http_auth(login);
    }
    builder.proxy(proxy).build().map_err(|error| setup(&error))
}

fn bracketed(host: &str) -> String {
    match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    }
}

/// An address that somebody else chose must be HTTPS and must not point into this network. Names
/// are checked when they are looked up; an address is never looked up.
fn check_foreign(url: &reqwest::Url) -> Result<(), OutboundError> {
    if url.scheme() != "https" {
        return Err(OutboundError::Forbidden("it does not begin with https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(OutboundError::Forbidden("it holds a login"));
    }
    let host = url.host_str().unwrap_or_default();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let inside = match bare.parse::<IpAddr>() {
        Ok(ip) => !is_public(ip),
        Err(_) => bare.eq_ignore_ascii_case("localhost") || bare.ends_with(".localhost"),
    };
    match inside {
        true => Err(OutboundError::Forbidden("it lies inside this network")),
        false => Ok(()),
    }
}

/// Looks names up and keeps what lies outside.
#[derive(Debug)]
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|addr| is_public(addr.ip())).collect();
            if public.is_empty() {
                return Err("the name has no address outside this network".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether an address lies in the internet, and not in this machine, this network or a tunnel to
/// either (RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            let shared = a == 100 && (64..128).contains(&b);
            let special = a == 0
                || a >= 240
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b));
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_multicast()
                || ip.is_documentation()
                || shared
                || special)
        }
        IpAddr::V6(ip) => {
            let [first, second, ..] = ip.segments();
            let embedded = ip.to_ipv4_mapped();
            let translated = (first == 0x64 && second == 0xff9b) || first == 0x2002;
            match embedded {
                Some(ip) => is_public(IpAddr::V4(ip)),
                None => {
                    (0x2000..0x4000).contains(&first)
                        && !translated
                        && !(first == 0x2001 && (second < 0x200 || second == 0xdb8))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_inside_is_not_public() {
        for inside in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "198.18.0.1",
            "::1",
            "::",
            "fe80::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::",
            "2001:db8::1",
            "ff02::1",
        ] {
            assert!(!is_public(inside.parse().expect("an address")), "{inside}");
        }
        for outside in ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "::ffff:1.1.1.1"] {
            assert!(is_public(outside.parse().expect("an address")), "{outside}");
        }
    }

    #[tokio::test]
    async fn a_stranger_cannot_make_alfred_call_inwards() {
        let outbound = Outbound::new(&Arc::default()).expect("a client");
        for url in [
            "http://1.1.1.1/",
            "https://127.0.0.1/",
            "https://localhost:8000/",
            "https://[::1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://2130706433/",
            "https://user:pass@example.com/",
            "file:///etc/passwd",
            "nonsense",
        ] {
            let request = Request::get(url.into(), Duration::from_secs(5));
            let refused = outbound.call(request, Trust::Foreign).await;
            assert!(matches!(refused, Err(OutboundError::Forbidden(_))), "{url}");
        }
        let resolved = PublicOnly
            .resolve("localhost".parse().expect("a name"))
            .await;
        assert!(resolved.is_err(), "a name that leads inwards");
    }
}
