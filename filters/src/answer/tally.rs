//! Counts what an answer says while it passes. Providers report usage last, and
//! not at all when a stream is cut or a client leaves: what came must be billed.

use crate::dialect::openai_chat::wire::{members, string};
use crate::event::{Channel, Event, Step};
use crate::meter::TokenCounter;

/// What passed through, counted by Alfred.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    /// Data events received, `[DONE]` not counted; 1 for an unstreamed body.
    pub provider_events: u64,
    /// Data events written, `[DONE]` not counted; 0 for an unstreamed body.
    pub emitted_events: u64,
    /// Bytes of text, reasoning, refusals and tool arguments, as UTF-8.
    pub text_bytes: u64,
    /// The same texts in tokens, and the names of called tools, by the word
    /// heuristic of [`crate::meter`].
    pub tokens: u64,
}

/// One counter per text: two texts that take turns would break each other's
/// words.
#[derive(Debug, Default)]
pub(super) struct Tally {
    voices: Vec<(Voice, TokenCounter)>,
    last: usize,
    pub(super) provider_events: u64,
    text_bytes: u64,
    pub(super) saw_content: bool,
}

/// Choice, channel and number of the tool call.
type Voice = (u32, Channel, u32);

impl Tally {
    pub(super) fn take(&mut self, event: &Event<'_>) {
        match &event.step {
            Step::Delta(text) => self.say((event.choice, event.channel, 0), text),
            Step::CallStart { call, name, .. } => {
                self.saw_content = true;
                self.count((event.choice, event.channel, *call), name);
            }
            Step::CallDelta { call, json } => self.say((event.choice, event.channel, *call), json),
            Step::Redacted(_) | Step::Image { .. } => self.saw_content = true,
            // What the model asks of a tool that runs at its provider is output
            // too; the tool's result is not.
            Step::Block { kind, json } if kind.ends_with("tool_use") => {
                members(json, |key, value| {
                    if matches!(key, "name" | "input") {
                        self.say((0, Channel::ToolArguments, u32::MAX), value);
                    }
                });
            }
            _ => {}
        }
    }

    /// Counts a piece of the one call of OpenAI's older form, which is no event.
    pub(super) fn legacy_call(&mut self, choice: u32, raw: &str) {
        if raw.is_empty() {
            return;
        }
        self.saw_content = true;
        members(raw, |_, value| {
            self.say(
                (choice, Channel::ToolArguments, u32::MAX),
                &string(value).unwrap_or_default(),
            );
        });
    }

    fn say(&mut self, voice: Voice, text: &str) {
        self.saw_content |= !text.is_empty();
        self.text_bytes += text.len() as u64;
        self.count(voice, text);
    }

    fn count(&mut self, voice: Voice, text: &str) {
        if self
            .voices
            .get(self.last)
            .is_none_or(|(last, _)| *last != voice)
        {
            let found = self.voices.iter().position(|(known, _)| *known == voice);
            self.last = found.unwrap_or(self.voices.len());
        }
        if self.last == self.voices.len() {
            self.voices.push((voice, TokenCounter::default()));
        }
        if let Some((_, counter)) = self.voices.get_mut(self.last) {
            counter.push(text);
        }
    }

    pub(super) fn meter(&self, emitted_events: u64) -> Meter {
        Meter {
            provider_events: self.provider_events,
            emitted_events,
            text_bytes: self.text_bytes,
            tokens: self
                .voices
                .iter()
                .map(|(_, counter)| counter.tokens())
                .sum(),
        }
    }
}
