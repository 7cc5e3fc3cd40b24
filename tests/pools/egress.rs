//! The way out: by a proxy, and with authorities of one's own.

use serde_json::json;

use crate::pliant::{Manner, Pliant};
use crate::support::{Authority, ConnectProxy, Gateway, chat, streaming, until};
use crate::world::{ask, at_once};

fn yaml(egress: &str, url: &str, more: &str) -> String {
    format!(
        "flood: {{ requests: 0 }}\n\
         egress: {{ {egress} }}\n\
         providers:\n  p: {{ kind: openai_compatible, endpoints: [\"{url}\"], {more} }}\n\
         models:\n  m: {{ targets: [\"p/x\"] }}\n"
    )
}

#[tokio::test]
async fn calls_go_through_the_proxy_by_name_and_share_its_connections() {
    let provider = Pliant::new(Manner::Answer).await;
    let proxy = ConnectProxy::to(provider.addr, "200 Connection established").await;
    let egress = format!("proxy: \"http://me:se%20cret@{}\"", proxy.addr);
    let url = "http://provider.test:4711/v1";
    let gateway = Gateway::start(&yaml(&egress, url, "keys: [provider-key]")).await;
    for _ in 0..5 {
        gateway.chat(&ask()).await.expect(200);
    }
    assert_eq!(provider.count(), 5);
    assert_eq!(provider.count_of("provider-key"), 5);
    let heads = proxy.heads();
    assert_eq!(
        heads.len(),
        1,
        "one tunnel is used again and again: {heads:?}"
    );
    assert!(
        heads[0].starts_with("CONNECT provider.test:4711 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert!(
        heads[0].contains("Proxy-Authorization: Basic bWU6c2UgY3JldA==\r\n"),
        "{heads:?}"
    );
    assert!(!heads[0].contains("provider-key"), "the proxy sees no key");
    assert!(
        !gateway.log().contains("cret"),
        "nor does the log see the login"
    );
    for (answer, _) in at_once(&gateway, 20).await {
        answer.expect(200);
    }
    assert!(proxy.heads().len() <= 21);
}

#[tokio::test]
async fn what_is_excepted_and_what_is_on_this_machine_is_called_directly() {
    let provider = Pliant::new(Manner::Answer).await;
    let proxy = ConnectProxy::to(provider.addr, "200 OK").await;
    let egress = format!("proxy: \"http://{}\"", proxy.addr);
    let gateway = Gateway::start(&yaml(&egress, &provider.url(), "")).await;
    gateway.chat(&ask()).await.expect(200);
    gateway
        .chat(&chat("mock/echo", json!({})))
        .await
        .expect(200);
    let egress = format!(
        "proxy: \"http://{}\", except: [\"other.test, .invalid\"]",
        proxy.addr
    );
    let gateway = Gateway::start(&yaml(&egress, "http://host.invalid/v1", "")).await;
    gateway.chat(&ask()).await.expect(502);
    assert_eq!(proxy.heads(), Vec::<String>::new());
}

#[tokio::test]
async fn a_proxy_that_refuses_is_a_provider_that_cannot_be_reached() {
    let provider = Pliant::new(Manner::Answer).await;
    let proxy = ConnectProxy::to(provider.addr, "407 Proxy Authentication Required").await;
    let egress = format!("proxy: \"http://{}\"", proxy.addr);
    let gateway = Gateway::start(&yaml(&egress, "http://provider.test/v1", "")).await;
    let answer = gateway.chat(&ask()).await;
    let answer = answer.expect_refusal(502, "provider_unreachable");
    assert!(!answer.text().contains("407") && !answer.text().contains("provider.test"));
    until("the log to say why", || async {
        gateway
            .log()
            .contains("the egress proxy refused to connect: it answered 407")
    })
    .await;
    assert_eq!(provider.count(), 0);
}

/// A gateway with a certificate of this authority: as good a provider as any.
async fn tls_provider(authority: &Authority) -> (tempfile::TempDir, Gateway) {
    let folder = tempfile::tempdir().unwrap();
    let tls = authority.write(folder.path());
    (folder, Gateway::start(&tls).await)
}

#[tokio::test]
async fn a_private_authority_is_trusted_where_it_is_named_and_nowhere_else() {
    let authority = Authority::new();
    let (folder, provider) = tls_provider(&authority).await;
    let ca = format!("ca_file: {}", folder.path().join("ca.pem").display());
    let stranger = tempfile::tempdir().unwrap();
    Authority::new().write(stranger.path());
    let other = format!("ca_file: {}", stranger.path().join("ca.pem").display());
    let url = format!("https://localhost:{}/v1", provider.addr.port());
    let more = format!("keys: [\"{}\"]", provider.key);
    for (egress, trusted) in [(&ca, true), (&String::new(), false), (&other, false)] {
        for http in ["h1", "h2"] {
            let yaml = yaml(egress, &url, &format!("{more}, http: {http}"))
                .replace("p/x", "p/mock/stream?chunks=2");
            let gateway = Gateway::start(&yaml).await;
            let answer = gateway.chat(&streaming("m")).await;
            match trusted {
                true => answer.expect(200).events().expect_whole("w0 w1 "),
                false => drop(answer.expect_refusal(502, "provider_unreachable")),
            }
        }
    }
}

#[tokio::test]
async fn tls_is_spoken_through_the_tunnel_to_the_provider_itself() {
    let authority = Authority::new();
    let (folder, provider) = tls_provider(&authority).await;
    let proxy = ConnectProxy::to(provider.addr, "200 OK").await;
    let ca = folder.path().join("ca.pem");
    let more = format!("keys: [\"{}\"]", provider.key);
    for (host, trusted) in [("alfred.test", true), ("another.test", false)] {
        let egress = format!(
            "proxy: \"http://{}\", ca_file: {}",
            proxy.addr,
            ca.display()
        );
        let url = format!("https://{host}/v1");
        let yaml = yaml(&egress, &url, &more).replace("p/x", "p/mock/echo");
        let gateway = Gateway::start(&yaml).await;
        let answer = gateway.chat(&ask()).await;
        answer.expect(if trusted { 200 } else { 502 });
        let heads = proxy.heads();
        let asked = format!("CONNECT {host}:443 HTTP/1.1\r\n");
        assert!(
            heads.iter().any(|head| head.starts_with(&asked)),
            "{heads:?}"
        );
    }
}
