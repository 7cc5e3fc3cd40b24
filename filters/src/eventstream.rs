//! AWS's `application/vnd.amazon.eventstream`: frames with a length, headers and
//! two checksums. One reader for all of them, fed with chunks cut anywhere: a
//! frame that lies inside one chunk is not copied, and no more than one frame is
//! ever held.
//!
//! ```text
//! u32 length of the frame · u32 length of the headers · u32 CRC-32 of those eight bytes
//! headers: u8 length, name, u8 type, value …
//! payload · u32 CRC-32 of all before it
//! ```

use bytes::{Buf, Bytes, BytesMut};

/// Longest frame, in bytes. AWS itself sends at most 24 MiB.
pub const DEFAULT_CAP: usize = 24 << 20;

/// Bytes before the headers: two lengths and their checksum.
const PRELUDE: usize = 12;
/// Bytes after the payload: the checksum.
const TRAILER: usize = 4;
/// Longest headers of a frame, by AWS's own rule.
const MAX_HEADERS: usize = 128 << 10;

/// Why a stream cannot be read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// The frame says it is longer than the reader's cap.
    #[error("a frame of the event stream is longer than {cap} bytes")]
    TooLong {
        /// The cap, in bytes.
        cap: usize,
    },
    /// The frame's two lengths cannot both be true.
    #[error("a frame of the event stream has impossible lengths")]
    Lengths,
    /// The lengths were changed on the way.
    #[error("the prelude of a frame of the event stream has a wrong checksum")]
    PreludeChecksum,
    /// The frame was changed on the way.
    #[error("a frame of the event stream has a wrong checksum")]
    Checksum,
    /// A header runs over the end of the headers, or is of no known type.
    #[error("a frame of the event stream has a header that cannot be read")]
    Header,
}

/// The value of a header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Types 0 and 1.
    Bool(bool),
    /// Types 2 to 5: integers of one, two, four and eight bytes.
    Integer(i64),
    /// Type 6.
    Bytes(&'a [u8]),
    /// Type 7.
    Text(&'a str),
    /// Type 8: milliseconds since 1970.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// One frame, with checksums and headers proven.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    headers: Bytes,
    payload: Bytes,
}

/// The headers of a frame, one after the other.
#[derive(Clone, Debug)]
pub struct Headers<'a> {
    rest: &'a [u8],
}

/// A push-then-pull reader: [`feed`](Self::feed) a chunk, then call
/// [`next_message`](Self::next_message) until it gives `None`.
#[derive(Debug)]
pub struct EventStreamReader {
    cap: usize,
    chunk: Bytes,
    /// The beginning of a frame that came in pieces.
    held: BytesMut,
    flaw: Option<Flaw>,
}

impl Message {
    /// Its headers.
    #[must_use]
    pub fn headers(&self) -> Headers<'_> {
        Headers {
            rest: &self.headers,
        }
    }

    /// The text of the first header of that name; none if it is of another type.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers()
            .filter_map(Result::ok)
            .find(|(known, _)| *known == name)?;
        match value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What it carries: a part of the bytes that came, or of the one copy that a
    /// frame in pieces is put together in.
    #[must_use]
    pub fn payload(&self) -> &Bytes {
        &self.payload
    }

    /// Proves and takes apart one whole frame.
    fn read(mut frame: Bytes, headers: usize) -> Result<Message, Flaw> {
        let body = frame.len().saturating_sub(TRAILER);
        let mut trailer = frame.split_off(body);
        if trailer.try_get_u32() != Ok(crc32fast::hash(&frame)) {
            return Err(Flaw::Checksum);
        }
        frame.advance(PRELUDE);
        let headers = frame.split_to(headers);
        let message = Message {
            headers,
            payload: frame,
        };
        message.headers().try_for_each(|header| header.map(drop))?;
        Ok(message)
    }
}

