//! Why: for whoever acts, what lies outside their scope does not exist, whatever id they try.

use super::super::*;
use super::support::*;
use crate::money::Nanos;
use crate::store::{OwnerType, WalletStatus};

/// Every act that names a row, aimed at the rows of a tenant. A new act that is missing here
/// fails [`no_act_reaches_another_tenant`].
#[expect(clippy::too_many_lines, reason = "one act after the other")]
fn aimed_at(t: Tenant) -> Vec<Command> {
    let movement = || Movement {
        wallet_id: t.wallet,
        amount: Nanos::new(1),
        note: None,
    };
    let standing = |status| UserStanding {
        id: t.member,
        status,
    };
    let terms = WalletTerms::default;
    let wallet_for = |owner_type, owner_id| {
        Command::CreateWallet(NewWallet {
            owner_type,
            owner_id,
            rules: terms(),
        })
    };
    let in_team = NewUser {
        team_id: Some(t.team),
        ..new_user(t.org, "spy@x.example")
    };
    vec![
        Command::ChangeOrganisation(OrganisationChange {
            id: t.org,
            name: Some("taken over".into()),
            ..OrganisationChange::default()
        }),
        Command::CreateTeam(new_team(t.org, "spies")),
        Command::ChangeTeam(TeamChange {
            id: t.team,
            ..TeamChange::default()
        }),
        Command::DeleteTeam(TeamId(t.team)),
        Command::CreateUser(new_user(t.org, "spy@x.example")),
        Command::CreateUser(in_team),
        Command::ChangeUser(UserChange {
            id: t.member,
            role: Some(Role::Owner),
            ..UserChange::default()
        }),
        Command::SetUserStatus(standing(UserStatus::Closed)),
        Command::SetPassword(Password {
            user_id: t.member,
            hash: None,
        }),
        Command::VoidTokens(UserId(t.member)),
        Command::PutMember(Membership {
            team_id: t.team,
            user_id: t.member,
            role: TeamRole::Lead,
        }),
        Command::RemoveMember(UserId(t.member)),
        Command::PlanAbsence(NewAbsence {
            user_id: t.member,
            starts_at: NOW,
            ends_at: NOW + 1,
        }),
        Command::ChangeAbsence(AbsenceChange {
            id: t.absence,
            ..AbsenceChange::default()
        }),
        Command::EndAbsence(AbsenceId(t.absence)),
        wallet_for(OwnerType::User, t.lead),
        wallet_for(OwnerType::Quota, t.member),
        wallet_for(OwnerType::Team, t.team),
        wallet_for(OwnerType::Key, t.key),
        wallet_for(OwnerType::Organisation, t.org),
        Command::ChangeWallet(WalletChange {
            id: t.wallet,
            ..WalletChange::default()
        }),
        Command::SetWalletStatus(WalletStanding {
            id: t.wallet,
            status: WalletStatus::Closed,
        }),
        Command::Credit(movement()),
        Command::Debit(movement()),
        Command::Transfer(Transfer {
            from: t.wallet,
            to: t.team_wallet,
            amount: Nanos::new(1),
            note: None,
        }),
        Command::Adjust(Adjustment {
            wallet_id: t.wallet,
            amount: Nanos::new(1),
            reverses: None,
            note: None,
        }),
        Command::Reconcile(Reconciliation {
            transaction: t.line,
            cost: Nanos::ZERO,
            note: None,
        }),
        Command::ForgiveOverage(Forgiveness {
            wallet_id: t.wallet,
            amount: None,
            note: None,
        }),
        Command::CreateKey(new_key(t.member, "spy")),
        Command::ChangeKey(KeyChange {
            id: t.key,
            ..KeyChange::default()
        }),
        Command::RotateKey(Rotation {
            id: t.key,
            overlap_ms: 0,
            key: new_key(t.member, "spy"),
        }),
        Command::RevokeKey(KeyId(t.key)),
        Command::CreateToken(new_token(t.member, "spy")),
        Command::RevokeToken(TokenId(t.token)),
        Command::DenyToken(NewDenial {
            issuer: "idp".to_owned(),
            jti: "t-1".to_owned(),
            note: None,
            expires_at: NOW + 1,
        }),
        Command::AllowToken(DenialId(1)),
        Command::CreateSession(NewSession {
            user_id: t.member,
            token: SessionHash([3; 32]),
            expires_at: NOW + 1,
        }),
        Command::EndSession(t.session),
        Command::EndSessions(UserId(t.member)),
        Command::SetGuardPolicy(NewGuardPolicy {
            owner: guarded(GuardOwnerType::Team, t.team),
            policy: serde_json::json!({}),
        }),
        Command::SetGuardPolicy(NewGuardPolicy {
            owner: guarded(GuardOwnerType::Organisation, t.org),
            policy: serde_json::json!({}),
        }),
        Command::DropGuardPolicy(guarded(GuardOwnerType::Key, t.key)),
    ]
}

