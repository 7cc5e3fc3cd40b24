//! Why: the door of the house. Each sentence is a way in that must be shut, or must stay open.

use super::{
    ApiKey, BadStaticHash, KeyRefusal, KeyRequest, Keyring, Pepper, StaticHash, StaticKey,
    StaticKeys, issue, os_random,
};
use crate::store::{KeyRow, Keys, MemoryStore, NewKey, SqliteStore, StoreFault};
use proptest::prelude::*;
use std::time::Instant;

const NOW: i64 = 1_000_000;

fn pepper() -> Pepper {
    Pepper::from_text(&"5a".repeat(32)).unwrap()
}

fn request() -> KeyRequest {
    KeyRequest {
        name: "a key".into(),
        env: "live".into(),
        ..KeyRequest::default()
    }
}

fn issued(store: &dyn Keys, request: KeyRequest) -> ApiKey<'static> {
    issue(store, &pepper(), request, 1, &mut os_random)
        .unwrap()
        .0
}

fn ring(store: &dyn Keys) -> Keyring {
    let ring = Keyring::new(pepper());
    ring.refresh(store).unwrap();
    ring
}

fn refusal(ring: &Keyring, presented: &str) -> KeyRefusal {
    ring.authenticate(presented, &StaticKeys::default(), NOW)
        .unwrap_err()
}

#[test]
fn the_use_of_a_key_is_told_once_and_not_lost_when_the_ring_changes() {
    let store = MemoryStore::new();
    let key = issued(&store, request());
    let ring = ring(&store);
    assert_eq!(ring.take_used(), []);
    let enter = |now| ring.authenticate(key.expose(), &StaticKeys::default(), now);
    enter(NOW).unwrap();
    enter(NOW + 5).unwrap();
    issued(&store, request());
    assert!(ring.refresh(&store).unwrap());
    assert_eq!(ring.take_used(), [(1, NOW + 5)]);
    assert_eq!(ring.take_used(), []);
}

#[test]
fn a_stored_key_lets_its_holder_in_with_all_that_is_known_of_it() {
    let store = MemoryStore::new();
    let key = issued(
        &store,
        KeyRequest {
            models: Some(vec!["fast".into()]),
            requests_per_minute: Some(6),
            tokens_per_minute: Some(7),
            expires_at: Some(NOW + 1),
            ..request()
        },
    );
    let principal = ring(&store)
        .authenticate(key.expose(), &StaticKeys::default(), NOW)
        .unwrap();
    assert_eq!(*principal.id, *format!("key:{}", key.public_id()));
    assert_eq!(&*principal.name, "a key");
    assert_eq!(
        (principal.requests_per_minute, principal.tokens_per_minute),
        (Some(6), Some(7))
    );
    assert!(principal.user_id.is_some() && principal.org_id.is_some());
    assert!(principal.allows("fast") && !principal.allows("slow"));
}

/// A well-formed key with that public id: the id is drawn first, so the first bytes say it.
fn forged(id: &str) -> ApiKey<'static> {
    const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut draws = 0;
    let mut random = |buffer: &mut [u8]| {
        draws += 1;
        if draws > 1 {
            return os_random(buffer);
        }
        for (byte, wanted) in buffer.iter_mut().zip(id.chars().cycle()) {
            *byte = u8::try_from(ALPHABET.find(wanted).unwrap()).unwrap();
        }
        Ok(())
    };
    ApiKey::generate("live", &mut random).unwrap()
}

#[test]
fn a_key_with_a_known_id_and_another_secret_is_unknown() {
    let store = MemoryStore::new();
    let key = issued(&store, request());
    let id = key.public_id();
    let forged = forged(id);
    assert_eq!(forged.public_id(), id);
    let ring = ring(&store);
    assert_eq!(refusal(&ring, forged.expose()), KeyRefusal::Unknown);
    store.revoke_key(id, 5).unwrap();
    ring.refresh(&store).unwrap();
    assert_eq!(refusal(&ring, forged.expose()), KeyRefusal::Unknown);
    assert_eq!(refusal(&ring, key.expose()), KeyRefusal::Revoked);
}

