//! Reads the items of an input: each becomes a turn of its own, and the fitting
//! for a provider joins those that belong together.

use std::borrow::Cow;

use crate::ask::{Arguments, Extra, Lift, Part, PartKind, Role, Source, Str, Turn};
use crate::dialect::openai_chat::lift::{at_url, in_data_url};
use crate::json::Kind;
use crate::reading::Stop;
use crate::text::Path;

use super::lift::turn;
use super::{HIDDEN, SEAL};

/// What an item holds before its type says what to make of it.
#[derive(Default)]
struct Item<'a> {
    sort: Option<Str<'a>>,
    role: Option<Str<'a>>,
    content: Vec<Part<'a>>,
    output: Vec<Part<'a>>,
    /// The thoughts of `summary` and of `content`.
    summary: Vec<Str<'a>>,
    thoughts: Vec<Str<'a>>,
    call_id: Option<Str<'a>>,
    name: Option<Str<'a>>,
    arguments: Option<Str<'a>>,
    sealed: Option<Str<'a>>,
    extra: Vec<Extra<'a>>,
    /// A member has a shape that is unknown here.
    odd: bool,
}

pub(super) fn item<'a>(lift: &mut Lift<'a>, path: &Path<'_>, at: usize) -> Result<Turn<'a>, Stop> {
    let start = lift.start()?;
    let mut item = Item::default();
    lift.object(path, &mut |lift, name, path| item.member(lift, name, path))?;
    let whole = lift.since(start);
    Ok(item.turn(at, whole))
}

impl<'a> Item<'a> {
    fn member(&mut self, lift: &mut Lift<'a>, name: &str, path: &Path<'_>) -> Result<(), Stop> {
        match (name, lift.kind()?) {
            (_, Kind::Null) => lift.raw().map(drop)?,
            ("type", Kind::String) => self.sort = lift.string(path)?,
            ("role", Kind::String) => self.role = lift.string(path)?,
            ("call_id", Kind::String) => self.call_id = lift.string(path)?,
            ("name", Kind::String) => self.name = lift.string(path)?,
            ("arguments", Kind::String) => self.arguments = lift.string(path)?,
            ("encrypted_content", Kind::String) => self.sealed = lift.string(path)?,
            ("content", Kind::String | Kind::Array) => {
                self.content = content(lift, path)?;
                for part in &self.content {
                    if let PartKind::Thinking { text, .. } = &part.kind {
                        self.thoughts.push(text.clone());
                    }
                }
            }
            ("output", Kind::String | Kind::Array) => self.output = content(lift, path)?,
            ("summary", Kind::Array) => {
                for part in content(lift, path)? {
                    if let PartKind::Thinking { text, .. } = part.kind {
                        self.summary.push(text);
                    }
                }
            }
            // What an answer says of its own items.
            ("id" | "status" | "phase", _) => lift.raw().map(drop)?,
            ("type" | "role" | "call_id" | "name" | "arguments" | "content" | "output", _) => {
                self.odd = true;
                lift.raw()?;
            }
            _ => lift.extra(name, &mut self.extra)?,
        }
        Ok(())
    }

    fn turn(mut self, at: usize, whole: &'a str) -> Turn<'a> {
        let at = Some(at);
        let sort = self.sort.as_ref().map(|sort| sort.read().into_owned());
        let other = |role| {
            let mut other = turn(role, at);
            other
                .parts
                .push(PartKind::OtherCall(Cow::Borrowed(whole)).into());
            other
        };
        let mut told = match (sort.as_deref(), self.role.is_some()) {
            (Some("message"), _) | (None, true) if !self.odd => {
                let role = self.role.take().unwrap_or_default();
                let mut said = turn(role_of(&role.read()), at);
                said.parts = self.content;
                said
            }
            (Some("function_call"), _) if !self.odd && self.name.is_some() => {
                let mut called = turn(Role::Assistant, at);
                called.parts.push(Part::from(PartKind::ToolCall {
                    id: self.call_id.take().unwrap_or_default(),
                    name: self.name.take().unwrap_or_default(),
                    arguments: Arguments::Text(self.arguments.take().unwrap_or_default()),
                }));
                called
            }
            (Some("function_call_output"), _) if !self.odd => {
                let mut answered = turn(Role::Tool, at);
                answered.parts.push(Part::from(PartKind::ToolResult {
                    call_id: self.call_id.take().unwrap_or_default(),
                    parts: self.output,
                    is_error: None,
                }));
                answered
            }
            (Some("reasoning"), _) => {
                let mut thought = turn(Role::Assistant, at);
                thought.thoughts_in.push("summary");
                let texts = if self.summary.is_empty() {
                    self.thoughts
                } else {
                    self.summary
                };
                thought.parts.extend(thinking(&texts, self.sealed.as_ref()));
                thought
            }
            (Some(sort), _) if sort.ends_with("_output") => return other(Role::Tool),
            _ => return other(Role::Assistant),
        };
        told.extra = self.extra;
        told
    }
}

fn role_of(role: &str) -> Role {
    match role {
        "system" | "developer" => Role::System,
        "assistant" => Role::Assistant,
        _ => Role::User,
    }
}

/// A thought, if anything of it is left: a seal of OpenAI's own tells nobody else
/// anything.
fn thinking<'a>(texts: &[Str<'a>], sealed: Option<&Str<'a>>) -> Option<Part<'a>> {
    let after = |mark: &str| {
        let raw = sealed?.borrowed()?;
        raw.strip_prefix(mark).map(Str::piece)
    };
    if let Some(data) = after(HIDDEN) {
        return Some(PartKind::RedactedThinking { data }.into());
    }
    let signature = after(SEAL);
    let text = match texts {
        [one] => one.clone(),
        [] if signature.is_none() => return None,
        many => {
            let raw: Vec<&str> = many.iter().map(Str::raw).collect();
            Str::join(&[&*raw.join("\\n\\n")])
        }
    };
    Some(PartKind::Thinking { text, signature }.into())
}

