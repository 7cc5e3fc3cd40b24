//! The promise of the ledger under torture: processes are killed at random under mixed load, the
//! database is restarted at once, callers leave in mid-answer; afterwards the ledger must equal
//! the provider's own log to the last token.
//!
//! `make torture` runs it for `TORTURE_SECONDS`; the last line is the verdict, and the exit code
//! is 0 only if all of it holds.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../support/mod.rs"]
mod support;

mod clients;
mod fleet;
mod verdict;

use std::process::ExitCode;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use clients::{Clients, Tally};
use fleet::{Member, Provider};
use support::services::Postgres;
use verdict::{Row, Verdict};

/// How long each scenario runs where nobody says otherwise, in seconds.
const USUAL: u64 = 60;
/// Callers at each process.
const CALLERS: usize = 16;
/// What the wallet holds, in credits: enough for all of it.
const CREDIT: &str = "1000000";
/// A kill comes after this many milliseconds, at the earliest and at the latest.
const PAUSE: (u64, u64) = (100, 1000);

/// What one scenario came to.
struct Report {
    name: &'static str,
    kills: u64,
    restarts: u64,
    verdict: Verdict,
    tally: std::sync::Arc<Tally>,
    seconds: u64,
}

fn main() -> ExitCode {
    let told = std::env::var("TORTURE_SECONDS").ok();
    let seconds = told.and_then(|text| text.parse().ok()).unwrap_or(USUAL);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let reports = runtime.block_on(async {
        [
            on_postgres(seconds).await,
            on_sqlite((seconds / 3).max(10)).await,
        ]
    });
    let mut holds = true;
    for report in &reports {
        holds &= report.print();
    }
    let sum = |figure: fn(&Report) -> u64| reports.iter().map(figure).sum::<u64>();
    let word = if holds { "PASS" } else { "FAIL" };
    println!(
        "torture: {word} after {} s, {} kills, {} database restarts, {} exact settlements, {} estimates, {} faults",
        sum(|report| report.seconds),
        sum(|report| report.kills),
        sum(|report| report.restarts),
        sum(|report| report.verdict.exact as u64),
        sum(|report| report.verdict.estimated as u64),
        sum(|report| report.verdict.faults.len() as u64),
    );
    if holds {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

impl Report {
    fn print(&self) -> bool {
        let tally = &self.tally;
        println!(
            "{}: {} s, {} kills, {} restarts of the database; callers saw {} whole answers, {} refused with 5xx, {} with 402, {} broken, {} left; ledger: {} exact, {} estimated, {} counted by Alfred, {} nano-credits",
            self.name,
            self.seconds,
            self.kills,
            self.restarts,
            tally.ok.load(Relaxed),
            tally.refused.load(Relaxed),
            tally.no_money.load(Relaxed),
            tally.broken.load(Relaxed),
            tally.left.load(Relaxed),
            self.verdict.exact,
            self.verdict.estimated,
            self.verdict.local,
            self.verdict.spent(),
        );
        for fault in self.verdict.faults.iter().take(20) {
            println!("  FAULT {fault}");
        }
        self.verdict.faults.is_empty()
    }
}

/// Three processes on one PostgreSQL, which is itself restarted twice.
async fn on_postgres(seconds: u64) -> Report {
    let database = Postgres::start();
    let url = database.create_database("torture");
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start(folder.path());
    let store = format!("store: {{ postgres: {{ url: \"{url}\" }} }}");
    let mut members: Vec<Member> = (0..3)
        .map(|number| Member::new(folder.path(), number, &store, &provider))
        .collect();
    let tally = torture(&mut members, seconds, &mut |third| {
        if third == 1 || third == 2 {
            database.restart_immediate();
        }
    })
    .await;
    let kills = members.iter().map(|member| member.kills).sum();
    let mut verdict = judge(&members, &provider, &rows_of_postgres(&url).await, kills);
    check(&mut members, &mut verdict);
    Report {
        name: "PostgreSQL, three processes",
        kills,
        restarts: 2,
        verdict,
        tally,
        seconds,
    }
}

/// One process on its own SQLite.
async fn on_sqlite(seconds: u64) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let provider = Provider::start(folder.path());
    let mut members = vec![Member::new(folder.path(), 0, "store: sqlite", &provider)];
    let tally = torture(&mut members, seconds, &mut |_| {}).await;
    let kills = members.iter().map(|member| member.kills).sum();
    let file = folder.path().join("member-0/data/alfred.db");
    let mut verdict = judge(&members, &provider, &rows_of_sqlite(&file), kills);
    check(&mut members, &mut verdict);
    Report {
        name: "SQLite, one process",
        kills,
        restarts: 0,
        verdict,
        tally,
        seconds,
    }
}

/// Load and kills for so long; then everything is let finish and every journal is recovered.
async fn torture(
    members: &mut [Member],
    seconds: u64,
    third: &mut dyn FnMut(u64),
) -> std::sync::Arc<Tally> {
    let key = prepare(&members[0]);
    for member in members.iter_mut() {
        member.start();
        member.ready().await;
    }
    let gateways: Vec<_> = members.iter().map(|member| member.gateway).collect();
    let clients = Clients::start(&gateways, &key, CALLERS);
    let (begun, mut thirds) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(seconds) {
        let pause = fastrand::u64(PAUSE.0..PAUSE.1);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        let at = begun.elapsed().as_secs() * 3 / seconds;
        if at > thirds {
            thirds = at;
            third(at);
        }
        let victim = fastrand::usize(..members.len());
        members[victim].kill();
        members[victim].start();
    }
    for member in members.iter_mut() {
        member.ready().await;
    }
    let tally = clients.stop().await;
    for member in members.iter_mut() {
        member.end();
    }
    // A process that was killed last has been recovered by its next start; one more start shows
    // that nothing is left to recover.
    for member in members.iter_mut() {
        member.start();
        member.ready().await;
        member.end();
    }
    tally
}

/// A user with a wallet, a budget for its key, and the key itself.
fn prepare(member: &Member) -> String {
    let made = member.run(&["keys", "create", "--name", "torture", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let key = made["key"].as_str().unwrap().to_owned();
    for owner in [
        "user:1".to_owned(),
        format!("key:{}", made["id"]),
        "organisation:1".to_owned(),
    ] {
        member.run(&["wallets", "create", &owner, "--credit", CREDIT]);
    }
    key
}

fn judge(members: &[Member], provider: &Provider, rows: &[Row], kills: u64) -> Verdict {
    let callers = u64::try_from(CALLERS).unwrap();
    // A caller that leaves begins anew while its answer is still read to the end.
    let verdict = Verdict::reach(&provider.log, rows, kills * callers * 2);
    if !verdict.faults.is_empty() {
        for member in members {
            eprintln!("--- the end of a log ---\n{}", member.log());
        }
    }
    verdict
}

/// The invariants, as a person would check them.
fn check(members: &mut [Member], verdict: &mut Verdict) {
    let said = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        members[0].run(&["ledger", "check"])
    }));
    if said.is_err() {
        verdict.fault("`alfred ledger check` found broken invariants".to_owned());
    }
}