#[test]
fn a_key_expires_at_its_very_millisecond() {
    let store = MemoryStore::new();
    let expires_at = Some(NOW);
    let key = issued(
        &store,
        KeyRequest {
            expires_at,
            ..request()
        },
    );
    let ring = ring(&store);
    assert!(
        ring.authenticate(key.expose(), &StaticKeys::default(), NOW - 1)
            .is_ok()
    );
    assert_eq!(refusal(&ring, key.expose()), KeyRefusal::Expired);
}

#[test]
fn a_revocation_by_another_process_is_seen_at_the_next_refresh() {
    let directory = tempfile::tempdir().unwrap();
    let gateway = SqliteStore::open(directory.path()).unwrap();
    let command_line = SqliteStore::open(directory.path()).unwrap();
    let key = issued(&command_line, request());
    let ring = ring(&gateway);
    assert!(
        ring.authenticate(key.expose(), &StaticKeys::default(), NOW)
            .is_ok()
    );
    assert!(!ring.refresh(&gateway).unwrap());
    command_line.revoke_key(key.public_id(), 5).unwrap();
    assert!(ring.refresh(&gateway).unwrap());
    assert_eq!(refusal(&ring, key.expose()), KeyRefusal::Revoked);
    let newer = issued(&command_line, request());
    assert_eq!(refusal(&ring, newer.expose()), KeyRefusal::Unknown);
    assert!(ring.refresh(&gateway).unwrap());
    assert!(
        ring.authenticate(newer.expose(), &StaticKeys::default(), NOW)
            .is_ok()
    );
}

struct Broken;

impl Keys for Broken {
    fn create_key(&self, _: NewKey) -> Result<KeyRow, StoreFault> {
        Err(StoreFault::Full)
    }
    fn list_keys(&self) -> Result<Vec<KeyRow>, StoreFault> {
        Err(StoreFault::Full)
    }
    fn revoke_key(&self, _: &str, _: i64) -> Result<Option<KeyRow>, StoreFault> {
        Err(StoreFault::Full)
    }
    fn change_stamp(&self) -> Result<u64, StoreFault> {
        Ok(77)
    }
}

#[test]
fn a_store_that_fails_leaves_the_keys_as_they_were_and_is_asked_again() {
    let store = MemoryStore::new();
    let key = issued(&store, request());
    let ring = ring(&store);
    assert!(ring.refresh(&Broken).is_err());
    assert!(ring.refresh(&Broken).is_err());
    assert!(
        ring.authenticate(key.expose(), &StaticKeys::default(), NOW)
            .is_ok()
    );
}

#[test]
fn what_is_no_key_is_malformed_and_a_strangers_key_unknown() {
    let store = MemoryStore::new();
    let key = issued(&store, request());
    let ring = ring(&store);
    let cut = key.expose().get(1..).unwrap();
    let long = "a".repeat(10_000_000);
    for presented in ["", " ", "sk-proj-1234567890", "ключ", cut, &long] {
        assert_eq!(refusal(&ring, presented), KeyRefusal::Malformed);
    }
    let stranger = ApiKey::generate("live", &mut os_random).unwrap();
    assert_eq!(refusal(&ring, stranger.expose()), KeyRefusal::Unknown);
    let empty = Keyring::new(pepper());
    assert!(empty.is_empty());
    assert_eq!(refusal(&empty, key.expose()), KeyRefusal::Unknown);
}

#[test]
fn a_pepper_that_was_replaced_is_counted_and_lets_nobody_in() {
    let store = MemoryStore::new();
    let key = issued(&store, request());
    let gone = issued(&store, request());
    store.revoke_key(gone.public_id(), 1).unwrap();
    let other = Keyring::new(Pepper::from_text(&"a5".repeat(32)).unwrap());
    other.refresh(&store).unwrap();
    assert_eq!((other.unverifiable(), other.len()), (1, 2));
    assert_eq!(refusal(&other, key.expose()), KeyRefusal::Unknown);
    let both = format!("{}\n{}", "5a".repeat(32), "a5".repeat(32));
    let rotated = Keyring::new(Pepper::from_text(&both).unwrap());
    rotated.refresh(&store).unwrap();
    assert_eq!(rotated.unverifiable(), 0);
    assert!(
        rotated
            .authenticate(key.expose(), &StaticKeys::default(), NOW)
            .is_ok()
    );
}

