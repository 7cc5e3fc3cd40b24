//! Fits a conversation to Converse's grammar: the operator's opening words apart,
//! then turns of user and assistant by turns, the user's first, results of tools
//! at the head of the user's turn after the calls.

use crate::ask::{Arguments, Ask, Part, PartKind, Role, Source, Str, Turn};
use crate::dialect::Dialect;
use crate::dialect::bedrock::lower_blocks::{document_format, image_format, is_native};
use crate::dialect::openai_chat::wire::elements;
use crate::dialect::plain::is_marked;
use crate::prompt::ReadError;

use super::bedrock_names::{call_id, documents};
use super::common;
use super::to_anthropic_turns::given;
use super::{Calls, Notes, place, unsupported};

pub(super) fn fit(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    let is_system = |turn: &&Turn<'_>| turn.role == Role::System;
    let mut opening = ask.turns.iter().take_while(is_system).count();
    if opening == ask.turns.len() {
        // Nobody else speaks: the last of the operator's messages is the question.
        opening = opening.saturating_sub(1);
    }
    let mut conversation = Conversation {
        turns: Vec::with_capacity(ask.turns.len()),
        calls: Calls::default(),
        chat: from == Dialect::OpenAiChat,
    };
    for (index, mut turn) in std::mem::take(&mut ask.turns).into_iter().enumerate() {
        members(&mut turn, notes)?;
        let mut parts = Vec::with_capacity(turn.parts.len());
        for part in std::mem::take(&mut turn.parts) {
            parts.extend(fit_part(part, &turn, notes)?);
        }
        turn.parts = parts;
        if index < opening {
            conversation.turns.push(turn);
        } else {
            conversation.push(turn)?;
        }
    }
    ask.turns = conversation.end()?;
    documents(ask);
    Ok(())
}

/// The turns that were fitted, and the calls that wait for their results.
struct Conversation<'a> {
    turns: Vec<Turn<'a>>,
    calls: Calls,
    /// The client speaks OpenAI's dialect, and knows its fields by those names.
    chat: bool,
}

