//! Why: what time brings to wallets, sentence by sentence.

use super::super::super::sql::{Engine, SqlStore, Work, values};
use super::super::{Funding, HoldMode, LedgerStore, OwnerType, WalletId, absence, period};
use super::world::*;
use crate::money::Nanos;

/// Midnight of the first of December 2026.
const DECEMBER: i64 = NOON + DAY * 4 + DAY / 2;

/// A team with a pool of 1,000 and members with quotas of 100, each month.
struct House {
    org: i64,
    team: i64,
    pool: WalletId,
    users: Vec<i64>,
    quotas: Vec<WalletId>,
}

fn house<E: Engine>(store: &SqlStore<E>, percent: i64, members: usize) -> House {
    let org = org(store, "a");
    let team = team(store, org, percent);
    let pool = wallet(store, org, Terms::of(OwnerType::Team, team).monthly(1_000));
    let users: Vec<i64> = (0..members).map(|_| user(store, org, team)).collect();
    let quota = |user: &i64| wallet(store, org, Terms::of(OwnerType::Quota, *user).monthly(100));
    let quotas = users.iter().map(quota).collect();
    assert!(store.housekeep(NOON).unwrap());
    House {
        org,
        team,
        pool,
        users,
        quotas,
    }
}

fn away<E: Engine>(store: &SqlStore<E>, org: i64, user: i64, from: i64, to: i64) -> i64 {
    run(
        store,
        "INSERT INTO absences (org_id, user_id, starts_at, ends_at, created_at) \
         VALUES ($1, $2, $3, $4, 0)",
        values![org, user, from, to],
    );
    ask(store, "SELECT max(id) FROM absences", &[])[0][0]
}

fn balance<E: Engine>(store: &SqlStore<E>, wallet: WalletId) -> i64 {
    state(store, wallet)[0]
}

/// Keeps house until nothing is left to do; partitions are made at times.
fn keep<E: Engine>(store: &SqlStore<E>, now: i64) {
    let mut rounds = 0..3;
    while store.housekeep(now).unwrap() {
        assert!(rounds.next().is_some(), "there is no end to it");
    }
}

fn loans<E: Engine>(store: &SqlStore<E>) -> i64 {
    ask(
        store,
        "SELECT count(*) FROM loans WHERE state <> 'closed'",
        &[],
    )[0][0]
}

fn spend<E: Engine>(store: &SqlStore<E>, org: i64, wallet: WalletId, amount: i64) {
    let one = store.enlist("spender", 0).unwrap();
    assert_eq!(take(store, one, wallet, amount), amount);
    let spent = settled(org, &[pay(wallet, amount)], 0);
    store.settle(one, &[spent], NOON).unwrap();
    store.retire(one).unwrap();
}

fn a_period_begins_once_whatever_the_clock_does<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 0, 1);
    let quota = made.quotas[0];
    assert_eq!(state(store, quota), [100, 100, 0, 0, 0]);
    spend(store, made.org, quota, 70);
    spend(store, made.org, made.pool, 7);
    for now in [NOON, NOON - 400 * DAY, DECEMBER - 1] {
        keep(store, now);
        assert_eq!(state(store, quota), [30, 30, 70, 70, 0]);
    }
    assert!(store.housekeep(DECEMBER).unwrap());
    assert_eq!(state(store, quota), [100, 100, 0, 0, 0]);
    let used = ask(
        store,
        "SELECT used_pool FROM teams WHERE id = $1",
        values![made.team],
    );
    assert_eq!(used, [[0]]);
    spend(store, made.org, quota, 20);
    for now in [DECEMBER, DECEMBER - 1, NOON, DECEMBER + 30 * DAY] {
        keep(store, now);
        assert_eq!(state(store, quota), [80, 80, 20, 20, 0]);
    }
    let resets = ask(
        store,
        "SELECT count(*) FROM transactions WHERE type = 'reset' AND wallet_id = $1",
        values![quota.0],
    );
    assert_eq!(resets, [[2]]);
    assert_sound(store);
}

fn what_is_leased_when_a_period_begins_counts_for_the_new_one<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 0, 1);
    let quota = made.quotas[0];
    let one = store.enlist("one", 0).unwrap();
    take(store, one, quota, 60);
    run(
        store,
        "UPDATE wallets SET allowance = 40 WHERE id = $1",
        values![quota.0],
    );
    store.housekeep(DECEMBER).unwrap();
    assert_eq!(state(store, quota), [40, -20, 60, 0, 0]);
    assert_sound(store);
    assert_eq!(take(store, one, quota, 1), 0);
    store
        .settle(one, &[settled(made.org, &[pay(quota, 10)], 0)], DECEMBER)
        .unwrap();
    store.give_back(one, &[(quota, Nanos::new(50))]).unwrap();
    assert_eq!(state(store, quota), [30, 30, 10, 10, 0]);
    assert_sound(store);
}

