//! Endpoints are looked after without a client's call.

use std::net::{Ipv4Addr, SocketAddr};

use crate::pliant::{Manner, Pliant};
use crate::support::{ConnectProxy, Gateway, free_port, ms, until};
use crate::world::{ask, over, pool, state};

async fn becomes(gateway: &Gateway, url: &str, wanted: f64) {
    until(
        &format!("the breaker of {url} to show {wanted}"),
        || async { state(gateway, url).await == wanted },
    )
    .await;
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_noticed_and_found_again_without_a_call() {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let url = format!("http://{addr}/v1");
    let more = "breaker: { cooldown: 300ms }, health: { probe: tcp, interval: 100ms }";
    let gateway = Gateway::start(&pool(std::slice::from_ref(&url), more)).await;
    becomes(&gateway, &url, 2.0).await;
    let provider = Pliant::at(addr, Manner::Answer).await;
    becomes(&gateway, &url, 0.0).await;
    assert_eq!(provider.count(), 0, "a connection is no request");
    gateway.chat(&ask()).await.expect(200);
}

#[tokio::test]
async fn a_connection_that_can_be_made_does_not_excuse_errors() {
    let provider = Pliant::new(Manner::Status(500, "")).await;
    let more = "breaker: { cooldown: 300ms }, health: { probe: tcp, interval: 50ms }";
    let gateway = over(&[&provider], more).await;
    crate::world::break_down(&gateway, &provider.url()).await;
    tokio::time::sleep(ms(1000)).await;
    assert_eq!(state(&gateway, &provider.url()).await, 2.0);
    provider.turn(Manner::Answer);
    gateway.chat(&ask()).await.expect(200);
    assert_eq!(state(&gateway, &provider.url()).await, 0.0);
}

#[tokio::test]
async fn a_path_that_answers_with_errors_opens_the_breaker_and_closes_it_again() {
    let provider = Pliant::new(Manner::Answer).await;
    let more = "keys: [probe-key], breaker: { cooldown: 300ms }, \
                health: { probe: http, interval: 100ms, path: \"/health?deep=1\" }";
    let gateway = over(&[&provider], more).await;
    until("the first trial", || async { provider.count() > 0 }).await;
    let heads = provider.heads();
    assert!(
        heads[0].starts_with("GET /health?deep=1 HTTP/1.1"),
        "{heads:?}"
    );
    assert_eq!(provider.count_of("probe-key"), provider.count());
    gateway.chat(&ask()).await.expect(200);
    for bad in [Manner::Status(503, ""), Manner::Hang] {
        provider.turn(bad);
        becomes(&gateway, &provider.url(), 2.0).await;
        let refused = gateway.chat(&ask()).await;
        assert!(
            [500, 502, 503, 504].contains(&refused.status),
            "{refused:?}"
        );
        provider.turn(Manner::Answer);
        becomes(&gateway, &provider.url(), 0.0).await;
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_the_credential_stays_where_it_was_sent() {
    let thief = Pliant::new(Manner::Answer).await;
    let location = format!("location: {}/models\r\n", thief.url());
    let provider = Pliant::new(Manner::Status(302, location.leak())).await;
    let more = "keys: [probe-key], health: { probe: http, interval: 100ms }";
    let gateway = over(&[&provider], more).await;
    until("some trials", || async { provider.count() > 5 }).await;
    assert!(provider.heads()[0].starts_with("GET /v1/models HTTP/1.1"));
    assert_eq!(thief.count(), 0);
    assert_eq!(state(&gateway, &provider.url()).await, 0.0);
}

/// Four tokens cost 4000 nano-credits, and 128 000 are set aside for each trial.
const PRICE: &str = "prices: { \"p/tiny\": { in: 1000000, out: 1000000 } }\n";

#[tokio::test]
async fn completions_are_made_until_their_money_is_spent() {
    let provider = Pliant::new(Manner::Answer).await;
    let health = "health: { probe: completion, model: tiny, interval: 50ms, max_spend: 0.00014 }";
    let yaml = pool(&[provider.url()], &format!("keys: [probe-key], {health}"));
    let gateway = Gateway::start(&(PRICE.to_owned() + &yaml)).await;
    until("some completions", || async { provider.count() >= 4 }).await;
    tokio::time::sleep(ms(600)).await;
    assert_eq!(
        provider.count(),
        4,
        "0, 4000, 8000 and 12000 leave room for 128 000 of 140 000"
    );
    let heads = provider.heads();
    assert!(
        heads[0].starts_with("POST /v1/chat/completions HTTP/1.1"),
        "{heads:?}"
    );
    assert_eq!(provider.count_of("probe-key"), 4);
    gateway.chat(&ask()).await.expect(200);
}

#[tokio::test]
async fn completions_open_and_close_the_breaker_and_rest_the_key() {
    let provider = Pliant::new(Manner::Status(500, "")).await;
    let health = "health: { probe: completion, model: tiny, interval: 50ms, max_spend: 1 }";
    let more = format!("keys: [probe-key], breaker: {{ cooldown: 300ms }}, {health}");
    let yaml = PRICE.to_owned() + &pool(&[provider.url()], &more);
    let gateway = Gateway::start(&yaml).await;
    becomes(&gateway, &provider.url(), 2.0).await;
    provider.turn(Manner::Answer);
    becomes(&gateway, &provider.url(), 0.0).await;
    provider.turn(Manner::Status(401, ""));
    until("the key to rest", || async {
        gateway.metrics("alfred_keys_resting").await == 1.0
    })
    .await;
    let before = provider.count();
    tokio::time::sleep(ms(400)).await;
    assert_eq!(provider.count(), before, "it is not tried while it rests");
}

#[tokio::test]
async fn a_model_without_a_price_is_never_asked() {
    let provider = Pliant::new(Manner::Answer).await;
    let health = "health: { probe: completion, model: nameless, interval: 50ms, max_spend: 1 }";
    let gateway = over(&[&provider], health).await;
    tokio::time::sleep(ms(500)).await;
    assert_eq!(provider.count(), 0);
    assert!(
        gateway
            .log()
            .contains("the price of 'p/nameless' is unknown")
    );
}

#[tokio::test]
async fn trials_leave_by_the_proxy_which_sees_no_key() {
    let provider = Pliant::new(Manner::Answer).await;
    let proxy = ConnectProxy::to(provider.addr, "200 OK").await;
    for (probe, url) in [
        (
            "{ probe: http, interval: 100ms }",
            "http://provider.test:81/v1",
        ),
        (
            "{ probe: tcp, interval: 100ms }",
            "http://provider.test:82/v1",
        ),
        (
            "{ probe: http, interval: 100ms }",
            "https://provider.test:83/v1",
        ),
    ] {
        let yaml = pool(
            &[url.to_owned()],
            &format!("keys: [probe-key], health: {probe}"),
        );
        let egress = format!("egress: {{ proxy: \"http://me:pw@{}\" }}\n", proxy.addr);
        let gateway = Gateway::start(&(egress + &yaml)).await;
        let port = &url[url.rfind(':').unwrap()..url.rfind('/').unwrap()];
        let asked = format!("CONNECT provider.test{port} HTTP/1.1\r\n");
        until("some tunnels", || async {
            let heads = proxy.heads();
            heads.iter().filter(|head| head.starts_with(&asked)).count() > 1
        })
        .await;
        drop(gateway);
    }
    assert!(provider.count_of("probe-key") > 0);
    for head in proxy.heads() {
        assert!(head.starts_with("CONNECT "), "{head}");
        assert!(
            head.to_lowercase()
                .contains("proxy-authorization: basic bwu6chc="),
            "{head}"
        );
        assert!(!head.contains("probe-key"), "{head}");
    }
}
