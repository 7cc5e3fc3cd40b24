//! Fits an Anthropic conversation to OpenAI's grammar. Results of tools leave the
//! user's turn and become messages of their own; pictures and files in them,
//! which such a message cannot hold, come in the user's message directly after,
//! before what he himself says. A result that is an error is marked by a word at
//! its beginning, for there is no member for it.

use crate::ask::{Ask, Part, PartKind, Role, Source, Str, Turn};
use crate::prompt::ReadError;

use super::{Calls, Notes, place, unsupported};

const ERROR: &str = "Error: ";

pub(super) fn fit(
    ask: &mut Ask<'_>,
    keep_reasoning: bool,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let mut turns = Vec::with_capacity(ask.turns.len() + 4);
    let mut calls = Calls::default();
    for mut turn in std::mem::take(&mut ask.turns) {
        notes.drop_extras("messages[].", &mut turn.extra);
        let parts = std::mem::take(&mut turn.parts);
        let mut fitted = Fitted {
            at: turn.at,
            keep_reasoning,
            notes,
            calls: &mut calls,
            results: Vec::new(),
            attached: Vec::new(),
            said: Vec::new(),
        };
        if turn.role == Role::Assistant {
            fitted.calls.settled("content")?;
        }
        for (index, part) in parts.into_iter().enumerate() {
            fitted.part(part, index)?;
        }
        let Fitted {
            results,
            mut attached,
            mut said,
            ..
        } = fitted;
        let answered = !results.is_empty();
        turns.extend(results);
        attached.append(&mut said);
        turn.parts = attached;
        if turn.role == Role::Assistant {
            one_thought(&mut turn);
        }
        match (turn.parts.is_empty(), turn.role) {
            (false, _) => turns.push(turn),
            (true, Role::User) if !answered => {
                return unsupported(place(turn.at, "content"), "is empty: say something in it");
            }
            (true, _) => {}
        }
    }
    if turns
        .last()
        .is_some_and(|turn| turn.role != Role::Assistant)
    {
        calls.settled("content")?;
    }
    ask.turns = turns;
    Ok(())
}

/// What one turn comes to.
struct Fitted<'a, 'n> {
    at: Option<usize>,
    keep_reasoning: bool,
    notes: &'n mut Notes,
    calls: &'n mut Calls,
    /// One message per result.
    results: Vec<Turn<'a>>,
    /// Pictures and files of results.
    attached: Vec<Part<'a>>,
    said: Vec<Part<'a>>,
}

