//! The conversation of a Messages request, held to Anthropic's rules about roles, blocks and
//! tool results: most of what can go wrong in a translation goes wrong here.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::blocks::{check, content, kind, str_of};
use super::messages::wrong;
use super::{Images, Malformed, Thoughts, text, words};
use crate::mock::speech::signature;

/// What of a conversation shapes the answer.
#[derive(Debug, Default)]
pub(super) struct Talk {
    pub(super) last_text: String,
    pub(super) after_tool: bool,
    pub(super) images: Images,
    pub(super) thoughts: Thoughts,
    pub(super) words: u64,
}

/// A message and its blocks; a bare text is one block.
struct Turn {
    index: usize,
    assistant: bool,
    blocks: Vec<Value>,
}

impl Talk {
    /// Reads the messages, or says what Anthropic would say against them.
    pub(super) fn read(messages: &[Value]) -> Result<Self, Malformed> {
        let turns: Vec<Turn> = messages
            .iter()
            .enumerate()
            .map(|(index, message)| Turn::read(index, message))
            .collect::<Result<_, _>>()?;
        let Some(last) = turns.last() else {
            return Err(wrong("messages", "at least one message is required"));
        };
        if turns.first().is_some_and(|turn| turn.assistant) {
            let what = "first message must use the \"user\" role";
            return Err(wrong("messages", what));
        }
        for turn in &turns {
            if turn.blocks.is_empty() && !(turn.assistant && turn.index == last.index) {
                let what = "all messages must have non-empty content except for the optional final assistant message";
                return Err(wrong(&format!("messages.{}", turn.index), what));
            }
        }
        pairs(&turns)?;
        let mut talk = Self::default();
        for turn in &turns {
            turn.blocks.iter().for_each(|block| talk.count(block));
        }
        talk.thoughts = thoughts(&turns);
        let user = turns.iter().rev().find(|turn| !turn.assistant);
        let results = user.is_some_and(Turn::ends_in_result);
        talk.after_tool = results && !last.assistant;
        talk.last_text = user.map_or_else(String::new, |turn| turn.said(results));
        Ok(talk)
    }

    fn count(&mut self, block: &Value) {
        match kind(block) {
            "text" => self.words += words(str_of(block, "text")),
            "image" => {
                let source = block.get("source");
                let data = source.and_then(|source| source.get("data")?.as_str());
                self.images.see(data);
            }
            "tool_result" => {
                self.words += words(&text(content(block)));
                let inner = content(block).as_array();
                let images = inner.into_iter().flatten();
                images
                    .filter(|block| kind(block) == "image")
                    .for_each(|block| self.count(block));
            }
            _ => {}
        }
    }
}

impl Turn {
    fn read(index: usize, message: &Value) -> Result<Self, Malformed> {
        let place = format!("messages.{index}");
        let role = message.get("role").and_then(Value::as_str);
        let assistant = match role {
            Some("user") => false,
            Some("assistant") => true,
            None => return Err(wrong(&format!("{place}.role"), "Field required")),
            Some(other) => {
                let what = format!(
                    "Unexpected role \"{other}\". Allowed roles are \"user\" or \"assistant\"."
                );
                return Err(wrong("messages", &what));
            }
        };
        let place = format!("{place}.content");
        let blocks = match message.get("content") {
            None => return Err(wrong(&place, "Field required")),
            Some(Value::String(text)) if text.is_empty() => Vec::new(),
            Some(Value::String(text)) => vec![json!({"type": "text", "text": text})],
            Some(Value::Array(blocks)) => blocks.clone(),
            Some(_) => return Err(wrong(&place, "Input should be a valid list")),
        };
        for (index, block) in blocks.iter().enumerate() {
            check(&format!("{place}.{index}"), assistant, block)?;
        }
        Ok(Self {
            index,
            assistant,
            blocks,
        })
    }

    fn of_kind<'a>(&'a self, wanted: &'a str) -> impl Iterator<Item = &'a Value> {
        let wanted = move |block: &&Value| kind(block) == wanted;
        self.blocks.iter().filter(wanted)
    }

    /// A tool's result is the last thing said, images aside.
    fn ends_in_result(&self) -> bool {
        let said = |block: &&Value| ["text", "tool_result"].contains(&kind(block));
        let last = self.blocks.iter().rev().find(said);
        last.is_some_and(|block| kind(block) == "tool_result")
    }

    /// Its results or its texts.
    fn said(&self, results: bool) -> String {
        let texts: Vec<String> = if results {
            let results = self.of_kind("tool_result");
            results.map(|block| text(content(block))).collect()
        } else {
            let texts = self.of_kind("text");
            texts
                .map(|block| str_of(block, "text").to_owned())
                .collect()
        };
        texts.join(" ")
    }
}

