//! Why: the journal's promises, kept against crashes, full disks and damage.

mod crash;
mod damage;
mod full_disk;
mod ownership;
mod retention;
mod round_trip;

use super::{Journal, Leg, Record, Recovered, Settlement, Subject, UsageSource};
use crate::ledger::Nanos;
use std::io::{BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use uuid::Uuid;

/// The variable that tells a child test where its journal is.
const CHILD: &str = "ALFRED_TEST_JOURNAL";

fn id(number: u64) -> Uuid {
    Uuid::from_u64_pair(7, number)
}

fn leg(wallet: i64, amount: i64) -> Leg {
    Leg {
        wallet,
        amount: Nanos::new(amount),
        is_cap: false,
    }
}

fn subject(number: u64) -> Subject {
    Subject {
        request_id: id(number),
        org: Some(1),
        team: None,
        user: Some(3),
        key: Some(4),
        at_ms: 1_700_000_000_000,
        model: "fast".into(),
        provider: "openai".into(),
        price_version: 9,
    }
}

fn open(number: u64) -> Record {
    Record::Open {
        subject: subject(number),
        attempt: 0,
        legs: vec![leg(10, 500), leg(11, 500)],
    }
}

fn extend(number: u64, legs: Vec<Leg>) -> Record {
    Record::Extend {
        request_id: id(number),
        legs,
    }
}

fn settlement(number: u64) -> Settlement {
    Settlement {
        subject: subject(number),
        attempt: 0,
        closes: true,
        model: "gpt-5-mini".into(),
        provider: "openai".into(),
        prompt_tokens: 1_000,
        completion_tokens: 200,
        cached_tokens: 30,
        cache_write_tokens: 4,
        reasoning_tokens: 5,
        cost: Nanos::new(400),
        legs: vec![leg(10, 400), leg(11, 400)],
        overage: Nanos::ZERO,
        is_estimated: false,
        usage_source: UsageSource::Provider,
        is_delivered: true,
        at_ms: 1_700_000_000_500,
        price_version: 9,
    }
}

fn settle(number: u64) -> Record {
    Record::Settle(settlement(number))
}

fn void(number: u64) -> Record {
    Record::Void {
        request_id: id(number),
    }
}

/// The one journal below this root whose process is dead.
fn recovered(root: &Path) -> Recovered {
    let mut found = Recovered::read_all(root).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

fn orphan_ids(recovered: &Recovered) -> Vec<Uuid> {
    let orphans = recovered.orphans().iter();
    orphans.map(|orphan| orphan.subject.request_id).collect()
}

fn settled_ids(recovered: &Recovered) -> Vec<Uuid> {
    let settlements = recovered.settlements();
    let ids: Vec<Uuid> = settlements
        .map(|settlement| settlement.unwrap().subject.request_id)
        .collect();
    assert_eq!(ids.len() as u64, recovered.settlement_count());
    ids
}

/// The segments of holder 1, oldest first.
fn segments(root: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = root
        .join("1")
        .read_dir()
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "journal"))
        .collect();
    found.sort();
    found
}

/// Writes these records as holder 1 and dies.
fn written(root: &Path, records: &[Record]) {
    let journal = Journal::create(root, 1).unwrap();
    for record in records {
        journal.append(record).unwrap();
    }
}

/// This program again, running one test only, with its journal below `root`.
fn child(test: &str, root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let test = format!("ledger::journal::tests::{test}");
    command
        .args([
            &test,
            "--exact",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ])
        .env(CHILD, root)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Where the journal of this child is; `None` in a test that nobody started as a child.
fn root_of_child() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

fn lines_of(child: &mut Child) -> Lines<BufReader<ChildStdout>> {
    BufReader::new(child.stdout.take().unwrap()).lines()
}

/// What a child says with [`report`]; the test harness says other things, too.
fn reported(line: &str) -> Option<(&str, u64)> {
    let (what, number) = line.strip_prefix("child: ")?.split_once(' ')?;
    Some((what, number.parse().ok()?))
}

/// One line on the pipe to the parent, written at once and whole.
fn report(what: &str, number: u64) {
    use std::io::Write;
    let line = format!("\nchild: {what} {number}\n");
    std::io::stdout().write_all(line.as_bytes()).unwrap();
    std::io::stdout().flush().unwrap();
}
