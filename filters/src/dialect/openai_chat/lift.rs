//! Reads a chat request into the canonical form, in one pass.

use std::borrow::Cow;

use crate::ask::{Arguments, Ask, Extra, Lift, Part, PartKind, Raw, Role, Source, Str, Turn};
use crate::json::Kind;
use crate::reading::Stop;
use crate::text::Path;

use super::lift_thoughts::{Thoughts, thought};
use super::lift_tools::{format, tool, tool_choice};

/// Reads a body that [`crate::prompt::Prompt::read`] has taken.
pub(crate) fn lift(text: &str) -> Result<Ask<'_>, Stop> {
    let mut ask = Ask::default();
    let mut older_limit = None;
    Lift::new(text, 0).object(&Path::ROOT, &mut |lift, name, path| {
        match name {
            "model" => ask.model = lift.string(path)?.unwrap_or_default(),
            "messages" => lift.array(path, &mut |lift, path| {
                let at = ask.turns.len();
                ask.turns.push(turn(lift, path, at)?);
                Ok(())
            })?,
            "tools" => lift.array(path, &mut |lift, path| {
                ask.tools.push(tool(lift, path)?);
                Ok(())
            })?,
            "tool_choice" => ask.tool_choice = tool_choice(lift, path)?,
            "parallel_tool_calls" => ask.parallel_tool_calls = lift.flag(path)?,
            "max_completion_tokens" => ask.max_output = lift.number()?,
            "max_tokens" => older_limit = lift.number()?,
            "stop" => ask.stop = stops(lift, path)?,
            "response_format" => ask.format = format(lift, path)?,
            "reasoning_effort" => ask.reasoning.effort = lift.string(path)?,
            "user" => ask.user = lift.string(path)?,
            "metadata" => ask.metadata = lift.maybe()?,
            "service_tier" => ask.service_tier = lift.string(path)?,
            "stream" => ask.stream = lift.flag(path)? == Some(true),
            "stream_options" => ask.stream_options = lift.maybe()?,
            _ => match sampling(&mut ask, name) {
                Some(field) => *field = lift.maybe()?,
                None => lift.extra(name, &mut ask.extra)?,
            },
        }
        Ok(())
    })?;
    ask.max_output = ask.max_output.or(older_limit);
    Ok(ask)
}

/// The field of a number that says how tokens are drawn.
fn sampling<'s, 'a>(ask: &'s mut Ask<'a>, name: &str) -> Option<&'s mut Option<Raw<'a>>> {
    let sampling = &mut ask.sampling;
    Some(match name {
        "temperature" => &mut sampling.temperature,
        "top_p" => &mut sampling.top_p,
        "top_k" => &mut sampling.top_k,
        "seed" => &mut sampling.seed,
        "presence_penalty" => &mut sampling.presence_penalty,
        "frequency_penalty" => &mut sampling.frequency_penalty,
        "logit_bias" => &mut sampling.logit_bias,
        "n" => &mut sampling.n,
        "logprobs" => &mut sampling.logprobs,
        "top_logprobs" => &mut sampling.top_logprobs,
        _ => return None,
    })
}

fn stops<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Vec<Str<'a>>, Stop> {
    let mut stops = Vec::new();
    if lift.kind()? == Kind::Array {
        lift.array(path, &mut |lift, path| {
            stops.extend(lift.string(path)?);
            Ok(())
        })?;
    } else {
        stops.extend(lift.string(path)?);
    }
    Ok(stops)
}

/// What a message holds before its role says what to make of it.
#[derive(Default)]
struct Message<'a> {
    role: Option<Role>,
    content: Vec<Part<'a>>,
    calls: Vec<Part<'a>>,
    call_id: Option<Str<'a>>,
    refusal: Option<Str<'a>>,
    thoughts: Thoughts<'a>,
    marker: Option<Raw<'a>>,
    extra: Vec<Extra<'a>>,
}

fn turn<'a>(lift: &mut Lift<'a>, path: &Path<'_>, at: usize) -> Result<Turn<'a>, Stop> {
    let mut message = Message::default();
    lift.object(path, &mut |lift, name, path| {
        match name {
            "role" => {
                message.role = lift.string(path)?.map(|role| match &*role.read() {
                    "system" | "developer" => Role::System,
                    "assistant" => Role::Assistant,
                    "tool" => Role::Tool,
                    "function" => Role::Function,
                    _ => Role::User,
                });
            }
            "content" => message.content = content(lift, path)?,
            "tool_calls" => lift.array(path, &mut |lift, path| {
                message.calls.push(call(lift, path)?);
                Ok(())
            })?,
            "tool_call_id" => message.call_id = lift.string(path)?,
            "refusal" => message.refusal = lift.string(path)?,
            "cache_control" => message.marker = lift.maybe()?,
            _ => {
                if !message.thoughts.member(lift, name, path)? {
                    lift.extra(name, &mut message.extra)?;
                }
            }
        }
        Ok(())
    })?;
    Ok(message.turn(at))
}