impl<'a> Conversation<'a> {
    fn field(&self, chat: &'static str) -> &'static str {
        if self.chat { chat } else { "content" }
    }

    fn push(&mut self, mut turn: Turn<'a>) -> Result<(), ReadError> {
        let is_model = turn.role == Role::Assistant;
        if turn.parts.is_empty() {
            if is_model {
                return Ok(());
            }
            return unsupported(place(turn.at, "content"), "is empty: say something in it");
        }
        if !is_model {
            turn.role = Role::User;
        }
        let same = self.turns.last().is_some_and(|last| last.role == turn.role);
        if is_model && !same {
            self.calls.settled(self.field("tool_calls"))?;
            if self.turns.iter().all(|turn| turn.role == Role::System) {
                return unsupported(
                    place(turn.at, "role"),
                    "is assistant, but for this model the user must speak first",
                );
            }
        }
        for part in &turn.parts {
            match &part.kind {
                PartKind::ToolCall { id, .. } => {
                    let field = self.field("tool_calls");
                    self.calls.call(id, turn.at, field)?;
                }
                PartKind::ToolResult { call_id, .. } => {
                    let field = self.field("tool_call_id");
                    self.calls.result(call_id, turn.at, field)?;
                }
                _ => {}
            }
        }
        match self.turns.last_mut() {
            Some(last) if same => last.parts.append(&mut turn.parts),
            _ => self.turns.push(turn),
        }
        Ok(())
    }

    fn end(mut self) -> Result<Vec<Turn<'a>>, ReadError> {
        if self
            .turns
            .last()
            .is_some_and(|turn| turn.role == Role::User)
        {
            self.calls.settled(self.field("tool_calls"))?;
        }
        for turn in self
            .turns
            .iter_mut()
            .filter(|turn| turn.role != Role::System)
        {
            turn.parts.sort_by_key(|part| rank(&part.kind));
        }
        Ok(self.turns)
    }
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

/// Members of a message beside its content: blocks of Bedrock's own kinds come
/// back in one of them, the others have no place.
fn members(turn: &mut Turn<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    common::message_members(turn, notes, |turn, extra| {
        if extra.name != *"native_content" {
            return Some(extra);
        }
        let mut own = Vec::new();
        elements(&extra.value, |raw| {
            if is_native(raw) {
                own.push(Part::from(PartKind::Other(raw.to_owned().into())));
            }
        });
        // What the model did comes before what it says of it.
        own.append(&mut turn.parts);
        turn.parts = own;
        None
    })
}

fn fit_part<'a>(
    mut part: Part<'a>,
    turn: &Turn<'a>,
    notes: &mut Notes,
) -> Result<Option<Part<'a>>, ReadError> {
    let at = turn.at;
    let mut names = "messages[].content[].";
    match &mut part.kind {
        // Empty texts are refused there, and say nothing here.
        PartKind::Text(text) if text.is_blank() => return Ok(None),
        PartKind::Text(_) => {}
        PartKind::Refusal(words) => part.kind = PartKind::Text(words.clone()),
        PartKind::Image(source) => picture(source, turn)?,
        PartKind::Audio { .. } => {}
        PartKind::File { source, name } => file(source, name.as_ref(), turn, notes)?,
        PartKind::ToolCall { id, arguments, .. } => {
            names = "messages[].tool_calls[].";
            *id = call_id(id);
            *arguments = Arguments::Json(given(arguments, at)?);
        }
        PartKind::ToolResult {
            call_id: id, parts, ..
        } => {
            *id = call_id(id);
            let mut kept = Vec::with_capacity(parts.len());
            for part in std::mem::take(parts) {
                kept.extend(fit_part(part, turn, notes)?);
            }
            // A result holds no mark of a cache: it goes behind the result.
            let marker = kept.iter_mut().filter_map(|part| part.marker.take()).last();
            part.marker = part.marker.or(marker);
            *parts = kept;
        }
        PartKind::Thinking { signature, .. } => match signature {
            Some(seal) if !is_marked(seal.raw()) => part.extra.clear(),
            _ => {
                for member in &turn.thoughts_in {
                    notes.drop(format!("messages[].{member}"));
                }
                return Ok(None);
            }
        },
        PartKind::RedactedThinking { data } => {
            if is_marked(data.raw()) {
                return Ok(None);
            }
            part.extra.clear();
        }
        PartKind::Other(raw) if is_native(raw) => {}
        PartKind::Other(_) => {
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
    notes.drop_extras(names, &mut part.extra);
    Ok(Some(part))
}

fn picture(source: &Source<'_>, turn: &Turn<'_>) -> Result<(), ReadError> {
    let taken =
        matches!(source, Source::Base64 { media_type, .. } if image_format(media_type).is_some());
    // The model's own come back as well.
    if taken && turn.role != Role::System {
        return Ok(());
    }
    unsupported(
        place(turn.at, "content"),
        "holds a picture that this model cannot take: send it in a message of the conversation, as \
         base64, in PNG, JPEG, GIF or WebP; an address is not fetched",
    )
}

fn file<'a>(
    source: &mut Source<'a>,
    name: Option<&Str<'_>>,
    turn: &Turn<'a>,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let taken = match source {
        Source::Base64 { media_type, .. } => {
            if document_format(&media_type.read()).is_none()
                && let Some(kind) = name.and_then(|name| kind_of(&name.read()))
            {
                *media_type = Str::text(kind);
            }
            document_format(&media_type.read()).is_some()
        }
        Source::Text(_) => true,
        Source::Parts(parts) => {
            let mut kept = Vec::with_capacity(parts.len());
            for part in std::mem::take(parts) {
                kept.extend(fit_part(part, turn, notes)?);
            }
            let only_texts = kept
                .iter()
                .all(|part| matches!(part.kind, PartKind::Text(_)));
            *parts = kept;
            only_texts
        }
        Source::Url(_) | Source::FileId(_) | Source::Other(_) => false,
    };
    if taken {
        return Ok(());
    }
    unsupported(
        place(turn.at, "content"),
        "holds a file that this model cannot take: send it as base64 (pdf, csv, doc, docx, xls, \
         xlsx, html, txt, md); an address is not fetched",
    )
}

/// The media type that a file's name tells.
fn kind_of(name: &str) -> Option<&'static str> {
    let (_, ending) = name.rsplit_once('.')?;
    Some(match &*ending.to_ascii_lowercase() {
        "pdf" => "application/pdf",
        "csv" => "text/csv",
        "doc" => "application/msword",
        "docx" => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "xls" => "application/vnd.ms-excel",
        "xlsx" => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "html" | "htm" => "text/html",
        "txt" => "text/plain",
        "md" => "text/markdown",
        _ => return None,
    })
}
