//! Why: what texts are screened with is set by whoever may, is told to every process, and what was found is counted.

use serde_json::{Value, json};

use super::super::*;
use super::support::*;
use crate::store::{Keys, StoreFault};

fn owner(kind: GuardOwnerType, id: i64) -> GuardOwner {
    GuardOwner { kind, id }
}

fn set(owner: GuardOwner, policy: Value) -> Command {
    Command::SetGuardPolicy(NewGuardPolicy { owner, policy })
}

fn row(done: Result<Entity, StoreFault>) -> GuardPolicyRow {
    match done.expect("done") {
        Entity::GuardPolicy(row) => row,
        other => panic!("{other:?}"),
    }
}

fn at_version(version: i64) -> Guard {
    Guard {
        if_version: Some(version),
        ..Guard::default()
    }
}

pub(super) fn a_policy_is_set_changed_and_taken_away(store: &dyn Governance) {
    let here = tenant(store, "a");
    let team = owner(GuardOwnerType::Team, here.team);
    let policy = json!({ "guard": { "dry_run": true }, "filters": [{ "pii": {} }] });
    let made = row(act(store, set(team, policy.clone())));
    assert_eq!(
        (made.owner_type, made.owner_id),
        (GuardOwnerType::Team, here.team)
    );
    assert_eq!(
        (made.org_id, made.version, &made.policy),
        (here.org, 1, &policy)
    );
    let scope = Scope::House;
    let stale = store.apply(&cli(), &scope, set(team, json!({})), &at_version(7));
    assert!(
        matches!(stale, Err(StoreFault::Stale { current: 1 })),
        "{stale:?}"
    );
    let first = owner(GuardOwnerType::Organisation, here.org);
    let early = store.apply(&cli(), &scope, set(first, json!({})), &at_version(1));
    assert!(
        matches!(early, Err(StoreFault::Stale { current: 0 })),
        "{early:?}"
    );
    let changed = row(act(store, set(team, json!({ "filters": [] }))));
    assert_eq!((changed.id, changed.version), (made.id, 2));
    assert!(act(store, set(team, json!([]))).is_err());
    let long = json!({ "filters": ["x".repeat(70_000)] });
    assert!(matches!(
        act(store, set(team, long)),
        Err(StoreFault::Refused(_))
    ));
    let gone = act(store, Command::DropGuardPolicy(team)).expect("done");
    assert_eq!(gone, Entity::Gone(1));
    assert!(is_unknown(&act(store, Command::DropGuardPolicy(team))));
    assert_eq!(store.all_guard_policies().unwrap(), []);
}

pub(super) fn a_policy_tells_every_process_that_it_changed<S: Governance + Keys>(store: &S) {
    let here = tenant(store, "a");
    let stamp = || store.change_stamp().unwrap();
    let key = owner(GuardOwnerType::Key, here.key);
    let before = stamp();
    act(store, set(key, json!({}))).expect("made");
    let made = stamp();
    act(store, set(key, json!({ "filters": [] }))).expect("changed");
    let changed = stamp();
    act(store, Command::DropGuardPolicy(key)).expect("taken away");
    assert!(before < made && made < changed && changed < stamp());
}

pub(super) fn a_team_goes_with_its_policy(store: &dyn Governance) {
    let org = organisation(act(store, new_organisation("acme"))).id;
    let made = team(act(store, Command::CreateTeam(new_team(org, "core"))));
    let its = owner(GuardOwnerType::Team, made.id);
    act(store, set(its, json!({}))).expect("set");
    act(store, Command::DeleteTeam(TeamId(made.id))).expect("deleted");
    assert_eq!(store.all_guard_policies().unwrap(), []);
}

pub(super) fn each_sees_the_policies_that_are_theirs(store: &dyn Governance) {
    let here = tenant(store, "a");
    for one in [
        owner(GuardOwnerType::Organisation, here.org),
        owner(GuardOwnerType::Team, here.team),
        owner(GuardOwnerType::Key, here.key),
    ] {
        act(store, set(one, json!({}))).expect("set");
    }
    let seen = |scope: &Scope| {
        let rows = store.guard_policies(scope, &GuardPolicyFilter::default(), Page::FIRST);
        rows.unwrap()
            .into_iter()
            .map(|row| row.owner_type)
            .collect::<Vec<_>>()
    };
    use GuardOwnerType as T;
    let [org, team, member] = here.scopes();
    assert_eq!(seen(&org), [T::Organisation, T::Team, T::Key]);
    assert_eq!(seen(&team), [T::Team, T::Key]);
    assert_eq!(seen(&member), [T::Key]);
    let of_key = store.all_guard_policies().unwrap().pop().unwrap();
    assert_eq!(
        (of_key.owner_type, of_key.team_id),
        (T::Key, Some(here.team))
    );
}

pub(super) fn findings_add_up_and_are_told_to_whom_they_concern(store: &dyn Governance) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let count = |rule, action, count| FindingCount {
        day: 86_400_000,
        org_id: Some(here.org),
        team_id: Some(here.team),
        user_id: Some(here.member),
        key_id: Some(here.key),
        direction: "request",
        kind: "email",
        rule,
        action,
        dry_run: false,
        count,
    };
    let dry = FindingCount {
        dry_run: true,
        ..count("email", "block", 4)
    };
    let nobodys = FindingCount {
        org_id: None,
        team_id: None,
        user_id: None,
        key_id: None,
        ..count("email", "log", 100)
    };
    let all = [
        count("email", "mask", 2),
        count("iban", "block", 1),
        dry,
        nobodys,
    ];
    store.count_findings(&all).unwrap();
    store.count_findings(&[count("email", "mask", 3)]).unwrap();
    let filter = |by| FindingFilter {
        by,
        team_id: None,
        user_id: None,
        key_id: None,
        direction: None,
        kind: None,
        dry_run: None,
        from_ms: 0,
        until_ms: i64::MAX,
    };
    let told = |scope: &Scope, by| {
        let rows = store.findings(scope, &filter(by)).unwrap().into_iter();
        rows.map(|row| {
            (
                row.group.unwrap_or_default(),
                [row.findings, row.acted, row.blocked, row.dry_run],
            )
        })
        .collect::<Vec<_>>()
    };
    let expected = [
        ("email".to_owned(), [9, 5, 0, 4]),
        ("iban".to_owned(), [1, 1, 1, 0]),
    ];
    for scope in here.scopes() {
        assert_eq!(told(&scope, FindingsBy::Rule), expected, "{scope:?}");
    }
    assert_eq!(told(&Scope::Organisation(there.org), FindingsBy::Rule), []);
    assert_eq!(
        told(&Scope::House, FindingsBy::Team)[0],
        (String::new(), [100, 0, 0, 0])
    );
    assert_eq!(
        told(&Scope::House, FindingsBy::Day),
        [("86400000".to_owned(), [110, 6, 1, 4])]
    );
    let backwards = FindingFilter {
        until_ms: 0,
        ..filter(FindingsBy::Rule)
    };
    assert!(matches!(
        store.findings(&Scope::House, &backwards),
        Err(StoreFault::Refused(_))
    ));
    assert_eq!(store.tidy(500 * 86_400_000).unwrap() & 4, 4);
}