impl<'a> Message<'a> {
    fn turn(mut self, at: usize) -> Turn<'a> {
        let role = self.role.unwrap_or(Role::User);
        let mut thoughts_in = self.thoughts.members();
        let is_thought = |part: &Part<'_>| matches!(part.kind, PartKind::Thinking { .. });
        if self.content.iter().any(is_thought) {
            thoughts_in.push("content[].thinking");
        }
        let mut parts = self.thoughts.parts();
        if role == Role::Tool {
            parts.push(Part::from(PartKind::ToolResult {
                call_id: self.call_id.take().unwrap_or_default(),
                parts: std::mem::take(&mut self.content),
                is_error: None,
            }));
        }
        if parts.is_empty() {
            parts = self.content;
        } else {
            parts.append(&mut self.content);
        }
        parts.extend(
            self.refusal
                .map(|words| Part::from(PartKind::Refusal(words))),
        );
        parts.append(&mut self.calls);
        let mut extra = self.extra;
        if let Some(id) = self.call_id {
            let value = Cow::Owned(format!("\"{}\"", id.raw()));
            extra.push(Extra {
                name: Str::text("tool_call_id"),
                value,
            });
        }
        if let (Some(marker), Some(last)) = (self.marker, parts.last_mut()) {
            last.marker.get_or_insert(marker);
        }
        Turn {
            role,
            parts,
            at: Some(at),
            thoughts_in,
            extra,
        }
    }
}

fn content<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Vec<Part<'a>>, Stop> {
    if lift.kind()? != Kind::Array {
        let text = lift.string(path)?;
        return Ok(text
            .map(|t| Part::from(PartKind::Text(t)))
            .into_iter()
            .collect());
    }
    let mut parts = Vec::new();
    lift.array(path, &mut |lift, path| {
        let kind = lift.kind()?;
        parts.push(match kind {
            Kind::String => Part::from(PartKind::Text(lift.string(path)?.unwrap_or_default())),
            _ => part(lift, path)?,
        });
        Ok(())
    })?;
    Ok(parts)
}

/// The members of a content part before its type says what to make of them.
#[derive(Default)]
struct Loose<'a> {
    sort: Option<Str<'a>>,
    text: Option<Str<'a>>,
    image: Option<Str<'a>>,
    document: Option<Str<'a>>,
    audio: Option<(Str<'a>, Str<'a>)>,
    file: Option<(Option<Source<'a>>, Option<Str<'a>>)>,
    refusal: Option<Str<'a>>,
    thinking: Option<Str<'a>>,
    signature: Option<Str<'a>>,
    marker: Option<Raw<'a>>,
    extra: Vec<Extra<'a>>,
    /// A member has a shape that is unknown here.
    odd: bool,
}

