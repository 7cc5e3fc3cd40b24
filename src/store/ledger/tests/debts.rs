//! Why: what cost more than was held is still paid by who owes it; and a store that has forgotten
//! something says so.

use uuid::Uuid;

use super::super::super::sql::{Engine, SqlStore, Work};
use super::super::{HolderId, LedgerStore, OwnerType, Remembered, Settled};
use super::world::*;
use crate::money::Nanos;
use crate::store::StoreFault;

fn what_was_not_held_is_taken_from_what_nobody_leased_and_the_rest_is_owed<E: Engine>(
    store: &SqlStore<E>,
) {
    let tenant = org(store, "a");
    let purse = prepaid(store, tenant, 100);
    let budget = wallet(store, tenant, Terms::of(OwnerType::Key, 1));
    credit(store, budget, 200).unwrap();
    let one = store.enlist("one", 0).unwrap();
    for id in [purse, budget] {
        assert_eq!(take(store, one, id, 20), 20);
    }
    let spent = settled(tenant, &[pay(purse, 20), cap(budget, 20)], 30);
    let again = [spent.clone(), spent];
    assert_eq!(store.settle(one, &again, NOON).unwrap().posted, 1);
    // Balance, not leased, drawn, spent, owed.
    assert_eq!(state(store, purse), [50, 50, 50, 50, 0]);
    assert_eq!(state(store, budget), [150, 150, 50, 50, 0]);
    assert_sound(store);
    let dear = settled(tenant, &[pay(purse, 0), cap(budget, 0)], 70);
    store.settle(one, &[dear], NOON).unwrap();
    assert_eq!(state(store, purse), [0, 0, 100, 100, 20]);
    assert_eq!(state(store, budget), [80, 80, 120, 120, 0]);
    // What is owed cannot be spent once more.
    credit(store, purse, 30).unwrap();
    assert_eq!(take(store, one, purse, 30), 10);
    assert_sound(store);
}

fn a_budget_alone_covers_what_it_has_not_leased<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let budget = wallet(store, tenant, Terms::of(OwnerType::Key, 1));
    credit(store, budget, 100).unwrap();
    let one = store.enlist("one", 0).unwrap();
    take(store, one, budget, 20);
    let capped = |amount: i64, cost: i64| Settled {
        cost: Nanos::new(cost),
        ..settled(tenant, &[cap(budget, amount)], cost - amount)
    };
    store
        .settle(one, &[capped(20, 50), capped(0, 90)], NOON)
        .unwrap();
    assert_eq!(state(store, budget), [0, 0, 100, 100, 40]);
    store.settle(one, &[capped(0, 10)], NOON).unwrap();
    assert_eq!(state(store, budget), [0, 0, 100, 100, 50]);
    assert_sound(store);
}

fn what_was_confirmed_is_remembered_and_who_was_forgotten_may_settle<E: Engine>(
    store: &SqlStore<E>,
) {
    let tenant = org(store, "a");
    let purse = prepaid(store, tenant, 100);
    let one = store.enlist("one", 0).unwrap();
    let nothing = store.remembered(one, None).unwrap();
    assert_eq!(nothing, Remembered::default());
    take(store, one, purse, 60);
    store.give_back(one, &[(purse, Nanos::new(10))]).unwrap();
    let spent = settled(tenant, &[pay(purse, 20)], 0);
    let key = (spent.subject.request_id, spent.attempt);
    store
        .settle(one, std::slice::from_ref(&spent), NOON)
        .unwrap();
    let known = store.remembered(one, Some(key)).unwrap();
    assert_eq!(known.granted, [(purse, Nanos::new(50))]);
    assert!(known.is_posted);
    for other in [(key.0, key.1 + 1), (Uuid::now_v7(), key.1)] {
        assert!(!store.remembered(one, Some(other)).unwrap().is_posted);
    }
    // A number that the store has never given, or has forgotten.
    let gone = HolderId(one.0 + 40);
    assert_eq!(store.remembered(gone, None).unwrap(), Remembered::default());
    assert!(matches!(
        store.take(gone, &[]),
        Err(StoreFault::Missing | StoreFault::Fenced)
    ));
    let late = settled(tenant, &[pay(purse, 5)], 0);
    for posted in [2, 0] {
        let batch = [spent.clone(), late.clone(), settled(tenant, &[], 0)];
        let done = store.settle(gone, &batch[..2 + posted / 2], NOON).unwrap();
        assert_eq!(done.posted, posted);
    }
    assert!(!store.beat(gone).unwrap(), "it may not lease again");
    let fresh: Vec<i64> = (0..50).map(|_| store.enlist("n", 0).unwrap().0).collect();
    assert!(!fresh.contains(&gone.0), "a number is given once");
    store.housekeep(NOON).unwrap();
    assert_sound(store);
}

fn a_transaction_has_its_wallet_for_ever<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let purse = prepaid(store, tenant, 100);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, purse, 20);
    let spent = settled(tenant, &[pay(purse, 20)], 0);
    store.settle(one, &[spent], NOON).unwrap();
    let run = |text: &str| {
        store
            .engine
            .run(Work::Governance, &mut |sql| sql.execute(text, &[]))
    };
    let nowhere = "INSERT INTO transactions (request_id, type, id, wallet_id, amount, hash, created_at) \
         SELECT request_id, 'credit', id, 4711, 1, hash, 0 FROM transactions WHERE type = 'usage'";
    run(nowhere).unwrap_err();
    run("UPDATE transactions SET wallet_id = 4711").unwrap_err();
    run("DELETE FROM wallet_pool").unwrap();
    run("DELETE FROM lease_uses").unwrap();
    run("DELETE FROM lease_grants").unwrap();
    run("DELETE FROM wallets").unwrap_err();
    run("DELETE FROM transactions").unwrap();
    run("DELETE FROM wallets").unwrap();
}

super::sentences!(
    a_transaction_has_its_wallet_for_ever,
    what_was_not_held_is_taken_from_what_nobody_leased_and_the_rest_is_owed,
    a_budget_alone_covers_what_it_has_not_leased,
    what_was_confirmed_is_remembered_and_who_was_forgotten_may_settle,
);
