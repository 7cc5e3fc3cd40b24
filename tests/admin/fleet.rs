//! Three processes on one PostgreSQL, all of them at work for the same key: once the admin API of one has answered that
//! it is revoked, none of them accepts it longer than two seconds, whether the database tells them or they must look.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinHandle;

use crate::house::{House, Store};
use crate::support::services::Postgres;
use crate::support::{H1, chat, until};

/// The promise: no request is accepted later after the answer.
const LIMIT: Duration = Duration::from_secs(2);
/// For how long the callers go on after it.
const AFTER: Duration = Duration::from_secs(5);
/// Callers at each process, one request after the other.
const CALLERS: usize = 4;
const PROCESSES: usize = 3;
/// All processes of a fleet check keys with the same pepper.
const PEPPER: &str = "pepper: 5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a\n";

/// The processes, their database, and the key that callers use.
struct Fleet {
    houses: Vec<House>,
    url: String,
    key: String,
    key_path: String,
}

impl Fleet {
    async fn start() -> Self {
        let store = Store::Postgres.line();
        let url = store.split('"').nth(1).unwrap().to_owned();
        let mut houses = Vec::new();
        for _ in 0..PROCESSES {
            houses.push(House::start_with(&format!("{store}{PEPPER}")).await);
        }
        let made = houses[0]
            .make(&houses[0].token, "/v1/keys", json!({ "name": "app" }))
            .await;
        let key = made["key"].as_str().unwrap().to_owned();
        let fleet = Self {
            houses,
            url,
            key,
            key_path: format!("/v1/keys/{}", made["id"]),
        };
        for number in 0..PROCESSES {
            until("the key is known everywhere", || async {
                status(&fleet, number).await == 200
            })
            .await;
        }
        fleet
    }

    fn sql(&self, statements: &str) -> String {
        Postgres::shared().sql(&self.url, statements)
    }

    /// Callers at every process; each answers what it saw, request by request.
    fn callers(&self, stop: &Arc<AtomicBool>) -> Vec<JoinHandle<Vec<Seen>>> {
        let mut callers = Vec::new();
        for (process, house) in self.houses.iter().enumerate() {
            for _ in 0..CALLERS {
                let (addr, key) = (house.gateway.addr, self.key.clone());
                let stop = Arc::clone(stop);
                callers.push(tokio::spawn(async move {
                    let (mut seen, body) = (Vec::new(), chat("mock/echo", json!({})));
                    while !stop.load(Relaxed) {
                        let mut client = H1::connect(addr).await.with_key(&key);
                        let status = client.chat(&body).await.status;
                        let at = Instant::now();
                        seen.push(Seen {
                            process,
                            at,
                            status,
                        });
                    }
                    seen
                }));
            }
        }
        callers
    }

    /// Revokes the key by the API of the first process while all are at work, and fails unless all refuse it in time.
    /// `meanwhile` runs from before the revocation to the end. Answers how late the last request was accepted.
    async fn revoke_under_load(&self, meanwhile: impl AsyncFnOnce(&Self)) -> Duration {
        let stop = Arc::new(AtomicBool::new(false));
        let callers = self.callers(&stop);
        tokio::time::sleep(Duration::from_millis(500)).await;
        meanwhile(self).await;
        let owner = &self.houses[0];
        let line = format!("DELETE {}", self.key_path);
        owner
            .change(&owner.token, &line, json!({}))
            .await
            .expect(200);
        let answered = Instant::now();
        tokio::time::sleep(AFTER).await;
        stop.store(true, Relaxed);
        let mut seen = Vec::new();
        for caller in callers {
            seen.extend(caller.await.unwrap());
        }
        let mut latest = Duration::ZERO;
        for process in 0..PROCESSES {
            latest = latest.max(judge(&seen, process, answered));
        }
        latest
    }
}

/// An answer of a process.
struct Seen {
    process: usize,
    at: Instant,
    status: u16,
}

async fn status(fleet: &Fleet, number: usize) -> u16 {
    let addr = fleet.houses[number].gateway.addr;
    let mut client = H1::connect(addr).await.with_key(&fleet.key);
    client.chat(&chat("mock/echo", json!({}))).await.status
}

/// Holds one process against the promise: it served before, it refused after, and there was nothing else.
fn judge(seen: &[Seen], process: usize, answered: Instant) -> Duration {
    let all: Vec<&Seen> = seen.iter().filter(|one| one.process == process).collect();
    let with = |status: u16| all.iter().filter(move |one| one.status == status);
    let odd = all.iter().find(|one| !matches!(one.status, 200 | 401));
    assert!(
        odd.is_none(),
        "process {process}: {:?}",
        odd.map(|one| one.status)
    );
    assert!(
        with(200).count() > 20,
        "process {process} was hardly at work"
    );
    let last = with(200).map(|one| one.at).max().unwrap();
    let late = last.saturating_duration_since(answered);
    assert!(
        late <= LIMIT,
        "process {process} accepted the key {late:?} after its end"
    );
    let refused = with(401).filter(|one| one.at > last).count();
    assert!(
        refused > 20,
        "process {process}: only {refused} refusals after the last answer"
    );
    late
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_one_process_revokes_is_refused_by_all_within_two_seconds() {
    let fleet = Fleet::start().await;
    let late = fleet.revoke_under_load(async |_| {}).await;
    println!("told by the database: the last request was accepted {late:?} after the answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_is_found_by_looking_where_nothing_is_told() {
    let fleet = Fleet::start().await;
    // Whatever is told from now on is lost, as it is for a listener that hangs behind a dead router.
    let silent = async |fleet: &Fleet| {
        let quiet = "CREATE OR REPLACE FUNCTION revise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
             UPDATE revisions SET value = value + 1 WHERE topic = TG_ARGV[0]; RETURN NULL; END $$";
        fleet.sql(quiet);
        let told = "SELECT count(*) FROM pg_proc WHERE prosrc LIKE '%pg_notify(%alfred%'";
        assert_eq!(fleet.sql(told), "0", "somebody still tells");
    };
    let late = fleet.revoke_under_load(silent).await;
    println!("found by looking: the last request was accepted {late:?} after the answer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_gets_through_while_listeners_are_cut_off() {
    let fleet = Fleet::start().await;
    let listeners = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                     WHERE datname = current_database() AND query LIKE 'LISTEN%'";
    let cut = fleet.sql(listeners);
    assert_eq!(
        cut,
        PROCESSES.to_string(),
        "each process listens by one connection"
    );
    let stop = Arc::new(AtomicBool::new(false));
    let (url, ended) = (fleet.url.clone(), Arc::clone(&stop));
    // As soon as they are back they are cut off again.
    let cutter = tokio::task::spawn_blocking(move || {
        let mut cut = 0;
        while !ended.load(Relaxed) {
            let said = Postgres::shared().sql(&url, listeners);
            cut += said.parse::<u32>().unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
        cut
    });
    let late = fleet.revoke_under_load(async |_| {}).await;
    stop.store(true, Relaxed);
    let cut = cutter.await.unwrap();
    assert!(cut >= 3, "{cut} listeners came back to be cut off");
    println!(
        "listeners cut off {cut} times: the last request was accepted {late:?} after the answer"
    );
}
