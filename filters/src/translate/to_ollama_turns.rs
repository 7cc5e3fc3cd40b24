//! Fits a conversation to Ollama's grammar. Results of tools become messages of
//! their own, in the order of their calls, for nothing but the order tells two
//! calls of one function apart. Pictures in results come in the user's message
//! directly after.

use crate::ask::{Arguments, Ask, Part, PartKind, Role, Source, Str, Turn};
use crate::dialect::Dialect;
use crate::prompt::ReadError;

use super::common;
use super::from_responses::join;
use super::to_anthropic_turns::given;
use super::{Calls, Notes, place, unsupported};

pub(super) fn fit(
    ask: &mut Ask<'_>,
    (from, keep_reasoning): (Dialect, bool),
    notes: &mut Notes,
) -> Result<(), ReadError> {
    if from == Dialect::OpenAiResponses {
        join(ask);
    }
    let mut conversation = Conversation {
        turns: Vec::with_capacity(ask.turns.len() + 4),
        calls: Calls::default(),
        order: Vec::new(),
        results: Vec::new(),
        attached: Vec::new(),
        from,
    };
    for mut turn in std::mem::take(&mut ask.turns) {
        common::message_members(&mut turn, notes, |_, extra| Some(extra))?;
        let parts = std::mem::take(&mut turn.parts);
        let mut fitted = Fitted {
            turn: &turn,
            keep_reasoning,
            notes,
            results: Vec::new(),
            attached: Vec::new(),
            said: Vec::new(),
        };
        for part in parts {
            fitted.part(part)?;
        }
        let Fitted {
            results,
            attached,
            said,
            ..
        } = fitted;
        turn.parts = said;
        conversation.push(turn, results, attached)?;
    }
    ask.turns = conversation.end()?;
    Ok(())
}

/// The turns that were fitted, and what waits for its place.
struct Conversation<'a> {
    turns: Vec<Turn<'a>>,
    calls: Calls,
    /// The ids of the calls of the model's last turns, in order.
    order: Vec<Str<'a>>,
    results: Vec<Part<'a>>,
    /// Pictures of results.
    attached: Vec<Part<'a>>,
    from: Dialect,
}

impl<'a> Conversation<'a> {
    /// The field as clients of the dialect know it.
    fn field(&self, chat: &'static str) -> &'static str {
        match self.from {
            Dialect::AnthropicMessages => "content",
            _ => chat,
        }
    }

    fn push(
        &mut self,
        mut turn: Turn<'a>,
        results: Vec<Part<'a>>,
        mut attached: Vec<Part<'a>>,
    ) -> Result<(), ReadError> {
        let answers = !results.is_empty();
        for part in &results {
            if let PartKind::ToolResult { call_id, .. } = &part.kind {
                let field = self.field("tool_call_id");
                self.calls.result(call_id, turn.at, field)?;
            }
        }
        self.results.extend(results);
        self.attached.append(&mut attached);
        if turn.parts.is_empty() && (answers || turn.role != Role::User) {
            return Ok(());
        }
        if turn.role == Role::Assistant {
            self.calls.settled(self.field("tool_calls"))?;
        }
        self.give_results();
        if turn.role == Role::User {
            self.attached.append(&mut turn.parts);
            turn.parts = std::mem::take(&mut self.attached);
        } else {
            self.give_attached();
        }
        if turn.role == Role::Assistant {
            self.order.clear();
        }
        for part in &turn.parts {
            if let PartKind::ToolCall { id, .. } = &part.kind {
                self.calls.call(id, turn.at, self.field("tool_calls"))?;
                self.order.push(id.clone());
            }
        }
        self.turns.push(turn);
        Ok(())
    }

    fn give_results(&mut self) {
        if self.results.is_empty() {
            return;
        }
        let mut parts = std::mem::take(&mut self.results);
        parts.sort_by_key(|part| match &part.kind {
            PartKind::ToolResult { call_id, .. } => self.order.iter().position(|id| id == call_id),
            _ => None,
        });
        self.turns.push(turn_of(Role::Tool, parts));
    }

    fn give_attached(&mut self) {
        if !self.attached.is_empty() {
            let parts = std::mem::take(&mut self.attached);
            self.turns.push(turn_of(Role::User, parts));
        }
    }

    fn end(mut self) -> Result<Vec<Turn<'a>>, ReadError> {
        let model_is_last = self.results.is_empty()
            && self
                .turns
                .last()
                .is_some_and(|turn| turn.role == Role::Assistant);
        if !model_is_last {
            self.calls.settled(self.field("tool_calls"))?;
        }
        self.give_results();
        self.give_attached();
        Ok(self.turns)
    }
}

