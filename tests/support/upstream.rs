//! Providers for tests: the mock within this process, and raw servers whose every packet is a
//! step of a script.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use alfred::mock::{Mock, MockOptions};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::gateway::free_port;
use super::{H1, ms, until};

/// The mock, on a thread of its own: a busy test must not look like a slow provider.
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    /// Dropping it stops the mock.
    _running: oneshot::Sender<()>,
}

impl Upstream {
    pub(crate) async fn mock() -> Self {
        Self::mock_with_log(None).await
    }

    /// A mock that writes its usage log there.
    pub(crate) async fn mock_with_log(usage_log: Option<PathBuf>) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (running, stopped) = oneshot::channel();
        let (bound, addr) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let mock = Mock::bind(MockOptions { listen, usage_log }).await.unwrap();
                let _ = bound.send(mock.addr());
                mock.serve(async { drop(stopped.await) }).await;
            });
        });
        Self {
            addr: addr.await.unwrap(),
            _running: running,
        }
    }

    /// A `providers:` entry for it; `more` holds further members, such as `http: h2`.
    pub(crate) fn provider(&self, name: &str, more: &str) -> String {
        provider(name, self.addr, more)
    }

    /// What it remembers of the requests so far.
    pub(crate) async fn requests(&self) -> Vec<Value> {
        let report = self.report().await;
        report["requests"].as_array().unwrap().clone()
    }

    /// Its requests once there are `count` of them and all have ended.
    pub(crate) async fn ended(&self, count: usize) -> Vec<Value> {
        let is_over = |request: &Value| request["ended"] != "in_flight";
        until(&format!("{count} ended requests at the mock"), || async {
            let requests = self.requests().await;
            requests.len() >= count && requests.iter().all(is_over)
        })
        .await;
        self.requests().await
    }

    /// One of its counters.
    pub(crate) async fn counter(&self, name: &str) -> u64 {
        self.report().await["counters"][name].as_u64().unwrap()
    }

    async fn report(&self) -> Value {
        H1::connect(self.addr)
            .await
            .get("/__mock/requests")
            .await
            .json()
    }
}

fn provider(name: &str, addr: SocketAddr, more: &str) -> String {
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(", {more}")
    };
    format!("  {name}: {{ kind: openai_compatible, endpoints: [\"http://{addr}/v1\"]{more} }}\n")
}

/// A `providers:` entry at a port where nobody listens, which is tried nonetheless again and again.
pub(crate) fn refused(name: &str) -> String {
    provider(
        name,
        SocketAddr::from((Ipv4Addr::LOCALHOST, free_port())),
        "breaker: { failures: 100000, connect_errors: 100000 }",
    )
}

/// An address whose backlog is full: connecting to it never succeeds and never fails.
pub(crate) struct Full {
    pub(crate) addr: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl Full {
    pub(crate) async fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket
            .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
            .unwrap();
        let listener = socket.listen(1).unwrap();
        let addr = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(Ok(tcp)) = tokio::time::timeout(ms(200), TcpStream::connect(addr)).await {
            waiting.push(tcp);
        }
        Self {
            addr,
            _listener: listener,
            _waiting: waiting,
        }
    }

    pub(crate) fn provider(&self, name: &str, more: &str) -> String {
        provider(name, self.addr, more)
    }
}

/// One step of a raw server.
#[derive(Debug, Clone)]
pub(crate) enum Do {
    /// Read the request to its end.
    Read,
    /// Read only its head and this much of its body.
    ReadSome(usize),
    /// Read the body no faster than so many bytes in a millisecond.
    ReadSlowly(usize),
    /// Write these bytes in one packet.
    Send(Vec<u8>),
    /// Do nothing for a time.
    Wait(u64),
    /// Do nothing until the peer leaves.
    Hold,
    /// Close the connection.
    Close,
    /// Reset the connection.
    Reset,
}

impl Do {
    /// A header that announces a chunked event stream.
    pub(crate) fn stream_head() -> Vec<u8> {
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec()
    }

    /// A header that announces JSON of this length.
    pub(crate) fn json_head(length: usize) -> Vec<u8> {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        )
        .into_bytes()
    }

    /// Bytes as one chunk of a chunked body.
    pub(crate) fn chunk(text: &str) -> Vec<u8> {
        format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
    }

    /// The end of a chunked body.
    pub(crate) fn last_chunk() -> Vec<u8> {
        b"0\r\n\r\n".to_vec()
    }

    /// An OpenAI chunk as an event.
    pub(crate) fn event(delta: &str, finish: &str) -> String {
        format!(
            "data: {{\"id\":\"raw\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"raw\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        )
    }

    /// The event that opens a message.
    pub(crate) fn role() -> String {
        Self::event(r#"{"role":"assistant","content":""}"#, "null")
    }

    /// An event with this text.
    pub(crate) fn says(text: &str) -> String {
        Self::event(&format!("{{\"content\":\"{text}\"}}"), "null")
    }

    /// The events that end a message.
    pub(crate) fn stop() -> String {
        Self::event("{}", "\"stop\"") + "data: [DONE]\n\n"
    }

    /// A whole streamed answer in one packet.
    pub(crate) fn whole_stream(text: &str) -> Vec<u8> {
        let events = Self::role() + &Self::says(text) + &Self::stop();
        [
            Self::stream_head(),
            Self::chunk(&events),
            Self::last_chunk(),
        ]
        .concat()
    }

    /// The steps of an answer that is this JSON.
    pub(crate) fn json(body: &serde_json::Value) -> Vec<Self> {
        let body = body.to_string();
        let packet = [Self::json_head(body.len()), body.into_bytes()].concat();
        vec![Self::Read, Self::Send(packet)]
    }

    /// The steps of a good streamed answer.
    pub(crate) fn answer(text: &str) -> Vec<Self> {
        vec![Self::Read, Self::Send(Self::whole_stream(text))]
    }
}

