//! Why: a row of `transactions` is money. Its hash covers every column, so that not one of them
//! can change unseen, and is made where the row is made.

use super::canonical::{Canonical, Hash, LEAF};

/// One row of `transactions`, all columns but `hash`, exactly as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransactionLeaf<'a> {
    /// The request, a UUIDv7.
    pub request_id: [u8; 16],
    /// Which attempt.
    pub attempt: u8,
    /// The column `type`.
    pub kind: &'a str,
    /// Which wallet of several.
    pub leg: u8,
    /// What the row is known by outside.
    pub id: [u8; 16],
    /// Tenant.
    pub org: Option<i64>,
    /// Team.
    pub team: Option<i64>,
    /// User.
    pub user: Option<i64>,
    /// API key.
    pub key: Option<i64>,
    /// The wallet that moved.
    pub wallet: Option<i64>,
    /// By how much, in nano-credits.
    pub amount: i64,
    /// What it held afterwards.
    pub balance_after: Option<i64>,
    /// The model that answered.
    pub model: Option<&'a str>,
    /// Its provider.
    pub provider: Option<&'a str>,
    /// Prompt tokens.
    pub prompt_tokens: i64,
    /// Answer tokens.
    pub completion_tokens: i64,
    /// Of the prompt: read from the provider's cache.
    pub cached_tokens: i64,
    /// Of the prompt: written to it.
    pub cache_write_tokens: i64,
    /// Of the answer: hidden reasoning.
    pub reasoning_tokens: i64,
    /// The whole cost of the attempt, in nano-credits.
    pub cost: i64,
    /// The tokens or the cost are a guess.
    pub estimated: bool,
    /// Who counted.
    pub usage_source: &'a str,
    /// The price table.
    pub price_version: Option<i64>,
    /// The column `holder_id`.
    pub holder: Option<i64>,
    /// The batch that the row was posted with.
    pub settlement: Option<i64>,
    /// Its place there, counted from 0.
    pub position: Option<i64>,
    /// The transaction that this one takes back.
    pub reverses: Option<[u8; 16]>,
    /// A person's remark.
    pub note: Option<&'a str>,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl TransactionLeaf<'_> {
    /// What the column `hash` must be: `SHA-256(00 ‖ record)` of a record `alfred transaction`
    /// with the fields in their order here.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let bytes = |record: Canonical, bytes: [u8; 16]| record.bytes(&bytes);
        Canonical::new("alfred transaction")
            .bytes(&self.request_id)
            .int(i64::from(self.attempt))
            .text(self.kind)
            .int(i64::from(self.leg))
            .bytes(&self.id)
            .optional_int(self.org)
            .optional_int(self.team)
            .optional_int(self.user)
            .optional_int(self.key)
            .optional_int(self.wallet)
            .int(self.amount)
            .optional_int(self.balance_after)
            .optional_text(self.model)
            .optional_text(self.provider)
            .int(self.prompt_tokens)
            .int(self.completion_tokens)
            .int(self.cached_tokens)
            .int(self.cache_write_tokens)
            .int(self.reasoning_tokens)
            .int(self.cost)
            .flag(self.estimated)
            .text(self.usage_source)
            .optional_int(self.price_version)
            .optional_int(self.holder)
            .optional_int(self.settlement)
            .optional_int(self.position)
            .optional(self.reverses, bytes)
            .optional_text(self.note)
            .int(self.created_at)
            .hash(LEAF)
    }
}
