//! Which lane is chosen, and which is passed over.

use std::collections::BTreeSet;

use super::*;
use crate::conf::BreakerConfig;

const T0: Duration = Duration::ZERO;

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A pool of these weights: one lane for each endpoint and each of `keys` keys.
fn pool_of(balance: Balance, weights: &[u32], keys: usize) -> (Endpoints, Pool) {
    let endpoints = Endpoints::default();
    let mut lanes = Vec::new();
    for (at, weight) in weights.iter().enumerate() {
        let endpoint = endpoints.endpoint("p", &format!("http://e{at}/v1"));
        for key in 0..keys {
            lanes.push(Lane {
                id: format!("e{at}#{key}").into(),
                authority: http::HeaderValue::from_static("e"),
                host: Arc::new(Host::new("127.0.0.1", 80)),
                via: None,
                tls: false,
                base_path: String::new(),
                key: Some(key),
                credential: None,
                weight: *weight,
                seat: endpoints.seat(&endpoint, Some(&format!("key {key}"))),
                endpoint: Arc::clone(&endpoint),
                rules: BreakerConfig::default(),
                scripted: false,
            });
        }
    }
    (endpoints, Pool::new(lanes, balance))
}

fn pool(balance: Balance, weights: &[u32]) -> Pool {
    pool_of(balance, weights, 1).1
}

fn wish(caller: &[u8]) -> Wish<'_> {
    Wish {
        caller,
        model: "m",
        now: T0,
        avoid: &[],
    }
}

fn shares(pool: &Pool, calls: usize) -> Vec<usize> {
    let mut counts = vec![0; pool.lanes.len()];
    for call in 0..calls {
        let guard = pool.choose(&wish(&call.to_le_bytes())).expect("a lane");
        let at = pool
            .lanes
            .iter()
            .position(|lane| Arc::ptr_eq(lane, guard.lane()));
        counts[at.expect("one of the pool's lanes")] += 1;
    }
    counts
}

/// Breaks the endpoint of this lane by refused connections.
fn break_down(lane: &Arc<Lane>, now: Duration) {
    for _ in 0..3 {
        let mut guard = lane.enter("m", now).expect("closed");
        let report = Report {
            outcome: Some(Outcome::Silent),
            key: News::None,
        };
        guard.conclude(report, "m", now);
    }
    assert!(lane.peek("m", now).is_err());
}

fn tell(lane: &Arc<Lane>, news: News, now: Duration) {
    let mut guard = lane.enter("m", now).expect("not resting");
    let report = Report {
        outcome: Some(Outcome::Answered),
        key: news,
    };
    guard.conclude(report, "m", now);
}

const ALL: [Balance; 4] = [
    Balance::LeastInFlight,
    Balance::RoundRobin,
    Balance::Weighted,
    Balance::ConsistentHash,
];

#[test]
fn two_keys_at_one_endpoint_take_turns() {
    let (_endpoints, pool) = pool_of(Balance::RoundRobin, &[1], 2);
    assert_eq!(shares(&pool, 100), [50, 50]);
}

#[test]
fn weights_share_the_load() {
    let counts = shares(&pool(Balance::RoundRobin, &[3, 1]), 400);
    assert_eq!(counts, [300, 100]);
    let counts = shares(&pool(Balance::Weighted, &[3, 1]), 4000);
    assert!((2800..3200).contains(&counts[0]), "{counts:?}");
}

#[test]
fn the_idle_lane_is_preferred() {
    let pool = pool(Balance::LeastInFlight, &[1, 1, 1]);
    let first = pool.choose(&wish(b"")).expect("a lane");
    let second = pool.choose(&wish(b"")).expect("a lane");
    let third = pool.choose(&wish(b"")).expect("a lane");
    let ids: BTreeSet<_> = [&first, &second, &third]
        .map(|g| g.lane().id.to_string())
        .into();
    assert_eq!(ids.len(), 3);
    drop(second);
    let fourth = pool.choose(&wish(b"")).expect("a lane");
    assert_eq!(fourth.lane().seat.in_flight(), 1);
}

#[test]
fn a_caller_stays_with_its_lane_under_consistent_hashing() {
    let pool = pool(Balance::ConsistentHash, &[1, 1, 1]);
    let id = |key: &[u8]| {
        pool.choose(&wish(key))
            .expect("a lane")
            .lane()
            .id
            .to_string()
    };
    assert_eq!(id(b"one caller"), id(b"one caller"));
    let before: Vec<String> = (0..50u8).map(|caller| id(&[caller])).collect();
    break_down(&pool.lanes[1], T0);
    let after: Vec<String> = (0..50u8).map(|caller| id(&[caller])).collect();
    for (before, after) in before.iter().zip(&after) {
        assert!(
            before == after || before == "e1#0",
            "{before} became {after}"
        );
        assert_ne!(after, "e1#0");
    }
}

#[test]
fn every_balancer_passes_over_an_open_breaker_and_a_resting_key() {
    for balance in ALL {
        let pool = pool(balance, &[1, 1, 1]);
        break_down(&pool.lanes[0], T0);
        tell(&pool.lanes[1], News::Refused, T0);
        assert_eq!(shares(&pool, 60), [0, 0, 60], "{balance:?}");
    }
}

