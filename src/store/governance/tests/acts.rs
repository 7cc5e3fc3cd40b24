//! Why: what each act does, and what it refuses.

use super::super::*;
use super::support::*;
use crate::money::Nanos;
use crate::store::OwnerType::{Quota, Team, User};
use crate::store::{Keys, NewKey, OwnerType};

pub(super) fn an_organisation_is_made_changed_and_suspended(store: &dyn Governance) {
    let made = organisation(act(store, new_organisation("acme")));
    assert_eq!(made.funding_order, [Quota, User, Team]);
    assert_eq!((made.markup_ppm, made.version), (1_000_000, 1));
    let change = OrganisationChange {
        id: made.id,
        name: Some("Acme".into()),
        status: Some(OrganisationStatus::Suspended),
        funding_order: Some(vec![Team, User]),
        markup_ppm: Some(1_200_000),
    };
    let changed = organisation(act(store, Command::ChangeOrganisation(change)));
    let expected = OrganisationRow {
        name: "Acme".into(),
        status: OrganisationStatus::Suspended,
        funding_order: vec![Team, User],
        markup_ppm: 1_200_000,
        version: 2,
        ..made
    };
    assert_eq!(changed, expected);
    let page = store.organisations(&Scope::House, &OrganisationFilter::default(), Page::FIRST);
    assert_eq!(page.unwrap(), [changed]);
    let again = act(store, new_organisation("Acme"));
    assert!(is_conflict(&again));
    let nothing = OrganisationChange {
        id: made.id,
        ..OrganisationChange::default()
    };
    let same = organisation(act(store, Command::ChangeOrganisation(nothing)));
    assert_eq!(OrganisationRow { version: 2, ..same }, expected);
}

pub(super) fn only_the_whole_house_makes_organisations(store: &dyn Governance) {
    let here = tenant(store, "a");
    for scope in here.scopes() {
        assert!(is_unknown(&act_in(store, &scope, new_organisation("b"))));
    }
}

pub(super) fn a_team_is_made_changed_and_deleted_when_empty(store: &dyn Governance) {
    let org = organisation(act(store, new_organisation("acme"))).id;
    let made = team(act(store, Command::CreateTeam(new_team(org, "core"))));
    assert_eq!((made.members, made.common_pool), (0, Nanos::ZERO));
    let change = TeamChange {
        id: made.id,
        name: Some("kernel".into()),
        vacation_share_pct: Some(100),
        funding_order: Some(Some(vec![Team])),
        markup_ppm: Some(Some(0)),
        ..TeamChange::default()
    };
    let changed = team(act(store, Command::ChangeTeam(change)));
    assert_eq!(
        (changed.name.as_str(), changed.vacation_share_pct),
        ("kernel", 100)
    );
    assert_eq!(changed.funding_order, Some(vec![Team]));
    assert_eq!(changed.markup_ppm, Some(0));
    let back = TeamChange {
        id: made.id,
        funding_order: Some(None),
        markup_ppm: Some(None),
        ..TeamChange::default()
    };
    let back = team(act(store, Command::ChangeTeam(back)));
    assert_eq!((back.funding_order, back.markup_ppm), (None, None));
    let twin = act(store, Command::CreateTeam(new_team(org, "kernel")));
    assert!(is_conflict(&twin));
    let inside = NewUser {
        team_id: Some(made.id),
        ..new_user(org, "a@b.c")
    };
    let inside = user(act(store, Command::CreateUser(inside)));
    let delete = || act(store, Command::DeleteTeam(TeamId(made.id)));
    assert!(is_conflict(&delete()));
    user(act(store, Command::RemoveMember(UserId(inside.id))));
    assert_eq!(delete().unwrap(), Entity::Gone(1));
    assert!(is_unknown(&delete()));
}

