//! What single providers of OpenAI's grammar want otherwise, as rows of a table: a
//! [`Quirk`] is one rule, applied to the body that would go to the provider.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use bytes::Bytes;

use crate::json::{Cursor, Flaw, decode, quoted};
use crate::patch;
use crate::prompt::{ReadError, RequestPatch, members};
use crate::splice::Splices;

use super::bedrock_names::number_of;
use super::common::squeezed;
use super::{Translated, unsupported};

/// One thing that a provider of OpenAI's chat completions wants otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quirk {
    /// It refuses this member. These values of it wish for nothing, and are left out.
    Refuses(&'static str, &'static [&'static str]),
    /// It refuses this member of a message.
    RefusesInMessages(&'static str),
    /// It calls the `tool_choice` that forces a call `any`.
    AnyTool,
    /// It takes ids of calls of nine letters and digits only.
    ShortCallIds,
    /// It wants the results of tools to name their function.
    NamedResults,
    /// It is told not to think by a switch, not by the effort `none`.
    ThinkingSwitch,
    /// Its `logprobs` is the number of rivals, and there is no `top_logprobs`.
    CountedLogprobs,
}

/// Gives the body what these quirks want.
///
/// # Errors
/// The body holds what the provider refuses: the error names it.
pub fn suit(said: Translated, quirks: &[Quirk]) -> Result<Translated, ReadError> {
    if quirks.is_empty() {
        return Ok(said);
    }
    let Translated { body, mut dropped } = said;
    let text = std::str::from_utf8(&body).unwrap_or_default();
    // It was read once, or written just now.
    let found = members(text).unwrap_or_default();
    let value = |name: &str| {
        let is_it = |key: &Range<usize>| decode(text.get(key.clone()).unwrap_or_default()) == name;
        let member = found.iter().find(|member| is_it(&member.key))?;
        text.get(member.value.clone())
            .filter(|value| *value != "null")
    };
    let mut remove: Vec<&str> = Vec::new();
    let mut set: Vec<(&str, Cow<'_, str>)> = Vec::new();
    for quirk in quirks {
        match quirk {
            Quirk::Refuses(name, neutral) => {
                let Some(raw) = value(name) else { continue };
                if !neutral.contains(&&*squeezed(raw)) {
                    return unsupported(
                        *name,
                        "is refused by this model's provider: leave it out, or ask another model",
                    );
                }
                remove.push(name);
                dropped.push(Cow::Borrowed(name));
            }
            Quirk::AnyTool if value("tool_choice").is_some_and(|raw| decode(raw) == "required") => {
                set.push(("tool_choice", Cow::Borrowed("\"any\"")));
            }
            Quirk::ThinkingSwitch
                if value("reasoning_effort").is_some_and(|raw| decode(raw) == "none")
                    && value("reasoning").is_none() =>
            {
                set.push(("reasoning", Cow::Borrowed(r#"{"enabled":false}"#)));
                remove.push("reasoning_effort");
            }
            Quirk::CountedLogprobs => match value("logprobs") {
                Some("true") => {
                    set.push(("logprobs", value("top_logprobs").unwrap_or("1").into()));
                    remove.push("top_logprobs");
                }
                Some("false") => remove.extend(["logprobs", "top_logprobs"]),
                _ => {}
            },
            _ => {}
        }
    }
    let rewritten = match value("messages") {
        Some(list) => Messages::suit(list, quirks)?,
        None => None,
    };
    set.extend(rewritten.map(|list| ("messages", Cow::Owned(list))));
    if set.is_empty() && remove.is_empty() {
        return Ok(Translated { body, dropped });
    }
    let set: Vec<(&str, &str)> = set.iter().map(|(name, raw)| (*name, &**raw)).collect();
    let patch = RequestPatch {
        set: &set,
        remove: &remove,
        ..RequestPatch::default()
    };
    let body: Bytes = patch::apply(&body, &found, false, &patch);
    Ok(Translated { body, dropped })
}

/// The messages on their way through.
struct Messages<'a> {
    text: &'a str,
    quirks: &'a [Quirk],
    /// The functions that were called, by the ids of the calls.
    names: HashMap<Cow<'a, str>, &'a str>,
    splices: Splices<'a>,
}

/// What of one message matters here.
#[derive(Default)]
struct Message<'a> {
    role: Cow<'a, str>,
    named: bool,
    answers: Option<Range<usize>>,
    calls: Option<usize>,
}

impl<'a> Messages<'a> {
    /// The list with what the quirks want; none if it is as they want it.
    fn suit(text: &'a str, quirks: &'a [Quirk]) -> Result<Option<String>, ReadError> {
        let looks_inside = |quirk: &Quirk| {
            matches!(
                quirk,
                Quirk::RefusesInMessages(_) | Quirk::ShortCallIds | Quirk::NamedResults
            )
        };
        if !quirks.iter().any(looks_inside) {
            return Ok(None);
        }
        let mut messages = Messages {
            text,
            quirks,
            names: HashMap::new(),
            splices: Splices::default(),
        };
        // A list that was read has no flaw; were there one, it is the provider's to refuse.
        let refused = messages.walk().unwrap_or(None);
        match refused {
            Some(field) => unsupported(
                field,
                "is refused by this model's provider: leave it out, or ask another model",
            ),
            None => Ok(messages.splices.apply(text)),
        }
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.contains(&quirk)
    }

    /// Walks the list; the field that is refused ends it.
    fn walk(&mut self) -> Result<Option<String>, Flaw> {
        let mut cursor = Cursor::new(self.text, 0);
        cursor.open_array()?;
        let mut index = 0;
        while cursor.item()? {
            let mut message = Message::default();
            cursor.open_object()?;
            let inside = cursor.at();
            while let Some(key) = cursor.key()? {
                let name = decode(self.text.get(key).unwrap_or_default());
                let span = cursor.skip()?;
                let raw = self.text.get(span.clone()).unwrap_or_default();
                let is_refused = |quirk: &Quirk| match quirk {
                    Quirk::RefusesInMessages(known) => *known == name && raw != "null",
                    _ => false,
                };
                if self.quirks.iter().any(is_refused) {
                    return Ok(Some(format!("messages[{index}].{name}")));
                }
                match &*name {
                    "role" => message.role = decode(raw),
                    "name" => message.named = raw != "null",
                    "tool_call_id" if raw.starts_with('"') => message.answers = Some(span),
                    "tool_calls" if raw.starts_with('[') => message.calls = Some(span.start),
                    _ => {}
                }
            }
            self.message(&message, inside)?;
            index += 1;
        }
        Ok(None)
    }

    fn message(&mut self, message: &Message<'a>, inside: usize) -> Result<(), Flaw> {
        if let Some(start) = message.calls.filter(|_| message.role == "assistant") {
            self.calls(start)?;
        }
        let Some(id) = message.answers.clone().filter(|_| message.role == "tool") else {
            return Ok(());
        };
        let named = self
            .names
            .get(&decode(self.text.get(id.clone()).unwrap_or_default()));
        if let Some(name) = named.filter(|_| !message.named && self.has(Quirk::NamedResults)) {
            self.splices
                .push(inside..inside, format!("\"name\":{name},"));
        }
        self.id(id);
        Ok(())
    }

    fn calls(&mut self, start: usize) -> Result<(), Flaw> {
        let mut cursor = Cursor::new(self.text, start);
        cursor.open_array()?;
        while cursor.item()? {
            let (mut id, mut name) = (None, None);
            cursor.open_object()?;
            while let Some(key) = cursor.key()? {
                let key = decode(self.text.get(key).unwrap_or_default());
                let span = cursor.skip()?;
                let raw = self.text.get(span.clone()).unwrap_or_default();
                match &*key {
                    "id" if raw.starts_with('"') => id = Some(span),
                    "function" => {
                        crate::dialect::openai_chat::wire::members(raw, |key, value| {
                            if key == "name" {
                                name = Some(value);
                            }
                        });
                    }
                    _ => {}
                }
            }
            if let Some(id) = id {
                if let Some(name) = name {
                    let known = decode(self.text.get(id.clone()).unwrap_or_default());
                    self.names.insert(known, name);
                }
                self.id(id);
            }
        }
        Ok(())
    }

    /// Makes an id one of nine letters and digits, on call and result alike.
    fn id(&mut self, span: Range<usize>) {
        if !self.has(Quirk::ShortCallIds) {
            return;
        }
        let id = decode(self.text.get(span.clone()).unwrap_or_default());
        if let Some(short) = short_id(&id) {
            self.splices.push(span, quoted(&short));
        }
    }
}

/// Nine letters and digits made of all of the id; none if it is such already.
fn short_id(id: &str) -> Option<String> {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    if id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let mut number = number_of(id);
    let digits = (0..9).map(|_| {
        let digit = DIGITS.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
        char::from(digit)
    });
    Some(digits.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISTRAL: &[Quirk] = &[Quirk::AnyTool, Quirk::ShortCallIds, Quirk::NamedResults];
    const GROQ: &[Quirk] = &[
        Quirk::Refuses("n", &["1"]),
        Quirk::Refuses("logprobs", &["false"]),
        Quirk::Refuses("logit_bias", &["{}"]),
        Quirk::RefusesInMessages("name"),
    ];
    const TOGETHER: &[Quirk] = &[Quirk::CountedLogprobs, Quirk::ThinkingSwitch];

    fn suited(body: &str, quirks: &[Quirk]) -> Result<(String, Vec<String>), Option<String>> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        let dropped = Vec::new();
        let said = suit(Translated { body, dropped }, quirks).map_err(|error| error.param)?;
        let body = String::from_utf8(said.body.to_vec()).unwrap();
        let dropped = said.dropped.iter().map(|name| name.to_string());
        Ok((body, dropped.collect()))
    }

    fn becomes(body: &str, quirks: &[Quirk], expected: &str) {
        assert_eq!(suited(body, quirks).unwrap().0, expected);
    }

    #[test]
    fn a_forced_call_is_called_any_and_other_choices_stay() {
        becomes(
            r#"{"tool_choice":"required"}"#,
            MISTRAL,
            r#"{"tool_choice":"any"}"#,
        );
        for same in [
            r#"{"tool_choice":"auto"}"#,
            r#"{"tool_choice": {"type":"function","function":{"name":"f"}} }"#,
            r#"{"messages":[{"role":"user","content":"a"}], "x":1}"#,
            r#"{"messages":7}"#,
            r#"{"messages":[7]}"#,
        ] {
            becomes(same, MISTRAL, same);
        }
    }

    #[test]
    fn call_and_result_stay_a_pair_and_the_result_names_its_function() {
        let body = r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f\u00e9","arguments":"{}"}},{"id":"abcDEF123","function":{"name":"g"}}]}, { "role":"tool","tool_call_id":"call_\u0031","content":"x"},{"role":"tool","tool_call_id":"abcDEF123","name":"own"},{"role":"tool","tool_call_id":"lost"}]}"#;
        let (said, _) = suited(body, MISTRAL).unwrap();
        let (short, lost) = (short_id("call_1").unwrap(), short_id("lost").unwrap());
        let expected = body
            .replace(r#""call_1""#, &format!("\"{short}\""))
            .replace(r#""call_\u0031""#, &format!("\"{short}\""))
            .replace(r#""lost""#, &format!("\"{lost}\""))
            .replace(r#"{ "role":"tool""#, r#"{"name":"f\u00e9", "role":"tool""#);
        assert_eq!(said, expected);
        assert_eq!(suited(&said, MISTRAL).unwrap().0, said, "once is enough");
    }

    #[test]
    fn a_message_that_is_both_call_and_result_is_read_by_its_role() {
        let body = r#"{"messages":[{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f"}}]},{"tool_calls":[{"id":"a"}],"tool_call_id":"a","role":"tool"}]}"#;
        let (said, _) = suited(body, MISTRAL).unwrap();
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let result = said.pointer("/messages/1").unwrap();
        assert_eq!(result["name"], "f");
        assert_eq!(result["tool_call_id"], *short_id("a").unwrap());
    }

    #[test]
    fn short_ids_are_short_and_differ() {
        let mut all: Vec<String> = (0..5000)
            .filter_map(|n| short_id(&format!("call_{n}")))
            .collect();
        assert!(all.iter().all(|id| id.len() == 9 && short_id(id).is_none()));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 5000);
        assert_eq!(short_id("").map(|id| id.len()), Some(9));
    }

    #[test]
    fn what_is_refused_is_named_and_what_wishes_for_nothing_is_left_out() {
        for (body, field) in [
            (r#"{"n":2}"#, "n"),
            (r#"{"logprobs":true}"#, "logprobs"),
            (r#"{"logit_bias":{"5":1}}"#, "logit_bias"),
            (
                r#"{"messages":[{"role":"user"},{"role":"user","name":"Bob"}]}"#,
                "messages[1].name",
            ),
        ] {
            assert_eq!(suited(body, GROQ), Err(Some(field.to_owned())), "{body}");
        }
        let neutral =
            r#"{"n": 1,"logprobs":false,"logit_bias":{ },"top_p":1,"messages":[{"name":null}]}"#;
        let (said, dropped) = suited(neutral, GROQ).unwrap();
        assert_eq!(said, r#"{"top_p":1,"messages":[{"name":null}]}"#);
        assert_eq!(dropped, ["n", "logprobs", "logit_bias"]);
        becomes(r#"{"n":null}"#, GROQ, r#"{"n":null}"#);
    }

    #[test]
    fn no_effort_is_a_switch_and_other_words_stay() {
        becomes(
            r#"{"reasoning_effort":"none","x":1}"#,
            TOGETHER,
            r#"{"x":1,"reasoning":{"enabled":false}}"#,
        );
        for same in [
            r#"{"reasoning_effort":"low"}"#,
            r#"{"reasoning_effort":"none","reasoning":{"enabled":true}}"#,
        ] {
            becomes(same, TOGETHER, same);
        }
    }

    #[test]
    fn logprobs_become_a_number() {
        becomes(r#"{"logprobs":true}"#, TOGETHER, r#"{"logprobs":1}"#);
        becomes(
            r#"{"logprobs":true,"top_logprobs":5}"#,
            TOGETHER,
            r#"{"logprobs":5}"#,
        );
        becomes(r#"{"logprobs":false,"x":1}"#, TOGETHER, r#"{"x":1}"#);
        becomes(r#"{"logprobs":3}"#, TOGETHER, r#"{"logprobs":3}"#);
    }
}
