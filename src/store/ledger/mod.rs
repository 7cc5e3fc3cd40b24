//! Why: what the ledger asks of a store, apart from any database. Money is nano-credits.
//!
//! A wallet is split in two: what is posted (`balance`) and what may still be leased
//! (`unleased`). A process leases slices, spends them in memory and settles in batches.

pub(super) mod absence;
mod books;
mod check;
mod lease;
mod lines;
mod partition;
pub(super) mod period;
mod posting;
mod rows;
mod settle;
mod store;
#[cfg(test)]
mod tests;
pub(super) mod transfer;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::StoreFault;
use crate::money::Nanos;

/// One start of one process: the fencing token of its leases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HolderId(pub i64);

/// Row id of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WalletId(pub i64);

/// Whose money or budget a wallet is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum OwnerType {
    /// A user's prepaid credit.
    User,
    /// A user's personal quota, set anew each period.
    Quota,
    /// The common pool of a team.
    Team,
    /// The budget of one API key.
    Key,
    /// The cap of a whole organisation.
    Organisation,
    /// The house: where credits come from and what it pays itself.
    House,
}

impl OwnerType {
    const WORDS: [(Self, &'static str); 6] = [
        (Self::User, "user"),
        (Self::Quota, "quota"),
        (Self::Team, "team"),
        (Self::Key, "key"),
        (Self::Organisation, "organisation"),
        (Self::House, "house"),
    ];

    /// The word in tables and on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        let found = Self::WORDS.iter().find(|(kind, _)| *kind == self);
        found.map_or("house", |(_, word)| *word)
    }

    /// Reads the word.
    #[must_use]
    pub fn read(word: &str) -> Option<Self> {
        let found = Self::WORDS.iter().find(|(_, known)| *known == word);
        found.map(|(kind, _)| *kind)
    }

    /// Whether it pays; the others only cap what is paid.
    #[must_use]
    pub fn pays(self) -> bool {
        matches!(self, Self::User | Self::Quota | Self::Team)
    }
}

/// How much of a request's possible cost is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldMode {
    /// The whole cost of the longest answer: nothing is ever overspent.
    Strict,
    /// The prompt and a slice of the answer, extended while it streams.
    Incremental,
    /// At most this much: availability before exactness.
    Cap(Nanos),
}

/// Whether a wallet may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WalletStatus {
    /// Yes.
    Active,
    /// Settlements only: new requests are refused.
    Frozen,
    /// Never again.
    Closed,
}

impl WalletStatus {
    /// Reads the word in tables.
    pub(super) fn read(word: &str) -> Option<Self> {
        rows::status(word)
    }
}

/// A wallet as the request path knows it: its rules, not its balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletRules {
    /// Row id.
    pub id: WalletId,
    /// Tenant.
    pub org_id: i64,
    /// Kind of owner.
    pub owner_type: OwnerType,
    /// Row id of the owner.
    pub owner_id: i64,
    /// How much is held.
    pub mode: HoldMode,
    /// Whether it may be used.
    pub status: WalletStatus,
    /// Usage in a period above which callers are warned.
    pub soft_limit: Option<Nanos>,
    /// Spent beyond what could be reserved, and not paid back.
    pub overage: Nanos,
    /// Usage posted in this period, as of this reading.
    pub spent: Nanos,
}

/// The rules of money: every wallet, and who pays first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Every wallet that is not the house's. The budget of a key that replaced others comes once
    /// more for each of them, with its owner.
    pub wallets: Vec<WalletRules>,
    /// Per organisation: funding order and mark-up in millionths.
    pub organisations: Vec<(i64, Funding)>,
    /// Per team, where it differs from its organisation.
    pub teams: Vec<(i64, Funding)>,
}

/// Who pays first, and what is added to the provider's price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funding {
    /// Payers in order; `None` leaves it to the organisation.
    pub order: Option<Vec<OwnerType>>,
    /// Factor in millionths; `None` leaves it to the organisation.
    pub markup_ppm: Option<u32>,
}

