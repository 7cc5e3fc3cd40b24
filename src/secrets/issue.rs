//! Why: making a key is one act (draw it, hash it, store it) that the command line, the first
//! run and the admin API must do alike.

use super::{ApiKey, Pepper, Random, SecretProblem};
use crate::store::{KeyRow, Keys, NewKey};

/// What a person chooses about a new key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRequest {
    /// What people call it; 1 to 200 characters.
    pub name: String,
    /// The environment inside the key text, 1 to 16 of `a-z0-9`, e.g. `live`.
    pub env: String,
    /// Model names the key may use; `None` allows all.
    pub models: Option<Vec<String>>,
    /// Requests per minute of this key alone.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute of this key alone.
    pub tokens_per_minute: Option<u64>,
    /// Unix milliseconds from which the key is refused.
    pub expires_at: Option<i64>,
    /// Owner; `None` is the default user.
    pub user_id: Option<i64>,
}

/// Makes and stores a key. The answer is the only place where its secret is ever seen.
pub fn issue(
    store: &dyn Keys,
    pepper: &Pepper,
    request: KeyRequest,
    now_ms: i64,
    random: &mut Random<'_>,
) -> Result<(ApiKey<'static>, KeyRow), SecretProblem> {
    let (key, new) = draw(pepper, request, now_ms, random)?;
    let row = store.create_key(new)?;
    Ok((key, row))
}

/// Draws a key and hashes it, for whoever stores it together with other things. The answer is
/// the only place where its secret is ever seen.
pub fn draw(
    pepper: &Pepper,
    request: KeyRequest,
    now_ms: i64,
    random: &mut Random<'_>,
) -> Result<(ApiKey<'static>, NewKey), SecretProblem> {
    let key = ApiKey::generate(&request.env, random)?;
    let new = new_key(&key, pepper, request, now_ms);
    Ok((key, new))
}

/// The row of a key that is already drawn.
pub(super) fn new_key(
    key: &ApiKey<'_>,
    pepper: &Pepper,
    request: KeyRequest,
    now_ms: i64,
) -> NewKey {
    NewKey {
        name: request.name,
        env: key.env().to_owned(),
        public_id: key.public_id().to_owned(),
        key_hash: *key.hash(pepper).as_bytes(),
        pepper_version: pepper.version(),
        last4: key.last4().to_owned(),
        models: request.models,
        requests_per_minute: request.requests_per_minute,
        tokens_per_minute: request.tokens_per_minute,
        expires_at: request.expires_at,
        user_id: request.user_id,
        created_at: now_ms,
    }
}