const ROWS: &str = "SELECT request_id, attempt, type, usage_source, leg, prompt_tokens, completion_tokens, amount, cost FROM transactions WHERE type IN ('usage', 'overage', 'undelivered')";

fn row(request: &[u8], texts: (i64, String, String), numbers: [i64; 5]) -> Row {
    let request = uuid::Uuid::from_slice(request).unwrap();
    let (attempt, kind, source) = texts;
    let [leg, prompt, completion, amount, cost] = numbers;
    Row {
        attempt: format!("{}.{attempt}", request.hyphenated()),
        kind,
        source,
        leg,
        prompt,
        completion,
        amount,
        cost,
    }
}

async fn rows_of_postgres(url: &str) -> Vec<Row> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls)
        .await
        .unwrap();
    tokio::spawn(connection);
    let rows = client.query(ROWS, &[]).await.unwrap();
    let read = |from: &tokio_postgres::Row| {
        let request: &[u8] = from.get(0);
        let texts = (from.get(1), from.get(2), from.get(3));
        row(request, texts, [4, 5, 6, 7, 8].map(|at| from.get(at)))
    };
    rows.iter().map(read).collect()
}

fn rows_of_sqlite(file: &std::path::Path) -> Vec<Row> {
    let connection = rusqlite::Connection::open(file).unwrap();
    let mut statement = connection.prepare(ROWS).unwrap();
    let rows = statement.query_map([], |from| {
        let request: Vec<u8> = from.get(0)?;
        let texts = (from.get(1)?, from.get(2)?, from.get(3)?);
        let mut numbers = [0; 5];
        for (at, number) in numbers.iter_mut().enumerate() {
            *number = from.get(at + 4)?;
        }
        Ok(row(&request, texts, numbers))
    });
    rows.unwrap().map(Result::unwrap).collect()
}