/// Every call is answered in the next message, before anything else, and only calls are.
fn pairs(turns: &[Turn]) -> Result<(), Malformed> {
    let mut known = HashSet::new();
    let before = std::iter::once(None).chain(turns.iter().map(Some));
    let after = turns.iter().skip(1).map(Some).chain([None]);
    for ((turn, before), after) in turns.iter().zip(before).zip(after) {
        let place = format!("messages.{}", turn.index);
        let called = |turn: &Turn| ids(turn.of_kind("tool_use"), "id");
        let calls = called(turn);
        if !calls.iter().all(|id| known.insert(id.clone())) {
            return Err(wrong("messages", "`tool_use` ids must be unique"));
        }
        let leading = |turn: &Turn| {
            let results = turn.blocks.iter();
            let results = results.take_while(|block| kind(block) == "tool_result");
            ids(results, "tool_use_id")
        };
        let answered = after.map(leading).unwrap_or_default();
        let open: Vec<_> = calls.iter().filter(|id| !answered.contains(*id)).collect();
        if !open.is_empty() {
            let open = open.iter().map(|id| id.as_str()).collect::<Vec<_>>();
            let what = format!(
                "`tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
                open.join(", ")
            );
            return Err(wrong(&place, &what));
        }
        let expected = before.map(called).unwrap_or_default();
        let mut seen = HashSet::new();
        for id in ids(turn.of_kind("tool_result"), "tool_use_id") {
            let what = if !expected.contains(&id) {
                format!(
                    "unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
            } else if !seen.insert(id.clone()) {
                format!(
                    "each tool_use must have a single result. Found multiple `tool_result` blocks with id: {id}"
                )
            } else {
                continue;
            };
            return Err(wrong(&format!("{place}.content"), &what));
        }
    }
    Ok(())
}

fn ids<'a>(blocks: impl Iterator<Item = &'a Value>, field: &str) -> Vec<String> {
    let ids = blocks.map(|block| str_of(block, field).to_owned());
    ids.collect()
}

