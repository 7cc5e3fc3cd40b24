//! Why: what requests cost is fixed soon after it was posted: settlements that no block holds yet
//! are gathered, chained and signed. One process at a time does so, whichever comes first.

use super::sql::{Engine, Sql, SqlStore, Work, values};
use super::{StoreFault, archive};
use crate::audit::{BlockBuilder, Head, Signer};

/// Settlements in one block.
const MOST: i64 = 10_000;

/// Makes blocks of what has been settled.
pub trait Sealer: Send + Sync {
    /// Seals what no block holds yet, at most 10,000 settlements, and answers the new head;
    /// `None` when there was nothing to seal. Blocks.
    ///
    /// # Errors
    /// The database cannot be used.
    fn seal(&self, signer: &Signer, now_ms: i64) -> Result<Option<Head>, StoreFault>;
}

impl<E: Engine> Sealer for SqlStore<E> {
    fn seal(&self, signer: &Signer, now_ms: i64) -> Result<Option<Head>, StoreFault> {
        let is_due = self.engine.run(Work::ReadLatest, &mut |sql| {
            sql.first(
                "SELECT id FROM settlements WHERE block IS NULL LIMIT 1",
                &[],
            )
        })?;
        if is_due.is_none() {
            return Ok(None);
        }
        self.engine
            .run(Work::Governance, &mut |sql| seal(sql, signer, now_ms))
    }
}

fn seal(sql: &mut dyn Sql, signer: &Signer, now_ms: i64) -> Result<Option<Head>, StoreFault> {
    let previous = archive::last_block(sql)?;
    let rows = sql.query(
        "SELECT id, holder_id, count, amount, root, created_at FROM settlements \
         WHERE block IS NULL ORDER BY id LIMIT $1",
        values![MOST],
    )?;
    let mut builder = BlockBuilder::new();
    let mut last = None;
    for row in &rows {
        let settlement = archive::settlement(row)?;
        last = Some(settlement.id);
        builder
            .add(&settlement)
            .map_err(|_| StoreFault::OutOfRange)?;
    }
    let Some(last) = last else {
        return Ok(None);
    };
    let block = builder
        .seal(previous, now_ms, signer)
        .map_err(|_| StoreFault::OutOfRange)?;
    sql.execute(
        "INSERT INTO blocks (n, settlements, count, amount, root, previous_hash, hash, \
         public_key, signature, sealed_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values![
            block.n,
            block.settlements,
            block.count,
            block.amount,
            block.root,
            block.previous_hash,
            block.hash,
            block.public_key,
            block.signature,
            block.sealed_at
        ],
    )?;
    // Had another been committed meanwhile under a smaller id, all of this is done again.
    let sealed = sql.execute(
        "UPDATE settlements SET block = $1 WHERE block IS NULL AND id <= $2",
        values![block.n, last],
    )?;
    if i64::try_from(sealed) != Ok(block.settlements) {
        return Err(StoreFault::Locked);
    }
    Ok(Some(block.head()))
}
