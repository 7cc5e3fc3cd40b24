//! Why: what was posted can be read again in the order in which it was sealed, so that whoever
//! doubts it can verify it without trusting whoever wrote it.

use super::StoreFault;
use super::sql::{Engine, Row, Sql, SqlStore, Value, Work, values};
use crate::audit::{Block, Fault, Flaw, Hash, Head, Place, Settlement, TransactionLeaf};
use crate::money::Nanos;

/// How much there is of everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Size {
    /// Wallets that are not the house's.
    pub wallets: i64,
    /// What they hold.
    pub balance: Nanos,
    /// Of it: leased by processes and not spent, as far as they have settled.
    pub leased: Nanos,
    /// Spent beyond what could be reserved.
    pub overage: Nanos,
    /// Lines of the ledger.
    pub transactions: i64,
    /// Batches in which they were posted.
    pub settlements: i64,
    /// Of the batches: those in no block yet.
    pub unsealed: i64,
    /// Signed blocks.
    pub blocks: i64,
}

/// A row of `transactions` as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    texts: Texts,
    bare: TransactionLeaf<'static>,
    hash: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Texts {
    kind: String,
    model: Option<String>,
    provider: Option<String>,
    usage_source: String,
    note: Option<String>,
}

impl Line {
    /// All columns but `hash`.
    #[must_use]
    pub fn leaf(&self) -> TransactionLeaf<'_> {
        TransactionLeaf {
            kind: &self.texts.kind,
            model: self.texts.model.as_deref(),
            provider: self.texts.provider.as_deref(),
            usage_source: &self.texts.usage_source,
            note: self.texts.note.as_deref(),
            ..self.bare
        }
    }

    /// The column `hash`.
    #[must_use]
    pub const fn hash(&self) -> &Hash {
        &self.hash
    }
}

/// What was posted, for whoever verifies it. Every method blocks.
pub trait Archive: Send + Sync {
    /// How much there is.
    fn size(&self) -> Result<Size, StoreFault>;

    /// Blocks after this number, in their order.
    fn blocks(&self, after: i64, limit: u32) -> Result<Vec<Block>, StoreFault>;

    /// Where the chain of blocks ends, without reading the chain.
    fn last_block(&self) -> Result<Head, StoreFault>;

    /// Settlements of a block, or of none yet, after this id, in the order of their ids.
    fn settlements(
        &self,
        block: Option<i64>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Settlement>, StoreFault>;

    /// The transactions of all settlements from the first id to the last, in the order of
    /// settlement and position.
    fn lines(&self, first: i64, last: i64) -> Result<Vec<Line>, StoreFault>;

    /// The transactions of no settlement: what people did, of which the audit log holds the
    /// hashes. After this id, in the order of their ids.
    fn loose(&self, after: Option<[u8; 16]>, limit: u32) -> Result<Vec<Line>, StoreFault>;

    /// One of them.
    fn loose_one(&self, id: [u8; 16]) -> Result<Option<Line>, StoreFault>;

    /// A row that belongs nowhere: a transaction of a settlement, or a settlement of a block, that
    /// is not there.
    fn stray(&self) -> Result<Option<Flaw>, StoreFault>;
}

impl<E: Engine> Archive for SqlStore<E> {
    fn size(&self) -> Result<Size, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut size)
    }

    fn blocks(&self, after: i64, limit: u32) -> Result<Vec<Block>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let rows = sql.query(
                "SELECT n, settlements, count, amount, root, previous_hash, hash, public_key, \
                 signature, sealed_at FROM blocks WHERE n > $1 ORDER BY n LIMIT $2",
                values![after, i64::from(limit)],
            )?;
            rows.iter().map(block).collect()
        })
    }

    fn last_block(&self) -> Result<Head, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut last_block)
    }

    fn settlements(
        &self,
        block: Option<i64>,
        after: i64,
        limit: u32,
    ) -> Result<Vec<Settlement>, StoreFault> {
        const OF_BLOCK: &str = "SELECT id, holder_id, count, amount, root, created_at \
             FROM settlements WHERE block = $1 AND id > $2 ORDER BY id LIMIT $3";
        const UNSEALED: &str = "SELECT id, holder_id, count, amount, root, created_at \
             FROM settlements WHERE block IS NULL AND id > $1 ORDER BY id LIMIT $2";
        let limit = i64::from(limit);
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let rows = match block {
                Some(n) => sql.query(OF_BLOCK, values![n, after, limit])?,
                None => sql.query(UNSEALED, values![after, limit])?,
            };
            rows.iter().map(settlement).collect()
        })
    }

    fn lines(&self, first: i64, last: i64) -> Result<Vec<Line>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let text = format!(
                "{LINES} WHERE settlement BETWEEN $1 AND $2 ORDER BY settlement, position, id"
            );
            let rows = sql.query(&text, values![first, last])?;
            rows.iter().map(line).collect()
        })
    }

    fn loose(&self, after: Option<[u8; 16]>, limit: u32) -> Result<Vec<Line>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let text = format!("{LINES} WHERE settlement IS NULL AND id > $1 ORDER BY id LIMIT $2");
            // Before every id, that of zeros included, there is only nothing.
            let after = after.map_or(Value::Bytes(Vec::new()), Value::from);
            let rows = sql.query(&text, &[after, i64::from(limit).into()])?;
            rows.iter().map(line).collect()
        })
    }

    fn loose_one(&self, id: [u8; 16]) -> Result<Option<Line>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            let text = format!("{LINES} WHERE settlement IS NULL AND id = $1");
            sql.first(&text, values![id])?
                .as_ref()
                .map(line)
                .transpose()
        })
    }

    fn stray(&self) -> Result<Option<Flaw>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut stray)
    }
}

