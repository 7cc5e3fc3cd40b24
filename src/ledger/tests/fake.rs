//! A store in memory that promises what every store promises, in as few words as possible, and
//! that can be taken away.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

use uuid::Uuid;

use crate::money::Nanos;
use crate::store::{
    Broken, HoldMode, HolderId, HolderRow, LedgerStore, OwnerType, Posted, Remembered, Rules,
    Settled, StoreFault, Taken, WalletId, WalletRules, WalletStatus, Want,
};

#[derive(Clone, Debug, Default)]
pub(super) struct State {
    pub(super) balance: HashMap<WalletId, i64>,
    pub(super) overage: HashMap<WalletId, i64>,
    unleased: HashMap<WalletId, i64>,
    leases: HashMap<(HolderId, WalletId), (i64, i64)>,
    wanted: HashMap<WalletId, i64>,
    live: HashMap<HolderId, i64>,
    posted: HashSet<(Uuid, u8)>,
    pub(super) settled: Vec<Settled>,
}

#[derive(Debug, Default)]
pub(super) struct Fake {
    pub(super) state: Mutex<State>,
    pub(super) is_away: AtomicBool,
    /// Answers of settlements that are lost after the deed.
    pub(super) lost_answers: AtomicU64,
    pub(super) calls: AtomicU64,
    rules: Mutex<Rules>,
}

impl Fake {
    /// A store with one wallet for each owner.
    pub(super) fn with(wallets: &[(OwnerType, i64, i64)], mode: HoldMode) -> Self {
        let fake = Self::default();
        for (at, (owner_type, owner_id, balance)) in wallets.iter().enumerate() {
            let id = WalletId(i64::try_from(at).unwrap() + 1);
            fake.rules.lock().unwrap().wallets.push(WalletRules {
                id,
                org_id: 1,
                owner_type: *owner_type,
                owner_id: *owner_id,
                mode,
                status: WalletStatus::Active,
                soft_limit: None,
                overage: Nanos::ZERO,
                spent: Nanos::ZERO,
            });
            let mut state = fake.lock().unwrap();
            state.balance.insert(id, *balance);
            state.unleased.insert(id, *balance);
        }
        fake
    }

    pub(super) fn lock(&self) -> Result<MutexGuard<'_, State>, StoreFault> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match self.is_away.load(Ordering::Relaxed) {
            true => Err(StoreFault::Locked),
            false => Ok(self.state.lock().unwrap()),
        }
    }

    /// How many holders live.
    pub(super) fn live(&self) -> usize {
        let state = self.state.lock().unwrap();
        state.live.values().filter(|beat| **beat >= 0).count()
    }

    pub(super) fn freeze(&self, wallet: WalletId) {
        let mut rules = self.rules.lock().unwrap();
        for known in &mut rules.wallets {
            if known.id == wallet {
                known.status = WalletStatus::Frozen;
            }
        }
    }

    /// The invariants: `balance = unleased + what is leased`, and nothing below zero.
    pub(super) fn assert_sound(&self) {
        let state = self.state.lock().unwrap();
        for (wallet, balance) in &state.balance {
            let leased: i64 = state
                .leases
                .iter()
                .filter(|((_, of), _)| of == wallet)
                .map(|(_, (granted, used))| {
                    assert!(used <= granted, "used {used} of {granted}");
                    granted - used
                })
                .sum();
            assert_eq!(*balance, state.unleased[wallet] + leased);
            assert!(state.unleased[wallet] >= 0 && *balance >= 0);
        }
    }
}

impl LedgerStore for Fake {
    fn enlist(&self, _: &str, _: i64) -> Result<HolderId, StoreFault> {
        let mut state = self.lock()?;
        let id = HolderId(i64::try_from(state.live.len()).unwrap() + 1);
        state.live.insert(id, 0);
        Ok(id)
    }

    fn beat(&self, holder: HolderId) -> Result<bool, StoreFault> {
        let mut state = self.lock()?;
        let beat = state.live.entry(holder).or_insert(-1);
        if *beat >= 0 {
            *beat += 1;
        }
        Ok(*beat >= 0)
    }

    fn holders(&self) -> Result<Vec<HolderRow>, StoreFault> {
        let state = self.lock()?;
        let rows = state.live.iter().filter(|(_, beat)| **beat >= 0);
        let row = |(id, beat): (&HolderId, &i64)| HolderRow {
            id: *id,
            name: String::new(),
            beat: *beat,
        };
        Ok(rows.map(row).collect())
    }

