//! What a provider that speaks (nearly) OpenAI's chat grammar sends, read
//! leniently and in one pass: no provider's answers pass OpenAI's own schema, so
//! nothing but broken JSON is refused here. Members are kept as spans of the
//! text, so that reading copies nothing and one [`Chunk`] serves a whole stream.
//!
//! A chunk of a stream and the body of an unstreamed answer are the same object
//! but for `delta` and `message`, which hold the same members.

use std::borrow::Cow;
use std::ops::Range;

use crate::event::{Channel, Event, Scope, Step};
use crate::json::{Cursor, Flaw, Kind, decode};

/// Padding that carries nothing: Mistral's and OpenAI's guard against guessing
/// the text from the length of the packets.
const PADDING: [&str; 2] = ["p", "obfuscation"];

/// Most choices of one answer; OpenAI allows 128. A span costs more memory than
/// the two bytes of an empty object, so hostile bytes must not buy many.
pub(crate) const MAX_CHOICES: usize = 1024;
/// Most unknown members of one chunk; what is beyond is dropped.
pub(crate) const MAX_EXTRAS: usize = 4096;

/// A stretch of the text; an empty one stands for an absent member, or `null`.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Span {
    start: usize,
    end: usize,
}

impl Span {
    pub(crate) fn is_some(self) -> bool {
        self.end > self.start
    }

    pub(crate) fn range(self) -> Range<usize> {
        self.start..self.end
    }

    /// The JSON text of the member; empty if it is absent.
    pub(crate) fn raw(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }

    /// The string that the member holds; `None` if it is absent or no string.
    pub(crate) fn string(self, text: &str) -> Option<Cow<'_, str>> {
        let raw = self.raw(text);
        raw.starts_with('"').then(|| decode(raw))
    }

    /// The same, but an empty string counts as absent too.
    pub(crate) fn filled(self, text: &str) -> Option<Cow<'_, str>> {
        self.string(text).filter(|text| !text.is_empty())
    }

    pub(crate) fn number(self, text: &str) -> Option<u64> {
        number(self.raw(text))
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Span {
            start: range.start,
            end: range.end,
        }
    }
}

/// A count or a time as providers spell it: an integer, or a float without need.
pub(crate) fn number(raw: &str) -> Option<u64> {
    if let Ok(exact) = raw.parse() {
        return Some(exact);
    }
    let float: f64 = raw.parse().ok()?;
    // A float casts to the nearest integer in range; no panic, no wrap-around.
    (float.is_finite() && float >= 0.0).then_some(float as u64)
}

/// A member that this dialect does not know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extra {
    /// The position of its choice in the chunk; none for the chunk's own.
    pub(crate) choice: Option<usize>,
    scope: Scope,
    key: Span,
    value: Span,
}

impl Extra {
    fn key(self, text: &str) -> Cow<'_, str> {
        decode(self.key.raw(text))
    }

    fn value(self, text: &str) -> &str {
        self.value.raw(text)
    }

    /// Whether it says the reasoning once more, in its parts.
    pub(crate) fn is_details(self, text: &str) -> bool {
        self.scope == Scope::Delta && self.key.raw(text) == r#""reasoning_details""#
    }

    /// The event that it is, in `choice`.
    pub(crate) fn event(self, text: &str, choice: u32) -> Event<'_> {
        Event {
            choice,
            channel: Channel::Meta,
            step: Step::Extra {
                scope: self.scope,
                key: self.key(text),
                value: Cow::Borrowed(self.value(text)),
            },
        }
    }
}

