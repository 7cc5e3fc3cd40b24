//! Newline-delimited JSON, one payload a line, cut anywhere by the network: LF or
//! CRLF, blank lines, a byte order mark at the start, and a last line that nothing
//! ends. Whether a line is JSON is its decoder's to judge.

use std::ops::Range;

use bytes::Bytes;

use crate::sse::TooLong;

/// A push-then-pull reader like [`SseReader`](crate::sse::SseReader):
/// [`feed`](Self::feed) a chunk, then call [`next_line`](Self::next_line) until it
/// gives `None`. A line that lies inside one chunk is never copied, and one that
/// comes in pieces is copied once.
#[derive(Debug)]
pub(crate) struct NdjsonReader {
    cap: usize,
    chunk: Bytes,
    at: usize,
    /// A line whose end has not come yet, or the last one that came in pieces.
    line: Vec<u8>,
    line_done: bool,
    begun: bool,
}

impl NdjsonReader {
    /// A reader that refuses lines longer than `cap` bytes.
    pub(crate) fn new(cap: usize) -> Self {
        NdjsonReader {
            cap,
            chunk: Bytes::new(),
            at: 0,
            line: Vec::new(),
            line_done: false,
            begun: false,
        }
    }

    /// Hands over the next bytes. What is left of the chunk before is kept.
    ///
    /// # Errors
    /// The open line has grown over the cap.
    pub(crate) fn feed(&mut self, chunk: Bytes) -> Result<(), TooLong> {
        self.park()?;
        self.chunk = chunk;
        Ok(())
    }

    /// The next line that is complete and not blank; `None` asks for more bytes.
    ///
    /// # Errors
    /// A line is over the cap. The reader is of no use afterwards.
    pub(crate) fn next_line(&mut self) -> Result<Option<&[u8]>, TooLong> {
        loop {
            self.settle();
            let rest = self.chunk.get(self.at..).unwrap_or_default();
            let Some(length) = memchr::memchr(b'\n', rest) else {
                self.park()?;
                return Ok(None);
            };
            let range = self.at..self.at + length;
            self.at += length + 1;
            self.check(self.line.len() + length)?;
            let in_pieces = !self.line.is_empty();
            if in_pieces {
                let end = self.chunk.get(range.clone()).unwrap_or_default();
                self.line.extend_from_slice(end);
                self.line_done = true;
            }
            let place = self.trimmed(in_pieces, range);
            if !place.is_empty() {
                let text: &[u8] = if in_pieces { &self.line } else { &self.chunk };
                return Ok(Some(text.get(place).unwrap_or_default()));
            }
        }
    }

    /// The stream is over: the line that nothing ended, unless it is blank. It may
    /// be cut in its middle.
    pub(crate) fn finish(&mut self) -> Option<&[u8]> {
        self.settle();
        self.line_done = true;
        let place = self.trimmed(true, 0..0);
        self.line.get(place).filter(|line| !line.is_empty())
    }

    /// Whether the stream stopped inside a line.
    pub(crate) fn is_open(&self) -> bool {
        !self.line_done && !self.line.trim_ascii().is_empty()
    }

    /// Forgets the line that the caller has seen.
    fn settle(&mut self) {
        if std::mem::take(&mut self.line_done) {
            self.line.clear();
        }
    }

    /// Copies what the open line still needs out of the chunk.
    fn park(&mut self) -> Result<(), TooLong> {
        self.settle();
        let rest = self.chunk.get(self.at..).unwrap_or_default();
        self.line.extend_from_slice(rest);
        self.chunk = Bytes::new();
        self.at = 0;
        self.check(self.line.len())
    }

    fn check(&self, length: usize) -> Result<(), TooLong> {
        if length > self.cap {
            return Err(TooLong { cap: self.cap });
        }
        Ok(())
    }