    fn take(&self, holder: HolderId, wants: &[Want]) -> Result<Vec<Taken>, StoreFault> {
        let mut state = self.lock()?;
        if state.live.get(&holder).is_none_or(|beat| *beat < 0) {
            return Err(StoreFault::Fenced);
        }
        let live = i64::try_from(state.live.len()).unwrap();
        let mut taken = Vec::new();
        for want in wants {
            let there = state.unleased[&want.wallet];
            let plenty = want.most.get().min(there / (2 * live));
            let granted = there.min(want.least.get().max(plenty)).max(0);
            *state.unleased.get_mut(&want.wallet).unwrap() -= granted;
            state.leases.entry((holder, want.wallet)).or_default().0 += granted;
            if granted < want.least.get() {
                *state.wanted.entry(want.wallet).or_default() += 1;
            }
            let others = state.leases.iter();
            let others = others.filter(|((of, wallet), _)| *of != holder && *wallet == want.wallet);
            taken.push(Taken {
                wallet: want.wallet,
                granted: Nanos::new(granted),
                left: Nanos::new(there - granted),
                elsewhere: Nanos::new(others.map(|(_, (granted, used))| granted - used).sum()),
                denied: None,
            });
        }
        Ok(taken)
    }

    fn give_back(&self, holder: HolderId, back: &[(WalletId, Nanos)]) -> Result<(), StoreFault> {
        let mut state = self.lock()?;
        for (wallet, amount) in back {
            let lease = state.leases.get_mut(&(holder, *wallet)).unwrap();
            assert!(
                lease.0 - lease.1 >= amount.get(),
                "gave back what it had not"
            );
            lease.0 -= amount.get();
            *state.unleased.get_mut(wallet).unwrap() += amount.get();
        }
        Ok(())
    }

    fn wanted(&self, holder: HolderId) -> Result<Vec<(WalletId, i64)>, StoreFault> {
        let state = self.lock()?;
        let mine = |wallet: &WalletId| state.leases.contains_key(&(holder, *wallet));
        let wanted = state.wanted.iter().filter(|(wallet, _)| mine(wallet));
        Ok(wanted.map(|(wallet, count)| (*wallet, *count)).collect())
    }

    fn settle(&self, holder: HolderId, batch: &[Settled], _: i64) -> Result<Posted, StoreFault> {
        let mut state = self.lock()?;
        let mut posted = Posted::default();
        for settled in batch {
            if !state
                .posted
                .insert((settled.subject.request_id, settled.attempt))
            {
                posted.duplicates += 1;
                continue;
            }
            posted.posted += 1;
            for leg in &settled.legs {
                *state.balance.get_mut(&leg.wallet).unwrap() -= leg.amount.get();
                state.leases.entry((holder, leg.wallet)).or_default().1 += leg.amount.get();
            }
            if let Some(first) = settled.legs.first() {
                *state.overage.entry(first.wallet).or_default() += settled.overage.get();
            }
            state.settled.push(settled.clone());
        }
        let lost = self.lost_answers.load(Ordering::Relaxed);
        if lost > 0 {
            self.lost_answers.store(lost - 1, Ordering::Relaxed);
            return Err(StoreFault::Uncertain);
        }
        Ok(posted)
    }

    fn remembered(
        &self,
        holder: HolderId,
        settlement: Option<(Uuid, u8)>,
    ) -> Result<Remembered, StoreFault> {
        let state = self.lock()?;
        let leases = state.leases.iter();
        let granted = leases.filter(|((of, _), _)| *of == holder);
        Ok(Remembered {
            granted: granted
                .map(|((_, wallet), (granted, _))| (*wallet, Nanos::new(*granted)))
                .collect(),
            is_posted: settlement.is_some_and(|key| state.posted.contains(&key)),
        })
    }

    fn retire(&self, holder: HolderId) -> Result<(), StoreFault> {
        let mut state = self.lock()?;
        state.live.insert(holder, -1);
        let mine: Vec<_> = state
            .leases
            .keys()
            .filter(|(of, _)| *of == holder)
            .copied()
            .collect();
        for key in mine {
            let (granted, used) = state.leases.remove(&key).unwrap();
            *state.unleased.get_mut(&key.1).unwrap() += granted - used;
        }
        Ok(())
    }

    fn fence(&self, holder: HolderId, beat: i64) -> Result<bool, StoreFault> {
        let same = self.lock()?.live.get(&holder) == Some(&beat);
        if same {
            self.retire(holder)?;
        }
        Ok(same)
    }

    fn rules(&self) -> Result<Rules, StoreFault> {
        drop(self.lock()?);
        Ok(self.rules.lock().unwrap().clone())
    }

    fn rules_stamp(&self) -> Result<u64, StoreFault> {
        // Moves with every call: the rules are read each time.
        self.lock().map(|_| self.calls.load(Ordering::Relaxed))
    }

    fn price_version(&self, _: &str, _: i64) -> Result<i64, StoreFault> {
        Ok(1)
    }

    fn housekeep(&self, _: i64) -> Result<bool, StoreFault> {
        Ok(false)
    }

    fn check(&self) -> Result<Vec<Broken>, StoreFault> {
        Ok(Vec::new())
    }
}