pub(super) fn a_user_is_made_and_changed(store: &dyn Governance) {
    let org = organisation(act(store, new_organisation("acme"))).id;
    let new = NewUser {
        role: Role::Auditor,
        team_role: TeamRole::Lead,
        subject: Some("idp|1".into()),
        password: Some(PasswordHash("$argon2id$x".into())),
        ..new_user(org, "Ada@Acme.Example")
    };
    let made = user(act(store, Command::CreateUser(new)));
    assert_eq!(made.email, "ada@acme.example");
    // Who is in no team leads none.
    assert_eq!(
        (made.role, made.team_role),
        (Role::Auditor, TeamRole::Member)
    );
    assert!(made.has_password && made.status == UserStatus::Active);
    let change = UserChange {
        id: made.id,
        name: Some("Countess".into()),
        email: Some("COUNTESS@acme.example".into()),
        role: Some(Role::Admin),
        subject: Some(None),
        ..UserChange::default()
    };
    let changed = user(act(store, Command::ChangeUser(change)));
    let expected = UserRow {
        name: "Countess".into(),
        email: "countess@acme.example".into(),
        role: Role::Admin,
        subject: None,
        version: 2,
        ..made
    };
    assert_eq!(changed, expected);
    let cleared = Password {
        user_id: made.id,
        hash: None,
    };
    assert!(!user(act(store, Command::SetPassword(cleared))).has_password);
    let filter = UserFilter {
        email: Some("Countess@ACME.example".into()),
        role: Some(Role::Admin),
        status: Some(UserStatus::Active),
        org_id: Some(org),
        ..UserFilter::default()
    };
    let found = store.users(&Scope::House, &filter, Page::FIRST).unwrap();
    assert_eq!(found.len(), 1);
}

pub(super) fn an_address_or_subject_belongs_to_one_user_in_the_whole_house(store: &dyn Governance) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let twin = act(
        store,
        Command::CreateUser(new_user(here.org, "LEAD@b.example")),
    );
    assert!(is_conflict(&twin));
    let known = |id, subject: &str| {
        let change = UserChange {
            id,
            subject: Some(Some(subject.into())),
            ..UserChange::default()
        };
        act(store, Command::ChangeUser(change))
    };
    user(known(here.lead, "idp|1"));
    user(known(here.lead, "idp|1"));
    assert!(is_conflict(&known(there.lead, "idp|1")));
    let taken = UserChange {
        id: there.member,
        email: Some("Member@A.example".into()),
        ..UserChange::default()
    };
    assert!(is_conflict(&act(store, Command::ChangeUser(taken))));
}

pub(super) fn a_closed_user_stays_closed_and_is_logged_out(store: &dyn Governance) {
    let here = tenant(store, "a");
    let set = |status| {
        let id = here.member;
        act(store, Command::SetUserStatus(UserStanding { id, status }))
    };
    let suspended = user(set(UserStatus::Suspended));
    assert_eq!(suspended.tokens_valid_after, NOW);
    assert_eq!(store.sessions(&Scope::House, here.member).unwrap(), []);
    assert_eq!(user(set(UserStatus::Active)).status, UserStatus::Active);
    assert_eq!(user(set(UserStatus::Closed)).status, UserStatus::Closed);
    assert!(is_conflict(&set(UserStatus::Active)));
    assert!(is_conflict(&set(UserStatus::Suspended)));
    let key = act(store, Command::CreateKey(new_key(here.member, "late")));
    assert!(is_conflict(&key));
    let token = act(store, Command::CreateToken(new_token(here.member, "late")));
    assert!(is_conflict(&token));
    let filter = KeyFilter {
        user_id: Some(here.member),
        is_active: Some(true),
        ..KeyFilter::default()
    };
    assert_eq!(
        store.api_keys(&Scope::House, &filter, Page::FIRST).unwrap(),
        []
    );
}

pub(super) fn an_organisation_keeps_an_owner(store: &dyn Governance) {
    let here = tenant(store, "a");
    let scope = Scope::Organisation(here.org);
    let demote = |scope: &Scope| {
        let change = UserChange {
            id: here.lead,
            role: Some(Role::Member),
            ..UserChange::default()
        };
        act_in(store, scope, Command::ChangeUser(change))
    };
    let suspend = UserStanding {
        id: here.lead,
        status: UserStatus::Suspended,
    };
    assert!(is_conflict(&demote(&scope)));
    let suspended = act_in(store, &scope, Command::SetUserStatus(suspend));
    assert!(is_conflict(&suspended));
    let promote = UserChange {
        id: here.member,
        role: Some(Role::Owner),
        ..UserChange::default()
    };
    user(act_in(store, &scope, Command::ChangeUser(promote)));
    user(demote(&scope));
}

pub(super) fn a_user_is_in_one_team_at_a_time(store: &dyn Governance) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let second = team(act(
        store,
        Command::CreateTeam(new_team(here.org, "second")),
    ));
    let put = |team_id, role| {
        let membership = Membership {
            team_id,
            user_id: here.member,
            role,
        };
        act(store, Command::PutMember(membership))
    };
    let moved = user(put(second.id, TeamRole::Lead));
    assert_eq!(
        (moved.team_id, moved.team_role),
        (Some(second.id), TeamRole::Lead)
    );
    let again = user(put(second.id, TeamRole::Member));
    assert_eq!(again.team_role, TeamRole::Member);
    assert!(is_conflict(&put(there.team, TeamRole::Member)));
    assert!(is_unknown(&put(7_777, TeamRole::Member)));
    let left = user(act(store, Command::RemoveMember(UserId(here.member))));
    assert_eq!(left.team_id, None);
    let again = act(store, Command::RemoveMember(UserId(here.member)));
    assert!(is_conflict(&again));
}

