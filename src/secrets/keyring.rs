//! Why: a request is authenticated from memory alone: no lock, no allocation, no SQL. The ring
//! is a snapshot that a supervisor replaces when the store has changed.

use super::{ApiKey, KeyHash, KnownUsers, Pepper, Principal, StaticKeys};
use crate::store::{KeyRow, Keys, StoreFault};
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// Longest text that is looked at as a key; bounds the work a hostile header can cause.
const MAX_PRESENTED: usize = 512;

/// Why a key is refused. All four answer 401; the client learns which only when it has proved
/// to hold the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefusal {
    /// Not a key at all, or a mistyped one.
    #[error("the API key is malformed: it is mistyped or cut")]
    Malformed,
    /// Well-formed, but not one of ours.
    #[error("the API key is not known here")]
    Unknown,
    /// Ended by its owner or an administrator.
    #[error("the API key has been revoked")]
    Revoked,
    /// Its time is over.
    #[error("the API key has expired")]
    Expired,
}

/// Every key this process accepts or can refuse by name.
#[derive(Debug)]
pub struct Keyring {
    pepper: Pepper,
    stored: ArcSwap<Stored>,
    /// Stamp of the store that `stored` was read at; [`NEVER`] before the first read.
    seen: AtomicU64,
    users: ArcSwap<KnownUsers>,
}

const NEVER: u64 = u64::MAX;

#[derive(Debug, Default)]
struct Stored {
    by_public_id: HashMap<PublicId, Entry>,
    unverifiable: usize,
}

type PublicId = [u8; 12];

#[derive(Debug)]
struct Entry {
    principal: Arc<Principal>,
    hash: KeyHash,
    pepper_version: u32,
    is_active: bool,
    used: Arc<Used>,
}

/// When a key was used that nobody has noted yet, in Unix milliseconds; 0 is never. It outlives the
/// snapshot that it is in.
#[derive(Debug, Default)]
struct Used(AtomicI64);

impl Keyring {
    /// A ring without keys. Call [`Keyring::refresh`] before the first request.
    pub fn new(pepper: Pepper) -> Self {
        Self {
            pepper,
            stored: ArcSwap::default(),
            seen: AtomicU64::new(NEVER),
            users: ArcSwap::default(),
        }
    }

    /// What keys the hashes.
    pub fn pepper(&self) -> &Pepper {
        &self.pepper
    }

    /// Reads the store again if it has changed since the last time; `true` when it had. A
    /// failure leaves the keys as they were.
    pub fn refresh(&self, store: &dyn Keys) -> Result<bool, StoreFault> {
        // Asked before the rows are read: a change in between is then read twice, never missed.
        let stamp = store.change_stamp()?;
        if self.seen.load(Ordering::Acquire) == stamp {
            return Ok(false);
        }
        let rows = store.list_keys()?;
        let before = self.stored.load();
        let stored = Stored::new(rows, &self.pepper, &before);
        self.stored.store(Arc::new(stored));
        self.seen.store(stamp, Ordering::Release);
        Ok(true)
    }

    /// Takes when keys were used since they were taken last: row ids and Unix milliseconds. A key that
    /// was presented counts, whether it was let in or not.
    pub fn take_used(&self) -> Vec<(i64, i64)> {
        let stored = self.stored.load();
        let entries = stored.by_public_id.values();
        entries
            .filter_map(|entry| {
                let at = entry.used.0.swap(0, Ordering::Relaxed);
                Some((entry.principal.key_id?, at)).filter(|(_, at)| *at > 0)
            })
            .collect()
    }

    /// The users whose tokens open the gateway.
    pub fn users(&self) -> Arc<KnownUsers> {
        self.users.load_full()
    }

    /// Knows these users from now on, and no others.
    pub fn set_users(&self, users: KnownUsers) {
        self.users.store(Arc::new(users));
    }

    /// How many active keys cannot be checked because their pepper is not at hand. Anything
    /// but 0 means that `data_dir/pepper` was replaced or cut.
    pub fn unverifiable(&self) -> usize {
        self.stored.load().unverifiable
    }

    /// How many keys the ring holds, refused ones included.
    pub fn len(&self) -> usize {
        self.stored.load().by_public_id.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Who holds this key, one of the ring's or of `fixed`. A wrong secret costs the same whether the public id is known or
    /// not, and revoked or expired keys say so only to whoever holds the secret.
    pub fn authenticate(
        &self,
        presented: &str,
        fixed: &StaticKeys,
        now_unix_ms: i64,
    ) -> Result<Arc<Principal>, KeyRefusal> {
        if presented.is_empty() || presented.len() > MAX_PRESENTED {
            return Err(KeyRefusal::Malformed);
        }
        let key = ApiKey::parse(presented);
        let stored = key
            .as_ref()
            .ok()
            .and_then(|key| self.stored_key(key, now_unix_ms));
        let (principal, is_active) = match stored {
            Some(found) => found,
            None => {
                let refusal = match key {
                    Err(_) => KeyRefusal::Malformed,
                    Ok(_) => KeyRefusal::Unknown,
                };
                (fixed.find(presented).ok_or(refusal)?, true)
            }
        };
        if !is_active {
            return Err(KeyRefusal::Revoked);
        }
        if principal.expires_at.is_some_and(|end| end <= now_unix_ms) {
            return Err(KeyRefusal::Expired);
        }
        Ok(principal)
    }

    fn stored_key(&self, key: &ApiKey<'_>, now_unix_ms: i64) -> Option<(Arc<Principal>, bool)> {
        let stored = self.stored.load();
        let public_id = PublicId::try_from(key.public_id().as_bytes()).ok()?;
        let entry = stored.by_public_id.get(&public_id);
        let version = entry.map_or(self.pepper.version(), |entry| entry.pepper_version);
        // Hashed for unknown ids too, so that time does not tell which ids exist.
        let hash = self.pepper.hash_as(version, key.expose())?;
        let entry = entry.filter(|entry| entry.hash == hash)?;
        entry.used.0.store(now_unix_ms, Ordering::Relaxed);
        Some((Arc::clone(&entry.principal), entry.is_active))
    }
}

impl Stored {
    fn used(&self, public_id: &PublicId) -> Arc<Used> {
        let known = self.by_public_id.get(public_id);
        known.map_or_else(Arc::default, |entry| Arc::clone(&entry.used))
    }

    fn new(rows: Vec<KeyRow>, pepper: &Pepper, before: &Self) -> Self {
        let mut stored = Self::default();
        for row in rows {
            let Ok(public_id) = PublicId::try_from(row.public_id.as_bytes()) else {
                continue;
            };
            if row.is_active && !pepper.knows(row.pepper_version) {
                stored.unverifiable += 1;
            }
            let entry = Entry {
                hash: KeyHash::from_bytes(row.key_hash),
                pepper_version: row.pepper_version,
                is_active: row.is_active,
                used: before.used(&public_id),
                principal: Arc::new(Principal::from_row(row)),
            };
            stored.by_public_id.insert(public_id, entry);
        }
        stored
    }
}
