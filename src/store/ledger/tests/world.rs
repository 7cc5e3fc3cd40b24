//! Why: tests of money need tenants, people and wallets; here they are made in one line each.

use uuid::Uuid;

use super::super::super::sql::{Engine, SqlStore, Value, Work, values};
use super::super::transfer::{self, Line, Reason};
use super::super::{
    HolderId, LedgerStore, Leg, OwnerType, Settled, Subject, UsageSource, WalletId, Want,
};
use crate::money::Nanos;
use crate::store::StoreFault;

/// Noon of Thursday, 26 November 2026, in UTC.
pub(super) const NOON: i64 = 1_795_694_400_000;
pub(super) const DAY: i64 = 86_400_000;

/// Runs one statement.
pub(super) fn run<E: Engine>(store: &SqlStore<E>, sql: &str, params: &[Value]) {
    let work = store
        .engine
        .run(Work::Governance, &mut |tx| tx.execute(sql, params));
    work.unwrap();
}

/// Asks for integers; nothing is read as the smallest of them.
pub(super) fn ask<E: Engine>(store: &SqlStore<E>, sql: &str, params: &[Value]) -> Vec<Vec<i64>> {
    let rows = store
        .engine
        .run(Work::ReadLatest, &mut |tx| tx.query(sql, params))
        .unwrap();
    let cell = |value: &Value| match value {
        Value::Int(value) => *value,
        Value::Null => i64::MIN,
        other => panic!("{other:?} is no integer"),
    };
    rows.iter()
        .map(|row| row.0.iter().map(cell).collect())
        .collect()
}

fn made<E: Engine>(store: &SqlStore<E>, sql: &str, params: &[Value]) -> i64 {
    let row = store
        .engine
        .run(Work::Governance, &mut |tx| tx.one(sql, params));
    row.unwrap().int(0).unwrap()
}

pub(super) fn org<E: Engine>(store: &SqlStore<E>, name: &str) -> i64 {
    let sql = "INSERT INTO organisations (name, created_at) VALUES ($1, 0) RETURNING id";
    made(store, sql, values![name])
}

pub(super) fn team<E: Engine>(store: &SqlStore<E>, org: i64, percent: i64) -> i64 {
    let sql = "INSERT INTO teams (org_id, name, vacation_share_pct, created_at) \
               VALUES ($1, $2, $3, 0) RETURNING id";
    made(
        store,
        sql,
        values![org, Uuid::now_v7().to_string(), percent],
    )
}

pub(super) fn user<E: Engine>(store: &SqlStore<E>, org: i64, team: i64) -> i64 {
    let sql = "INSERT INTO users (org_id, team_id, email, name, created_at) \
               VALUES ($1, $2, $3, 'someone', 0) RETURNING id";
    made(store, sql, values![org, team, Uuid::now_v7().to_string()])
}

/// The rules of a wallet to be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) owner: OwnerType,
    pub(super) owner_id: i64,
    pub(super) overdraft: i64,
    pub(super) hard_limit: Option<i64>,
    pub(super) period: &'static str,
    pub(super) allowance: Option<i64>,
    pub(super) period_start: i64,
}

impl Terms {
    pub(super) fn of(owner: OwnerType, owner_id: i64) -> Self {
        Self {
            owner,
            owner_id,
            overdraft: 0,
            hard_limit: None,
            period: "none",
            allowance: None,
            period_start: 0,
        }
    }

    pub(super) fn monthly(self, allowance: i64) -> Self {
        Self {
            period: "month",
            allowance: Some(allowance),
            ..self
        }
    }
}

pub(super) fn wallet<E: Engine>(store: &SqlStore<E>, org: i64, terms: Terms) -> WalletId {
    let sql = "INSERT INTO wallets (org_id, owner_type, owner_id, overdraft, hard_limit, period, \
               allowance, period_start, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0) \
               RETURNING id";
    let id = made(
        store,
        sql,
        values![
            org,
            terms.owner.word(),
            terms.owner_id,
            terms.overdraft,
            terms.hard_limit,
            terms.period,
            terms.allowance,
            terms.period_start,
        ],
    );
    run(
        store,
        "INSERT INTO wallet_pool (wallet_id) VALUES ($1)",
        values![id],
    );
    WalletId(id)
}

