//! Finding placeholders in a text. Models rewrite them: in another case, with
//! escapes of Markdown, with spaces inside or without brackets. A placeholder in a
//! link is left alone, unless the request had its value in the same link: whoever
//! follows the link, or loads the picture, would hand the value to a stranger.

use std::ops::Range;
use std::sync::LazyLock;

use super::vault::{LONGEST_TAG, TAG, words};
use super::window::LEFT_CONTEXT;

/// The longest spelling of a placeholder, in bytes.
pub const LONGEST: usize = 24;

/// What looks like a placeholder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where it stands, brackets included.
    pub(super) span: Range<usize>,
    /// `WORD_tag`.
    pub(super) name: Box<str>,
    pub(super) bracketed: bool,
}

/// What stands at a place.
enum Parse {
    Nothing,
    /// More text may make it a placeholder.
    Open,
    Placeholder(Mark),
}

/// Finds what looks like a placeholder from a place on; gives up to where all is
/// decided. It obeys the law of scanners.
pub(super) fn find(text: &str, from: usize, last: bool, mut found: impl FnMut(Mark)) -> usize {
    let mut from = from;
    let bytes = text.as_bytes();
    let rest = bytes.get(from..).unwrap_or_default();
    let base = from;
    for score in memchr::memchr_iter(b'_', rest) {
        for start in starts(bytes, base + score, from) {
            match parse(bytes, start, last) {
                Parse::Nothing => continue,
                Parse::Open => return start,
                Parse::Placeholder(mark) => {
                    from = mark.span.end;
                    found(mark);
                }
            }
            break;
        }
    }
    if last {
        return text.len();
    }
    let tail = bytes.len().saturating_sub(LONGEST).max(from);
    (tail..bytes.len())
        .filter(|at| may_begin(bytes, *at))
        .find(|at| matches!(parse(bytes, *at, false), Parse::Open))
        .unwrap_or(bytes.len())
}

/// Whether a placeholder may begin there: at a bracket, escaped or not, or with a word.
fn may_begin(bytes: &[u8], at: usize) -> bool {
    bytes.get(at).is_some_and(|byte| match byte {
        b'[' | b'\\' => true,
        byte => {
            byte.is_ascii_alphabetic() && !is_word(at.checked_sub(1).and_then(|at| bytes.get(at)))
        }
    })
}

/// Where a placeholder with this underscore may begin, the longest first.
fn starts(bytes: &[u8], score: usize, from: usize) -> impl Iterator<Item = usize> {
    let before = |at: usize| at.checked_sub(1).and_then(|at| bytes.get(at));
    let end = score - usize::from(score > 0 && before(score) == Some(&b'\\'));
    let letters = bytes.get(..end).unwrap_or_default().iter().rev();
    let count = letters.take_while(|b| b.is_ascii_alphabetic()).count();
    let word = end - count;
    let bare = (count > 0).then_some(word);
    let space = word - usize::from(before(word) == Some(&b' '));
    let bracket = bare.and((before(space) == Some(&b'[')).then(|| space - 1));
    let escaped = bracket.filter(|at| before(*at) == Some(&b'\\'));
    let all = [escaped.map(|at| at - 1), bracket, bare];
    all.into_iter().flatten().filter(move |at| *at >= from)
}

fn parse(bytes: &[u8], start: usize, last: bool) -> Parse {
    let parsed = parse_any(bytes, start, last);
    match parsed {
        Parse::Open if bytes.len() - start > LONGEST => Parse::Nothing,
        Parse::Placeholder(mark) if mark.span.len() > LONGEST => Parse::Nothing,
        other => other,
    }
}

fn parse_any(bytes: &[u8], start: usize, last: bool) -> Parse {
    let end = |open: bool| {
        if last || !open {
            Parse::Nothing
        } else {
            Parse::Open
        }
    };
    let mut at = start;
    let mut eat = |byte: u8| {
        let eaten = bytes.get(at) == Some(&byte);
        at += usize::from(eaten);
        eaten
    };
    let escaped = eat(b'\\');
    let bracketed = eat(b'[');
    if escaped && !bracketed {
        return end(start + 1 == bytes.len());
    }
    if bracketed {
        eat(b' ');
    } else if is_word(start.checked_sub(1).and_then(|at| bytes.get(at))) {
        return Parse::Nothing;
    }
    let letters = run(bytes, at, 16, u8::is_ascii_alphabetic);
    let Some(word) = bytes.get(at..at + letters) else {
        return Parse::Nothing;
    };
    at += letters;
    if at == bytes.len() {
        return end((bracketed || letters > 0) && is_known(word, true));
    }
    if !is_known(word, false) {
        return Parse::Nothing;
    }
    at += usize::from(bytes.get(at) == Some(&b'\\'));
    if at == bytes.len() {
        return end(true);
    }
    if bytes.get(at) != Some(&b'_') {
        return Parse::Nothing;
    }
    at += 1;
    let letters = run(bytes, at, LONGEST_TAG + 1, is_tag);
    let tag = bytes.get(at..at + letters).unwrap_or_default();
    at += letters;
    if letters > LONGEST_TAG || (at < bytes.len() && letters < TAG) || is_word(bytes.get(at)) {
        return Parse::Nothing;
    }
    if at == bytes.len() && (!last || letters < TAG) {
        return end(true);
    }
    if bracketed {
        let Some(close) = closing(bytes, at, escaped) else {
            return end(bytes.len() - at <= 2 && is_open_closing(bytes, at));
        };
        at = close;
    }
    Parse::Placeholder(Mark {
        span: start..at,
        name: name(word, tag),
        bracketed,
    })
}