pub(super) fn an_absence_is_planned_moved_and_called_off(store: &dyn Governance) {
    let here = tenant(store, "a");
    let moved = AbsenceChange {
        id: here.absence,
        starts_at: Some(NOW + 2 * DAY),
        ends_at: Some(NOW + 3 * DAY),
    };
    let moved = absence(act(store, Command::ChangeAbsence(moved)));
    assert_eq!(
        (moved.starts_at, moved.ends_at),
        (NOW + 2 * DAY, NOW + 3 * DAY)
    );
    assert_eq!(
        (moved.state, moved.lent),
        (AbsenceState::Planned, Nanos::ZERO)
    );
    let end = || act(store, Command::EndAbsence(AbsenceId(here.absence)));
    assert_eq!(absence(end()).state, AbsenceState::Ended);
    assert!(is_conflict(&end()));
    let late = AbsenceChange {
        id: here.absence,
        ends_at: Some(NOW + 9 * DAY),
        ..AbsenceChange::default()
    };
    assert!(is_conflict(&act(store, Command::ChangeAbsence(late))));
    for (starts_at, ends_at) in [(NOW, NOW), (NOW + 2, NOW + 1), (NOW - 2, NOW - 1)] {
        let new = NewAbsence {
            user_id: here.member,
            starts_at,
            ends_at,
        };
        assert!(is_refused(&act(store, Command::PlanAbsence(new))));
    }
}

pub(super) fn an_absence_that_has_begun_only_ends(store: &dyn Fixture) {
    let here = tenant(store, "a");
    store.run("UPDATE absences SET state = 'active'");
    let change = |starts_at, ends_at| {
        let change = AbsenceChange {
            id: here.absence,
            starts_at,
            ends_at,
        };
        act(store, Command::ChangeAbsence(change))
    };
    assert!(is_conflict(&change(Some(NOW + 3 * DAY), None)));
    let longer = absence(change(None, Some(NOW + 9 * DAY)));
    assert_eq!(longer.ends_at, NOW + 9 * DAY);
    let by = at(NOW + 2 * DAY);
    let end = Command::EndAbsence(AbsenceId(here.absence));
    let done = store.apply(&by, &Scope::House, end, &Guard::default());
    let ended = absence(done.map(|done| done.entity));
    assert_eq!(ended.state, AbsenceState::Ended);
}

pub(super) fn a_key_is_made_changed_and_revoked(store: &dyn Governance) {
    let here = tenant(store, "a");
    let new = NewKey {
        models: Some(vec!["fast".into()]),
        requests_per_minute: Some(5),
        expires_at: Some(NOW + DAY),
        ..new_key(here.member, "second")
    };
    let made = key(act(store, Command::CreateKey(new)));
    assert!(made.is_active && made.team_id == Some(here.team));
    let twin = act(store, Command::CreateKey(new_key(here.member, "second")));
    assert!(matches!(twin, Err(crate::store::StoreFault::Taken)));
    let change = KeyChange {
        id: made.id,
        name: Some("renamed".into()),
        models: Some(None),
        requests_per_minute: Some(None),
        tokens_per_minute: Some(Some(7)),
        expires_at: Some(None),
    };
    let changed = key(act(store, Command::ChangeKey(change.clone())));
    let expected = ApiKeyRow {
        name: "renamed".into(),
        models: None,
        requests_per_minute: None,
        tokens_per_minute: Some(7),
        expires_at: None,
        version: 2,
        ..made.clone()
    };
    assert_eq!(changed, expected);
    let revoked = key(act(store, Command::RevokeKey(KeyId(made.id))));
    assert_eq!((revoked.is_active, revoked.revoked_at), (false, Some(NOW)));
    let later = Guard::default();
    let again = store.apply(
        &at(NOW + 5),
        &Scope::House,
        Command::RevokeKey(KeyId(made.id)),
        &later,
    );
    assert_eq!(key(again.map(|done| done.entity)).revoked_at, Some(NOW));
    assert!(is_conflict(&act(store, Command::ChangeKey(change))));
}

