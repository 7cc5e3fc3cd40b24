//! What the tests of Anthropic's dialect share: a simple client of it, a checker
//! of its grammar, and what an answer says whatever dialect it is in. Nothing
//! here knows the crate.
#![allow(
    dead_code,
    unused_imports,
    reason = "each test binary uses its own part of it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod made;

use serde_json::{Value, json};

pub(crate) use made::{
    between, delta, end, event, start, text_block, to_chunks, to_messages, ways,
};

use crate::answers::{Heard, Said, payloads};

/// What an answer says, in whatever dialect.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Substance {
    pub(crate) text: String,
    pub(crate) thinking: String,
    /// The seals of the parts of thinking, in order.
    pub(crate) seals: Vec<String>,
    /// Thinking that only the provider can read.
    pub(crate) hidden: Vec<String>,
    /// Name and arguments.
    pub(crate) calls: Vec<(String, Value)>,
    /// Blocks that only Anthropic knows, and sources.
    pub(crate) blocks: Vec<Value>,
    pub(crate) citations: Vec<Value>,
}

/// What a simple client makes of an answer of this dialect.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) message: Value,
    pub(crate) stopped: bool,
    pub(crate) error: Option<Value>,
}

/// Puts a stream together as Anthropic's own client does.
pub(crate) fn listen(stream: &[u8]) -> Told {
    let mut told = Told::default();
    let mut partial: Vec<String> = Vec::new();
    for data in payloads(stream) {
        if told.stopped {
            break;
        }
        let event: Value = serde_json::from_str(&data).expect("payloads are JSON");
        let index = event["index"].as_u64().unwrap_or(0) as usize;
        match event["type"].as_str().unwrap_or("") {
            "message_start" if told.message.is_null() => told.message = event["message"].clone(),
            "content_block_start" => {
                let content = told.message["content"].as_array_mut().unwrap();
                assert_eq!(content.len(), index, "blocks are counted");
                content.push(event["content_block"].clone());
                partial.push(String::new());
            }
            "content_block_delta" => {
                let block = &mut told.message["content"][index];
                let delta = event["delta"].as_object().unwrap();
                for (key, value) in delta.iter().filter(|(key, _)| *key != "type") {
                    match (key.as_str(), value.as_str()) {
                        ("partial_json", Some(json)) => partial[index].push_str(json),
                        ("citation", _) => match block["citations"].as_array_mut() {
                            Some(all) => all.push(value.clone()),
                            None => block["citations"] = json!([value]),
                        },
                        (key, Some(more)) => {
                            let all = block[key].as_str().unwrap_or("").to_owned() + more;
                            block[key] = Value::String(all);
                        }
                        (key, None) => block[key] = value.clone(),
                    }
                }
            }
            "content_block_stop" if !partial[index].is_empty() => {
                told.message["content"][index]["input"] = arguments(&partial[index]);
            }
            "message_delta" => {
                for (key, value) in event["delta"].as_object().unwrap() {
                    told.message[key] = value.clone();
                }
                for (key, value) in event["usage"].as_object().into_iter().flatten() {
                    told.message["usage"][key] = value.clone();
                }
            }
            "message_stop" => told.stopped = true,
            "error" => told.error = Some(event.clone()),
            _ => {}
        }
    }
    told
}

/// Arguments as a client parses them; text that is no JSON stays text.
pub(crate) fn arguments(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}

/// What a message says.
pub(crate) fn of_message(message: &Value) -> Substance {
    let mut all = Substance::default();
    for block in message["content"].as_array().into_iter().flatten() {
        let text = |key: &str| block[key].as_str().unwrap_or("").to_owned();
        match block["type"].as_str().unwrap_or("") {
            "text" => {
                all.text += &text("text");
                let cited = block["citations"].as_array().into_iter().flatten();
                all.citations.extend(cited.cloned());
            }
            "thinking" => {
                all.thinking += &text("thinking");
                if !text("signature").is_empty() {
                    all.seals.push(text("signature"));
                }
            }
            "redacted_thinking" => all.hidden.push(text("data")),
            "tool_use" => all.calls.push((text("name"), block["input"].clone())),
            _ => all.blocks.push(block.clone()),
        }
    }
    all
}

