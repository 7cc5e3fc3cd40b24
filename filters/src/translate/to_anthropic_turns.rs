//! Fits an OpenAI conversation to Anthropic's grammar: the operator's opening
//! words apart, then turns of user and assistant by turns, the user's first,
//! results of tools at the head of the user's turn after the calls.
//!
//! A system message in the middle becomes a text in the user's turn at its place:
//! only the newest models take that role there, and at the top it would stand
//! before what it refers to, and void the prompt cache.

use std::borrow::Cow;

use crate::ask::{Arguments, Ask, Lift, Part, PartKind, Role, Source, Str, Turn};
use crate::dialect::anthropic::lower::is_object;
use crate::dialect::plain::is_marked;
use crate::prompt::ReadError;
use crate::text::Path;

use super::common;
use super::{Calls, Notes, place, unsupported};

/// Content parts in Anthropic's own spelling.
const NATIVE_BLOCKS: [&str; 4] = ["image", "document", "search_result", "container_upload"];

pub(super) fn fit(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut turns: Vec<Turn<'_>> = Vec::with_capacity(ask.turns.len());
    let mut opening = ask
        .turns
        .iter()
        .take_while(|t| t.role == Role::System)
        .count();
    if opening == ask.turns.len() {
        // Nobody else speaks: the last of the operator's messages is the question.
        opening = opening.saturating_sub(1);
    }
    let mut calls = Calls::default();
    for (index, mut turn) in std::mem::take(&mut ask.turns).into_iter().enumerate() {
        common::message_members(&mut turn, notes, |_, extra| Some(extra))?;
        let role = turn.role;
        let mut parts = Vec::with_capacity(turn.parts.len());
        for part in std::mem::take(&mut turn.parts) {
            parts.extend(fit_part(part, &turn, notes)?);
        }
        turn.parts = parts;
        if index < opening {
            turns.push(turn);
            continue;
        }
        turn.role = if role == Role::Assistant {
            role
        } else {
            Role::User
        };
        let same = turns.last().is_some_and(|last| last.role == turn.role);
        if turn.parts.is_empty() {
            if role == Role::Assistant {
                continue;
            }
            return unsupported(place(turn.at, "content"), "is empty: say something in it");
        }
        if turn.role == Role::Assistant && !same {
            calls.settled("tool_calls")?;
            if turns.iter().all(|turn| turn.role == Role::System) {
                return unsupported(
                    place(turn.at, "role"),
                    "is assistant, but for this model the user must speak first",
                );
            }
        }
        pair(&turn, &mut calls)?;
        match turns.last_mut() {
            Some(last) if same => last.parts.append(&mut turn.parts),
            _ => turns.push(turn),
        }
    }
    if turns.last().is_some_and(|turn| turn.role == Role::User) {
        calls.settled("tool_calls")?;
    }
    for turn in &mut turns {
        turn.parts.sort_by_key(|part| rank(&part.kind));
    }
    turns.retain(|turn| !turn.parts.is_empty());
    ask.turns = turns;
    Ok(())
}

/// Results go first and thoughts go first, calls go last; else the order stays.
fn rank(kind: &PartKind<'_>) -> u8 {
    match kind {
        PartKind::ToolResult { .. }
        | PartKind::Thinking { .. }
        | PartKind::RedactedThinking { .. } => 0,
        PartKind::ToolCall { .. } => 2,
        _ => 1,
    }
}

fn pair(turn: &Turn<'_>, calls: &mut Calls) -> Result<(), ReadError> {
    for part in &turn.parts {
        match &part.kind {
            PartKind::ToolCall { id, .. } => calls.call(id, turn.at, "tool_calls")?,
            PartKind::ToolResult { call_id, .. } => {
                calls.result(call_id, turn.at, "tool_call_id")?;
            }
            _ => {}
        }
    }
    Ok(())
}

