//! Why: what random histories of the ledger are made of. An act is a wish; what it comes to in the
//! state of the model is what the databases are asked to do.

use proptest::prelude::*;
use proptest_state_machine::ReferenceStateMachine;
use uuid::Uuid;

use super::super::{Settled, WalletId, usage_transaction_id};
use super::model::{Absence, HOUSE, Holder, KEY, Model, POOL, PREPAID, QUOTAS, Wallet};
use super::world::{DAY, NOON, cap, pay, settled};
use crate::money::Nanos;

/// A wish; what it comes to depends on the state.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Enlist,
    Beat(usize),
    Take(usize, i64, i64, i64),
    GiveBack(usize, i64, i64),
    Settle(usize, Vec<Spec>),
    Retire(usize),
    Fence(usize, bool),
    Move(i64, i64),
    Transfer(i64, i64, i64),
    Forgive(i64, i64),
    Reconcile(usize, i64),
    Freeze(i64),
    Allow(i64, i64),
    Share(i64),
    Plan(usize, i64, i64),
    Return(usize),
    Clock(i64),
    Housekeep,
}

/// A settlement to be.
#[derive(Clone, Debug)]
pub(super) struct Spec {
    request: u8,
    is_delivered: bool,
    payers: Vec<(i64, i64)>,
    cap: Option<i64>,
    overage: i64,
    is_estimated: bool,
}

/// What was done to the model, in full, and its answer.
#[derive(Clone, Debug)]
pub(super) enum Done {
    Begun,
    Nothing,
    Enlist(i64),
    Beat(i64, bool),
    Take(i64, i64, (i64, i64), String),
    GiveBack(i64, i64, i64),
    Settle(i64, Vec<Settled>, (usize, usize)),
    Retire(i64),
    Fence(i64, i64, bool),
    Move(i64, i64, String),
    Transfer(i64, i64, i64, String),
    Forgive(i64, i64, String),
    Reconcile(Uuid, i64, String),
    Freeze(i64, bool),
    Allow(i64, i64),
    Share(i64),
    Plan(i64, i64, i64),
    Return(i64, bool),
    Housekeep(bool),
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) model: Model,
    pub(super) now: i64,
    pub(super) done: Done,
}

fn told<T: std::fmt::Debug>(answer: &Result<T, &'static str>) -> String {
    answer
        .as_ref()
        .map_or_else(|kind| (*kind).to_owned(), |ok| format!("{ok:?}"))
}

/// The world of every history.
fn begun() -> State {
    let mut model = Model {
        percent: 50,
        ..Model::default()
    };
    let of = |period, allowance| Wallet {
        period,
        allowance,
        ..Wallet::default()
    };
    let prepaid = Wallet {
        overdraft: 20,
        ..Wallet::default()
    };
    let key = Wallet {
        hard_limit: Some(150),
        ..of(Some('d'), None)
    };
    let wallets = [
        (QUOTAS[0], of(Some('m'), Some(100))),
        (QUOTAS[1], of(Some('w'), Some(80))),
        (POOL, of(Some('m'), Some(200))),
        (PREPAID, prepaid),
        (KEY, key),
        (HOUSE, Wallet::default()),
    ];
    model.wallets.extend(wallets);
    model.credit(PREPAID, 300).unwrap();
    model.credit(KEY, 1_000).unwrap();
    model.housekeep(NOON);
    State {
        model,
        now: NOON,
        done: Done::Begun,
    }
}

fn spec() -> impl Strategy<Value = Spec> {
    let payers = prop::collection::vec((1..=PREPAID, 0_i64..40), 0..3);
    let cap = prop::option::of(0_i64..60);
    (
        0_u8..24,
        prop::bool::weighted(0.8),
        payers,
        cap,
        0_i64..6,
        any::<bool>(),
    )
        .prop_map(
            |(request, is_delivered, payers, cap, overage, is_estimated)| Spec {
                request,
                is_delivered,
                payers,
                cap,
                overage: (overage - 2).max(0),
                is_estimated,
            },
        )
}

