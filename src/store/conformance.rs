//! Why: a store is what this suite says it is. Every implementation passes the same sentences,
//! and random histories must look the same in each of them as in memory.

use super::testing::{self, on_postgres};
use super::{Keys, MemoryStore, NewKey, SqliteStore, StoreFault};
use proptest::prelude::*;
use tempfile::TempDir;

pub(super) fn new_key(public_id: &str) -> NewKey {
    NewKey {
        name: format!("key {public_id}"),
        env: "live".into(),
        public_id: public_id.into(),
        key_hash: [7; 32],
        pepper_version: 41,
        last4: "zzzz".into(),
        models: None,
        requests_per_minute: None,
        tokens_per_minute: None,
        expires_at: None,
        user_id: None,
        created_at: 1_000,
    }
}

fn a_created_key_is_listed_back_field_for_field(store: &dyn Keys) {
    let hostile = "Robert'); DROP TABLE api_keys;-- \u{202e}\"\\\n€";
    let key = NewKey {
        name: hostile.into(),
        models: Some(vec![hostile.into(), "fast".into()]),
        requests_per_minute: Some(600),
        tokens_per_minute: Some(i64::MAX as u64),
        expires_at: Some(-5),
        ..new_key("abcdefghijkl")
    };
    let row = store.create_key(key.clone()).unwrap();
    assert_eq!(store.list_keys().unwrap(), std::slice::from_ref(&row));
    let (id, org_id, team_id, user_id) = (row.id, row.org_id, row.team_id, row.user_id);
    assert_eq!(row, key.into_row(id, org_id, team_id, user_id));
    assert!(row.is_active && row.team_id.is_some());
}

fn an_empty_allowlist_is_not_the_same_as_none(store: &dyn Keys) {
    let models = Some(Vec::new());
    let none = store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let empty = NewKey {
        models: models.clone(),
        ..new_key("bbbbbbbbbbbb")
    };
    assert_eq!(store.create_key(empty).unwrap().models, models);
    assert_eq!(none.models, None);
}

fn keys_without_an_owner_share_one_default_owner(store: &dyn Keys) {
    let first = store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let second = store.create_key(new_key("bbbbbbbbbbbb")).unwrap();
    let owner = |row: &super::KeyRow| (row.org_id, row.team_id, row.user_id);
    assert_eq!(owner(&first), owner(&second));
    assert!(second.id > first.id);
    let named = NewKey {
        user_id: Some(first.user_id),
        ..new_key("cccccccccccc")
    };
    assert_eq!(owner(&store.create_key(named).unwrap()), owner(&first));
}

fn what_is_refused_changes_nothing(store: &dyn Keys) {
    let stranger = NewKey {
        user_id: Some(77),
        ..new_key("bbbbbbbbbbbb")
    };
    let refused = store.create_key(stranger.clone());
    assert!(matches!(refused, Err(StoreFault::NoSuchUser(77))));
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let before = (store.list_keys().unwrap(), store.change_stamp().unwrap());
    let refused = store.create_key(stranger);
    assert!(matches!(refused, Err(StoreFault::NoSuchUser(77))));
    let refused = store.create_key(new_key("aaaaaaaaaaaa"));
    assert!(matches!(refused, Err(StoreFault::Taken)));
    let good = || new_key("cccccccccccc");
    let with_name = |name: String| NewKey { name, ..good() };
    let bad = [
        with_name(String::new()),
        with_name("é".repeat(201)),
        with_name("a\0b".into()),
        new_key("short"),
        NewKey {
            env: String::new(),
            ..good()
        },
        NewKey {
            last4: "12345".into(),
            ..good()
        },
        NewKey {
            requests_per_minute: Some(0),
            ..good()
        },
        NewKey {
            tokens_per_minute: Some(u64::MAX),
            ..good()
        },
    ];
    for key in bad {
        let refused = store.create_key(key.clone());
        assert!(matches!(refused, Err(StoreFault::Refused(_))), "{key:?}");
    }
    let after = (store.list_keys().unwrap(), store.change_stamp().unwrap());
    assert_eq!(before, after);
    store.create_key(with_name("é".repeat(200))).unwrap();
}

fn a_key_is_revoked_once_by_either_of_its_names(store: &dyn Keys) {
    let first = store.create_key(new_key("123456789012")).unwrap();
    let second = store.create_key(new_key("bbbbbbbbbbbb")).unwrap();
    let gone = store.revoke_key("123456789012", 50).unwrap().unwrap();
    assert_eq!(
        (gone.id, gone.is_active, gone.revoked_at),
        (first.id, false, Some(50))
    );
    let again = store.revoke_key("123456789012", 60).unwrap().unwrap();
    assert_eq!(again.revoked_at, Some(50));
    let by_id = store
        .revoke_key(&second.id.to_string(), 70)
        .unwrap()
        .unwrap();
    assert_eq!((by_id.id, by_id.revoked_at), (second.id, Some(70)));
    assert_eq!(store.list_keys().unwrap(), [gone, by_id]);
}