/// Whether the thinking blocks came back as they were given out.
fn thoughts(turns: &[Turn]) -> Thoughts {
    let mut thoughts = Thoughts::default();
    for turn in turns.iter().filter(|turn| turn.assistant) {
        for (index, block) in turn.blocks.iter().enumerate() {
            let signed = str_of(block, "signature") == signature(str_of(block, "thinking"));
            if kind(block) == "thinking" && !signed {
                let place = format!("messages.{}.content.{index}", turn.index);
                let what = "Invalid `signature` in `thinking` block";
                thoughts.forged.get_or_insert(format!("{place}: {what}"));
            }
        }
        let first = turn.blocks.first().map_or("", kind);
        let thinks = ["thinking", "redacted_thinking"].contains(&first);
        // Only the last turn counts: Anthropic drops the thoughts of earlier ones itself.
        thoughts.missing = (!thinks).then(|| {
            format!(
                "messages.{}.content.0.type: Expected `thinking` or `redacted_thinking`, but found `{first}`. When `thinking` is enabled, a final `assistant` message must start with a thinking block (preceding the lastmost set of `tool_use` and `tool_result` blocks).",
                turn.index
            )
        });
    }
    thoughts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(messages: Value) -> Result<Talk, String> {
        let Value::Array(messages) = messages else {
            panic!()
        };
        Talk::read(&messages).map_err(|error| error.message)
    }

    fn user(content: impl Into<Value>) -> Value {
        json!({"role": "user", "content": content.into()})
    }

    fn assistant(content: impl Into<Value>) -> Value {
        json!({"role": "assistant", "content": content.into()})
    }

    fn call(id: &str) -> Value {
        json!({"type": "tool_use", "id": id, "name": "f", "input": {}})
    }

    fn result(id: &str, text: &str) -> Value {
        json!({"type": "tool_result", "tool_use_id": id, "content": text})
    }

    #[test]
    fn results_are_quoted_unless_a_text_follows_them() {
        let calls = assistant(json!([call("a"), call("b")]));
        let results = json!([result("a", "sunny"), result("b", "rainy")]);
        let turns = json!([user("weather?"), calls, user(results.clone())]);
        let seen = talk(turns).unwrap();
        assert_eq!(
            (seen.last_text.as_str(), seen.after_tool),
            ("sunny rainy", true)
        );
        assert_eq!(seen.words, 3);
        let mut more = results;
        let text = json!({"type": "text", "text": "so?"});
        more.as_array_mut().unwrap().push(text);
        let seen = talk(json!([user("weather?"), calls, user(more)])).unwrap();
        assert_eq!((seen.last_text.as_str(), seen.after_tool), ("so?", false));
    }

    #[test]
    fn images_are_counted_also_inside_results() {
        let image = |data: &str| json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
        let inside = json!({"type": "tool_result", "tool_use_id": "a", "content": [image("AAA=")]});
        let link = json!({"type": "image", "source": {"type": "url", "url": "https://a.example"}});
        let seen = talk(json!([
            user(json!([image("AAAA"), link])),
            assistant(json!([call("a")])),
            user(json!([inside])),
        ]));
        assert_eq!(seen.unwrap().images, Images { count: 3, bytes: 5 });
    }

    #[test]
    fn thoughts_must_come_back_as_they_were() {
        let turns = |block: Value| {
            let turns = json!([user("q"), assistant(json!([block])), user("r")]);
            talk(turns).unwrap().thoughts
        };
        let thinking =
            |signature: &str| json!({"type": "thinking", "thinking": "hm", "signature": signature});
        assert_eq!(turns(thinking(&signature("hm"))), Thoughts::default());
        let forged = turns(thinking("abc")).forged.unwrap();
        assert!(forged.starts_with("messages.1.content.0: Invalid `signature`"));
        let missing = turns(json!({"type": "text", "text": "a"})).missing.unwrap();
        assert!(missing.contains("but found `text`"), "{missing}");
    }

    fn refused(cases: &[(Value, &str)]) {
        for (messages, expected) in cases {
            let message = talk(messages.clone()).unwrap_err();
            assert!(message.starts_with(expected), "{messages}: {message}");
        }
    }

    #[test]
    fn messages_that_anthropic_refuses_are_refused_in_its_words() {
        let image = |media: &str, data: &str| json!([{"type": "image", "source": {"type": "base64", "media_type": media, "data": data}}]);
        let place = "messages.0.content.0.image.source.base64";
        refused(&[
            (json!([]), "messages: at least one"),
            (json!([assistant("a")]), "messages: first message"),
            (
                json!([{"role": "system", "content": "a"}]),
                "messages: Unexpected role \"system\"",
            ),
            (
                json!([{"role": "user"}]),
                "messages.0.content: Field required",
            ),
            (
                json!([user("")]),
                "messages.0: all messages must have non-empty",
            ),
            (
                json!([user(json!([{"type": "text", "text": ""}]))]),
                "messages: text content blocks",
            ),
            (
                json!([user(json!([{"type": "image_url"}]))]),
                "messages.0.content.0: Input tag 'image_url'",
            ),
            (
                json!([user(image("image/tiff", "AAAA"))]),
                &format!("{place}.media_type"),
            ),
            (
                json!([user(image("image/png", "data:"))]),
                &format!("{place}: invalid"),
            ),
            (
                json!([
                    user("q"),
                    assistant(json!([{"type": "thinking", "thinking": "a"}]))
                ]),
                "messages.1.content.0.thinking.signature: Field required",
            ),
        ]);
    }

    #[test]
    fn calls_without_their_results_are_refused_and_results_without_their_calls() {
        let text = json!({"type": "text", "text": "a"});
        let hello = user("hello");
        let asks = |ids: &[&str]| assistant(ids.iter().map(|id| call(id)).collect::<Value>());
        let open =
            "messages.1: `tool_use` ids were found without `tool_result` blocks immediately after";
        let arguments = json!([{"type": "tool_use", "id": "a", "name": "f", "input": "{}"}]);
        let late = user(json!([text, result("a", "")]));
        let one = |id: &str| user(json!([result(id, "")]));
        let twice = user(json!([result("a", ""), result("a", "")]));
        refused(&[
            (json!([hello, asks(&["a"])]), open),
            (json!([hello, asks(&["a"]), late]), open),
            (
                json!([hello, asks(&["a", "b"]), one("a"), one("b")]),
                &format!("{open}: b."),
            ),
            (
                json!([one("a")]),
                "messages.0.content: unexpected `tool_use_id`",
            ),
            (
                json!([hello, asks(&["a"]), twice]),
                "messages.2.content: each tool_use",
            ),
            (
                json!([user(json!([call("a")]))]),
                "messages.0.content.0: `tool_use` blocks can only be in `assistant`",
            ),
            (
                json!([hello, assistant(arguments)]),
                "messages.1.content.0.tool_use.input: Input",
            ),
        ]);
    }
}