fn act() -> impl Strategy<Value = Act> {
    let some = 0_usize..5;
    let any_wallet = 1..=KEY;
    let hours = prop::sample::select(vec![1_i64, 5, 24, 24, 7 * 24, 31 * 24, -3, -24, -40 * 24]);
    prop_oneof![
        2 => Just(Act::Enlist),
        1 => some.clone().prop_map(Act::Beat),
        8 => (some.clone(), any_wallet.clone(), 0_i64..80, 0_i64..120)
            .prop_map(|(holder, wallet, least, most)| Act::Take(holder, wallet, least, most)),
        3 => (some.clone(), any_wallet.clone(), 0_i64..90)
            .prop_map(|(holder, wallet, amount)| Act::GiveBack(holder, wallet, amount)),
        9 => (some.clone(), prop::collection::vec(spec(), 1..5))
            .prop_map(|(holder, specs)| Act::Settle(holder, specs)),
        1 => some.clone().prop_map(Act::Retire),
        2 => (some.clone(), prop::bool::weighted(0.8))
            .prop_map(|(holder, is_silent)| Act::Fence(holder, is_silent)),
        2 => (any_wallet.clone(), -150_i64..150).prop_map(|(wallet, amount)| Act::Move(wallet, amount)),
        2 => (any_wallet.clone(), any_wallet.clone(), 0_i64..90)
            .prop_map(|(from, to, amount)| Act::Transfer(from, to, amount)),
        1 => (any_wallet.clone(), 0_i64..6).prop_map(|(wallet, amount)| Act::Forgive(wallet, amount)),
        2 => (some.clone(), 0_i64..120).prop_map(|(which, truth)| Act::Reconcile(which, truth)),
        1 => any_wallet.prop_map(Act::Freeze),
        1 => (1..=POOL, 0_i64..250).prop_map(|(wallet, amount)| Act::Allow(wallet, amount)),
        1 => (0_i64..=100).prop_map(Act::Share),
        3 => (0_usize..2, -20_i64..40, 1_i64..900)
            .prop_map(|(user, from, hours)| Act::Plan(user, from, hours)),
        2 => some.prop_map(Act::Return),
        4 => hours.prop_map(Act::Clock),
        6 => Just(Act::Housekeep),
    ]
}

const HOUR: i64 = DAY / 24;

impl State {
    /// One of what there is, if there is any.
    fn holder(&self, which: usize) -> Option<i64> {
        let ids: Vec<i64> = self.model.holders.keys().copied().collect();
        (!ids.is_empty()).then(|| ids[ids.len().saturating_sub(1 + which % 3)])
    }

    /// A settlement that its holder could really send: it spends what is leased.
    fn resolve(&self, holder: i64, spec: &Spec, left: &mut Model) -> Settled {
        let holder = left.holders.get_mut(&holder).unwrap();
        let is_live = holder.is_live;
        let mut part = |wallet: i64, wish: i64| {
            let lease = holder.leases.entry(wallet).or_default();
            let part = if is_live {
                wish.min((lease.0 - lease.1).max(0))
            } else {
                wish
            };
            lease.1 += part;
            part
        };
        let mut legs = Vec::new();
        for (wallet, wish) in &spec.payers {
            legs.push(pay(WalletId(*wallet), part(*wallet, *wish)));
        }
        let overage = match legs.is_empty() && spec.cap.is_none() {
            true => 0,
            false => spec.overage,
        };
        let mut settled = settled(1, &legs, overage);
        if legs.is_empty() {
            settled.cost = Nanos::new(overage + i64::from(spec.request));
        }
        if let Some(wish) = spec.cap {
            let wish = wish.min(settled.cost.get());
            settled.legs.push(cap(WalletId(KEY), part(KEY, wish)));
        }
        let mut id = [0; 16];
        id[..6].copy_from_slice(&NOON.to_be_bytes()[2..]);
        (id[6], id[8], id[13]) = (0x70, 0x80, spec.request);
        settled.subject.request_id = Uuid::from_bytes(id);
        settled.subject.user = Some(i64::from(spec.request % 2) + 1);
        settled.attempt = 1 + u8::from(spec.is_delivered);
        settled.delivered = spec.is_delivered;
        settled.estimated = spec.is_estimated;
        settled
    }

