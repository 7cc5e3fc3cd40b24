//! A client that leaves stops the provider at once, unless the answer is to be drained.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Gateway, Upstream, ms, streaming, until};
use crate::world::{alias, calm, config};

/// Every way to leave.
pub(crate) const WAYS: [Way; 5] = [
    Way::Close,
    Way::Reset,
    Way::HalfClose,
    Way::CloseH2,
    Way::CancelH2,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The h1 connection is closed.
    Close,
    /// The h1 connection is reset.
    Reset,
    /// The h1 client ends its sending side.
    HalfClose,
    /// The h2 connection is closed.
    CloseH2,
    /// The h2 stream is reset.
    CancelH2,
}

/// Asks, waits until `after` content has come (or for a time, if none will), and leaves.
pub(crate) async fn ask_and_leave(gateway: &Gateway, model: &str, way: Way, content: Option<&str>) {
    let body = streaming(model);
    match way {
        Way::Close | Way::Reset | Way::HalfClose => {
            let mut client = gateway.h1().await;
            client.begin(&body).await;
            match content {
                Some(content) => client.read_until(content).await,
                None => tokio::time::sleep(ms(150)).await,
            }
            match way {
                Way::Reset => client.reset(),
                Way::HalfClose => {
                    client.half_close().await;
                    // Held open for reading until long after the gateway should have noticed.
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(3)).await;
                        drop(client);
                    });
                }
                _ => drop(client),
            }
        }
        Way::CloseH2 | Way::CancelH2 => {
            let mut client = gateway.h2().await;
            let sending = client.begin(&body, true).await;
            if content.is_none() {
                tokio::time::sleep(ms(150)).await;
                match way {
                    Way::CancelH2 => sending.cancel(),
                    _ => client.close(),
                }
                tokio::time::sleep(ms(20)).await;
                return;
            }
            let mut response = sending.head().await.unwrap();
            let first = response.body_mut().data().await;
            assert!(first.is_some_and(|data| data.is_ok()), "no content");
            drop(response);
            if way == Way::CloseH2 {
                client.close();
            } else {
                tokio::time::sleep(ms(50)).await;
            }
        }
    }
}

async fn start(scenario: &str, more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm(more))];
    let models = [alias("m", &[&format!("p/{scenario}"), "p/echo"], "")];
    (mock, Gateway::start(&config(&providers, &models)).await)
}

async fn cancels(scenario: &str, content: Option<&str>, http: &str) {
    for way in WAYS {
        let (mock, gateway) = start(scenario, &format!("http: {http}")).await;
        ask_and_leave(&gateway, "m", way, content).await;
        let left = Instant::now();
        let seen = mock.ended(1).await;
        assert!(
            left.elapsed() < ms(1000),
            "{way:?}: noticed after {:?}",
            left.elapsed()
        );
        assert_eq!(
            (seen.len(), &seen[0]["ended"]),
            (1, &"client_gone".into()),
            "{way:?}"
        );
        let receipt = gateway.nth_receipt(1).await;
        assert_eq!(receipt["outcome"], "client_gone", "{way:?}: {receipt:#}");
        gateway.settled().await;
    }
}

#[tokio::test]
async fn leaving_in_mid_stream_stops_an_h1_provider() {
    cancels("stream?chunks=1000&delay=20ms", Some("w2"), "h1").await;
}

#[tokio::test]
async fn leaving_in_mid_stream_stops_an_h2_provider() {
    cancels("stream?chunks=1000&delay=20ms", Some("w2"), "h2").await;
}

#[tokio::test]
async fn leaving_before_the_first_byte_stops_an_h1_provider() {
    cancels("hang", None, "h1").await;
}

#[tokio::test]
async fn leaving_before_the_first_byte_stops_an_h2_provider() {
    cancels("hang", None, "h2").await;
}

#[tokio::test]
async fn leaving_before_content_stops_a_provider_that_only_pings() {
    cancels("pings_forever?every=20ms", None, "h1").await;
}

#[tokio::test]
async fn what_was_generated_for_a_client_that_left_is_counted_and_marked_estimated() {
    let (_mock, gateway) = start("stream?chunks=1000&delay=20ms", "").await;
    ask_and_leave(&gateway, "m", Way::Close, Some("w9 ")).await;
    let receipt: Value = gateway.nth_receipt(1).await;
    let usage = &receipt["usage"];
    assert_eq!(usage["estimated"], true, "{receipt:#}");
    assert!(
        (10..30).contains(&usage["output"].as_u64().unwrap()),
        "{receipt:#}"
    );
    assert!(usage["input"].as_u64().unwrap() >= 3, "{receipt:#}");
}

#[tokio::test]
async fn a_stream_that_is_cancelled_leaves_its_h2_connection_in_use() {
    let (_mock, gateway) = start("stream?chunks=100&delay=5ms", "").await;
    let mut client = gateway.h2().await;
    let other = client
        .begin(&streaming("p/stream?chunks=50&delay=5ms"), true)
        .await;
    let cancelled = client.begin(&streaming("m"), true).await;
    tokio::time::sleep(ms(50)).await;
    cancelled.cancel();
    let events = other.answer().await.expect(200).events();
    assert_eq!((events.finishes().len(), events.done), (1, true));
    assert!(client.is_alive().await);
}

#[tokio::test]
async fn a_client_that_leaves_while_it_sends_its_body_leaves_nothing_behind() {
    let (mock, gateway) = start("echo", "").await;
    for way in 0..3 {
        let mut client = gateway.h1().await;
        let head = client.chat_head(1 << 20);
        client.send(head).await;
        client.send(vec![b' '; 300_000]).await;
        tokio::time::sleep(ms(30)).await;
        match way {
            0 => drop(client),
            1 => client.reset(),
            _ => client.half_close().await,
        }
    }
    let mut client = gateway.h2().await;
    let mut sending = client.open_chat(Some(1 << 20)).await;
    sending.send(&[b' '; 30_000], false).await;
    sending.cancel();
    gateway.settled().await;
    assert!(mock.requests().await.is_empty());
    until("four receipts", || async { gateway.receipts().len() >= 4 }).await;
    for receipt in gateway.receipts() {
        assert_ne!(receipt["outcome"], "ok", "{receipt:#}");
        assert_ne!(receipt["outcome"], "fault", "{receipt:#}");
    }
}
