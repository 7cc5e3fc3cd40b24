//! Ten thousand clients that are cut off, half of them while they send and half while they
//! receive, leave no request, no memory, no connection and no file descriptor behind.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Gateway, Upstream, chat, ms, streaming, until};
use crate::world::{calm, config};

const CUTS: usize = 10_000;
/// The first of them, after which every pool and buffer has its size.
const WARM: usize = 2_000;
/// So many at one time.
const BATCH: usize = 200;
/// A body of which only a part is ever sent.
const ANNOUNCED: usize = 64 * 1024;
const SENT: usize = 20_000;

fn endless() -> Vec<u8> {
    streaming("p/stream?chunks=100000&delay=50ms")
}

/// Connects, gets half-way in one direction, and is cut off in one of eight ways.
async fn cut(gateway: Arc<Gateway>, number: usize) {
    match number % 8 {
        way @ 0..=2 => {
            let mut client = gateway.h1().await;
            let head = if way == 0 {
                let lines = [
                    "content-type: application/json",
                    "transfer-encoding: chunked",
                ];
                client.head("POST", "/v1/chat/completions", &lines) + "ffff\r\n"
            } else {
                client.chat_head(ANNOUNCED)
            };
            client.send(head).await;
            client.send(vec![b' '; SENT]).await;
            tokio::time::sleep(ms(20)).await;
            match way {
                1 => client.reset(),
                2 => client.half_close().await,
                _ => drop(client),
            }
        }
        3 => {
            let mut client = gateway.h2().await;
            let mut sending = client.open_chat(Some(ANNOUNCED)).await;
            sending.send(&[b' '; SENT], false).await;
            tokio::time::sleep(ms(20)).await;
            client.close();
        }
        way @ 4..=6 => {
            let mut client = gateway.h1().await;
            client.begin(&endless()).await;
            client.read_until("w0 ").await;
            match way {
                4 => client.reset(),
                5 => client.half_close().await,
                _ => drop(client),
            }
        }
        _ => {
            let mut client = gateway.h2().await;
            let sending = client.begin(&endless(), true).await;
            let mut response = sending.head().await.unwrap();
            assert!(response.body_mut().data().await.is_some());
            client.close();
        }
    }
}

/// Cuts these clients off, a batch at a time, and waits until all is quiet again.
async fn cut_all(gateway: &Arc<Gateway>, mock: &Upstream, numbers: std::ops::Range<usize>) {
    let mut cuts = JoinSet::new();
    for number in numbers {
        if cuts.len() >= BATCH {
            cuts.join_next().await.unwrap().unwrap();
        }
        cuts.spawn(cut(gateway.clone(), number));
    }
    while let Some(done) = cuts.join_next().await {
        done.unwrap();
    }
    gateway.settled().await;
    until("the provider to be left alone", || async {
        mock.counter("in_flight").await == 0
    })
    .await;
}

fn open_files(gateway: &Gateway) -> usize {
    let folder = format!("/proc/{}/fd", gateway.pid());
    std::fs::read_dir(folder).unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_cut_connections_leave_nothing_behind() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h1"))];
    let gateway = Arc::new(Gateway::start(&config(&providers, &[])).await);
    gateway.chat(&chat("p/echo", json!({}))).await.expect(200);
    let files = open_files(&gateway);
    cut_all(&gateway, &mock, 0..WARM).await;
    let memory = gateway.metrics("process_resident_memory_bytes").await;
    cut_all(&gateway, &mock, WARM..CUTS).await;
    let grown = gateway.metrics("process_resident_memory_bytes").await - memory;
    assert!(
        grown < 30e6,
        "{} bytes more for each",
        grown / (CUTS - WARM) as f64
    );
    // A few connections may wait for their next use.
    until("every file descriptor to be closed", || async {
        open_files(&gateway) <= files + 10
    })
    .await;
    until("every connection to the provider to be closed", || async {
        mock.counter("open_connections").await <= 10
    })
    .await;
    // Who was cut off while receiving had been served; who reset while sending may not even have
    // been seen.
    let gone = gateway.metrics("alfred_client_disconnects_total").await;
    assert!(gone >= CUTS as f64 / 2.0 && gone <= CUTS as f64, "{gone}");
    assert_eq!(gateway.metrics("alfred_panics_total").await, 0.0);
    assert_eq!(
        gateway
            .metrics("alfred_requests_total{outcome=\"fault\"")
            .await,
        0.0
    );
    gateway.chat(&chat("p/echo", json!({}))).await.expect(200);
    assert!(gateway.h2().await.is_alive().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_cut_on_a_shared_connection_leave_nothing_behind() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h2"))];
    let gateway = Gateway::start(&config(&providers, &[])).await;
    let mut client = gateway.h2().await;
    let mut kept = JoinSet::new();
    let whole = streaming("p/stream?chunks=200&delay=20ms");
    kept.spawn(client.begin(&whole, true).await.answer());
    for round in 0..10 {
        let mut cut = Vec::new();
        for number in 0..20 {
            if (round + number) % 2 == 0 {
                let mut sending = client.open_chat(None).await;
                sending.send(b"{\"model\":", false).await;
                cut.push(sending);
            } else {
                cut.push(client.begin(&endless(), true).await);
            }
        }
        until("all to be in flight", || async {
            gateway.metrics("alfred_requests_in_flight").await >= 21.0
        })
        .await;
        for sending in cut {
            sending.cancel();
        }
        until("the cut ones to be gone", || async {
            gateway.metrics("alfred_requests_in_flight").await <= 1.0
        })
        .await;
    }
    gateway_is_quiet_but_for(&gateway, &mut kept).await;
    until("the provider to be left alone", || async {
        mock.counter("in_flight").await == 0
    })
    .await;
    assert!(client.is_alive().await);
}

/// Waits for the streams that were not cut, then until nothing is in flight.
async fn gateway_is_quiet_but_for(gateway: &Gateway, kept: &mut JoinSet<crate::support::Answer>) {
    while let Some(answer) = kept.join_next().await {
        let events = answer.unwrap().expect(200).events();
        assert_eq!(
            (events.finishes().len(), events.done, events.errors().len()),
            (1, true, 0)
        );
    }
    gateway.settled().await;
}
