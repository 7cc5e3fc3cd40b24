//! Why: a request that is sent twice is done once, and nobody overwrites what they have not seen.

use super::super::*;
use super::support::*;
use crate::store::StoreFault;

fn guard(key: &str, request: u8) -> Guard {
    Guard {
        idempotency: Some(Idempotency {
            key: key.into(),
            request: [request; 32],
        }),
        if_version: None,
    }
}

fn seen(version: i64) -> Guard {
    Guard {
        idempotency: None,
        if_version: Some(version),
    }
}

pub(super) fn the_same_request_is_done_once_and_answered_the_same(store: &dyn Governance) {
    let apply = |by: &By| {
        let command = new_organisation("acme");
        store.apply(by, &Scope::House, command, &guard("k", 1))
    };
    let first = apply(&cli()).unwrap();
    let head = store.audit_head().unwrap();
    // The answer stays as it was, whatever happens to the row.
    let Entity::Organisation(row) = &first.entity else {
        panic!("{first:?}");
    };
    let change = OrganisationChange {
        id: row.id,
        name: Some("other".into()),
        ..OrganisationChange::default()
    };
    act(store, Command::ChangeOrganisation(change)).unwrap();
    let second = apply(&cli()).unwrap();
    assert_eq!((first.replayed, second.replayed), (false, true));
    assert_eq!(first.entity, second.entity);
    assert_eq!(store.audit_head().unwrap().number, head.number + 1);
    // Another actor has keys of their own.
    let other = By {
        actor: "user:7".into(),
        ..cli()
    };
    assert!(!apply(&other).unwrap().replayed);
    // A day later the key is free again.
    assert!(is_conflict(&apply(&at(NOW + DAY + 1))));
}

pub(super) fn a_key_used_for_another_request_is_refused(store: &dyn Governance) {
    let apply = |name: &str, request| {
        let command = new_organisation(name);
        store.apply(&cli(), &Scope::House, command, &guard("k", request))
    };
    apply("acme", 1).unwrap();
    assert!(matches!(apply("other", 2), Err(StoreFault::OtherRequest)));
    let found = store.organisations(&Scope::House, &OrganisationFilter::default(), Page::FIRST);
    assert_eq!(found.unwrap().len(), 1);
}

pub(super) fn what_failed_is_not_remembered(store: &dyn Governance) {
    let here = tenant(store, "a");
    let apply = |name: &str| {
        let command = Command::CreateTeam(new_team(here.org, name));
        store.apply(&cli(), &Scope::House, command, &guard("k", 1))
    };
    assert!(is_refused(&apply("")));
    assert!(is_conflict(&apply("core")));
    assert!(!apply("new").unwrap().replayed);
    assert!(apply("new").unwrap().replayed);
    for key in ["", "a\0", &"x".repeat(201)] {
        let command = new_organisation("b");
        let answer = store.apply(&cli(), &Scope::House, command, &guard(key, 1));
        assert!(is_refused(&answer), "{key:?}");
    }
}

pub(super) fn an_old_version_is_refused_with_the_current_one(store: &dyn Governance) {
    let here = tenant(store, "a");
    let rename = |name: &str, guard: &Guard| {
        let change = UserChange {
            id: here.member,
            name: Some(name.into()),
            ..UserChange::default()
        };
        store.apply(&cli(), &Scope::House, Command::ChangeUser(change), guard)
    };
    let filter = UserFilter {
        id: Some(here.member),
        ..UserFilter::default()
    };
    let version = || store.users(&Scope::House, &filter, Page::ONE).unwrap()[0].version;
    let before = version();
    rename("first", &seen(before)).unwrap();
    assert_eq!(version(), before + 1);
    let stale = rename("second", &seen(before));
    let current = before + 1;
    assert!(matches!(stale, Err(StoreFault::Stale { current: now }) if now == current));
    assert_eq!(version(), current);
    let stale = |command| {
        let answer = store.apply(&cli(), &Scope::House, command, &seen(99));
        assert!(
            matches!(answer, Err(StoreFault::Stale { .. })),
            "{answer:?}"
        );
    };
    stale(Command::ChangeOrganisation(OrganisationChange {
        id: here.org,
        ..OrganisationChange::default()
    }));
    stale(Command::ChangeTeam(TeamChange {
        id: here.team,
        ..TeamChange::default()
    }));
    stale(Command::DeleteTeam(TeamId(here.team)));
    stale(Command::VoidTokens(UserId(here.member)));
    stale(Command::RemoveMember(UserId(here.member)));
    stale(Command::EndAbsence(AbsenceId(here.absence)));
    stale(Command::RevokeKey(KeyId(here.key)));
    stale(Command::ChangeKey(KeyChange {
        id: here.key,
        ..KeyChange::default()
    }));
    stale(Command::ChangeWallet(WalletChange {
        id: here.wallet,
        ..WalletChange::default()
    }));
}

pub(super) fn an_act_without_a_version_takes_none(store: &dyn Governance) {
    let command = new_organisation("acme");
    let answer = store.apply(&cli(), &Scope::House, command, &seen(1));
    assert!(is_refused(&answer));
}

pub(super) fn old_answers_and_sessions_are_forgotten(store: &dyn Governance) {
    let here = tenant(store, "a");
    let command = new_organisation("b");
    store
        .apply(&cli(), &Scope::House, command, &guard("k", 1))
        .unwrap();
    assert_eq!(store.tidy(NOW + DAY).unwrap(), 0);
    assert_eq!(store.tidy(NOW + DAY + 1).unwrap(), 2);
    assert_eq!(store.sessions(&Scope::House, here.member).unwrap(), []);
}
