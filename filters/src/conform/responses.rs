//! The grammar of a Responses stream, as a state machine that is fed one event at
//! a time and tells every violation:
//!
//! - `sequence_number` counts from 0 without gaps;
//! - `response.created` comes first, then perhaps `response.queued` and
//!   `response.in_progress`; all name the same response;
//! - `response.output_item.added` counts `output_index` from 0; an item grows only
//!   between that and its `response.output_item.done`, under its own id;
//! - the parts of a message are counted by `content_index`, the parts of a summary
//!   by `summary_index`; each is added, grown and done, one after the other;
//! - what is said whole at the end of a text, a part, an item and the response is
//!   what was said in pieces before;
//! - `response.completed`, `response.incomplete`, `response.failed` or `error` is
//!   the end. After `error` a `response.failed` may come, and nothing else.
//!
//! Events of an unknown type are taken as they are, but for their number.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Violation;

/// Checks one stream.
#[derive(Debug, Default)]
pub struct Checker {
    events: usize,
    next: Option<u64>,
    id: Option<String>,
    items: BTreeMap<u64, Item>,
    end: Option<End>,
    found: Vec<Violation>,
    /// The rule that is looked at.
    rule: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Response,
    Error,
}

#[derive(Debug, Default)]
struct Item {
    id: String,
    kind: String,
    done: Option<Value>,
    /// Texts by the member that counts them and their number.
    parts: BTreeMap<(&'static str, u64), Part>,
    /// What came of the arguments of a call.
    arguments: String,
    arguments_done: bool,
}

#[derive(Debug, Default)]
struct Part {
    text: String,
    text_done: bool,
    done: bool,
}

/// The two ways in which texts of an item are counted.
const COUNTERS: [&str; 2] = ["content_index", "summary_index"];

impl Checker {
    /// A checker that has seen nothing.
    #[must_use]
    pub fn new() -> Checker {
        Checker::default()
    }

    /// Takes the next event: its name, empty where the framing gave none, and its
    /// payload. Gives the violations it found.
    pub fn event(&mut self, name: &str, payload: &str) -> Vec<Violation> {
        self.rule = "responses.payload";
        match serde_json::from_str::<Value>(payload) {
            Ok(value) if value.is_object() => return self.take(name, &value),
            Ok(_) => self.blame("the payload must be a JSON object"),
            Err(_) if payload == "[DONE]" => {
                self.blame("a Responses stream has no [DONE]");
            }
            Err(error) => self.blame(format!("the payload must be JSON: {error}")),
        }
        self.events += 1;
        std::mem::take(&mut self.found)
    }

    /// The same for a payload that has been read.
    pub(super) fn take(&mut self, name: &str, payload: &Value) -> Vec<Violation> {
        self.judge(name, payload);
        self.events += 1;
        std::mem::take(&mut self.found)
    }

    /// The stream is over. Gives what is missing.
    pub fn finish(&mut self) -> Vec<Violation> {
        self.rule = "responses.end";
        if self.end.is_none() {
            self.blame(
                "the stream must end with response.completed, response.incomplete, \
                 response.failed or error",
            );
        }
        std::mem::take(&mut self.found)
    }

    fn blame(&mut self, what: impl Into<String>) {
        self.found.push(Violation {
            rule: self.rule,
            at: format!("event {}", self.events + 1),
            what: what.into(),
        });
    }

    fn demand(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.blame(what());
        }
    }