/// What one choice of OpenAI's dialect says; `deltas` are the deltas of a stream,
/// or the one message of a body.
pub(crate) fn of_choice<'a>(said: &Said, deltas: impl Iterator<Item = &'a Value>) -> Substance {
    let mut all = Substance {
        text: said.text.clone() + &said.refusal,
        thinking: said.reasoning.clone(),
        ..Substance::default()
    };
    let calls = said.calls.iter();
    all.calls = calls
        .map(|(name, json)| match json.as_str() {
            "" => (name.clone(), json!({})),
            json => (name.clone(), arguments(json)),
        })
        .collect();
    let (mut thinking, mut seals) = (String::new(), Vec::<(u64, String)>::new());
    for delta in deltas {
        let list = |key: &str| delta[key].as_array().cloned().unwrap_or_default();
        all.blocks.extend(list("native_content"));
        all.citations.extend(list("native_citations"));
        for detail in list("reasoning_details") {
            let index = detail["index"].as_u64().expect("details are numbered");
            thinking += detail["text"].as_str().unwrap_or("");
            if let Some(seal) = detail["signature"].as_str() {
                match seals.iter_mut().find(|(known, _)| *known == index) {
                    Some((_, known)) => known.push_str(seal),
                    None => seals.push((index, seal.to_owned())),
                }
            }
            if detail["type"] == "reasoning.encrypted" {
                let data = detail["data"].as_str().expect("hidden parts have data");
                all.hidden.push(data.to_owned());
            }
        }
    }
    all.seals = seals.into_iter().map(|(_, seal)| seal).collect();
    if !thinking.is_empty() {
        assert_eq!(thinking, all.thinking, "both forms say the same");
    }
    all
}

/// What the first choice of a stream of OpenAI's dialect says.
pub(crate) fn of_stream(heard: &Heard) -> Substance {
    let first = |chunk: &&Value| chunk["choices"][0]["index"].as_u64().unwrap_or(0) == 0;
    let chunks = heard.chunks.iter().filter(first);
    let empty = Said::default();
    let said = heard.said.get(&0).unwrap_or(&empty);
    of_choice(said, chunks.map(|chunk| &chunk["choices"][0]["delta"]))
}

/// The figures of Anthropic's usage in the meaning of OpenAI's: input, cached,
/// written, output.
pub(crate) fn figures(usage: &Value) -> [u64; 4] {
    let count = |key: &str| usage[key].as_u64().unwrap_or(0);
    let (read, written) = (
        count("cache_read_input_tokens"),
        count("cache_creation_input_tokens"),
    );
    [
        count("input_tokens") + read + written,
        read,
        written,
        count("output_tokens"),
    ]
}

/// The same of a usage in OpenAI's dialect.
pub(crate) fn openai_figures(usage: &Value) -> [u64; 4] {
    let details = &usage["prompt_tokens_details"];
    [
        usage["prompt_tokens"].as_u64().unwrap(),
        details["cached_tokens"].as_u64().unwrap_or(0),
        details["cache_write_tokens"].as_u64().unwrap_or(0),
        usage["completion_tokens"].as_u64().unwrap(),
    ]
}

/// Every word that Anthropic ends a message with.
const STOPS: [&str; 7] = [
    "end_turn",
    "max_tokens",
    "stop_sequence",
    "tool_use",
    "pause_turn",
    "refusal",
    "model_context_window_exceeded",
];

/// The grammar of a stream, as a machine that has one state. `ours`: the stream
/// was written by the crate's writer, which is stricter than Anthropic.
#[derive(Debug, Default)]
struct Grammar {
    started: bool,
    open: Option<(u64, String)>,
    sealed: bool,
    blocks: u64,
    ended: bool,
    stopped: bool,
    failed: bool,
    ours: bool,
}

