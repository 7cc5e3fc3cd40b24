//! Fits a conversation to Cohere's grammar, which is close to OpenAI's: every result
//! of a tool is a message of its own, directly after the turn that called it. What a
//! result there cannot hold, pictures, comes in a user's message after the results.
//! The model's thoughts come back as what they were: its plan before calls, or its
//! thinking.

use std::borrow::Cow;

use crate::ask::{Arguments, Ask, Extra, Part, PartKind, Role, Source, Str, Turn};
use crate::dialect::Dialect;
use crate::dialect::cohere::lower::is_document;
use crate::dialect::cohere::{PLAN, THOUGHT};
use crate::prompt::ReadError;

use super::common;
use super::to_anthropic_turns::given;
use super::to_openai_turns::{mark_error, take_context, titled};
use super::{Calls, Notes, place, unsupported};

pub(super) fn fit(
    ask: &mut Ask<'_>,
    (from, thinks): (Dialect, bool),
    notes: &mut Notes,
) -> Result<(), ReadError> {
    let mut conversation = Conversation {
        turns: Vec::with_capacity(ask.turns.len() + 4),
        calls: Calls::default(),
        attached: None,
        chat: from != Dialect::AnthropicMessages,
    };
    for mut turn in std::mem::take(&mut ask.turns) {
        members(&mut turn, notes)?;
        let mut fitted = Fitted {
            at: turn.at,
            role: turn.role,
            notes,
            results: Vec::new(),
            attached: Vec::new(),
            said: Vec::new(),
        };
        for part in std::mem::take(&mut turn.parts) {
            fitted.part(part)?;
        }
        let Fitted {
            results,
            attached,
            said,
            ..
        } = fitted;
        conversation.push(turn, (results, attached, said))?;
    }
    ask.turns = conversation.end()?;
    for turn in &mut ask.turns {
        thoughts(turn, thinks, notes);
    }
    // Nothing but thoughts that cannot come back.
    ask.turns.retain(|turn| !turn.parts.is_empty());
    Ok(())
}

/// The results, what was attached to them, and what is said beside them.
type Pieces<'a> = (Vec<Part<'a>>, Vec<Part<'a>>, Vec<Part<'a>>);

/// The turns that were fitted, and the calls that wait for their results.
struct Conversation<'a> {
    turns: Vec<Turn<'a>>,
    calls: Calls,
    /// Pictures of results, until the last of these has come.
    attached: Option<Turn<'a>>,
    /// The client knows its fields by OpenAI's names.
    chat: bool,
}

impl<'a> Conversation<'a> {
    fn field(&self, chat: &'static str) -> &'static str {
        if self.chat { chat } else { "content" }
    }

    fn push(&mut self, mut turn: Turn<'a>, pieces: Pieces<'a>) -> Result<(), ReadError> {
        let (results, mut attached, mut said) = pieces;
        let answers = !results.is_empty();
        if said.is_empty() && !answers {
            if matches!(turn.role, Role::Assistant | Role::System) {
                return Ok(());
            }
            return unsupported(place(turn.at, "content"), "is empty: say something in it");
        }
        let same = |last: &Turn<'_>| last.role == turn.role && turn.role == Role::Assistant;
        let same = self.turns.last().is_some_and(same) && self.attached.is_none();
        if turn.role == Role::Assistant && !same {
            self.calls.settled(self.field("tool_calls"))?;
        }
        for part in results {
            if let PartKind::ToolResult { call_id, .. } = &part.kind {
                let field = self.field("tool_call_id");
                self.calls.result(call_id, turn.at, field)?;
            }
            self.turns.push(beside(&turn, Role::Tool, vec![part]));
        }
        for part in &said {
            if let PartKind::ToolCall { id, .. } = &part.kind {
                let field = self.field("tool_calls");
                self.calls.call(id, turn.at, field)?;
            }
        }
        if answers {
            // They come before what the user himself says.
            attached.append(&mut said);
            if !attached.is_empty() {
                let user = || beside(&turn, Role::User, Vec::new());
                let after = self.attached.get_or_insert_with(user);
                after.parts.append(&mut attached);
            }
            return Ok(());
        }
        self.turns.extend(self.attached.take());
        match self.turns.last_mut() {
            Some(last) if same => {
                last.parts.append(&mut said);
                last.thoughts_in.append(&mut turn.thoughts_in);
            }
            _ => {
                turn.parts = said;
                self.turns.push(turn);
            }
        }
        Ok(())
    }

    fn end(mut self) -> Result<Vec<Turn<'a>>, ReadError> {
        self.turns.extend(self.attached.take());
        let last = self.turns.last();
        if last.is_some_and(|turn| turn.role != Role::Assistant) {
            self.calls.settled(self.field("tool_calls"))?;
        }
        Ok(self.turns)
    }
}

/// A turn of those parts that came with another.
fn beside<'a>(turn: &Turn<'a>, role: Role, parts: Vec<Part<'a>>) -> Turn<'a> {
    Turn {
        role,
        parts,
        at: turn.at,
        thoughts_in: Vec::new(),
        extra: Vec::new(),
    }
}

/// Members of a message beside its content: a plan may come in Cohere's own spelling.
fn members(turn: &mut Turn<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    common::message_members(turn, notes, |turn, extra| match extra.value {
        Cow::Borrowed(raw) if extra.name == *"tool_plan" && raw.starts_with('"') => {
            let plan = PartKind::Thinking {
                text: Str::json(raw),
                signature: Some(Str::piece(PLAN)),
            };
            turn.parts.insert(0, Part::from(plan));
            turn.thoughts_in.push("tool_plan");
            None
        }
        value => Some(Extra {
            name: extra.name,
            value,
        }),
    })
}