fn a_budget_without_an_allowance_only_counts_anew<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let terms = Terms {
        hard_limit: Some(50),
        period: "day",
        period_start: period::start_of("day", NOON).unwrap(),
        ..Terms::of(OwnerType::Key, 1)
    };
    let key = wallet(store, tenant, terms);
    credit(store, key, 500).unwrap();
    spend(store, tenant, key, 50);
    let one = store.enlist("one", 0).unwrap();
    assert_eq!(take(store, one, key, 10), 0);
    keep(store, NOON);
    assert!(store.housekeep(NOON + DAY).unwrap());
    assert_eq!(state(store, key), [450, 450, 0, 0, 0]);
    assert_eq!(take(store, one, key, 10), 10);
    assert_sound(store);
}

fn a_new_wallet_gets_its_allowance_at_once<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let terms = Terms {
        allowance: Some(70),
        ..Terms::of(OwnerType::Key, 1)
    };
    let key = wallet(store, tenant, terms);
    let refill = || {
        store
            .engine
            .run(Work::Governance, &mut |tx| period::refill(tx, key, NOON))
    };
    refill().unwrap();
    assert_eq!(state(store, key), [70, 70, 0, 0, 0]);
    spend(store, tenant, key, 30);
    refill().unwrap();
    assert_eq!(state(store, key), [70, 70, 0, 0, 0]);
    assert_sound(store);
}

fn who_is_away_lends_a_share_and_gets_the_rest_back<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 33, 1);
    let quota = made.quotas[0];
    spend(store, made.org, quota, 11);
    away(store, made.org, made.users[0], NOON + 1, NOON + DAY);
    assert!(!store.housekeep(NOON).unwrap());
    assert!(store.housekeep(NOON + 1).unwrap());
    assert!(!store.housekeep(NOON + 1).unwrap());
    // A third of 89, rounded down.
    assert_eq!(
        (balance(store, quota), balance(store, made.pool)),
        (60, 1_029)
    );
    spend(store, made.org, made.pool, 1_009);
    assert!(store.housekeep(NOON + DAY).unwrap());
    assert!(!store.housekeep(NOON + DAY).unwrap());
    // Its own 1,000 went first, then 9 of the loan.
    assert_eq!((balance(store, quota), balance(store, made.pool)), (80, 0));
    assert_eq!(loans(store), 0);
    assert_sound(store);
}

fn what_is_leased_of_a_loan_returns_when_it_comes_back<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 50, 1);
    let quota = made.quotas[0];
    let id = away(store, made.org, made.users[0], NOON, NOON + DAY);
    store.housekeep(NOON).unwrap();
    let one = store.enlist("one", 0).unwrap();
    take(store, one, made.pool, 1_030);
    let end = |now| {
        store
            .engine
            .run(Work::Governance, &mut |tx| absence::end(tx, id, now))
    };
    assert!(end(NOON + 5).unwrap());
    assert!(!end(NOON + 6).unwrap());
    assert_eq!(
        (balance(store, quota), balance(store, made.pool)),
        (70, 1_030)
    );
    assert_eq!(store.wanted(one).unwrap(), [(made.pool, 1)]);
    assert!(!store.housekeep(NOON + 7).unwrap());
    assert_eq!(store.wanted(one).unwrap(), [(made.pool, 2)]);
    let spent = settled(made.org, &[pay(made.pool, 1_010)], 0);
    store.settle(one, &[spent], NOON).unwrap();
    store
        .give_back(one, &[(made.pool, Nanos::new(15))])
        .unwrap();
    assert!(store.housekeep(NOON + 7).unwrap());
    assert_eq!((balance(store, quota), loans(store)), (85, 1));
    store.retire(one).unwrap();
    assert!(store.housekeep(NOON + 7).unwrap());
    assert_eq!((balance(store, quota), balance(store, made.pool)), (90, 0));
    assert_eq!(loans(store), 0);
    assert_sound(store);
}

fn absences_that_overlap_may_end_in_any_order<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 50, 2);
    let first = away(store, made.org, made.users[0], NOON, NOON + 2 * DAY);
    let second = away(store, made.org, made.users[1], NOON, NOON + 2 * DAY);
    store.housekeep(NOON).unwrap();
    assert_eq!(balance(store, made.pool), 1_100);
    spend(store, made.org, made.pool, 1_020);
    let end = |id| {
        store
            .engine
            .run(Work::Governance, &mut |tx| absence::end(tx, id, NOON + 1))
    };
    // The one that lent first has paid what was spent, even if it returns last.
    end(second).unwrap();
    assert_eq!(balance(store, made.quotas[1]), 100);
    end(first).unwrap();
    assert_eq!(balance(store, made.quotas[0]), 80);
    assert_eq!(balance(store, made.pool), 0);
    assert_sound(store);
}

