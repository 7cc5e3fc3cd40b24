//! Why: what a lease promises, sentence by sentence.

use super::super::super::sql::{Engine, SqlStore, values};
use super::super::{Denied, HolderId, LedgerStore, OwnerType, WalletId};
use super::world::*;
use crate::money::Nanos;
use crate::store::StoreFault;

fn what_is_leased_is_gone_for_all_others<E: Engine>(store: &SqlStore<E>) {
    let wallet = prepaid(store, org(store, "a"), 100);
    let (one, two) = (
        store.enlist("one", 0).unwrap(),
        store.enlist("two", 0).unwrap(),
    );
    assert_eq!(take(store, one, wallet, 70), 70);
    let taken = store.take(two, &[want(wallet, 70, 70)]).unwrap();
    let (granted, elsewhere) = (taken[0].granted.get(), taken[0].elsewhere.get());
    assert_eq!((granted, elsewhere, taken[0].left), (30, 70, Nanos::ZERO));
    assert_eq!(taken[0].denied, None);
    assert_eq!(state(store, wallet), [100, 0, 100, 0, 0]);
    assert_sound(store);
}

fn plenty_is_shared_and_the_least_is_met_all_the_same<E: Engine>(store: &SqlStore<E>) {
    let wallet = prepaid(store, org(store, "a"), 1_000);
    let one = store.enlist("one", 0).unwrap();
    store.enlist("two", 0).unwrap();
    let get = |least, most| store.take(one, &[want(wallet, least, most)]).unwrap()[0];
    // A quarter of 1,000: two holders, and twice for each.
    assert_eq!(get(1, 1_000).granted, Nanos::new(250));
    assert_eq!(get(10, 40).granted, Nanos::new(40));
    assert_eq!(get(600, 1_000).granted, Nanos::new(600));
    assert_eq!(get(0, 1_000).granted, Nanos::new(27));
    assert_eq!(get(0, 0).granted, Nanos::ZERO);
    assert_sound(store);
}

fn a_wish_that_is_not_met_is_told_to_those_who_hold<E: Engine>(store: &SqlStore<E>) {
    let wallet = prepaid(store, org(store, "a"), 100);
    let (one, two) = (
        store.enlist("one", 0).unwrap(),
        store.enlist("two", 0).unwrap(),
    );
    take(store, one, wallet, 90);
    assert_eq!(store.wanted(one).unwrap(), []);
    assert_eq!(take(store, two, wallet, 20), 10);
    assert_eq!(take(store, two, wallet, 20), 0);
    assert_eq!(store.wanted(one).unwrap(), [(wallet, 2)]);
    store.give_back(one, &[(wallet, Nanos::new(50))]).unwrap();
    assert_eq!(take(store, two, wallet, 20), 20);
    assert_sound(store);
}

fn no_more_comes_back_than_is_idle<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 100);
    let other = prepaid(store, tenant, 100);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 60);
    let spent = settled(tenant, &[pay(wallet, 25)], 0);
    store.settle(one, &[spent], NOON).unwrap();
    let all = [
        (wallet, Nanos::new(1_000)),
        (other, Nanos::new(5)),
        (WalletId(77), Nanos::new(5)),
    ];
    store.give_back(one, &all).unwrap();
    assert_eq!(state(store, wallet), [75, 75, 25, 25, 0]);
    assert_eq!(state(store, other), [100, 100, 0, 0, 0]);
    store.give_back(one, &[(wallet, Nanos::new(-5))]).unwrap();
    assert_eq!(state(store, wallet), [75, 75, 25, 25, 0]);
    assert_sound(store);
}

fn an_overdraft_is_leased_and_a_hard_limit_is_kept<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let overdrawn = Terms {
        overdraft: 50,
        hard_limit: Some(40),
        ..Terms::of(OwnerType::Organisation, tenant)
    };
    let wallet = wallet(store, tenant, overdrawn);
    let one = store.enlist("one", 0).unwrap();
    assert_eq!(take(store, one, wallet, 30), 30);
    let taken = store.take(one, &[want(wallet, 30, 30)]).unwrap();
    assert_eq!((taken[0].granted.get(), taken[0].denied), (10, None));
    let taken = store.take(one, &[want(wallet, 1, 1)]).unwrap();
    assert_eq!(taken[0].denied, Some(Denied::HardLimit));
    run(store, "UPDATE wallets SET hard_limit = NULL", &[]);
    assert_eq!(take(store, one, wallet, 30), 10);
    assert_eq!(state(store, wallet), [0, -50, 50, 0, 0]);
    assert_sound(store);
}

fn a_frozen_wallet_gives_nothing_and_settles<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 100);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 60);
    for (word, denied) in [("frozen", Denied::Frozen), ("closed", Denied::Closed)] {
        run(
            store,
            "UPDATE wallets SET status = $1 WHERE id = $2",
            values![word, wallet.0],
        );
        let taken = store.take(one, &[want(wallet, 1, 1)]).unwrap();
        assert_eq!(
            (taken[0].granted, taken[0].denied),
            (Nanos::ZERO, Some(denied))
        );
        let spent = settled(tenant, &[pay(wallet, 5)], 0);
        assert_eq!(store.settle(one, &[spent], NOON).unwrap().posted, 1);
    }
    for strange in [WalletId(999), house(store, tenant)] {
        let taken = store.take(one, &[want(strange, 1, 1)]).unwrap();
        assert_eq!(
            (taken[0].granted, taken[0].denied),
            (Nanos::ZERO, Some(Denied::Closed))
        );
    }
    assert_sound(store);
}

