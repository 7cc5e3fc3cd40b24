//! Why: a caller is refused only when the money is known to be gone, however much of it moves
//! while it is counted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::ledger::{Bucket, Nanos};
use crate::store::{HoldMode, OwnerType, Taken, WalletId, WalletRules, WalletStatus};

const ALL: i64 = 1_000;

fn bucket() -> Bucket {
    let bucket = Bucket::new(WalletRules {
        id: WalletId(1),
        org_id: 1,
        owner_type: OwnerType::User,
        owner_id: 1,
        mode: HoldMode::Strict,
        status: WalletStatus::Active,
        soft_limit: None,
        overage: Nanos::ZERO,
        spent: Nanos::ZERO,
    });
    bucket.grant(&taken(ALL, 0));
    bucket
}

fn taken(granted: i64, left: i64) -> Taken {
    Taken {
        wallet: WalletId(1),
        granted: Nanos::new(granted),
        left: Nanos::new(left),
        elsewhere: Nanos::ZERO,
        denied: None,
    }
}

#[test]
fn money_that_moves_is_never_counted_short() {
    let bucket = bucket();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for amount in [300, 450, 700] {
            let (bucket, is_over) = (&bucket, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    let held = match amount {
                        450 => bucket.hold_up_to(Nanos::new(amount)),
                        _ if bucket.hold(Nanos::new(amount)) => Nanos::new(amount),
                        _ => continue,
                    };
                    bucket.resolve(held, Nanos::ZERO);
                }
            });
        }
        scope.spawn(|| {
            // What the keeper does: give back, or fail to, and lease again.
            let mut fails = false;
            while !is_over.load(Ordering::Relaxed) {
                let idle = bucket.drain();
                fails = !fails;
                if fails {
                    bucket.refund(idle);
                } else {
                    bucket.grant(&taken(0, idle.get()));
                    bucket.grant(&taken(idle.get(), 0));
                }
            }
        });
        let counts = (0..200_000).filter_map(|_| bucket.reachable());
        let counts: Vec<i64> = counts.map(Nanos::get).collect();
        is_over.store(true, Ordering::Relaxed);
        assert!(!counts.is_empty(), "nothing could be counted");
        let least = counts.iter().min();
        assert!(least >= Some(&ALL), "{least:?} of {ALL}");
    });
    assert_eq!(bucket.reachable(), Some(Nanos::new(ALL)));
    assert_eq!(
        (bucket.free(), bucket.held()),
        (Nanos::new(ALL), Nanos::ZERO)
    );
}