fn a_selector_that_names_no_key_revokes_none(store: &dyn Keys) {
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let huge = "9".repeat(10_000);
    let hostile = [
        "",
        "0",
        "-1",
        "1 OR 1=1",
        "' OR 1=1 --",
        "AAAAAAAAAAAA",
        "%",
        "*",
        &huge,
    ];
    for selector in hostile {
        assert_eq!(store.revoke_key(selector, 1).unwrap(), None, "{selector}");
    }
    assert!(store.list_keys().unwrap().iter().all(|row| row.is_active));
}

fn the_stamp_moves_with_every_change_and_only_then(store: &dyn Keys) {
    let stamp = || store.change_stamp().unwrap();
    let empty = stamp();
    store.create_key(new_key("aaaaaaaaaaaa")).unwrap();
    let created = stamp();
    assert_ne!(empty, created);
    store.list_keys().unwrap();
    store.revoke_key("bbbbbbbbbbbb", 1).unwrap();
    assert_eq!(stamp(), created);
    store.revoke_key("aaaaaaaaaaaa", 1).unwrap();
    let revoked = stamp();
    assert_ne!(revoked, created);
    store.revoke_key("aaaaaaaaaaaa", 2).unwrap();
    assert_eq!(stamp(), revoked);
}

macro_rules! conformance {
    ($($sentence:ident),* $(,)?) => {
        mod memory {
            $(#[test]
            fn $sentence() {
                super::$sentence(&super::MemoryStore::new());
            })*
        }
        mod sqlite {
            $(#[test]
            fn $sentence() {
                let directory = tempfile::tempdir().unwrap();
                super::$sentence(&super::SqliteStore::open(directory.path()).unwrap());
            })*
        }
        mod sqlite_in_memory {
            $(#[test]
            fn $sentence() {
                super::$sentence(&super::SqliteStore::in_memory().unwrap());
            })*
        }
        mod postgres {
            $(#[test]
            fn $sentence() {
                super::$sentence(&super::on_postgres());
            })*
        }
    };
}

conformance!(
    a_created_key_is_listed_back_field_for_field,
    an_empty_allowlist_is_not_the_same_as_none,
    keys_without_an_owner_share_one_default_owner,
    what_is_refused_changes_nothing,
    a_key_is_revoked_once_by_either_of_its_names,
    a_selector_that_names_no_key_revokes_none,
    the_stamp_moves_with_every_change_and_only_then,
);

#[derive(Clone, Debug)]
enum Act {
    Create {
        public_id: u8,
        user_id: Option<i64>,
        name: String,
    },
    RevokeByPublicId {
        public_id: u8,
        now: i64,
    },
    RevokeById {
        id: i64,
        now: i64,
    },
    Reopen,
}

fn act() -> impl Strategy<Value = Act> {
    let user_id = prop_oneof![4 => Just(None), 1 => (0_i64..3).prop_map(Some)];
    prop_oneof![
        4 => (0_u8..6, user_id, "\\PC{0,3}")
            .prop_map(|(public_id, user_id, name)| Act::Create { public_id, user_id, name }),
        2 => (0_u8..6, any::<i64>()).prop_map(|(public_id, now)| Act::RevokeByPublicId { public_id, now }),
        2 => (0_i64..6, any::<i64>()).prop_map(|(id, now)| Act::RevokeById { id, now }),
        1 => Just(Act::Reopen),
    ]
}

/// What an act answers, and whether the stamp moved, in comparable form.
fn play(store: &dyn Keys, act: &Act) -> (String, bool) {
    let before = store.change_stamp().unwrap();
    let id = |number: &u8| format!("public-id-{number:02}");
    let answer = match act {
        Act::Create {
            public_id,
            user_id,
            name,
        } => {
            let key = NewKey {
                name: name.clone(),
                user_id: *user_id,
                ..new_key(&id(public_id))
            };
            format!("{:?}", store.create_key(key))
        }
        Act::RevokeByPublicId { public_id, now } => {
            format!("{:?}", store.revoke_key(&id(public_id), *now))
        }
        Act::RevokeById { id, now } => format!("{:?}", store.revoke_key(&id.to_string(), *now)),
        Act::Reopen => String::new(),
    };
    (answer, store.change_stamp().unwrap() != before)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn random_histories_look_the_same_in_every_store(acts in prop::collection::vec(act(), 1..24)) {
        let directory = TempDir::new().unwrap();
        let memory = MemoryStore::new();
        let mut sqlite = SqliteStore::open(directory.path()).unwrap();
        let (mut postgres, url) = testing::fresh();
        for act in &acts {
            if matches!(act, Act::Reopen) {
                drop(sqlite);
                sqlite = SqliteStore::open(directory.path()).unwrap();
                drop(postgres);
                postgres = testing::reopened(&url);
            }
            let (answer, keys) = (play(&memory, act), memory.list_keys().unwrap());
            prop_assert_eq!(&answer, &play(&sqlite, act), "{:?}", act);
            prop_assert_eq!(&answer, &play(&postgres, act), "{:?}", act);
            prop_assert_eq!(&keys, &sqlite.list_keys().unwrap());
            prop_assert_eq!(&keys, &postgres.list_keys().unwrap());
        }
    }
}