/// One chunk, or one body.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    pub(crate) id: Span,
    pub(crate) created: Span,
    pub(crate) model: Span,
    /// `choices` is there and is a list, which an error never has.
    pub(crate) has_choices: bool,
    pub(crate) choices: Vec<Choice>,
    /// The key of the last `usage` member.
    pub(crate) usage_key: Span,
    /// Its value, `null` included.
    pub(crate) usage_value: Span,
    /// Groq's envelope, which may hold the only usage.
    pub(crate) x_groq: Span,
    pub(crate) service_tier: Span,
    pub(crate) prompt_filter: Span,
    pub(crate) error: Span,
    pub(crate) extras: Vec<Extra>,
    /// One of the extras says the reasoning once more, in its parts.
    pub(crate) has_details: bool,
    keep: bool,
}

/// One choice.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) index: Option<u64>,
    pub(crate) role: Span,
    pub(crate) content: Span,
    pub(crate) reasoning_content: Span,
    pub(crate) reasoning: Span,
    pub(crate) refusal: Span,
    pub(crate) tool_calls: Span,
    pub(crate) function_call: Span,
    pub(crate) audio: Span,
    pub(crate) logprobs: Span,
    pub(crate) finish: Span,
    pub(crate) native_finish: Span,
    /// The text of OpenAI's older form.
    pub(crate) text: Span,
}

impl Chunk {
    /// A chunk to read into, again and again; `keep` says whether members that
    /// are unknown here are remembered.
    pub(crate) fn new(keep: bool) -> Chunk {
        Chunk {
            keep,
            ..Chunk::default()
        }
    }

    /// Reads `text` in place of what was there.
    pub(crate) fn read(&mut self, text: &str) -> Result<(), Flaw> {
        let (mut choices, mut extras) = (
            std::mem::take(&mut self.choices),
            std::mem::take(&mut self.extras),
        );
        choices.clear();
        extras.clear();
        *self = Chunk {
            keep: self.keep,
            choices,
            extras,
            ..Chunk::default()
        };
        let mut cursor = Cursor::new(text, 0);
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            self.member(&mut cursor, text, key)?;
        }
        cursor.end()
    }

    /// The value of `usage`, unless it is absent or `null`.
    pub(crate) fn usage<'a>(&self, text: &'a str) -> Option<&'a str> {
        let raw = self.usage_value.raw(text);
        raw.starts_with('{').then_some(raw)
    }

    fn member(
        &mut self,
        cursor: &mut Cursor<'_>,
        text: &str,
        key: Range<usize>,
    ) -> Result<(), Flaw> {
        let name = name(text, &key);
        if name == "choices" && cursor.kind()? == Kind::Array {
            self.has_choices = true;
            self.choices.clear();
            cursor.open_array()?;
            while cursor.item()? {
                self.choice(cursor, text)?;
            }
            return Ok(());
        }
        if name == "usage" {
            self.usage_key = key.into();
            self.usage_value = cursor.skip()?.into();
            return Ok(());
        }
        let value = value(cursor)?;
        match name {
            "id" => self.id = value,
            "created" => self.created = value,
            "model" => self.model = value,
            "error" => self.error = value,
            // Choices of another type would come after ours, and be read in their stead.
            "object" | "choices" => {}
            _ => {
                match name {
                    "prompt_filter_results" => self.prompt_filter = value,
                    "x_groq" => self.x_groq = value,
                    "service_tier" => self.service_tier = value,
                    _ => {}
                }
                self.extra((None, Scope::Chunk), key, value, name);
            }
        }
        Ok(())
    }

    fn extra(&mut self, place: (Option<usize>, Scope), key: Range<usize>, value: Span, name: &str) {
        if self.keep
            && value.is_some()
            && !PADDING.contains(&name)
            && self.extras.len() < MAX_EXTRAS
        {
            let (choice, scope) = place;
            self.has_details |= name == "reasoning_details";
            self.extras.push(Extra {
                choice,
                scope,
                key: key.into(),
                value,
            });
        }
    }

    fn choice(&mut self, cursor: &mut Cursor<'_>, text: &str) -> Result<(), Flaw> {
        if cursor.kind()? != Kind::Object {
            cursor.skip()?;
            return Ok(());
        }
        let mut choice = Choice::default();
        let place = Some(self.choices.len());
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let name = name(text, &key);
            if matches!(name, "delta" | "message") && cursor.kind()? == Kind::Object {
                self.delta(cursor, text, &mut choice)?;
                continue;
            }
            let value = value(cursor)?;
            match name {
                // Of another type it would come after ours, and be read in its stead.
                "delta" | "message" => {}
                "index" => choice.index = value.number(text),
                "finish_reason" => choice.finish = value,
                "logprobs" => choice.logprobs = value,
                "native_finish_reason" => choice.native_finish = value,
                _ => {
                    if name == "text" {
                        choice.text = value;
                    }
                    self.extra((place, Scope::Choice), key, value, name);
                }
            }
        }
        if self.choices.len() == MAX_CHOICES {
            return Err(Flaw {
                what: "more choices than any request can ask for",
                at: 0,
            });
        }
        self.choices.push(choice);
        Ok(())
    }

    fn delta(
        &mut self,
        cursor: &mut Cursor<'_>,
        text: &str,
        choice: &mut Choice,
    ) -> Result<(), Flaw> {
        let place = Some(self.choices.len());
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let name = name(text, &key);
            let kind = cursor.kind()?;
            let value = value(cursor)?;
            match (name, kind) {
                ("role", _) => choice.role = value,
                ("content", Kind::String | Kind::Array | Kind::Null) => choice.content = value,
                ("reasoning_content", Kind::String | Kind::Null) => {
                    choice.reasoning_content = value;
                }
                ("reasoning", Kind::String | Kind::Null) => choice.reasoning = value,
                ("refusal", Kind::String | Kind::Null) => choice.refusal = value,
                ("tool_calls", _) => choice.tool_calls = value,
                // Here too.
                ("content" | "reasoning_content" | "refusal", _) => {}
                _ => {
                    match name {
                        "function_call" => choice.function_call = value,
                        "audio" => choice.audio = value,
                        _ => {}
                    }
                    self.extra((place, Scope::Delta), key, value, name);
                }
            }
        }
        Ok(())
    }
}