fn guarded(kind: GuardOwnerType, id: i64) -> GuardOwner {
    GuardOwner { kind, id }
}

/// How many acts there are. Adding one makes the compiler point here: aim it at a tenant above.
fn acts_that_name_no_row(command: &Command) -> usize {
    use Command as C;
    match command {
        C::CreateOrganisation(_) => 1,
        C::ChangeOrganisation(_) | C::CreateTeam(_) | C::ChangeTeam(_) | C::DeleteTeam(_) => 0,
        C::CreateUser(_) | C::ChangeUser(_) | C::SetUserStatus(_) | C::SetPassword(_) => 0,
        C::VoidTokens(_) | C::PutMember(_) | C::RemoveMember(_) | C::PlanAbsence(_) => 0,
        C::ChangeAbsence(_) | C::EndAbsence(_) | C::CreateWallet(_) | C::ChangeWallet(_) => 0,
        C::SetWalletStatus(_) | C::Credit(_) | C::Debit(_) | C::Transfer(_) | C::Adjust(_) => 0,
        C::Reconcile(_) => 0,
        C::ForgiveOverage(_) | C::CreateKey(_) | C::ChangeKey(_) | C::RotateKey(_) => 0,
        C::RevokeKey(_) | C::CreateToken(_) | C::RevokeToken(_) | C::CreateSession(_) => 0,
        C::EndSession(_) | C::EndSessions(_) => 0,
        C::DenyToken(_) | C::AllowToken(_) => 0,
        C::SetGuardPolicy(_) | C::DropGuardPolicy(_) => 0,
    }
}
const ACTS: usize = 37;

/// Everything that a scope shows, as text.
fn all_of(store: &dyn Governance, scope: &Scope) -> String {
    let page = Page::FIRST;
    let organisations = store.organisations(scope, &OrganisationFilter::default(), page);
    let teams = store.teams(scope, &TeamFilter::default(), page);
    let users = store.users(scope, &UserFilter::default(), page);
    let absences = store.absences(scope, &AbsenceFilter::default(), page);
    let wallets = store.wallets(scope, &WalletFilter::default(), page);
    let keys = store.api_keys(scope, &KeyFilter::default(), page);
    let tokens = store.tokens(scope, &TokenFilter::default(), page);
    let lines = store.transactions(scope, &TransactionFilter::default(), None, 1_000);
    let links = store.audit_log(scope, &AuditFilter::default(), page);
    let guards = store.guard_policies(scope, &GuardPolicyFilter::default(), page);
    format!(
        "{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}{:?}",
        organisations.unwrap(),
        teams.unwrap(),
        users.unwrap(),
        absences.unwrap(),
        wallets.unwrap(),
        keys.unwrap(),
        tokens.unwrap(),
        lines.unwrap(),
        links.unwrap(),
        guards.unwrap(),
    )
}

pub(super) fn no_act_reaches_another_tenant(store: &dyn Governance) {
    let (here, there) = (tenant(store, "here"), tenant(store, "there"));
    let before = all_of(store, &Scope::House);
    let mut kinds = std::collections::HashSet::new();
    for command in aimed_at(there) {
        assert_eq!(acts_that_name_no_row(&command), 0);
        kinds.insert(std::mem::discriminant(&command));
        for scope in here.scopes() {
            let answer = act_in(store, &scope, command.clone());
            assert!(is_unknown(&answer), "{scope:?} {command:?}: {answer:?}");
        }
    }
    assert_eq!(kinds.len(), ACTS - 1);
    let mixed = [
        Command::PutMember(Membership {
            team_id: there.team,
            user_id: here.member,
            role: TeamRole::Member,
        }),
        Command::CreateUser(NewUser {
            team_id: Some(there.team),
            ..new_user(here.org, "spy@x.example")
        }),
        Command::Transfer(Transfer {
            from: there.wallet,
            to: here.wallet,
            amount: Nanos::new(1),
            note: None,
        }),
        Command::Transfer(Transfer {
            from: here.wallet,
            to: there.wallet,
            amount: Nanos::new(1),
            note: None,
        }),
    ];
    for command in mixed {
        let answer = act_in(store, &Scope::Organisation(here.org), command.clone());
        assert!(is_unknown(&answer), "{command:?}: {answer:?}");
    }
    assert_eq!(all_of(store, &Scope::House), before);
}