    fn act(&mut self, act: &Act) -> Option<Done> {
        let (now, model) = (self.now, &self.model);
        Some(match act {
            Act::Enlist => {
                let id = model.holders.keys().next_back().unwrap_or(&0) + 1;
                let holder = Holder {
                    is_live: true,
                    beat: 0,
                    leases: Default::default(),
                };
                self.model.holders.insert(id, holder);
                Done::Enlist(id)
            }
            Act::Beat(which) => {
                let id = self.holder(*which)?;
                let holder = self.model.holders.get_mut(&id)?;
                holder.beat += i64::from(holder.is_live);
                Done::Beat(id, holder.is_live)
            }
            Act::Take(which, wallet, least, most) => {
                let id = self.holder(*which)?;
                let answer = self.model.take(id, *wallet, (*least, *most));
                Done::Take(id, *wallet, (*least, *most), told(&answer))
            }
            Act::GiveBack(which, wallet, amount) => {
                let id = self.holder(*which)?;
                self.model.give_back(id, *wallet, *amount);
                Done::GiveBack(id, *wallet, *amount)
            }
            Act::Settle(which, specs) => {
                let id = self.holder(*which)?;
                let mut left = model.clone();
                let batch = specs.iter().map(|spec| self.resolve(id, spec, &mut left));
                let batch: Vec<Settled> = batch.collect();
                let counts = self.model.settle(id, &batch);
                Done::Settle(id, batch, counts)
            }
            Act::Retire(which) => {
                let id = self.holder(*which)?;
                self.model.end(id);
                Done::Retire(id)
            }
            Act::Fence(which, is_silent) => {
                let id = self.holder(*which)?;
                let beat = model.holders[&id].beat - i64::from(!is_silent);
                let is_ended = *is_silent && self.model.end(id);
                Done::Fence(id, beat, is_ended)
            }
            Act::Move(wallet, amount) => {
                let answer = self.model.credit(*wallet, *amount);
                Done::Move(*wallet, *amount, told(&answer))
            }
            Act::Transfer(from, to, amount) => {
                let answer = self.model.transfer(*from, *to, *amount);
                Done::Transfer(*from, *to, *amount, told(&answer))
            }
            Act::Forgive(wallet, amount) => {
                let answer = self.model.forgive(*wallet, *amount);
                Done::Forgive(*wallet, *amount, told(&answer))
            }
            Act::Reconcile(which, truth) => {
                let one = model
                    .estimates
                    .get(*which % model.estimates.len().max(1))?
                    .clone();
                let answer = self.model.reconcile(&one, *truth);
                let id = usage_transaction_id(one.subject.request_id, one.attempt);
                Done::Reconcile(id, *truth, told(&answer))
            }
            act => self.change(act, now)?,
        })
    }

    /// What people and time do.
    fn change(&mut self, act: &Act, now: i64) -> Option<Done> {
        Some(match act {
            Act::Freeze(wallet) => {
                let one = self.model.wallet(*wallet);
                one.is_frozen = !one.is_frozen;
                Done::Freeze(*wallet, one.is_frozen)
            }
            Act::Allow(wallet, amount) => {
                self.model.wallet(*wallet).allowance = Some(*amount);
                Done::Allow(*wallet, *amount)
            }
            Act::Share(percent) => {
                self.model.percent = *percent;
                Done::Share(*percent)
            }
            Act::Plan(user, from, hours) => {
                let (from, to) = (now + from * HOUR, now + (from + hours) * HOUR);
                let absence = Absence {
                    user: *user,
                    from,
                    to,
                    state: 0,
                    version: 1,
                };
                let id = self.model.absences.keys().next_back().unwrap_or(&0) + 1;
                self.model.absences.insert(id, absence);
                Done::Plan(i64::try_from(*user).ok()? + 1, from, to)
            }
            Act::Return(which) => {
                let ids: Vec<i64> = self.model.absences.keys().copied().collect();
                let id = *ids.get(which % ids.len().max(1))?;
                Done::Return(id, self.model.come_home(id))
            }
            Act::Clock(hours) => {
                self.now += hours * HOUR;
                Done::Nothing
            }
            _ => Done::Housekeep(self.model.housekeep(now)),
        })
    }
}

impl ReferenceStateMachine for State {
    type State = Self;
    type Transition = Act;

    fn init_state() -> BoxedStrategy<Self> {
        Just(begun()).boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Act> {
        act().boxed()
    }

    fn apply(mut state: Self, act: &Act) -> Self {
        state.done = state.act(act).unwrap_or(Done::Nothing);
        state
    }
}
