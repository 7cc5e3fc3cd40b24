//! Why: rules are people's, balances the ledger's, and where one follows the other they agree.

use super::super::*;
use super::support::*;
use crate::money::Nanos;
use crate::store::OwnerType::{Quota, Team, User};
use crate::store::{OwnerType, WalletId, WalletStatus, Want};

pub(super) fn find(store: &dyn Governance, owner_type: OwnerType, owner_id: i64) -> WalletRow {
    let filter = WalletFilter {
        owner_type: Some(owner_type),
        owner_id: Some(owner_id),
        ..WalletFilter::default()
    };
    let found = store.wallets(&Scope::House, &filter, Page::ONE);
    found.unwrap().pop().unwrap()
}

pub(super) fn is_sound(store: &dyn Fixture) {
    assert_eq!(store.check().unwrap(), []);
}

fn for_organisation(org: i64, rules: WalletTerms) -> Command {
    Command::CreateWallet(NewWallet {
        owner_type: OwnerType::Organisation,
        owner_id: org,
        rules,
    })
}

pub(super) fn a_wallet_is_made_changed_frozen_and_closed(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let rules = WalletTerms {
        overdraft: credits(1),
        hard_limit: Some(credits(9)),
        soft_limit: Some(credits(5)),
        mode: Mode::Cap,
        cap: Some(credits(2)),
        period: Period::Week,
        allowance: Some(credits(7)),
    };
    let made = wallet(act(store, for_organisation(here.org, rules)));
    assert_eq!(
        (made.balance, made.unleased, made.leased),
        (credits(7), credits(7), Nanos::ZERO)
    );
    assert_eq!((made.mode, made.cap), (Mode::Cap, Some(credits(2))));
    // A Monday.
    assert_eq!(made.period_start, 1_749_427_200_000);
    let change = WalletChange {
        id: made.id,
        hard_limit: Some(None),
        mode: Some(Mode::Strict),
        cap: Some(None),
        allowance: Some(None),
        period: Some(Period::None),
        ..WalletChange::default()
    };
    let changed = wallet(act(store, Command::ChangeWallet(change)));
    let expected = WalletRow {
        hard_limit: None,
        mode: Mode::Strict,
        cap: None,
        allowance: None,
        period: Period::None,
        period_start: 0,
        version: made.version + 1,
        ..made
    };
    assert_eq!(changed, expected);
    let set = |status| {
        let id = made.id;
        act(
            store,
            Command::SetWalletStatus(WalletStanding { id, status }),
        )
    };
    assert_eq!(
        wallet(set(WalletStatus::Frozen)).status,
        WalletStatus::Frozen
    );
    assert_eq!(
        wallet(set(WalletStatus::Active)).status,
        WalletStatus::Active
    );
    assert_eq!(
        wallet(set(WalletStatus::Closed)).status,
        WalletStatus::Closed
    );
    assert!(is_conflict(&set(WalletStatus::Active)));
    is_sound(store);
}

pub(super) fn rules_that_contradict_each_other_are_refused(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let terms = WalletTerms::default;
    let bad = [
        WalletTerms {
            overdraft: Nanos::new(-1),
            ..terms()
        },
        WalletTerms {
            hard_limit: Some(Nanos::new(-1)),
            ..terms()
        },
        WalletTerms {
            mode: Mode::Cap,
            ..terms()
        },
        WalletTerms {
            cap: Some(credits(1)),
            ..terms()
        },
        WalletTerms {
            mode: Mode::Cap,
            cap: Some(Nanos::ZERO),
            ..terms()
        },
        WalletTerms {
            allowance: Some(credits(1)),
            ..terms()
        },
        WalletTerms {
            soft_limit: Some(credits(2)),
            hard_limit: Some(credits(1)),
            ..terms()
        },
    ];
    for rules in bad {
        let answer = act(store, for_organisation(here.org, rules.clone()));
        assert!(is_refused(&answer), "{rules:?}");
    }
    // Of ten credits one is lent out: the overdraft that it rests on cannot go.
    let overdraft = |amount| {
        let change = WalletChange {
            id: here.wallet,
            overdraft: Some(amount),
            ..WalletChange::default()
        };
        act(store, Command::ChangeWallet(change))
    };
    wallet(overdraft(credits(3)));
    let all = Movement {
        wallet_id: here.wallet,
        amount: credits(12),
        note: None,
    };
    moved(act(store, Command::Debit(all)));
    assert!(is_conflict(&overdraft(credits(1))));
    wallet(overdraft(credits(2)));
    is_sound(store);
}

