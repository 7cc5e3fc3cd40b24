//! Why: what people do with money is lines of the ledger, proved by its invariants, and read back
//! by whoever may see them.

use super::super::*;
use super::chain::proved;
use super::lines::{settle, usage};
use super::support::*;
use super::wallets::{find, is_sound};
use crate::money::Nanos;
use crate::store::{Leg, OwnerType, Settled, StoreFault, WalletId, Want};
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

pub(super) fn old_and_new_key_share_one_budget(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let budget = NewWallet {
        owner_type: OwnerType::Key,
        owner_id: here.key,
        rules: WalletTerms::default(),
    };
    let budget = wallet(act(store, Command::CreateWallet(budget)));
    let rotate = |id, word: &str| {
        let rotation = Rotation {
            id,
            overlap_ms: DAY,
            key: new_key(here.member, word),
        };
        key(act(store, Command::RotateKey(rotation))).id
    };
    let stamp = store.rules_stamp().unwrap();
    let second = rotate(here.key, "second");
    let third = rotate(second, "third");
    assert_ne!(store.rules_stamp().unwrap(), stamp);
    let shared = |store: &dyn Fixture| {
        let rules = store.rules().unwrap().wallets;
        let of_budget = rules
            .into_iter()
            .filter(|rules| rules.id == WalletId(budget.id));
        let mut owners: Vec<i64> = of_budget.map(|rules| rules.owner_id).collect();
        owners.sort_unstable();
        owners
    };
    assert_eq!(shared(store), [here.key, second, third]);
    // Who comes between may be gone: the first key never spends without a bound.
    key(act(store, Command::RevokeKey(KeyId(second))));
    assert_eq!(shared(store), [here.key, third]);
    assert_eq!(find(store, OwnerType::Key, third).id, budget.id);
}

pub(super) fn a_suspended_organisation_has_no_active_key(store: &dyn Fixture) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let before = store.change_stamp().unwrap();
    let suspend = OrganisationChange {
        id: here.org,
        status: Some(OrganisationStatus::Suspended),
        ..OrganisationChange::default()
    };
    organisation(act(store, Command::ChangeOrganisation(suspend)));
    assert_ne!(store.change_stamp().unwrap(), before);
    let keys = store.list_keys().unwrap();
    let active: Vec<i64> = keys
        .iter()
        .filter(|key| key.is_active)
        .map(|key| key.id)
        .collect();
    assert_eq!(active, [there.key]);
}
