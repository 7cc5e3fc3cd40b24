//! What arrived at the mock and how each answer ended, for the tests that ask
//! `GET /__mock/requests` and for the usage log that the money proofs compare with the ledger.

use std::collections::{HashMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, Version};
use serde_json::{Map, Value, json};

use super::script::Bill;

/// How many requests are remembered.
const REMEMBERED: usize = 1024;
/// How many `flaky` counters are kept; beyond it they start again.
const COUNTED: usize = 10_000;

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The whole answer was handed to the connection.
    Complete,
    /// The script cut it.
    Cut,
    /// The script reset the connection.
    Reset,
    /// The script closed the connection without an answer.
    Closed,
    /// The peer left, or the mock was stopped, before the end.
    ClientGone,
}

impl Outcome {
    fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::ClientGone => "client_gone",
        }
    }
}

/// One request, as much of it as is known so far.
#[derive(Debug, Default, Clone)]
pub(super) struct Record {
    pub(super) seq: u64,
    pub(super) connection: u64,
    pub(super) version: Version,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body_bytes: u64,
    pub(super) body_hash: Option<blake3::Hash>,
    /// Which API was spoken; empty when none was.
    pub(super) surface: &'static str,
    pub(super) model: String,
    pub(super) scenario: &'static str,
    pub(super) status: u16,
    pub(super) started: u64,
    pub(super) ended: Option<(u64, Outcome)>,
    pub(super) content_chunks: u64,
    pub(super) usage: Bill,
}

/// The memory of one mock, shared by its connections.
#[derive(Debug)]
pub(super) struct Journal {
    requests: Mutex<VecDeque<Arc<Mutex<Record>>>>,
    failures: Mutex<HashMap<String, u64>>,
    usage_log: Option<Mutex<File>>,
    usage_log_errors: AtomicU64,
    connections: AtomicU64,
    pub(super) open_connections: AtomicU64,
    in_flight: AtomicU64,
    total: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Unix time in milliseconds.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

impl Journal {
    /// Opens the usage log for appending, if there is to be one.
    pub(super) fn new(usage_log: Option<&Path>) -> io::Result<Self> {
        let open = |path| OpenOptions::new().create(true).append(true).open(path);
        Ok(Self {
            requests: Mutex::default(),
            failures: Mutex::default(),
            usage_log: usage_log.map(open).transpose()?.map(Mutex::new),
            usage_log_errors: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            open_connections: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            total: AtomicU64::new(0),
        })
    }

    /// A number for a new connection.
    pub(super) fn next_connection(&self) -> u64 {
        self.connections.fetch_add(1, Relaxed) + 1
    }

    /// Remembers a request from now on; its ticket tells how it ended.
    pub(super) fn enter(self: &Arc<Self>, record: Record) -> Ticket {
        let seq = self.total.fetch_add(1, Relaxed) + 1;
        self.in_flight.fetch_add(1, Relaxed);
        let record = Arc::new(Mutex::new(Record {
            seq,
            started: now_ms(),
            ..record
        }));
        let mut requests = lock(&self.requests);
        if requests.len() >= REMEMBERED {
            requests.pop_front();
        }
        requests.push_back(record.clone());
        drop(requests);
        Ticket {
            journal: self.clone(),
            record,
            seq,
            bill: Bill::default(),
            billable: false,
            chunks: 0,
            tokens: 0,
            outcome: Outcome::ClientGone,
            counted: true,
        }
    }

    /// Counts a failure under `id`; false once `most` of them have happened.
    pub(super) fn may_fail(&self, id: &str, most: u64) -> bool {
        let mut failures = lock(&self.failures);
        if failures.len() >= COUNTED {
            failures.clear();
        }
        let count = failures.entry(id.to_owned()).or_default();
        let fails = *count < most;
        *count += u64::from(fails);
        fails
    }

    /// Forgets the requests and the failures counted; what is open stays counted.
    pub(super) fn reset(&self) {
        lock(&self.requests).clear();
        lock(&self.failures).clear();
        self.total.store(0, Relaxed);
    }