fn turn_of(role: Role, parts: Vec<Part<'_>>) -> Turn<'_> {
    Turn {
        role,
        parts,
        at: None,
        thoughts_in: Vec::new(),
        extra: Vec::new(),
    }
}

/// What one turn comes to.
struct Fitted<'a, 't, 'n> {
    turn: &'t Turn<'a>,
    keep_reasoning: bool,
    notes: &'n mut Notes,
    results: Vec<Part<'a>>,
    attached: Vec<Part<'a>>,
    said: Vec<Part<'a>>,
}

impl<'a> Fitted<'a, '_, '_> {
    fn part(&mut self, mut part: Part<'a>) -> Result<(), ReadError> {
        let at = self.turn.at;
        if part.marker.take().is_some() {
            self.notes.drop("cache_control");
        }
        let mut names = "messages[].content[].";
        match &mut part.kind {
            PartKind::Text(text) if text.raw().is_empty() => return Ok(()),
            PartKind::Text(_) | PartKind::Refusal(_) | PartKind::Image(Source::Base64 { .. }) => {}
            PartKind::Image(_) => {
                return unsupported(
                    place(at, "content"),
                    "holds a picture that this model cannot take: send it as base64; an address \
                     is not fetched",
                );
            }
            PartKind::File { source, .. } => {
                match std::mem::replace(source, Source::Parts(Vec::new())) {
                    Source::Text(text) => part.kind = PartKind::Text(text),
                    Source::Parts(parts) => {
                        return parts.into_iter().try_for_each(|part| self.part(part));
                    }
                    _ => {
                        return unsupported(
                            place(at, "content"),
                            "holds a file that this model cannot take: send its text",
                        );
                    }
                }
            }
            PartKind::ToolCall { arguments, .. } => {
                *arguments = Arguments::Json(given(arguments, at)?);
                names = "messages[].tool_calls[].";
            }
            PartKind::ToolResult { parts, .. } => {
                let mut kept = Vec::with_capacity(parts.len());
                for part in std::mem::take(parts) {
                    self.inside(part, &mut kept)?;
                }
                *parts = kept;
                self.notes.drop_extras(names, &mut part.extra);
                self.results.push(part);
                return Ok(());
            }
            PartKind::Thinking { text, signature } if self.keep_reasoning => {
                if signature.take().is_some() {
                    self.notes.drop("messages[].content[].signature");
                }
                if text.is_blank() {
                    return Ok(());
                }
                part.extra.clear();
            }
            PartKind::Thinking { .. } | PartKind::RedactedThinking { .. } => {
                common::forget_thought(self.turn, self.notes);
                return Ok(());
            }
            PartKind::Other(_) | PartKind::Audio { .. } | PartKind::OtherCall(_) => {
                return unsupported(
                    place(at, "content"),
                    "holds a part of a type that this model cannot take",
                );
            }
        }
        self.notes.drop_extras(names, &mut part.extra);
        self.said.push(part);
        Ok(())
    }

    /// A part of a result: texts stay in it, pictures come after.
    fn inside(&mut self, part: Part<'a>, kept: &mut Vec<Part<'a>>) -> Result<(), ReadError> {
        if matches!(part.kind, PartKind::ToolResult { .. }) {
            return unsupported(
                place(self.turn.at, "content"),
                "holds a result inside a result",
            );
        }
        let before = self.said.len();
        self.part(part)?;
        for part in self.said.split_off(before) {
            match part.kind {
                PartKind::Text(_) => kept.push(part),
                _ => self.attached.push(part),
            }
        }
        Ok(())
    }
}