/// A wish for money from one wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// From where.
    pub wallet: WalletId,
    /// With less than this nothing can go on; what is there is leased all the same.
    pub least: Nanos,
    /// Leased if there is plenty: at most the share of the wallet that `share` says.
    pub most: Nanos,
}

/// What a wish got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// From where.
    pub wallet: WalletId,
    /// How much; 0 when there is none.
    pub granted: Nanos,
    /// What may still be leased by anyone, overdraft included and the hard limit respected.
    pub left: Nanos,
    /// Granted to other holders and not settled, as far as the store knows.
    pub elsewhere: Nanos,
    /// Why nothing was granted, if not for want of money.
    pub denied: Option<Denied>,
}

/// Why a wallet gives nothing, whatever it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denied {
    /// The wallet is frozen.
    Frozen,
    /// The wallet is closed, or there is none.
    Closed,
    /// The hard limit of the period is reached.
    HardLimit,
}

/// Who counted the tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageSource {
    /// The provider said so.
    Provider,
    /// Alfred counted what it saw.
    Local,
    /// Nobody knows: the process died, and the whole hold is charged.
    Hold,
}

/// The part that one wallet bears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// Which.
    pub wallet: WalletId,
    /// How much, 0 or more.
    pub amount: Nanos,
    /// A cap counts the cost too but does not pay it.
    pub is_cap: bool,
}

/// Who asked, and for what: fixed when the money is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// Alfred's own id of the request, a UUIDv7.
    pub request_id: Uuid,
    /// Tenant.
    pub org: Option<i64>,
    /// Team.
    pub team: Option<i64>,
    /// User.
    pub user: Option<i64>,
    /// Key.
    pub key: Option<i64>,
    /// The price table in force; see [`LedgerStore::price_version`].
    pub price_version: i64,
}

/// What one attempt of a request cost in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Who asked.
    pub subject: Subject,
    /// Which attempt, counted from 1.
    pub attempt: u8,
    /// `provider` of the configuration.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// Prompt tokens.
    pub prompt_tokens: u64,
    /// Answer tokens.
    pub completion_tokens: u64,
    /// Of the prompt: read from the provider's cache.
    pub cached_tokens: u64,
    /// Of the prompt: written to it.
    pub cache_write_tokens: u64,
    /// Of the answer: hidden reasoning.
    pub reasoning_tokens: u64,
    /// The whole cost; payers' legs and overage add up to it.
    pub cost: Nanos,
    /// What each wallet bears: payers in funding order, then caps. Empty: nobody is bounded.
    pub legs: Vec<Leg>,
    /// The part that no leg could bear. Taken from what the wallets have beside their leases; what is
    /// then left is owed by the first payer, else counted by the first cap, and lowers what may be leased.
    pub overage: Nanos,
    /// The tokens or the cost are a guess.
    pub estimated: bool,
    /// Who counted.
    pub source: UsageSource,
    /// The customer got this answer and pays for it; otherwise the house does.
    pub delivered: bool,
    /// Unix milliseconds.
    pub at_ms: i64,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// Settlements posted now.
    pub posted: usize,
    /// Settlements that had been posted before.
    pub duplicates: usize,
    /// Wallets touched: posted balance, overage, and usage of the period.
    pub wallets: Vec<(WalletId, Nanos, Nanos, Nanos)>,
}

/// A process as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderRow {
    /// Which.
    pub id: HolderId,
    /// Host and process, for people.
    pub name: String,
    /// Moves while it lives.
    pub beat: i64,
}

/// What a store still knows of a holder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Remembered {
    /// Granted and not given back, spent or not, by wallet.
    pub granted: Vec<(WalletId, Nanos)>,
    /// The settlement that was asked about is posted.
    pub is_posted: bool,
}

