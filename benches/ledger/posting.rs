//! What a process, and a fleet of three, does with a real database behind: admissions while leases
//! are refilled, and settlements as the cashier writes them, in batches of at most a thousand.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use alfred::ledger::{Payer, Treasury};
use tokio::task::JoinSet;

use crate::office::{COST, HELD, Office, Request};
use crate::options::Options;
use crate::report::{Goal, Report, percentile};
use crate::world::World;
use crate::{GATEWAY, Outcome, machine};

/// Requests at a time, as in a busy gateway.
const TASKS: usize = 64;
/// Requests of each caller before the clock runs: the leases are asked for.
const WARM: usize = 20;
const FLEET: usize = 3;

/// Transactions a second must be at least this: a settlement is one for each wallet that bears a part.
const SETTLED: Goal = Goal::AtLeast(20_000.0);

/// Measures once: one process on one wallet, on three, on those of a crowd; then three processes.
pub(crate) fn measure(world: &World<'_>, options: &Options, report: &mut Report) -> Outcome<()> {
    let count = options.requests;
    let one = run(world, &[world.plain], count)?;
    let admissions = "admissions on one wallet";
    report.note(
        &format!("{admissions}, 1/s"),
        Goal::AtLeast(50_000.0),
        per_second(count, one.admitted_in),
    );
    let mut holds = one.holds.clone();
    for (name, permille) in [("p50", 500), ("p99", 990), ("p99.9", 999)] {
        let name = format!("{admissions}, hold {name}, us");
        report.note(&name, Goal::None, percentile(&mut holds, permille));
    }
    note(report, "one wallet", &one, count);
    let three = run(world, &[world.rich], count)?;
    note(report, "three wallets", &three, count);
    let crowd = run(world, &world.crowd, count)?;
    let callers = world.crowd.len();
    note(
        report,
        &format!("three wallets each of {callers} callers"),
        &crowd,
        count,
    );
    let fleet = fleet(world, count)?;
    note(
        report,
        &format!("three wallets, {FLEET} processes"),
        &fleet,
        count / FLEET * FLEET,
    );
    Ok(())
}

/// What one run took.
#[derive(Debug)]
struct Ran {
    admitted_in: Duration,
    settled_in: Duration,
    /// CPU time of this process, and of the database's, while it ran.
    cpu: (Duration, Duration),
    rows: usize,
    holds: Vec<u64>,
}

fn note(report: &mut Report, name: &str, ran: &Ran, count: usize) {
    let settled = per_second(count, ran.settled_in);
    report.note(&format!("settled, {name}, 1/s"), Goal::None, settled);
    let rows = per_second(ran.rows, ran.settled_in);
    let rows_name = format!("settled, {name}: transactions, 1/s");
    report.note(&rows_name, SETTLED, rows);
    for (who, cpu) in [("gateway", ran.cpu.0), ("PostgreSQL", ran.cpu.1)] {
        let name = format!("settled, {name}: CPU of {who} for each, us");
        report.note(&name, Goal::None, 1e6 / per_second(count, cpu));
    }
}

/// CPU time so far of this process and of the database's.
fn used(world: &World<'_>) -> Outcome<(Duration, Duration)> {
    Ok((machine::cpu(std::process::id())?, postgres_used(world)?))
}

fn fleet_used(world: &World<'_>, gateways: &[Gateway]) -> Outcome<(Duration, Duration)> {
    let mut all = Duration::ZERO;
    for gateway in gateways {
        all += machine::cpu(gateway.child.id())?;
    }
    Ok((all, postgres_used(world)?))
}

fn postgres_used(world: &World<'_>) -> Outcome<Duration> {
    let file = world.server.folder().join("data/postmaster.pid");
    let text = std::fs::read_to_string(file)?;
    let pid = text.lines().next().unwrap_or_default().trim().parse()?;
    machine::family_cpu(pid)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of a benchmark are small"
)]
fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// One process; its callers take turns.
fn run(world: &World<'_>, callers: &[Payer], count: usize) -> Outcome<Ran> {
    let url = world.copy();
    let office = Office::open(&url)?;
    let runtime = runtime()?;
    let warm = callers.len() * WARM;
    runtime.block_on(pay(&office.treasury, callers, warm))?;
    office.settled()?;
    let before = rows(world, &url)?;
    let cpu = used(world)?;
    let begun = Instant::now();
    let holds = runtime.block_on(pay(&office.treasury, callers, count))?;
    let admitted_in = begun.elapsed();
    office.settled()?;
    let settled_in = begun.elapsed();
    let after = used(world)?;
    office.close(count + warm)?;
    Ok(Ran {
        admitted_in,
        settled_in,
        cpu: (after.0.saturating_sub(cpu.0), after.1.saturating_sub(cpu.1)),
        rows: rows(world, &url)? - before,
        holds,
    })
}

