//! Strings and values as JSON spells them, and the writer that puts them into a
//! body. A text that only changes its place is copied as it stands; the one thing
//! that is mended on the way is a lone surrogate, which no strict parser takes.

use std::borrow::Cow;
use std::fmt;

use crate::json::{decode, push_quoted, quoted};

/// A JSON value as it was written.
pub type Raw<'a> = Cow<'a, str>;

/// A string as JSON spells it, without the quotes: most strings go from one body
/// to another without anybody looking into them.
#[derive(Clone)]
pub struct Str<'a>(Cow<'a, str>);

impl<'a> Str<'a> {
    /// A string of a body, given with its quotes.
    pub(crate) fn json(raw: &'a str) -> Self {
        let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        Str(Cow::Borrowed(inner.unwrap_or(raw)))
    }

    /// A piece of a string of a body, as JSON spells it.
    pub(crate) fn piece(inner: &'a str) -> Self {
        Str(Cow::Borrowed(inner))
    }

    /// A text that is not JSON yet.
    #[must_use]
    pub fn text(text: &str) -> Str<'static> {
        let mut quoted = quoted(text);
        quoted.pop();
        quoted.drain(..1);
        Str(Cow::Owned(quoted))
    }

    /// One string of several pieces, each as JSON spells it.
    pub(crate) fn join(pieces: &[&str]) -> Str<'static> {
        Str(Cow::Owned(pieces.concat()))
    }

    /// The same, for as long as the body lives; none for a string made here.
    pub(crate) fn borrowed(&self) -> Option<&'a str> {
        match self.0 {
            Cow::Borrowed(inner) => Some(inner),
            Cow::Owned(_) => None,
        }
    }

    /// What it spells, kept.
    pub(crate) fn into_read(self) -> Cow<'a, str> {
        match self.0 {
            Cow::Borrowed(inner) => decode(inner),
            Cow::Owned(inner) => Cow::Owned(decode(&inner).into_owned()),
        }
    }

    /// What it spells.
    #[must_use]
    pub fn read(&self) -> Cow<'_, str> {
        decode(&self.0)
    }

    /// As JSON spells it, without the quotes.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.0
    }

    /// Whether it spells nothing but white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        // Nearly every text begins with a letter.
        let plain = |byte: &u8| byte.is_ascii_graphic() && *byte != b'\\';
        !self.0.as_bytes().first().is_some_and(plain) && self.read().trim().is_empty()
    }
}

impl Default for Str<'_> {
    fn default() -> Self {
        Str(Cow::Borrowed(""))
    }
}

impl PartialEq for Str<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.read() == other.read()
    }
}

impl PartialEq<str> for Str<'_> {
    fn eq(&self, other: &str) -> bool {
        self.read() == other
    }
}

impl fmt::Debug for Str<'_> {
    /// The length only: texts are bodies, and bodies never reach a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Str({} bytes)", self.0.len())
    }
}

/// Appends JSON as it stands, but for lone surrogates: `\ud83d` without its other
/// half becomes U+FFFD.
pub(crate) fn push_clean(out: &mut Vec<u8>, json: &str) {
    let mut rest = json;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let (kept, length) = escape_at(escape);
        out.extend_from_slice(kept.as_bytes());
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
}

/// The escape at the start of `text` as it shall be written, and its length.
fn escape_at(text: &str) -> (&str, usize) {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let length = match unit(0) {
        None => 2,
        Some(0xD800..=0xDBFF) if matches!(unit(6), Some(0xDC00..=0xDFFF)) => 12,
        Some(0xD800..=0xDFFF) => return ("\\ufffd", 6),
        Some(_) => 6,
    };
    (text.get(..length).unwrap_or(text), length)
}

/// Writes JSON into a buffer, commas by itself.
pub(crate) struct Writer {
    out: Vec<u8>,
    /// Nothing stands yet in the container that is open.
    fresh: bool,
}

impl Writer {
    pub(crate) fn new(capacity: usize) -> Self {
        Writer {
            out: Vec::with_capacity(capacity),
            fresh: true,
        }
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.out
    }

