//! A provider whose manners can be changed while it runs. On a thread of its own: a busy test must
//! not look like a slow provider.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// How it answers.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Well.
    Answer,
    /// Well, after so many milliseconds.
    Slow(u64),
    /// With this status and these further header lines.
    Status(u16, &'static str),
    /// Not at all, until the peer leaves.
    Hang,
    /// By closing the connection.
    Close,
    /// With the beginning of a stream, and its end after so many milliseconds.
    Stream(u64),
    /// By the API key.
    ByKey(BTreeMap<&'static str, Manner>),
}

/// See the module text.
pub(crate) struct Pliant {
    pub(crate) addr: SocketAddr,
    state: Arc<State>,
    /// Dropping it stops the server.
    _running: oneshot::Sender<()>,
}

struct State {
    manner: Mutex<Manner>,
    heads: Mutex<Vec<String>>,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Pliant {
    pub(crate) async fn new(manner: Manner) -> Self {
        Self::at(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), manner).await
    }

    /// At an address where somebody may have been before.
    pub(crate) async fn at(addr: SocketAddr, manner: Manner) -> Self {
        let state = Arc::new(State {
            manner: Mutex::new(manner),
            heads: Mutex::default(),
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let (running, stopped) = oneshot::channel();
        let (bound, listening) = oneshot::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::bind(addr).await.unwrap();
                bound.send(listener.local_addr().unwrap()).unwrap();
                tokio::select! {
                    () = accept(listener, shared) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            addr: listening.await.unwrap(),
            state,
            _running: running,
        }
    }

    /// Changes how it answers from now on.
    pub(crate) fn turn(&self, manner: Manner) {
        *self.state.manner.lock().unwrap() = manner;
    }

    /// Its base address.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// How many requests it has got.
    pub(crate) fn count(&self) -> usize {
        self.state.heads.lock().unwrap().len()
    }

    /// The heads of its requests.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.heads.lock().unwrap().clone()
    }

    /// How many of them came with this API key.
    pub(crate) fn count_of(&self, key: &str) -> usize {
        let heads = self.state.heads.lock().unwrap();
        let of_key = |head: &&String| key_of(head) == Some(key);
        heads.iter().filter(of_key).count()
    }

    /// The most requests that it served at the same time since this was asked last.
    pub(crate) fn most(&self) -> usize {
        self.state.most.swap(0, Ordering::SeqCst)
    }
}

fn key_of(head: &str) -> Option<&str> {
    let mut lines = head.lines();
    lines.find_map(|line| line.strip_prefix("authorization: Bearer "))
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = tokio::task::JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        connections.spawn(serve(tcp, Arc::clone(&state)));
    }
}

/// Counts a request while it is served, also when the connection ends.
struct Served<'a>(&'a State);

impl<'a> Served<'a> {
    fn begin(state: &'a State, head: String) -> Self {
        state.heads.lock().unwrap().push(head);
        let now = state.running.fetch_add(1, Ordering::SeqCst) + 1;
        state.most.fetch_max(now, Ordering::SeqCst);
        Self(state)
    }
}

impl Drop for Served<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(mut tcp: TcpStream, state: Arc<State>) {
    let mut buffer = Vec::new();
    while let Some(head) = read_request(&mut tcp, &mut buffer).await {
        let manner = state.manner.lock().unwrap().clone();
        let manner = match (manner, key_of(&head)) {
            (Manner::ByKey(keys), key) => keys[key.expect("a key")].clone(),
            (manner, _) => manner,
        };
        let _served = Served::begin(&state, head);
        if !answer(&mut tcp, manner).await {
            return;
        }
    }
}

/// Reads one request; the body is dropped.
async fn read_request(tcp: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<String> {
    let end = loop {
        if let Some(at) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if tcp.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(buffer.drain(..end).collect()).ok()?;
    let lower = head.to_ascii_lowercase();
    let mut lines = lower.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    let length: usize = length.unwrap_or(0);
    while buffer.len() < length {
        if tcp.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    buffer.drain(..length);
    Some(head)
}

async fn answer(tcp: &mut TcpStream, manner: Manner) -> bool {
    match manner {
        Manner::Answer => send(tcp, 200, "", GOOD).await,
        Manner::Slow(time) => {
            tokio::time::sleep(Duration::from_millis(time)).await;
            send(tcp, 200, "", GOOD).await
        }
        Manner::Status(status, lines) => {
            let body = format!("{{\"error\":{{\"message\":\"status {status}\"}}}}");
            send(tcp, status, lines, &body).await
        }
        Manner::Hang => {
            let mut rest = [0; 1024];
            while tcp.read(&mut rest).await.is_ok_and(|read| read > 0) {}
            false
        }
        Manner::Close => false,
        Manner::Stream(time) => stream(tcp, time).await.is_ok(),
        Manner::ByKey(_) => unreachable!("resolved before"),
    }
}

const GOOD: &str = r#"{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"good"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;

async fn send(tcp: &mut TcpStream, status: u16, lines: &str, body: &str) -> bool {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status} Any\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n{lines}\r\n{body}"
    );
    tcp.write_all(text.as_bytes()).await.is_ok()
}

async fn stream(tcp: &mut TcpStream, time: u64) -> std::io::Result<()> {
    let event = |delta: &str, finish: &str| {
        let text = format!(
            "data: {{\"id\":\"x\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"finish_reason\":{finish}}}]}}\n\n"
        );
        format!("{:x}\r\n{text}\r\n", text.len())
    };
    let head =
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let first = event(r#"{"role":"assistant","content":"begun"}"#, "null");
    tcp.write_all((head.to_owned() + &first).as_bytes()).await?;
    tokio::time::sleep(Duration::from_millis(time)).await;
    let last = event("{}", "\"stop\"") + "e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n";
    tcp.write_all(last.as_bytes()).await
}
