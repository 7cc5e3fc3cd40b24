//! Why: every store that speaks SQL keeps the ledger in the same way; here each wish becomes one
//! transaction.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::sql::{Engine, Row, Sql, SqlStore, Work, values};
use super::super::{StoreFault, WalletStatus};
use super::{
    Broken, Funding, HoldMode, HolderId, HolderRow, LedgerStore, OwnerType, Posted, Remembered,
    Rules, Settled, Taken, WalletId, WalletRules, Want, absence, check, lease, partition, period,
    posting, rows,
    settle::{self, Sent},
};
use crate::money::Nanos;

/// A batch of unknown fate, or one that meets itself, sent by another process at the same time, is
/// sent so often.
const TRIES: usize = 5;
/// Numbers of holders that are tried.
const NUMBERS: usize = 100;

impl<E: Engine> LedgerStore for SqlStore<E> {
    fn enlist(&self, name: &str, now_ms: i64) -> Result<HolderId, StoreFault> {
        // A number that is taken was given by a database that has forgotten it since.
        let mut tries = 1..NUMBERS;
        loop {
            let made = self.engine.run(Work::Money, &mut |sql| {
                let row = sql.one(
                    "INSERT INTO holders (name, started_at) VALUES ($1, $2) RETURNING id",
                    values![name, now_ms],
                )?;
                row.int(0).map(HolderId)
            });
            match made {
                Err(StoreFault::Duplicate) if tries.next().is_some() => {}
                made => return made,
            }
        }
    }

    fn beat(&self, holder: HolderId) -> Result<bool, StoreFault> {
        self.engine.run(Work::Money, &mut |sql| {
            let beaten = sql.execute(
                "UPDATE holders SET beat = beat + 1 WHERE id = $1 AND state = 'live'",
                values![holder.0],
            )?;
            Ok(beaten > 0)
        })
    }

    fn holders(&self) -> Result<Vec<HolderRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let rows = sql.query(
                "SELECT h.id, h.name, h.beat FROM holders h WHERE h.state = 'live' \
                 OR EXISTS (SELECT 1 FROM lease_grants g WHERE g.holder_id = h.id) \
                 OR EXISTS (SELECT 1 FROM lease_uses u WHERE u.holder_id = h.id) ORDER BY h.id",
                &[],
            )?;
            let read = |row: &Row| {
                Ok(HolderRow {
                    id: HolderId(row.int(0)?),
                    name: row.text(1)?.to_owned(),
                    beat: row.int(2)?,
                })
            };
            rows.iter().map(read).collect()
        })
    }

    fn take(&self, holder: HolderId, wants: &[Want]) -> Result<Vec<Taken>, StoreFault> {
        self.engine
            .run(Work::Money, &mut |sql| lease::take(sql, holder, wants))
    }

    fn give_back(&self, holder: HolderId, back: &[(WalletId, Nanos)]) -> Result<(), StoreFault> {
        self.engine
            .run(Work::Money, &mut |sql| lease::give_back(sql, holder, back))
    }

    fn wanted(&self, holder: HolderId) -> Result<Vec<(WalletId, i64)>, StoreFault> {
        self.engine
            .run(Work::ReadLatest, &mut |sql| lease::wanted(sql, holder))
    }

    fn settle(
        &self,
        holder: HolderId,
        batch: &[Settled],
        now_ms: i64,
    ) -> Result<Posted, StoreFault> {
        post(&self.engine, holder, batch, now_ms, Sent::Perhaps)
    }

    fn settle_first(
        &self,
        holder: HolderId,
        batch: &[Settled],
        now_ms: i64,
    ) -> Result<Posted, StoreFault> {
        post(&self.engine, holder, batch, now_ms, Sent::Never)
    }

    fn remembered(
        &self,
        holder: HolderId,
        settlement: Option<(Uuid, u8)>,
    ) -> Result<Remembered, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            Ok(Remembered {
                granted: lease::granted(sql, holder)?,
                is_posted: match settlement {
                    Some((request, attempt)) => settle::is_posted(sql, request, attempt)?,
                    None => false,
                },
            })
        })
    }

    fn retire(&self, holder: HolderId) -> Result<(), StoreFault> {
        let end = lease::End::Retired;
        self.engine
            .run(Work::Money, &mut |sql| lease::end(sql, holder, end))
            .map(drop)
    }

    fn fence(&self, holder: HolderId, beat: i64) -> Result<bool, StoreFault> {
        let end = lease::End::Fenced { beat };
        self.engine
            .run(Work::Money, &mut |sql| lease::end(sql, holder, end))
    }

    fn rules(&self) -> Result<Rules, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut read_rules)
    }

    fn rules_stamp(&self) -> Result<u64, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let text = "SELECT value FROM revisions WHERE topic = 'wallets'";
            Ok(sql.one(text, &[])?.int(0)?.unsigned_abs())
        })
    }

    fn price_version(&self, hash: &str, now_ms: i64) -> Result<i64, StoreFault> {
        const FIND: &str = "SELECT id FROM price_versions WHERE hash = $1";
        self.engine.run(Work::Money, &mut |sql| {
            if let Some(row) = sql.first(FIND, values![hash])? {
                return row.int(0);
            }
            sql.execute(
                "INSERT INTO price_versions (hash, created_at) VALUES ($1, $2) \
                 ON CONFLICT (hash) DO NOTHING",
                values![hash, now_ms],
            )?;
            sql.one(FIND, values![hash])?.int(0)
        })
    }

    fn housekeep(&self, now_ms: i64) -> Result<bool, StoreFault> {
        let due = self
            .engine
            .run(Work::ReadLatest, &mut |sql| Due::find(sql, now_ms))?;
        keep(&self.engine, &due, now_ms)
    }

    fn check(&self) -> Result<Vec<Broken>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut check::check)
    }
}

