//! What a token of another issuer costs a request: at the first sight of it, when its signature is checked, and from
//! then on, when it is known. The promise: a known token costs half of the callers 2 us or less.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "a benchmark stops when its input is wrong"
)]

#[path = "../src/tokens/signing.rs"]
mod signing;

use std::hint::black_box;
use std::time::{Duration, Instant};

use alfred::conf::{Environment, parse};
use alfred::tokens::{Issuers, KeySources, Means, Plane};
use serde_json::json;
use signing::Signer;

const NOW: i64 = 1_800_000_000;
/// What a known token may cost, at the median.
const GOAL: Duration = Duration::from_micros(2);
/// Tokens that are each seen once.
const COLD: usize = 400;
/// How often one token is seen again.
const CACHED: usize = 200_000;

fn issuers(signer: &Signer, algorithm: &str) -> Issuers {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    std::fs::write(&path, signer.pem()).unwrap();
    let text = format!(
        "jwt: [ {{ name: idp, issuer: \"https://idp.test\", audience: alfred, algorithms: [{algorithm}], \
         public_key: {} }} ]\n",
        path.display()
    );
    let config = parse("bench.yaml", &text, &Environment::default());
    let means = Means {
        sources: &KeySources::default(),
        outbound: None,
        way: 0,
    };
    Issuers::build(&config.unwrap_or_else(|all| panic!("{all}")), means).expect("the keys are good")
}

fn token(signer: &Signer, algorithm: &str, number: usize) -> String {
    let claims = json!({
        "iss": "https://idp.test", "aud": "alfred", "sub": "00u1a2b3c4d5e6f7g8h9",
        "email": "ada.lovelace@example.com", "roles": ["developer", "research"],
        "jti": format!("token-{number}"), "iat": NOW - 5, "exp": NOW + 3600,
    });
    signer.token(algorithm, &claims)
}

fn timed(issuers: &Issuers, token: &str) -> Duration {
    let begun = Instant::now();
    let claims = issuers.verify(black_box(token), Plane::Data, NOW * 1000);
    let took = begun.elapsed();
    black_box(claims).expect("a good token");
    took
}

/// The time that so many of a hundred do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() - 1) * percent / 100]
}

fn row(name: &str, mut times: Vec<Duration>, goal: Option<Duration>) {
    times.sort_unstable();
    let told = match goal {
        None => "told only".to_owned(),
        Some(goal) if percentile(&times, 50) <= goal => format!("p50 at most {goal:?}: kept"),
        Some(goal) => format!("p50 at most {goal:?}: MISSED"),
    };
    println!(
        "| {name} | {:.2?} | {:.2?} | {told} |",
        percentile(&times, 50),
        percentile(&times, 99)
    );
}

fn main() {
    println!("| JWT | p50 | p99 | goal |\n|---|---|---|---|");
    for (algorithm, signer) in [("ES256", Signer::p256()), ("RS256", Signer::rsa())] {
        let issuers = issuers(&signer, algorithm);
        let tokens: Vec<_> = (0..COLD)
            .map(|number| token(&signer, algorithm, number))
            .collect();
        let cold = tokens.iter().map(|token| timed(&issuers, token)).collect();
        row(&format!("{algorithm}, first seen"), cold, None);
        let known = tokens.last().expect("there are some");
        let cached = (0..CACHED).map(|_| timed(&issuers, known)).collect();
        row(&format!("{algorithm}, known"), cached, Some(GOAL));
    }
}
