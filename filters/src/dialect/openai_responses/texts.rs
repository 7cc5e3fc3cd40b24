//! Where the strings of a Responses request stand: the table behind
//! [the dialect's](super) documentation.

use crate::text::{Role, TextChannel};
use crate::texts::{Grammar, Media, Place, Sort, Stand};

pub(crate) const GRAMMAR: Grammar = Grammar {
    below,
    media,
    typed: |place| place == Place::Item,
};

fn media(_: Stand, key: &str) -> Option<Media> {
    match key {
        "image_url" => Some(Media::Image),
        "input_audio" => Some(Media::Audio),
        "file_data" | "file_url" => Some(Media::File),
        _ => None,
    }
}

/// Where the member `key` of an object at `stand` stands.
fn below(stand: Stand, key: &str) -> Stand {
    use TextChannel::{Attribute, Name, Refusal, ToolArguments, ToolDescription};
    let mut word = false;
    let place = match stand.place {
        Place::Request => return top(stand, key),
        Place::Item => return item(stand, key),
        Place::Part(channel) => match key {
            "refusal" => Place::All(Refusal),
            "filename" => Place::All(Name),
            "image_url" | "file_url" | "url" => Place::Link,
            _ => {
                word = matches!(
                    key,
                    "type"
                        | "id"
                        | "file_id"
                        | "file_data"
                        | "data"
                        | "format"
                        | "detail"
                        | "container_id"
                );
                Place::Part(channel)
            }
        },
        Place::Call => match key {
            "tools" | "function" => Place::Call,
            "name" => Place::All(Name),
            "arguments" | "input" => Place::All(ToolArguments),
            _ => {
                word = matches!(key, "id" | "type" | "mode");
                Place::All(Attribute)
            }
        },
        Place::Function => match key {
            "format" | "tools" => Place::Function,
            "name" => Place::All(Name),
            "description" => Place::All(ToolDescription),
            "parameters" | "schema" | "definition" => Place::Schema,
            _ => {
                word = matches!(key, "id" | "type" | "syntax" | "verbosity");
                Place::All(Attribute)
            }
        },
        Place::Schema => {
            word = matches!(key, "type" | "format" | "$ref" | "$schema");
            Place::Schema
        }
        Place::Link => {
            word = key == "detail";
            Place::Link
        }
        Place::Message | Place::All(_) | Place::Source(_) | Place::Marker => stand.place,
    };
    Stand {
        place,
        word,
        ..stand
    }
}

/// The members of the request.
fn top(stand: Stand, key: &str) -> Stand {
    let said = |place, role| Stand {
        place,
        role,
        ..stand
    };
    match key {
        "input" => said(Place::Item, Role::User),
        "instructions" => said(Place::Item, Role::System),
        "tools" | "text" => said(Place::Function, stand.role),
        "tool_choice" => said(Place::Call, stand.role),
        _ => Stand {
            place: Place::All(TextChannel::Attribute),
            word: matches!(key, "model" | "previous_response_id"),
            ..stand
        },
    }
}

/// The members of an item.
fn item(stand: Stand, key: &str) -> Stand {
    use TextChannel::{Attribute, Content, Name, Reasoning, Refusal, ToolArguments, ToolResult};
    let mut word = false;
    let place = match key {
        "content" if stand.sort == Sort::Thought => Place::Part(Reasoning),
        "content" if stand.role == Role::Tool => Place::Part(ToolResult),
        "content" => Place::Part(Content),
        "summary" => Place::Part(Reasoning),
        "output" | "outputs" => Place::Part(ToolResult),
        "refusal" => Place::All(Refusal),
        "name" => Place::All(Name),
        "arguments" | "input" | "action" | "code" | "queries" => Place::All(ToolArguments),
        "tools" => Place::Function,
        _ => {
            word = matches!(
                key,
                "role" | "type" | "id" | "call_id" | "status" | "encrypted_content"
            );
            Place::All(Attribute)
        }
    };
    Stand {
        place,
        word,
        ..stand
    }
}
