//! Callers that never give up: streamed and not, some of whom leave in the middle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the callers saw.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Whole answers.
    pub(crate) ok: AtomicU64,
    /// Callers that left on purpose.
    pub(crate) left: AtomicU64,
    /// 402.
    pub(crate) no_money: AtomicU64,
    /// 5xx with a code, such as while the database is away.
    pub(crate) refused: AtomicU64,
    /// The process died, or was not there.
    pub(crate) broken: AtomicU64,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug)]
enum Ask {
    Plain {
        model: &'static str,
    },
    Stream {
        model: &'static str,
    },
    /// Reads this many bytes and leaves.
    Cut {
        model: &'static str,
        after: usize,
    },
}

const ASKS: [Ask; 6] = [
    Ask::Plain {
        model: "p/echo?tokens_in=120&tokens_out=40&delay=3ms",
    },
    Ask::Stream {
        model: "p/stream?chunks=30&delay=1ms",
    },
    Ask::Plain {
        model: "p/echo?tokens_in=33&tokens_out=7",
    },
    Ask::Stream {
        model: "p/stream?chunks=200&delay=1ms",
    },
    Ask::Cut {
        model: "p/stream?chunks=60&delay=2ms",
        after: 700,
    },
    Ask::Plain { model: "falls" },
];

/// Callers of several gateways.
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    pub(crate) tally: Arc<Tally>,
    tasks: JoinSet<()>,
}

impl Clients {
    /// `each` callers at each gateway.
    pub(crate) fn start(gateways: &[SocketAddr], key: &str, each: usize) -> Self {
        let (stop, tally) = (Arc::new(AtomicBool::new(false)), Arc::new(Tally::default()));
        let mut tasks = JoinSet::new();
        for gateway in gateways {
            for number in 0..each {
                let (stop, tally) = (Arc::clone(&stop), Arc::clone(&tally));
                let (gateway, key) = (*gateway, key.to_owned());
                tasks.spawn(async move {
                    let mut turn = number;
                    while !stop.load(Relaxed) {
                        let ask = ASKS[turn % ASKS.len()];
                        turn += 1;
                        call(gateway, &key, ask, &tally).await;
                    }
                });
            }
        }
        Self { stop, tally, tasks }
    }

    /// Lets every caller finish its last request.
    pub(crate) async fn stop(self) -> Arc<Tally> {
        self.stop.store(true, Relaxed);
        self.tasks.join_all().await;
        self.tally
    }
}

async fn call(gateway: SocketAddr, key: &str, ask: Ask, tally: &Tally) {
    let answer = tokio::time::timeout(PATIENCE, answer(gateway, key, ask)).await;
    let counter = match answer {
        Ok(Ok((_, true))) => &tally.left,
        Ok(Ok((text, false))) => match status(&text) {
            Some(200) if is_whole(&text, ask) => &tally.ok,
            Some(402) => &tally.no_money,
            Some(500..=599) => &tally.refused,
            _ => &tally.broken,
        },
        _ => &tally.broken,
    };
    counter.fetch_add(1, Relaxed);
    if std::ptr::eq(counter, &raw const tally.broken) {
        // Nobody is there for a moment.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn status(text: &[u8]) -> Option<u16> {
    let line = text.get(9..12)?;
    std::str::from_utf8(line).ok()?.parse().ok()
}

fn is_whole(text: &[u8], ask: Ask) -> bool {
    let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
    match ask {
        Ask::Plain { .. } => has(b"\"usage\""),
        Ask::Stream { .. } | Ask::Cut { .. } => has(b"[DONE]"),
    }
}

/// The bytes of the answer, and whether the caller left before its end.
async fn answer(gateway: SocketAddr, key: &str, ask: Ask) -> std::io::Result<(Vec<u8>, bool)> {
    let (model, stream, most) = match ask {
        Ask::Plain { model } => (model, false, usize::MAX),
        Ask::Stream { model } => (model, true, usize::MAX),
        Ask::Cut { model, after } => (model, true, after),
    };
    let body = format!(
        r#"{{"model":"{model}","stream":{stream},"max_tokens":300,"messages":[{{"role":"user","content":"Good evening, Alfred. What is left of the wallet?"}}]}}"#
    );
    let mut tcp = TcpStream::connect(gateway).await?;
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: t\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    tcp.write_all(head.as_bytes()).await?;
    tcp.write_all(body.as_bytes()).await?;
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = tcp.read(&mut buffer).await?;
        if read == 0 {
            return Ok((text, false));
        }
        text.extend_from_slice(&buffer[..read]);
        if text.len() > most {
            return Ok((text, true));
        }
    }
}