const LINES: &str = "SELECT request_id, attempt, type, leg, id, org_id, team_id, user_id, key_id, \
     wallet_id, amount, balance_after, model, provider, prompt_tokens, completion_tokens, \
     cached_tokens, cache_write_tokens, reasoning_tokens, cost, estimated, usage_source, \
     price_version, holder_id, settlement, position, reverses, note, created_at, hash \
     FROM transactions";

fn size(sql: &mut dyn Sql) -> Result<Size, StoreFault> {
    let wallets = sql.one(
        "SELECT count(*), CAST(coalesce(sum(w.balance), 0) AS BIGINT), \
         CAST(coalesce(sum(w.balance - coalesce(p.unleased, w.balance)), 0) AS BIGINT), \
         CAST(coalesce(sum(w.overage), 0) AS BIGINT) FROM wallets w \
         LEFT JOIN wallet_pool p ON p.wallet_id = w.id WHERE w.owner_type <> 'house'",
        &[],
    )?;
    let settlements = sql.one(
        "SELECT count(*), count(*) - count(block) FROM settlements",
        &[],
    )?;
    let transactions = sql.one("SELECT count(*) FROM transactions", &[])?;
    let blocks = sql.one("SELECT count(*) FROM blocks", &[])?;
    Ok(Size {
        wallets: wallets.int(0)?,
        balance: Nanos::new(wallets.int(1)?),
        leased: Nanos::new(wallets.int(2)?),
        overage: Nanos::new(wallets.int(3)?),
        transactions: transactions.int(0)?,
        settlements: settlements.int(0)?,
        unsealed: settlements.int(1)?,
        blocks: blocks.int(0)?,
    })
}

fn stray(sql: &mut dyn Sql) -> Result<Option<Flaw>, StoreFault> {
    let block = sql.first(
        "SELECT s.block FROM settlements s LEFT JOIN blocks b ON b.n = s.block \
         WHERE s.block IS NOT NULL AND b.n IS NULL ORDER BY s.block LIMIT 1",
        &[],
    )?;
    if let Some(row) = block {
        let place = Place::Block(row.int(0)?);
        let fault = Fault::Cut { count: 1 };
        return Ok(Some(Flaw { place, fault }));
    }
    let line = sql.first(
        "SELECT t.id FROM transactions t LEFT JOIN settlements s ON s.id = t.settlement \
         WHERE t.settlement IS NOT NULL AND s.id IS NULL ORDER BY t.created_at, t.id LIMIT 1",
        &[],
    )?;
    let flaw = |row: Row| {
        Ok(Flaw {
            place: Place::Transaction(row.bytes(0)?),
            fault: Fault::Inserted,
        })
    };
    line.map(flaw).transpose()
}

pub(super) fn last_block(sql: &mut dyn Sql) -> Result<Head, StoreFault> {
    let last = sql.first("SELECT n, hash FROM blocks ORDER BY n DESC LIMIT 1", &[])?;
    let Some(row) = last else {
        return Ok(Head::GENESIS);
    };
    Ok(Head {
        number: row.int(0)?,
        hash: row.bytes(1)?,
    })
}

fn block(row: &Row) -> Result<Block, StoreFault> {
    Ok(Block {
        n: row.int(0)?,
        settlements: row.int(1)?,
        count: row.int(2)?,
        amount: row.int(3)?,
        root: row.bytes(4)?,
        previous_hash: row.bytes(5)?,
        hash: row.bytes(6)?,
        public_key: row.bytes(7)?,
        signature: row.bytes(8)?,
        sealed_at: row.int(9)?,
    })
}

pub(super) fn settlement(row: &Row) -> Result<Settlement, StoreFault> {
    Ok(Settlement {
        id: row.int(0)?,
        holder: row.int(1)?,
        count: row.int(2)?,
        amount: row.int(3)?,
        root: row.bytes(4)?,
        created_at: row.int(5)?,
    })
}

fn line(row: &Row) -> Result<Line, StoreFault> {
    let small = |at: usize| {
        let value = u8::try_from(row.int(at)?);
        value.map_err(|_| StoreFault::Unreadable { column: at })
    };
    let text = |at: usize| Ok::<_, StoreFault>(row.text_or_null(at)?.map(str::to_owned));
    Ok(Line {
        texts: Texts {
            kind: row.text(2)?.to_owned(),
            model: text(12)?,
            provider: text(13)?,
            usage_source: row.text(21)?.to_owned(),
            note: text(27)?,
        },
        bare: TransactionLeaf {
            request_id: row.bytes(0)?,
            attempt: small(1)?,
            kind: "",
            leg: small(3)?,
            id: row.bytes(4)?,
            org: row.int_or_null(5)?,
            team: row.int_or_null(6)?,
            user: row.int_or_null(7)?,
            key: row.int_or_null(8)?,
            wallet: row.int_or_null(9)?,
            amount: row.int(10)?,
            balance_after: row.int_or_null(11)?,
            model: None,
            provider: None,
            prompt_tokens: row.int(14)?,
            completion_tokens: row.int(15)?,
            cached_tokens: row.int(16)?,
            cache_write_tokens: row.int(17)?,
            reasoning_tokens: row.int(18)?,
            cost: row.int(19)?,
            estimated: row.flag(20)?,
            usage_source: "",
            price_version: row.int_or_null(22)?,
            holder: row.int_or_null(23)?,
            settlement: row.int_or_null(24)?,
            position: row.int_or_null(25)?,
            reverses: row.bytes_or_null(26)?,
            note: None,
            created_at: row.int(28)?,
        },
        hash: row.bytes(29)?,
    })
}
