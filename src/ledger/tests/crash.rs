//! What a process leaves behind when it dies, and what its successor makes of it.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{bill, eventually, hold, settled, start};
use crate::ledger::tests::fake::Fake;
use crate::ledger::{Hold, Nanos, Staff, Treasury};
use crate::store::{HoldMode, LedgerStore, OwnerType, UsageSource, WalletId};

fn store() -> Arc<Fake> {
    let wallets = [(OwnerType::User, 1, 10_000), (OwnerType::Key, 1, 10_000)];
    Arc::new(Fake::with(&wallets, HoldMode::Strict))
}

/// Ends the threads and forgets all memory, as a kill does; the journal's lock is let go.
fn kill(treasury: Arc<Treasury>, staff: Staff) {
    drop(staff);
    eventually("threads end", || Arc::strong_count(&treasury) == 1);
    drop(treasury);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_flight_at_a_kill_are_charged_what_they_held() {
    let (fake, folder) = (store(), tempfile::tempdir().unwrap());
    let (treasury, staff) = start(&fake, folder.path());
    hold(&treasury, 1_000).await.unwrap().settle(&bill(123));
    let mut orphan = hold(&treasury, 1_000).await.unwrap();
    eventually("extended", || orphan.extend(Nanos::new(500)));
    settled(&treasury);
    // The hold is never dropped: its process is gone.
    mem::forget(orphan);
    staff_only(staff);
    let folder_of_journals = folder.path().join("journal");
    release_locks(&folder_of_journals);
    let (treasury, mut staff) = start(&fake, folder.path());
    {
        let state = fake.state.lock().unwrap();
        assert_eq!(state.balance[&WalletId(1)], 10_000 - 123 - 1_500);
        assert_eq!(state.balance[&WalletId(2)], 10_000 - 123 - 1_500);
        let last = state.settled.last().unwrap();
        assert!(last.estimated && last.source == UsageSource::Hold);
        assert_eq!(last.cost, Nanos::new(1_500));
    }
    fake.assert_sound();
    hold(&treasury, 8_000)
        .await
        .expect("all leases came back")
        .void();
    staff.close(Duration::from_secs(5));
}

/// Ends the threads.
fn staff_only(staff: Staff) {
    drop(staff);
    std::thread::sleep(Duration::from_millis(300));
}

/// A lock of a file dies with its process; here it is copied away from under its owner.
fn release_locks(root: &std::path::Path) {
    for holder in std::fs::read_dir(root).unwrap().flatten() {
        let path = holder.path();
        if path.is_dir() {
            let lock = path.join("lock");
            let _ = std::fs::remove_file(&lock);
            std::fs::write(&lock, "").unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settlements_that_never_reached_the_store_are_posted_by_the_next_start() {
    let (fake, folder) = (store(), tempfile::tempdir().unwrap());
    let (treasury, staff) = start(&fake, folder.path());
    let held = hold(&treasury, 1_000).await.unwrap();
    fake.is_away
        .store(true, std::sync::atomic::Ordering::Relaxed);
    held.settle(&bill(700));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(fake.state.lock().unwrap().settled.len(), 0);
    mem::forget(Arc::clone(&treasury));
    staff_only(staff);
    fake.is_away
        .store(false, std::sync::atomic::Ordering::Relaxed);
    release_locks(&folder.path().join("journal"));
    let (_treasury, _staff) = start(&fake, folder.path());
    let state = fake.state.lock().unwrap();
    assert_eq!(state.settled.len(), 1);
    assert_eq!(state.balance[&WalletId(1)], 9_300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fenced_process_settles_the_old_and_leases_anew() {
    let (fake, folder) = (store(), tempfile::tempdir().unwrap());
    let (treasury, mut staff) = start(&fake, folder.path());
    let old = hold(&treasury, 1_000).await.unwrap();
    let holder = fake.holders().unwrap().pop().unwrap();
    assert!(fake.fence(holder.id, holder.beat).unwrap());
    // Asking for more makes the keeper notice; the first answer may still be a refusal.
    let _ = hold(&treasury, 8_000).await;
    eventually("a new term", || {
        fake.holders()
            .unwrap()
            .iter()
            .any(|row| row.id != holder.id)
    });
    hold(&treasury, 8_000).await.expect("leased anew").void();
    old.settle(&bill(400));
    settled(&treasury);
    assert_eq!(fake.state.lock().unwrap().balance[&WalletId(1)], 9_600);
    staff.close(Duration::from_secs(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clean_end_leaves_nothing_leased_and_nothing_to_recover() {
    let (fake, folder) = (store(), tempfile::tempdir().unwrap());
    let (treasury, mut staff) = start(&fake, folder.path());
    for _ in 0..20 {
        hold(&treasury, 100).await.unwrap().settle(&bill(10));
    }
    staff.close(Duration::from_secs(5));
    let left = fake.state.lock().unwrap().balance[&WalletId(1)];
    assert_eq!(left, 9_800);
    kill(treasury, staff);
    let (treasury, _staff) = start(&fake, folder.path());
    assert_eq!(fake.state.lock().unwrap().settled.len(), 20);
    hold(&treasury, 9_800)
        .await
        .expect("all of it is free")
        .void();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_forgets_after_a_failover_is_sent_again_and_old_leases_are_not_used() {
    let (fake, folder) = (store(), tempfile::tempdir().unwrap());
    let (treasury, _staff) = start(&fake, folder.path());
    for _ in 0..5 {
        hold(&treasury, 100).await.unwrap().settle(&bill(10));
    }
    settled(&treasury);
    let replica = fake.state.lock().unwrap().clone();
    for _ in 0..7 {
        hold(&treasury, 1_000).await.unwrap().settle(&bill(300));
    }
    settled(&treasury);
    let running = hold(&treasury, 1_000).await.unwrap();
    // The database goes away, and a replica takes over that has not heard of the last seven.
    fake.is_away.store(true, Ordering::Relaxed);
    *fake.state.lock().unwrap() = replica;
    eventually("away", || !treasury.figures().is_store_there);
    fake.is_away.store(false, Ordering::Relaxed);
    eventually("sent again", || {
        fake.state.lock().unwrap().settled.len() == 12
    });
    assert_eq!(running.settle(&bill(400)), Nanos::ZERO);
    settled(&treasury);
    eventually("a new lease", || {
        fake.state.lock().unwrap().balance[&WalletId(1)] == 10_000 - 50 - 2_100 - 400
    });
    // The old term ends with its last request, so that all the rest can be had again.
    eventually("the old term's leases to go back", || fake.live() == 1);
    let all_the_rest = 10_000 - 50 - 2_100 - 400;
    let mut tries = 0;
    while hold(&treasury, all_the_rest).await.map(Hold::void).is_err() {
        tries += 1;
        assert!(tries < 40, "the old leases did not come back");
    }
    fake.assert_sound();
    assert_eq!(fake.state.lock().unwrap().settled.len(), 13);
}