pub(super) fn no_act_reaches_another_team_or_a_colleague(store: &dyn Governance) {
    let here = tenant(store, "here");
    let second = team(act(
        store,
        Command::CreateTeam(new_team(here.org, "second")),
    ))
    .id;
    let new = NewUser {
        team_id: Some(second),
        ..new_user(here.org, "colleague@here.example")
    };
    let colleague = user(act(store, Command::CreateUser(new))).id;
    let outside = [
        Scope::Team {
            org_id: here.org,
            team_id: second,
        },
        Scope::User {
            org_id: here.org,
            user_id: colleague,
        },
    ];
    let before = all_of(store, &Scope::House);
    for scope in outside {
        for command in aimed_at(here) {
            let answer = act_in(store, &scope, command.clone());
            assert!(is_unknown(&answer), "{scope:?} {command:?}: {answer:?}");
        }
    }
    assert_eq!(all_of(store, &Scope::House), before);
}

pub(super) fn no_list_shows_another_tenant(store: &dyn Governance) {
    let (here, there) = (tenant(store, "here"), tenant(store, "there"));
    let whole = all_of(store, &Scope::House);
    assert!(whole.contains("lead@here.example") && whole.contains("lead@there.example"));
    for scope in here.scopes() {
        let shown = all_of(store, &scope);
        assert!(!shown.contains("there"), "{scope:?}: {shown}");
        assert!(!shown.contains(&format!("org_id: {}", there.org)));
        assert!(is_unknown(&store.sessions(&scope, there.member)));
    }
    // A filter aims inside the scope, never around it.
    let scope = Scope::Organisation(here.org);
    let users = UserFilter {
        org_id: Some(there.org),
        ..UserFilter::default()
    };
    assert_eq!(store.users(&scope, &users, Page::FIRST).unwrap(), []);
    let wallets = WalletFilter {
        id: Some(there.wallet),
        ..WalletFilter::default()
    };
    assert_eq!(store.wallets(&scope, &wallets, Page::ONE).unwrap(), []);
    let links = AuditFilter {
        org_id: Some(there.org),
        ..AuditFilter::default()
    };
    assert_eq!(store.audit_log(&scope, &links, Page::FIRST).unwrap(), []);
}

pub(super) fn a_team_and_a_user_see_what_is_theirs(store: &dyn Governance) {
    let here = tenant(store, "here");
    let [org, team, member] = here.scopes();
    let wallets = |scope: &Scope| {
        let found = store.wallets(scope, &WalletFilter::default(), Page::FIRST);
        let ids = found.unwrap().into_iter().map(|wallet| wallet.id);
        ids.collect::<Vec<_>>()
    };
    let all = wallets(&org);
    assert!(all.contains(&here.team_wallet) && all.contains(&here.wallet));
    let of_team = wallets(&team);
    assert!(of_team.contains(&here.team_wallet) && of_team.contains(&here.wallet));
    assert_eq!(wallets(&member), [here.wallet]);
    let users = |scope: &Scope| {
        let found = store.users(scope, &UserFilter::default(), Page::FIRST);
        found.unwrap().len()
    };
    assert_eq!((users(&org), users(&team), users(&member)), (2, 2, 1));
    let teams = store.teams(&member, &TeamFilter::default(), Page::FIRST);
    assert_eq!(teams.unwrap(), []);
    let keys = store.api_keys(&member, &KeyFilter::default(), Page::FIRST);
    assert_eq!(keys.unwrap().len(), 1);
    assert_eq!(store.sessions(&member, here.member).unwrap().len(), 1);
}
