//! A pull reader that knows where in the body each JSON token stands. Lenses
//! patch original bytes, so they need positions, in one pass and without a tree;
//! `serde_json` gives values or a tree, but no positions of keys.
//!
//! It accepts exactly what `serde_json` accepts (a property test holds the two
//! together), except that a lone UTF-16 surrogate is let through: nobody but the
//! provider has to understand it. Nesting is limited to 128, as there.

use std::ops::Range;

mod string;

use string::plain_prefix;
pub(crate) use string::{decode, push_quoted, quoted};

/// Deepest nesting that is read; the call stack grows with it.
const MAX_DEPTH: u32 = 128;

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    String,
    Number,
    Bool,
    Null,
}

/// Why a text is not JSON, and at which byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    pub(crate) what: &'static str,
    pub(crate) at: usize,
}

/// A place in a JSON text. Every span it gives counts bytes from the start of
/// that text, also when reading began in its middle.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: u32,
    /// A container was just opened: the next member needs no comma before it.
    fresh: bool,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(text: &'a str, at: usize) -> Self {
        Cursor {
            text,
            at,
            depth: 0,
            fresh: false,
        }
    }

    /// The byte it stands at.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    fn flaw<T>(&self, what: &'static str) -> Result<T, Flaw> {
        Err(Flaw {
            what,
            at: self.at.min(self.text.len()),
        })
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space.
    fn next_token(&mut self) -> Option<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), Flaw> {
        if self.next_token() != Some(byte) {
            return self.flaw(what);
        }
        self.at += 1;
        Ok(())
    }

    /// The kind of the next value, without reading it.
    pub(crate) fn kind(&mut self) -> Result<Kind, Flaw> {
        match self.next_token() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            Some(_) => self.flaw("a JSON value was expected"),
            None => self.flaw("the text ends where a value was expected"),
        }
    }

    fn open(&mut self) -> Result<(), Flaw> {
        if self.depth == MAX_DEPTH {
            return self.flaw("nested deeper than 128 levels");
        }
        self.at += 1;
        self.depth += 1;
        self.fresh = true;
        Ok(())
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth = self.depth.saturating_sub(1);
        self.fresh = false;
    }

    /// Enters an object; read it with [`key`](Self::key) until that gives `None`.
    pub(crate) fn open_object(&mut self) -> Result<(), Flaw> {
        if self.next_token() != Some(b'{') {
            return self.flaw("a JSON object was expected");
        }
        self.open()
    }

    /// Enters an array; read it with [`item`](Self::item) until that is false.
    pub(crate) fn open_array(&mut self) -> Result<(), Flaw> {
        if self.next_token() != Some(b'[') {
            return self.flaw("a JSON array was expected");
        }
        self.open()
    }

    /// The span of the next key, quotes included; the cursor then stands before
    /// its value, which must be read before the next key. `None` closes the object.
    pub(crate) fn key(&mut self) -> Result<Option<Range<usize>>, Flaw> {
        if self.next_token() == Some(b'}') {
            self.close();
            return Ok(None);
        }
        if !self.fresh {
            self.expect(b',', "a comma or a closing brace was expected")?;
        }
        if self.next_token() != Some(b'"') {
            return self.flaw("a quoted key was expected");
        }
        let span = self.string()?;
        self.expect(b':', "a colon was expected after the key")?;
        Ok(Some(span))
    }

    /// Whether another element follows; the cursor then stands before it, and it
    /// must be read before the next call. `false` closes the array.
    pub(crate) fn item(&mut self) -> Result<bool, Flaw> {
        if self.next_token() == Some(b']') {
            self.close();
            return Ok(false);
        }
        if !self.fresh {
            self.expect(b',', "a comma or a closing bracket was expected")?;
        }
        self.fresh = false;
        Ok(true)
    }

    /// Reads one whole value of any kind and gives its span.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, Flaw> {
        let kind = self.kind()?;
        let start = self.at;
        match kind {
            Kind::Object => {
                self.open_object()?;
                while self.key()?.is_some() {
                    self.skip()?;
                }
            }
            Kind::Array => {
                self.open_array()?;
                while self.item()? {
                    self.skip()?;
                }
            }
            Kind::String => return self.string(),
            Kind::Number => self.number()?,
            Kind::Bool | Kind::Null => self.word()?,
        }
        self.fresh = false;
        Ok(start..self.at)
    }

    /// Nothing but white space may follow.
    pub(crate) fn end(&mut self) -> Result<(), Flaw> {
        match self.next_token() {
            None => Ok(()),
            Some(_) => self.flaw("something follows the end of the JSON value"),
        }
    }

    fn word(&mut self) -> Result<(), Flaw> {
        for word in ["true", "false", "null"] {
            if self.rest().starts_with(word.as_bytes()) {
                self.at += word.len();
                return Ok(());
            }
        }
        self.flaw("a JSON value was expected")
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        let count = self
            .rest()
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        if count == 0 {
            return self.flaw("a digit was expected");
        }
        self.at += count;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Flaw> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
            if matches!(self.byte(), Some(b'0'..=b'9')) {
                return self.flaw("a number must not begin with a zero");
            }
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// Reads a string and gives its span, quotes included.
    fn string(&mut self) -> Result<Range<usize>, Flaw> {
        let start = self.at;
        self.at += 1;
        loop {
            self.at += plain_prefix(self.rest());
            match self.byte() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                Some(_) => return self.flaw("a control character inside a string must be escaped"),
                None => return self.flaw("the text ends inside a string"),
            }
        }
        self.at += 1;
        self.fresh = false;
        Ok(start..self.at)
    }

    fn escape(&mut self) -> Result<(), Flaw> {
        self.at += 1;
        match self.byte() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.byte().is_some_and(|b| b.is_ascii_hexdigit()) {
                        return self.flaw("\\u must be followed by four hexadecimal digits");
                    }
                    self.at += 1;
                }
            }
            _ => return self.flaw("an unknown escape in a string"),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::value::RawValue;

    use super::*;

    fn accepts(text: &str) -> Result<(), Flaw> {
        let mut cursor = Cursor::new(text, 0);
        cursor.skip()?;
        cursor.end()
    }

    /// JSON, with one byte changed, put in or taken out.
    fn nearly_json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            5 => "-?(0|[1-9][0-9]{0,2})([.][0-9]{1,2})?([eE][+-]?[0-9]{1,2})?",
            1 => "[-]?[0-9]{0,3}([.][0-9]{0,2})?([eE][+-]?[0-9]{0,2})?",
            5 => "(true|false|null)",
            1 => "(nul|tru|nulll|True)",
            5 => "\"([a-z é😀]|\\\\[\"nu/x]|\\\\u[dD][89cC][0-9a-f]{2}){0,12}\"",
        ];
        let json = leaf.prop_recursive(6, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5)
                    .prop_map(|v| format!("[{}]", v.join(" ,"))),
                proptest::collection::vec(inner, 0..5).prop_map(|v| {
                    let members: Vec<String> = v.iter().map(|x| format!("\"k\" :{x}")).collect();
                    format!("{{ {}}}", members.join(","))
                }),
            ]
        });
        (
            json,
            any::<prop::sample::Index>(),
            0..6u8,
            "[ ,:{}\\[\\]\"\\\\\n\t0e.-]",
        )
            .prop_map(|(json, at, how, with)| {
                let mut chars: Vec<String> = json.chars().map(String::from).collect();
                let at = at.index(chars.len().max(1));
                match how {
                    0 if at < chars.len() => drop(chars.remove(at)),
                    1 if at < chars.len() => chars[at] = with,
                    2 => chars.insert(at.min(chars.len()), with),
                    _ => {}
                }
                chars.concat()
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn it_accepts_exactly_what_serde_json_accepts(text in nearly_json()) {
            let serde = serde_json::from_str::<&RawValue>(&text);
            prop_assert_eq!(accepts(&text).is_ok(), serde.is_ok(), "{}", text);
        }
    }

    #[test]
    fn nesting_beyond_the_limit_is_a_flaw_and_no_overflow() {
        for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
            let nested = |depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(accepts(&nested(128)), Ok(()));
            assert!(accepts(&nested(129)).is_err_and(|flaw| flaw.what.contains("deeper")));
            assert!(accepts(&open.repeat(1_000_000)).is_err());
        }
    }

    #[test]
    fn spans_hold_keys_and_values_and_nothing_around_them() {
        let text = r#" { "a" : [1, 2] , "b":"x\"" } "#;
        let mut cursor = Cursor::new(text, 0);
        let mut seen = Vec::new();
        cursor.open_object().unwrap();
        while let Some(key) = cursor.key().unwrap() {
            let value = cursor.skip().unwrap();
            seen.push((&text[key], &text[value]));
        }
        assert_eq!(seen, [("\"a\"", "[1, 2]"), ("\"b\"", r#""x\"""#)]);
        assert_eq!(cursor.end(), Ok(()));
    }

    #[test]
    fn a_control_character_is_found_at_every_offset_of_a_string() {
        for length in 0..40 {
            let text = format!("\"{}\u{1f}{}\"", "é".repeat(length), "x".repeat(9));
            let flaw = accepts(&text).unwrap_err();
            assert_eq!(flaw.at, 1 + 2 * length);
        }
    }
}
