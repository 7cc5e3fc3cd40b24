//! Why: after authentication nothing but this is known of the caller; limits, allowlist and
//! attribution read it and never look at a key again.

use std::sync::Arc;

use super::StaticKey;
use crate::store::KeyRow;

/// Who asks. Shared by every request of one key, never changed in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Stable across restarts and reloads, for limiters and logs: `key:<public id>` for a
    /// stored key, `static:<name>` for one of the configuration, `jwt:<issuer>:<sub>` for a token.
    pub id: Arc<str>,
    /// What people call the key.
    pub name: Arc<str>,
    /// Row of a stored key.
    pub key_id: Option<i64>,
    /// Owner of a stored key.
    pub user_id: Option<i64>,
    /// Team of a stored key.
    pub team_id: Option<i64>,
    /// Tenant of a stored key.
    pub org_id: Option<i64>,
    /// Model names the key may use, aliases or `provider/model`; `None` allows all.
    pub models: Option<Box<[String]>>,
    /// Requests per minute of this key alone; `None` leaves it to the configuration.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute of this key alone; `None` leaves it to the configuration.
    pub tokens_per_minute: Option<u64>,
    /// Unix milliseconds from which the key is refused.
    pub expires_at: Option<i64>,
}

impl Principal {
    /// Whether the key may use this model. An entry is an exact name, or a prefix that ends
    /// in `*`: `openai/*` allows every model of that provider, `*` every model.
    pub fn allows(&self, model: &str) -> bool {
        let Some(models) = &self.models else {
            return true;
        };
        models.iter().any(|entry| match entry.strip_suffix('*') {
            Some(prefix) => model.starts_with(prefix),
            None => entry == model,
        })
    }

    pub(super) fn from_row(row: KeyRow) -> Self {
        Self {
            id: format!("key:{}", row.public_id).into(),
            name: row.name.into(),
            key_id: Some(row.id),
            user_id: Some(row.user_id),
            team_id: row.team_id,
            org_id: Some(row.org_id),
            models: row.models.map(Vec::into_boxed_slice),
            requests_per_minute: row.requests_per_minute,
            tokens_per_minute: row.tokens_per_minute,
            expires_at: row.expires_at,
        }
    }

    pub(super) fn from_static(key: StaticKey) -> Self {
        Self {
            id: format!("static:{}", key.name).into(),
            name: key.name.into(),
            key_id: None,
            user_id: None,
            team_id: None,
            org_id: None,
            models: key.models.map(Vec::into_boxed_slice),
            requests_per_minute: key.requests_per_minute,
            tokens_per_minute: key.tokens_per_minute,
            expires_at: key.expires_at,
        }
    }
}