/// It is posted once, however often it is sent, by whom, and however often the engine tries.
fn post<E: Engine>(
    engine: &E,
    holder: HolderId,
    batch: &[Settled],
    now_ms: i64,
    sent: Sent,
) -> Result<Posted, StoreFault> {
    posting::validate(batch)?;
    let mut sent = sent;
    let mut tries = 1..TRIES;
    loop {
        let posted = engine.run(Work::Money, &mut |sql| {
            let sent = std::mem::replace(&mut sent, Sent::Perhaps);
            settle::settle(sql, holder, batch, now_ms, sent)
        });
        match posted {
            Err(StoreFault::Duplicate | StoreFault::Uncertain) if tries.next().is_some() => {}
            posted => return posted,
        }
    }
}

/// What time has brought, as of one look at the tables. Everything is looked at again under the
/// lock.
#[derive(Debug)]
struct Due {
    late: Vec<i64>,
    absences: absence::Due,
    periods: Vec<(i64, std::collections::BTreeSet<i64>)>,
    months: Vec<partition::Month>,
}

impl Due {
    fn find(sql: &mut dyn Sql, now_ms: i64) -> Result<Self, StoreFault> {
        Ok(Self {
            late: lease::late(sql)?,
            absences: absence::due(sql, now_ms)?,
            periods: period::due(sql, now_ms)?,
            months: partition::missing(sql, now_ms)?,
        })
    }
}

/// Does what is due, each thing in a transaction of its own: what belonged to the old period
/// comes back first, what begins comes last. Loans and periods are changed by one process at
/// a time, like all that people manage.
fn keep<E: Engine>(engine: &E, due: &Due, now_ms: i64) -> Result<bool, StoreFault> {
    let mut has_done = false;
    let mut one = |work: &mut dyn FnMut(&mut dyn Sql) -> Result<bool, StoreFault>| {
        let done = engine.run(Work::Governance, work);
        has_done |= matches!(done, Ok(true));
        done.map(drop)
    };
    for holder in &due.late {
        one(&mut |sql| lease::fold_late(sql, *holder))?;
    }
    for absence in &due.absences.ending {
        one(&mut |sql| absence::end(sql, *absence, now_ms))?;
    }
    for pool in &due.absences.pools {
        one(&mut |sql| absence::resume(sql, *pool, now_ms))?;
    }
    for (org, wallets) in &due.periods {
        one(&mut |sql| period::begin(sql, *org, wallets, now_ms))?;
    }
    for absence in &due.absences.beginning {
        one(&mut |sql| absence::begin(sql, *absence, now_ms))?;
    }
    for month in &due.months {
        // Until it is made, rows of that month are kept with all others.
        if let Err(fault) = one(&mut |sql| partition::make(sql, month)) {
            log::warn!("a partition of transactions cannot be made: {fault}");
        }
    }
    Ok(has_done)
}

