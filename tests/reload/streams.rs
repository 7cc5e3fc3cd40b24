//! Fifty reloads under two hundred streams: none is dropped, and none gets a word of two worlds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::task::JoinSet;

use crate::parrot::{Parrot, says};
use crate::place::Place;
use crate::support::{Answer, Gateway, H1, H2, chat, ms, streaming, until, within};
use crate::world::{calm, config};

const RELOADS: usize = 50;
const STREAMS: usize = 200;
/// Requests of the key, in a window so long that nothing comes back meanwhile.
const LIMIT: usize = 8000;
/// Words of a stream, a tenth of a second each.
const WORDS: usize = 12;

/// The world number `world`: its provider has a name, an endpoint and words of its own.
fn yaml(mocks: &[Parrot], world: usize) -> String {
    let (provider, mock) = (format!("p{}", world % 7), &mocks[world % mocks.len()]);
    let words = format!("w{world} ").repeat(WORDS);
    let limits = format!("limits: [ {{ per: key, requests: {LIMIT}, window: 30d }} ]\n");
    limits
        + &config(&[mock.provider(&provider, &calm(""))], &[])
        + &says(&provider, words.trim_end(), 100)
}

/// The world that served a stream; fails if it was not one, whole.
fn world_of(answer: Answer) -> usize {
    let provider = answer.header("x-alfred-provider").to_owned();
    let events = answer.expect(200).events();
    assert_eq!(
        (events.roles(), events.finishes().len(), events.done),
        (1, 1, true),
        "{events:?}"
    );
    assert!(events.errors().is_empty(), "{events:?}");
    let text = events.text();
    let words: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(words.len(), WORDS, "{text}");
    assert!(
        words.iter().all(|word| *word == words[0]),
        "two worlds in one stream: {text}"
    );
    let world: usize = words[0].trim_start_matches('w').parse().unwrap();
    assert_eq!(
        provider,
        format!("p{}", world % 7),
        "the header and the text are of one world"
    );
    world
}

enum Caller {
    H1(H1),
    H2(H2),
}

impl Caller {
    async fn new(gateway: &Gateway, number: usize) -> Self {
        match number % 2 {
            0 => Self::H1(gateway.h1().await),
            _ => Self::H2(gateway.h2().await),
        }
    }

    async fn stream(&mut self) -> Answer {
        match self {
            Self::H1(client) => client.chat(&streaming("m")).await,
            Self::H2(client) => client.chat(&streaming("m")).await,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_reloads_under_two_hundred_streams_drop_and_mix_none() {
    let mocks = [
        Parrot::new().await,
        Parrot::new().await,
        Parrot::new().await,
    ];
    let place = Place::start(&yaml(&mocks, 0)).await;
    let (stop, done) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let mut callers = JoinSet::new();
    for number in 0..STREAMS {
        let mut caller = Caller::new(&place.gateway, number).await;
        let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
        callers.spawn(async move {
            // Out of step, so that every world finds some who begin.
            tokio::time::sleep(ms(number as u64 * 8)).await;
            let mut worlds = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                worlds.push(world_of(caller.stream().await));
                done.fetch_add(1, Ordering::Relaxed);
            }
            worlds
        });
    }
    // A caller between two streams is not in flight, so that on a slow machine all hardly ever are.
    until("nearly all streams to run", || async {
        place.gateway.metrics("alfred_requests_in_flight").await >= STREAMS as f64 * 0.8
    })
    .await;
    for world in 1..=RELOADS {
        // A signal of the last turn may still be on its way: it must never meet half a file.
        place.replace(&yaml(&mocks, world));
        place.hang_up();
        let hash = place.text(&yaml(&mocks, world));
        let hash = format!("blake3:{}", blake3::hash(hash.as_bytes()).to_hex());
        until("the world to be served", || async {
            place.status().await["hash"] == hash
        })
        .await;
        tokio::time::sleep(ms(150)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let answered = within(
        Duration::from_secs(60),
        "the last streams",
        callers.join_all(),
    )
    .await;
    let streams = done.load(Ordering::Relaxed);
    let mut seen: Vec<usize> = answered.iter().flatten().copied().collect();
    for worlds in &answered {
        assert!(
            worlds.is_sorted(),
            "an older world served after a newer one: {worlds:?}"
        );
    }
    seen.sort_unstable();
    seen.dedup();
    println!(
        "{streams} streams were whole, served by {} of {} worlds",
        seen.len(),
        RELOADS + 1
    );
    assert!(seen.len() > RELOADS / 2 && streams >= STREAMS, "{seen:?}");
    assert_eq!(place.count("refused").await, 0.0);
    expect_accounted(&place, streams).await;
}

/// Every stream has its receipt and its place in the limit, and nothing of an old world is left.
async fn expect_accounted(place: &Place, streams: usize) {
    place.gateway.nth_receipt(streams).await;
    let receipts = place.gateway.receipts();
    let ok = receipts
        .iter()
        .filter(|receipt| receipt["outcome"] == "ok")
        .count();
    assert_eq!((receipts.len(), ok), (streams, streams));
    let last = place.gateway.chat(&chat("m", json!({}))).await.expect(200);
    let left: usize = last
        .header("x-ratelimit-remaining-requests")
        .parse()
        .unwrap();
    assert_eq!(
        left,
        LIMIT - streams - 1,
        "every stream of every world was counted"
    );
    place.gateway.settled().await;
    until("old worlds to go", || async {
        place.gateway.metrics("alfred_worlds_alive").await == 1.0
    })
    .await;
}