    /// What `GET /__mock/requests` answers.
    pub(super) fn report(&self) -> Value {
        let records: Vec<_> = lock(&self.requests).iter().cloned().collect();
        let requests: Vec<_> = records.iter().map(|record| lock(record).shown()).collect();
        json!({
            "counters": {
                "connections": self.connections.load(Relaxed),
                "open_connections": self.open_connections.load(Relaxed),
                "in_flight": self.in_flight.load(Relaxed),
                "total": self.total.load(Relaxed),
                "usage_log_errors": self.usage_log_errors.load(Relaxed),
            },
            "requests": requests,
        })
    }

    fn log_usage(&self, line: &Value) {
        let Some(file) = &self.usage_log else { return };
        let mut line = line.to_string();
        line.push('\n');
        let mut file = lock(file);
        // One write per line: appended whole even when two processes share the file.
        if let Err(error) = file.write_all(line.as_bytes()).and_then(|()| file.flush()) {
            self.usage_log_errors.fetch_add(1, Relaxed);
            log::error!(error:% = error; "mock: a usage line was lost");
        }
    }
}

impl Record {
    fn shown(&self) -> Value {
        let headers: Map<String, Value> = self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), redacted(name, value).into()))
            .collect();
        json!({
            "seq": self.seq,
            "connection": self.connection,
            "http": if self.version == Version::HTTP_2 { "2" } else { "1.1" },
            "method": self.method.as_str(),
            "path": self.uri.path_and_query().map(|path| path.as_str()),
            "headers": headers,
            "body_bytes": self.body_bytes,
            "body_hash": self.body_hash.map(|hash| hash.to_hex().to_string()),
            "surface": self.surface,
            "model": self.model,
            "scenario": self.scenario,
            "status": self.status,
            "started_ms": self.started,
            "ended_ms": self.ended.map(|(at, _)| at),
            "ended": self.ended.map_or("in_flight", |(_, outcome)| outcome.name()),
            "chunks_sent": self.content_chunks,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
        })
    }
}

/// Secrets are shown as a fingerprint, so that tests can still tell two of them apart.
fn redacted(name: &HeaderName, value: &HeaderValue) -> String {
    const SECRET: [&str; 7] = [
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "x-goog-api-key",
        "cookie",
        "x-amz-security-token",
    ];
    if SECRET.contains(&name.as_str()) {
        let hash = blake3::hash(value.as_bytes()).to_hex();
        return format!("redacted:{}", hash.get(..16).unwrap_or_default());
    }
    String::from_utf8_lossy(value.as_bytes()).into_owned()
}

/// The open entry of one request. Dropping it closes the entry, however the exchange ended.
#[derive(Debug)]
pub(super) struct Ticket {
    journal: Arc<Journal>,
    record: Arc<Mutex<Record>>,
    seq: u64,
    bill: Bill,
    billable: bool,
    chunks: u64,
    tokens: u64,
    outcome: Outcome,
    counted: bool,
}

impl Ticket {
    /// A ticket for questions about the journal itself, which it does not remember.
    pub(super) fn unrecorded(journal: &Arc<Journal>) -> Self {
        Self {
            journal: journal.clone(),
            record: Arc::default(),
            seq: 0,
            bill: Bill::default(),
            billable: false,
            chunks: 0,
            tokens: 0,
            outcome: Outcome::Complete,
            counted: false,
        }
    }

    /// The number of the request.
    pub(super) fn seq(&self) -> u64 {
        self.seq
    }

    /// Adds to the entry what has become known.
    pub(super) fn note(&self, note: impl FnOnce(&mut Record)) {
        note(&mut lock(&self.record));
    }

    /// From here on a real provider would charge.
    pub(super) fn answering(&mut self, bill: Bill) {
        self.bill = bill;
        self.billable = true;
    }

    /// Counts a part of the answer.
    pub(super) fn sent(&mut self, content: bool, tokens: u64) {
        self.chunks += u64::from(content);
        self.tokens += tokens;
    }

    /// Settles how it ended; the last word counts.
    pub(super) fn ends(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }

