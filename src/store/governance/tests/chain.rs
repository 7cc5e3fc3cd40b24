//! Why: what people did can be read, proved complete, and holds no secret.

use super::super::*;
use super::hostile::HOSTILE;
use super::support::*;
use crate::audit::{AuditRecord, ChainVerifier};
use serde_json::json;

/// The whole chain, read in small pages and proved to be unbroken.
pub(super) fn proved(store: &dyn Governance) -> Vec<AuditRecord> {
    let mut verifier = ChainVerifier::new();
    let mut all = Vec::new();
    loop {
        let after = all.last().map(|link: &AuditRecord| link.id);
        let page = store.audit_chain(Page { after, limit: 7 }).unwrap();
        if page.is_empty() {
            break;
        }
        for link in &page {
            verifier.feed(link).unwrap();
        }
        all.extend(page);
    }
    verifier.finish(Some(store.audit_head().unwrap())).unwrap();
    all
}

pub(super) fn every_act_is_one_link_of_an_unbroken_chain(store: &dyn Governance) {
    let here = tenant(store, "a");
    let before = proved(store).len();
    let by = By {
        actor: "token:abc".into(),
        user_id: Some(here.lead),
        org_id: Some(here.org),
        ip: Some("2001:db8::1".into()),
        now_ms: NOW + 5,
    };
    let command = Command::RevokeKey(KeyId(here.key));
    store
        .apply(
            &by,
            &Scope::Organisation(here.org),
            command,
            &Guard::default(),
        )
        .unwrap();
    let links = proved(store);
    assert_eq!(links.len(), before + 1);
    let link = links.last().unwrap();
    assert_eq!(
        (link.event_type.as_str(), link.action.as_str()),
        ("api_key.revoked", "revoke")
    );
    assert_eq!(link.target, format!("api_key:{}", here.key));
    assert_eq!(
        (link.org_id, link.user_id),
        (Some(here.org), Some(here.lead))
    );
    assert_eq!(
        (link.actor.as_str(), link.created_at),
        ("token:abc", NOW + 5)
    );
    assert_eq!(link.ip_address.as_deref(), Some("2001:db8::1"));
}

pub(super) fn what_is_refused_leaves_no_link(store: &dyn Governance) {
    let here = tenant(store, "a");
    let before = proved(store).len();
    assert!(is_refused(&act(store, new_organisation(""))));
    assert!(is_conflict(&act(store, new_organisation("a"))));
    assert!(is_unknown(&act(store, Command::RevokeKey(KeyId(999)))));
    assert!(is_conflict(&act(
        store,
        Command::DeleteTeam(TeamId(here.team))
    )));
    assert_eq!(proved(store).len(), before);
}

pub(super) fn details_tell_what_changed_and_no_secret(store: &dyn Governance) {
    let here = tenant(store, "a");
    let change = UserChange {
        id: here.member,
        name: Some("new name".into()),
        ..UserChange::default()
    };
    act(store, Command::ChangeUser(change)).unwrap();
    let last = |store| proved(store).pop().unwrap().details;
    let expected = json!({ "changed": { "name": { "from": "Ada", "to": "new name" } } });
    assert_eq!(last(store), expected.to_string());
    let secret = "$argon2id$v=19$canary";
    let password = Password {
        user_id: here.member,
        hash: Some(PasswordHash(secret.into())),
    };
    act(store, Command::SetPassword(password)).unwrap();
    let expected = json!({
        "changed": { "has_password": { "from": false, "to": true } },
        "sessions_ended": 1,
    });
    assert_eq!(last(store), expected.to_string());
    let new = NewUser {
        password: Some(PasswordHash(secret.into())),
        ..new_user(here.org, "x@y.example")
    };
    act(store, Command::CreateUser(new)).unwrap();
    let hex = |bytes: &[u8; 32]| crate::audit::to_hex(bytes);
    let SessionHash(session) = here.session;
    let hidden = [
        secret.to_owned(),
        hex(&session),
        hex(&[9; 32]),
        hex(blake3::hash(b"a").as_bytes()),
    ];
    for link in proved(store) {
        let text = format!("{link:?}");
        assert!(hidden.iter().all(|hidden| !text.contains(hidden)), "{text}");
    }
}

pub(super) fn refusals_of_the_data_plane_are_linked_whatever_they_hold(store: &dyn Governance) {
    let event = |text: &str| PolicyEvent {
        event_type: "policy.model_refused".into(),
        org_id: None,
        user_id: None,
        actor: "key:0123456789AB".into(),
        action: "refuse".into(),
        target: format!("model:{text}"),
        details: json!({ "b": text, "a": 1 }),
        ip: None,
        at_ms: NOW,
    };
    store.record(&[]).unwrap();
    let mut events: Vec<_> = HOSTILE.into_iter().map(event).collect();
    events.push(event("nul\0nul"));
    events.push(event(&"é".repeat(5_000)));
    store.record(&events).unwrap();
    let links = proved(store);
    assert_eq!(links.len(), HOSTILE.len() + 2);
    for (link, text) in links.iter().zip(HOSTILE) {
        assert_eq!(link.target, format!("model:{text}"));
        assert_eq!(link.details, json!({ "a": 1, "b": text }).to_string());
    }
    assert_eq!(links[HOSTILE.len()].target, "model:nul\u{fffd}nul");
    assert_eq!(links[HOSTILE.len() + 1].target.chars().count(), 1_000);
}

pub(super) fn the_log_is_filtered_and_paged(store: &dyn Governance) {
    let here = tenant(store, "a");
    let all = AuditFilter::default();
    let page = |after| Page { after, limit: 3 };
    let first = store.audit_log(&Scope::House, &all, page(None)).unwrap();
    let ids: Vec<i64> = first.iter().map(|link| link.id).collect();
    let head = store.audit_head().unwrap().number;
    assert_eq!(ids, [head, head - 1, head - 2]);
    let next = store
        .audit_log(&Scope::House, &all, page(Some(head - 2)))
        .unwrap();
    assert_eq!(next[0].id, head - 3);
    let filter = AuditFilter {
        event_type: Some("user.created".into()),
        target: Some(format!("user:{}", here.lead)),
        org_id: Some(here.org),
        from_ms: Some(NOW),
        until_ms: Some(NOW + 1),
        ..AuditFilter::default()
    };
    assert_eq!(
        store
            .audit_log(&Scope::House, &filter, page(None))
            .unwrap()
            .len(),
        1
    );
    let late = AuditFilter {
        from_ms: Some(NOW + 1),
        ..AuditFilter::default()
    };
    assert_eq!(
        store.audit_log(&Scope::House, &late, page(None)).unwrap(),
        []
    );
}
