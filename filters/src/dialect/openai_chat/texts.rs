//! Where the strings of an OpenAI request stand: the table behind
//! [the dialect's](super) documentation.

use crate::text::{Role, TextChannel};
use crate::texts::{Grammar, Media, Place, Stand};

pub(crate) const GRAMMAR: Grammar = Grammar {
    below,
    media,
    typed: |_| false,
};

fn media(_: Stand, key: &str) -> Option<Media> {
    match key {
        "image_url" => Some(Media::Image),
        "input_audio" | "audio_url" => Some(Media::Audio),
        "file" | "document_url" | "video_url" => Some(Media::File),
        _ => None,
    }
}

/// Where the member `key` of an object at `stand` stands.
fn below(stand: Stand, key: &str) -> Stand {
    use TextChannel::{Attribute, Content, Input, Name, Reasoning, Refusal};
    use TextChannel::{Prediction, ToolArguments, ToolDescription, ToolResult};
    let mut word = false;
    let place = match stand.place {
        Place::Request => match key {
            "messages" => Place::Message,
            "input" => Place::All(Input),
            "prompt" | "suffix" => return said_by_user(stand),
            "tools" | "functions" | "response_format" => Place::Function,
            "tool_choice" | "function_call" => Place::Call,
            "prediction" => Place::Part(Prediction),
            _ => {
                word = key == "model";
                Place::All(Attribute)
            }
        },
        Place::Message => match key {
            "content" if stand.role == Role::Tool => Place::Part(ToolResult),
            "content" => Place::Part(Content),
            "name" => Place::All(Name),
            "refusal" => Place::All(Refusal),
            "reasoning" | "reasoning_content" | "reasoning_details" | "thinking" => {
                Place::Part(Reasoning)
            }
            "tool_calls" | "function_call" => Place::Call,
            "images" => {
                word = true;
                Place::Link
            }
            _ => {
                word = matches!(key, "role" | "tool_call_id" | "id");
                Place::All(Attribute)
            }
        },
        Place::Part(channel) => match key {
            "refusal" => Place::All(Refusal),
            "filename" => Place::All(Name),
            "thinking" | "reasoning" => Place::Part(Reasoning),
            "image_url" | "video_url" | "audio_url" | "document_url" | "url" => Place::Link,
            _ => {
                word = is_part_word(key);
                Place::Part(channel)
            }
        },
        Place::Call => match key {
            "function" | "custom" => Place::Call,
            "name" => Place::All(Name),
            "arguments" | "input" => Place::All(ToolArguments),
            _ => {
                word = matches!(key, "id" | "type");
                Place::All(Attribute)
            }
        },
        Place::Function => match key {
            "function" | "custom" | "json_schema" => Place::Function,
            "name" => Place::All(Name),
            "description" => Place::All(ToolDescription),
            "parameters" | "input_schema" | "schema" | "format" | "grammar" => Place::Schema,
            _ => {
                word = matches!(key, "id" | "type");
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
        // The last two are Anthropic's.
        Place::All(_) | Place::Item | Place::Source(_) | Place::Marker => stand.place,
    };
    Stand {
        place,
        word,
        ..stand
    }
}

/// The text of an older completion: nobody else than the user speaks in it.
fn said_by_user(stand: Stand) -> Stand {
    Stand {
        place: Place::All(TextChannel::Content),
        role: Role::User,
        ..stand
    }
}

/// Members of a content part that hold machine words or binary data.
fn is_part_word(key: &str) -> bool {
    matches!(
        key,
        "type"
            | "id"
            | "file_id"
            | "data"
            | "file_data"
            | "format"
            | "detail"
            | "signature"
            | "media_type"
    )
}

#[cfg(test)]
mod tests {
    use crate::prompt::{Prompt, Surface};

    /// Every text of a body, as `path role channel text`.
    fn texts(surface: Surface, body: &str) -> Vec<String> {
        let prompt = Prompt::read(surface, bytes::Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let mut all = Vec::new();
        prompt.visit_texts(&mut |t| {
            all.push(format!(
                "{} {:?} {:?} {}",
                t.path, t.role, t.channel, t.text
            ));
        });
        all
    }

    fn chat(messages: &str, more: &str) -> Vec<String> {
        texts(
            Surface::Chat,
            &format!(r#"{{"model":"m","messages":[{messages}]{more}}}"#),
        )
    }

    #[test]
    fn each_kind_of_message_shows_its_texts_in_their_channels() {
        let all = chat(
            r#"{"role":"system","content":"s"},
               {"role":"user","name":"ann","content":[{"type":"text","text":"t"},
                 {"type":"image_url","image_url":{"url":"https://x/y.png","detail":"low"}},
                 {"type":"file","file":{"filename":"f.pdf","file_data":"data:x;base64,AAAA","file_id":"id"}}]},
               {"role":"assistant","content":null,"refusal":"no","reasoning_content":"hm",
                "tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":\"é\"}"}}]},
               {"role":"tool","tool_call_id":"c1","content":[{"type":"text","text":"r"}]}"#,
            "",
        );
        assert_eq!(
            all,
            [
                "/messages/0/content System Content s",
                "/messages/1/name User Name ann",
                "/messages/1/content/0/text User Content t",
                "/messages/1/content/1/image_url/url User Url https://x/y.png",
                "/messages/1/content/2/file/filename User Name f.pdf",
                "/messages/2/refusal Assistant Refusal no",
                "/messages/2/reasoning_content Assistant Reasoning hm",
                "/messages/2/tool_calls/0/function/name Assistant Name f",
                "/messages/2/tool_calls/0/function/arguments Assistant ToolArguments {\"a\":\"é\"}",
                "/messages/3/content/0/text Tool ToolResult r",
            ]
        );
    }

    #[test]
    fn tools_schemas_predictions_and_parameters_show_theirs() {
        let all = chat(
            r#"{"role":"user","content":"x"}"#,
            r#","tools":[{"type":"function","function":{"name":"f","description":"d","parameters":
                {"type":"object","properties":{"type":{"type":"string","description":"k","enum":["e"]}}}}}],
               "response_format":{"type":"json_schema","json_schema":{"name":"r","schema":{"title":"t"}}},
               "prediction":{"type":"content","content":"p"},"tool_choice":{"type":"function","function":{"name":"f"}},
               "user":"u","metadata":{"k":"v"},"stop":["END"],"invented":{"deep":[{"er":"i"}]}"#,
        );
        assert_eq!(
            all.get(1..).unwrap(),
            [
                "/tools/0/function/name Request Name f",
                "/tools/0/function/description Request ToolDescription d",
                "/tools/0/function/parameters/properties/type/description Request Schema k",
                "/tools/0/function/parameters/properties/type/enum/0 Request Schema e",
                "/response_format/json_schema/name Request Name r",
                "/response_format/json_schema/schema/title Request Schema t",
                "/prediction/content Request Prediction p",
                "/tool_choice/function/name Request Name f",
                "/user Request Attribute u",
                "/metadata/k Request Attribute v",
                "/stop/0 Request Attribute END",
                "/invented/deep/0/er Request Attribute i",
            ]
        );
    }

    #[test]
    fn embeddings_show_each_text_and_no_token_id() {
        assert_eq!(
            texts(Surface::Embeddings, r#"{"model":"m","input":"a"}"#),
            ["/input Request Input a"]
        );
        let all = texts(
            Surface::Embeddings,
            r#"{"model":"m","input":["a","b"],"user":"u"}"#,
        );
        assert_eq!(
            all,
            [
                "/input/0 Request Input a",
                "/input/1 Request Input b",
                "/user Request Attribute u"
            ]
        );
        assert_eq!(
            texts(Surface::Embeddings, r#"{"model":"m","input":[[1,2],[3]]}"#),
            [""; 0]
        );
    }

    #[test]
    fn no_spelling_hides_a_text() {
        for hidden in [
            // The role comes last, keys are escaped, content is given in an unknown part.
            r#"{"content":"secret","role":"user"}"#,
            r#"{"role":"user","c\u006fntent":"s\u0065cret"}"#,
            r#"{"role":"user","content":[{"type":"new","inner":{"words":["secret"]}}]}"#,
            r#"{"role":"user","content":[{"type":"text","text":"","text":"secret"}]}"#,
            r#"{"role":"user","content":["secret"]}"#,
            r#"{"role":"user","content":[{"type":{"type":["secret"]}}]}"#,
            r#"{"role":"user","content":[{"type":"image_url","image_url":"data:text/plain,secret"}]}"#,
            r#"{"role":"assistant","tool_calls":[{"function":{"arguments":{"q":"secret"}}}]}"#,
            r#"{"role":"user","content":"","invented":"secret"}"#,
        ] {
            let all = chat(hidden, "");
            assert!(
                all.iter().any(|text| text.contains("secret")),
                "{hidden}: {all:?}"
            );
        }
    }

    #[test]
    fn a_text_that_is_no_valid_unicode_is_shown_all_the_same() {
        let all = chat(r#"{"role":"user","content":"a\ud800b secret"}"#, "");
        assert_eq!(all, ["/messages/0/content User Content a\u{FFFD}b secret"]);
    }

    #[test]
    fn binary_data_is_no_text() {
        let all = chat(
            r#"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"UklGR","format":"wav"}},
               {"type":"image_url","image_url":{"url":"data:image/png;base64,iVBOR"}}],"images":["iVBOR"]}"#,
            "",
        );
        assert_eq!(all, [""; 0]);
    }
}