fn fixed(name: &str, text: &str) -> StaticKey {
    StaticKey {
        name: name.into(),
        hash: StaticHash::of(text).unwrap(),
        models: Some(vec!["openai/*".into(), "fast".into()]),
        requests_per_minute: None,
        tokens_per_minute: None,
        expires_at: Some(NOW + 10),
    }
}

#[test]
fn a_key_of_the_configuration_may_have_any_form_and_comes_and_goes_with_it() {
    let ring = Keyring::new(pepper());
    let alfred_form = ApiKey::generate("ci", &mut os_random).unwrap();
    let legacy = "sk-litellm-0123456789abcdef";
    let keys = StaticKeys::new(vec![
        fixed("ci", alfred_form.expose()),
        fixed("old", legacy),
    ]);
    let principal = ring.authenticate(alfred_form.expose(), &keys, NOW).unwrap();
    assert_eq!((&*principal.id, principal.key_id), ("static:ci", None));
    assert!(principal.allows("openai/gpt-5") && principal.allows("fast"));
    assert!(!principal.allows("openai") && !principal.allows("faster"));
    assert_eq!(
        &*ring.authenticate(legacy, &keys, NOW).unwrap().id,
        "static:old"
    );
    assert_eq!(
        ring.authenticate(legacy, &keys, NOW + 10),
        Err(KeyRefusal::Expired)
    );
    assert_eq!(
        ring.authenticate("sk-litellm-0123456789abcdeg", &keys, NOW),
        Err(KeyRefusal::Malformed)
    );
    assert_eq!(refusal(&ring, alfred_form.expose()), KeyRefusal::Unknown);
}

#[test]
fn a_static_hash_reads_back_and_its_form_never_changes() {
    let hash = StaticHash::of("sk-litellm-0123456789abcdef").unwrap();
    assert_eq!(StaticHash::parse(&hash.to_string()), Ok(hash));
    assert_eq!(
        hash.to_string(),
        "blake3:8bdb8bf9e2450cfe98aa894e0b63833a8d3370d9376ed61babcc22d976d59fb8"
    );
    assert_eq!(format!("{hash:?}"), "StaticHash(***)");
    for bad in ["", "blake3:", "blake3:12", "sha256:00", &"0".repeat(64)] {
        assert_eq!(StaticHash::parse(bad), Err(BadStaticHash::Form), "{bad}");
    }
    for weak in [
        "",
        "sk-1234",
        "nineteen-characters",
        "with spaces in it, long",
    ] {
        assert_eq!(StaticHash::of(weak), Err(BadStaticHash::Weak), "{weak}");
    }
}

#[test]
fn an_unknown_id_costs_about_as_much_as_a_wrong_secret() {
    let store = MemoryStore::new();
    let known = issued(&store, request());
    let ring = ring(&store);
    let stranger = ApiKey::generate("live", &mut os_random).unwrap();
    let best = |presented: &str| {
        let time = |_| {
            let start = Instant::now();
            for _ in 0..200 {
                let _ =
                    std::hint::black_box(ring.authenticate(presented, &StaticKeys::default(), NOW));
            }
            start.elapsed()
        };
        (0..50).map(time).min().unwrap().as_secs_f64()
    };
    let ratio = best(stranger.expose()) / best(known.expose());
    assert!((0.4..2.5).contains(&ratio), "{ratio}");
}

proptest! {
    #[test]
    fn no_presented_text_panics_or_gets_in(text in "ak_live_.{0,70}|.{0,600}") {
        let store = MemoryStore::new();
        issued(&store, request());
        let ring = ring(&store);
        let keys = StaticKeys::new(vec![fixed("ci", "a-static-key-of-some-length")]);
        prop_assert!(ring.authenticate(&text, &keys, NOW).is_err());
    }
}