/// A text, or a list of parts.
pub(super) fn content<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Vec<Part<'a>>, Stop> {
    if lift.kind()? != Kind::Array {
        let text = lift.string(path)?;
        return Ok(text
            .map(|text| PartKind::Text(text).into())
            .into_iter()
            .collect());
    }
    let mut parts = Vec::new();
    lift.array(path, &mut |lift, path| {
        parts.push(match lift.kind()? {
            Kind::String => PartKind::Text(lift.string(path)?.unwrap_or_default()).into(),
            _ => part(lift, path)?,
        });
        Ok(())
    })?;
    Ok(parts)
}

/// The members of a part before its type says what to make of them.
#[derive(Default)]
struct Loose<'a> {
    sort: Option<Str<'a>>,
    text: Option<Str<'a>>,
    refusal: Option<Str<'a>>,
    source: Option<Source<'a>>,
    name: Option<Str<'a>>,
    audio: Option<(Str<'a>, Str<'a>)>,
    extra: Vec<Extra<'a>>,
}

fn part<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Part<'a>, Stop> {
    let start = lift.start()?;
    let mut loose = Loose::default();
    lift.object(path, &mut |lift, name, path| loose.member(lift, name, path))?;
    let whole = lift.since(start);
    let extra = std::mem::take(&mut loose.extra);
    Ok(match loose.kind() {
        Some(kind) => Part {
            kind,
            marker: None,
            extra,
        },
        None => PartKind::Other(Cow::Borrowed(whole)).into(),
    })
}

impl<'a> Loose<'a> {
    fn member(&mut self, lift: &mut Lift<'a>, name: &str, path: &Path<'_>) -> Result<(), Stop> {
        match (name, lift.kind()?) {
            (_, Kind::Null) => lift.raw().map(drop)?,
            ("type", Kind::String) => self.sort = lift.string(path)?,
            ("text", Kind::String) => self.text = lift.string(path)?,
            ("refusal", Kind::String) => self.refusal = lift.string(path)?,
            ("filename", Kind::String) => self.name = lift.string(path)?,
            ("image_url" | "file_url", Kind::String) => {
                self.source = lift.string(path)?.map(at_url);
            }
            ("file_data", Kind::String) => {
                self.source = lift.string(path)?.map(|data| {
                    in_data_url(&data).unwrap_or_else(|| Source::Base64 {
                        media_type: Str::default(),
                        data,
                    })
                });
            }
            ("file_id", Kind::String) => {
                self.source = lift
                    .string(path)?
                    .map(Source::FileId)
                    .or(self.source.take());
            }
            ("input_audio", Kind::Object) => self.audio(lift, path)?,
            // What an answer says of its own texts.
            ("annotations" | "logprobs" | "id", _) => lift.raw().map(drop)?,
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
        Ok(())
    }

    fn kind(self) -> Option<PartKind<'a>> {
        Some(match &*self.sort?.read() {
            "input_text" | "output_text" | "text" => PartKind::Text(self.text?),
            "summary_text" | "reasoning_text" => PartKind::Thinking {
                text: self.text?,
                signature: None,
            },
            "refusal" => PartKind::Refusal(self.refusal?),
            "input_image" => PartKind::Image(self.source?),
            "input_file" => PartKind::File {
                source: self.source?,
                name: self.name,
            },
            "input_audio" => {
                let (data, format) = self.audio?;
                PartKind::Audio { data, format }
            }
            _ => return None,
        })
    }
}
