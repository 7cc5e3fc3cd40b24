//! Why: every door asks here who stands before it.

use super::super::*;
use super::support::*;

fn stands(store: &dyn Governance, credential: Credential<'_>, now_ms: i64) -> bool {
    let found = store.identify(credential).unwrap();
    found.is_some_and(|found| found.stands(now_ms))
}

pub(super) fn everybody_is_in_the_directory(store: &dyn Governance) {
    let (here, there) = (tenant(store, "a"), tenant(store, "b"));
    let people = store.people().unwrap();
    let ids: Vec<i64> = people.iter().map(|person| person.user_id).collect();
    assert_eq!(ids, [here.lead, here.member, there.lead, there.member]);
    let lead = &people[0];
    assert_eq!((lead.org_id, lead.team_id), (here.org, Some(here.team)));
    assert_eq!((lead.role, lead.team_role), (Role::Owner, TeamRole::Lead));
    assert!(lead.is_active && lead.email == "lead@a.example");
}

pub(super) fn a_session_is_found_by_its_hash_until_it_ends(store: &dyn Governance) {
    let here = tenant(store, "a");
    let SessionHash(hash) = here.session;
    let found = store.identify(Credential::Session(&hash)).unwrap().unwrap();
    assert_eq!(found.person.user_id, here.member);
    assert!(found.stands(NOW) && !found.stands(NOW + DAY));
    assert!(
        store
            .identify(Credential::Session(&[0; 32]))
            .unwrap()
            .is_none()
    );
    let end = || act(store, Command::EndSession(here.session));
    assert_eq!(end().unwrap(), Entity::Gone(1));
    assert!(is_unknown(&end()));
    assert!(!stands(store, Credential::Session(&hash), NOW));
}

pub(super) fn a_token_is_found_by_its_public_id_until_revoked(store: &dyn Governance) {
    let here = tenant(store, "a");
    let public_id = public_id("a");
    let found = store
        .identify(Credential::Token(&public_id))
        .unwrap()
        .unwrap();
    assert!(found.stands(NOW) && found.person.user_id == here.member);
    let Proof::Token {
        hash,
        pepper_version,
        ..
    } = found.proof
    else {
        panic!("no token");
    };
    assert_eq!((hash, pepper_version), ([9; 32], 41));
    let revoke = || token(act(store, Command::RevokeToken(TokenId(here.token))));
    assert_eq!(revoke().revoked_at, Some(NOW));
    revoke();
    assert!(!stands(store, Credential::Token(&public_id), NOW));
}

pub(super) fn a_password_is_found_by_the_address_in_any_case(store: &dyn Governance) {
    let here = tenant(store, "a");
    let address = Credential::Email("Member@A.Example");
    assert!(!stands(store, address, NOW));
    let password = Password {
        user_id: here.member,
        hash: Some(PasswordHash("$hash".into())),
    };
    act(store, Command::SetPassword(password)).unwrap();
    let found = store.identify(address).unwrap().unwrap();
    assert!(found.stands(NOW));
    assert!(found.proof == Proof::Password(Some(PasswordHash("$hash".into()))));
}

pub(super) fn a_suspended_organisation_opens_no_door(store: &dyn Governance) {
    let here = tenant(store, "a");
    let SessionHash(hash) = here.session;
    let suspend = OrganisationChange {
        id: here.org,
        status: Some(OrganisationStatus::Suspended),
        ..OrganisationChange::default()
    };
    act(store, Command::ChangeOrganisation(suspend)).unwrap();
    assert!(!stands(store, Credential::Session(&hash), NOW));
    assert!(!stands(store, Credential::Token(&public_id("a")), NOW));
    assert!(
        store
            .people()
            .unwrap()
            .iter()
            .all(|person| !person.is_active)
    );
    let keys = store.api_keys(&Scope::House, &KeyFilter::default(), Page::FIRST);
    assert!(keys.unwrap().iter().all(|key| !key.is_active));
}

pub(super) fn voided_tokens_stand_no_more(store: &dyn Governance) {
    let here = tenant(store, "a");
    let by = at(NOW + 1);
    let void = Command::VoidTokens(UserId(here.member));
    store
        .apply(&by, &Scope::House, void, &Guard::default())
        .unwrap();
    assert!(!stands(store, Credential::Token(&public_id("a")), NOW + 2));
    assert_eq!(store.sessions(&Scope::House, here.member).unwrap(), []);
    let again = Command::CreateToken(new_token(here.member, "later"));
    let made = store.apply(&by, &Scope::House, again, &Guard::default());
    assert!(made.is_ok());
    assert!(stands(
        store,
        Credential::Token(&public_id("later")),
        NOW + 2
    ));
}
