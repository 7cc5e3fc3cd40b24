//! HTTP/2 and HTTP/1.1 over TLS on one port, with a leaf that an authority signed.

use rustls::version::{TLS12, TLS13};

use crate::support::{Authority, Gateway, H2, Upstream, chat_of, streaming};
use crate::world::{alias, calm, config};

async fn start(authority: &Authority, more: &str) -> (Upstream, tempfile::TempDir, Gateway) {
    let folder = tempfile::tempdir().unwrap();
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let tls = authority
        .write(folder.path())
        .replace(" }", &format!("{more} }}"));
    let yaml = tls + &config(&providers, &[alias("m", &["p/stream?chunks=2"], "")]);
    let gateway = Gateway::start(&yaml).await;
    (mock, folder, gateway)
}

#[tokio::test]
async fn http2_over_tls_carries_large_bodies_and_streams() {
    let authority = Authority::new();
    let (mock, _folder, gateway) = start(&authority, "").await;
    let tls = authority
        .connect(gateway.addr, &["h2", "http/1.1"], &[&TLS13])
        .await
        .unwrap();
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let mut client = H2::over(tls, "https").await.with_key(&gateway.key);
    for size in [1024, 65_537, 10 << 20] {
        let body = chat_of(size, "m", true);
        client
            .chat(&body)
            .await
            .expect(200)
            .events()
            .expect_whole("w0 w1 ");
        client
            .chat_unannounced(&body)
            .await
            .expect(200)
            .events()
            .expect_whole("w0 w1 ");
    }
    client
        .chat(&streaming("m"))
        .await
        .expect(200)
        .events()
        .expect_whole("w0 w1 ");
    assert!(client.is_alive().await);
    assert_eq!(mock.requests().await.len(), 7);
}

#[tokio::test]
async fn tls_1_2_can_be_ruled_out() {
    let authority = Authority::new();
    for (oldest, accepts_old) in [("1.3", false), ("1.2", true)] {
        let setting = format!(", min_version: \"{oldest}\"");
        let (_mock, _folder, gateway) = start(&authority, &setting).await;
        let old = authority.connect(gateway.addr, &["h2"], &[&TLS12]).await;
        assert_eq!(old.is_ok(), accepts_old, "{oldest}");
        let new = authority.connect(gateway.addr, &["h2"], &[&TLS13]).await;
        assert!(new.is_ok(), "{oldest}");
    }
}

#[tokio::test]
async fn a_stranger_to_the_authority_is_not_trusted() {
    let authority = Authority::new();
    let (_mock, _folder, gateway) = start(&authority, "").await;
    assert!(
        Authority::new()
            .connect(gateway.addr, &["h2"], &[&TLS13])
            .await
            .is_err()
    );
}