pub(super) fn the_last_use_of_a_key_is_noted_and_nobody_is_told<S: Governance + Keys>(store: &S) {
    let here = tenant(store, "a");
    let stamp = store.change_stamp().unwrap();
    store.note_used(&[(here.key, NOW + 5)]).unwrap();
    store.note_used(&[(here.key, NOW), (9_999, NOW)]).unwrap();
    let filter = KeyFilter {
        id: Some(here.key),
        ..KeyFilter::default()
    };
    let key = store
        .api_keys(&Scope::House, &filter, Page::ONE)
        .unwrap()
        .remove(0);
    assert_eq!((key.last_used_at, key.version), (Some(NOW + 5), 1));
    assert_eq!(store.change_stamp().unwrap(), stamp);
}

pub(super) fn a_rotated_key_lives_on_for_the_overlap_and_its_budget_moves(store: &dyn Governance) {
    let here = tenant(store, "a");
    let budget = NewWallet {
        owner_type: OwnerType::Key,
        owner_id: here.key,
        rules: WalletTerms::default(),
    };
    let budget = wallet(act(store, Command::CreateWallet(budget)));
    let limited = KeyChange {
        id: here.key,
        models: Some(Some(vec!["fast".into()])),
        ..KeyChange::default()
    };
    let old = key(act(store, Command::ChangeKey(limited)));
    let rotate = |word: &str, overlap_ms| {
        let rotation = Rotation {
            id: here.key,
            overlap_ms,
            key: NewKey {
                name: "never seen".into(),
                models: None,
                ..new_key(here.lead, word)
            },
        };
        act(store, Command::RotateKey(rotation))
    };
    assert!(is_refused(&rotate("new", -1)));
    let new = key(rotate("new", DAY));
    assert_eq!((new.name, new.models), (old.name, old.models));
    assert_eq!((new.user_id, new.expires_at), (here.member, None));
    assert_eq!(new.public_id, public_id("new"));
    let filter = KeyFilter {
        id: Some(here.key),
        ..KeyFilter::default()
    };
    let old = store.api_keys(&Scope::House, &filter, Page::ONE).unwrap();
    assert_eq!(old[0].expires_at, Some(NOW + DAY));
    assert_eq!((old[0].rotated_to, old[0].is_active), (Some(new.id), true));
    assert!(is_conflict(&rotate("newer", DAY)));
    let filter = WalletFilter {
        id: Some(budget.id),
        ..WalletFilter::default()
    };
    let budget = store.wallets(&Scope::House, &filter, Page::ONE).unwrap();
    assert_eq!(budget[0].owner_id, new.id);
}

pub(super) fn values_that_break_a_rule_are_refused_in_words(store: &dyn Governance) {
    let here = tenant(store, "a");
    let head = store.audit_head().unwrap();
    let long = "x".repeat(201);
    let named = |name: &str| NewTeam {
        name: name.into(),
        ..new_team(here.org, "")
    };
    let person = |email: &str| new_user(here.org, email);
    let broken = [
        new_organisation(""),
        new_organisation(&long),
        new_organisation("a\0b"),
        Command::CreateTeam(named("")),
        Command::CreateTeam(NewTeam {
            vacation_share_pct: 101,
            ..named("x")
        }),
        Command::CreateTeam(NewTeam {
            common_pool: Nanos::new(-1),
            ..named("x")
        }),
        Command::CreateTeam(NewTeam {
            markup_ppm: Some(1_000_000_001),
            ..named("x")
        }),
        Command::CreateTeam(NewTeam {
            funding_order: Some(vec![OwnerType::Key]),
            ..named("x")
        }),
        Command::CreateUser(person("nobody")),
        Command::CreateUser(person("a b@c")),
        Command::CreateUser(NewUser {
            name: String::new(),
            ..person("x@y.z")
        }),
        Command::CreateUser(NewUser {
            personal_quota: Nanos::new(-1),
            ..person("x@y.z")
        }),
        Command::CreateUser(NewUser {
            subject: Some(String::new()),
            ..person("x@y.z")
        }),
        Command::CreateKey(NewKey {
            models: Some(vec![String::new()]),
            ..new_key(here.member, "bad")
        }),
        Command::ChangeKey(KeyChange {
            id: here.key,
            requests_per_minute: Some(Some(0)),
            ..KeyChange::default()
        }),
        Command::CreateToken(NewToken {
            public_id: "short".into(),
            ..new_token(here.member, "bad")
        }),
        Command::CreateSession(NewSession {
            user_id: here.member,
            token: SessionHash([1; 32]),
            expires_at: NOW,
        }),
    ];
    for command in broken {
        let answer = act(store, command.clone());
        assert!(is_refused(&answer), "{command:?}: {answer:?}");
    }
    assert_eq!(store.audit_head().unwrap(), head);
}
