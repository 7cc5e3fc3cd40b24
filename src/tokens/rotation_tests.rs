//! Why: issuers change their keys, go away and come back while tokens keep coming. A server on this machine plays one.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use super::claims_tests::{NOW_MS, claims, entry};
use super::signing::{Signer, jwks};
use super::{Issuers, KeySources, Means, Plane, TokenRefusal};
use crate::conf::{Environment, parse};
use crate::outbound::Outbound;

/// An issuer's server. It answers with a status and a document, and counts who asks.
struct Idp {
    addr: SocketAddr,
    says: Arc<Mutex<(u16, String)>>,
    asked: Arc<AtomicUsize>,
}

impl Idp {
    fn new(document: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let idp = Self {
            addr: listener.local_addr().unwrap(),
            says: Arc::new(Mutex::new((200, document.to_owned()))),
            asked: Arc::default(),
        };
        let (says, asked) = (Arc::clone(&idp.says), Arc::clone(&idp.asked));
        std::thread::spawn(move || {
            for tcp in listener.incoming() {
                let mut tcp = tcp.unwrap();
                let lines = BufReader::new(tcp.try_clone().unwrap()).lines();
                let _head = lines
                    .map_while(Result::ok)
                    .take_while(|line| !line.is_empty())
                    .count();
                asked.fetch_add(1, Ordering::SeqCst);
                let (status, document) = says.lock().unwrap().clone();
                let _ = write!(
                    tcp,
                    "HTTP/1.1 {status} x\r\nlocation: /elsewhere\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{document}",
                    document.len()
                );
            }
        });
        idp
    }