/// Checks a stream event by event; `complete` if it must have its end.
pub(crate) fn check_grammar(stream: &[u8], ours: bool, complete: bool) -> Result<(), String> {
    let text = std::str::from_utf8(stream).map_err(|_| "no UTF-8")?;
    if !text.is_empty() && !text.ends_with("\n\n") {
        return Err("the last event has no end".into());
    }
    let mut grammar = Grammar {
        ours,
        ..Grammar::default()
    };
    for event in text.split_terminator("\n\n") {
        if event.starts_with(':') && !event.contains('\n') {
            continue;
        }
        let (name, data) = event.split_once('\n').ok_or("an event of one line")?;
        let name = name.strip_prefix("event: ").ok_or("an event has no name")?;
        let data = data.strip_prefix("data: ").ok_or("an event has no data")?;
        if data.contains('\n') {
            return Err("an event has three lines".into());
        }
        let value: Value = serde_json::from_str(data).map_err(|e| format!("{e}: {data}"))?;
        grammar
            .take(name, &value)
            .map_err(|flaw| format!("{flaw}: {data}"))?;
    }
    if complete != grammar.stopped {
        return Err(format!("stopped is {}", grammar.stopped));
    }
    Ok(())
}

impl Grammar {
    fn take(&mut self, name: &str, event: &Value) -> Result<(), String> {
        if event["type"] != name {
            return Err(format!("{name} is not its type"));
        }
        if self.stopped || self.failed {
            return Err("something follows the end".into());
        }
        if !self.started && !matches!(name, "message_start" | "error") {
            return Err("the message has not started".into());
        }
        if self.ended && matches!(name, "content_block_start" | "message_delta") {
            return Err("content after the end".into());
        }
        match name {
            "message_start" => self.start(&event["message"]),
            "content_block_start" => self.block(event),
            "content_block_delta" => self.delta(event),
            "content_block_stop" => match self.open.take() {
                Some((index, _)) if event["index"] == index => Ok(()),
                _ => Err("a block stops that is not open".into()),
            },
            "message_delta" => self.end(event),
            "message_stop" if !self.ended || self.open.is_some() => {
                Err("the message stops early".into())
            }
            "message_stop" => {
                self.stopped = true;
                Ok(())
            }
            "error" => {
                self.failed = true;
                event["error"]["message"].as_str().ok_or("no message")?;
                Ok(())
            }
            "ping" => Ok(()),
            _ if self.ours => Err("an unknown event".into()),
            _ => Ok(()),
        }
    }

    fn start(&mut self, message: &Value) -> Result<(), String> {
        if std::mem::replace(&mut self.started, true) {
            return Err("the message starts twice".into());
        }
        let filled = |key: &str| message[key].as_str().is_some_and(|text| !text.is_empty());
        let counts =
            message["usage"]["input_tokens"].is_u64() && message["usage"]["output_tokens"].is_u64();
        let fixed = message["type"] == "message"
            && message["role"] == "assistant"
            && message["content"] == json!([])
            && message.get("stop_reason") == Some(&Value::Null)
            && message.get("stop_sequence") == Some(&Value::Null);
        let id = message["id"].as_str().unwrap_or("").starts_with("msg_");
        (filled("model") && id && counts && fixed)
            .then_some(())
            .ok_or("a member of the message is missing".into())
    }

    fn block(&mut self, event: &Value) -> Result<(), String> {
        if self.open.is_some() {
            return Err("a block starts inside another".into());
        }
        if event["index"] != self.blocks {
            return Err("blocks are not counted".into());
        }
        check_block(&event["content_block"])?;
        let kind = event["content_block"]["type"].as_str().unwrap_or("");
        self.open = Some((self.blocks, kind.to_owned()));
        self.blocks += 1;
        self.sealed = false;
        Ok(())
    }