/// A key as it stands between its quotes: nobody escapes the letters of the
/// names that are known here, and an unknown one is unescaped when it is shown.
fn name<'a>(text: &'a str, key: &Range<usize>) -> &'a str {
    text.get(key.start + 1..key.end.saturating_sub(1))
        .unwrap_or_default()
}

/// Reads one value; `null` counts as absent.
fn value(cursor: &mut Cursor<'_>) -> Result<Span, Flaw> {
    let null = cursor.kind()? == Kind::Null;
    let span = cursor.skip()?;
    Ok(if null { Span::default() } else { span.into() })
}

/// Walks the members of the object `raw`; stops at the first flaw, and does
/// nothing for any other value.
pub(crate) fn members<'a>(raw: &'a str, mut f: impl FnMut(&str, &'a str)) {
    let mut cursor = Cursor::new(raw, 0);
    if cursor.open_object().is_err() {
        return;
    }
    while let Ok(Some(key)) = cursor.key() {
        let Ok(value) = cursor.skip() else { return };
        f(
            &decode(raw.get(key).unwrap_or_default()),
            raw.get(value).unwrap_or_default(),
        );
    }
}

/// Walks the elements of the array `raw`; an object counts as a list of one.
pub(crate) fn elements<'a>(raw: &'a str, mut f: impl FnMut(&'a str)) {
    if raw.starts_with('{') {
        return f(raw);
    }
    let mut cursor = Cursor::new(raw, 0);
    if cursor.open_array().is_err() {
        return;
    }
    while let Ok(true) = cursor.item() {
        let Ok(value) = cursor.skip() else { return };
        f(raw.get(value).unwrap_or_default());
    }
}

/// The string that `raw` spells; `None` for any other value.
pub(crate) fn string(raw: &str) -> Option<Cow<'_, str>> {
    raw.starts_with('"').then(|| decode(raw))
}
