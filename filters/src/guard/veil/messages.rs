//! Events and bodies of Anthropic's Messages.

use super::texts::{End, Key};
use super::walk::{Channel, Leaf, Number, Place, anywhere};

/// Where the member `key` of an object at `place` stands.
pub(super) fn below(place: Place, key: &str) -> Place {
    match (place, key) {
        (Place::Root, "index") => Place::Number(Number::Choice),
        // A body is the message itself.
        (Place::Root, "message") => Place::Root,
        (Place::Root, "content" | "content_block") => Place::Block,
        (Place::Root, "delta") => Place::Growth,
        (Place::Root, "error") => Place::Error,
        (Place::Block | Place::Growth, "text") => Place::Piece(Channel::Text),
        (Place::Block | Place::Growth, "thinking") => Place::Piece(Channel::Thinking),
        (Place::Growth, "partial_json") => Place::Piece(Channel::Partial),
        (Place::Block, "input") => Place::Raw,
        (Place::Block, "name" | "data") => Place::Word,
        _ => anywhere(place, key),
    }
}

/// Which texts end with this event.
pub(super) fn ends(kind: &str, text: &str, leaves: &[Leaf]) -> Vec<End> {
    let index = || index_of(text).unwrap_or_default();
    match kind {
        "content_block_stop" => vec![End::Choice(index())],
        "content_block_delta" if leaves.is_empty() && text.contains("\"signature_delta\"") => {
            vec![End::Choice(index())]
        }
        "message_delta" | "message_stop" | "error" => vec![End::All],
        _ => Vec::new(),
    }
}

fn index_of(text: &str) -> Option<u64> {
    let mut index = None;
    crate::dialect::openai_chat::wire::members(text, |key, value| {
        if key == "index" {
            index = value.parse().ok();
        }
    });
    index
}

/// An event that says a held rest; `rest` is a JSON string.
pub(super) fn extra(key: Key, rest: &str) -> String {
    let (kind, name) = match key.channel {
        Channel::Thinking => ("thinking_delta", "thinking"),
        Channel::Partial => ("input_json_delta", "partial_json"),
        _ => ("text_delta", "text"),
    };
    let index = key.choice;
    format!(
        r#"{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}","{name}":{rest}}}}}"#
    )
}