/// A prepaid wallet of someone new, with this much in it.
pub(super) fn prepaid<E: Engine>(store: &SqlStore<E>, org: i64, amount: i64) -> WalletId {
    let team = team(store, org, 0);
    let wallet = wallet(
        store,
        org,
        Terms::of(OwnerType::User, user(store, org, team)),
    );
    if amount > 0 {
        credit(store, wallet, amount).unwrap();
    }
    wallet
}

pub(super) fn reason(now_ms: i64) -> Reason<'static> {
    Reason {
        note: Some("a test"),
        now_ms,
    }
}

pub(super) fn credit<E: Engine>(
    store: &SqlStore<E>,
    wallet: WalletId,
    amount: i64,
) -> Result<Vec<Line>, StoreFault> {
    store.engine.run(Work::Governance, &mut |tx| {
        transfer::credit(tx, wallet, Nanos::new(amount), reason(NOON))
    })
}

pub(super) fn debit<E: Engine>(
    store: &SqlStore<E>,
    wallet: WalletId,
    amount: i64,
) -> Result<Vec<Line>, StoreFault> {
    store.engine.run(Work::Governance, &mut |tx| {
        transfer::debit(tx, wallet, Nanos::new(amount), reason(NOON))
    })
}

/// Leases up to this much and answers how much it was.
pub(super) fn take<E: Engine>(
    store: &SqlStore<E>,
    holder: HolderId,
    wallet: WalletId,
    least: i64,
) -> i64 {
    let taken = store.take(holder, &[want(wallet, least, least)]).unwrap();
    taken[0].granted.get()
}

pub(super) fn want(wallet: WalletId, least: i64, most: i64) -> Want {
    Want {
        wallet,
        least: Nanos::new(least),
        most: Nanos::new(most),
    }
}

/// Posted balance, unleased, drawn, spent, overage.
pub(super) fn state<E: Engine>(store: &SqlStore<E>, wallet: WalletId) -> [i64; 5] {
    let rows = ask(
        store,
        "SELECT w.balance, p.unleased, p.drawn, w.spent, w.overage FROM wallets w \
         JOIN wallet_pool p ON p.wallet_id = w.id WHERE w.id = $1",
        values![wallet.0],
    );
    rows[0].clone().try_into().unwrap()
}

pub(super) fn house<E: Engine>(store: &SqlStore<E>, org: i64) -> WalletId {
    let sql = "SELECT id FROM wallets WHERE owner_type = 'house' AND org_id = $1";
    WalletId(ask(store, sql, values![org])[0][0])
}

pub(super) fn pay(wallet: WalletId, amount: i64) -> Leg {
    Leg {
        wallet,
        amount: Nanos::new(amount),
        is_cap: false,
    }
}

pub(super) fn cap(wallet: WalletId, amount: i64) -> Leg {
    Leg {
        is_cap: true,
        ..pay(wallet, amount)
    }
}

/// A delivered answer that these legs pay, of 10 tokens for the prompt and 5 for the answer.
pub(super) fn settled(org: i64, legs: &[Leg], overage: i64) -> Settled {
    let payers = legs.iter().filter(|leg| !leg.is_cap);
    let paid: i64 = payers.map(|leg| leg.amount.get()).sum();
    Settled {
        subject: Subject {
            request_id: Uuid::now_v7(),
            org: Some(org),
            team: None,
            user: None,
            key: None,
            price_version: 1,
        },
        attempt: 1,
        provider: "mock".into(),
        model: "echo".into(),
        prompt_tokens: 10,
        completion_tokens: 5,
        cached_tokens: 3,
        cache_write_tokens: 2,
        reasoning_tokens: 1,
        cost: Nanos::new(paid + overage),
        legs: legs.to_vec(),
        overage: Nanos::new(overage),
        estimated: false,
        source: UsageSource::Provider,
        delivered: true,
        at_ms: NOON,
    }
}

/// No promise is broken.
pub(super) fn assert_sound<E: Engine>(store: &SqlStore<E>) {
    let broken = store.check().unwrap();
    assert!(broken.is_empty(), "{broken:#?}");
}
