//! The load generator's connection: asks, reads, and makes sure that the right server gave the
//! right answer.

use std::net::SocketAddr;

use bytes::{Buf, BytesMut};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::scenario::{CHUNKS, SENT, SENT_DIGITS};
use crate::wire::{Author, Framing, Head, number, take_chunk};
use crate::{Outcome, clock};

const BUFFER: usize = 64 * 1024;

/// A keep-alive connection.
pub(crate) struct Client {
    stream: TcpStream,
    input: BytesMut,
    body: Vec<u8>,
    author: Author,
}

impl Client {
    /// Connects to a server whose answers are to be written by `author`.
    pub(crate) async fn connect(address: SocketAddr, author: Author) -> Outcome<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            input: BytesMut::with_capacity(BUFFER),
            body: Vec::with_capacity(BUFFER),
            author,
        })
    }

    async fn read(&mut self) -> Outcome<()> {
        self.input.reserve(BUFFER / 4);
        match self.stream.read_buf(&mut self.input).await? {
            0 => Err("the connection was closed in an answer".into()),
            _ => Ok(()),
        }
    }

    /// Sends a request and reads the head of its answer.
    async fn begin(&mut self, request: &[u8]) -> Outcome<Head> {
        self.stream.write_all(request).await?;
        let head = loop {
            if let Some(head) = Head::read(&self.input) {
                break head;
            }
            self.read().await?;
        };
        if head.status != 200 || head.author != self.author {
            let text = String::from_utf8_lossy(&self.input).into_owned();
            return Err(format!("{:?} was to answer 200, but:\n{text}", self.author).into());
        }
        self.input.advance(head.size);
        Ok(head)
    }

    /// Asks for an answer that is no stream; `take` looks at its body.
    pub(crate) async fn ask<T>(
        &mut self,
        request: &[u8],
        take: impl FnOnce(&[u8]) -> T,
    ) -> Outcome<T> {
        let head = self.begin(request).await?;
        let Framing::Length(length) = head.framing else {
            return Err("an answer without Content-Length".into());
        };
        while self.input.len() < length {
            self.read().await?;
        }
        let taken = take(self.input.get(..length).unwrap_or_default());
        self.input.advance(length);
        Ok(taken)
    }

    /// Asks for an answer that must be exactly this.
    pub(crate) async fn ask_for(&mut self, request: &[u8], expected: &[u8]) -> Outcome<()> {
        if self.ask(request, |body| body == expected).await? {
            Ok(())
        } else {
            Err("an answer differs from the first".into())
        }
    }

    /// Asks for a stream; `on_line` gets each line of its events and the time it was read.
    pub(crate) async fn listen(
        &mut self,
        request: &[u8],
        mut on_line: impl FnMut(&[u8], u64),
    ) -> Outcome<()> {
        let head = self.begin(request).await?;
        if head.framing != Framing::Chunked {
            return Err("a stream that is not chunked".into());
        }
        self.body.clear();
        let mut now = clock::now();
        loop {
            match take_chunk(&mut self.input, &mut self.body) {
                Some(true) => return Ok(()),
                Some(false) => self.take_lines(now, &mut on_line),
                None => {
                    self.read().await?;
                    now = clock::now();
                }
            }
        }
    }

    fn take_lines(&mut self, now: u64, on_line: &mut impl FnMut(&[u8], u64)) {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', &self.body) {
            let line = self.body.get(start..end).unwrap_or_default();
            if !line.is_empty() {
                on_line(line, now);
            }
            start = end + 1;
        }
        self.body.drain(..start);
    }
}

/// Looks at the lines of one stream as fast as can be.
pub(crate) struct Watcher {
    sent: memmem::Finder<'static>,
    finish: memmem::Finder<'static>,
    chunks: u32,
    finished: bool,
    done: bool,
}

impl Watcher {
    /// A watcher for any number of streams, one after the other.
    pub(crate) fn new() -> Self {
        Self {
            sent: memmem::Finder::new(SENT),
            finish: memmem::Finder::new(b"\"finish_reason\":\"stop\""),
            chunks: 0,
            finished: false,
            done: false,
        }
    }

    /// Looks at a line; for a chunk of content, how long it was on its way, in nanoseconds.
    pub(crate) fn see(&mut self, line: &[u8], now: u64) -> Option<u64> {
        if let Some(at) = self.sent.find(line) {
            self.chunks += 1;
            let digits = line.get(at + SENT.len()..at + SENT.len() + SENT_DIGITS)?;
            let sent = u64::try_from(number(digits)).unwrap_or(0);
            return Some(now.saturating_sub(sent));
        }
        self.done |= line == b"data: [DONE]";
        self.finished |= self.finish.find(line).is_some();
        None
    }

    /// Ends a stream: it must have been whole.
    pub(crate) fn end(&mut self) -> Outcome<()> {
        let whole = self.chunks == CHUNKS && self.finished && self.done;
        let seen = format!(
            "a stream ended with {} of {CHUNKS} chunks, finish reason {}, [DONE] {}",
            self.chunks, self.finished, self.done
        );
        self.chunks = 0;
        self.finished = false;
        self.done = false;
        if whole { Ok(()) } else { Err(seen.into()) }
    }
}
