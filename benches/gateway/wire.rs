//! As much of HTTP/1.1 as upstream and load generator need, read with as little work as possible:
//! what they spend is not left for the proxy's measurement.

use bytes::{Buf, BytesMut};
use memchr::memmem;

/// How a body ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// After this many bytes.
    Length(usize),
    /// With an empty chunk.
    Chunked,
}

/// Who wrote a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Author {
    /// Nobody said; the upstream, or a proxy that leaves no trace.
    Upstream,
    /// nginx.
    Nginx,
    /// Alfred.
    Alfred,
    /// None of those.
    Unknown,
}

/// The head of a request or of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    /// Its bytes, the blank line included.
    pub(crate) size: usize,
    /// The status of an answer, 0 in a request.
    pub(crate) status: u16,
    /// How the body ends.
    pub(crate) framing: Framing,
    /// Who wrote it.
    pub(crate) author: Author,
    /// A request for Anthropic's messages.
    pub(crate) messages: bool,
}

impl Head {
    /// Reads a head from the beginning of `input`; `None` until all of it is there.
    pub(crate) fn read(input: &[u8]) -> Option<Self> {
        let size = memmem::find(input, b"\r\n\r\n")? + 4;
        let text = input.get(..size)?;
        let mut head = Self {
            size,
            status: 0,
            framing: Framing::Length(0),
            author: Author::Unknown,
            messages: false,
        };
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text) {
            let line = text.get(start..end).unwrap_or_default();
            match start {
                0 => {
                    head.status = status(line);
                    head.messages = line.starts_with(b"POST /v1/messages ");
                }
                _ => head.note(line.trim_ascii_end()),
            }
            start = end + 1;
        }
        Some(head)
    }

    fn note(&mut self, line: &[u8]) {
        let Some(colon) = memchr::memchr(b':', line) else {
            return;
        };
        let (name, value) = line.split_at(colon);
        let value = value.get(1..).unwrap_or_default().trim_ascii_start();
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        match name.len() {
            6 if is("server") && value.starts_with(b"nginx") => self.author = Author::Nginx,
            14 if is("content-length") => self.framing = Framing::Length(number(value)),
            16 if is("x-bench-upstream") && self.author == Author::Unknown => {
                self.author = Author::Upstream;
            }
            17 if is("transfer-encoding") => self.framing = Framing::Chunked,
            19 if is("x-alfred-request-id") => self.author = Author::Alfred,
            _ => {}
        }
    }
}

fn status(line: &[u8]) -> u16 {
    let digits = line.strip_prefix(b"HTTP/1.1 ").unwrap_or_default();
    u16::try_from(number(digits)).unwrap_or(0)
}

/// The decimal number a text begins with; 0 without one.
pub(crate) fn number(text: &[u8]) -> usize {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit());
    digits.fold(0, |sum: usize, digit| {
        sum.wrapping_mul(10) + usize::from(digit - b'0')
    })
}

/// Takes one chunk off `input` and adds its data to `body`. True at the last chunk, `None` when
/// more bytes are needed.
pub(crate) fn take_chunk(input: &mut BytesMut, body: &mut Vec<u8>) -> Option<bool> {
    let line = memchr::memchr(b'\n', input.get(..input.len().min(32))?)?;
    let digits = input.get(..line)?.trim_ascii_end();
    let size = digits.iter().fold(0, |sum, digit| (sum << 4) | hex(*digit));
    let all = line + 1 + size + 2;
    let data = input.get(line + 1..all)?;
    body.extend_from_slice(data.get(..size)?);
    input.advance(all);
    Some(size == 0)
}

fn hex(digit: u8) -> usize {
    match digit {
        b'0'..=b'9' => usize::from(digit - b'0'),
        b'a'..=b'f' => usize::from(digit - b'a') + 10,
        b'A'..=b'F' => usize::from(digit - b'A') + 10,
        _ => 0,
    }
}