fn one_wish_may_name_a_wallet_twice_and_many_at_once<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallets: Vec<WalletId> = (0..9).map(|_| prepaid(store, tenant, 100)).collect();
    let one = store.enlist("one", 0).unwrap();
    let mut wants: Vec<_> = wallets.iter().rev().map(|id| want(*id, 60, 60)).collect();
    wants.push(want(wallets[0], 60, 60));
    let taken = store.take(one, &wants).unwrap();
    assert!(
        taken
            .iter()
            .zip(&wants)
            .all(|(taken, want)| taken.wallet == want.wallet)
    );
    let granted: Vec<i64> = taken.iter().map(|taken| taken.granted.get()).collect();
    assert_eq!(granted, [60, 60, 60, 60, 60, 60, 60, 60, 60, 40]);
    assert_sound(store);
}

fn a_fenced_holder_leases_nothing_and_its_leases_are_back<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 100);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 80);
    store
        .settle(one, &[settled(tenant, &[pay(wallet, 30)], 0)], NOON)
        .unwrap();
    let beat = |holder: HolderId| {
        let all = store.holders().unwrap();
        all.into_iter()
            .find(|row| row.id == holder)
            .map(|row| row.beat)
    };
    assert_eq!(beat(one), Some(0));
    assert!(store.beat(one).unwrap());
    assert!(!store.fence(one, 0).unwrap(), "it was heard of meanwhile");
    assert!(store.fence(one, 1).unwrap());
    assert!(!store.fence(one, 1).unwrap());
    assert!(!store.beat(one).unwrap());
    assert_eq!(beat(one), None);
    assert_eq!(state(store, wallet), [70, 70, 30, 30, 0]);
    let refused = store.take(one, &[want(wallet, 1, 1)]);
    assert!(matches!(refused, Err(StoreFault::Fenced)));
    store.give_back(one, &[(wallet, Nanos::new(10))]).unwrap();
    assert_sound(store);
}

fn a_fenced_holder_settles_and_that_is_folded_later<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 100);
    let (one, two) = (
        store.enlist("one", 0).unwrap(),
        store.enlist("two", 0).unwrap(),
    );
    take(store, one, wallet, 80);
    assert!(store.fence(one, 0).unwrap());
    assert_eq!(take(store, two, wallet, 100), 100);
    store
        .settle(one, &[settled(tenant, &[pay(wallet, 30)], 0)], NOON)
        .unwrap();
    assert_sound(store);
    assert_eq!(state(store, wallet), [70, 0, 100, 30, 0]);
    assert_eq!(store.holders().unwrap().len(), 2);
    assert!(store.housekeep(NOON).unwrap());
    assert!(!store.housekeep(NOON).unwrap());
    assert_eq!(state(store, wallet), [70, -30, 130, 30, 0]);
    assert_eq!(store.holders().unwrap().len(), 1);
    assert_sound(store);
}

fn a_holder_that_retires_leaves_nothing_behind<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 100);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 80);
    store
        .settle(one, &[settled(tenant, &[pay(wallet, 80)], 0)], NOON)
        .unwrap();
    store.retire(one).unwrap();
    store.retire(one).unwrap();
    assert_eq!(state(store, wallet), [20, 20, 80, 80, 0]);
    assert!(store.holders().unwrap().is_empty());
    assert!(!store.fence(one, 0).unwrap());
    let refused = store.take(one, &[want(wallet, 1, 1)]);
    assert!(matches!(refused, Err(StoreFault::Fenced)));
    assert_sound(store);
}

fn epochs_rise_and_strangers_are_refused<E: Engine>(store: &SqlStore<E>) {
    let one = store.enlist("same", 0).unwrap();
    let two = store.enlist("same", 0).unwrap();
    assert!(two > one);
    let stranger = HolderId(two.0 + 1);
    assert!(matches!(
        store.take(stranger, &[]),
        Err(StoreFault::Missing)
    ));
    assert!(matches!(store.fence(stranger, 0), Err(StoreFault::Missing)));
    assert!(!store.beat(stranger).unwrap());
}

super::sentences!(
    what_is_leased_is_gone_for_all_others,
    plenty_is_shared_and_the_least_is_met_all_the_same,
    a_wish_that_is_not_met_is_told_to_those_who_hold,
    no_more_comes_back_than_is_idle,
    an_overdraft_is_leased_and_a_hard_limit_is_kept,
    a_frozen_wallet_gives_nothing_and_settles,
    one_wish_may_name_a_wallet_twice_and_many_at_once,
    a_fenced_holder_leases_nothing_and_its_leases_are_back,
    a_fenced_holder_settles_and_that_is_folded_later,
    a_holder_that_retires_leaves_nothing_behind,
    epochs_rise_and_strangers_are_refused,
);