#[test]
fn when_nobody_may_be_asked_the_earliest_instant_is_told() {
    for balance in ALL {
        let pool = pool(balance, &[1, 1]);
        tell(&pool.lanes[0], News::Throttled(Some(s(9))), T0);
        break_down(&pool.lanes[1], T0);
        assert_eq!(pool.choose(&wish(b"")).expect_err("nobody"), s(9));
        assert_eq!(pool.peek("m", T0), Err(s(9)));
        assert_eq!(pool.peek("another model", T0), Ok(()));
        assert!(pool.peek("m", s(9)).is_ok());
    }
}

#[test]
fn an_endpoint_that_failed_the_request_is_asked_again_only_when_no_other_is_left() {
    for balance in ALL {
        let pool = pool(balance, &[1, 1]);
        let avoid = [Arc::clone(&pool.lanes[0].endpoint)];
        let chosen = |pool: &Pool, caller: &[u8]| {
            let wish = Wish {
                avoid: &avoid,
                ..wish(caller)
            };
            assert_eq!(pool.has_fresh(&wish), pool.lanes[1].peek("m", T0).is_ok());
            pool.choose(&wish).expect("a lane").lane().id.to_string()
        };
        for caller in 0..20u8 {
            assert_eq!(chosen(&pool, &[caller]), "e1#0", "{balance:?}");
        }
        break_down(&pool.lanes[1], T0);
        assert_eq!(chosen(&pool, b""), "e0#0", "{balance:?}");
    }
}

#[test]
fn one_call_at_a_time_probes_and_a_call_that_tells_nothing_wedges_nothing() {
    for balance in ALL {
        let pool = pool(balance, &[1]);
        break_down(&pool.lanes[0], T0);
        let later = Wish {
            now: s(15),
            ..wish(b"")
        };
        for _ in 0..3 {
            let probe = pool.choose(&later).expect("the probe");
            assert_eq!(pool.choose(&later).expect_err("one probe"), s(16));
            drop(probe);
        }
        let mut probe = pool.choose(&later).expect("the probe");
        probe.note_life("m", s(15));
        assert!(pool.choose(&later).is_ok(), "life was enough");
        drop(probe);
        assert_eq!(pool.lanes[0].seat.in_flight(), 0);
    }
}

#[test]
fn the_probe_is_not_taken_by_a_key_that_rests() {
    let (_endpoints, pool) = pool_of(Balance::RoundRobin, &[1], 2);
    tell(&pool.lanes[0], News::Throttled(Some(s(60))), T0);
    break_down(&pool.lanes[1], T0);
    let later = Wish {
        now: s(15),
        ..wish(b"")
    };
    let probe = pool.choose(&later).expect("the probe");
    assert_eq!(&*probe.lane().id, "e0#1");
}

#[test]
fn a_dead_key_is_tried_by_one_call_after_ten_minutes() {
    let (_endpoints, pool) = pool_of(Balance::RoundRobin, &[1], 1);
    tell(&pool.lanes[0], News::Refused, T0);
    let later = Wish {
        now: s(600),
        ..wish(b"")
    };
    let trial = pool.choose(&later).expect("the trial");
    assert!(pool.choose(&later).is_err());
    drop(trial);
    let mut trial = pool.choose(&later).expect("the trial");
    trial.conclude(Report::FINE, "m", s(601));
    assert!(pool.choose(&later).is_ok());
}

#[test]
fn state_outlives_the_pool_and_a_reload_forgives_refused_keys() {
    let (endpoints, pool) = pool_of(Balance::RoundRobin, &[1], 2);
    tell(&pool.lanes[0], News::Refused, T0);
    break_down(&pool.lanes[1], T0);
    let again = endpoints.endpoint("p", "http://e0/v1");
    assert!(Arc::ptr_eq(&again, &pool.lanes[0].endpoint));
    assert!(again.peek(T0).is_err());
    let seat = endpoints.seat(&again, Some("key 0"));
    assert!(Arc::ptr_eq(&seat, &pool.lanes[0].seat));
    assert!(seat.peek("m", T0).is_err());
    endpoints.forgive();
    assert!(seat.peek("m", T0).is_ok());
    assert!(again.peek(T0).is_err());
    drop((pool, again, seat));
    assert!(endpoints.all().is_empty(), "nobody uses it any more");
}

#[test]
fn the_status_tells_state_and_rests_but_never_a_key() {
    let (_endpoints, pool) = pool_of(Balance::RoundRobin, &[1], 2);
    tell(&pool.lanes[0], News::Throttled(Some(s(60))), T0);
    break_down(&pool.lanes[1], T0);
    let now = Now {
        process: s(5),
        wall: "2026-01-02T03:04:05.678901Z".parse().expect("a time"),
    };
    let status = serde_json::to_value(pool.status(now)).expect("JSON");
    assert_eq!(
        status,
        serde_json::json!([{
            "provider": "p", "endpoint": "http://e0/v1", "state": "open",
            "calls": 4, "failures": 3, "until": "2026-01-02T03:04:15.679Z", "in_flight": 0,
            "resting": [{
                "key": 0, "reason": "throttled", "model": "m", "until": "2026-01-02T03:05:00.679Z",
            }],
        }])
    );
}