    fn judge(&mut self, name: &str, event: &Value) {
        self.rule = "responses.order";
        let kind = text(event, "type").to_owned();
        self.demand(!kind.is_empty(), || "'type' is missing".to_owned());
        self.demand(name.is_empty() || name == kind, || {
            format!("the event is named {name:?}, but its 'type' is {kind:?}")
        });
        self.number(event);
        self.rule = "responses.order";
        if let Some(end) = self.end {
            let may_follow = end == End::Error && kind == "response.failed";
            self.demand(may_follow, || format!("{kind} after the end"));
        }
        if self.events == 0 {
            let may_begin = matches!(&*kind, "response.created" | "error" | "response.failed");
            self.demand(may_begin, || {
                format!("the first event must be response.created, not {kind}")
            });
        }
        match &*kind {
            "response.created" | "response.queued" | "response.in_progress" => {
                self.head(&kind, event);
            }
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.last(&kind, event);
            }
            "error" => {
                let told = !text(event, "message").is_empty() || event["error"].is_object();
                self.demand(told, || "an error without a 'message'".to_owned());
                self.end = Some(End::Error);
            }
            "response.output_item.added" => self.added(event),
            "response.output_item.done" => self.done(event),
            _ => self.growth(&kind, event),
        }
    }

    fn number(&mut self, event: &Value) {
        self.rule = "responses.sequence";
        let Some(number) = event["sequence_number"].as_u64() else {
            return self.blame("'sequence_number' is missing");
        };
        let expected = self.next.unwrap_or(0);
        self.demand(number == expected, || {
            format!("'sequence_number' must be {expected}, not {number}")
        });
        self.next = Some(number + 1);
    }

    /// The members that every event about the whole response has.
    fn response<'v>(&mut self, event: &'v Value) -> &'v Value {
        self.rule = "responses.response";
        let response = &event["response"];
        let id = text(response, "id");
        self.demand(text(response, "object") == "response", || {
            "'response.object' must be \"response\"".to_owned()
        });
        self.demand(!id.is_empty(), || "'response.id' is missing".to_owned());
        self.demand(response["output"].is_array(), || {
            "'response.output' must be a list".to_owned()
        });
        match self.id.clone() {
            None => self.id = Some(id.to_owned()),
            Some(known) => self.demand(known == id, || {
                format!("'response.id' was {known:?} before and is {id:?} now")
            }),
        }
        response
    }

    fn head(&mut self, kind: &str, event: &Value) {
        self.rule = "responses.head";
        let response = self.response(event);
        self.rule = "responses.head";
        let status = text(response, "status");
        self.demand(matches!(status, "in_progress" | "queued"), || {
            format!("'response.status' of {kind} must be in_progress, not {status:?}")
        });
        self.demand(self.items.is_empty(), || {
            format!("{kind} after the first item")
        });
    }

    fn last(&mut self, kind: &str, event: &Value) {
        self.rule = "responses.end";
        let response = self.response(event);
        self.rule = "responses.end";
        self.end = Some(End::Response);
        let expected = kind.strip_prefix("response.").unwrap_or(kind);
        let status = text(response, "status");
        self.demand(status == expected, || {
            format!("'response.status' of {kind} must be {expected}, not {status:?}")
        });
        if kind == "response.failed" {
            let told = response["error"].is_object();
            return self.demand(told, || "'response.error' is missing".to_owned());
        }
        if kind == "response.incomplete" {
            let told = !text(&response["incomplete_details"], "reason").is_empty();
            self.demand(told, || {
                "'response.incomplete_details.reason' is missing".to_owned()
            });
        }
        self.usage(&response["usage"]);
        self.rule = "responses.output";
        let open: Vec<u64> = self
            .items
            .iter()
            .filter(|(_, item)| item.done.is_none())
            .map(|(at, _)| *at)
            .collect();
        self.demand(open.is_empty(), || {
            format!("{kind} while the items {open:?} are not done")
        });
        let output = response["output"].as_array().map_or(0, Vec::len);
        let counted = self.items.len();
        self.demand(output == counted, || {
            format!("'response.output' holds {output} items, but {counted} came")
        });
        for (at, item) in response["output"]
            .as_array()
            .into_iter()
            .flatten()
            .enumerate()
        {
            let known = self
                .items
                .get(&(at as u64))
                .and_then(|item| item.done.clone());
            let same = known.is_none_or(|known| comparable(&known) == comparable(item));
            self.demand(same, || {
                format!("'response.output[{at}]' differs from the item that was done")
            });
        }
    }

    fn usage(&mut self, usage: &Value) {
        self.rule = "responses.usage";
        let count = |key: &str| usage[key].as_u64();
        let told = (
            count("input_tokens"),
            count("output_tokens"),
            count("total_tokens"),
        );
        let (Some(input), Some(output), Some(total)) = told else {
            return self.blame("'response.usage' must hold input, output and total tokens");
        };
        self.demand(total >= input.saturating_add(output), || {
            format!("'response.usage' has {total} tokens in all, but {input} and {output}")
        });
        let part = |details: &str, key: &str| usage.get(details)?.get(key)?.as_u64();
        let parts = [
            (
                part("input_tokens_details", "cached_tokens"),
                input,
                "cached_tokens",
            ),
            (
                part("output_tokens_details", "reasoning_tokens"),
                output,
                "reasoning_tokens",
            ),
        ];
        for (part, whole, name) in parts {
            match part {
                None => self.blame(format!("'{name}' is missing from 'response.usage'")),
                Some(part) => self.demand(part <= whole, || {
                    format!("'{name}' is {part}, more than the {whole} it is a part of")
                }),
            }
        }
    }

    fn added(&mut self, event: &Value) {
        self.rule = "responses.item-added";
        let Some(index) = event["output_index"].as_u64() else {
            return self.blame("'output_index' is missing");
        };
        let expected = self.items.len() as u64;
        self.demand(index == expected, || {
            format!("'output_index' of a new item must be {expected}, not {index}")
        });
        let item = &event["item"];
        let (id, kind) = (text(item, "id"), text(item, "type"));
        self.demand(!kind.is_empty(), || "'item.type' is missing".to_owned());
        self.demand(!id.is_empty(), || "'item.id' is missing".to_owned());
        let taken = self.items.values().any(|item| item.id == id);
        self.demand(!taken, || format!("the id {id:?} is that of another item"));
        let item = Item {
            id: id.to_owned(),
            kind: kind.to_owned(),
            ..Item::default()
        };
        self.items.insert(index, item);
    }

    fn done(&mut self, event: &Value) {
        self.rule = "responses.item-done";
        let index = event["output_index"].as_u64();
        let Some((index, mut item)) = index.and_then(|at| Some((at, self.items.remove(&at)?)))
        else {
            return self.blame("an item is done that was never added");
        };
        let told = &event["item"];
        self.demand(item.done.is_none(), || {
            format!("item {index} is done twice")
        });
        self.demand(
            text(told, "id") == item.id && text(told, "type") == item.kind,
            || format!("item {index} has another id or type at its end than at its beginning"),
        );
        let open = item.parts.values().any(|part| !part.done);
        self.demand(!open, || {
            format!("item {index} is done before its parts are")
        });
        let lists = [("content", COUNTERS[0]), ("summary", COUNTERS[1])];
        for (list, counter) in lists {
            let said = item.parts.iter().filter(|((by, _), _)| *by == counter);
            let said: Vec<&str> = said.map(|(_, part)| &*part.text).collect();
            let whole = told[list].as_array().into_iter().flatten();
            let whole: Vec<&str> = whole.map(said_by).collect();
            let is_told = matches!(
                (&*item.kind, list),
                ("message", "content") | ("reasoning", "summary")
            );
            self.demand(!is_told || said == whole, || {
                format!("'item.{list}' of item {index} is not what came in pieces")
            });
        }
        if item.kind == "function_call" {
            let same = text(told, "arguments") == item.arguments;
            self.demand(same && item.arguments_done, || {
                format!("'item.arguments' of item {index} is not what came in pieces")
            });
            let named = !text(told, "call_id").is_empty() && told["name"].is_string();
            self.demand(named, || {
                format!("the call {index} needs a 'call_id' and a 'name'")
            });
        }
        item.done = Some(told.clone());
        self.items.insert(index, item);
    }

    /// An event in the middle of an item.
    fn growth(&mut self, kind: &str, event: &Value) {
        self.rule = "responses.item-growth";
        let Some(index) = event["output_index"].as_u64() else {
            return;
        };
        let Some(mut item) = self.items.remove(&index) else {
            return self.blame(format!("{kind} for item {index}, which was never added"));
        };
        self.demand(item.done.is_none(), || {
            format!("{kind} for item {index}, which is done")
        });
        if let Some(id) = event["item_id"].as_str() {
            self.demand(id == item.id, || {
                format!("'item_id' of item {index} is {:?}, not {id:?}", item.id)
            });
        }
        let counter = COUNTERS.into_iter().find(|name| event[*name].is_u64());
        match kind {
            "response.function_call_arguments.delta" => {
                self.demand(!item.arguments_done, || {
                    "arguments after their end".to_owned()
                });
                item.arguments.push_str(text(event, "delta"));
            }
            "response.function_call_arguments.done" => {
                let same = text(event, "arguments") == item.arguments;
                self.demand(same, || "'arguments' is not what came in pieces".to_owned());
                item.arguments_done = true;
            }
            _ => {
                if let Some(counter) = counter {
                    let number = event[counter].as_u64().unwrap_or(0);
                    self.part((kind, event), &mut item, (counter, number));
                }
            }
        }
        self.items.insert(index, item);
    }

    /// An event of a text that is counted.
    fn part(&mut self, (kind, event): (&str, &Value), item: &mut Item, at: (&'static str, u64)) {
        self.rule = "responses.part";
        let tail = kind.strip_prefix("response.").unwrap_or(kind);
        if matches!(tail, "content_part.added" | "reasoning_summary_part.added") {
            let before = item.parts.iter().filter(|((by, _), _)| *by == at.0);
            let (count, open) = before.fold((0, false), |(count, open), (_, part)| {
                (count + 1, open || !part.done)
            });
            self.demand(at.1 == count, || {
                format!("'{}' of a new part must be {count}, not {}", at.0, at.1)
            });
            self.demand(!open, || {
                "a part begins before the last one is done".to_owned()
            });
            item.parts.insert(at, Part::default());
            return;
        }
        let Some(part) = item.parts.get_mut(&at) else {
            return self.blame(format!("{kind} for a part that was never added"));
        };
        let (ended, whole) = (part.text_done, part.text.clone());
        match tail {
            "output_text.delta"
            | "refusal.delta"
            | "reasoning_text.delta"
            | "reasoning_summary_text.delta" => {
                part.text.push_str(text(event, "delta"));
                self.demand(!ended, || format!("{kind} after the end of its text"));
            }
            "output_text.done"
            | "refusal.done"
            | "reasoning_text.done"
            | "reasoning_summary_text.done" => {
                part.text_done = true;
                let same = said_by(event) == whole;
                self.demand(same && !ended, || {
                    format!("{kind} does not say what came in pieces")
                });
            }
            "content_part.done" | "reasoning_summary_part.done" => {
                let twice = std::mem::replace(&mut part.done, true);
                let same = said_by(&event["part"]) == whole;
                self.demand(same && ended && !twice, || {
                    format!("{kind} does not say what came in pieces, or not at its place")
                });
            }
            _ => {}
        }
    }
}

/// An item without its seal, which OpenAI makes anew each time.
fn comparable(item: &Value) -> Value {
    let mut item = item.clone();
    if let Some(members) = item.as_object_mut() {
        members.remove("encrypted_content");
    }
    item
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

/// The text of a part, or of the event that ends it.
fn said_by(part: &Value) -> &str {
    match part["refusal"].as_str() {
        Some(refusal) => refusal,
        None => text(part, "text"),
    }
}
