//! Chunks and bodies of chat completions and of the older completions.

use std::fmt::Write;

use crate::dialect::openai_chat::wire::members;
use crate::guard::screen::Form;

use super::texts::{End, Key};
use super::walk::{Channel, Leaf, Number, Place, Sort, anywhere};

/// Where the member `key` of an object at `place` stands.
pub(super) fn below(place: Place, key: &str) -> Place {
    match (place, key) {
        (Place::Root, "choices") => Place::Choice,
        (Place::Root, "usage") => Place::Usage,
        (Place::Root, "error") => Place::Error,
        (Place::Choice, "delta" | "message") => Place::Message,
        (Place::Choice, "text") => Place::Piece(Channel::Completion),
        (Place::Choice, "index") => Place::Number(Number::Choice),
        (Place::Choice, "finish_reason") => Place::Finish,
        (Place::Choice, "logprobs" | "native_logprobs") => Place::Logprobs,
        (Place::Message, "content") => Place::Piece(Channel::Content),
        (Place::Message, "refusal") => Place::Piece(Channel::Refusal),
        (Place::Message, "reasoning_content") => Place::Piece(Channel::Thoughts),
        (Place::Message, "reasoning") => Place::Piece(Channel::ThoughtsAgain),
        (Place::Message, "reasoning_details") => Place::Detail,
        (Place::Message, "tool_calls") => Place::Call,
        (Place::Message, "function_call") => Place::OldFunction,
        (Place::Message, "audio") => Place::Audio,
        (Place::Message, "images") => Place::Link,
        (Place::Call | Place::Detail, "index") => Place::Number(Number::Part),
        (Place::Call, "function" | "custom") => Place::Function,
        (Place::Function | Place::OldFunction, "name") => Place::Word,
        (Place::Function, "arguments") => Place::Piece(Channel::Arguments),
        (Place::Function, "input") => Place::Piece(Channel::Custom),
        (Place::OldFunction, "arguments") => Place::Piece(Channel::OldArguments),
        (Place::Detail, "text" | "summary") => Place::Piece(Channel::Detail),
        (Place::Detail | Place::Audio, "data") => Place::Word,
        (Place::Audio, "transcript") => Place::Piece(Channel::Transcript),
        (Place::Parts(channel), "text") => Place::Piece(channel),
        (Place::Parts(_), "thinking") => Place::Parts(Channel::ThoughtPart),
        (Place::Link, "url" | "image_url") => Place::Link,
        (Place::Raw | Place::Whole(Form::Json), _) => Place::Raw,
        _ => anywhere(place, key),
    }
}

/// Which texts end with this chunk.
pub(super) fn ends(leaves: &[Leaf]) -> Vec<End> {
    let mut ends = Vec::new();
    let has_choices = leaves.iter().any(|leaf| leaf.sort == Sort::Choice);
    let thinks = leaves.iter().any(|leaf| match leaf.sort {
        Sort::Piece(channel) => channel.is_thought() && leaf.span.len() > 2,
        _ => false,
    });
    for leaf in leaves {
        let is_said = || !thinks && leaf.span.len() > 2;
        match leaf.sort {
            Sort::Finish => ends.push(End::Choice(leaf.choice())),
            Sort::Error => ends.push(End::All),
            Sort::Usage if !has_choices => ends.push(End::All),
            Sort::Piece(Channel::Content | Channel::Part) if is_said() => {
                ends.push(End::Thoughts(leaf.choice()));
            }
            _ => {}
        }
    }
    ends
}

/// What every chunk of the answer begins with, up to the choices.
pub(super) fn head(text: &str) -> String {
    let mut head = String::from("{");
    members(text, |key, value| {
        if matches!(
            key,
            "id" | "object" | "created" | "model" | "system_fingerprint"
        ) {
            // Writing to memory does not fail.
            let _ = write!(head, "\"{key}\":{value},");
        }
    });
    head
}

/// A chunk that says a held rest; `rest` is a JSON string.
pub(super) fn extra(head: &str, key: Key, rest: &str) -> String {
    let (choice, part) = (key.choice, key.part);
    let delta = match key.channel {
        Channel::Completion => {
            return format!(
                r#"{head}"choices":[{{"text":{rest},"index":{choice},"logprobs":null,"finish_reason":null}}]}}"#
            );
        }
        Channel::Thoughts => format!(r#""reasoning_content":{rest}"#),
        Channel::ThoughtsAgain => format!(r#""reasoning":{rest}"#),
        Channel::Detail => format!(
            r#""reasoning_details":[{{"type":"reasoning.text","text":{rest},"index":{part}}}]"#
        ),
        Channel::ThoughtPart => format!(
            r#""content":[{{"type":"thinking","thinking":[{{"type":"text","text":{rest}}}]}}]"#
        ),
        Channel::Part => format!(r#""content":[{{"type":"text","text":{rest}}}]"#),
        Channel::Refusal => format!(r#""refusal":{rest}"#),
        Channel::Transcript => format!(r#""audio":{{"transcript":{rest}}}"#),
        Channel::Arguments => {
            format!(r#""tool_calls":[{{"index":{part},"function":{{"arguments":{rest}}}}}]"#)
        }
        Channel::Custom => {
            format!(r#""tool_calls":[{{"index":{part},"custom":{{"input":{rest}}}}}]"#)
        }
        Channel::OldArguments => format!(r#""function_call":{{"arguments":{rest}}}"#),
        _ => format!(r#""content":{rest}"#),
    };
    format!(
        r#"{head}"choices":[{{"index":{choice},"delta":{{{delta}}},"logprobs":null,"finish_reason":null}}]}}"#
    )
}