    fn says(&self, status: u16, document: &str) {
        *self.says.lock().unwrap() = (status, document.to_owned());
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    /// Its entry in the configuration.
    fn entry(&self, refresh: &str) -> String {
        let keys = format!("jwks_url: \"http://{}/keys\"", self.addr);
        entry("idp", &keys, "ES256", &format!(", refresh: {refresh}"))
    }
}

fn build(sources: &KeySources, entry: &str, way: u64) -> Issuers {
    let config = parse("a.yaml", &format!("jwt:\n{entry}"), &Environment::default());
    let config = config.unwrap_or_else(|problems| panic!("{problems}"));
    let outbound = Outbound::new(&Arc::default()).unwrap();
    let means = Means {
        sources,
        outbound: Some(&outbound),
        way,
    };
    Issuers::build(&config, means).unwrap()
}

fn token(signer: &Signer, kid: &str) -> String {
    signer.token_with(&json!({ "alg": "ES256", "kid": kid }), &claims())
}

fn says(issuers: &Issuers, token: &str) -> Option<TokenRefusal> {
    issuers.verify(token, Plane::Data, NOW_MS).err()
}

/// Runs `test` while the sources are looked after.
async fn looked_after(sources: &KeySources, test: impl Future<Output = ()>) {
    tokio::select! {
        () = sources.look_after() => {}
        () = test => {}
    }
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn keys_are_fetched_beside_the_requests_and_followed_when_they_change() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let idp = Idp::new(&jwks(&[old.jwk("old")]));
    let sources = KeySources::default();
    let issuers = build(&sources, &idp.entry("1s"), 0);
    let (first, second) = (token(&old, "old"), token(&new, "new"));
    assert_eq!(says(&issuers, &first), Some(TokenRefusal::NoKeys));
    looked_after(&sources, async {
        until("the first keys", || says(&issuers, &first).is_none()).await;
        assert_eq!(says(&issuers, &second), Some(TokenRefusal::UnknownKey));
        idp.says(200, &jwks(&[old.jwk("old"), new.jwk("new")]));
        until("the new key", || says(&issuers, &second).is_none()).await;
        assert_eq!(says(&issuers, &first), None, "the old one still holds");
        idp.says(200, &jwks(&[new.jwk("new")]));
        // What was checked with the old key is forgotten with it.
        let withdrawn = Some(TokenRefusal::UnknownKey);
        until("the old key to go", || says(&issuers, &first) == withdrawn).await;
        assert_eq!(says(&issuers, &second), None);
        // An issuer that has no keys any longer has said so.
        idp.says(200, &jwks(&[]));
        until("no key to be left", || says(&issuers, &second) == withdrawn).await;
    })
    .await;
}

#[tokio::test]
async fn the_same_document_leaves_what_was_checked_with_it() {
    let signer = Signer::p256();
    let idp = Idp::new(&jwks(&[signer.jwk("a")]));
    let sources = KeySources::default();
    let issuers = build(&sources, &idp.entry("1s"), 0);
    let token = token(&signer, "a");
    looked_after(&sources, async {
        until("the keys", || says(&issuers, &token).is_none()).await;
        let first = issuers.verify(&token, Plane::Data, NOW_MS).unwrap();
        let asked = idp.asked();
        until("two more fetches", || idp.asked() >= asked + 2).await;
        let again = issuers.verify(&token, Plane::Data, NOW_MS).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
    })
    .await;
}

#[tokio::test]
async fn a_flood_of_unknown_ids_asks_once_for_each_interval() {
    let signer = Signer::p256();
    let idp = Idp::new(&jwks(&[signer.jwk("a")]));
    let sources = KeySources::default();
    let issuers = build(&sources, &idp.entry("1s"), 0);
    let slow = Idp::new(&jwks(&[signer.jwk("a")]));
    let rare = build(&sources, &slow.entry("1h"), 0);
    looked_after(&sources, async {
        let good = token(&signer, "a");
        until("the keys", || {
            says(&issuers, &good).is_none() && says(&rare, &good).is_none()
        })
        .await;
        let (begun, asked) = (Instant::now(), idp.asked());
        let mut refused = 0;
        while begun.elapsed() < Duration::from_millis(2500) {
            for _ in 0..20 {
                let unknown = token(&signer, &format!("kid-{refused}"));
                assert_eq!(says(&issuers, &unknown), Some(TokenRefusal::UnknownKey));
                assert_eq!(says(&rare, &unknown), Some(TokenRefusal::UnknownKey));
                refused += 1;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert!(refused >= 100, "{refused}");
        let fetches = idp.asked() - asked;
        assert!(
            (2..=3).contains(&fetches),
            "{fetches} fetches for {refused}"
        );
        assert_eq!(slow.asked(), 1, "ten seconds have not passed");
    })
    .await;
}

#[tokio::test]
async fn while_an_issuer_is_away_its_last_keys_hold() {
    let signer = Signer::p256();
    let good = jwks(&[signer.jwk("a")]);
    let idp = Idp::new(&good);
    let sources = KeySources::default();
    let issuers = build(&sources, &idp.entry("1s"), 0);
    let token = token(&signer, "a");
    looked_after(&sources, async {
        until("the keys", || says(&issuers, &token).is_none()).await;
        let long = format!("{{\"keys\":[{}{{}}]}}", "{},".repeat(200));
        let huge = " ".repeat(2 * 1024 * 1024) + &good;
        for (status, document) in [
            (500, good.as_str()),
            (404, "no"),
            (302, good.as_str()),
            (200, "<html>"),
            (200, "{}"),
            (200, long.as_str()),
            (200, huge.as_str()),
        ] {
            idp.says(status, document);
            let asked = idp.asked();
            until("another fetch", || idp.asked() > asked).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
            assert_eq!(says(&issuers, &token), None, "{status}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_issuer_that_was_away_at_the_start_is_asked_again_soon() {
    let signer = Signer::p256();
    let idp = Idp::new("");
    idp.says(503, "");
    let sources = KeySources::default();
    let issuers = build(&sources, &idp.entry("1h"), 0);
    let token = token(&signer, "a");
    looked_after(&sources, async {
        until("a first fetch", || idp.asked() > 0).await;
        assert_eq!(says(&issuers, &token), Some(TokenRefusal::NoKeys));
        idp.says(200, &jwks(&[signer.jwk("a")]));
        until("the keys", || says(&issuers, &token).is_none()).await;
    })
    .await;
}

#[tokio::test]
async fn keys_outlive_a_reload() {
    let signer = Signer::p256();
    let idp = Idp::new(&jwks(&[signer.jwk("a")]));
    let sources = KeySources::default();
    let issuers = build(&sources, &idp.entry("1h"), 0);
    let token = token(&signer, "a");
    looked_after(&sources, async {
        until("the keys", || says(&issuers, &token).is_none()).await;
        idp.says(500, "");
        let same = build(&sources, &idp.entry("1h"), 0);
        assert_eq!(says(&same, &token), None, "the same source");
        drop(issuers);
        let sooner = build(&sources, &idp.entry("1m"), 0);
        assert_eq!(says(&sooner, &token), None, "what was known");
        let elsewhere = build(&sources, &idp.entry("1m"), 1);
        assert_eq!(says(&elsewhere, &token), None, "by another way out");
        drop((same, sooner, elsewhere));
        let fresh = build(&sources, &idp.entry("1h"), 0);
        let forgotten = says(&fresh, &token);
        assert_eq!(
            forgotten,
            Some(TokenRefusal::NoKeys),
            "nobody was configured in between"
        );
    })
    .await;
}