/// A broken promise that `alfred ledger check` found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The invariant: `I1` … `I6`.
    pub invariant: &'static str,
    /// Where and how.
    pub detail: String,
}

/// What the ledger asks of a store. Every method blocks and is one transaction.
pub trait LedgerStore: Send + Sync {
    /// A new holder.
    fn enlist(&self, name: &str, now_ms: i64) -> Result<HolderId, StoreFault>;

    /// Says that the holder lives. False: it has been fenced and must not lease again.
    fn beat(&self, holder: HolderId) -> Result<bool, StoreFault>;

    /// The holders that are live or fenced with leases left.
    fn holders(&self) -> Result<Vec<HolderRow>, StoreFault>;

    /// Leases money. A wish for more than is left gets what is left; the wallet is then `wanted`
    /// and every process is notified. A holder that is not live gets nothing
    /// ([`StoreFault::Fenced`]).
    fn take(&self, holder: HolderId, wants: &[Want]) -> Result<Vec<Taken>, StoreFault>;

    /// Gives leased money back: never more than is granted and not used.
    fn give_back(&self, holder: HolderId, back: &[(WalletId, Nanos)]) -> Result<(), StoreFault>;

    /// Wallets of which this holder has leases and others want money, with the count of wishes.
    fn wanted(&self, holder: HolderId) -> Result<Vec<(WalletId, i64)>, StoreFault>;

    /// Posts a batch, at most 1,000 settlements. What was posted before is not posted again, so
    /// a batch of unknown fate is simply sent again. A holder that is fenced may settle, and so may
    /// one that the store has forgotten.
    fn settle(
        &self,
        holder: HolderId,
        batch: &[Settled],
        now_ms: i64,
    ) -> Result<Posted, StoreFault>;

    /// The same for a batch that nobody has ever sent, which is posted without being looked up. Should
    /// some of it be there nevertheless, it is looked up then, and not posted again.
    fn settle_first(
        &self,
        holder: HolderId,
        batch: &[Settled],
        now_ms: i64,
    ) -> Result<Posted, StoreFault> {
        self.settle(holder, batch, now_ms)
    }

    /// What is known of a holder and of one of its settlements, by request and attempt. A database
    /// that failed over to a replica, or was restored, may have forgotten what it had confirmed.
    fn remembered(
        &self,
        holder: HolderId,
        settlement: Option<(Uuid, u8)>,
    ) -> Result<Remembered, StoreFault>;

    /// All that a holder has settled is in the store: the rest of its leases goes back.
    fn retire(&self, holder: HolderId) -> Result<(), StoreFault>;

    /// Ends a silent holder whose beat is still `beat`: it may not lease again, and its leases go
    /// back. True if it was ended now. Settlements that come later are posted all the same.
    fn fence(&self, holder: HolderId, beat: i64) -> Result<bool, StoreFault>;

    /// Every wallet and who pays first.
    fn rules(&self) -> Result<Rules, StoreFault>;

    /// A number that moves whenever [`LedgerStore::rules`] may have changed.
    fn rules_stamp(&self) -> Result<u64, StoreFault>;

    /// The number of a price table, by the hash of its text in hexadecimal; made on first use.
    fn price_version(&self, hash: &str, now_ms: i64) -> Result<i64, StoreFault>;

    /// What time brings: periods begin, absences begin and end, loans come back, partitions are
    /// made. Answers whether something was done.
    fn housekeep(&self, now_ms: i64) -> Result<bool, StoreFault>;

    /// Recomputes every invariant.
    fn check(&self) -> Result<Vec<Broken>, StoreFault>;
}

/// The id of the first leg of what an attempt used. It is made of the request's own id, so that a
/// customer is told it before it is in the store.
#[must_use]
pub fn usage_transaction_id(request_id: Uuid, attempt: u8) -> Uuid {
    let id = posting::Kind::Usage.id(*request_id.as_bytes(), attempt, 0);
    Uuid::from_bytes(id)
}