/// Usage as the database has it: a row for each wallet that bears a part.
fn rows(world: &World<'_>, url: &str) -> Outcome<usize> {
    let count = "SELECT count(*) FROM transactions WHERE type IN ('usage', 'cap')";
    Ok(world.server.sql(url, count).parse()?)
}

fn runtime() -> Outcome<tokio::runtime::Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(builder.enable_all().build()?)
}

/// So many requests, many at a time. Answers how long each hold took, in nanoseconds.
async fn pay(treasury: &Arc<Treasury>, callers: &[Payer], count: usize) -> Outcome<Vec<u64>> {
    let next = Arc::new(AtomicUsize::new(0));
    let callers: Arc<[Payer]> = Arc::from(callers);
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (next, callers) = (Arc::clone(&next), Arc::clone(&callers));
        let treasury = Arc::clone(treasury);
        tasks.spawn(async move {
            let mut holds = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok(holds);
                }
                let caller = callers.iter().cycle().nth(number % callers.len());
                let caller = caller.copied().unwrap_or_default();
                let paid = Request::new(caller, HELD, COST).pay(&treasury).await;
                let (hold, _) = paid.map_err(|no| format!("a request was refused: {no:?}"))?;
                holds.push(hold);
            }
        });
    }
    let mut holds = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        let done: Result<Vec<u64>, String> = done?;
        holds.extend(done?);
    }
    Ok(holds)
}

/// Three processes on one database, all on the same three wallets.
fn fleet(world: &World<'_>, count: usize) -> Outcome<Ran> {
    let url = world.copy();
    let gateways = (0..FLEET).map(|_| Gateway::start(&url, world.rich, count / FLEET));
    let mut gateways = gateways.collect::<Outcome<Vec<_>>>()?;
    for gateway in &mut gateways {
        gateway.hear("ready")?;
    }
    let before = rows(world, &url)?;
    let cpu = fleet_used(world, &gateways)?;
    let begun = Instant::now();
    for gateway in &mut gateways {
        gateway.say("go")?;
    }
    for gateway in &mut gateways {
        gateway.hear("settled")?;
    }
    let settled_in = begun.elapsed();
    let after = fleet_used(world, &gateways)?;
    for gateway in &mut gateways {
        gateway.say("close")?;
        gateway.hear("closed")?;
    }
    Ok(Ran {
        admitted_in: settled_in,
        settled_in,
        cpu: (after.0.saturating_sub(cpu.0), after.1.saturating_sub(cpu.1)),
        rows: rows(world, &url)? - before,
        holds: Vec::new(),
    })
}

/// A process of this program that is a gateway, as far as money goes.
struct Gateway {
    child: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Gateway {
    fn start(url: &str, payer: Payer, count: usize) -> Outcome<Self> {
        let id = |id: Option<i64>| id.unwrap_or(0).to_string();
        let mut child = Command::new(std::env::current_exe()?)
            .args([GATEWAY, url, &count.to_string()])
            .args([payer.org, payer.team, payer.user, payer.key].map(id))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (words, answers) = pipes.ok_or("a process without pipes")?;
        Ok(Self {
            child,
            words,
            answers: BufReader::new(answers),
        })
    }

    fn say(&mut self, word: &str) -> Outcome<()> {
        Ok(writeln!(self.words, "{word}")?)
    }

    fn hear(&mut self, word: &str) -> Outcome<()> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        match line.trim_end() == word {
            true => Ok(()),
            false => Err(format!("a process should have been {word}").into()),
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        machine::end(&mut self.child);
    }
}

/// Plays the part of a [`Gateway`], at the pace of whoever started it.
pub(crate) fn be_gateway(words: &[&str]) -> Outcome<()> {
    let [url, count, org, team, user, key] = words else {
        return Err("a gateway needs to be told what it does".into());
    };
    let id = |text: &str| text.parse::<i64>().map(Some);
    let payer = Payer {
        org: id(org)?,
        team: id(team)?,
        user: id(user)?,
        key: id(key)?,
    };
    let count: usize = count.parse()?;
    let office = Office::open(url)?;
    let runtime = runtime()?;
    runtime.block_on(pay(&office.treasury, &[payer], WARM))?;
    office.settled()?;
    let mut told = std::io::stdin().lines();
    let mut tell = |word: &str| -> Outcome<()> {
        println!("{word}");
        match told.next() {
            Some(Ok(_)) => Ok(()),
            _ => Err("nobody listens any more".into()),
        }
    };
    tell("ready")?;
    runtime.block_on(pay(&office.treasury, &[payer], count))?;
    office.settled()?;
    tell("settled")?;
    office.close(count + WARM)?;
    println!("closed");
    Ok(())
}