fn read_rules(sql: &mut dyn Sql) -> Result<Rules, StoreFault> {
    let wallets = sql.query(
        "SELECT id, org_id, owner_type, owner_id, mode, cap, status, soft_limit, overage, spent \
         FROM wallets WHERE owner_type <> 'house' ORDER BY id",
        &[],
    )?;
    let organisations = sql.query(
        "SELECT id, funding_order, markup_ppm FROM organisations ORDER BY id",
        &[],
    )?;
    let teams = sql.query(
        "SELECT id, funding_order, markup_ppm FROM teams \
         WHERE funding_order IS NOT NULL OR markup_ppm IS NOT NULL ORDER BY id",
        &[],
    )?;
    let mut wallets: Vec<WalletRules> =
        wallets.iter().map(wallet_rules).collect::<Result<_, _>>()?;
    wallets.extend(budgets_of_old_keys(sql, &wallets)?);
    let organisations = organisations
        .iter()
        .map(|row| funding(row, "organisations"));
    let teams = teams.iter().map(|row| funding(row, "teams"));
    Ok(Rules {
        wallets,
        organisations: organisations.collect::<Result<_, _>>()?,
        teams: teams.collect::<Result<_, _>>()?,
    })
}

/// A key that was replaced goes on for a while, and spends from the budget of its successor.
fn budgets_of_old_keys(
    sql: &mut dyn Sql,
    wallets: &[WalletRules],
) -> Result<Vec<WalletRules>, StoreFault> {
    let old = sql.query(
        "SELECT id, rotated_to, is_active FROM api_keys WHERE rotated_to IS NOT NULL",
        &[],
    )?;
    let pair = |row: &Row| Ok((row.int(0)?, row.int(1)?));
    let next: HashMap<i64, i64> = old.iter().map(pair).collect::<Result<_, StoreFault>>()?;
    let budgets = wallets
        .iter()
        .filter(|wallet| wallet.owner_type == OwnerType::Key);
    let budgets: HashMap<i64, &WalletRules> =
        budgets.map(|wallet| (wallet.owner_id, wallet)).collect();
    let mut shared = Vec::new();
    for row in &old {
        let (key, is_active) = (row.int(0)?, row.flag(2)?);
        let mut last = key;
        // No longer than there are keys: a row that someone else wrote may lead in a circle.
        for _ in 0..next.len() {
            match next.get(&last) {
                Some(next) => last = *next,
                None => break,
            }
        }
        if let (true, Some(budget)) = (is_active, budgets.get(&last)) {
            shared.push(WalletRules {
                owner_id: key,
                ..WalletRules::clone(budget)
            });
        }
    }
    Ok(shared)
}

fn wallet_rules(row: &Row) -> Result<WalletRules, StoreFault> {
    let id = row.int(0)?;
    let damaged = |column| StoreFault::Damaged {
        table: "wallets",
        id,
        column,
    };
    let cap = row.int_or_null(5)?.map(Nanos::new);
    let mode = match (row.text(4)?, cap) {
        ("strict", _) => HoldMode::Strict,
        ("incremental", _) => HoldMode::Incremental,
        ("cap", Some(cap)) => HoldMode::Cap(cap),
        // Without a cap nothing is ever overspent.
        ("cap", None) => HoldMode::Strict,
        _ => return Err(damaged("mode")),
    };
    let status: Option<WalletStatus> = rows::status(row.text(6)?);
    Ok(WalletRules {
        id: WalletId(id),
        org_id: row.int(1)?,
        owner_type: OwnerType::read(row.text(2)?).ok_or_else(|| damaged("owner_type"))?,
        owner_id: row.int(3)?,
        mode,
        status: status.ok_or_else(|| damaged("status"))?,
        soft_limit: row.int_or_null(7)?.map(Nanos::new),
        overage: Nanos::new(row.int(8)?),
        spent: Nanos::new(row.int(9)?),
    })
}

fn funding(row: &Row, table: &'static str) -> Result<(i64, Funding), StoreFault> {
    let id = row.int(0)?;
    let damaged = |column| StoreFault::Damaged { table, id, column };
    let order = row.text_or_null(1)?.map(|words| {
        let words = words.split(',').filter(|word| !word.is_empty());
        let kinds = words.map(|word| OwnerType::read(word.trim()).filter(|kind| kind.pays()));
        kinds.collect::<Option<Vec<_>>>()
    });
    let order = match order {
        Some(None) => return Err(damaged("funding_order")),
        order => order.flatten(),
    };
    let markup = row.int_or_null(2)?.map(u32::try_from).transpose();
    Ok((
        id,
        Funding {
            order,
            markup_ppm: markup.map_err(|_| damaged("markup_ppm"))?,
        },
    ))
}
