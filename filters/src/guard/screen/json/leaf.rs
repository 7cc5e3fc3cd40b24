//! The value of a JSON text that is being screened: the text that it spells, where
//! each character stands in the raw bytes, and how many times what is put in has
//! to be escaped.

use std::ops::Range;

use zeroize::Zeroize as _;

use super::super::sieve::{Sieve, Sink};
use super::super::{Blocked, CONTEXT, SPARE, Task};
use super::{Letter, Run};
use crate::json::quoted;

/// The raw bytes, the open value, and what went on.
#[derive(Debug)]
pub(super) struct Leaf {
    sieve: Sieve,
    /// What the open value spells, behind its key as context.
    text: String,
    /// Places from where on the text and the raw bytes differ by another distance.
    steps: Vec<(usize, usize)>,
    /// How often what is put in has to be escaped; none when no value is open.
    depth: Option<usize>,
    raw: String,
    /// Where `raw` begins in the whole.
    base: usize,
    /// Up to where raw bytes went on.
    sent: usize,
    /// Up to where raw bytes may go on.
    free: usize,
}

impl Leaf {
    pub(super) fn new(task: Task) -> Leaf {
        Leaf {
            sieve: Sieve::new(task),
            text: String::new(),
            steps: Vec::new(),
            depth: None,
            raw: String::new(),
            base: 0,
            sent: 0,
            free: 0,
        }
    }

    /// Raw bytes came.
    pub(super) fn raw(&mut self, piece: &str) {
        self.raw.push_str(piece);
    }

    /// Raw bytes of structure may go on.
    pub(super) fn free(&mut self, to: usize) {
        self.free = self.free.max(to);
    }

    pub(super) fn is_open(&self) -> bool {
        self.depth.is_some()
    }

    /// A value begins; its key is context.
    pub(super) fn open(&mut self, depth: usize, key: &str, quotes: bool, raw: usize) {
        self.text.clear();
        if !key.is_empty() {
            let quote = if quotes { "\"" } else { "" };
            for part in ["\"", key, "\": ", quote] {
                self.text.push_str(part);
            }
        }
        self.sieve.restart(self.text.len());
        self.steps.clear();
        self.steps.push((self.text.len(), raw));
        self.depth = Some(depth);
        self.free(raw);
    }

    pub(super) fn push(&mut self, letter: &Letter) {
        self.text.push(letter.letter);
        if letter.raw.len() != letter.letter.len_utf8() {
            self.steps.push((self.text.len(), letter.raw.end));
        }
    }

    /// What is decided goes on.
    pub(super) fn advance(&mut self, run: &mut Run<'_, '_>) -> Result<(), Blocked> {
        let to = self.free;
        self.sink(run.out).release(to);
        if self.is_open() {
            self.sift(false, run)?;
            self.drop_text(run);
        }
        self.raw.drain(..self.sent - self.base);
        self.base = self.sent;
        Ok(())
    }

    /// The value is over.
    pub(super) fn close(&mut self, run: &mut Run<'_, '_>) -> Result<(), Blocked> {
        if self.is_open() {
            self.sift(true, run)?;
            self.depth = None;
        }
        Ok(())
    }

    /// A number as a whole; what is put in stands in quotes.
    pub(super) fn number(
        &mut self,
        depth: usize,
        (key, token): (&str, &str),
        raw: Range<usize>,
        run: &mut Run<'_, '_>,
    ) -> Result<(), Blocked> {
        self.open(depth, key, false, raw.start);
        self.text.push_str(token);
        self.depth = None;
        let mut sink = Number {
            text: &self.text,
            start: self.sieve.sent(),
            raw: raw.start,
            out: None,
        };
        self.sieve.advance(&self.text, true, run.desk, &mut sink)?;
        if let Some(text) = sink.out {
            let mut sink = self.sink(run.out);
            sink.release(raw.start);
            sink.out.push_str(&escaped(quoted(&text), depth));
            *sink.sent = raw.end;
        }
        self.free(raw.end);
        Ok(())
    }

    fn sift(&mut self, last: bool, run: &mut Run<'_, '_>) -> Result<(), Blocked> {
        let mut sink = Patch {
            raw: &self.raw,
            base: self.base,
            sent: &mut self.sent,
            steps: &self.steps,
            depth: self.depth.unwrap_or(0),
            out: run.out,
        };
        self.sieve.advance(&self.text, last, run.desk, &mut sink)
    }

    fn sink<'s>(&'s mut self, out: &'s mut String) -> Patch<'s> {
        Patch {
            raw: &self.raw,
            base: self.base,
            sent: &mut self.sent,
            steps: &self.steps,
            depth: self.depth.unwrap_or(0),
            out,
        }
    }

    /// Forgets the beginning of a long value.
    fn drop_text(&mut self, run: &Run<'_, '_>) {
        let done = self.sieve.oldest(run.desk.policy);
        let done = done.saturating_sub(CONTEXT);
        if done <= SPARE {
            return;
        }
        let done = self.text.floor_char_boundary(done);
        let raw = place(&self.steps, done);
        self.text.drain(..done);
        self.sieve.shift(done);
        self.steps.retain(|(text, _)| *text > done);
        for (text, _) in &mut self.steps {
            *text -= done;
        }
        self.steps.insert(0, (0, raw));
    }
}

impl Drop for Leaf {
    fn drop(&mut self) {
        self.text.zeroize();
        self.raw.zeroize();
    }
}

/// Where a place of the text stands in the raw bytes.
fn place(steps: &[(usize, usize)], at: usize) -> usize {
    let next = steps.partition_point(|(text, _)| *text <= at);
    let step = steps.get(next.saturating_sub(1));
    step.map_or(at, |(text, raw)| raw + at.saturating_sub(*text))
}

/// Escapes what stands in strings in strings.
fn escaped(text: String, depth: usize) -> String {
    (0..depth).fold(text, |text, _| {
        let quoted = quoted(&text);
        let inner = quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"'));
        inner.unwrap_or_default().to_owned()
    })
}

/// Raw bytes go on, or something else in their place.
struct Patch<'a> {
    raw: &'a str,
    base: usize,
    sent: &'a mut usize,
    steps: &'a [(usize, usize)],
    depth: usize,
    out: &'a mut String,
}

impl Patch<'_> {
    fn release(&mut self, to: usize) {
        if to > *self.sent {
            let raw = self.raw.get(*self.sent - self.base..to - self.base);
            self.out.push_str(raw.unwrap_or_default());
            *self.sent = to;
        }
    }
}

impl Sink for Patch<'_> {
    fn keep(&mut self, range: Range<usize>) {
        self.release(self.place(range.end));
    }

    fn put(&mut self, range: Range<usize>, new: &str) {
        self.release(self.place(range.start));
        self.out.push_str(&escaped(new.to_owned(), self.depth));
        *self.sent = self.place(range.end);
    }

    fn place(&self, at: usize) -> usize {
        place(self.steps, at)
    }
}

/// A number, as text once something of it is replaced.
struct Number<'a> {
    text: &'a str,
    start: usize,
    raw: usize,
    out: Option<String>,
}

impl Sink for Number<'_> {
    fn keep(&mut self, range: Range<usize>) {
        if let Some(out) = &mut self.out {
            out.push_str(self.text.get(range).unwrap_or_default());
        }
    }

    fn put(&mut self, range: Range<usize>, new: &str) {
        let before = self.text.get(self.start..range.start).unwrap_or_default();
        self.out
            .get_or_insert_with(|| before.to_owned())
            .push_str(new);
    }

    fn place(&self, at: usize) -> usize {
        self.raw + at.saturating_sub(self.start)
    }
}
