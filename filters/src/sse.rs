//! Server-sent events, read as providers really send them: LF, CRLF or CR line
//! ends, `data:` with and without a space, comments, a byte order mark, no blank
//! line at the end, and cut anywhere by the network. One reader for all of them,
//! because a gateway that misreads a frame bills the wrong tokens.

use std::ops::Range;

use bytes::Bytes;

/// Longest line, and most data of one event, in bytes: answers with pictures in
/// them reach megabytes.
pub const DEFAULT_CAP: usize = 16 << 20;
/// The byte order mark of UTF-8.
const MARK: &[u8] = b"\xEF\xBB\xBF";

/// What stands next in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A dispatched event. Its `data` lines are joined by LF.
    Event {
        /// The `event:` field; empty if there was none.
        name: &'a [u8],
        /// The `data:` fields.
        data: &'a [u8],
    },
    /// A comment line without its colon; providers send them to keep a
    /// connection warm.
    Comment(&'a [u8]),
    /// A line that is no field but begins like a JSON object: some servers write
    /// a failure as bare JSON into a stream that had begun well.
    Stray(&'a [u8]),
}

/// A line or an event is longer than the reader's cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line or an event of the stream is longer than {cap} bytes")]
pub struct TooLong {
    /// The cap, in bytes.
    pub cap: usize,
}

/// Where bytes stand until the caller looks at them.
#[derive(Clone, Debug)]
enum Place {
    /// In the chunk: nothing was copied.
    Chunk(Range<usize>),
    /// In the buffer of lines that came in pieces.
    Line(Range<usize>),
}

/// A push-then-pull reader: [`feed`](Self::feed) a chunk, then call
/// [`next_frame`](Self::next_frame) until it gives `None`. An event that lies
/// inside one chunk is never copied. The `id:` and `retry:` fields serve
/// reconnection, which no answer to a POST has, and are skipped.
#[derive(Debug)]
pub struct SseReader {
    cap: usize,
    chunk: Bytes,
    at: usize,
    /// A line whose end has not come yet, or the last one that came in pieces.
    line: Vec<u8>,
    line_done: bool,
    /// The data of the open event: still in the chunk, or joined in `joined`.
    data: Option<Range<usize>>,
    joined: Vec<u8>,
    has_data: bool,
    name: Vec<u8>,
    spent: bool,
    skip_lf: bool,
    begun: bool,
}

impl SseReader {
    /// A reader that refuses lines and events longer than `cap` bytes.
    #[must_use]
    pub fn new(cap: usize) -> Self {
        SseReader {
            cap,
            chunk: Bytes::new(),
            at: 0,
            line: Vec::new(),
            line_done: false,
            data: None,
            joined: Vec::new(),
            has_data: false,
            name: Vec::new(),
            spent: false,
            skip_lf: false,
            begun: false,
        }
    }

    /// Hands over the next bytes. What is left of the chunk before is kept.
    ///
    /// # Errors
    /// The open line has grown over the cap.
    pub fn feed(&mut self, chunk: Bytes) -> Result<(), TooLong> {
        self.park()?;
        self.chunk = chunk;
        self.at = 0;
        Ok(())
    }

    /// The next frame that is complete; `None` asks for more bytes.
    ///
    /// # Errors
    /// A line or an event is over the cap. The reader is of no use afterwards.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, TooLong> {
        self.settle();
        while let Some(line) = self.take_line()? {
            if let Some(found) = self.field(&line)? {
                return Ok(Some(self.show(found)));
            }
        }
        self.park()?;
        Ok(None)
    }

    /// The stream is over: the event that was still open, if it has data. It may
    /// be cut in its middle.
    ///
    /// # Errors
    /// The event is over the cap.
    pub fn finish(&mut self) -> Result<Option<Frame<'_>>, TooLong> {
        self.settle();
        if !self.line.is_empty() {
            self.line_done = true;
            let mut line = Place::Line(0..self.line.len());
            self.skip_mark(&mut line);
            if let Some(found @ Found::Stray(_)) = self.field(&line)? {
                return Ok(Some(self.show(found)));
            }
        }
        if !self.has_data {
            return Ok(None);
        }
        self.spent = true;
        Ok(Some(self.show(Found::Event)))
    }

    /// Whether the stream stopped inside a line or an event.
    #[must_use]
    pub fn is_open(&self) -> bool {
        (!self.line.is_empty() && !self.line_done) || (self.has_data && !self.spent)
    }

    /// Forgets what the caller has seen.
    fn settle(&mut self) {
        if std::mem::take(&mut self.spent) {
            self.data = None;
            self.joined.clear();
            self.name.clear();
            self.has_data = false;
        }
        if std::mem::take(&mut self.line_done) {
            self.line.clear();
        }
    }

    /// Copies what the open line and event still need out of the chunk.
    fn park(&mut self) -> Result<(), TooLong> {
        self.settle();
        if let Some(range) = self.data.take() {
            self.joined
                .extend_from_slice(self.chunk.get(range).unwrap_or_default());
        }
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        self.line.extend_from_slice(rest);
        (self.chunk, self.at) = (Bytes::new(), 0);
        // The mark before the first line is no part of it.
        let unmarked = self.line.strip_prefix(MARK).filter(|_| !self.begun);
        self.check(unmarked.unwrap_or(&self.line).len())
    }

    fn check(&self, length: usize) -> Result<(), TooLong> {
        let too_long = TooLong { cap: self.cap };
        (length <= self.cap).then_some(()).ok_or(too_long)
    }

    fn take_line(&mut self) -> Result<Option<Place>, TooLong> {
        if std::mem::take(&mut self.line_done) {
            self.line.clear();
        }
        let mut rest = self.chunk.get(self.at..).unwrap_or_default();
        if self.skip_lf && !rest.is_empty() {
            self.skip_lf = false;
            if rest.first() == Some(&b'\n') {
                self.at += 1;
                rest = rest.get(1..).unwrap_or_default();
            }
        }
        let Some(length) = memchr::memchr2(b'\n', b'\r', rest) else {
            return Ok(None);
        };
        let start = self.at;
        self.at += length + 1;
        if rest.get(length) == Some(&b'\r') {
            match rest.get(length + 1) {
                Some(b'\n') => self.at += 1,
                Some(_) => {}
                None => self.skip_lf = true,
            }
        }
        let mut line = Place::Chunk(start..start + length);
        if !self.line.is_empty() {
            self.line
                .extend_from_slice(rest.get(..length).unwrap_or_default());
            self.line_done = true;
            line = Place::Line(0..self.line.len());
        }
        self.skip_mark(&mut line);
        self.check(line.range().len())?;
        Ok(Some(line))
    }

    /// The first line of a stream may begin with a byte order mark.
    fn skip_mark(&mut self, line: &mut Place) {
        if !std::mem::replace(&mut self.begun, true) && self.bytes(line).starts_with(MARK) {
            line.range_mut().start += MARK.len();
        }
    }

    fn bytes(&self, place: &Place) -> &[u8] {
        match place {
            Place::Chunk(range) => self.chunk.get(range.clone()).unwrap_or_default(),
            Place::Line(range) => self.line.get(range.clone()).unwrap_or_default(),
        }
    }

    /// Takes one line in; tells what it completes.
    fn field(&mut self, line: &Place) -> Result<Option<Found>, TooLong> {
        let bytes = self.bytes(line);
        let Some(&first) = bytes.first() else {
            self.spent = true;
            if self.has_data {
                return Ok(Some(Found::Event));
            }
            self.settle();
            return Ok(None);
        };
        if first == b':' {
            return Ok(Some(Found::Comment(line.after(1))));
        }
        if first == b'{' {
            return Ok(Some(Found::Stray(line.clone())));
        }
        let colon = memchr::memchr(b':', bytes).unwrap_or(bytes.len());
        let (field, value) = bytes.split_at(colon);
        let skipped = if value.get(1) == Some(&b' ') {
            2
        } else {
            value.len().min(1)
        };
        match field {
            b"data" => {
                let value = line.after(colon + skipped);
                self.add_data(value)?;
            }
            b"event" => {
                let name = line.after(colon + skipped);
                self.set_name(&name);
            }
            _ => {}
        }
        Ok(None)
    }

    fn set_name(&mut self, value: &Place) {
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        name.extend_from_slice(self.bytes(value));
        self.name = name;
    }

    fn add_data(&mut self, value: Place) -> Result<(), TooLong> {
        if !std::mem::replace(&mut self.has_data, true) {
            match value {
                Place::Chunk(range) => self.data = Some(range),
                Place::Line(range) => self
                    .joined
                    .extend_from_slice(self.line.get(range).unwrap_or_default()),
            }
            return Ok(());
        }
        if let Some(range) = self.data.take() {
            self.joined
                .extend_from_slice(self.chunk.get(range).unwrap_or_default());
        }
        self.joined.push(b'\n');
        let mut joined = std::mem::take(&mut self.joined);
        joined.extend_from_slice(self.bytes(&value));
        self.joined = joined;
        self.check(self.joined.len())
    }

    fn show(&self, found: Found) -> Frame<'_> {
        match found {
            Found::Event => Frame::Event {
                name: &self.name,
                data: match &self.data {
                    Some(range) => self.chunk.get(range.clone()).unwrap_or_default(),
                    None => &self.joined,
                },
            },
            Found::Comment(place) => Frame::Comment(self.bytes(&place)),
            Found::Stray(place) => Frame::Stray(self.bytes(&place)),
        }
    }
}

/// What a line completed.
enum Found {
    Event,
    Comment(Place),
    Stray(Place),
}

impl Place {
    fn range(&self) -> &Range<usize> {
        match self {
            Place::Chunk(range) | Place::Line(range) => range,
        }
    }

    fn range_mut(&mut self) -> &mut Range<usize> {
        match self {
            Place::Chunk(range) | Place::Line(range) => range,
        }
    }

    fn after(&self, skipped: usize) -> Place {
        let mut place = self.clone();
        let range = place.range_mut();
        range.start = (range.start + skipped).min(range.end);
        place
    }
}

#[cfg(test)]
mod tests;