impl<'a> Headers<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Flaw::Header)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        self.take(N)?.try_into().map_err(|_| Flaw::Header)
    }

    fn text(&mut self, length: usize) -> Result<&'a str, Flaw> {
        std::str::from_utf8(self.take(length)?).map_err(|_| Flaw::Header)
    }

    fn header(&mut self) -> Result<(&'a str, Value<'a>), Flaw> {
        let [length] = self.array()?;
        if length == 0 {
            return Err(Flaw::Header);
        }
        let name = self.text(usize::from(length))?;
        let [kind] = self.array()?;
        let value = match kind {
            0 => Value::Bool(true),
            1 => Value::Bool(false),
            2 => Value::Integer(i8::from_be_bytes(self.array()?).into()),
            3 => Value::Integer(i16::from_be_bytes(self.array()?).into()),
            4 => Value::Integer(i32::from_be_bytes(self.array()?).into()),
            5 => Value::Integer(i64::from_be_bytes(self.array()?)),
            6 | 7 => {
                let length = usize::from(u16::from_be_bytes(self.array()?));
                match kind {
                    6 => Value::Bytes(self.take(length)?),
                    _ => Value::Text(self.text(length)?),
                }
            }
            8 => Value::Timestamp(i64::from_be_bytes(self.array()?)),
            9 => Value::Uuid(self.array()?),
            _ => return Err(Flaw::Header),
        };
        Ok((name, value))
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Result<(&'a str, Value<'a>), Flaw>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let header = self.header();
        if header.is_err() {
            self.rest = &[];
        }
        Some(header)
    }
}

impl EventStreamReader {
    /// A reader that refuses frames longer than `cap` bytes.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        EventStreamReader {
            cap,
            chunk: Bytes::new(),
            held: BytesMut::new(),
            flaw: None,
        }
    }

    /// Hands over the next bytes. All messages of the chunk before must have been
    /// taken; what they left is kept.
    pub fn feed(&mut self, chunk: Bytes) {
        if !self.chunk.is_empty() {
            self.held.extend_from_slice(&self.chunk);
        }
        self.chunk = chunk;
    }

    /// The next frame that is complete; `None` asks for more bytes.
    ///
    /// # Errors
    /// The bytes are no event stream. Nothing after them can be trusted, so later
    /// calls give the same error again.
    pub fn next_message(&mut self) -> Result<Option<Message>, Flaw> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        let outcome = self.message();
        if let Err(flaw) = outcome {
            self.flaw = Some(flaw);
            self.held = BytesMut::new();
            self.chunk = Bytes::new();
        }
        outcome
    }

    /// Whether the stream stopped inside a frame.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !self.held.is_empty() || !self.chunk.is_empty()
    }

    fn message(&mut self) -> Result<Option<Message>, Flaw> {
        if self.held.is_empty() {
            let Some((length, headers)) = lengths(&self.chunk, self.cap)? else {
                self.hold(PRELUDE);
                return Ok(None);
            };
            if self.chunk.len() >= length {
                return Message::read(self.chunk.split_to(length), headers).map(Some);
            }
            self.hold(length);
            return Ok(None);
        }
        self.hold(PRELUDE);
        let Some((length, headers)) = lengths(&self.held, self.cap)? else {
            return Ok(None);
        };
        self.hold(length);
        if self.held.len() < length {
            return Ok(None);
        }
        // A caller who fed twice without looking may have more than one frame here.
        let frame = self.held.split_to(length).freeze();
        Message::read(frame, headers).map(Some)
    }

    /// Moves bytes of the chunk to those that are held, up to that many in all.
    fn hold(&mut self, wanted: usize) {
        let missing = wanted.saturating_sub(self.held.len());
        let taken = self.chunk.split_to(missing.min(self.chunk.len()));
        self.held.extend_from_slice(&taken);
    }
}

/// The length of the frame and of its headers, proven; `None` while the prelude is
/// not whole.
fn lengths(mut bytes: &[u8], cap: usize) -> Result<Option<(usize, usize)>, Flaw> {
    let Some(prelude) = bytes.get(..PRELUDE - 4) else {
        return Ok(None);
    };
    let (Ok(length), Ok(headers), Ok(checksum)) = (
        bytes.try_get_u32(),
        bytes.try_get_u32(),
        bytes.try_get_u32(),
    ) else {
        return Ok(None);
    };
    if crc32fast::hash(prelude) != checksum {
        return Err(Flaw::PreludeChecksum);
    }
    let (length, headers) = (length as usize, headers as usize);
    if length < PRELUDE + TRAILER || headers > length - PRELUDE - TRAILER || headers > MAX_HEADERS {
        return Err(Flaw::Lengths);
    }
    if length > cap {
        return Err(Flaw::TooLong { cap });
    }
    Ok(Some((length, headers)))
}
