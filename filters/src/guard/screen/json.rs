//! JSON text in pieces, such as the arguments of a tool call. The values that
//! people read are screened as the text that they spell, also in JSON that stands
//! in a string; whatever stays keeps its bytes, escapes included. Keys name things
//! for programs and are left alone. Where it is no JSON, it is screened as text.

mod leaf;
mod unescape;

use std::ops::Range;

use leaf::Leaf;
use unescape::{Step, Unescape};

use super::{Blocked, Desk, Task};

/// How deep JSON may stand in strings of JSON; what is deeper is text.
const MAX_LEVELS: usize = 3;

/// The deepest nesting of containers.
const MAX_DEPTH: usize = 128;

/// The most characters that wait for what they turn out to be.
const MAX_PENDING: usize = 1024;

/// The most bytes of a key that are context of its value.
const MAX_KEY: usize = 64;

/// What is expected or open in one JSON text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// A value; when the flag is set, the array may end instead.
    Value(bool),
    /// A key; when the flag is set, the object may end instead.
    Key(bool),
    InKey,
    Colon,
    InString,
    /// A number, `true`, `false` or `null`.
    Token,
    /// White space behind one.
    AfterToken,
    AfterValue,
    /// No JSON from here on.
    Plain,
}

/// One JSON text, or one that stands in a string.
#[derive(Debug)]
struct Level {
    state: State,
    /// The open containers; whether each is an object.
    open: Vec<bool>,
    unescape: Unescape,
    key: String,
    token: String,
    /// What was read and may turn out to be no JSON.
    pending: Vec<(char, Range<usize>)>,
}

impl Level {
    fn new() -> Level {
        Level {
            state: State::Value(false),
            open: Vec::new(),
            unescape: Unescape::default(),
            key: String::new(),
            token: String::new(),
            pending: Vec::new(),
        }
    }
}

/// A character of some level, and the raw bytes that spell it.
#[derive(Clone, Debug)]
struct Letter {
    letter: char,
    raw: Range<usize>,
}

/// What to do after a character of structure.
enum Next {
    Go,
    /// A number or literal ended before this character.
    Token,
    NoJson,
}

/// One JSON text in pieces.
#[derive(Debug)]
pub(super) struct Json {
    levels: Vec<Level>,
    leaf: Leaf,
    /// How many raw bytes came so far.
    read: usize,
}

/// What a step works with.
struct Run<'r, 'a> {
    desk: &'r mut Desk<'a>,
    out: &'r mut String,
}

impl Json {
    pub(super) fn new(task: Task) -> Json {
        Json {
            levels: vec![Level::new()],
            leaf: Leaf::new(task),
            read: 0,
        }
    }

    pub(super) fn advance(
        &mut self,
        desk: &mut Desk<'_>,
        piece: &str,
        last: bool,
        out: &mut String,
    ) -> Result<(), Blocked> {
        let run = &mut Run { desk, out };
        self.leaf.raw(piece);
        for letter in piece.chars() {
            let start = self.read;
            self.read += letter.len_utf8();
            let raw = start..self.read;
            self.feed(0, &Letter { letter, raw }, run)?;
        }
        if last {
            self.end_level(0, run)?;
            self.leaf.free(self.read);
        }
        self.leaf.advance(run)
    }

    fn feed(
        &mut self,
        place: usize,
        letter: &Letter,
        run: &mut Run<'_, '_>,
    ) -> Result<(), Blocked> {
        let Some(level) = self.levels.get_mut(place) else {
            return Ok(());
        };
        match level.state {
            State::Plain => self.leaf.push(letter),
            State::InKey => {
                let mut steps = level.unescape.step(letter.letter, letter.raw.clone());
                while let Some(step) = steps.next(&mut level.unescape) {
                    match step {
                        Step::Letter(letter, _) if level.key.len() < MAX_KEY => {
                            level.key.push(letter);
                        }
                        Step::Letter(..) => {}
                        Step::End => level.state = State::Colon,
                    }
                }
                self.leaf.free(letter.raw.end);
            }
            State::InString => {
                let mut steps = level.unescape.step(letter.letter, letter.raw.clone());
                while let Some(step) = self
                    .levels
                    .get_mut(place)
                    .and_then(|level| steps.next(&mut level.unescape))
                {
                    match step {
                        Step::Letter(spelt, raw) => {
                            self.content(place, &Letter { letter: spelt, raw }, run)?;
                        }
                        Step::End => {
                            self.end_string(place, run)?;
                            self.leaf.free(letter.raw.end);
                        }
                    }
                }
            }
            _ => return self.structure(place, letter, run),
        }
        Ok(())
    }

    /// A character that a string value spells.
    fn content(
        &mut self,
        place: usize,
        letter: &Letter,
        run: &mut Run<'_, '_>,
    ) -> Result<(), Blocked> {
        if self.levels.len() > place + 1 {
            return self.feed(place + 1, letter, run);
        }
        if !self.leaf.is_open() {
            if matches!(letter.letter, '{' | '[') && place + 1 < MAX_LEVELS {
                self.levels.push(Level::new());
                return self.feed(place + 1, letter, run);
            }
            let key = self
                .levels
                .get(place)
                .map_or("", |level| level.key.as_str());
            self.leaf.open(place + 1, key, true, letter.raw.start);
        }
        self.leaf.push(letter);
        Ok(())
    }

    fn end_string(&mut self, place: usize, run: &mut Run<'_, '_>) -> Result<(), Blocked> {
        if self.levels.len() > place + 1 {
            self.end_level(place + 1, run)?;
            self.levels.truncate(place + 1);
        }
        if let Some(level) = self.levels.get_mut(place) {
            level.state = State::AfterValue;
        }
        self.leaf.close(run)
    }

