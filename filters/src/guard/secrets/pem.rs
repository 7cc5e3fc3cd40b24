//! Private keys in PEM and PGP armour: the one secret that is longer than a token.
//! A block is followed from BEGIN through lines of base64, headers and escaped line
//! ends to END; prose after a BEGIN ends it at once, so that nothing is held for it.

use std::ops::Range;

use super::super::window::OPEN;
use super::alphabet::{self, ALNUM, EQUALS, PLUS, SLASH};

const BEGIN: &[u8] = b"-----BEGIN ";
/// The longest label between the dashes.
const LABEL: usize = 48;
/// The fewest bytes of base64 in a key.
const SHORTEST: usize = 24;
/// A stretch after a mere space is base64 only when it is this long.
const SPACED: usize = 24;

/// What stands at a BEGIN.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// No private key.
    None,
    /// It may become one when more follows.
    Open,
    /// A key.
    Key(Range<usize>),
}

/// Whether the run that ends at `end` is the beginning of a block; gives its place.
pub(super) fn begins(text: &[u8], run: &Range<usize>) -> Option<usize> {
    let end = run.end;
    let start = end.checked_sub(BEGIN.len() - 1)?;
    let word = BEGIN.strip_suffix(b" ")?;
    (start >= run.start && text.get(start..end)? == word).then_some(start)
}

/// Reads the block that begins at `start`. `last` says that nothing follows the text.
pub(super) fn read(text: &[u8], start: usize, last: bool) -> Block {
    let limit = (start + OPEN).min(text.len());
    let whole = text.get(start..limit).unwrap_or_default();
    let open = if last || whole.len() >= OPEN {
        Block::None
    } else {
        Block::Open
    };
    if whole.len() < BEGIN.len() {
        return open;
    }
    let Some(rest) = whole.strip_prefix(BEGIN) else {
        return Block::None;
    };
    let label = rest
        .iter()
        .take_while(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9' | b' '));
    let label = label.count();
    let dashes = rest.get(label..).unwrap_or_default();
    if label > LABEL || !b"-----".starts_with(dashes.get(..5).unwrap_or(dashes)) {
        return Block::None;
    }
    if dashes.len() < 5 {
        return open;
    }
    let label = rest.get(..label).unwrap_or_default();
    if !label.windows(11).any(|part| part == b"PRIVATE KEY") {
        return Block::None;
    }
    body(text, start, BEGIN.len() + label.len() + 5, last)
}

/// Follows the body from `from` bytes after `start`.
fn body(text: &[u8], start: usize, from: usize, last: bool) -> Block {
    let limit = (start + OPEN).min(text.len());
    let whole = text.get(start..limit).unwrap_or_default();
    let unfinished = !last && whole.len() < OPEN;
    let (mut at, mut good, mut size) = (from, from, 0);
    loop {
        let gap = gap(whole, at);
        let next = whole.get(gap.end..).unwrap_or_default();
        if next.is_empty() {
            return if unfinished {
                Block::Open
            } else {
                key(start, good, size)
            };
        }
        if next.starts_with(b"-----END ") {
            let rest = next.get(9..).unwrap_or_default();
            let label = rest
                .iter()
                .take_while(|b| matches!(b, b'A'..=b'Z' | b' '))
                .count();
            let dashes = rest.get(label..).unwrap_or_default();
            let dashes = dashes.iter().take(5).take_while(|b| **b == b'-').count();
            if unfinished && dashes < 5 && 9 + label + dashes == next.len() {
                return Block::Open;
            }
            return key(start, gap.end + 9 + label + dashes, size);
        }
        if unfinished && b"-----END ".starts_with(next) {
            return Block::Open;
        }
        let stretch = next
            .iter()
            .take_while(|b| alphabet::of(**b) & (ALNUM | PLUS | SLASH | EQUALS) != 0);
        let stretch = stretch.count();
        let end = gap.end + stretch;
        if let Some(line) = header(whole, gap.end, gap.line) {
            if line == whole.len() && unfinished {
                return Block::Open;
            }
            at = line;
            continue;
        }
        if end == whole.len() && unfinished {
            return Block::Open;
        }
        if stretch == 0 || !(gap.line || stretch >= SPACED) {
            return key(start, good, size);
        }
        size += stretch;
        at = end;
        good = end;
    }
}

/// The key from `start` to `end`, when its base64 is long enough.
fn key(start: usize, end: usize, size: usize) -> Block {
    if size < SHORTEST {
        return Block::None;
    }
    Block::Key(start..start + end)
}

/// What stands between two lines.
struct Gap {
    end: usize,
    /// A line ends in it, be it escaped.
    line: bool,
}

/// Skips white space, quotes, signs of comments and escaped line ends.
fn gap(text: &[u8], from: usize) -> Gap {
    let mut end = from;
    let mut line = false;
    loop {
        match (text.get(end), text.get(end + 1)) {
            (Some(b'\\'), Some(b'n' | b'r')) => {
                line = true;
                end += 2;
            }
            (Some(b'\n' | b'\r'), _) => {
                line = true;
                end += 1;
            }
            (Some(b' ' | b'\t' | b'"' | b'\'' | b'\\' | b'>' | b'#' | b',' | b'*' | b'|'), _) => {
                end += 1;
            }
            // A block may stand in a comment of a program.
            (Some(b'/'), Some(b'/')) if line => {
                let sign = matches!(text.get(end + 2), Some(b'/' | b'!'));
                end += 2 + usize::from(sign);
            }
            _ => break,
        }
    }
    Gap { end, line }
}

/// The end of a header's line such as `Proc-Type: 4,ENCRYPTED`, when one stands there.
fn header(text: &[u8], from: usize, fresh: bool) -> Option<usize> {
    let name = text.get(from..)?;
    let length = name
        .iter()
        .take(24)
        .take_while(|b| b.is_ascii_alphabetic() || **b == b'-')
        .count();
    let colon = name.get(length);
    if !fresh || length <= 2 || colon.is_some_and(|b| *b != b':') {
        return None;
    }
    if colon.is_none() {
        // Letters alone up to the end are base64 when nothing follows them.
        let pure = name.iter().all(u8::is_ascii_alphabetic);
        return (!pure).then_some(text.len());
    }
    let line = name
        .iter()
        .take(200)
        .take_while(|b| !matches!(b, b'\n' | b'\r' | b'\\'))
        .count();
    Some(from + line)
}
