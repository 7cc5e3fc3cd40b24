//! Away from loopback the port speaks TLS and nothing else; and nobody holds it up for others.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::house::{House, Store, fresh};
use crate::support::{Authority, Gateway, H1};

const PASSWORD: &str = "correct horse battery staple";

/// A gateway whose admin port other machines can reach.
struct Open {
    authority: Authority,
    _folder: tempfile::TempDir,
    gateway: Gateway,
    addr: SocketAddr,
    token: String,
}

impl Open {
    async fn start() -> Self {
        let (authority, folder) = (Authority::new(), tempfile::tempdir().unwrap());
        let gateway = Gateway::start_open(&authority.write(folder.path())).await;
        let token = gateway.admin_token();
        Self {
            authority,
            _folder: folder,
            addr: (Ipv4Addr::LOCALHOST, gateway.admin.port()).into(),
            gateway,
            token,
        }
    }

    /// Sends a request over TLS and answers all that comes back.
    async fn send(&self, line: &str, lines: &[&str], body: &str) -> String {
        let connected = self
            .authority
            .connect(self.addr, &["http/1.1"], &[&TLS13])
            .await;
        let mut tls = connected.unwrap();
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: alfred.test\r\nconnection: close\r\n{lines}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        tls.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = tls.read_to_end(&mut answer).await;
        String::from_utf8(answer).unwrap()
    }

    fn bearer(&self) -> String {
        format!("authorization: Bearer {}", self.token)
    }
}

fn is(answer: &str, status: u16) -> bool {
    answer.starts_with(&format!("HTTP/1.1 {status} "))
}

#[tokio::test]
async fn away_from_loopback_the_port_speaks_tls_and_nothing_else() {
    let open = Open::start().await;
    let told = open.send("GET /v1/me", &[&open.bearer()], "").await;
    assert!(
        is(&told, 200) && told.contains("owner@default.invalid"),
        "{told}"
    );
    let nobody = open.send("GET /v1/me", &[], "").await;
    assert!(is(&nobody, 401), "{nobody}");
    let mut plain = TcpStream::connect(open.addr).await.unwrap();
    let request = format!(
        "GET /v1/me HTTP/1.1\r\nhost: localhost\r\n{}\r\n\r\n",
        open.bearer()
    );
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer).await;
    assert!(!String::from_utf8_lossy(&answer).contains("HTTP/1.1"));
    for origin in ["https://evil.example", "http://alfred.test", "null"] {
        let lines = [open.bearer(), format!("origin: {origin}")];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let told = open.send("GET /v1/me", &lines, "").await;
        assert!(
            is(&told, 403) && told.contains("origin_not_allowed"),
            "{told}"
        );
    }
    let own = [&open.bearer(), "origin: https://alfred.test"];
    assert!(is(&open.send("GET /v1/me", &own, "").await, 200));
    assert!(
        !open.gateway.log().contains(&open.token),
        "no token is logged"
    );
}

#[tokio::test]
async fn a_session_over_tls_has_a_cookie_that_no_other_host_can_set() {
    let open = Open::start().await;
    let key = format!("idempotency-key: {}", fresh());
    let body = json!({ "email": "ann@example.com", "password": PASSWORD }).to_string();
    let made = open
        .send("POST /v1/users", &[&open.bearer(), &key], &body)
        .await;
    assert!(is(&made, 201), "{made}");
    let told = open.send("POST /v1/session", &[], &body).await;
    assert!(is(&told, 201), "{told}");
    let set = told
        .lines()
        .find(|line| line.starts_with("set-cookie: "))
        .unwrap();
    for part in [
        "__Host-alfred_session=",
        "Secure",
        "HttpOnly",
        "SameSite=Strict",
        "Path=/",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Domain"), "{set}");
    let cookie = set.replace("set-cookie", "cookie");
    let cookie = cookie.split(';').next().unwrap();
    assert!(is(&open.send("GET /v1/me", &[cookie], "").await, 200));
    let other = cookie.replace("__Host-", "");
    assert!(is(&open.send("GET /v1/me", &[&other], "").await, 401));
}

#[tokio::test]
async fn those_who_only_knock_do_not_keep_others_out() {
    let open = Open::start().await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(open.addr).await.unwrap());
    }
    assert!(is(
        &open.send("GET /v1/me", &[&open.bearer()], "").await,
        200
    ));
    let old = open
        .authority
        .connect(open.addr, &["http/1.1"], &[&TLS12])
        .await;
    assert!(
        old.is_ok(),
        "`tls.min_version` is 1.2 where nobody says otherwise"
    );
}

#[tokio::test]
async fn whoever_begins_a_request_and_does_not_end_it_is_sent_away() {
    let house = House::start(Store::Sqlite).await;
    let begun = Instant::now();
    let addr = house.gateway.admin;
    let head = async {
        let mut slow = H1::connect(addr).await;
        slow.send("GET /v1/me HTTP/1.1\r\nhost: 127").await;
        slow.try_answer().await
    };
    let body = async {
        let mut slow = H1::connect(addr).await;
        let token = &house.token;
        slow.send(format!(
            "POST /v1/teams HTTP/1.1\r\nhost: {addr}\r\nauthorization: Bearer {token}\r\n\
             idempotency-key: {}\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{{",
            fresh()
        ))
        .await;
        slow.answer().await
    };
    let (_, body) = tokio::join!(head, body);
    assert_eq!(body.status, 408, "{body:?}");
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(house.get(&house.token, "/v1/me").await.status == 200);
}