    fn comma(&mut self) {
        if !self.fresh {
            self.out.push(b',');
        }
        self.fresh = false;
    }

    /// Opens a container as a member, or as an element where `key` is empty.
    pub(crate) fn open(&mut self, key: &str, bracket: u8) {
        self.key(key);
        self.out.push(bracket);
        self.fresh = true;
    }

    /// Closes the container that is open.
    pub(crate) fn close(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.fresh = false;
    }

    /// Begins a member with a name that needs no escape, or, where it is empty, an element.
    pub(crate) fn key(&mut self, key: &str) {
        self.comma();
        if !key.is_empty() {
            self.out.push(b'"');
            self.out.extend_from_slice(key.as_bytes());
            self.out.extend_from_slice(b"\":");
        }
    }

    /// A member with a raw value.
    pub(crate) fn raw(&mut self, key: &str, value: &str) {
        self.key(key);
        push_clean(&mut self.out, value);
    }

    /// The same, if there is one.
    pub(crate) fn maybe_raw(&mut self, key: &str, value: Option<&Raw<'_>>) {
        if let Some(value) = value {
            self.raw(key, value);
        }
    }

    /// A member with a string.
    pub(crate) fn string(&mut self, key: &str, value: &Str<'_>) {
        self.joined(key, &[value.raw()]);
    }

    /// The same, if there is one.
    pub(crate) fn maybe_string(&mut self, key: &str, value: Option<&Str<'_>>) {
        if let Some(value) = value {
            self.string(key, value);
        }
    }

    /// A member with a word that needs no escape.
    pub(crate) fn word(&mut self, key: &str, value: &str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(value.as_bytes());
        self.out.push(b'"');
    }

    /// A member with a text that is not JSON yet.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        push_quoted(&mut self.out, value);
    }

    /// A member with a boolean.
    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        self.raw(key, if value { "true" } else { "false" });
    }

    /// A member with a string of several pieces: JSON spellings without quotes.
    pub(crate) fn joined(&mut self, key: &str, pieces: &[&str]) {
        self.key(key);
        self.out.push(b'"');
        for piece in pieces {
            push_clean(&mut self.out, piece);
        }
        self.out.push(b'"');
    }

    /// Members with names and values of their own.
    pub(crate) fn extras(&mut self, extras: &[super::Extra<'_>]) {
        for extra in extras {
            self.comma();
            self.out.push(b'"');
            push_clean(&mut self.out, extra.name.raw());
            self.out.extend_from_slice(b"\":");
            push_clean(&mut self.out, &extra.value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(json: &str) -> String {
        let mut out = Vec::new();
        push_clean(&mut out, json);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn only_lone_surrogates_are_mended() {
        for whole in [
            r#""plain é""#,
            r#""a\\ud800""#,
            r#""\ud83d\ude00 \u00e9\n\"""#,
            r#"{"a":[1, "\/"]}"#,
        ] {
            assert_eq!(clean(whole), whole);
        }
        assert_eq!(clean(r#""a\ud83d b""#), r#""a\ufffd b""#);
        assert_eq!(clean(r#""\ude00\ud83d""#), r#""\ufffd\ufffd""#);
        assert_eq!(clean(r#""\ud83d\ud83d\ude00""#), r#""\ufffd\ud83d\ude00""#);
        assert_eq!(clean(r#""\uD83D\n""#), r#""\ufffd\n""#);
    }

    #[test]
    fn strings_are_equal_by_what_they_spell() {
        assert_eq!(Str::json(r#""a\u0062""#), Str::json(r#""ab""#));
        assert_eq!(Str::text("a\"\n"), Str::json(r#""a\"\u000a""#));
        assert_ne!(Str::json(r#""a""#), Str::json(r#""b""#));
    }

    #[test]
    fn blank_is_what_holds_nothing_but_white_space() {
        for blank in [r#""""#, r#"" ""#, r#""\n\t ""#, "\"\u{a0}\""] {
            assert!(Str::json(blank).is_blank(), "{blank}");
        }
        for said in [r#""a""#, r#"" a""#, r#""é""#, r#""\u0061""#] {
            assert!(!Str::json(said).is_blank(), "{said}");
        }
    }
}
