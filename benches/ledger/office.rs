//! A treasury with its threads, its journal and its database, as `alfred run` opens it, and what a
//! request does with it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alfred::conf::Config;
use alfred::ledger::journal::{Subject, UsageSource};
use alfred::ledger::{self, Bill, Nanos, NoMoney, Payer, Settings, Staff, Treasury, UsageCounts};
use alfred::store::LedgerStore;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Outcome, world};

/// What a request of the benchmark costs, in nano-credits; it holds four times as much.
pub(crate) const COST: i64 = 125_000;
/// See [`COST`].
pub(crate) const HELD: i64 = 4 * COST;

/// How long settlements may take to reach the database before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// An open treasury. Its journal is gone with it.
pub(crate) struct Office {
    pub(crate) treasury: Arc<Treasury>,
    store: Arc<dyn LedgerStore>,
    staff: Staff,
    _folder: TempDir,
}

impl Office {
    /// Opens a treasury on this database, with the settings that a configuration has which says
    /// nothing about money.
    pub(crate) fn open(url: &str) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("alfred-bench-").tempdir()?;
        let store: Arc<dyn LedgerStore> = world::open(url)?;
        let treasury = ledger::open(Arc::clone(&store), settings(folder.path()))?;
        // The supervisor does this at start: the month gets its partition.
        treasury.keep_house()?;
        let staff = Staff::start(&treasury)?;
        Ok(Self {
            treasury,
            store,
            staff,
            _folder: folder,
        })
    }

    /// Waits until the database has everything.
    pub(crate) fn settled(&self) -> Outcome<()> {
        let begun = Instant::now();
        while self.treasury.figures().backlog > 0 {
            if begun.elapsed() > PATIENCE {
                return Err(format!("not settled: {:?}", self.treasury.figures()).into());
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// Closes it, and looks whether the books add up: so many settlements, and every promise kept.
    pub(crate) fn close(mut self, settled: usize) -> Outcome<()> {
        self.settled()?;
        let figures = self.treasury.figures();
        self.staff.close(PATIENCE);
        let posted = u64::try_from(settled)?;
        if (figures.posted, figures.stuck, figures.unresolved) != (posted, 0, 0) {
            return Err(format!("{settled} settlements were made: {figures:?}").into());
        }
        let broken = self.store.check()?;
        match broken.is_empty() {
            true => Ok(()),
            false => Err(format!("the books do not add up: {broken:?}").into()),
        }
    }
}

fn settings(folder: &Path) -> Settings {
    let config = Config {
        data_dir: folder.to_owned(),
        ..Config::default()
    };
    Settings::new(&config, "bench".to_owned())
}

/// A request, known before its money is asked for.
pub(crate) struct Request {
    payer: Payer,
    subject: Subject,
    held: Nanos,
    bill: Bill,
}

impl Request {
    /// One of this caller that holds and costs so much.
    pub(crate) fn new(payer: Payer, held: i64, cost: i64) -> Self {
        let (provider, model): (Arc<str>, Arc<str>) =
            (Arc::from("openai"), Arc::from("gpt-5-nano-2025-08-07"));
        Self {
            payer,
            subject: Subject {
                request_id: Uuid::now_v7(),
                org: payer.org,
                team: payer.team,
                user: payer.user,
                key: payer.key,
                at_ms: 1_795_694_400_000,
                model: Arc::clone(&model),
                provider: Arc::clone(&provider),
                price_version: 0,
            },
            held: Nanos::new(held),
            bill: Bill {
                provider,
                model,
                attempt: 1,
                usage: UsageCounts {
                    input: 1_000,
                    output: 200,
                    cached: 500,
                    ..UsageCounts::default()
                },
                cost: Nanos::new(cost),
                source: UsageSource::Provider,
            },
        }
    }

    /// All that the request path asks of the ledger, in its order: the caller's wallets, whether
    /// they may spend, the hold, the settlement. Answers how long the hold took and how long all.
    pub(crate) async fn pay(self, treasury: &Arc<Treasury>) -> Result<(u64, u64), NoMoney> {
        let begun = Instant::now();
        let purse = treasury.purse(&self.payer);
        treasury.can_spend(&purse)?;
        treasury.warm(&purse).await;
        let held = treasury.hold(purse, self.subject, self.held, self.held);
        let held = held.await?;
        let admitted = nanos(begun);
        // Nothing is short of money here: what could not be covered is a fault of the benchmark.
        let overage = held.settle(&self.bill);
        match overage == Nanos::ZERO {
            true => Ok((admitted, nanos(begun))),
            false => Err(NoMoney::Insufficient),
        }
    }
}

fn nanos(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_nanos()).unwrap_or(u64::MAX)
}