/// Where the closing bracket ends.
fn closing(bytes: &[u8], at: usize, escaped: bool) -> Option<usize> {
    let at = at + usize::from(bytes.get(at) == Some(&b' '));
    let slash = bytes.get(at) == Some(&b'\\');
    let at = at + usize::from(slash);
    (bytes.get(at) == Some(&b']') && (slash || !escaped)).then_some(at + 1)
}

/// Whether a closing bracket may still come.
fn is_open_closing(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at..), Some(b"" | b" " | b"\\" | b" \\"))
}

fn run(bytes: &[u8], at: usize, most: usize, is: impl Fn(&u8) -> bool) -> usize {
    let rest = bytes.get(at..).unwrap_or_default().iter();
    rest.take(most).take_while(|byte| is(byte)).count()
}

fn is_tag(byte: &u8) -> bool {
    byte.is_ascii_alphabetic() || (b'2'..=b'7').contains(byte)
}

fn is_word(byte: Option<&u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The words of placeholders by their first letter: every word of a text is asked for.
static WORDS: LazyLock<[Vec<&'static [u8]>; 26]> = LazyLock::new(|| {
    let with = |first: u8| {
        words()
            .map(str::as_bytes)
            .filter(move |word| word.first() == Some(&first))
    };
    std::array::from_fn(|place| with(b'A' + u8::try_from(place).unwrap_or(0)).collect())
});

fn is_known(word: &[u8], prefix: bool) -> bool {
    let Some(first) = word.first() else {
        return prefix;
    };
    let place = first.to_ascii_uppercase().wrapping_sub(b'A');
    let same = WORDS.get(usize::from(place));
    same.is_some_and(|same| {
        same.iter().any(|known| {
            let begin = known.get(..word.len());
            begin.is_some_and(|begin| begin.eq_ignore_ascii_case(word))
                && (prefix || known.len() == word.len())
        })
    })
}

fn name(word: &[u8], tag: &[u8]) -> Box<str> {
    let word = word.iter().map(|b| char::from(b.to_ascii_uppercase()));
    let tag = tag.iter().map(|b| char::from(b.to_ascii_lowercase()));
    let name: String = word.chain(['_']).chain(tag).collect();
    name.into_boxed_str()
}

/// Whether the place that a text has reached is inside a link. It sees the text
/// byte by byte, so that a link may be longer than anything that is kept.
#[derive(Clone, Debug, Default)]
pub(super) struct Link {
    /// The last four bytes.
    recent: u32,
    /// Since a `<`.
    angle: bool,
    link: bool,
    /// It began as the target of a Markdown link: quotes do not end it.
    target: bool,
    /// The word that is being said, as it goes on; `None` when it is too long.
    run: Option<String>,
}

impl Link {
    pub(super) fn is_inside(&self) -> bool {
        self.link
    }

    /// The word before this place, if it is short enough.
    pub(super) fn run(&self) -> Option<&str> {
        self.run.as_deref()
    }

    /// A text begins.
    pub(super) fn restart(&mut self) {
        (self.recent, self.angle, self.link, self.target) = (0, false, false, false);
        self.run.get_or_insert_default().clear();
    }

    pub(super) fn feed(&mut self, text: &str) {
        for byte in text.bytes() {
            self.step(byte);
        }
        self.say(text);
    }

    /// A placeholder stands here, and this went on in its place.
    pub(super) fn placeholder(&mut self, said: Option<&str>) {
        self.recent = (self.recent << 8) | u32::from(b']');
        match said {
            Some(said) => self.say(said),
            None => self.run = None,
        }
    }

    fn say(&mut self, text: &str) {
        if let Some(end) = text.rfind(ends_run) {
            let run = self.run.get_or_insert_default();
            run.clear();
            run.push_str(text.get(end + 1..).unwrap_or_default());
        } else if let Some(run) = &mut self.run {
            run.push_str(text);
        }
        if self
            .run
            .as_ref()
            .is_some_and(|run| run.len() > LEFT_CONTEXT)
        {
            self.run = None;
        }
    }

    fn step(&mut self, byte: u8) {
        self.recent = (self.recent << 8) | u32::from(byte);
        match byte {
            b'\n' | b'>' => (self.angle, self.link, self.target) = (false, false, false),
            b'<' => self.angle = true,
            b' ' | b'\t' | b'\r' if !self.angle => (self.link, self.target) = (false, false),
            b'"' if !self.angle && !self.target => self.link = false,
            b'(' if self.recent.to_be_bytes().ends_with(b"](") => {
                (self.link, self.target) = (true, true);
            }
            b'/' if self.recent.to_be_bytes().ends_with(b"//") => self.link = true,
            b'.' if self.recent.to_be_bytes() == *b"www." => self.link = true,
            _ => {}
        }
    }
}

/// What a link begins with before this place of a request's text: a value may
/// come back behind the very same.
pub(super) fn link_before(text: &str, at: usize) -> Option<&str> {
    let from = text.floor_char_boundary(at.saturating_sub(LEFT_CONTEXT));
    let before = text.get(from..at)?;
    let run = match before.rfind(ends_run) {
        Some(end) => before.get(end + 1..)?,
        None if from == 0 => before,
        None => return None,
    };
    (run.contains("//") || run.contains("www.")).then_some(run)
}

/// ASCII only: one byte each.
fn ends_run(letter: char) -> bool {
    letter.is_ascii_whitespace() || matches!(letter, '"' | '\'' | '<' | '>' | '(')
}
