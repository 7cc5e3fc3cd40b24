//! A server that replays what real providers once answered, whichever dialect they spoke.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use alfred_filters::conform::{Body, Grammar};
use serde_json::Value;

use crate::support::shared;

/// A provider as it is set up, and what of its recordings is told.
pub(crate) struct Row {
    /// What it is called here.
    pub(crate) name: &'static str,
    /// What it is called in the recordings, and its kind.
    kind: &'static str,
    /// What its address ends with.
    tail: &'static str,
    surfaces: &'static [&'static str],
    /// Whether some of what it says is passed on as it is; what it got wrong is then not Alfred's.
    is_passed_on: &'static [&'static str],
}

const CHAT: &[&str] = &["chat_completions"];

const fn like_openai(name: &'static str) -> Row {
    Row {
        name,
        kind: name,
        tail: "/v1",
        surfaces: CHAT,
        is_passed_on: &[],
    }
}

pub(crate) const PROVIDERS: &[Row] = &[
    Row {
        surfaces: &["chat_completions", "responses"],
        is_passed_on: &["chat_completions", "responses"],
        ..like_openai("openai")
    },
    Row {
        tail: "/openai/v1",
        surfaces: &["chat_completions", "responses"],
        is_passed_on: &["responses"],
        ..like_openai("azure")
    },
    like_openai("groq"),
    like_openai("mistral"),
    like_openai("together"),
    like_openai("huggingface"),
    like_openai("ollama"),
    Row {
        tail: "",
        surfaces: &["messages"],
        is_passed_on: &["messages"],
        ..like_openai("anthropic")
    },
    Row {
        tail: "/v1beta",
        surfaces: &["generate_content", "stream_generate_content"],
        ..like_openai("gemini")
    },
    Row {
        tail: "",
        surfaces: &["converse", "converse_stream"],
        ..like_openai("bedrock")
    },
    Row {
        tail: "",
        surfaces: &["cohere_v2_chat"],
        ..like_openai("cohere")
    },
    Row {
        kind: "ollama",
        tail: "/api",
        surfaces: &["ollama_chat"],
        ..like_openai("ollama_itself")
    },
];

impl Row {
    /// The provider as a line of the configuration, before a server that replays.
    pub(crate) fn configured(&self, addr: SocketAddr) -> String {
        let Self {
            name, kind, tail, ..
        } = self;
        let more = match *name {
            "bedrock" => "region: us-east-1, ",
            _ => "",
        };
        format!(
            "{name}: {{ kind: {kind}, keys: [sk-test], {more}endpoints: [\"http://{addr}/{name}{tail}\"] }}"
        )
    }
}

/// Provider, surface and whether it is streamed.
type Key = (String, String, bool);
/// Names and bodies.
type Recordings = HashMap<Key, Vec<(String, Vec<u8>)>>;

/// Answers with recordings, one after the other, of the provider that the path names.
pub(crate) struct Replay {
    pub(crate) addr: SocketAddr,
    recordings: Arc<Recordings>,
    told: Arc<Mutex<Told>>,
}

/// What was answered since the last beginning.
#[derive(Default)]
struct Told {
    /// How often, by what was asked for.
    count: HashMap<Key, usize>,
    /// The names, a line each.
    names: String,
}

impl Replay {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let addr = listener.local_addr().unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        let recordings = Arc::new(recordings());
        let (all, log) = (Arc::clone(&recordings), Arc::clone(&told));
        std::thread::spawn(move || {
            for caller in listener.incoming() {
                let (all, log) = (Arc::clone(&all), Arc::clone(&log));
                std::thread::spawn(move || answer(caller.unwrap(), &all, &log));
            }
        });
        Self {
            addr,
            recordings,
            told,
        }
    }

    /// Starts with the first recordings again.
    pub(crate) fn begin(&self) {
        *self.told.lock().unwrap() = Told::default();
    }

    /// Whether something was asked for, and of all that was asked for every recording was told.
    pub(crate) fn is_all_told(&self) -> bool {
        let told = self.told.lock().unwrap();
        let whole = |(key, count): (&Key, &usize)| *count >= self.recordings[key].len();
        !told.count.is_empty() && told.count.iter().all(whole)
    }

    pub(crate) fn told(&self) -> String {
        self.told.lock().unwrap().names.clone()
    }
}

