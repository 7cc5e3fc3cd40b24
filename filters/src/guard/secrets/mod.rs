//! Credentials by a table of families. A family is a line: a name and a shape, and
//! where the shape says too little the words that must stand before it. Between
//! what the table knows and nothing stands one generic rule: a name that says
//! secret, bound to a value that looks made by chance.
//!
//! | module | why it exists |
//! |---|---|
//! | [`alphabet`] | what a byte is |
//! | [`shape`] | a credential's form, matched without regular expressions |
//! | [`family`] | a row of the table |
//! | [`table`] | the rows |
//! | [`index`] | finds the rows that a token's first bytes allow |
//! | [`automaton`] | finds the words of names |
//! | [`context`] | what stands before a value |
//! | [`words`] | the words that were read last |
//! | [`value`] | what a value looks like by itself |
//! | [`entropy`] | how evenly its bytes are spread |
//! | [`named`] | values behind a name |
//! | [`marks`] | tells of most tokens that they hold nothing |
//! | [`login`] | logins in URLs, headers and command lines |
//! | [`pem`] | private keys in armour |
//! | [`run`] | one token is judged |

mod alphabet;
mod automaton;
mod context;
mod entropy;
mod family;
mod index;
mod login;
mod marks;
mod named;
mod pem;
mod run;
mod shape;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod words;

use std::ops::Range;

use super::window::OPEN;
use super::{Confidence, Finding, Kind, Window};
use alphabet::ALNUM;
use context::Reader;
use index::Index;
use marks::Marks;
use run::Tools;
use shape::{Shape, Stretches};

/// So many bytes of punctuation in a row end a token: rules and borders of tables.
const BORDER: usize = 8;

/// Finds credentials. Compiled once, shared by all.
#[derive(Debug)]
pub struct Secrets {
    index: Index,
}

impl Default for Secrets {
    fn default() -> Self {
        Secrets::new()
    }
}

impl Secrets {
    /// Compiles the table.
    #[must_use]
    pub fn new() -> Secrets {
        Secrets {
            index: Index::new(table::all()),
        }
    }

    /// Only the rows of that name, to measure them by themselves; nothing when there are none.
    #[must_use]
    pub fn only(family: &str) -> Option<Secrets> {
        let rows = || table::all().filter(|row| row.id == family);
        rows().next()?;
        Some(Secrets {
            index: Index::new(rows()),
        })
    }

    /// Every word of names and every known beginning of a value, to measure texts that
    /// are dense with them.
    pub fn pieces() -> impl Iterator<Item = String> {
        let words = table::all().flat_map(|row| row.words.split('|'));
        let meanings = table::words()
            .into_iter()
            .flat_map(|(_, list)| list.split(' '));
        let shapes = table::all().flat_map(|row| row.shape.split(' '));
        let begun = shapes.filter_map(Shape::parse);
        let begun = begun.map(|shape| String::from_utf8_lossy(shape.prefix()).into_owned());
        let words = words.chain(meanings).map(str::to_owned);
        words.chain(begun).filter(|piece| !piece.is_empty())
    }

    /// The names of all rules that may be reported, row by row of the table.
    pub fn families() -> impl Iterator<Item = &'static str> {
        table::all()
            .map(|family| family.id)
            .filter(|id| *id != "vendor-key")
            .chain(run::RULES.iter().copied())
    }

    /// Reports the credentials of a window and gives up to which byte it has decided.
    /// Spans hold the secret's value alone, in rising order, none over another.
    pub fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let text = window.text.as_bytes();
        let Some(words) = &self.index.words else {
            return text.len();
        };
        let mut tools = None;
        let mut at = window.from;
        let mut marks = Marks::new(text, at);
        loop {
            at = marks.next(at);
            if at == text.len() {
                return at;
            }
            let end = marks.end(at).unwrap_or_else(|| follow(text, at));
            if end == text.len() && !window.last && end - at < OPEN {
                return at;
            }
            if let Some(start) = pem::begins(text, &(at..end)) {
                match pem::read(text, start, window.last) {
                    pem::Block::Open => return at,
                    pem::Block::Key(span) => {
                        at = span.end;
                        out.push(Finding {
                            kind: Kind::Secret,
                            rule: "private-key",
                            span,
                            confidence: Confidence::CERTAIN,
                        });
                        continue;
                    }
                    pem::Block::None => {}
                }
            }
            let bits = alphabet::union(text.get(at..end).unwrap_or_default());
            if run::worth(text, at, end, bits) {
                let tools = tools.get_or_insert_with(|| Tools {
                    reader: Reader::new(words, &self.index.meanings, text),
                    known: Stretches::new(),
                    has_options: self.index.has_options(text),
                });
                self.index.judge(tools, (at..end, bits), out);
            }
            at = end;
        }
    }

    /// Whether the bytes from `new` on may end the token or the block that a window
    /// was waiting for: not while a token only grows.
    #[must_use]
    pub fn stirs(window: Window<'_>, new: usize) -> bool {
        let text = window.text.as_bytes();
        let held = text.get(window.from..new).unwrap_or_default();
        // A block has a space behind its BEGIN.
        memchr::memchr(b' ', held).is_some() || !token_grows(window, new)
    }
}

/// Whether a byte may stand in a token.
#[inline]
pub(super) fn is_in_token(byte: u8) -> bool {
    alphabet::of(byte) != 0
}

/// The next token from that place on; empty at the end of the text.
#[inline]
pub(super) fn next_token(text: &[u8], from: usize) -> Range<usize> {
    let start = skip(text, from);
    start..follow(text, start)
}

/// Whether the bytes from `new` on only make a token longer that a window was waiting for.
pub(super) fn token_grows(window: Window<'_>, new: usize) -> bool {
    let text = window.text.as_bytes();
    let from = new.saturating_sub(BORDER).max(window.from);
    let waits = !window.last && text.len() - window.from < OPEN;
    waits && follow(text, from) == text.len()
}

/// Skips what ends tokens.
#[inline]
fn skip(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let gap = rest.iter().position(|byte| alphabet::of(*byte) != 0);
    gap.map_or(text.len(), |gap| from + gap)
}

/// The end of the token that begins there.
#[inline]
fn follow(text: &[u8], from: usize) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let rest = rest.get(..OPEN).unwrap_or(rest);
    let mut border = 0;
    for (place, byte) in rest.iter().enumerate() {
        let bit = alphabet::of(*byte);
        if bit & ALNUM != 0 {
            border = 0;
            continue;
        }
        if bit == 0 {
            return from + place;
        }
        border += 1;
        if border == BORDER {
            return from + place + 1;
        }
    }
    from + rest.len()
}
