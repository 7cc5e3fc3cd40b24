//! What one request pays for its money, in its own process: hold and settlement, one by one.

use std::io::Write;
use std::sync::{Arc, Barrier};
use std::time::Instant;

use alfred::ledger::{NoMoney, Payer, Treasury};

use crate::Outcome;
use crate::office::{COST, HELD, Office, Request};
use crate::options::Options;
use crate::report::{Goal, Report, percentile};
use crate::world::{CREDIT, World};

/// Requests that are timed before the cashier's backlog is waited for: never so many that memory
/// or the limit of what may wait plays a part.
const ROUND: usize = 1_000;
/// Requests that nobody times: the leases are asked for, the code is warm.
const WARM: usize = 2_000;
const THREADS: usize = 4;
/// Bytes of a record that holds money of two or three wallets, and of one that settles it.
const HELD_RECORD: usize = 160;
/// See [`HELD_RECORD`].
const SETTLED_RECORD: usize = 260;

/// A hold of this much is more than the modest caller's quota: all three wallets bear a part.
const OVER_QUOTA: i64 = CREDIT + CREDIT / 2;

/// Measures once.
pub(crate) fn measure(world: &World<'_>, options: &Options, report: &mut Report) -> Outcome<()> {
    let office = Office::open(&world.copy())?;
    let holds = options.holds;
    let (three, usual) = (
        "hold + settle, all of three wallets",
        "hold + settle, three wallets bound, one pays",
    );
    note(
        report,
        three,
        timed(&office, (world.modest, OVER_QUOTA), holds)?,
    );
    note(report, usual, timed(&office, (world.rich, HELD), holds)?);
    let mut ground = two_writes(holds)?;
    let name = "the ground: two write(2) of such records and nothing else";
    report.note(
        &format!("{name}, p50, us"),
        Goal::None,
        percentile(&mut ground, 500),
    );
    let mut crowded = on_threads(&office, world.plain, holds / THREADS)?;
    let name = format!("hold + settle, one wallet, {THREADS} threads at once");
    report.note(
        &format!("{name}, p50, us"),
        Goal::None,
        percentile(&mut crowded, 500),
    );
    report.note(
        &format!("{name}, p99, us"),
        Goal::None,
        percentile(&mut crowded, 990),
    );
    office.close((holds + WARM) * 2 + holds / THREADS * THREADS + WARM)
}

fn note(report: &mut Report, name: &str, mut samples: Vec<u64>) {
    let p50 = percentile(&mut samples, 500);
    report.note(&format!("{name}, p50, us"), Goal::AtMost(2.0), p50);
    let p99 = percentile(&mut samples, 990);
    report.note(&format!("{name}, p99, us"), Goal::None, p99);
}

/// What the operating system takes for what the journal does at least: one record for the hold and
/// one for the settlement, appended to a file in the same kind of folder.
fn two_writes(count: usize) -> Outcome<Vec<u64>> {
    let mut file = tempfile::tempfile()?;
    let (held, settled) = ([7; HELD_RECORD], [7; SETTLED_RECORD]);
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let begun = Instant::now();
        file.write_all(&held)?;
        file.write_all(&settled)?;
        samples.push(u64::try_from(begun.elapsed().as_nanos())?);
    }
    Ok(samples)
}

/// One thread; nanoseconds of each request.
fn timed(office: &Office, (payer, held): (Payer, i64), count: usize) -> Outcome<Vec<u64>> {
    let runtime = runtime()?;
    runtime.block_on(pay(&office.treasury, (payer, held), WARM))?;
    let mut samples = Vec::with_capacity(count);
    while samples.len() < count {
        office.settled()?;
        let round = ROUND.min(count - samples.len());
        samples.extend(runtime.block_on(pay(&office.treasury, (payer, held), round))?);
    }
    office.settled()?;
    Ok(samples)
}

/// Several threads on the same wallet; nanoseconds of each request.
fn on_threads(office: &Office, payer: Payer, count: usize) -> Outcome<Vec<u64>> {
    runtime()?.block_on(pay(&office.treasury, (payer, HELD), WARM))?;
    let start = Arc::new(Barrier::new(THREADS));
    let threads: Vec<_> = (0..THREADS)
        .map(|_| {
            let (treasury, start) = (Arc::clone(&office.treasury), Arc::clone(&start));
            std::thread::spawn(move || -> Outcome<Vec<u64>> {
                let runtime = runtime();
                start.wait();
                Ok(runtime?.block_on(pay(&treasury, (payer, HELD), count))?)
            })
        })
        .collect();
    let mut samples = Vec::new();
    for thread in threads {
        let done = thread.join().map_err(|_| "a thread panicked")?;
        samples.extend(done?);
    }
    office.settled()?;
    Ok(samples)
}

async fn pay(
    treasury: &Arc<Treasury>,
    (payer, held): (Payer, i64),
    count: usize,
) -> Result<Vec<u64>, Refused> {
    // Made before, as in the gateway: the id comes with the request.
    let requests: Vec<_> = (0..count)
        .map(|_| Request::new(payer, held, COST))
        .collect();
    let mut samples = Vec::with_capacity(count);
    for request in requests {
        let (_, all) = request.pay(treasury).await.map_err(Refused)?;
        samples.push(all);
    }
    Ok(samples)
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    Ok(builder.enable_all().build()?)
}

/// A request that should have been admitted.
#[derive(Debug)]
struct Refused(NoMoney);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a request was refused: {:?}", self.0)
    }
}

impl std::error::Error for Refused {}