/// One request on one connection.
fn answer(mut caller: TcpStream, recordings: &Recordings, told: &Mutex<Told>) {
    let mut reader = BufReader::new(caller.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    if head.is_empty() || reader.read_exact(&mut body).is_err() {
        return;
    }
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let provider = path.split('/').nth(1).unwrap_or_default().to_owned();
    if path.to_ascii_lowercase().contains("count") {
        let counts = br#"{"input_tokens":9,"totalTokens":9,"inputTokens":9}"#;
        send(&mut caller, "application/json", counts);
        return;
    }
    let surface = surface(path);
    let is_stream = surface.contains("stream")
        || serde_json::from_slice::<Value>(&body).is_ok_and(|body| body["stream"] == true);
    let key = (provider, surface.to_owned(), is_stream);
    let all = recordings
        .get(&key)
        .unwrap_or_else(|| panic!("nothing is recorded of {key:?}"));
    let (_, bytes) = {
        let mut told = told.lock().unwrap();
        let count = told.count.entry(key).or_default();
        let next = &all[*count % all.len()];
        *count += 1;
        let _ = writeln!(told.names, "{}", next.0);
        next
    };
    let kind = match (is_stream, surface) {
        (true, "converse_stream") => "application/vnd.amazon.eventstream",
        (true, "ollama_chat") => "application/x-ndjson",
        (true, _) => "text/event-stream",
        (false, _) => "application/json",
    };
    send(&mut caller, kind, bytes);
}

/// What the recordings call that which is asked for at this path.
fn surface(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or_default();
    let tails = [
        ("/chat/completions", "chat_completions"),
        (":generateContent", "generate_content"),
        (":streamGenerateContent", "stream_generate_content"),
        ("/v2/chat", "cohere_v2_chat"),
        ("/api/chat", "ollama_chat"),
        ("/converse", "converse"),
        ("/converse-stream", "converse_stream"),
    ];
    let known = tails.iter().find(|(tail, _)| path.ends_with(tail));
    let last = || path.rsplit('/').next().unwrap_or_default();
    known.map_or_else(last, |(_, surface)| surface)
}

fn send(caller: &mut TcpStream, kind: &str, body: &[u8]) {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
    );
    // A caller who has heard enough may be gone.
    let _ = caller
        .write_all(head.as_bytes())
        .and_then(|()| caller.write_all(body));
}

/// Whether this is somewhere in it, whatever space stands between.
fn holds(bytes: &[u8], what: &[u8]) -> bool {
    let dense: Vec<u8> = bytes
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    memchr::memmem::find(&dense, what).is_some()
}

fn keeps_the_rules(surface: &str, is_stream: bool, bytes: &[u8]) -> bool {
    let usage = holds(bytes, b"\"usage\":{");
    let found = match (surface, is_stream) {
        ("messages", true) => Grammar::Messages.check(bytes),
        ("messages", false) => Body::Message.check(bytes),
        ("responses", true) => Grammar::Responses.check(bytes),
        ("responses", false) => Body::Response.check(bytes),
        (_, true) => Grammar::Chat { usage }.check(bytes),
        (_, false) => Body::Chat.check(bytes),
    };
    found.is_empty()
}

/// Chunks that were recorded without their frames, a line each, as server-sent events.
fn framed(chunks: &str) -> Vec<u8> {
    let mut stream = String::new();
    for chunk in chunks.lines().filter(|line| !line.is_empty()) {
        let value: Value = serde_json::from_str(chunk).unwrap();
        if let Some(name) = value["type"].as_str() {
            let _ = writeln!(stream, "event: {name}");
        }
        let _ = write!(stream, "data: {chunk}\n\n");
    }
    stream.into_bytes()
}

fn recordings() -> Recordings {
    let folder = shared().join("fixtures");
    let index = std::fs::read_to_string(folder.join("index.jsonl"));
    let index = index.unwrap_or_else(|_| {
        panic!(
            "no recorded exchanges at {}: set ALFRED_SHARED",
            folder.display()
        )
    });
    let mut all = Recordings::new();
    for line in index.lines() {
        let row: Value = serde_json::from_str(line).unwrap();
        let told = |of: &&Row| {
            let is_of = row["provider"] == of.kind;
            is_of && of.surfaces.iter().any(|surface| row["surface"] == *surface)
        };
        let Some(of) = PROVIDERS.iter().find(told).filter(|_| row["status"] == 200) else {
            continue;
        };
        let surface = row["surface"].as_str().unwrap();
        let file = row["response"].as_str().unwrap();
        let mut bytes = std::fs::read(folder.join(file)).unwrap();
        if row["framing"] == "chunks.ndjson" {
            match surface {
                // In frames of bytes they would prove the same as those that were recorded whole.
                "converse_stream" => continue,
                _ => bytes = framed(std::str::from_utf8(&bytes).unwrap()),
            }
        }
        let is_stream = row["stream"] == true;
        if of.is_passed_on.contains(&surface) && !keeps_the_rules(surface, is_stream, &bytes) {
            continue;
        }
        // Only who asks in OpenAI's oldest way is answered by the first, and only who lets code at the
        // provider call tools by the second, which the lab never does; and a stream that failed at
        // its provider is told as a failure.
        let odd: [&[u8]; 3] = [
            b"\"function_call\":{",
            b"\"caller\":{\"type\":\"code_execution",
            b"\"error\":{",
        ];
        if odd.iter().any(|what| holds(&bytes, what)) {
            continue;
        }
        let key = (of.name.to_owned(), surface.to_owned(), is_stream);
        all.entry(key).or_default().push((file.to_owned(), bytes));
    }
    all
}
