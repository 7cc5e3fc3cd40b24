//! Why: many keys, several rules, many threads, bounded memory.

use super::{LimitTable, Measure, Rule, Used};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SECOND: u64 = 1_000_000_000;

fn requests(limit: u64, seconds: u64) -> Rule {
    Rule::new(Measure::Requests, limit, Duration::from_secs(seconds))
}

fn passed(table: &LimitTable, key: &str, rules: &[Rule], now: u64) -> usize {
    (0..5_000)
        .take_while(|_| table.take(key, rules, now, 1).is_ok())
        .count()
}

#[test]
fn each_key_has_its_own_limit() {
    let (table, rules) = (LimitTable::new(), [requests(5, 60)]);
    for number in 0..500 {
        assert_eq!(passed(&table, &format!("key:{number}"), &rules, SECOND), 5);
    }
}

#[test]
fn without_rules_everything_passes_and_nothing_is_remembered() {
    let table = LimitTable::new();
    assert_eq!(table.take("key", &[], SECOND, u64::MAX), Ok(None));
    table.settle(
        "key",
        &[],
        SECOND,
        Used {
            reserved: 1,
            actual: 9,
        },
    );
    assert_eq!(table.peek("key", &[], SECOND), None);
    assert!(table.is_empty());
}

#[test]
fn a_request_takes_from_every_rule_or_from_none() {
    let (table, rules) = (LimitTable::new(), [requests(1_000, 3_600), requests(3, 1)]);
    assert_eq!(passed(&table, "key", &rules, SECOND), 3);
    for _ in 0..50 {
        let exceeded = table.take("key", &rules, SECOND, 1).unwrap_err();
        assert_eq!(exceeded.standing.rule, rules[1]);
        assert_eq!(
            exceeded.retry_after,
            Some(Duration::from_nanos(333_333_334))
        );
    }
    let hourly = table.peek("key", &rules[..1], SECOND).unwrap();
    assert_eq!(hourly.remaining, 997);
}

#[test]
fn requests_and_tokens_do_not_share_a_bucket() {
    let table = LimitTable::new();
    let tokens = [Rule::per_minute(Measure::Tokens, 100)];
    let requests = [Rule::per_minute(Measure::Requests, 100)];
    table.take("key", &tokens, SECOND, 100).unwrap();
    assert_eq!(table.peek("key", &requests, SECOND).unwrap().remaining, 100);
    let exceeded = table.take("key", &tokens, SECOND, 101).unwrap_err();
    assert_eq!(exceeded.retry_after, None);
    assert_eq!(exceeded.standing.remaining, 0);
}

#[test]
fn tokens_are_reserved_by_estimate_and_settled_to_what_was_used() {
    let table = LimitTable::new();
    let rules = [Rule::per_minute(Measure::Tokens, 1_000)];
    let left = |now| table.peek("key", &rules, now).unwrap().remaining;
    table.take("key", &rules, SECOND, 400).unwrap();
    table.settle(
        "key",
        &rules,
        SECOND,
        Used {
            reserved: 400,
            actual: 150,
        },
    );
    assert_eq!(left(SECOND), 850);
    table.take("key", &rules, SECOND, 100).unwrap();
    table.settle(
        "key",
        &rules,
        SECOND,
        Used {
            reserved: 100,
            actual: 900,
        },
    );
    assert_eq!(left(SECOND), 0);
    assert_eq!(left(2 * SECOND + 2 * SECOND), 0);
    assert_eq!(left(5 * SECOND), 16);
}

#[test]
fn raising_a_limit_forgets_nothing() {
    let table = LimitTable::new();
    assert_eq!(passed(&table, "key", &[requests(10, 60)], SECOND), 10);
    assert_eq!(passed(&table, "key", &[requests(10, 60)], SECOND), 0);
    let raised = passed(&table, "key", &[requests(600, 60)], 2 * SECOND);
    assert!(raised < 20, "{raised}");
}

#[test]
fn of_many_threads_exactly_the_tighter_limit_passes() {
    let (table, total) = (LimitTable::new(), AtomicU64::new(0));
    let rules = [requests(10_000, 60), requests(700, 10), requests(9_000, 30)];
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..500 {
                    if table.take("key", &rules, SECOND, 1).is_ok() {
                        total.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    assert_eq!(total.into_inner(), 700);
    assert_eq!(
        table.peek("key", &rules[..1], SECOND).unwrap().remaining,
        9_300
    );
}

#[test]
fn a_hundred_thousand_active_keys_stay_small_and_idle_ones_are_forgotten() {
    let table = LimitTable::new();
    let rules = [requests(600, 60)];
    let visit = |from: u64, now: u64| {
        for number in from..from + 100_000 {
            table
                .take(&format!("key:{number:012}"), &rules, now, 1)
                .unwrap();
        }
    };
    visit(0, SECOND);
    assert_eq!(table.len(), 100_000);
    assert!(table.bytes() < 8_000_000, "{} bytes", table.bytes());
    for round in 1..10 {
        visit(round * 100_000, round * 3_600 * SECOND);
        assert!(table.len() <= 200_000, "{}", table.len());
    }
    assert!(table.bytes() < 16_000_000, "{} bytes", table.bytes());
    for number in 0..20_000 {
        let now = 90_000 * SECOND + number * SECOND;
        table
            .take(&format!("late:{number}"), &rules, now, 1)
            .unwrap();
    }
    assert!(table.len() < 10_000, "{}", table.len());
    assert!(table.bytes() < 1_000_000, "{} bytes", table.bytes());
}

#[test]
fn sweeping_never_forgets_a_key_that_is_still_in_debt() {
    let (table, rules) = (LimitTable::new(), [requests(2, 3_600)]);
    assert_eq!(passed(&table, "spent", &rules, SECOND), 2);
    let brief = [requests(1_000, 1)];
    for number in 0..50_000 {
        table
            .take(&format!("{number}"), &brief, SECOND + number * 1_000_000, 1)
            .unwrap();
    }
    assert_eq!(passed(&table, "spent", &rules, 60 * SECOND), 0);
}