fn fit_part<'a>(
    mut part: Part<'a>,
    turn: &Turn<'a>,
    notes: &mut Notes,
) -> Result<Option<Part<'a>>, ReadError> {
    let at = turn.at;
    let mut members = "messages[].content[].";
    match &mut part.kind {
        PartKind::Text(text) => {
            // Empty texts are refused there, and say nothing here.
            if text.is_blank() {
                return Ok(None);
            }
        }
        PartKind::Refusal(words) => part.kind = PartKind::Text(words.clone()),
        PartKind::Image(source) => {
            let said_by = matches!(turn.role, Role::User | Role::Tool);
            if !said_by || !is_picture(source) {
                return unsupported(
                    place(at, "content"),
                    "holds a picture that this model cannot take: send it in a user's message, \
                     as base64 or by an http address",
                );
            }
        }
        PartKind::File { source, name } => file(source, name.as_ref(), at)?,
        PartKind::ToolCall { id, arguments, .. } => {
            members = "messages[].tool_calls[].";
            *id = plain_id(id);
            *arguments = Arguments::Json(given(arguments, at)?);
        }
        PartKind::ToolResult { call_id, parts, .. } => {
            *call_id = plain_id(call_id);
            let mut kept = Vec::with_capacity(parts.len());
            for part in std::mem::take(parts) {
                kept.extend(fit_part(part, turn, notes)?);
            }
            *parts = kept;
        }
        PartKind::Thinking { signature, .. }
            if signature.as_ref().is_none_or(|seal| is_marked(seal.raw())) =>
        {
            forget(turn, notes);
            return Ok(None);
        }
        // A seal of Gemini's is refused there.
        PartKind::RedactedThinking { data } if is_marked(data.raw()) => {
            forget(turn, notes);
            return Ok(None);
        }
        // Labels of the router that sent it.
        PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } => {
            part.extra.clear();
            part.marker = None;
        }
        PartKind::Other(raw) if is_native_block(raw) => {}
        PartKind::Other(_) | PartKind::Audio { .. } => {
            return unsupported(
                place(at, "content"),
                "holds a part of a type that this model cannot take",
            );
        }
        PartKind::OtherCall(_) => {
            return unsupported(
                place(at, "tool_calls"),
                "holds a call that is none of a function",
            );
        }
    }
    notes.drop_extras(members, &mut part.extra);
    Ok(Some(part))
}

fn is_picture(source: &Source<'_>) -> bool {
    match source {
        Source::Base64 { media_type, .. } => !media_type.raw().is_empty(),
        Source::Url(url) => url.read().starts_with("http"),
        _ => false,
    }
}

fn file(
    source: &mut Source<'_>,
    name: Option<&Str<'_>>,
    at: Option<usize>,
) -> Result<(), ReadError> {
    const PDF: &str = "application/pdf";
    let taken = match source {
        Source::Base64 { media_type, .. } if media_type.raw().is_empty() => {
            *media_type = Str::text(PDF);
            name.is_some_and(|name| name.read().to_ascii_lowercase().ends_with(".pdf"))
        }
        Source::Base64 { media_type, .. } => *media_type == *PDF,
        Source::Url(url) => url.read().starts_with("http"),
        _ => false,
    };
    if taken {
        return Ok(());
    }
    unsupported(
        place(at, "content"),
        "holds a file that this model cannot take: send a PDF in base64 or by an http address",
    )
}

/// The arguments of a call as the object they spell; nothing is an empty one.
pub(super) fn given<'a>(
    arguments: &Arguments<'a>,
    at: Option<usize>,
) -> Result<Cow<'a, str>, ReadError> {
    let json = match arguments {
        Arguments::Json(json) => json.clone(),
        Arguments::Text(text) => text.clone().into_read(),
    };
    if json.trim().is_empty() {
        return Ok(Cow::Borrowed("{}"));
    }
    if is_object(&json) {
        return Ok(json);
    }
    unsupported(
        place(at, "tool_calls"),
        "holds arguments that are no JSON object, as this model wants them",
    )
}

/// Anthropic takes ids of letters, digits, `_` and `-`. Any other character is
/// spelt by its number, so that call and result stay a pair and different ids
/// stay different.
fn plain_id<'a>(id: &Str<'a>) -> Str<'a> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let text = id.read();
    if text.is_empty() {
        return Str::text("_");
    }
    if text.chars().all(is_plain) {
        return id.clone();
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_plain(c) {
            plain.push(c);
        } else {
            plain.push_str(&format!("_{:x}", u32::from(c)));
        }
    }
    Str::text(&plain)
}

/// Names the members in which thoughts came that are left out.
fn forget(turn: &Turn<'_>, notes: &mut Notes) {
    for member in &turn.thoughts_in {
        notes.drop(format!("messages[].{member}"));
    }
}

/// Whether a tool is one of Anthropic's own: a type and a name on the outside,
/// no object of OpenAI's within.
pub(super) fn is_native_tool(raw: &str) -> bool {
    let (mut named, mut foreign) = (false, false);
    let read = Lift::new(raw, 0).object(&Path::ROOT, &mut |lift, name, _| {
        named |= name == "name";
        foreign |= matches!(name, "function" | "custom");
        lift.raw().map(drop)
    });
    read.is_ok() && named && !foreign
}

fn is_native_block(raw: &str) -> bool {
    let mut native = false;
    let read = Lift::new(raw, 0).object(&Path::ROOT, &mut |lift, name, _| {
        let value = lift.raw()?;
        if name == "type" {
            native = NATIVE_BLOCKS.contains(&&*Str::json(value).read());
        }
        Ok(())
    });
    read.is_ok() && native
}
