//! Why: tests and the conformance suite need a store whose rightness is plain to see.

use super::keys::Selector;
use super::{KeyRow, Keys, NewKey, StoreFault};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keys in a vector. Forgets everything when dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: Vec<KeyRow>,
    stamp: u64,
}

/// The default organisation, team and user all get the first id of their tables.
const DEFAULT_ID: i64 = 1;

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys for MemoryStore {
    fn create_key(&self, key: NewKey) -> Result<KeyRow, StoreFault> {
        key.check()?;
        let mut state = self.lock();
        if state.keys.iter().any(|row| row.public_id == key.public_id) {
            return Err(StoreFault::Taken);
        }
        let user_id = key.user_id.unwrap_or(DEFAULT_ID);
        if user_id != DEFAULT_ID || (key.user_id.is_some() && state.keys.is_empty()) {
            return Err(StoreFault::NoSuchUser(user_id));
        }
        let id = i64::try_from(state.keys.len()).unwrap_or(i64::MAX - 1) + 1;
        let row = key.into_row(id, DEFAULT_ID, Some(DEFAULT_ID), user_id);
        state.keys.push(row.clone());
        state.stamp += 1;
        Ok(row)
    }

    fn list_keys(&self) -> Result<Vec<KeyRow>, StoreFault> {
        Ok(self.lock().keys.clone())
    }

    fn revoke_key(&self, selector: &str, now_ms: i64) -> Result<Option<KeyRow>, StoreFault> {
        let selector = Selector::read(selector);
        let mut state = self.lock();
        let found = state.keys.iter_mut().find(|row| match selector {
            Selector::PublicId(public_id) => row.public_id == public_id,
            Selector::Id(id) => row.id == id,
            Selector::Nothing => false,
        });
        let Some(row) = found else {
            return Ok(None);
        };
        let first_time = row.revoked_at.is_none();
        row.is_active = false;
        row.revoked_at.get_or_insert(now_ms);
        let row = row.clone();
        if first_time {
            state.stamp += 1;
        }
        Ok(Some(row))
    }

    fn change_stamp(&self) -> Result<u64, StoreFault> {
        Ok(self.lock().stamp)
    }
}
