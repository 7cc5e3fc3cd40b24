//! Where the strings of an Anthropic request stand: the table behind
//! [the dialect's](super) documentation.

use crate::text::{Role, TextChannel};
use crate::texts::{Grammar, Media, Place, Sort, Stand};

pub(crate) const GRAMMAR: Grammar = Grammar {
    below,
    media,
    typed: |place| matches!(place, Place::Part(_) | Place::Source(_)),
};

fn media(stand: Stand, key: &str) -> Option<Media> {
    match (key, stand.sort) {
        ("source", Sort::Image) => Some(Media::Image),
        ("source", Sort::Document) => Some(Media::File),
        _ => None,
    }
}

/// Where the member `key` of an object at `stand` stands.
fn below(stand: Stand, key: &str) -> Stand {
    use TextChannel::{Attribute, Content, Name, ToolDescription};
    let (mut word, mut role) = (false, stand.role);
    let place = match stand.place {
        Place::Request => match key {
            "messages" => Place::Message,
            "system" => {
                role = Role::System;
                Place::Part(Content)
            }
            "tools" | "output_config" | "output_format" => Place::Function,
            "tool_choice" => Place::Call,
            "cache_control" => Place::Marker,
            _ => {
                word = key == "model";
                Place::All(Attribute)
            }
        },
        Place::Message => match key {
            "content" => Place::Part(Content),
            _ => {
                word = key == "role";
                Place::All(Attribute)
            }
        },
        Place::Part(channel) => return below_block(stand, channel, key),
        Place::Source(channel) => match key {
            "url" => Place::Link,
            "content" => Place::Part(channel),
            _ => {
                word = matches!(key, "type" | "media_type" | "file_id")
                    || key == "data" && stand.sort == Sort::Base64;
                Place::Source(channel)
            }
        },
        Place::Call => match key {
            "name" => Place::All(Name),
            _ => {
                word = key == "type";
                Place::All(Attribute)
            }
        },
        Place::Function => match key {
            "format" => Place::Function,
            "name" => Place::All(Name),
            "description" => Place::All(ToolDescription),
            "input_schema" | "schema" => Place::Schema,
            "cache_control" => Place::Marker,
            _ => {
                word = key == "type";
                Place::All(Attribute)
            }
        },
        Place::Schema => {
            word = matches!(key, "type" | "format" | "$ref" | "$schema");
            Place::Schema
        }
        Place::Marker => {
            word = matches!(key, "type" | "ttl");
            Place::Marker
        }
        Place::Link | Place::Item | Place::All(_) => stand.place,
    };
    Stand {
        place,
        role,
        word,
        sort: Sort::Other,
    }
}

/// The same for a content block.
fn below_block(stand: Stand, channel: TextChannel, key: &str) -> Stand {
    let (mut word, mut role) = (false, stand.role);
    let place = match key {
        "thinking" => Place::All(TextChannel::Reasoning),
        "name" | "tool_name" => Place::All(TextChannel::Name),
        "input" => Place::All(TextChannel::ToolArguments),
        "source" => Place::Source(channel),
        "cache_control" => Place::Marker,
        "url" => Place::Link,
        // Only results of tools have it, the provider's own tools included.
        "content" => {
            role = Role::Tool;
            Place::Part(TextChannel::ToolResult)
        }
        _ => {
            word = is_block_word(key);
            Place::Part(channel)
        }
    };
    Stand {
        place,
        role,
        word,
        sort: Sort::Other,
    }
}

/// Members of a block that hold machine words or data which only the provider
/// that wrote it can read.
fn is_block_word(key: &str) -> bool {
    matches!(
        key,
        "type"
            | "id"
            | "tool_use_id"
            | "file_id"
            | "signature"
            | "data"
            | "media_type"
            | "encrypted_content"
            | "encrypted_index"
            | "encrypted_stdout"
    )
}

#[cfg(test)]
mod tests {
    use crate::prompt::{Prompt, Surface};

