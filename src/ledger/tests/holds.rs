//! Holding, extending and settling while the store is there, and when it is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::{CALLER, bill, eventually, hold, settled, start, subject};
use crate::ledger::tests::fake::Fake;
use crate::ledger::{Nanos, NoMoney};
use crate::store::{HoldMode, OwnerType, WalletId};

const CREDIT: i64 = 1_000_000_000;

fn one_user(balance: i64) -> Arc<Fake> {
    Arc::new(Fake::with(
        &[(OwnerType::User, 1, balance)],
        HoldMode::Strict,
    ))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_and_not_spent_comes_back() {
    let (fake, folder) = (one_user(CREDIT), tempfile::tempdir().unwrap());
    let (treasury, mut staff) = start(&fake, folder.path());
    let held = hold(&treasury, CREDIT).await.unwrap();
    assert_eq!(held.amount(), Some(Nanos::new(CREDIT)));
    assert_eq!(hold(&treasury, 1).await.unwrap_err(), NoMoney::Insufficient);
    assert_eq!(held.settle(&bill(400)), Nanos::ZERO);
    hold(&treasury, CREDIT - 400).await.unwrap().void();
    settled(&treasury);
    staff.close(std::time::Duration::from_secs(5));
    fake.assert_sound();
    assert_eq!(
        fake.state.lock().unwrap().balance[&WalletId(1)],
        CREDIT - 400
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_wallet_of_a_caller_is_debited_and_payers_in_their_order() {
    let wallets = [
        (OwnerType::Quota, 1, 300),
        (OwnerType::User, 1, 1_000),
        (OwnerType::Team, 1, 1_000),
        (OwnerType::Key, 1, 10_000),
        (OwnerType::Organisation, 1, 10_000),
    ];
    let fake = Arc::new(Fake::with(&wallets, HoldMode::Strict));
    let folder = tempfile::tempdir().unwrap();
    let (treasury, _staff) = start(&fake, folder.path());
    let held = hold(&treasury, 1_500).await.unwrap();
    assert_eq!(held.settle(&bill(1_400)), Nanos::ZERO);
    settled(&treasury);
    fake.assert_sound();
    let state = fake.state.lock().unwrap();
    let left: Vec<i64> = (1..=5).map(|id| state.balance[&WalletId(id)]).collect();
    assert_eq!(left, [0, 0, 900, 8_600, 8_600]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cap_refuses_what_the_payer_could_pay() {
    let wallets = [(OwnerType::User, 1, CREDIT), (OwnerType::Key, 1, 100)];
    let fake = Arc::new(Fake::with(&wallets, HoldMode::Strict));
    let folder = tempfile::tempdir().unwrap();
    let (treasury, _staff) = start(&fake, folder.path());
    assert_eq!(
        hold(&treasury, 101).await.unwrap_err(),
        NoMoney::Insufficient
    );
    hold(&treasury, 100).await.unwrap().void();
    fake.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn less_is_held_where_less_is_enough() {
    let (fake, folder) = (one_user(500), tempfile::tempdir().unwrap());
    let (treasury, _staff) = start(&fake, folder.path());
    let purse = treasury.purse(&CALLER);
    let (want, least) = (Nanos::new(800), Nanos::new(300));
    let held = treasury.hold(purse, subject(), want, least).await.unwrap();
    assert_eq!(held.amount(), Some(Nanos::new(500)));
    held.void();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cost_beyond_the_hold_is_covered_or_counted_as_overage() {
    let (fake, folder) = (one_user(1_000), tempfile::tempdir().unwrap());
    let (treasury, _staff) = start(&fake, folder.path());
    let held = hold(&treasury, 100).await.unwrap();
    // The lease may hold less than all at this moment; what is missing is asked for.
    let overage = held.settle(&bill(1_200)).get();
    assert!(overage >= 200, "{overage}");
    settled(&treasury);
    fake.assert_sound();
    let state = fake.state.lock().unwrap();
    let paid = 1_000 - state.balance[&WalletId(1)];
    assert_eq!(
        (paid + state.overage[&WalletId(1)], state.settled.len()),
        (1_200, 1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_that_nobody_resolves_is_charged_and_counted() {
    let (fake, folder) = (one_user(1_000), tempfile::tempdir().unwrap());
    let (treasury, _staff) = start(&fake, folder.path());
    drop(hold(&treasury, 300).await.unwrap());
    settled(&treasury);
    assert_eq!(treasury.figures().unresolved, 1);
    let state = fake.state.lock().unwrap();
    assert_eq!(state.balance[&WalletId(1)], 700);
    assert!(state.settled[0].estimated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_wallet_holds_nothing_and_still_settles() {
    let (fake, folder) = (one_user(1_000), tempfile::tempdir().unwrap());
    let (treasury, _staff) = start(&fake, folder.path());
    let held = hold(&treasury, 300).await.unwrap();
    fake.freeze(WalletId(1));
    eventually("frozen", || {
        treasury.can_spend(&treasury.purse(&CALLER)) == Err(NoMoney::Frozen)
    });
    assert_eq!(hold(&treasury, 1).await.unwrap_err(), NoMoney::Frozen);
    assert_eq!(held.settle(&bill(300)), Nanos::ZERO);
    settled(&treasury);
    fake.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_store_leases_last_and_then_the_answer_is_not_402() {
    let (fake, folder) = (one_user(CREDIT), tempfile::tempdir().unwrap());
    let (treasury, _staff) = start(&fake, folder.path());
    hold(&treasury, 1_000).await.unwrap().void();
    fake.is_away.store(true, Ordering::Relaxed);
    let held = hold(&treasury, 1_000).await.expect("leased before");
    assert_eq!(
        hold(&treasury, CREDIT).await.unwrap_err(),
        NoMoney::Unavailable
    );
    held.settle(&bill(1_000));
    fake.is_away.store(false, Ordering::Relaxed);
    settled(&treasury);
    fake.assert_sound();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_after_the_commit_posts_nothing_twice() {
    let (fake, folder) = (one_user(CREDIT), tempfile::tempdir().unwrap());
    let (treasury, _staff) = start(&fake, folder.path());
    fake.lost_answers.store(3, Ordering::Relaxed);
    for _ in 0..50 {
        hold(&treasury, 1_000).await.unwrap().settle(&bill(10));
    }
    settled(&treasury);
    let state = fake.state.lock().unwrap();
    assert_eq!(state.balance[&WalletId(1)], CREDIT - 500);
    assert_eq!(state.settled.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn three_processes_never_overspend_and_strand_less_than_two_holds() {
    const BUDGET: i64 = 3_000_000;
    const HOLD: i64 = 2_000;
    let (fake, folder) = (one_user(BUDGET), tempfile::tempdir().unwrap());
    let offices: Vec<_> = (0..3).map(|_| start(&fake, folder.path())).collect();
    let spent = Arc::new(AtomicI64::new(0));
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..120 {
        let (treasury, spent) = (Arc::clone(&offices[client % 3].0), Arc::clone(&spent));
        clients.spawn(async move {
            for round in 0_i64.. {
                let held = match hold(&treasury, HOLD).await {
                    Ok(held) => held,
                    // On a slow machine an answer may come too late; whoever is told so tries again.
                    Err(NoMoney::Unavailable) => continue,
                    Err(_) => return,
                };
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                let cost = 1_000 + (round * 37 + i64::try_from(client).unwrap()) % 1_000;
                assert_eq!(held.settle(&bill(cost)), Nanos::ZERO);
                spent.fetch_add(cost, Ordering::Relaxed);
            }
        });
    }
    clients.join_all().await;
    for (treasury, _) in &offices {
        settled(treasury);
        assert_eq!(treasury.figures().unresolved, 0);
    }
    fake.assert_sound();
    let spent = spent.load(Ordering::Relaxed);
    let left = fake.state.lock().unwrap().balance[&WalletId(1)];
    assert_eq!(spent + left, BUDGET);
    assert!(left < 2 * HOLD, "{left} stranded");
}