fn part<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Part<'a>, Stop> {
    let start = lift.start()?;
    let mut loose = Loose::default();
    lift.object(path, &mut |lift, name, path| loose.member(lift, name, path))?;
    let whole = lift.since(start);
    let kind = loose.kind();
    let used = loose.text.is_none()
        && loose.image.is_none()
        && loose.document.is_none()
        && loose.audio.is_none()
        && loose.file.is_none()
        && loose.refusal.is_none()
        && loose.thinking.is_none()
        && loose.signature.is_none();
    Ok(match kind {
        Some(kind) if used && !loose.odd => Part {
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
            ("refusal", Kind::String) => self.refusal = lift.string(path)?,
            ("signature", Kind::String) => self.signature = lift.string(path)?,
            ("thinking", _) => self.thinking = thought(lift, path)?,
            ("image_url", Kind::String) => self.image = lift.string(path)?,
            ("document_url", Kind::String) => self.document = lift.string(path)?,
            ("image_url", Kind::Object) => lift.object(path, &mut |lift, name, path| {
                match (name, lift.kind()?) {
                    ("url", Kind::String) => self.image = lift.string(path)?,
                    _ => lift.extra(name, &mut self.extra)?,
                }
                Ok(())
            })?,
            ("input_audio", Kind::Object) => self.audio(lift, path)?,
            ("file", Kind::Object) => self.file(lift, path)?,
            ("cache_control", _) => self.marker = lift.maybe()?,
            (
                "type" | "text" | "refusal" | "signature" | "image_url" | "document_url"
                | "input_audio" | "file",
                _,
            ) => {
                self.odd = true;
                lift.raw()?;
            }
            _ => lift.extra(name, &mut self.extra)?,
        }
        Ok(())
    }

    fn audio(&mut self, lift: &mut Lift<'a>, path: &Path<'_>) -> Result<(), Stop> {
        let (mut data, mut format) = (None, None);
        lift.object(path, &mut |lift, name, path| {
            match name {
                "data" => data = lift.string(path)?,
                "format" => format = lift.string(path)?,
                _ => lift.extra(name, &mut self.extra)?,
            }
            Ok(())
        })?;
        self.audio = data.zip(format);
        self.odd |= self.audio.is_none();
        Ok(())
    }

    fn file(&mut self, lift: &mut Lift<'a>, path: &Path<'_>) -> Result<(), Stop> {
        let (mut source, mut filename) = (None, None);
        lift.object(path, &mut |lift, name, path| {
            match name {
                "file_data" => {
                    let data = lift.string(path)?;
                    source = data.map(|data| {
                        in_data_url(&data).unwrap_or_else(|| Source::Base64 {
                            media_type: Str::default(),
                            data,
                        })
                    });
                }
                "file_id" => source = lift.string(path)?.map(Source::FileId).or(source.take()),
                "filename" => filename = lift.string(path)?,
                _ => lift.extra(name, &mut self.extra)?,
            }
            Ok(())
        })?;
        self.file = Some((source, filename));
        Ok(())
    }

    fn kind(&mut self) -> Option<PartKind<'a>> {
        Some(match &*self.sort.take()?.read() {
            "text" => PartKind::Text(self.text.take()?),
            "image_url" => PartKind::Image(at_url(self.image.take()?)),
            "document_url" => PartKind::File {
                source: at_url(self.document.take()?),
                name: None,
            },
            "input_audio" => {
                let (data, format) = self.audio.take()?;
                PartKind::Audio { data, format }
            }
            "file" => {
                let (source, name) = self.file.take()?;
                PartKind::File {
                    source: source?,
                    name,
                }
            }
            "refusal" => PartKind::Refusal(self.refusal.take()?),
            "thinking" => PartKind::Thinking {
                text: self.thinking.take()?,
                signature: self.signature.take(),
            },
            _ => return None,
        })
    }
}

pub(crate) fn at_url(url: Str<'_>) -> Source<'_> {
    in_data_url(&url).unwrap_or(Source::Url(url))
}

/// The bytes that an address holds itself.
pub(crate) fn in_data_url<'a>(url: &Str<'a>) -> Option<Source<'a>> {
    const MARK: &str = ";base64,";
    let inner = url.borrowed()?.strip_prefix("data:")?;
    let head = inner.as_bytes().get(..inner.len().min(128))?;
    let at = memchr::memmem::find(head, MARK.as_bytes())?;
    Some(Source::Base64 {
        media_type: Str::piece(inner.get(..at)?),
        data: Str::piece(inner.get(at + MARK.len()..)?),
    })
}

fn call<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Part<'a>, Stop> {
    let start = lift.start()?;
    let (mut id, mut name, mut extra) = (None, None, Vec::new());
    let mut arguments = Arguments::Text(Str::default());
    let mut odd = false;
    lift.object(path, &mut |lift, member, path| {
        match member {
            "id" => id = lift.string(path)?,
            "type" => odd |= lift.string(path)?.is_some_and(|sort| sort != *"function"),
            "function" => lift.object(path, &mut |lift, member, path| {
                match (member, lift.kind()?) {
                    ("name", _) => name = lift.string(path)?,
                    ("arguments", Kind::Object) => {
                        arguments = Arguments::Json(Cow::Borrowed(lift.raw()?));
                    }
                    ("arguments", _) => {
                        arguments = Arguments::Text(lift.string(path)?.unwrap_or_default());
                    }
                    _ => lift.extra(member, &mut extra)?,
                }
                Ok(())
            })?,
            _ => lift.extra(member, &mut extra)?,
        }
        Ok(())
    })?;
    Ok(match name {
        Some(name) if !odd => Part {
            kind: PartKind::ToolCall {
                id: id.unwrap_or_default(),
                name,
                arguments,
            },
            marker: None,
            extra,
        },
        _ => Part::from(PartKind::OtherCall(Cow::Borrowed(lift.since(start)))),
    })
}
