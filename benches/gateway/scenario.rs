//! What is asked and what is answered: the texts both sides agree on.
//!
//! How an answer behaves stands in the model's name, because that is the one part of a request
//! that every gateway passes on: `plain`, or `stream-CHUNKS-MICROSECONDS`. A gateway that takes
//! `provider/model` may strip the prefix.

use std::sync::LazyLock;

use memchr::memmem;

use crate::wire;

/// Chunks of content in a stream.
pub(crate) const CHUNKS: u32 = 100;
/// Concurrent streams.
pub(crate) const STREAMS: u32 = 100;
/// Between two chunks of a paced stream, in microseconds.
pub(crate) const PACE: u32 = 10_000;

/// The user's text: brings a request to 0.6 KB.
const QUESTION: &str = "Please summarise the following note in one sentence, keep names and numbers: \
the delivery for the Berlin office left Hamburg at 07:40 with 18 pallets, was held up for 35 minutes \
near Wittenburg because of a closed lane, and is expected at the gate on Tuesday by 12:15; the driver \
asks for two people and a fork lift, since the tail lift of the second truck does not work.";

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// 1 KB of JSON.
    Plain,
    /// A stream.
    Stream {
        /// Chunks of content.
        chunks: u32,
        /// Between two of them, in microseconds; 0 is as fast as possible.
        pace: u32,
    },
}

impl Behaviour {
    /// The streams of the throughput measurement.
    pub(crate) const BURST: Self = Self::Stream {
        chunks: CHUNKS,
        pace: 0,
    };
    /// The streams of the transit measurement.
    pub(crate) const PACED: Self = Self::Stream {
        chunks: CHUNKS,
        pace: PACE,
    };

    /// The model's name without a provider.
    pub(crate) fn model(self) -> String {
        match self {
            Self::Plain => "plain".to_owned(),
            Self::Stream { chunks, pace } => format!("stream-{chunks}-{pace}"),
        }
    }

    /// What a request's body asks for.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let value = value_of(body, b"\"model\"")?.strip_prefix(b"\"")?;
        let name = value.get(..memchr::memchr(b'"', value)?)?;
        let name = memchr::memrchr(b'/', name)
            .and_then(|at| name.get(at + 1..))
            .unwrap_or(name);
        if name == b"plain" {
            return Some(Self::Plain);
        }
        let numbers = name.strip_prefix(b"stream-")?;
        let dash = memchr::memchr(b'-', numbers)?;
        Some(Self::Stream {
            chunks: u32::try_from(wire::number(numbers)).ok()?,
            pace: u32::try_from(wire::number(numbers.get(dash + 1..)?)).ok()?,
        })
    }
}

/// Whether a request's body asks for usage.
pub(crate) fn asks_usage(body: &[u8]) -> bool {
    value_of(body, b"\"include_usage\"").is_some_and(|value| value.starts_with(b"true"))
}

fn value_of<'a>(json: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let at = memmem::find(json, name)? + name.len();
    Some(
        json.get(at..)?
            .trim_ascii_start()
            .strip_prefix(b":")?
            .trim_ascii_start(),
    )
}

