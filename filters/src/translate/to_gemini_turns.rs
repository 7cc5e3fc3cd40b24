//! Fits a conversation to Gemini's grammar: the operator's opening words apart,
//! then turns of user and model by turns, results of tools at the head of the
//! user's turn after the calls. Pictures in results, which a result there cannot
//! hold, come directly after the results.

use std::borrow::Cow;

use crate::ask::{Arguments, Ask, Extra, Part, PartKind, Role, Source, Str, Turn};
use crate::dialect::Dialect;
use crate::dialect::gemini::lower::{CARRIER, call_seal, own_part, unsealed};
use crate::dialect::openai_chat::wire::elements;
use crate::prompt::ReadError;

use super::common;
use super::gemini_thinking::Generation;
use super::to_anthropic_turns::given;
use super::{Calls, Notes, place, unsupported};

/// What Google lets stand for the seal of a call that another model made, or
/// whose seal the client has lost. From generation 3 on a call without one is
/// refused.
const NO_SEAL: &str = r#"{"google":{"thought_signature":"skip_thought_signature_validator"}}"#;

pub(super) fn fit(
    ask: &mut Ask<'_>,
    (from, generation): (Dialect, Generation),
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(ask.turns.len());
    let is_system = |turn: &&Turn<'_>| turn.role == Role::System;
    let mut opening = ask.turns.iter().take_while(is_system).count();
    if opening == ask.turns.len() {
        // Nobody else speaks: the last of the operator's messages is the question.
        opening = opening.saturating_sub(1);
    }
    let field = |chat| match from {
        Dialect::AnthropicMessages => "content",
        _ => chat,
    };
    let mut calls = Calls::default();
    for (index, mut turn) in std::mem::take(&mut ask.turns).into_iter().enumerate() {
        message_members(&mut turn, notes)?;
        let role = turn.role;
        let mut fitted = Fitted {
            turn: &turn,
            notes,
            parts: Vec::new(),
            attached: Vec::new(),
        };
        for part in &turn.parts {
            fitted.part(part.clone())?;
        }
        let Fitted {
            mut parts,
            mut attached,
            ..
        } = fitted;
        // The results themselves are put before them in the end.
        attached.append(&mut parts);
        turn.parts = attached;
        if index < opening {
            turns.push(turn);
            continue;
        }
        turn.role = match role {
            Role::Assistant => role,
            _ => Role::User,
        };
        let same = turns.last().is_some_and(|last| last.role == turn.role);
        if turn.parts.is_empty() {
            if role == Role::Assistant {
                continue;
            }
            return unsupported(place(turn.at, "content"), "is empty: say something in it");
        }
        if turn.role == Role::Assistant && !same {
            calls.settled(field("tool_calls"))?;
        }
        for part in &turn.parts {
            match &part.kind {
                PartKind::ToolCall { id, .. } => calls.call(id, turn.at, field("tool_calls"))?,
                PartKind::ToolResult { call_id, .. } => {
                    calls.result(call_id, turn.at, field("tool_call_id"))?;
                }
                _ => {}
            }
        }
        match turns.last_mut() {
            Some(last) if same => last.parts.append(&mut turn.parts),
            _ => turns.push(turn),
        }
    }
    if turns.last().is_some_and(|turn| turn.role == Role::User) {
        calls.settled(field("tool_calls"))?;
    }
    for turn in &mut turns {
        if turn.role == Role::User {
            turn.parts
                .sort_by_key(|part| !matches!(part.kind, PartKind::ToolResult { .. }));
        } else if generation >= (3, 0) {
            seal_first_call(turn);
        }
    }
    ask.turns = turns;
    Ok(())
}

/// The first call of a turn carries the seal of them all.
fn seal_first_call(turn: &mut Turn<'_>) {
    let is_call = |part: &&mut Part<'_>| matches!(part.kind, PartKind::ToolCall { .. });
    if let Some(call) = turn.parts.iter_mut().find(is_call)
        && call_seal(call).is_none()
    {
        call.extra.push(Extra {
            name: Str::text(CARRIER),
            value: Cow::Borrowed(NO_SEAL),
        });
    }
}

/// Members of a message beside its content: parts of Gemini's own kinds come
/// back in one of them, the others have no place.
fn message_members(turn: &mut Turn<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    common::message_members(turn, notes, |turn, extra| {
        match &extra.value {
            Cow::Borrowed(list) if extra.name == *"native_content" => {
                let mut own = Vec::new();
                elements(list, |raw| {
                    if own_part(raw).is_some() {
                        own.push(Part::from(PartKind::Other(Cow::Borrowed(raw))));
                    }
                });
                // What the model did comes before what it says of it.
                own.append(&mut turn.parts);
                turn.parts = own;
                None
            }
            _ => Some(extra),
        }
    })
}