pub(super) fn an_owner_has_one_wallet_of_a_kind(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let make = |owner_type, owner_id, allowance| {
        let rules = WalletTerms {
            period: Period::Month,
            allowance,
            ..WalletTerms::default()
        };
        act(
            store,
            Command::CreateWallet(NewWallet {
                owner_type,
                owner_id,
                rules,
            }),
        )
    };
    assert!(is_conflict(&make(User, here.member, None)));
    assert!(is_conflict(&make(Team, here.team, None)));
    assert!(is_refused(&make(Quota, here.lead, Some(credits(1)))));
    assert!(is_refused(&make(OwnerType::House, 0, None)));
    let quota = wallet(make(Quota, here.lead, None));
    assert_eq!((quota.balance, quota.allowance), (Nanos::ZERO, None));
    let follow = WalletChange {
        id: here.team_wallet,
        allowance: Some(Some(credits(1))),
        ..WalletChange::default()
    };
    assert!(is_refused(&act(store, Command::ChangeWallet(follow))));
    let filter = WalletFilter {
        owner_type: Some(OwnerType::House),
        ..WalletFilter::default()
    };
    let house = store.wallets(&Scope::House, &filter, Page::ONE).unwrap();
    let touched = WalletChange {
        id: house[0].id,
        ..WalletChange::default()
    };
    assert!(is_conflict(&act(store, Command::ChangeWallet(touched))));
}

pub(super) fn a_quota_follows_its_user(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let set = |quota| {
        let change = UserChange {
            id: here.member,
            personal_quota: Some(quota),
            ..UserChange::default()
        };
        user(act(store, Command::ChangeUser(change)))
    };
    assert_eq!(set(credits(50)).personal_quota, credits(50));
    let quota = find(store, Quota, here.member);
    assert_eq!(
        (quota.balance, quota.allowance),
        (credits(50), Some(credits(50)))
    );
    assert_eq!((quota.period, quota.unleased), (Period::Month, credits(50)));
    set(credits(80));
    assert_eq!(find(store, Quota, here.member).balance, credits(80));
    set(credits(20));
    set(credits(20));
    let cut = find(store, Quota, here.member);
    assert_eq!(
        (cut.balance, cut.allowance),
        (credits(20), Some(credits(20)))
    );
    set(Nanos::ZERO);
    let none = find(store, Quota, here.member);
    assert_eq!(
        (none.balance, none.allowance),
        (Nanos::ZERO, Some(Nanos::ZERO))
    );
    let new = NewUser {
        personal_quota: credits(3),
        ..new_user(here.org, "new@a.example")
    };
    let new = user(act(store, Command::CreateUser(new)));
    assert_eq!(find(store, Quota, new.id).balance, credits(3));
    is_sound(store);
    // The next month begins with what the quota is by then.
    set(credits(30));
    store.housekeep(NOW + 31 * DAY).unwrap();
    assert_eq!(find(store, Quota, here.member).balance, credits(30));
    is_sound(store);
}

pub(super) fn a_pool_follows_its_team(store: &dyn Fixture) {
    let here = tenant(store, "a");
    assert_eq!(find(store, Team, here.team).balance, credits(100));
    let set = |pool| {
        let change = TeamChange {
            id: here.team,
            common_pool: Some(pool),
            ..TeamChange::default()
        };
        team(act(store, Command::ChangeTeam(change)))
    };
    set(credits(70));
    let pool = find(store, Team, here.team);
    assert_eq!(
        (pool.balance, pool.allowance),
        (credits(70), Some(credits(70)))
    );
    set(credits(75));
    assert_eq!(find(store, Team, here.team).balance, credits(75));
    is_sound(store);
    // An empty team takes its pool with it.
    for member in [here.lead, here.member] {
        user(act(store, Command::RemoveMember(UserId(member))));
    }
    assert_eq!(
        act(store, Command::DeleteTeam(TeamId(here.team))).unwrap(),
        Entity::Gone(1)
    );
    let pool = find(store, Team, here.team);
    assert_eq!(
        (pool.balance, pool.status),
        (Nanos::ZERO, WalletStatus::Closed)
    );
    is_sound(store);
}

pub(super) fn a_cut_leaves_what_is_leased(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let holder = store.enlist("pod", NOW).unwrap();
    let want = Want {
        wallet: WalletId(here.team_wallet),
        least: credits(30),
        most: credits(30),
    };
    let taken = store.take(holder, &[want]).unwrap();
    let leased = taken[0].granted;
    assert!(leased >= credits(30));
    let change = TeamChange {
        id: here.team,
        common_pool: Some(Nanos::ZERO),
        ..TeamChange::default()
    };
    team(act(store, Command::ChangeTeam(change)));
    let pool = find(store, Team, here.team);
    assert_eq!(
        (pool.balance, pool.leased, pool.unleased),
        (leased, leased, Nanos::ZERO)
    );
    let members = [here.lead, here.member].map(|member| Command::RemoveMember(UserId(member)));
    for member in members {
        user(act(store, member));
    }
    let delete = || act(store, Command::DeleteTeam(TeamId(here.team)));
    assert!(is_conflict(&delete()));
    is_sound(store);
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