/// The bytes of a whole request.
pub(crate) fn request(provider: &str, behaviour: Behaviour, usage: bool, key: &str) -> Vec<u8> {
    let model = behaviour.model();
    let stream = match (behaviour, usage) {
        (Behaviour::Plain, _) => "",
        (_, false) => ",\"stream\":true",
        (_, true) => ",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
    };
    let body = format!(
        "{{\"model\":\"{provider}/{model}\",\"messages\":[\
         {{\"role\":\"system\",\"content\":\"You are a careful assistant.\"}},\
         {{\"role\":\"user\",\"content\":\"{QUESTION}\"}}],\
         \"temperature\":0.2,\"max_tokens\":256,\"x_unknown\":{{\"kept\":true}}{stream}}}"
    );
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\
         content-type: application/json\r\naccept: */*\r\nuser-agent: bench\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The plain answer with its head.
pub(crate) static PLAIN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let body = plain_body();
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-bench-upstream: 1\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
});

/// The text of the plain answer: brings it to 1 KB.
pub(crate) fn plain_text() -> String {
    "The Berlin delivery of 18 pallets is due on Tuesday by 12:15. ".repeat(9)
}

/// The plain answer's JSON, with members that no specification knows.
fn plain_body() -> String {
    let text = plain_text();
    format!(
        "{{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1764000000,\
         \"model\":\"plain\",\"x_bench\":{{\"kept\":[1,2.50]}},\"choices\":[{{\"index\":0,\
         \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\",\"refusal\":null}},\
         \"logprobs\":null,\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":120,\
         \"completion_tokens\":171,\"total_tokens\":291,\"prompt_tokens_details\":{{\
         \"cached_tokens\":64}}}},\"system_fingerprint\":\"fp_bench\"}}"
    )
}

/// The part of a chunk in front of the delta's members.
const CHUNK: &str = "data: {\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\
    \"created\":1764000000,\"model\":\"bench\",\"system_fingerprint\":\"fp_bench\",\
    \"x_bench\":{\"kept\":[1,2.50]},";
/// Stands in a chunk's text in front of the time it was sent.
pub(crate) const SENT: &[u8] = b"\"content\":\"t=";
/// Digits of that time, in nanoseconds.
pub(crate) const SENT_DIGITS: usize = 20;
/// Digits of a chunk's number.
pub(crate) const ORDINAL_DIGITS: usize = 5;

/// The answer to a stream request, in parts that the upstream sends one by one.
pub(crate) struct Script {
    /// Head and first chunk, which carries the role.
    pub(crate) opening: Vec<u8>,
    /// A chunk of content, framed for HTTP; time and number are zeros.
    pub(crate) chunk: Vec<u8>,
    /// Where the time's digits begin in it; the number's follow after `" n="`.
    pub(crate) sent_at: usize,
    /// Everything after the last content.
    pub(crate) ending: Vec<u8>,
}

impl Script {
    /// A stream of `chunks`, with usage at its end or without.
    pub(crate) fn write(chunks: u32, usage: bool) -> Self {
        // OpenAI writes a null in every chunk once usage was asked for.
        let null = if usage { ",\"usage\":null" } else { "" };
        let event = |delta: &str, finish: &str| {
            format!(
                "{CHUNK}\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\
                 \"finish_reason\":{finish}}}]{null}}}\n\n"
            )
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
             cache-control: no-cache\r\nx-bench-upstream: 1\r\ntransfer-encoding: chunked\r\n\r\n";
        let role = event(
            "{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}",
            "null",
        );
        let text = "{\"content\":\"t=00000000000000000000 n=00000 \"}";
        let chunk = framed(&event(text, "null"));
        let sent_at = memmem::find(&chunk, SENT).map_or(0, |at| at + SENT.len());
        let mut ending = framed(&event("{}", "\"stop\""));
        if usage {
            let total = 120 + chunks;
            let last = format!(
                "{CHUNK}\"choices\":[],\"usage\":{{\"prompt_tokens\":120,\"completion_tokens\":{chunks},\
                 \"total_tokens\":{total},\"prompt_tokens_details\":{{\"cached_tokens\":64}}}}}}\n\n"
            );
            ending.extend(framed(&last));
        }
        ending.extend(framed("data: [DONE]\n\n"));
        ending.extend_from_slice(b"0\r\n\r\n");
        Self {
            opening: [head.as_bytes(), &framed(&role)].concat(),
            chunk,
            sent_at,
            ending,
        }
    }

    /// The same stream in Anthropic's grammar, whose usage nobody has to ask for.
    pub(crate) fn messages(chunks: u32) -> Self {
        let event = |name: &str, members: &str| {
            framed(&format!(
                "event: {name}\ndata: {{\"type\":\"{name}\"{members}}}\n\n"
            ))
        };
        let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
             cache-control: no-cache\r\nx-bench-upstream: 1\r\ntransfer-encoding: chunked\r\n\r\n";
        let start = ",\"message\":{\"id\":\"msg_bench\",\"type\":\"message\",\"role\":\"assistant\",\
             \"model\":\"bench\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\
             \"usage\":{\"input_tokens\":56,\"cache_read_input_tokens\":64,\"output_tokens\":1}}";
        let block = ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}";
        let text = ",\"index\":0,\"delta\":{\"type\":\"text_delta\",\
             \"text\":\"t=00000000000000000000 n=00000 \"}";
        let chunk = event("content_block_delta", text);
        let mark = b"\"text\":\"t=";
        let sent_at = memmem::find(&chunk, mark).map_or(0, |at| at + mark.len());
        let last = format!(
            ",\"delta\":{{\"stop_reason\":\"end_turn\",\"stop_sequence\":null}},\
             \"usage\":{{\"output_tokens\":{chunks}}}"
        );
        let opening = [
            event("message_start", start),
            event("content_block_start", block),
        ];
        let ending = [
            event("content_block_stop", ",\"index\":0"),
            event("message_delta", &last),
            event("message_stop", ""),
            b"0\r\n\r\n".to_vec(),
        ];
        Self {
            opening: [head.as_bytes(), &opening.concat()].concat(),
            chunk,
            sent_at,
            ending: ending.concat(),
        }
    }

    /// Writes the time and the number of the next chunk into it.
    pub(crate) fn stamp(&mut self, sent: u64, ordinal: u32) {
        let time = self.sent_at..self.sent_at + SENT_DIGITS;
        write_digits(self.chunk.get_mut(time.clone()), sent);
        let number = time.end + 3..time.end + 3 + ORDINAL_DIGITS;
        write_digits(self.chunk.get_mut(number), u64::from(ordinal));
    }
}

fn write_digits(place: Option<&mut [u8]>, mut number: u64) {
    for digit in place.unwrap_or_default().iter_mut().rev() {
        *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
    }
}

/// A piece of text as an HTTP chunk.
fn framed(text: &str) -> Vec<u8> {
    format!("{:x}\r\n{text}\r\n", text.len()).into_bytes()
}