/// What one turn comes to.
struct Fitted<'a, 't, 'n> {
    turn: &'t Turn<'a>,
    notes: &'n mut Notes,
    parts: Vec<Part<'a>>,
    /// Pictures and files of results.
    attached: Vec<Part<'a>>,
}

impl<'a> Fitted<'a, '_, '_> {
    fn part(&mut self, mut part: Part<'a>) -> Result<(), ReadError> {
        let at = self.turn.at;
        if part.marker.take().is_some() {
            self.notes.drop("cache_control");
        }
        match &mut part.kind {
            PartKind::Text(text) if text.raw().is_empty() => return Ok(()),
            PartKind::Text(_) | PartKind::Refusal(_) => {}
            PartKind::Image(source) => place_of(source, None, at)?,
            PartKind::File { source, name } => {
                if let Source::Parts(inner) = source {
                    for part in std::mem::take(inner) {
                        self.part(part)?;
                    }
                    return Ok(());
                }
                place_of(source, Some(name.as_ref()), at)?;
            }
            PartKind::Audio { format, .. } if !format.raw().is_empty() => {}
            PartKind::ToolCall { arguments, .. } => {
                *arguments = Arguments::Json(given(arguments, at)?);
                let sealed = call_seal(&part).is_some();
                let (kept, mut rest) = std::mem::take(&mut part.extra)
                    .into_iter()
                    .partition(|extra| sealed && extra.name == *CARRIER);
                part.extra = kept;
                self.notes
                    .drop_extras("messages[].tool_calls[].", &mut rest);
                self.parts.push(part);
                return Ok(());
            }
            PartKind::ToolResult { parts, .. } => {
                let inner = std::mem::take(parts);
                let mut kept = Vec::with_capacity(inner.len());
                for part in inner {
                    self.inside(part, &mut kept)?;
                }
                *parts = kept;
            }
            PartKind::Thinking {
                signature: Some(seal),
                ..
            } if unsealed(seal).is_some() => part.extra.clear(),
            PartKind::RedactedThinking { data } if unsealed(data).is_some() => part.extra.clear(),
            PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } => {
                common::forget_thought(self.turn, self.notes);
                return Ok(());
            }
            PartKind::Other(raw) if own_part(raw).is_some() => {}
            PartKind::Other(_) | PartKind::Audio { .. } | PartKind::OtherCall(_) => {
                return unsupported(
                    place(at, "content"),
                    "holds a part of a type that this model cannot take",
                );
            }
        }
        self.notes
            .drop_extras("messages[].content[].", &mut part.extra);
        self.parts.push(part);
        Ok(())
    }

    /// A part of a result: texts stay in it, what else there is comes after.
    fn inside(&mut self, part: Part<'a>, kept: &mut Vec<Part<'a>>) -> Result<(), ReadError> {
        if matches!(part.kind, PartKind::ToolResult { .. }) {
            return unsupported(
                place(self.turn.at, "content"),
                "holds a result inside a result",
            );
        }
        let before = self.parts.len();
        self.part(part)?;
        for part in self.parts.split_off(before) {
            match part.kind {
                PartKind::Text(_) => kept.push(part),
                _ => self.attached.push(part),
            }
        }
        Ok(())
    }
}

/// Checks that the bytes of a picture or, with `file`, of a document can be said.
fn place_of(
    source: &mut Source<'_>,
    file: Option<Option<&Str<'_>>>,
    at: Option<usize>,
) -> Result<(), ReadError> {
    let taken = match source {
        Source::Base64 { media_type, .. } if media_type.raw().is_empty() => {
            let is_pdf = |name: &Str<'_>| name.read().to_ascii_lowercase().ends_with(".pdf");
            *media_type = Str::text("application/pdf");
            file.flatten().is_some_and(is_pdf)
        }
        Source::Base64 { .. } | Source::Text(_) => true,
        Source::Url(url) => {
            let url = url.read();
            url.starts_with("http") || url.starts_with("gs://")
        }
        Source::FileId(_) => true,
        Source::Parts(_) | Source::Other(_) => false,
    };
    if taken {
        return Ok(());
    }
    unsupported(
        place(at, "content"),
        "holds a picture or a file that this model cannot take: send it in base64 with its media \
         type, or by its address",
    )
}
