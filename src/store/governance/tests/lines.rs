//! Why: the ledger is read by whoever may, by whatever they know of a line, and summed up.

use super::super::*;
use super::support::*;
use crate::money::Nanos;
use crate::store::{Leg, Settled, Subject, UsageSource, WalletId, Want};
use uuid::Uuid;

/// A request of the member, paid by their wallet.
pub(super) fn usage(t: Tenant, n: u128, at_ms: i64, model: &str) -> Settled {
    let cost = Nanos::new(1_000);
    Settled {
        subject: Subject {
            request_id: Uuid::from_u128((n << 80) | (7 << 76)),
            org: Some(t.org),
            team: Some(t.team),
            user: Some(t.member),
            key: Some(t.key),
            price_version: 1,
        },
        attempt: 1,
        provider: "openai".into(),
        model: model.into(),
        prompt_tokens: 10,
        completion_tokens: 5,
        cached_tokens: 3,
        cache_write_tokens: 0,
        reasoning_tokens: 2,
        cost,
        legs: vec![Leg {
            wallet: WalletId(t.wallet),
            amount: cost,
            is_cap: false,
        }],
        overage: Nanos::ZERO,
        estimated: n.is_multiple_of(2),
        source: UsageSource::Local,
        delivered: true,
        at_ms,
    }
}

pub(super) fn settle(store: &dyn Fixture, t: Tenant, batch: &[Settled]) {
    let holder = store.enlist("pod", NOW).unwrap();
    let want = Want {
        wallet: WalletId(t.wallet),
        least: credits(1),
        most: credits(1),
    };
    store.take(holder, &[want]).unwrap();
    store.settle(holder, batch, NOW).unwrap();
    store.retire(holder).unwrap();
}

pub(super) fn lines_are_found_by_whatever_is_known_of_them(store: &dyn Fixture) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let hostile = "m'; DROP TABLE transactions;--";
    settle(
        store,
        here,
        &[
            usage(here, 1, NOW + 1, hostile),
            usage(here, 2, NOW + 2, "m"),
        ],
    );
    let all = TransactionFilter::default;
    let count = |scope: &Scope, filter: &TransactionFilter| {
        store.transactions(scope, filter, None, 100).unwrap().len()
    };
    let filters = [
        (
            TransactionFilter {
                user_id: Some(here.member),
                kind: Some("usage".into()),
                ..all()
            },
            2,
        ),
        (
            TransactionFilter {
                key_id: Some(here.key),
                ..all()
            },
            2,
        ),
        (
            TransactionFilter {
                model: Some(hostile.into()),
                ..all()
            },
            1,
        ),
        (
            TransactionFilter {
                provider: Some("openai".into()),
                ..all()
            },
            2,
        ),
        (
            TransactionFilter {
                kind: Some("credit".into()),
                wallet_id: Some(here.wallet),
                ..all()
            },
            1,
        ),
        (
            TransactionFilter {
                from_ms: Some(NOW + 1),
                ..all()
            },
            2,
        ),
        (
            TransactionFilter {
                from_ms: Some(NOW + 1),
                until_ms: Some(NOW + 2),
                ..all()
            },
            1,
        ),
        (
            TransactionFilter {
                request_id: Some(Uuid::from_u128((1 << 80) | (7 << 76))),
                ..all()
            },
            1,
        ),
        (
            TransactionFilter {
                org_id: Some(there.org),
                ..all()
            },
            0,
        ),
        (
            TransactionFilter {
                id: Some(Uuid::nil()),
                ..all()
            },
            0,
        ),
    ];
    let [org, team, member] = here.scopes();
    for (filter, expected) in filters {
        assert_eq!(count(&org, &filter), expected, "{filter:?}");
    }
    // Usage, and what moved the wallets of members and the pool; of the house's side nothing.
    assert_eq!((count(&team, &all()), count(&member, &all())), (4, 3));
    for scope in there.scopes() {
        let of_here = TransactionFilter {
            key_id: Some(here.key),
            ..all()
        };
        assert_eq!(count(&scope, &of_here), 0);
    }
}

pub(super) fn lines_are_paged_newest_first(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let batch: Vec<Settled> = (1..=7)
        .map(|n| usage(here, n, NOW + 5 + i64::from(n == 7), "m"))
        .collect();
    settle(store, here, &batch);
    let filter = TransactionFilter {
        kind: Some("usage".into()),
        ..TransactionFilter::default()
    };
    let mut seen: Vec<TransactionRow> = Vec::new();
    loop {
        let after = seen.last().map(|line| TransactionCursor {
            created_at: line.created_at,
            id: line.id,
        });
        let page = store
            .transactions(&Scope::House, &filter, after, 2)
            .unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 2);
        seen.extend(page);
    }
    let order: Vec<(i64, Uuid)> = seen.iter().map(|line| (line.created_at, line.id)).collect();
    let mut sorted = order.clone();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    sorted.dedup();
    assert_eq!((order.len(), &order), (7, &sorted));
    assert_eq!(seen[0].created_at, NOW + 6);
}

pub(super) fn usage_is_summed_up_by_whatever_is_asked(store: &dyn Fixture) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let batch = [
        usage(here, 1, NOW, "m"),
        usage(here, 2, NOW + DAY, "m"),
        usage(here, 3, NOW + DAY, "n"),
    ];
    settle(store, here, &batch);
    settle(store, there, &[usage(there, 4, NOW, "m")]);
    let filter = |by| UsageFilter {
        by,
        org_id: None,
        team_id: None,
        user_id: None,
        key_id: None,
        model: None,
        provider: None,
        from_ms: NOW,
        until_ms: NOW + 2 * DAY,
    };
    let [org, team, member] = here.scopes();
    let report = |scope: &Scope, by| store.usage(scope, &filter(by)).unwrap();
    let by_model = report(&org, GroupBy::Model);
    let whole = UsageRow {
        group: Some("m".into()),
        requests: 2,
        prompt_tokens: 20,
        completion_tokens: 10,
        cached_tokens: 6,
        reasoning_tokens: 4,
        cost: Nanos::new(2_000),
        estimated: 1,
    };
    assert_eq!(by_model[0], whole);
    assert_eq!((by_model.len(), by_model[1].requests), (2, 1));
    let days = report(&team, GroupBy::Day);
    let midnight = NOW / DAY * DAY;
    assert_eq!(days[0].group, Some(midnight.to_string()));
    assert_eq!(
        days.iter().map(|day| day.requests).collect::<Vec<_>>(),
        [1, 2]
    );
    for (by, id) in [
        (GroupBy::User, here.member),
        (GroupBy::Team, here.team),
        (GroupBy::Key, here.key),
    ] {
        let rows = report(&member, by);
        assert_eq!((rows.len(), rows[0].requests), (1, 3));
        assert_eq!(rows[0].group, Some(id.to_string()));
    }
    let house = report(&Scope::House, GroupBy::Provider);
    assert_eq!((house.len(), house[0].requests), (1, 4));
    let narrow = UsageFilter {
        model: Some("n".into()),
        from_ms: NOW + DAY,
        ..filter(GroupBy::Model)
    };
    assert_eq!(store.usage(&org, &narrow).unwrap().len(), 1);
    let backwards = UsageFilter {
        until_ms: NOW,
        ..filter(GroupBy::Day)
    };
    assert!(is_refused(&store.usage(&org, &backwards)));
}