/// What a raw server got in one request.
#[derive(Debug, Clone, Default)]
pub(crate) struct Received {
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// From the server's start.
    pub(crate) at: Duration,
    /// When the peer was seen to have left, while the script held on.
    pub(crate) left: Option<Duration>,
    /// The number of the connection.
    pub(crate) connection: usize,
}

/// A raw HTTP/1.1 server: the nth request gets the nth script, later ones the last.
pub(crate) struct Scripted {
    pub(crate) addr: SocketAddr,
    state: Arc<State>,
    serving: AbortHandle,
}

struct State {
    scripts: Vec<Vec<Do>>,
    received: Mutex<Vec<Received>>,
    begun: Instant,
}

impl Scripted {
    pub(crate) async fn new(scripts: Vec<Vec<Do>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let state = Arc::new(State {
            scripts,
            received: Mutex::default(),
            begun: Instant::now(),
        });
        let serving = tokio::spawn(accept(listener, state.clone())).abort_handle();
        Self {
            addr,
            state,
            serving,
        }
    }

    /// A `providers:` entry for it.
    pub(crate) fn provider(&self, name: &str, more: &str) -> String {
        provider(name, self.addr, more)
    }

    /// The requests so far.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }

    /// Waits until the nth request's peer has been seen to leave; gives how long after the
    /// server's start that was.
    pub(crate) async fn left(&self, nth: usize) -> Duration {
        let left = || self.received().get(nth).and_then(|received| received.left);
        until("the gateway to leave the provider", || async {
            left().is_some()
        })
        .await;
        left().unwrap()
    }

    /// Time since the server's start.
    pub(crate) fn clock(&self) -> Duration {
        self.state.begun.elapsed()
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    let mut number = 0;
    loop {
        let Ok((tcp, _)) = listener.accept().await else {
            return;
        };
        connections.spawn(serve(tcp, state.clone(), number));
        number += 1;
    }
}

/// Plays scripts on one connection until one of them ends it or the peer leaves.
async fn serve(mut tcp: TcpStream, state: Arc<State>, connection: usize) {
    let _ = tcp.set_nodelay(true);
    let mut buffer = Vec::new();
    loop {
        let Some(head) = read_head(&mut tcp, &mut buffer).await else {
            return;
        };
        let nth = {
            let mut received = state.received.lock().unwrap();
            received.push(Received {
                head,
                at: state.begun.elapsed(),
                connection,
                ..Received::default()
            });
            received.len() - 1
        };
        let script = state.scripts.get(nth).or(state.scripts.last());
        for step in script.into_iter().flatten() {
            if !play(step, &mut tcp, &mut buffer, (&state, nth)).await {
                return;
            }
        }
    }
}

/// Plays one step; false when the connection is over.
async fn play(
    step: &Do,
    tcp: &mut TcpStream,
    buffer: &mut Vec<u8>,
    (state, nth): (&State, usize),
) -> bool {
    let note = |note: &dyn Fn(&mut Received)| note(&mut state.received.lock().unwrap()[nth]);
    let length = announced(&state.received.lock().unwrap()[nth].head);
    let left =
        |state: &State| length.saturating_sub(state.received.lock().unwrap()[nth].body.len());
    match step {
        Do::Read | Do::ReadSlowly(_) => {
            let pace = if let Do::ReadSlowly(pace) = step {
                *pace
            } else {
                usize::MAX
            };
            while left(state) > 0 {
                let Some(part) = read_part(tcp, buffer, left(state).min(pace)).await else {
                    return false;
                };
                note(&|received| received.body.extend_from_slice(&part));
                if pace < usize::MAX {
                    tokio::time::sleep(ms(1)).await;
                }
            }
        }
        Do::ReadSome(bytes) => {
            let mut wanted = *bytes;
            while wanted > 0 {
                let Some(part) = read_part(tcp, buffer, wanted).await else {
                    return false;
                };
                wanted -= part.len();
                note(&|received| received.body.extend_from_slice(&part));
            }
        }
        Do::Send(bytes) => return tcp.write_all(bytes).await.is_ok(),
        Do::Wait(time) => tokio::time::sleep(ms(*time)).await,
        Do::Hold => {
            let mut rest = [0; 4096];
            while tcp.read(&mut rest).await.is_ok_and(|read| read > 0) {}
            note(&|received| received.left = Some(state.begun.elapsed()));
            return false;
        }
        Do::Close => return false,
        Do::Reset => {
            let _ = tcp.set_zero_linger();
            return false;
        }
    }
    true
}

fn announced(head: &str) -> usize {
    let head = head.to_ascii_lowercase();
    assert!(
        !head.contains("transfer-encoding"),
        "Alfred announces the length: {head}"
    );
    let lines = head.lines();
    let mut lengths =
        lines.filter_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    lengths.next().unwrap_or(0)
}

async fn read_head(tcp: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = buffer.drain(..at + 4).collect();
            return String::from_utf8(head).ok();
        }
        if tcp.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
}

async fn read_part(tcp: &mut TcpStream, buffer: &mut Vec<u8>, most: usize) -> Option<Vec<u8>> {
    if buffer.is_empty() {
        buffer.reserve(most.min(64 << 10));
        if tcp.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    Some(buffer.drain(..most.min(buffer.len())).collect())
}