    fn delta(&mut self, event: &Value) -> Result<(), String> {
        let (index, kind) = self.open.as_ref().ok_or("a delta outside a block")?;
        if event["index"] != *index {
            return Err("a delta of another block".into());
        }
        let delta = event["delta"]["type"].as_str().unwrap_or("");
        let (right, member) = match delta {
            "text_delta" => (kind == "text", "text"),
            "citations_delta" => (kind == "text", "citation"),
            "thinking_delta" => (kind == "thinking" && !self.sealed, "thinking"),
            "signature_delta" => (kind == "thinking", "signature"),
            "input_json_delta" if self.ours => (kind == "tool_use", "partial_json"),
            "input_json_delta" => (kind.ends_with("tool_use"), "partial_json"),
            _ if self.ours => (false, ""),
            _ => return Ok(()),
        };
        self.sealed |= delta == "signature_delta";
        let value = &event["delta"][member];
        if right && (value.is_string() || (member == "citation" && value.is_object())) {
            return Ok(());
        }
        Err(format!("a {delta} in a {kind}"))
    }

    fn end(&mut self, event: &Value) -> Result<(), String> {
        if self.open.is_some() {
            return Err("the message ends inside a block".into());
        }
        self.ended = true;
        check_stop(&event["delta"])?;
        let counts = event["usage"]["output_tokens"].is_u64();
        counts.then_some(()).ok_or("no usage at the end".into())
    }
}

fn check_stop(holder: &Value) -> Result<(), String> {
    let word = holder["stop_reason"].as_str().ok_or("no stop reason")?;
    if !STOPS.contains(&word) {
        return Err(format!("a foreign stop reason: {word}"));
    }
    let sequence = holder.get("stop_sequence").ok_or("no stop sequence")?;
    if !sequence.is_string() && !sequence.is_null() {
        return Err("the stop sequence is no text".into());
    }
    Ok(())
}

fn check_block(block: &Value) -> Result<(), String> {
    let texts: &[&str] = match block["type"].as_str().ok_or("a block without a type")? {
        "text" => &["text"],
        "thinking" => &["thinking"],
        "redacted_thinking" => &["data"],
        "tool_use" => &["id", "name"],
        _ => &[],
    };
    if let Some(missing) = texts.iter().find(|key| !block[**key].is_string()) {
        return Err(format!("a block without {missing}"));
    }
    if block["type"] == "tool_use" && (!block["input"].is_object() || block["id"] == "") {
        return Err("a call without input or id".into());
    }
    Ok(())
}

/// Holds a whole message to the same grammar.
pub(crate) fn check_message(message: &Value) -> Result<(), String> {
    let filled = |key: &str| message[key].as_str().is_some_and(|text| !text.is_empty());
    let id = message["id"].as_str().unwrap_or("").starts_with("msg_");
    if !id || !filled("model") || message["type"] != "message" || message["role"] != "assistant" {
        return Err("id, model, type or role is wrong".into());
    }
    for block in message["content"].as_array().ok_or("content is no list")? {
        check_block(block)?;
        if block["type"] == "thinking" && !block["signature"].is_string() {
            return Err("a thought without its seal".into());
        }
    }
    check_stop(message)?;
    let usage = &message["usage"];
    (usage["input_tokens"].is_u64() && usage["output_tokens"].is_u64())
        .then_some(())
        .ok_or("usage is wrong".into())
}

/// Why the answer ended, in the other dialect's word.
pub(crate) fn openai_word(stop: &str) -> &'static str {
    match stop {
        "max_tokens" | "model_context_window_exceeded" => "length",
        "tool_use" => "tool_calls",
        "refusal" => "content_filter",
        _ => "stop",
    }
}

/// The same the other way.
pub(crate) fn anthropic_word(finish: &str, refused: bool) -> &'static str {
    match finish {
        "length" => "max_tokens",
        "tool_calls" | "function_call" => "tool_use",
        "content_filter" => "refusal",
        _ if refused => "refusal",
        _ => "end_turn",
    }
}
