//! Why: a request may be bounded by up to five wallets at once. Which ones, and who pays first,
//! follows from who asks; it is looked up in memory, never computed from the store.

use std::sync::Arc;

use foldhash::HashMap;

use super::{Bucket, Charge, Nanos};
use crate::store::{Funding, HoldMode, OwnerType, Rules, WalletId};

/// Payers in the order of an organisation that has chosen none.
const USUAL_ORDER: [OwnerType; 3] = [OwnerType::Quota, OwnerType::User, OwnerType::Team];

/// Who asks, as far as money is concerned. Ids are rows of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Payer {
    /// Tenant.
    pub org: Option<i64>,
    /// Team.
    pub team: Option<i64>,
    /// User.
    pub user: Option<i64>,
    /// Key.
    pub key: Option<i64>,
}

/// The wallets that bound one caller.
#[derive(Clone, Debug, Default)]
pub struct Purse {
    /// Who pays, in order.
    pub payers: Vec<Arc<Bucket>>,
    /// Who only counts; each must cover the whole cost.
    pub caps: Vec<Arc<Bucket>>,
    /// What provider money costs this caller.
    pub charge: Charge,
}

impl Purse {
    /// Whether no wallet bounds the caller.
    #[must_use]
    pub fn is_unbounded(&self) -> bool {
        self.payers.is_empty() && self.caps.is_empty()
    }

    /// Every bucket, payers first.
    pub fn buckets(&self) -> impl Iterator<Item = &Arc<Bucket>> {
        self.payers.iter().chain(&self.caps)
    }

    /// The strictest mode of all its wallets.
    #[must_use]
    pub fn mode(&self) -> HoldMode {
        let stricter = |a: HoldMode, b: HoldMode| match (a, b) {
            (HoldMode::Strict, _) | (_, HoldMode::Strict) => HoldMode::Strict,
            (HoldMode::Incremental, _) | (_, HoldMode::Incremental) => HoldMode::Incremental,
            (HoldMode::Cap(a), HoldMode::Cap(b)) => HoldMode::Cap(a.min(b)),
        };
        let modes = self.buckets().map(|bucket| bucket.rules().mode);
        modes.reduce(stricter).unwrap_or(HoldMode::Incremental)
    }

    /// What may still be spent, as of the last lease: the payers together, no more than any cap.
    #[must_use]
    pub fn remaining(&self) -> Option<Nanos> {
        let sum = |sum: i64, bucket: &Arc<Bucket>| sum.saturating_add(bucket.remaining().get());
        let paid = (!self.payers.is_empty()).then(|| self.payers.iter().fold(0, sum));
        let capped = self.caps.iter().map(|cap| cap.remaining().get()).min();
        let least = match (paid, capped) {
            (Some(paid), Some(capped)) => paid.min(capped),
            (paid, capped) => paid.or(capped)?,
        };
        Some(Nanos::new(least))
    }

    /// Whether any of its wallets has reached its soft limit.
    #[must_use]
    pub fn is_over_soft_limit(&self) -> bool {
        self.buckets().any(|bucket| bucket.is_over_soft_limit())
    }
}

/// Every wallet by its owner, as of one reading of the store.
#[derive(Debug, Default)]
pub struct Book {
    by_owner: HashMap<(OwnerType, i64), Arc<Bucket>>,
    by_id: HashMap<WalletId, Arc<Bucket>>,
    organisations: HashMap<i64, Funding>,
    teams: HashMap<i64, Funding>,
    credit_usd_ppm: u32,
}

impl Book {
    /// The book of these rules; buckets of `before` live on.
    #[must_use]
    pub fn new(rules: Rules, before: &Self, credit_usd_ppm: u32) -> Self {
        let mut book = Self {
            organisations: rules.organisations.into_iter().collect(),
            teams: rules.teams.into_iter().collect(),
            credit_usd_ppm,
            ..Self::default()
        };
        for rules in rules.wallets {
            let owner = (rules.owner_type, rules.owner_id);
            // One wallet may have several owners: a key and those it replaced.
            let known = book.by_id.get(&rules.id);
            let bucket = match known.or_else(|| before.by_id.get(&rules.id)) {
                Some(known) => {
                    known.set_rules(rules);
                    Arc::clone(known)
                }
                None => Arc::new(Bucket::new(rules)),
            };
            book.by_id.insert(bucket.id(), Arc::clone(&bucket));
            book.by_owner.insert(owner, bucket);
        }
        book
    }

    /// The wallets that bound a caller.
    #[must_use]
    pub fn purse(&self, payer: &Payer) -> Purse {
        let organisation = payer.org.and_then(|org| self.organisations.get(&org));
        let team = payer.team.and_then(|team| self.teams.get(&team));
        let markup = team.and_then(|team| team.markup_ppm);
        let markup = markup.or_else(|| organisation.and_then(|org| org.markup_ppm));
        let order = team.and_then(|team| team.order.as_deref());
        let order = order.or_else(|| organisation.and_then(|org| org.order.as_deref()));
        let find = |kind, owner: Option<i64>| self.by_owner.get(&(kind, owner?)).cloned();
        let of = |kind: &OwnerType| match kind {
            OwnerType::Team => find(*kind, payer.team),
            OwnerType::User | OwnerType::Quota => find(*kind, payer.user),
            _ => None,
        };
        let caps = [
            find(OwnerType::Key, payer.key),
            find(OwnerType::Organisation, payer.org),
        ];
        Purse {
            payers: order
                .unwrap_or(&USUAL_ORDER)
                .iter()
                .filter_map(of)
                .collect(),
            caps: caps.into_iter().flatten().collect(),
            charge: Charge {
                credit_usd_ppm: self.credit_usd_ppm.max(1),
                markup_ppm: markup.unwrap_or(Charge::default().markup_ppm),
            },
        }
    }

    /// The bucket of a wallet.
    #[must_use]
    pub fn bucket(&self, wallet: WalletId) -> Option<&Arc<Bucket>> {
        self.by_id.get(&wallet)
    }

    /// Every bucket.
    pub fn buckets(&self) -> impl Iterator<Item = &Arc<Bucket>> {
        self.by_id.values()
    }
}