    /// Nothing follows on this level.
    fn end_level(&mut self, place: usize, run: &mut Run<'_, '_>) -> Result<(), Blocked> {
        let Some(level) = self.levels.get_mut(place) else {
            return Ok(());
        };
        match level.state {
            State::InString => {
                if let Some((letter, raw)) = level.unescape.rest() {
                    self.content(place, &Letter { letter, raw }, run)?;
                }
                self.end_string(place, run)
            }
            State::Token | State::AfterToken if level.open.is_empty() => self.token(place, run),
            _ => {
                if let Some((_, raw)) = level.pending.first() {
                    let start = raw.start;
                    self.no_json(place, start);
                }
                self.leaf.close(run)
            }
        }
    }

    fn structure(
        &mut self,
        place: usize,
        letter: &Letter,
        run: &mut Run<'_, '_>,
    ) -> Result<(), Blocked> {
        let Some(level) = self.levels.get_mut(place) else {
            return Ok(());
        };
        let mut next = level.step(letter);
        if matches!(next, Next::Token) {
            self.token(place, run)?;
            let Some(level) = self.levels.get_mut(place) else {
                return Ok(());
            };
            next = level.step(letter);
        }
        if !matches!(next, Next::Go) {
            self.no_json(place, letter.raw.start);
            self.leaf.push(letter);
        } else if self
            .levels
            .get(place)
            .is_some_and(|level| level.pending.is_empty())
        {
            self.leaf.free(letter.raw.end);
        }
        Ok(())
    }

    /// What is read from this raw byte on is text, and so is what waits before it.
    fn no_json(&mut self, place: usize, start: usize) {
        let Some(level) = self.levels.get_mut(place) else {
            return;
        };
        level.state = State::Plain;
        let start = level.pending.first().map_or(start, |(_, raw)| raw.start);
        self.leaf.open(place, "", false, start);
        for (letter, raw) in level.pending.drain(..) {
            self.leaf.push(&Letter { letter, raw });
        }
    }

    /// A number ended: a value like any other, but without quotes.
    fn token(&mut self, place: usize, run: &mut Run<'_, '_>) -> Result<(), Blocked> {
        let Some(level) = self.levels.get_mut(place) else {
            return Ok(());
        };
        level.state = State::AfterValue;
        let letters = level
            .pending
            .iter()
            .skip_while(|(letter, _)| matches!(letter, '[') || letter.is_whitespace());
        let mut raw = letters.map(|(_, raw)| raw.clone()).take(level.token.len());
        let first = raw.next().unwrap_or_default();
        let raw = first.start..raw.last().map_or(first.end, |raw| raw.end);
        level.pending.clear();
        if level.token.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Ok(());
        }
        let (key, token) = (&level.key, &level.token);
        self.leaf.number(place, (key, token), raw, run)
    }
}

impl Level {
    /// Reads a character of structure. Characters wait in `pending` as long as
    /// the text may turn out to be none.
    fn step(&mut self, letter: &Letter) -> Next {
        let c = letter.letter;
        let waits = |level: &mut Level| {
            level.pending.push((c, letter.raw.clone()));
            if level.pending.len() > MAX_PENDING {
                Next::NoJson
            } else {
                Next::Go
            }
        };
        if matches!(c, ' ' | '\t' | '\r' | '\n') {
            if self.state == State::Token {
                self.state = State::AfterToken;
            }
            return if self.pending.is_empty() {
                Next::Go
            } else {
                waits(self)
            };
        }
        match (self.state, c) {
            (State::Value(_), '[') if self.open.len() < MAX_DEPTH => {
                self.open.push(false);
                self.state = State::Value(true);
                return waits(self);
            }
            (State::Value(_), '{') if self.open.len() < MAX_DEPTH => {
                self.open.push(true);
                self.state = State::Key(true);
            }
            (State::Value(_), '"') => self.state = State::InString,
            (State::Value(true), ']') => self.close(),
            (State::Value(_), '-' | '0'..='9' | 't' | 'f' | 'n') => {
                self.token.clear();
                self.token.push(c);
                self.state = State::Token;
                return waits(self);
            }
            (State::Key(_), '"') => {
                self.key.clear();
                self.state = State::InKey;
            }
            (State::Key(true), '}') => self.close(),
            (State::Colon, ':') => self.state = State::Value(false),
            (State::Token, _) if self.continues_token(c) => {
                self.token.push(c);
                return waits(self);
            }
            (State::Token | State::AfterToken, ',' | ']' | '}') if self.token_is_whole() => {
                return Next::Token;
            }
            (State::AfterValue, ',') => match self.open.last() {
                Some(true) => self.state = State::Key(false),
                Some(false) => self.state = State::Value(false),
                None => return Next::NoJson,
            },
            (State::AfterValue, '}') if self.open.last() == Some(&true) => self.close(),
            (State::AfterValue, ']') if self.open.last() == Some(&false) => self.close(),
            _ => return Next::NoJson,
        }
        self.pending.clear();
        Next::Go
    }

    fn close(&mut self) {
        if self.open.pop() == Some(true) {
            self.key.clear();
        }
        self.state = State::AfterValue;
    }

    fn continues_token(&self, c: char) -> bool {
        let literals = ["true", "false", "null"];
        if self.token.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return literals.iter().any(|word| {
                let rest = word.strip_prefix(self.token.as_str());
                rest.is_some_and(|rest| rest.starts_with(c))
            });
        }
        matches!(c, '0'..='9' | '.' | '+' | '-' | 'e' | 'E')
    }

    fn token_is_whole(&self) -> bool {
        let number = self.token.ends_with(|c: char| c.is_ascii_digit());
        number || matches!(self.token.as_str(), "true" | "false" | "null")
    }
}
