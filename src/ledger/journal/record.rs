//! Why: what a process must not forget about a request's money, as plain data: who asked, what
//! was set aside for it, and what it cost in the end.

use crate::ledger::Nanos;
use std::sync::Arc;
use uuid::Uuid;

/// Money of one request in one wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Whose money: the wallet's id in the store.
    pub wallet: i64,
    /// How much is held there, or was spent from it.
    pub amount: Nanos,
    /// True for a wallet that bounds the request without paying for it (a key's budget, the cap
    /// of an organisation).
    pub is_cap: bool,
}

/// Who asked and for what: all that a row of `transactions` needs and that is known at the hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The internal id (UUIDv7), which makes money idempotent.
    pub request_id: Uuid,
    /// The caller's organisation.
    pub org: Option<i64>,
    /// The caller's team.
    pub team: Option<i64>,
    /// The caller.
    pub user: Option<i64>,
    /// The API key that was used.
    pub key: Option<i64>,
    /// When the request began, Unix milliseconds.
    pub at_ms: i64,
    /// The model that was asked for. Cut to [`MAX_NAME`](super::MAX_NAME) bytes on disk.
    pub model: Arc<str>,
    /// The provider the hold was priced for. Cut likewise.
    pub provider: Arc<str>,
    /// The price table the hold was computed with.
    pub price_version: u32,
}

/// Where the token counts of a settlement come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageSource {
    /// The provider said so.
    Provider,
    /// Counted here, because the provider's count never came.
    Local,
    /// Unknown: the hold itself is charged.
    Hold,
}

/// What one attempt cost. Complete in itself: it can be posted when its hold is long forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Who asked and for what.
    pub subject: Subject,
    /// Which attempt, counted from 0.
    pub attempt: u8,
    /// True when the request holds nothing afterwards. An attempt that used tokens before
    /// another one took over is settled with `false`; its legs are taken out of the hold.
    pub closes: bool,
    /// The model that ran.
    pub model: Arc<str>,
    /// The provider that ran it.
    pub provider: Arc<str>,
    /// Prompt tokens, all kinds.
    pub prompt_tokens: u64,
    /// Answer tokens, all kinds.
    pub completion_tokens: u64,
    /// Of the prompt: read from the provider's cache.
    pub cached_tokens: u64,
    /// Of the prompt: written to the provider's cache.
    pub cache_write_tokens: u64,
    /// Of the answer: hidden reasoning.
    pub reasoning_tokens: u64,
    /// What all that costs.
    pub cost: Nanos,
    /// What each wallet is debited.
    pub legs: Vec<Leg>,
    /// What was spent beyond all that could be held.
    pub overage: Nanos,
    /// True when the amount is an estimate that may be corrected later.
    pub is_estimated: bool,
    /// Where the counts come from.
    pub usage_source: UsageSource,
    /// True when the caller got this attempt's answer.
    pub is_delivered: bool,
    /// When it was settled, Unix milliseconds.
    pub at_ms: i64,
    /// The price table the cost was computed with.
    pub price_version: u32,
}

/// One line of the journal. Written before what it tells has any effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// Money is held. A request holds once; it may open again after it was closed.
    Open {
        /// Who asked and for what.
        subject: Subject,
        /// The attempt that the money is held for.
        attempt: u8,
        /// What is held, wallet by wallet.
        legs: Vec<Leg>,
    },
    /// More money is held.
    Extend {
        /// The request that holds already.
        request_id: Uuid,
        /// What is held in addition.
        legs: Vec<Leg>,
    },
    /// An attempt is paid for.
    Settle(Settlement),
    /// The request holds nothing any more and nothing is billed.
    Void {
        /// The request.
        request_id: Uuid,
    },
}

impl Record {
    /// The request it is about.
    pub fn request_id(&self) -> Uuid {
        match self {
            Self::Open { subject, .. } => subject.request_id,
            Self::Settle(settlement) => settlement.subject.request_id,
            Self::Extend { request_id, .. } | Self::Void { request_id } => *request_id,
        }
    }
}
