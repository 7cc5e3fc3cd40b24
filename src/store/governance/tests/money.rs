//! Why: what people do with money is lines of the ledger, proved by its invariants, and read back
//! by whoever may see them.

use super::super::*;
use super::chain::proved;
use super::support::*;
use super::wallets::is_sound;
use crate::money::Nanos;
use crate::store::{Leg, Settled, StoreFault, Subject, UsageSource, WalletId, Want};
use uuid::Uuid;

fn movement(wallet_id: i64, amount: Nanos) -> Movement {
    Movement {
        wallet_id,
        amount,
        note: Some("a gift; -- '".into()),
    }
}

fn wallet_of(store: &dyn Governance, id: i64) -> WalletRow {
    let filter = WalletFilter {
        id: Some(id),
        ..WalletFilter::default()
    };
    store
        .wallets(&Scope::House, &filter, Page::ONE)
        .unwrap()
        .pop()
        .unwrap()
}

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

fn settle(store: &dyn Fixture, t: Tenant, batch: &[Settled]) {
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

pub(super) fn money_comes_from_the_house_and_goes_back(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let credit = Command::Credit(movement(here.wallet, credits(5)));
    let (after, lines) = moved(act(store, credit));
    assert_eq!((after.balance, after.version), (credits(15), 3));
    let amounts: Vec<Nanos> = lines.iter().map(|line| line.amount).collect();
    assert_eq!(amounts, [credits(5), credits(-5)]);
    moved(act(
        store,
        Command::Debit(movement(here.wallet, credits(1))),
    ));
    let adjust_for = |amount, reverses| {
        let adjustment = Adjustment {
            wallet_id: here.wallet,
            amount,
            reverses,
            note: None,
        };
        act(store, Command::Adjust(adjustment))
    };
    let adjust = |amount| adjust_for(amount, None);
    let wrong = Some(lines[0].id);
    let (_, corrected) = moved(adjust_for(credits(-4), wrong));
    let filter = TransactionFilter {
        id: Some(corrected[0].id),
        ..TransactionFilter::default()
    };
    let line = store.transactions(&Scope::House, &filter, None, 1).unwrap();
    assert_eq!(line[0].reverses, wrong);
    // The house's side of it is no line of this wallet.
    assert!(is_refused(&adjust_for(credits(1), Some(lines[1].id))));
    assert!(is_unknown(&adjust_for(credits(1), Some(Uuid::nil()))));
    assert_eq!(wallet_of(store, here.wallet).balance, credits(10));
    assert!(is_refused(&adjust(Nanos::ZERO)));
    for bad in [Nanos::ZERO, credits(-1)] {
        let credit = act(store, Command::Credit(movement(here.wallet, bad)));
        assert!(is_refused(&credit));
        let debit = act(store, Command::Debit(movement(here.wallet, bad)));
        assert!(is_refused(&debit));
    }
    let long = Movement {
        note: Some("é".repeat(1_001)),
        ..movement(here.wallet, credits(1))
    };
    assert!(is_refused(&act(store, Command::Credit(long))));
    let too_much = Movement {
        amount: Nanos::new(i64::MAX),
        ..movement(here.wallet, credits(1))
    };
    let too_much = act(store, Command::Credit(too_much));
    assert!(matches!(too_much, Err(StoreFault::OutOfRange)));
    is_sound(store);
}

pub(super) fn money_moves_between_wallets_of_one_organisation(store: &dyn Fixture) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let order = |from, to| Transfer {
        from,
        to,
        amount: credits(4),
        note: None,
    };
    let done = moved(act(
        store,
        Command::Transfer(order(here.wallet, here.team_wallet)),
    ));
    assert_eq!(done.0.balance, credits(6));
    assert_eq!(wallet_of(store, here.team_wallet).balance, credits(104));
    let abroad = act(store, Command::Transfer(order(here.wallet, there.wallet)));
    assert!(is_conflict(&abroad));
    let same = act(store, Command::Transfer(order(here.wallet, here.wallet)));
    assert!(is_refused(&same));
    is_sound(store);
}