    /// Where the line stands without white space around it, and without the byte
    /// order mark that the first one may have.
    fn trimmed(&mut self, in_pieces: bool, range: Range<usize>) -> Range<usize> {
        let (text, start): (&[u8], usize) = match in_pieces {
            true => (&self.line, 0),
            false => (
                self.chunk.get(range.clone()).unwrap_or_default(),
                range.start,
            ),
        };
        let marked = !self.begun && text.starts_with(b"\xEF\xBB\xBF");
        let skipped = if marked { 3 } else { 0 };
        let line = text.get(skipped..).unwrap_or_default();
        let start = start + skipped + (line.len() - line.trim_ascii_start().len());
        let length = line.trim_ascii().len();
        self.begun = true;
        start..start + length
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(stream: &[u8], size: usize, cap: usize) -> Result<Vec<String>, TooLong> {
        let mut reader = NdjsonReader::new(cap);
        let mut all = Vec::new();
        let text = |line: &[u8]| String::from_utf8_lossy(line).into_owned();
        for piece in stream.chunks(size.max(1)) {
            reader.feed(Bytes::copy_from_slice(piece))?;
            while let Some(line) = reader.next_line()? {
                all.push(text(line));
            }
        }
        let open = reader.is_open();
        let rest = reader.finish().map(text);
        assert!(open || rest.is_none(), "it came of nothing");
        all.extend(rest);
        Ok(all)
    }

    fn at_every_size(stream: &str) -> Vec<String> {
        let whole = read(stream.as_bytes(), usize::MAX, 1 << 20).unwrap();
        for size in 1..stream.len() {
            let torn = read(stream.as_bytes(), size, 1 << 20).unwrap();
            assert_eq!(torn, whole, "{size} at a time");
        }
        whole
    }

    #[test]
    fn lines_end_with_lf_or_crlf_and_blank_ones_are_none() {
        assert_eq!(at_every_size("{}\n[1]\n"), ["{}", "[1]"]);
        assert_eq!(
            at_every_size("{}\r\n\r\n \t\n\n{\"a\":\"\u{e9}\"}\r\n"),
            ["{}", "{\"a\":\"\u{e9}\"}"]
        );
    }

    #[test]
    fn the_last_line_needs_no_end_and_only_the_first_may_be_marked() {
        assert_eq!(at_every_size("{}\n{\"a\":1}"), ["{}", "{\"a\":1}"]);
        assert_eq!(at_every_size("{}\n  \r"), ["{}"]);
        assert_eq!(at_every_size("\u{feff}{}"), ["{}"]);
        assert_eq!(
            at_every_size("\u{feff}{}\n\u{feff}{}\n"),
            ["{}", "\u{feff}{}"]
        );
        assert_eq!(at_every_size(""), [""; 0]);
    }

    #[test]
    fn a_line_over_the_cap_is_an_error_at_any_cut() {
        let line = format!("{}\n", "x".repeat(90));
        for size in [1, 7, 1000] {
            assert_eq!(read(line.as_bytes(), size, 80), Err(TooLong { cap: 80 }));
            assert!(read(line.as_bytes(), size, 90).is_ok());
        }
        let endless = "x".repeat(100);
        assert_eq!(read(endless.as_bytes(), 1, 80), Err(TooLong { cap: 80 }));
    }

    #[test]
    fn a_line_inside_one_chunk_is_not_copied() {
        let chunk = Bytes::from_static(b"\n {\"a\":1}\r\n{");
        let mut reader = NdjsonReader::new(100);
        reader.feed(chunk.clone()).unwrap();
        let line = reader.next_line().unwrap().unwrap();
        assert_eq!(line, b"{\"a\":1}");
        assert!(chunk.as_ptr_range().contains(&line.as_ptr()));
        assert!(reader.next_line().unwrap().is_none() && reader.is_open());
    }

    proptest! {
        #[test]
        fn the_cuts_never_change_what_is_read(stream in "(\\{\\}|\r|\n|\r\n|x| |\u{feff}){0,40}", size in 1_usize..9) {
            prop_assert_eq!(read(stream.as_bytes(), size, 1 << 20), read(stream.as_bytes(), usize::MAX, 1 << 20));
        }

        #[test]
        fn arbitrary_bytes_do_not_panic(stream in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
            let _ = read(&stream, size, 40);
        }
    }
}
