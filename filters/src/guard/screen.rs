//! One text on its way: what policies forbid is taken out, what was taken out of
//! the request is put back into the answer. Texts come in pieces cut anywhere, and
//! what goes on never depends on the cuts.

mod json;
mod look;
mod sieve;

use std::ops::Range;

use zeroize::Zeroize as _;

use json::Json;
use sieve::{Sieve, Sink};

use super::Kind;
use super::fold::NEAR;
use super::policy::Policy;
use super::report::Report;
use super::vault::Vault;
use super::window::LEFT_CONTEXT;

/// What a screen works with; one per request and direction.
#[derive(Debug)]
pub struct Desk<'a> {
    /// What is looked for and done.
    pub policy: &'a Policy,
    /// The request's placeholders.
    pub vault: &'a mut Vault,
    /// What was found and done.
    pub report: &'a mut Report,
}

/// What grammar a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Words to be read as they are.
    Text,
    /// JSON text, such as the arguments of a tool call: its string and number
    /// values are screened, also those of JSON in strings.
    Json,
}

/// What is to be done with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A text of a request: findings are masked.
    Mask,
    /// A text of an answer: findings are masked, the request's placeholders
    /// become values again.
    Answer,
    /// What an answer echoes of the request: placeholders become values again.
    Unmask,
}

/// The text must not go on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Blocked {
    /// What was found how often, never the values; empty if a scanner failed.
    /// Of a text in pieces it is what was found up to then.
    pub kinds: Vec<(Kind, usize)>,
}

impl Blocked {
    fn add(&mut self, kind: Kind) {
        match self.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => self.kinds.push((kind, 1)),
        }
    }
}

/// How much of what is decided must still be there, in bytes: what scanners look back
/// at, and what decides how that folds.
const CONTEXT: usize = LEFT_CONTEXT + NEAR;

/// What is kept of a text that went on before its beginning is dropped, in bytes.
const SPARE: usize = 2048;

/// One text in pieces.
#[derive(Debug)]
pub struct Screen {
    body: Body,
    blocked: Option<Blocked>,
}

#[derive(Debug)]
enum Body {
    Text(Box<Plain>),
    Json(Box<Json>),
}

impl Screen {
    /// A screen for one text.
    #[must_use]
    pub fn new(form: Form, task: Task) -> Screen {
        let body = match form {
            Form::Text => Body::Text(Box::new(Plain::new(task))),
            Form::Json => Body::Json(Box::new(Json::new(task))),
        };
        Screen {
            body,
            blocked: None,
        }
    }

    /// Takes the next piece and appends what may go on.
    ///
    /// # Errors
    ///
    /// If the text must not go on: nothing was appended, and nothing will be.
    pub fn push(
        &mut self,
        desk: &mut Desk<'_>,
        piece: &str,
        out: &mut String,
    ) -> Result<(), Blocked> {
        self.advance(desk, piece, false, out)
    }

    /// The text is over: appends what was held back.
    ///
    /// # Errors
    ///
    /// As [`push`](Screen::push).
    pub fn finish(&mut self, desk: &mut Desk<'_>, out: &mut String) -> Result<(), Blocked> {
        self.advance(desk, "", true, out)
    }

    fn advance(
        &mut self,
        desk: &mut Desk<'_>,
        piece: &str,
        last: bool,
        out: &mut String,
    ) -> Result<(), Blocked> {
        if let Some(blocked) = &self.blocked {
            return Err(blocked.clone());
        }
        let before = out.len();
        let done = match &mut self.body {
            Body::Text(text) => text.advance(desk, piece, last, out),
            Body::Json(json) => json.advance(desk, piece, last, out),
        };
        if let Err(blocked) = &done {
            out.truncate(before);
            self.blocked = Some(blocked.clone());
        }
        done
    }
}

/// A text that is read as it is.
#[derive(Debug)]
struct Plain {
    sieve: Sieve,
    text: String,
    /// How much of its beginning was dropped, in bytes.
    dropped: usize,
}

impl Plain {
    fn new(task: Task) -> Plain {
        Plain {
            sieve: Sieve::new(task),
            text: String::new(),
            dropped: 0,
        }
    }

    fn advance(
        &mut self,
        desk: &mut Desk<'_>,
        piece: &str,
        last: bool,
        out: &mut String,
    ) -> Result<(), Blocked> {
        self.text.push_str(piece);
        let mut sink = Copying {
            text: &self.text,
            dropped: self.dropped,
            out,
        };
        self.sieve.advance(&self.text, last, desk, &mut sink)?;
        let done = self.sieve.oldest(desk.policy).saturating_sub(CONTEXT);
        if done > SPARE {
            let done = self.text.floor_char_boundary(done);
            self.text.drain(..done);
            self.sieve.shift(done);
            self.dropped += done;
        }
        Ok(())
    }
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.text.zeroize();
    }
}

struct Copying<'a> {
    text: &'a str,
    dropped: usize,
    out: &'a mut String,
}

impl Sink for Copying<'_> {
    fn keep(&mut self, range: Range<usize>) {
        self.out.push_str(self.text.get(range).unwrap_or_default());
    }

    fn put(&mut self, _range: Range<usize>, new: &str) {
        self.out.push_str(new);
    }

    fn place(&self, at: usize) -> usize {
        self.dropped + at
    }
}

/// Copies a text from the first change on: most texts have none.
struct Lazy<'a> {
    text: &'a str,
    out: Option<String>,
}

impl Sink for Lazy<'_> {
    fn keep(&mut self, range: Range<usize>) {
        if let Some(out) = &mut self.out {
            out.push_str(self.text.get(range).unwrap_or_default());
        }
    }

    fn put(&mut self, range: Range<usize>, new: &str) {
        let before = || self.text.get(..range.start).unwrap_or_default().to_owned();
        self.out.get_or_insert_with(before).push_str(new);
    }

    fn place(&self, at: usize) -> usize {
        at
    }
}

/// A text that is known as a whole; `None` when it stays as it is. A clean text
/// of [`Form::Text`] costs no allocation.
///
/// # Errors
///
/// If the text must not go on.
pub fn whole(
    form: Form,
    task: Task,
    desk: &mut Desk<'_>,
    text: &str,
) -> Result<Option<String>, Blocked> {
    if form == Form::Text {
        let mut sink = Lazy { text, out: None };
        Sieve::new(task).advance(text, true, desk, &mut sink)?;
        return Ok(sink.out);
    }
    let mut out = String::new();
    let mut json = Json::new(task);
    json.advance(desk, text, false, &mut out)?;
    json.advance(desk, "", true, &mut out)?;
    Ok((out != text).then_some(out))
}