fn a_new_quota_is_lent_anew_and_a_new_pool_keeps_its_loans<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 50, 1);
    let quota = made.quotas[0];
    away(store, made.org, made.users[0], NOON, DECEMBER + 9 * DAY);
    store.housekeep(NOON).unwrap();
    spend(store, made.org, made.pool, 1_010);
    spend(store, made.org, quota, 20);
    store.housekeep(DECEMBER).unwrap();
    assert_eq!(
        (balance(store, quota), balance(store, made.pool)),
        (50, 1_050)
    );
    assert_sound(store);
    // The pool alone begins anew: the share was of the whole month.
    run(
        store,
        "UPDATE wallets SET period = 'day' WHERE id = $1",
        values![made.pool.0],
    );
    spend(store, made.org, made.pool, 1_040);
    store.housekeep(DECEMBER + DAY).unwrap();
    assert_eq!(
        (balance(store, quota), balance(store, made.pool)),
        (50, 1_010)
    );
    store.housekeep(DECEMBER + 9 * DAY).unwrap();
    assert_eq!(
        (balance(store, quota), balance(store, made.pool)),
        (60, 1_000)
    );
    assert_sound(store);
}

fn an_absence_that_nobody_saw_begin_lends_nothing<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 50, 1);
    away(store, made.org, made.users[0], NOON, NOON + 1);
    assert!(store.housekeep(NOON + DAY).unwrap());
    let states = ask(
        store,
        "SELECT count(*) FROM absences WHERE state = 'ended' AND version = 2",
        &[],
    );
    assert_eq!(states, [[1]]);
    assert_eq!(ask(store, "SELECT count(*) FROM loans", &[]), [[0]]);
    assert!(!store.housekeep(NOON).unwrap());
    assert_sound(store);
}

fn nothing_is_lent_without_wallets_or_share<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let bare = team(store, tenant, 50);
    let alone = user(store, tenant, bare);
    away(store, tenant, alone, NOON, NOON + DAY);
    wallet(
        store,
        tenant,
        Terms::of(OwnerType::Quota, alone).monthly(100),
    );
    store.housekeep(NOON).unwrap();
    store.housekeep(NOON + DAY).unwrap();
    assert_eq!(ask(store, "SELECT count(*) FROM loans", &[]), [[0]]);
    assert_sound(store);
}

fn rules_are_told_and_their_stamp_moves_with_them<E: Engine>(store: &SqlStore<E>) {
    let made = house(store, 0, 1);
    let stamp = || store.rules_stamp().unwrap();
    let rules = store.rules().unwrap();
    assert_eq!(rules.wallets.len(), 2, "the house's is not among them");
    assert_eq!(rules.wallets[0].owner_type, OwnerType::Team);
    let default = Funding {
        order: Some(vec![OwnerType::Quota, OwnerType::User, OwnerType::Team]),
        markup_ppm: Some(1_000_000),
    };
    assert_eq!(rules.organisations, [(made.org, default)]);
    assert_eq!(rules.teams, []);
    let before = stamp();
    spend(store, made.org, made.pool, 5);
    assert_eq!(stamp(), before, "balances are no rules");
    run(
        store,
        "UPDATE wallets SET mode = 'cap', cap = 7 WHERE id = $1",
        values![made.pool.0],
    );
    run(
        store,
        "UPDATE teams SET markup_ppm = 5, funding_order = 'team'",
        &[],
    );
    assert!(stamp() > before);
    let rules = store.rules().unwrap();
    assert_eq!(rules.wallets[0].mode, HoldMode::Cap(Nanos::new(7)));
    assert_eq!(rules.wallets[0].spent, Nanos::new(5));
    let funding = Funding {
        order: Some(vec![OwnerType::Team]),
        markup_ppm: Some(5),
    };
    assert_eq!(rules.teams, [(made.team, funding)]);
}

fn a_price_table_has_one_number<E: Engine>(store: &SqlStore<E>) {
    let (one, two) = ("a".repeat(64), "b".repeat(64));
    let first = store.price_version(&one, 1).unwrap();
    assert_eq!(store.price_version(&one, 2).unwrap(), first);
    assert_ne!(store.price_version(&two, 3).unwrap(), first);
}

super::sentences!(
    a_period_begins_once_whatever_the_clock_does,
    what_is_leased_when_a_period_begins_counts_for_the_new_one,
    a_budget_without_an_allowance_only_counts_anew,
    a_new_wallet_gets_its_allowance_at_once,
    who_is_away_lends_a_share_and_gets_the_rest_back,
    what_is_leased_of_a_loan_returns_when_it_comes_back,
    absences_that_overlap_may_end_in_any_order,
    a_new_quota_is_lent_anew_and_a_new_pool_keeps_its_loans,
    an_absence_that_nobody_saw_begin_lends_nothing,
    nothing_is_lent_without_wallets_or_share,
    rules_are_told_and_their_stamp_moves_with_them,
    a_price_table_has_one_number,
);
