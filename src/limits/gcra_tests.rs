//! Why: "exactly 600" is a promise. The rule is held against a bucket simulated step by step,
//! against threads, and against clocks and sizes at the edge of what numbers hold.

use super::{Cell, Denied, Gcra, Taken};
use proptest::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;
const MINUTE: Duration = Duration::from_secs(60);

fn per_minute(limit: u64) -> Gcra {
    Gcra::new(limit, MINUTE)
}

fn admitted(gcra: &Gcra, cell: &Cell, now: u64) -> u64 {
    (0..10_000)
        .take_while(|_| gcra.try_take(cell, now, 1).is_ok())
        .count() as u64
}

#[test]
fn exactly_the_limit_passes_at_once_and_then_one_per_interval() {
    let (gcra, cell) = (per_minute(600), Cell::default());
    let now = 5 * SECOND;
    assert_eq!(admitted(&gcra, &cell, now), 600);
    let tenth = SECOND / 10;
    assert_eq!(admitted(&gcra, &cell, now + tenth - 1), 0);
    assert_eq!(admitted(&gcra, &cell, now + tenth), 1);
    assert_eq!(admitted(&gcra, &cell, now + 31 * tenth), 30);
    assert_eq!(admitted(&gcra, &cell, now + 120 * SECOND), 600);
}

#[test]
fn a_denial_says_exactly_when_to_come_back() {
    let (gcra, cell) = (per_minute(7), Cell::default());
    gcra.try_take(&cell, SECOND, 5).unwrap();
    let Err(Denied::Wait {
        retry_after,
        remaining,
        reset_after,
    }) = gcra.try_take(&cell, SECOND, 4)
    else {
        panic!("four of two were let through");
    };
    assert_eq!(remaining, 2);
    assert!(reset_after < Duration::from_secs(43));
    let at = SECOND + u64::try_from(retry_after.as_nanos()).unwrap();
    assert!(gcra.try_take(&cell, at - 1, 4).is_err());
    assert!(gcra.try_take(&cell, at, 4).is_ok());
}

#[test]
fn more_than_the_whole_limit_never_passes_and_takes_nothing() {
    let (gcra, cell) = (per_minute(10), Cell::default());
    let refused = gcra.try_take(&cell, SECOND, 11);
    assert_eq!(refused, Err(Denied::TooLarge { limit: 10 }));
    assert_eq!(
        gcra.try_take(&cell, SECOND, 10)
            .map(|taken| taken.remaining),
        Ok(0)
    );
    let nothing = Gcra::new(0, MINUTE);
    let refused = nothing.try_take(&Cell::default(), SECOND, 1);
    assert_eq!(refused, Err(Denied::TooLarge { limit: 0 }));
}

#[test]
fn what_is_given_back_can_be_taken_again() {
    let (gcra, cell) = (per_minute(100), Cell::default());
    gcra.try_take(&cell, SECOND, 100).unwrap();
    gcra.give_back(&cell, 30);
    assert_eq!(admitted(&gcra, &cell, SECOND), 30);
}

#[test]
fn giving_back_more_than_was_taken_never_exceeds_the_limit() {
    let (gcra, cell) = (per_minute(100), Cell::default());
    gcra.try_take(&cell, SECOND, 5).unwrap();
    gcra.give_back(&cell, u64::MAX);
    assert_eq!(admitted(&gcra, &cell, SECOND), 100);
}

#[test]
fn an_overshoot_is_paid_by_later_requests() {
    let (gcra, cell) = (per_minute(60), Cell::default());
    gcra.try_take(&cell, SECOND, 50).unwrap();
    gcra.settle(&cell, SECOND, 50, 90);
    let standing = gcra.peek(&cell, SECOND);
    assert_eq!(
        standing,
        Taken {
            remaining: 0,
            reset_after: Duration::from_secs(90)
        }
    );
    assert_eq!(admitted(&gcra, &cell, 30 * SECOND), 0);
    assert_eq!(admitted(&gcra, &cell, 41 * SECOND), 10);
}

#[test]
fn an_overshoot_settled_long_after_counts_from_then() {
    let (gcra, cell) = (per_minute(60), Cell::default());
    gcra.try_take(&cell, SECOND, 10).unwrap();
    let later = 3_600 * SECOND;
    gcra.settle(&cell, later, 10, 70);
    assert_eq!(admitted(&gcra, &cell, later), 0);
}

#[test]
fn looking_takes_nothing() {
    let (gcra, cell) = (per_minute(3), Cell::default());
    for _ in 0..10 {
        assert_eq!(gcra.peek(&cell, SECOND).remaining, 3);
    }
    assert!(cell.is_idle(SECOND));
}

#[test]
fn a_clock_that_steps_back_neither_panics_nor_admits_more() {
    let (gcra, cell) = (per_minute(5), Cell::default());
    assert_eq!(admitted(&gcra, &cell, 100 * SECOND), 5);
    assert_eq!(admitted(&gcra, &cell, 10 * SECOND), 0);
    assert_eq!(admitted(&gcra, &cell, 0), 0);
}