    /// Every text of a body, as `path role channel text`.
    fn texts(messages: &str, more: &str) -> Vec<String> {
        let body = format!(r#"{{"model":"m","max_tokens":9,"messages":[{messages}]{more}}}"#);
        let prompt = Prompt::read(Surface::Messages, bytes::Bytes::from(body)).unwrap();
        let mut all = Vec::new();
        prompt.visit_texts(&mut |t| {
            all.push(format!(
                "{} {:?} {:?} {}",
                t.path, t.role, t.channel, t.text
            ));
        });
        all
    }

    #[test]
    fn each_kind_of_block_shows_its_texts_in_their_channels() {
        let all = texts(
            r#"{"role":"user","content":[{"type":"text","text":"t","cache_control":{"type":"ephemeral","ttl":"5m"}},
                 {"type":"document","title":"d","context":"c","source":{"type":"text","media_type":"text/plain","data":"plain"}},
                 {"type":"image","source":{"type":"url","url":"https://x/y.png"}}]},
               {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},
                 {"type":"redacted_thinking","data":"x9"},
                 {"type":"tool_use","id":"i","name":"f","input":{"q":["a"]}}]},
               {"role":"user","content":[{"type":"tool_result","tool_use_id":"i","content":[{"type":"text","text":"r"}]}]}"#,
            r#","system":[{"type":"text","text":"s"}],"metadata":{"user_id":"u"},"tool_choice":{"type":"tool","name":"f"},
               "tools":[{"name":"f","description":"look","input_schema":{"type":"object","properties":{"q":{"type":"string","description":"q?"}}}}],
               "output_config":{"format":{"type":"json_schema","schema":{"title":"T"}}}"#,
        );
        assert_eq!(
            all,
            [
                "/messages/0/content/0/text User Content t",
                "/messages/0/content/1/title User Content d",
                "/messages/0/content/1/context User Content c",
                "/messages/0/content/1/source/data User Content plain",
                "/messages/0/content/2/source/url User Url https://x/y.png",
                "/messages/1/content/0/thinking Assistant Reasoning hm",
                "/messages/1/content/2/name Assistant Name f",
                "/messages/1/content/2/input/q/0 Assistant ToolArguments a",
                "/messages/2/content/0/content/0/text Tool ToolResult r",
                "/system/0/text System Content s",
                "/metadata/user_id Request Attribute u",
                "/tool_choice/name Request Name f",
                "/tools/0/name Request Name f",
                "/tools/0/description Request ToolDescription look",
                "/tools/0/input_schema/properties/q/description Request Schema q?",
                "/output_config/format/schema/title Request Schema T",
            ]
        );
    }

    #[test]
    fn no_spelling_hides_a_text() {
        for hidden in [
            r#"{"content":"secret","role":"user"}"#,
            r#"{"role":"user","content":[{"type":"new","inner":{"words":["secret"]}}]}"#,
            r#"{"role":"user","content":[{"type":"document","source":{"data":"secret","type":"text"}}]}"#,
            r#"{"role":"user","content":[{"type":"document","source":{"data":"secret","x":{},"type":"base64"}}]}"#,
            r#"{"role":"user","content":[{"type":"document","source":{"type":"content","content":"secret"}}]}"#,
            r#"{"role":"user","content":[{"type":"tool_result","tool_use_id":"i","content":"secret"}]}"#,
            r#"{"role":"user","content":[{"type":"x","cache_control":{"note":"secret"}}]}"#,
            r#"{"role":"system","content":"secret"}"#,
        ] {
            let all = texts(hidden, "");
            assert!(
                all.iter().any(|text| text.contains("secret")),
                "{hidden}: {all:?}"
            );
        }
    }

    #[test]
    fn binary_data_is_no_text_wherever_its_type_stands() {
        let all = texts(
            r#"{"role":"user","content":[{"type":"image","source":{"data":"iVBOR","media_type":"image/png","type":"base64"}},
               {"source":{"type":"base64","media_type":"application/pdf","data":"JVBE"},"type":"document"}]}"#,
            "",
        );
        assert_eq!(all, [""; 0]);
    }
}
