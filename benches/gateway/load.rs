//! The loads: requests one by one, requests in parallel, streams as fast as they come, and streams
//! at the pace of a model.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::client::{Client, Watcher};
use crate::scenario::STREAMS;
use crate::wire::Author;
use crate::{Outcome, machine};

/// Connections of the parallel load.
const CONNECTIONS: u32 = 32;

/// Whom to ask for what.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Who is to answer.
    pub(crate) author: Author,
    /// The process whose CPU time counts.
    pub(crate) pid: Option<u32>,
    /// The request, head and body.
    pub(crate) request: Arc<[u8]>,
    /// The body of the right answer; streams have none.
    pub(crate) expected: Arc<[u8]>,
}

impl Target {
    async fn connect(&self) -> Outcome<Client> {
        Client::connect(self.address, self.author).await
    }

    fn cpu(&self) -> Outcome<Option<Duration>> {
        self.pid.map(machine::cpu).transpose()
    }
}

/// What a load came to.
#[derive(Debug, Default)]
pub(crate) struct Reached {
    /// Requests, or chunks of content, a second.
    pub(crate) rate: f64,
    /// CPU time of the proxy for each of them, in microseconds.
    pub(crate) cpu_us: Option<f64>,
    /// How long each chunk was on its way, in nanoseconds; paced streams only.
    pub(crate) transits: Vec<u64>,
}

/// Latencies of `count` requests on one connection, in nanoseconds.
pub(crate) async fn serial(target: &Target, count: u32) -> Outcome<Vec<u64>> {
    let mut client = target.connect().await?;
    for _ in 0..count / 10 {
        client.ask_for(&target.request, &target.expected).await?;
    }
    let mut latencies = Vec::new();
    for _ in 0..count {
        let before = Instant::now();
        client.ask_for(&target.request, &target.expected).await?;
        latencies.push(nanos(before.elapsed()));
    }
    Ok(latencies)
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What one connection did: all of it, and the part inside the window.
#[derive(Debug, Default)]
struct Done {
    all: u64,
    inside: u64,
    transits: Vec<u64>,
}

/// Requests on parallel connections, each asking again as soon as it is answered.
pub(crate) async fn parallel(target: &Target, time: Duration) -> Outcome<Reached> {
    run(target, CONNECTIONS, time, |target, gate| async move {
        let mut client = target.connect().await?;
        client.ask_for(&target.request, &target.expected).await?;
        gate.wait().await;
        let end = Instant::now() + time;
        let mut done = Done::default();
        while Instant::now() < end {
            client.ask_for(&target.request, &target.expected).await?;
            done.all += 1;
            done.inside += 1;
        }
        Ok(done)
    })
    .await
}

/// Streams side by side, each followed by the next. Only streams that end inside the window count
/// for the rate; `timed` keeps the transit of every chunk.
pub(crate) async fn streams(target: &Target, time: Duration, timed: bool) -> Outcome<Reached> {
    run(target, STREAMS, time, move |target, gate| async move {
        let mut client = target.connect().await?;
        let mut watcher = Watcher::new();
        gate.wait().await;
        let end = Instant::now() + time;
        let mut done = Done::default();
        while Instant::now() < end {
            let mut chunks = 0;
            let on_line = |line: &[u8], now| {
                if let Some(transit) = watcher.see(line, now) {
                    chunks += 1;
                    if timed {
                        done.transits.push(transit);
                    }
                }
            };
            client.listen(&target.request, on_line).await?;
            watcher.end()?;
            done.all += chunks;
            if Instant::now() <= end {
                done.inside += chunks;
            }
        }
        Ok(done)
    })
    .await
}

/// Runs one task per connection and adds up what they did.
async fn run<F>(
    target: &Target,
    connections: u32,
    time: Duration,
    task: impl Fn(Target, Arc<Barrier>) -> F,
) -> Outcome<Reached>
where
    F: Future<Output = Outcome<Done>> + Send + 'static,
{
    let gate = Arc::new(Barrier::new(usize::try_from(connections)? + 1));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        tasks.spawn(task(target.clone(), Arc::clone(&gate)));
    }
    tokio::select! {
        _ = gate.wait() => {}
        // A task that ends before the start would leave the others waiting.
        Some(ended) = tasks.join_next() => {
            ended??;
            return Err("a connection ended before the start".into());
        }
    }
    let cpu = target.cpu()?;
    let mut sum = Done::default();
    while let Some(ended) = tasks.join_next().await {
        let done = ended??;
        sum.all += done.all;
        sum.inside += done.inside;
        sum.transits.extend(done.transits);
    }
    let cpu = target
        .cpu()?
        .zip(cpu)
        .map(|(after, before)| after.saturating_sub(before));
    Ok(Reached {
        rate: sum.inside as f64 / time.as_secs_f64(),
        cpu_us: cpu.map(|cpu| cpu.as_secs_f64() * 1e6 / sum.all.max(1) as f64),
        transits: sum.transits,
    })
}