    fn usage(&self) -> Bill {
        match self.outcome {
            Outcome::Complete => self.bill,
            _ if self.billable => Bill {
                prompt_tokens: self.bill.prompt_tokens,
                completion_tokens: self.tokens,
            },
            _ => Bill::default(),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.counted {
            return;
        }
        let usage = self.usage();
        let ts = now_ms();
        let mut record = lock(&self.record);
        record.ended = Some((ts, self.outcome));
        record.content_chunks = self.chunks;
        record.usage = usage;
        if self.journal.usage_log.is_some() && record.method == Method::POST {
            let attempt = record.headers.get("x-alfred-attempt");
            let line = json!({
                "attempt": attempt.map(|value| String::from_utf8_lossy(value.as_bytes())),
                "request_id": request_id(record.seq),
                "surface": record.surface,
                "model": record.model,
                "scenario": record.scenario,
                "status": record.status,
                "prompt_tokens": usage.prompt_tokens,
                "completion_tokens": usage.completion_tokens,
                "chunks_sent": self.chunks,
                "outcome": self.outcome.name(),
                "ts": ts,
            });
            drop(record);
            self.journal.log_usage(&line);
        }
        self.journal.in_flight.fetch_sub(1, Relaxed);
    }
}

/// The `x-request-id` of the answer to request number `seq`.
pub(super) fn request_id(seq: u64) -> String {
    format!("req_mock_{seq:012}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted() -> Record {
        let mut headers = HeaderMap::new();
        headers.insert("x-alfred-attempt", HeaderValue::from_static("abc.1"));
        headers.insert(
            "authorization",
            HeaderValue::from_static("Bearer sk-secret"),
        );
        Record {
            method: Method::POST,
            headers,
            ..Record::default()
        }
    }

    const BILL: Bill = Bill {
        prompt_tokens: 5,
        completion_tokens: 9,
    };

    #[test]
    fn a_whole_answer_is_billed_as_announced_and_a_partial_one_by_what_was_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("usage.jsonl");
        let journal = Arc::new(Journal::new(Some(&path)).unwrap());
        for outcome in [Outcome::Complete, Outcome::ClientGone] {
            let mut ticket = journal.enter(posted());
            ticket.answering(BILL);
            ticket.sent(true, 2);
            ticket.ends(outcome);
        }
        drop(journal.enter(posted()));
        let lines: Vec<Value> = std::fs::read_to_string(&path)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let tokens = |line: &Value| {
            (
                line["prompt_tokens"].clone(),
                line["completion_tokens"].clone(),
            )
        };
        assert_eq!(lines.len(), 3);
        assert_eq!(tokens(&lines[0]), (json!(5), json!(9)));
        assert_eq!(tokens(&lines[1]), (json!(5), json!(2)));
        assert_eq!(tokens(&lines[2]), (json!(0), json!(0)));
        assert_eq!(lines[1]["outcome"], "client_gone");
        assert_eq!(lines[0]["attempt"], "abc.1");
    }

    #[test]
    fn secrets_are_shown_as_fingerprints() {
        let journal = Arc::new(Journal::new(None).unwrap());
        let ticket = journal.enter(posted());
        let report = journal.report();
        let shown = report.to_string();
        assert!(!shown.contains("sk-secret"), "{shown}");
        assert!(shown.contains("redacted:"), "{shown}");
        assert_eq!(report["requests"][0]["ended"], "in_flight");
        assert_eq!(report["counters"]["in_flight"], 1);
        drop(ticket);
        assert_eq!(journal.report()["counters"]["in_flight"], 0);
    }

    #[test]
    fn only_the_latest_requests_are_remembered() {
        let journal = Arc::new(Journal::new(None).unwrap());
        for _ in 0..REMEMBERED + 10 {
            drop(journal.enter(posted()));
        }
        let report = journal.report();
        assert_eq!(report["requests"].as_array().unwrap().len(), REMEMBERED);
        assert_eq!(report["requests"][0]["seq"], 11);
    }

    #[test]
    fn failures_are_counted_by_name_until_they_are_used_up() {
        let journal = Journal::new(None).unwrap();
        let fails = |id| journal.may_fail(id, 2);
        assert_eq!(
            [fails("a"), fails("a"), fails("b"), fails("a")],
            [true, true, true, false]
        );
        journal.reset();
        assert!(journal.may_fail("a", 2));
    }

    #[test]
    fn a_usage_log_that_cannot_be_opened_is_an_error_at_start() {
        assert!(Journal::new(Some(Path::new("/nonexistent/usage.jsonl"))).is_err());
    }
}
