//! Reads content blocks: the members of a block in any order, and then, by its
//! type, what they come to. A block that does not fit its type is kept whole.

use std::borrow::Cow;

use crate::ask::{Arguments, Extra, Lift, Part, PartKind, Raw, Source, Str};
use crate::json::Kind;
use crate::reading::Stop;
use crate::text::Path;

/// A string, or an array of blocks.
pub(super) fn content<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Vec<Part<'a>>, Stop> {
    if lift.kind()? != Kind::Array {
        let text = lift.string(path)?;
        let part = |text| Part::from(PartKind::Text(text));
        return Ok(text.map(part).into_iter().collect());
    }
    let mut parts = Vec::new();
    lift.array(path, &mut |lift, path| {
        parts.push(block(lift, path)?);
        Ok(())
    })?;
    Ok(parts)
}

/// The members of a block before its type says what to make of them.
#[derive(Default)]
struct Loose<'a> {
    sort: Option<Str<'a>>,
    text: Option<Str<'a>>,
    thinking: Option<Str<'a>>,
    signature: Option<Str<'a>>,
    data: Option<Str<'a>>,
    id: Option<Str<'a>>,
    name: Option<Str<'a>>,
    input: Option<Raw<'a>>,
    call_id: Option<Str<'a>>,
    content: Option<Vec<Part<'a>>>,
    is_error: Option<bool>,
    source: Option<Source<'a>>,
    title: Option<Str<'a>>,
    marker: Option<Raw<'a>>,
    extra: Vec<Extra<'a>>,
    /// A member has a shape that is unknown here.
    odd: bool,
}

fn block<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Part<'a>, Stop> {
    let start = lift.start()?;
    if lift.kind()? != Kind::Object {
        return Ok(Part::from(PartKind::Other(Cow::Borrowed(lift.raw()?))));
    }
    let mut loose = Loose::default();
    lift.object(path, &mut |lift, name, path| loose.member(lift, name, path))?;
    let whole = lift.since(start);
    Ok(match loose.kind() {
        Some(kind) if loose.is_used_up() => Part {
            kind,
            marker: loose.marker,
            extra: loose.extra,
        },
        _ => Part::from(PartKind::Other(Cow::Borrowed(whole))),
    })
}

impl<'a> Loose<'a> {
    fn member(&mut self, lift: &mut Lift<'a>, name: &str, path: &Path<'_>) -> Result<(), Stop> {
        let kind = lift.kind()?;
        match (name, kind) {
            (_, Kind::Null) => lift.raw().map(drop)?,
            ("type", Kind::String) => self.sort = lift.string(path)?,
            ("text", Kind::String) => self.text = lift.string(path)?,
            ("thinking", Kind::String) => self.thinking = lift.string(path)?,
            ("signature", Kind::String) => self.signature = lift.string(path)?,
            ("data", Kind::String) => self.data = lift.string(path)?,
            ("id", Kind::String) => self.id = lift.string(path)?,
            ("name", Kind::String) => self.name = lift.string(path)?,
            ("input", _) => self.input = lift.maybe()?,
            ("tool_use_id", Kind::String) => self.call_id = lift.string(path)?,
            ("content", Kind::String | Kind::Array) => self.content = Some(content(lift, path)?),
            ("is_error", Kind::Bool) => self.is_error = lift.flag(path)?,
            ("source", Kind::Object) => self.source = Some(source(lift, path)?),
            ("title", Kind::String) => self.title = lift.string(path)?,
            ("cache_control", _) => self.marker = lift.maybe()?,
            (
                "type" | "text" | "thinking" | "signature" | "data" | "id" | "name" | "tool_use_id"
                | "content" | "is_error" | "source" | "title",
                _,
            ) => {
                self.odd = true;
                lift.raw()?;
            }
            _ => lift.extra(name, &mut self.extra)?,
        }
        Ok(())
    }

    fn kind(&mut self) -> Option<PartKind<'a>> {
        Some(match &*self.sort.take()?.read() {
            "text" => PartKind::Text(self.text.take()?),
            "image" => PartKind::Image(self.source.take()?),
            "document" => PartKind::File {
                source: self.source.take()?,
                name: self.title.take(),
            },
            "tool_use" => PartKind::ToolCall {
                id: self.id.take()?,
                name: self.name.take()?,
                arguments: Arguments::Json(self.input.take()?),
            },
            "tool_result" => PartKind::ToolResult {
                call_id: self.call_id.take()?,
                parts: self.content.take().unwrap_or_default(),
                is_error: self.is_error.take(),
            },
            "thinking" => PartKind::Thinking {
                text: self.thinking.take()?,
                signature: self.signature.take(),
            },
            "redacted_thinking" => PartKind::RedactedThinking {
                data: self.data.take()?,
            },
            _ => return None,
        })
    }

    /// Whether the type had a use for every member that was read.
    fn is_used_up(&self) -> bool {
        let strings = [
            &self.text,
            &self.thinking,
            &self.signature,
            &self.data,
            &self.id,
            &self.name,
            &self.call_id,
            &self.title,
        ];
        !self.odd
            && strings.iter().all(|left| left.is_none())
            && self.input.is_none()
            && self.content.is_none()
            && self.is_error.is_none()
            && self.source.is_none()
    }
}

fn source<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Source<'a>, Stop> {
    let start = lift.start()?;
    let (mut sort, mut media_type, mut data) = (None, None, None);
    let (mut url, mut file, mut parts, mut odd) = (None, None, None, false);
    lift.object(path, &mut |lift, name, path| {
        match (name, lift.kind()?) {
            ("type", _) => sort = lift.string(path)?,
            ("media_type", _) => media_type = lift.string(path)?,
            ("data", _) => data = lift.string(path)?,
            ("url", _) => url = lift.string(path)?,
            ("file_id", _) => file = lift.string(path)?,
            ("content", Kind::String | Kind::Array) => parts = Some(content(lift, path)?),
            _ => odd |= lift.maybe()?.is_some(),
        }
        Ok(())
    })?;
    let other = || Source::Other(Cow::Borrowed(lift.since(start)));
    let sort = sort.unwrap_or_default();
    if odd {
        return Ok(other());
    }
    let found = match (&*sort.read(), media_type) {
        ("base64", Some(media_type)) => data.map(|data| Source::Base64 { media_type, data }),
        // Plain text is its only media type.
        ("text", _) => data.map(Source::Text),
        ("url", None) => url.map(Source::Url),
        ("file", None) => file.map(Source::FileId),
        ("content", None) => parts.map(Source::Parts),
        _ => None,
    };
    Ok(found.unwrap_or_else(other))
}