#[test]
fn of_many_threads_exactly_the_limit_passes() {
    let (gcra, cell, passed) = (per_minute(1_000), Cell::default(), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..2_000 {
                    if gcra.try_take(&cell, SECOND, 1).is_ok() {
                        passed.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(passed.into_inner(), 1_000);
}

#[test]
fn threads_that_take_and_settle_leave_exactly_what_they_used() {
    let (gcra, cell) = (per_minute(1_000_000), Cell::default());
    std::thread::scope(|scope| {
        for thread in 0..8_u64 {
            let (gcra, cell) = (&gcra, &cell);
            scope.spawn(move || {
                for round in 0..500 {
                    gcra.try_take(cell, SECOND, 20).unwrap();
                    gcra.settle(cell, SECOND, 20, (thread * 7 + round) % 41);
                }
            });
        }
    });
    let used: u64 = (0..8)
        .flat_map(|t| (0..500).map(move |r| (t * 7 + r) % 41))
        .sum();
    assert_eq!(gcra.peek(&cell, SECOND).remaining, 1_000_000 - used);
}

/// The plain model: a bucket that holds what was taken and drains as time passes.
#[derive(Default)]
struct Bucket {
    level: u128,
    at: u64,
}

impl Bucket {
    fn drain(&mut self, now: u64) {
        self.level = self.level.saturating_sub(u128::from(now - self.at));
        self.at = now;
    }
}

#[derive(Clone, Debug)]
enum Act {
    Take(u64),
    Settle { reserved: u64, actual: u64 },
    Wait(u64),
}

fn act(limit: u64, window: u64) -> impl Strategy<Value = Act> {
    let n = 0..=limit + 1;
    prop_oneof![
        4 => n.clone().prop_map(Act::Take),
        2 => (n.clone(), n).prop_map(|(reserved, actual)| Act::Settle { reserved, actual }),
        3 => (0..=window / 3).prop_map(Act::Wait),
    ]
}

fn history() -> impl Strategy<Value = (u64, u64, Vec<Act>)> {
    let limit = prop_oneof![1_u64..8, 1_u64..2_000, 190_000_u64..200_003];
    let window = prop_oneof![Just(60 * SECOND), 1_u64..1_000, 1_u64..100 * SECOND];
    (limit, window).prop_flat_map(|(limit, window)| {
        let acts = prop::collection::vec(act(limit, window), 1..60);
        (Just(limit), Just(window), acts)
    })
}

proptest! {
    #[test]
    fn every_decision_equals_that_of_a_bucket_drained_by_hand(
        (limit, window, acts) in history(), start in 0_u64..1 << 60,
    ) {
        let gcra = Gcra::new(limit, Duration::from_nanos(window));
        let unit = u128::from(window.div_ceil(limit));
        let full = unit * u128::from(limit);
        let (cell, mut now) = (Cell::default(), start);
        let mut bucket = Bucket { level: 0, at: start };
        for act in acts {
            match act {
                Act::Wait(time) => now += time,
                Act::Settle { reserved, actual } => {
                    bucket.drain(now);
                    let level = bucket.level + u128::from(actual) * unit;
                    bucket.level = level.saturating_sub(u128::from(reserved) * unit);
                    gcra.settle(&cell, now, reserved, actual);
                }
                Act::Take(n) => {
                    bucket.drain(now);
                    let wanted = bucket.level + u128::from(n) * unit;
                    let passes = n <= limit && wanted <= full;
                    let taken = gcra.try_take(&cell, now, n);
                    prop_assert_eq!(taken.is_ok(), passes);
                    if passes {
                        bucket.level = wanted;
                    }
                    if let Err(Denied::Wait { retry_after, .. }) = taken {
                        prop_assert_eq!(retry_after.as_nanos(), wanted - full);
                    }
                }
            }
            bucket.drain(now);
            let standing = gcra.peek(&cell, now);
            let room = full.saturating_sub(bucket.level) / unit;
            prop_assert_eq!(u128::from(standing.remaining), room);
            prop_assert_eq!(standing.reset_after.as_nanos(), bucket.level);
        }
    }

    #[test]
    fn over_any_span_no_more_passes_than_the_limit_and_its_refill(
        limit in 1_u64..5_000, window in 1_u64..10 * SECOND, steps in prop::collection::vec(0_u64..SECOND, 1..40),
    ) {
        let gcra = Gcra::new(limit, Duration::from_nanos(window));
        let (cell, mut now, mut passed) = (Cell::default(), 0_u64, 0_u128);
        for step in steps {
            now += step;
            passed += u128::from(admitted(&gcra, &cell, now));
            let refill = u128::from(now) * u128::from(limit) / u128::from(window);
            prop_assert!(passed <= u128::from(limit) + refill);
        }
    }

    #[test]
    fn no_numbers_panic_or_overflow(
        limit: u64, window: u64, now: u64, n: u64, m: u64, later: u64,
    ) {
        let gcra = Gcra::new(limit, Duration::from_nanos(window));
        let cell = Cell::default();
        let _ = gcra.try_take(&cell, now, n);
        gcra.settle(&cell, later, n, m);
        let _ = gcra.try_take(&cell, later, 1);
        gcra.give_back(&cell, m);
        prop_assert!(gcra.peek(&cell, now).remaining <= gcra.limit());
    }
}