pub(super) fn what_is_leased_is_called_in_and_not_taken(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let holder = store.enlist("pod", NOW).unwrap();
    let want = Want {
        wallet: WalletId(here.wallet),
        least: credits(8),
        most: credits(8),
    };
    store.take(holder, &[want]).unwrap();
    let before = store.wanted(holder).unwrap();
    let debit = || act(store, Command::Debit(movement(here.wallet, credits(9))));
    let head = store.audit_head().unwrap();
    let refused = debit();
    assert!(
        matches!(refused, Err(StoreFault::InsufficientUnleased { wallet }) if wallet == here.wallet)
    );
    assert_eq!(store.audit_head().unwrap(), head);
    assert_ne!(store.wanted(holder).unwrap(), before);
    store
        .give_back(holder, &[(WalletId(here.wallet), credits(8))])
        .unwrap();
    assert_eq!(moved(debit()).0.balance, credits(1));
    is_sound(store);
}

pub(super) fn overage_is_forgiven_once(store: &dyn Fixture) {
    let here = tenant(store, "a");
    // All that is left will be leased, so that nothing can cover it.
    let debit = Command::Debit(movement(here.wallet, credits(9)));
    moved(act(store, debit));
    let dear = Settled {
        overage: Nanos::new(400),
        legs: vec![Leg {
            wallet: WalletId(here.wallet),
            amount: Nanos::new(600),
            is_cap: false,
        }],
        ..usage(here, 1, NOW, "m")
    };
    settle(store, here, &[dear]);
    assert_eq!(wallet_of(store, here.wallet).overage, Nanos::new(400));
    let forgive = |amount| {
        let forgiveness = Forgiveness {
            wallet_id: here.wallet,
            amount,
            note: None,
        };
        act(store, Command::ForgiveOverage(forgiveness))
    };
    assert!(is_refused(&forgive(Some(Nanos::new(401)))));
    let some = moved(forgive(Some(Nanos::new(100))));
    assert_eq!(some.0.overage, Nanos::new(300));
    assert_eq!(moved(forgive(None)).0.overage, Nanos::ZERO);
    assert!(is_refused(&forgive(None)));
    is_sound(store);
}

pub(super) fn an_estimate_is_reconciled_by_whoever_sees_it(store: &dyn Fixture) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    settle(store, here, &[usage(here, 2, NOW, "m")]);
    let filter = TransactionFilter {
        kind: Some("usage".into()),
        ..TransactionFilter::default()
    };
    let lines = store.transactions(&Scope::House, &filter, None, 9).unwrap();
    let truth = || {
        Command::Reconcile(Reconciliation {
            transaction: lines[0].id,
            cost: Nanos::new(700),
            note: None,
        })
    };
    for scope in there.scopes() {
        assert!(is_unknown(&act_in(store, &scope, truth())));
    }
    let scope = Scope::Organisation(here.org);
    let Entity::Lines(done) = act_in(store, &scope, truth()).unwrap() else {
        panic!("no lines");
    };
    assert_eq!(done[0].amount, Nanos::new(300));
    assert!(is_conflict(&act_in(store, &scope, truth())));
    let last = proved(store).pop().unwrap();
    assert_eq!(last.target, format!("transaction:{}", lines[0].id));
    assert_eq!(last.org_id, Some(here.org));
    is_sound(store);
}

pub(super) fn the_audit_log_names_every_line_with_its_hash(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let (_, lines) = moved(act(
        store,
        Command::Credit(movement(here.wallet, credits(1))),
    ));
    let link = proved(store).pop().unwrap();
    assert_eq!(link.event_type, "wallet.credited");
    assert_eq!(link.target, format!("wallet:{}", here.wallet));
    let details: serde_json::Value = serde_json::from_str(&link.details).unwrap();
    assert_eq!(details["note"], "a gift; -- '");
    for (line, told) in lines.iter().zip(details["lines"].as_array().unwrap()) {
        assert_eq!(told["id"], line.id.to_string());
        assert_eq!(told["amount"], line.amount.to_string());
        let filter = TransactionFilter {
            id: Some(line.id),
            ..TransactionFilter::default()
        };
        let kept = store.transactions(&Scope::House, &filter, None, 9).unwrap();
        assert_eq!(kept.len(), 1);
        assert_eq!(
            (&kept[0].hash, told["hash"].as_str()),
            (&line.hash, Some(line.hash.as_str()))
        );
    }
}

#[expect(clippy::too_many_lines, reason = "one filter after the other")]
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