/// What one turn comes to.
struct Fitted<'a, 'n> {
    at: Option<usize>,
    role: Role,
    notes: &'n mut Notes,
    results: Vec<Part<'a>>,
    /// Pictures of results.
    attached: Vec<Part<'a>>,
    said: Vec<Part<'a>>,
}

impl<'a> Fitted<'a, '_> {
    fn part(&mut self, mut part: Part<'a>) -> Result<(), ReadError> {
        let at = self.at;
        if part.marker.take().is_some() {
            self.notes.drop("cache_control");
        }
        let mut names = "messages[].content[].";
        match &mut part.kind {
            PartKind::Text(text) | PartKind::Refusal(text) if text.raw().is_empty() => {
                return Ok(());
            }
            PartKind::Text(_) => {}
            PartKind::Refusal(words) => part.kind = PartKind::Text(words.clone()),
            PartKind::Image(source) => {
                picture(source, self.role, at)?;
                let (kept, rest) = std::mem::take(&mut part.extra)
                    .into_iter()
                    .partition(|extra| extra.name == *"detail");
                part.extra = rest;
                self.notes.drop_extras(names, &mut part.extra);
                part.extra = kept;
                self.said.push(part);
                return Ok(());
            }
            PartKind::File { .. } => return self.document(part),
            PartKind::ToolCall { arguments, .. } => {
                names = "messages[].tool_calls[].";
                *arguments = Arguments::Json(given(arguments, at)?);
            }
            PartKind::ToolResult {
                parts, is_error, ..
            } => {
                let failed = is_error.take() == Some(true);
                *parts = self.inside(std::mem::take(parts), failed)?;
                self.notes.drop_extras(names, &mut part.extra);
                self.results.push(part);
                return Ok(());
            }
            // What becomes of it depends on the whole turn.
            PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } => part.extra.clear(),
            PartKind::Other(raw) if self.role == Role::Tool && is_document(raw) => {}
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
        self.notes.drop_extras(names, &mut part.extra);
        self.said.push(part);
        Ok(())
    }

    /// The parts of a result: texts and documents stay in it.
    fn inside(&mut self, parts: Vec<Part<'a>>, failed: bool) -> Result<Vec<Part<'a>>, ReadError> {
        let mut inner = Fitted {
            at: self.at,
            role: Role::Tool,
            notes: self.notes,
            results: Vec::new(),
            attached: Vec::new(),
            said: Vec::new(),
        };
        for part in parts {
            if matches!(part.kind, PartKind::ToolResult { .. }) {
                return unsupported(place(self.at, "content"), "holds a result inside a result");
            }
            inner.part(part)?;
        }
        let stays = |part: &Part<'_>| matches!(part.kind, PartKind::Text(_) | PartKind::Other(_));
        let (mut kept, mut rest): (Vec<_>, Vec<_>) = inner.said.into_iter().partition(stays);
        self.attached.append(&mut rest);
        if failed {
            mark_error(&mut kept);
        }
        if kept.is_empty() {
            kept.push(Part::from(PartKind::Text(Str::default())));
        }
        Ok(kept)
    }

    /// A document: its texts and pictures, after its title and context.
    fn document(&mut self, mut part: Part<'a>) -> Result<(), ReadError> {
        let context = take_context(&mut part);
        self.notes
            .drop_extras("messages[].content[].", &mut part.extra);
        match part.kind {
            PartKind::File {
                source: Source::Text(words),
                name,
            } => {
                let text = titled(&[name, context, Some(words)]);
                self.part(Part::from(PartKind::Text(text)))
            }
            PartKind::File {
                source: Source::Parts(parts),
                name,
            } => {
                let head = name.into_iter().chain(context);
                let head = head.map(|text| Part::from(PartKind::Text(text)));
                for part in head.chain(parts) {
                    self.part(part)?;
                }
                Ok(())
            }
            _ => unsupported(
                place(self.at, "content"),
                "holds a file that this model cannot take: send what it says as a text",
            ),
        }
    }
}

fn picture(source: &Source<'_>, role: Role, at: Option<usize>) -> Result<(), ReadError> {
    let taken = match source {
        Source::Base64 { media_type, .. } => media_type.raw().starts_with("image/"),
        Source::Url(url) => url.raw().starts_with("http"),
        _ => false,
    };
    if taken && matches!(role, Role::User | Role::Tool) {
        return Ok(());
    }
    unsupported(
        place(at, "content"),
        "holds a picture that this model cannot take: send it in a user's message, in base64 with \
         its media type, or by its address",
    )
}

/// Seals every thought as what it comes back as, and leaves the others out. One that
/// lost its seal on the way is a plan, if the turn calls tools.
fn thoughts(turn: &mut Turn<'_>, thinks: bool, notes: &mut Notes) {
    let call = |part: &Part<'_>| matches!(part.kind, PartKind::ToolCall { .. });
    let calls = turn.parts.iter().any(call);
    let mut forgotten = false;
    turn.parts.retain_mut(|part| {
        let kept = match &mut part.kind {
            PartKind::Thinking { text, signature } => {
                let seal = signature.as_ref().map_or("", Str::raw);
                let seal = match seal {
                    PLAN | "" if calls => Some(PLAN),
                    THOUGHT if thinks => Some(THOUGHT),
                    _ => None,
                };
                *signature = seal.map(Str::piece);
                seal.is_some() && !text.is_blank()
            }
            PartKind::RedactedThinking { .. } => false,
            _ => return true,
        };
        forgotten |= !kept;
        kept
    });
    if forgotten {
        common::forget_thought(turn, notes);
    }
}
