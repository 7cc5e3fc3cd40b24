//! The ledger as one process, or several, see it: over a store in memory that can be taken away.

mod counting;
mod crash;
mod fake;
mod holds;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::journal::{Durability, Subject, UsageSource};
use super::{Bill, Nanos, Payer, Settings, Staff, Treasury, UsageCounts, open};
use fake::Fake;

/// The caller of the tests: user 1 of team 1, with key 1.
const CALLER: Payer = Payer {
    org: Some(1),
    team: Some(1),
    user: Some(1),
    key: Some(1),
};

fn settings(folder: &Path) -> Settings {
    Settings {
        name: "test".into(),
        journal: folder.join("journal"),
        durability: Durability::Process,
        patience: Duration::from_millis(500),
        lease_ttl: Duration::from_secs(60),
        quarantine: Duration::from_secs(600),
        backlog: 100_000,
        credit_usd_ppm: 1_000_000,
        bill_orphans: true,
    }
}

fn start(fake: &Arc<Fake>, folder: &Path) -> (Arc<Treasury>, Staff) {
    let treasury = open(Arc::clone(fake) as _, settings(folder)).unwrap();
    let staff = Staff::start(&treasury).unwrap();
    (treasury, staff)
}

fn subject() -> Subject {
    Subject {
        request_id: Uuid::now_v7(),
        org: CALLER.org,
        team: CALLER.team,
        user: CALLER.user,
        key: CALLER.key,
        at_ms: 1,
        model: "m".into(),
        provider: "p".into(),
        price_version: 0,
    }
}

fn bill(cost: i64) -> Bill {
    Bill {
        provider: "p".into(),
        model: "m".into(),
        attempt: 1,
        usage: UsageCounts::default(),
        cost: Nanos::new(cost),
        source: UsageSource::Provider,
    }
}

async fn hold(treasury: &Arc<Treasury>, amount: i64) -> Result<super::Hold, super::NoMoney> {
    let (purse, amount) = (treasury.purse(&CALLER), Nanos::new(amount));
    treasury.hold(purse, subject(), amount, amount).await
}

/// Waits for what another thread does; fails when it does not.
fn eventually(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(10), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Everything is settled and nothing is held.
fn settled(treasury: &Treasury) {
    eventually("settled", || treasury.figures().backlog == 0);
}
