//! Why: how exactly money is kept is a choice between exactness, speed and availability; each has its setting, and
//! the defaults neither overspend nor refuse without need.

use std::time::Duration;

use super::secret::Secret;
use super::shape::{choice, section};
use super::units::{Count, Credits};

section! {
    /// How money is held, leased and settled.
    pub struct Ledger {
        /// Whether callers without any wallet may call: `allow`, or `refuse` with 402.
        pub unmetered: Unmetered = Unmetered::Allow,
        /// Tokens of an answer that are held at a time in mode `incremental`.
        pub slice: u64 as Count = 1024,
        /// The longest answer that is expected where neither the caller nor the price table says, in tokens.
        pub answer: u64 as Count = 16_384,
        /// In mode `strict` an answer is shortened to what can be paid, but not below this many tokens.
        pub min_answer: u64 as Count = 64,
        /// How long a request waits for money that other requests may give back. A change needs a restart.
        pub patience: Duration = Duration::from_secs(1),
        /// How long leases are used after the database was last reached. A change needs a restart.
        pub lease_ttl: Duration = Duration::from_secs(90),
        /// How long a silent process keeps its leases before they go back to the wallets. A change
        /// needs a restart.
        pub quarantine: Duration = Duration::from_secs(600),
        /// What the journal in `data_dir` survives. A change needs a restart.
        pub durability: Durability = Durability::Process,
        /// Settlements that may wait for the database; beyond it requests are refused with 503. A
        /// change needs a restart.
        pub backlog: u64 as Count = 200_000,
        /// What requests are charged whose process died before their cost was known. A change needs a restart.
        pub orphans: Orphans = Orphans::Bill,
        /// Who is told when a wallet reaches its soft limit.
        pub alerts: Option<Alerts> = None,
    }
}

section! {
    /// Who is told when a wallet reaches its soft limit.
    pub struct Alerts {
        /// The address that is sent one JSON object by POST for each, such as `https://hooks.example.com/alfred`.
        pub url: String,
        /// The key that signs them: the header `x-alfred-signature` is then `sha256=` and the HMAC of the body.
        pub secret: Option<Secret> = None,
    }
}

section! {
    /// What a credit is.
    pub struct Credit {
        /// Its worth in USD, such as `1` or `0.01`, with at most 6 digits after the point. A change needs a
        /// restart.
        pub usd: u64 as Credits = 1_000_000_000,
    }
}

choice! {
    /// Whether callers without any wallet may call.
    pub enum Unmetered {
        /// They may; what they use is recorded.
        Allow = "allow",
        /// They may not.
        Refuse = "refuse",
    }
}

choice! {
    /// What the journal survives.
    pub enum Durability {
        /// The end of the process, however sudden.
        Process = "process",
        /// A power cut as well; each step then waits for the disk.
        Power = "power",
    }
}

choice! {
    /// What is done about requests whose process died.
    pub enum Orphans {
        /// They are charged what they held, marked as estimated, to be corrected by hand or by reconciliation.
        Bill = "bill",
        /// They are charged nothing.
        Void = "void",
    }
}

impl Credit {
    /// Its worth in millionths of a USD.
    #[must_use]
    pub fn usd_ppm(&self) -> u32 {
        u32::try_from(self.usd / 1000).unwrap_or(u32::MAX)
    }
}
