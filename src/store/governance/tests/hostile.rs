//! Why: whatever a text holds, it is a text: it comes back byte for byte and changes no statement.

use super::super::*;
use super::support::*;
use crate::store::{NewKey, OwnerType};

/// What has broken other programs.
pub(super) const HOSTILE: [&str; 12] = [
    "Robert'); DROP TABLE users;--",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "x'; UPDATE users SET role = 'owner' WHERE '1'='1",
    "$1 ?1 :a @b {} %s %n",
    "\\'; \\\\ \\x00 \\u0000",
    "line\r\nbreak\ttab\u{b}\u{1b}[31m",
    "\u{202e}rtl \u{feff}bom \u{200d}zwj",
    "👩‍👩‍👧 ñ ñ İ ẞ",
    "</script><script>alert(1)</script>",
    "{\"$ne\": null}",
    "NULL",
];

pub(super) fn hostile_names_are_stored_byte_for_byte(store: &dyn Governance) {
    for text in HOSTILE {
        let org = organisation(act(store, new_organisation(text)));
        assert_eq!(org.name, text);
        let team = team(act(store, Command::CreateTeam(new_team(org.id, text))));
        assert_eq!(team.name, text);
        let by_name = TeamFilter {
            name: Some(text.into()),
            ..TeamFilter::default()
        };
        let found = store.teams(&Scope::House, &by_name, Page::FIRST);
        assert_eq!(found.unwrap(), [team]);
        let by_name = OrganisationFilter {
            name: Some(text.into()),
            ..OrganisationFilter::default()
        };
        let found = store.organisations(&Scope::House, &by_name, Page::FIRST);
        assert_eq!(found.unwrap(), [org]);
    }
    let all = store.organisations(&Scope::House, &OrganisationFilter::default(), Page::FIRST);
    assert_eq!(all.unwrap().len(), HOSTILE.len());
}

pub(super) fn hostile_addresses_subjects_and_hashes_are_stored_byte_for_byte(
    store: &dyn Governance,
) {
    let org = organisation(act(store, new_organisation("acme"))).id;
    for (n, text) in HOSTILE.into_iter().enumerate() {
        let email = format!("o'neil\");drop--{n}@$1.example");
        let new = NewUser {
            name: text.into(),
            subject: Some(text.into()),
            password: Some(PasswordHash(text.into())),
            ..new_user(org, &email)
        };
        let made = user(act(store, Command::CreateUser(new)));
        assert_eq!(
            (made.name.as_str(), made.subject.as_deref()),
            (text, Some(text))
        );
        assert_eq!(
            (made.email.as_str(), made.role),
            (email.as_str(), Role::Member)
        );
        let known = store.identify(Credential::Email(&email)).unwrap().unwrap();
        let hash = Some(PasswordHash(text.into()));
        assert!(known.proof == Proof::Password(hash));
        let change = UserChange {
            id: made.id,
            name: Some(format!("{text}2")),
            ..UserChange::default()
        };
        let changed = user(act(store, Command::ChangeUser(change)));
        assert_eq!(changed.name, format!("{text}2"));
    }
    let all = store.users(&Scope::House, &UserFilter::default(), Page::FIRST);
    let all = all.unwrap();
    assert_eq!(all.len(), HOSTILE.len());
    assert!(all.iter().all(|user| user.role == Role::Member));
}

pub(super) fn hostile_texts_of_keys_and_tokens_are_stored_byte_for_byte(store: &dyn Governance) {
    let here = tenant(store, "a");
    for (n, text) in HOSTILE.into_iter().enumerate() {
        let models = Some(vec![text.to_owned(), "fast".to_owned()]);
        let new = NewKey {
            name: text.into(),
            models: models.clone(),
            ..new_key(here.member, &format!("k{n}x"))
        };
        let made = key(act(store, Command::CreateKey(new)));
        assert_eq!((made.name.as_str(), &made.models), (text, &models));
        let change = KeyChange {
            id: made.id,
            models: Some(Some(vec![text.repeat(2)])),
            ..KeyChange::default()
        };
        let changed = key(act(store, Command::ChangeKey(change)));
        assert_eq!(changed.models, Some(vec![text.repeat(2)]));
        let new = NewToken {
            name: text.into(),
            ..new_token(here.member, &format!("t{n}x"))
        };
        assert_eq!(token(act(store, Command::CreateToken(new))).name, text);
    }
}

pub(super) fn hostile_filters_find_nothing_and_harm_nothing(store: &dyn Governance) {
    let here = tenant(store, "a");
    let scope = Scope::Organisation(here.org);
    for text in HOSTILE {
        let some = || Some(text.to_owned());
        let users = UserFilter {
            email: some(),
            ..UserFilter::default()
        };
        assert_eq!(store.users(&scope, &users, Page::FIRST).unwrap(), []);
        let keys = KeyFilter {
            public_id: some(),
            ..KeyFilter::default()
        };
        assert_eq!(store.api_keys(&scope, &keys, Page::FIRST).unwrap(), []);
        let lines = TransactionFilter {
            model: some(),
            provider: some(),
            kind: some(),
            ..TransactionFilter::default()
        };
        let found = store.transactions(&scope, &lines, None, 10);
        assert_eq!(found.unwrap(), []);
        let links = AuditFilter {
            actor: some(),
            event_type: some(),
            target: some(),
            ..AuditFilter::default()
        };
        assert_eq!(store.audit_log(&scope, &links, Page::FIRST).unwrap(), []);
        let usage = UsageFilter {
            by: GroupBy::Model,
            org_id: None,
            team_id: None,
            user_id: None,
            key_id: None,
            model: some(),
            provider: some(),
            from_ms: 0,
            until_ms: NOW,
        };
        assert_eq!(store.usage(&scope, &usage).unwrap(), []);
        assert!(store.identify(Credential::Token(text)).unwrap().is_none());
        assert!(store.identify(Credential::Email(text)).unwrap().is_none());
    }
    let all = store.users(&scope, &UserFilter::default(), Page::FIRST);
    assert_eq!(all.unwrap().len(), 2);
}

pub(super) fn hostile_actors_and_idempotency_keys_are_only_texts(store: &dyn Governance) {
    let here = tenant(store, "a");
    for text in HOSTILE {
        let by = By {
            actor: text.into(),
            ip: Some(text.into()),
            ..cli()
        };
        let guard = Guard {
            idempotency: Some(Idempotency {
                key: text.into(),
                request: [1; 32],
            }),
            if_version: None,
        };
        let credit_card = NewWallet {
            owner_type: OwnerType::Organisation,
            owner_id: here.org,
            rules: WalletTerms::default(),
        };
        let act = || {
            let command = match text == HOSTILE[0] {
                true => Command::CreateWallet(credit_card.clone()),
                false => new_organisation(text),
            };
            store.apply(&by, &Scope::House, command, &guard).unwrap()
        };
        assert!(!act().replayed);
        assert!(act().replayed);
        let mine = AuditFilter {
            actor: Some(text.into()),
            ..AuditFilter::default()
        };
        let found = store.audit_log(&Scope::House, &mine, Page::FIRST).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].ip_address.as_deref(), Some(text));
    }
}
