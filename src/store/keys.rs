//! Why: the one use case the gateway has for stored keys, stated apart from any database, so
//! that every store can be held to the same words.

use super::StoreFault;

/// Names of the rows that own keys made before anyone created an organisation.
pub(super) const DEFAULT_NAME: &str = "default";
/// Address of the default user; `.invalid` can never receive mail (RFC 2606).
pub(super) const DEFAULT_EMAIL: &str = "owner@default.invalid";
/// Length of a public id in characters; shorter selectors are row ids.
const PUBLIC_ID_LEN: usize = 12;

/// A key about to be stored. The secret itself never reaches the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What people call it; 1 to 200 characters, need not be unique.
    pub name: String,
    /// The environment part of the key text, e.g. `live`.
    pub env: String,
    /// Twelve base62 characters, unique for ever.
    pub public_id: String,
    /// Keyed BLAKE3 of the whole key text.
    pub key_hash: [u8; 32],
    /// Which pepper keyed the hash.
    pub pepper_version: u32,
    /// The last four characters of the key text (part of its checksum, no secret).
    pub last4: String,
    /// Model names the key may use; `None` allows all, an empty list none.
    pub models: Option<Vec<String>>,
    /// Requests per minute; `None` leaves it to the configuration.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute; `None` leaves it to the configuration.
    pub tokens_per_minute: Option<u64>,
    /// Unix milliseconds from which the key is refused; `None` never expires.
    pub expires_at: Option<i64>,
    /// Owner; `None` is the default user, made on first use.
    pub user_id: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Longest name in characters, as the tables check it.
const MAX_NAME: usize = 200;

impl NewKey {
    /// The rules of the tables, asked before writing so that every store refuses alike and
    /// in words.
    pub(super) fn check(&self) -> Result<(), StoreFault> {
        let name = self.name.chars().count();
        let rules = [
            (name > 0, "the name is empty"),
            (name <= MAX_NAME, "the name is longer than 200 characters"),
            (!self.name.contains('\0'), "the name holds a NUL character"),
            (
                (1..=16).contains(&self.env.len()),
                "the environment must have 1 to 16 characters",
            ),
            (
                self.public_id.len() == PUBLIC_ID_LEN,
                "the public id must have 12 characters",
            ),
            (self.last4.len() == 4, "last4 must have 4 characters"),
            (
                in_range(self.requests_per_minute),
                "requests per minute must be positive",
            ),
            (
                in_range(self.tokens_per_minute),
                "tokens per minute must be positive",
            ),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, broken)) => Err(StoreFault::Refused(broken)),
            None => Ok(()),
        }
    }

    /// The row this key becomes.
    pub(super) fn into_row(
        self,
        id: i64,
        org_id: i64,
        team_id: Option<i64>,
        user_id: i64,
    ) -> KeyRow {
        KeyRow {
            id,
            org_id,
            team_id,
            user_id,
            name: self.name,
            env: self.env,
            public_id: self.public_id,
            key_hash: self.key_hash,
            pepper_version: self.pepper_version,
            last4: self.last4,
            models: self.models,
            requests_per_minute: self.requests_per_minute,
            tokens_per_minute: self.tokens_per_minute,
            is_active: true,
            expires_at: self.expires_at,
            revoked_at: None,
            created_at: self.created_at,
        }
    }
}

/// Positive, and within what a database integer holds.
fn in_range(limit: Option<u64>) -> bool {
    limit.is_none_or(|limit| limit > 0 && i64::try_from(limit).is_ok())
}

/// A stored key as the key ring and the command line see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRow {
    /// Row id, never reused.
    pub id: i64,
    /// Tenant of the owner.
    pub org_id: i64,
    /// The key's own team, else its owner's.
    pub team_id: Option<i64>,
    /// Owner.
    pub user_id: i64,
    /// What people call it.
    pub name: String,
    /// The environment part of the key text.
    pub env: String,
    /// Twelve base62 characters.
    pub public_id: String,
    /// Keyed BLAKE3 of the whole key text.
    pub key_hash: [u8; 32],
    /// Which pepper keyed the hash.
    pub pepper_version: u32,
    /// The last four characters of the key text.
    pub last4: String,
    /// Model names the key may use; `None` allows all.
    pub models: Option<Vec<String>>,
    /// Requests per minute of this key alone.
    pub requests_per_minute: Option<u64>,
    /// Tokens per minute of this key alone.
    pub tokens_per_minute: Option<u64>,
    /// False once the key is revoked or its owner is not active.
    pub is_active: bool,
    /// Unix milliseconds.
    pub expires_at: Option<i64>,
    /// Unix milliseconds.
    pub revoked_at: Option<i64>,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// What the gateway and the command line do with stored keys. Every method blocks.
pub trait Keys: Send + Sync {
    /// Stores a key and answers its row. The default organisation, team and user are made
    /// when the key names no owner and they are missing.
    fn create_key(&self, key: NewKey) -> Result<KeyRow, StoreFault>;

    /// Every key, oldest first; revoked and expired ones too, so that a refusal can say why.
    fn list_keys(&self) -> Result<Vec<KeyRow>, StoreFault>;

    /// Ends a key named by its public id or its row id. `None` when there is no such key;
    /// a second revocation keeps the time of the first.
    fn revoke_key(&self, selector: &str, now_ms: i64) -> Result<Option<KeyRow>, StoreFault>;

    /// A number that moves whenever any answer of [`Keys::list_keys`] may have changed, by
    /// whichever process. Cheap enough to ask twice a second.
    fn change_stamp(&self) -> Result<u64, StoreFault>;
}

/// How a person points at a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Selector<'a> {
    /// The twelve characters printed in lists and inside the key.
    PublicId(&'a str),
    /// The row id.
    Id(i64),
    /// Text that can name no key.
    Nothing,
}

impl<'a> Selector<'a> {
    /// A public id may consist of digits alone, so the length decides.
    pub(super) fn read(text: &'a str) -> Self {
        if text.len() == PUBLIC_ID_LEN {
            return Self::PublicId(text);
        }
        text.parse().map_or(Self::Nothing, Self::Id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twelve_characters_are_a_public_id_even_when_all_are_digits() {
        assert_eq!(
            Selector::read("123456789012"),
            Selector::PublicId("123456789012")
        );
        assert_eq!(Selector::read("42"), Selector::Id(42));
        assert_eq!(Selector::read("'; drop"), Selector::Nothing);
    }
}
