//! Gateways over pools, and many clients at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::pliant::Pliant;
use crate::support::{Answer, Gateway, chat, ms, until};

/// A breaker that is quick enough for a test.
pub(crate) const QUICK: &str =
    "breaker: { cooldown: 600ms, window: 5s }, timeouts: { first_byte: 400ms }";

/// A request for the pool.
pub(crate) fn ask() -> Vec<u8> {
    chat("m", json!({}))
}

/// The configuration of one pool `p` behind the alias `m`; `more` holds further members of `p`.
pub(crate) fn pool(urls: &[String], more: &str) -> String {
    let urls: Vec<String> = urls.iter().map(|url| format!("\"{url}\"")).collect();
    let urls = urls.join(", ");
    format!(
        "flood: {{ requests: 0 }}\n\
         providers:\n  p: {{ kind: openai_compatible, endpoints: [{urls}], {more} }}\n\
         models:\n  m: {{ targets: [p/x] }}\n"
    )
}

/// A gateway over these providers.
pub(crate) async fn over(providers: &[&Pliant], more: &str) -> Gateway {
    let urls: Vec<String> = providers.iter().map(|provider| provider.url()).collect();
    Gateway::start(&pool(&urls, more)).await
}

/// Where the breaker of an endpoint stands, as metrics show it.
pub(crate) async fn state(gateway: &Gateway, url: &str) -> f64 {
    let series = format!("alfred_breaker_state{{endpoint=\"{url}\",provider=\"p\"}}");
    gateway.metrics(&series).await
}

/// How often the breaker of an endpoint came to this state.
pub(crate) async fn times(gateway: &Gateway, url: &str, to: &str) -> f64 {
    let series = format!(
        "alfred_breaker_transitions_total{{endpoint=\"{url}\",provider=\"p\",to=\"{to}\"}}"
    );
    gateway.metrics(&series).await
}

/// Asks so often, one after the other; every answer must be a good one.
pub(crate) async fn all_answered(gateway: &Gateway, times: usize) {
    let mut client = gateway.h1().await;
    for _ in 0..times {
        client.chat(&ask()).await.expect(200);
    }
}

/// Asks so often at the same time.
pub(crate) async fn at_once(gateway: &Gateway, times: usize) -> Vec<(Answer, Duration)> {
    let one = || async {
        let mut client = gateway.h1().await;
        let begun = Instant::now();
        (client.chat(&ask()).await, begun.elapsed())
    };
    futures_util::future::join_all((0..times).map(|_| one())).await
}

/// Fails until the breaker of the only endpoint is open.
pub(crate) async fn break_down(gateway: &Gateway, url: &str) {
    until("the breaker to open", || async {
        gateway.chat(&ask()).await;
        state(gateway, url).await == 2.0
    })
    .await;
}

/// Clients that ask without a pause until they are told to stop.
pub(crate) struct Crowd {
    stop: Arc<AtomicBool>,
    lost: Arc<Mutex<Vec<Answer>>>,
    clients: tokio::task::JoinSet<usize>,
}

impl Crowd {
    pub(crate) async fn new(gateway: &Gateway, clients: usize) -> Self {
        let mut crowd = Self {
            stop: Arc::default(),
            lost: Arc::default(),
            clients: tokio::task::JoinSet::new(),
        };
        for _ in 0..clients {
            let mut client = gateway.h1().await;
            let (stop, lost) = (Arc::clone(&crowd.stop), Arc::clone(&crowd.lost));
            crowd.clients.spawn(async move {
                let mut asked = 0;
                while !stop.load(Ordering::SeqCst) {
                    let answer = client.chat(&ask()).await;
                    asked += 1;
                    if answer.status != 200 {
                        lost.lock().unwrap().push(answer);
                    }
                    tokio::time::sleep(ms(2)).await;
                }
                asked
            });
        }
        crowd
    }

    /// Ends; fails if a request was lost. Gives how many were asked.
    pub(crate) async fn end(self) -> usize {
        self.stop.store(true, Ordering::SeqCst);
        let asked = self.clients.join_all().await.into_iter().sum();
        let lost = self.lost.lock().unwrap();
        assert!(
            lost.is_empty(),
            "{} of {asked} requests were lost, such as {:?}",
            lost.len(),
            lost.first()
        );
        asked
    }
}