impl<'a> Fitted<'a, '_> {
    fn part(&mut self, mut part: Part<'a>, index: usize) -> Result<(), ReadError> {
        if part.marker.take().is_some() {
            self.notes.drop("cache_control");
        }
        match part.kind {
            PartKind::ToolResult {
                call_id,
                parts,
                is_error,
            } => {
                self.calls.result(&call_id, self.at, "content")?;
                self.notes
                    .drop_extras("messages[].content[].", &mut part.extra);
                return self.result(call_id, parts, (is_error == Some(true), index));
            }
            PartKind::ToolCall { ref id, .. } => self.calls.call(id, self.at, "content")?,
            PartKind::Thinking {
                ref text,
                ref mut signature,
            } => {
                if !self.keep_reasoning {
                    self.notes.drop("messages[].content[].thinking");
                    return Ok(());
                }
                if signature.take().is_some() {
                    self.notes.drop("messages[].content[].signature");
                }
                // Of a thought that its provider does not show, only the seal came.
                if text.is_blank() {
                    return Ok(());
                }
            }
            PartKind::RedactedThinking { .. } => {
                self.notes.drop("messages[].content[].data");
                return Ok(());
            }
            _ => {
                let fitted = self.content(part, index)?;
                self.said.extend(fitted);
                return Ok(());
            }
        }
        self.notes
            .drop_extras("messages[].content[].", &mut part.extra);
        self.said.push(part);
        Ok(())
    }

    fn result(
        &mut self,
        call_id: Str<'a>,
        parts: Vec<Part<'a>>,
        (is_error, index): (bool, usize),
    ) -> Result<(), ReadError> {
        let mut texts = Vec::with_capacity(parts.len());
        for mut part in parts {
            if part.marker.take().is_some() {
                self.notes.drop("cache_control");
            }
            for part in self.content(part, index)? {
                match part.kind {
                    PartKind::Text(_) => texts.push(part),
                    _ => self.attached.push(part),
                }
            }
        }
        if is_error {
            mark_error(&mut texts);
        }
        if texts.is_empty() {
            texts.push(Part::from(PartKind::Text(Str::default())));
        }
        self.results.push(Turn {
            role: Role::Tool,
            parts: vec![Part::from(PartKind::ToolResult {
                call_id,
                parts: texts,
                is_error: None,
            })],
            at: self.at,
            thoughts_in: Vec::new(),
            extra: Vec::new(),
        });
        Ok(())
    }

    /// A part of content; a document may come to several.
    fn content(&mut self, mut part: Part<'a>, index: usize) -> Result<Vec<Part<'a>>, ReadError> {
        let at = self.at;
        let here = move || match at {
            Some(at) => format!("messages[{at}].content[{index}]"),
            None => format!("system[{index}]"),
        };
        match part.kind {
            PartKind::Text(_) | PartKind::Image(Source::Base64 { .. } | Source::Url(_)) => {
                self.notes
                    .drop_extras("messages[].content[].", &mut part.extra);
                Ok(vec![part])
            }
            PartKind::Image(_) => unsupported(
                format!("{}.source", here()),
                "must hold the picture in base64 or its address",
            ),
            PartKind::File { source, name } => {
                part.kind = PartKind::Text(Str::default());
                self.document(source, name, part, (index, here()))
            }
            _ => unsupported(
                format!("{}.type", here()),
                "is a block that only models of Anthropic can take",
            ),
        }
    }

    /// A document: a file, or its texts with title and context before them.
    fn document(
        &mut self,
        source: Source<'a>,
        name: Option<Str<'a>>,
        mut part: Part<'a>,
        (index, here): (usize, String),
    ) -> Result<Vec<Part<'a>>, ReadError> {
        let context = take_context(&mut part);
        self.notes
            .drop_extras("messages[].content[].", &mut part.extra);
        let text = |text| Part::from(PartKind::Text(text));
        let mut parts = Vec::new();
        match source {
            Source::Base64 { .. } => {
                parts.extend(context.map(text));
                part.kind = PartKind::File {
                    source,
                    name: Some(name.unwrap_or_else(|| Str::text("document.pdf"))),
                };
                parts.push(part);
            }
            Source::Text(words) => parts.push(text(titled(&[name, context, Some(words)]))),
            Source::Parts(inner) => {
                parts.extend(name.into_iter().chain(context).map(text));
                for part in inner {
                    if !matches!(part.kind, PartKind::Text(_) | PartKind::Image(_)) {
                        return unsupported(
                            format!("{here}.source"),
                            "must be made of texts and pictures",
                        );
                    }
                    parts.extend(self.content(part, index)?);
                }
            }
            Source::Url(_) | Source::FileId(_) | Source::Other(_) => {
                return unsupported(
                    format!("{here}.source"),
                    "must hold the document itself: send it in base64 or as text",
                );
            }
        }
        for part in &mut parts {
            if part.marker.take().is_some() {
                self.notes.drop("cache_control");
            }
        }
        Ok(parts)
    }
}

/// Marks the texts of a result as those of an error.
pub(super) fn mark_error(texts: &mut Vec<Part<'_>>) {
    match texts.first_mut().map(|part| &mut part.kind) {
        Some(PartKind::Text(text)) => *text = Str::join(&[ERROR, text.raw()]),
        _ => texts.push(Part::from(PartKind::Text(Str::text(ERROR.trim_end())))),
    }
}

/// What the client says of a document beside its title.
pub(super) fn take_context(part: &mut Part<'_>) -> Option<Str<'static>> {
    let mut context = None;
    part.extra.retain(|extra| {
        let found = extra.name == *"context" && extra.value.starts_with('"');
        if found {
            context = Some(Str::text(&crate::json::decode(&extra.value)));
        }
        !found
    });
    context
}

/// The text of a document after its title and context.
pub(super) fn titled(lines: &[Option<Str<'_>>; 3]) -> Str<'static> {
    let raw: Vec<&str> = lines.iter().flatten().map(Str::raw).collect();
    Str::join(&[&*raw.join("\\n\\n")])
}

/// `reasoning_content` is one string.
fn one_thought(turn: &mut Turn<'_>) {
    let thought = |part: &Part<'_>| matches!(part.kind, PartKind::Thinking { .. });
    if turn.parts.iter().filter(|part| thought(part)).count() < 2 {
        return;
    }
    let mut texts = Vec::new();
    turn.parts.retain(|part| {
        if let PartKind::Thinking { text, .. } = &part.kind {
            texts.push(text.clone());
        }
        !thought(part)
    });
    let raw: Vec<&str> = texts.iter().map(Str::raw).collect();
    let text = Str::join(&[&*raw.join("\\n\\n")]);
    turn.parts.insert(
        0,
        Part::from(PartKind::Thinking {
            text,
            signature: None,
        }),
    );
}
