//! Fits a Responses request to what any other dialect can say: what only a keeper
//! of responses or a server of tools could do is refused, items of one turn are
//! joined, and refusals name the fields as the client knows them.

use std::borrow::Cow;

use crate::ask::{Arguments, Ask, Format, PartKind, Role, Str, Tool, ToolChoice, Turn};
use crate::dialect::openai_chat::wire::{elements, members, string};
use crate::prompt::ReadError;

use super::{Calls, Notes, Translation, place, to_openai, to_openai_turns, unsupported};

const NO_MEMORY: &str = "refers to something kept elsewhere, but Alfred keeps no responses: \
                         send the whole conversation in 'input'";
const NATIVE_ONLY: &str = "can only be sent to a model whose provider serves Responses itself: \
                           leave it out, or ask another model";
/// What may be wished for with the answer; items of tools that run at OpenAI
/// cannot occur, so nothing is missing without them.
const LOGPROBS: &str = "message.output_text.logprobs";
const SEALED: &str = "reasoning.encrypted_content";

/// What holds for every other dialect.
pub(super) fn fit(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    extras(ask, notes)?;
    turns(ask)?;
    tools(ask)?;
    if ask.metadata.take().is_some_and(|raw| raw != "{}") {
        notes.drop("metadata");
    }
    if ask.turns.is_empty() {
        return unsupported("input", "is empty: say something in it");
    }
    let sampling = &mut ask.sampling;
    match sampling.top_logprobs.as_deref() {
        Some("0") => sampling.top_logprobs = None,
        Some(_) => sampling.logprobs = Some(Cow::Borrowed("true")),
        None => {}
    }
    if ask.format == Some(Format::Text) {
        ask.format = None;
    }
    Ok(())
}

/// The rest for OpenAI's chat completions.
pub(super) fn to_chat(
    ask: &mut Ask<'_>,
    how: &Translation<'_>,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    join(ask);
    to_openai_turns::fit(ask, how.keep_reasoning, notes)?;
    for extra in &ask.extra {
        let name = extra.name.read();
        if matches!(&*name, "messages" | "response_format" | "reasoning_effort") {
            return unsupported(name, "is none of this endpoint's");
        }
    }
    match &mut ask.format {
        Some(Format::Other(_)) => return unsupported("response_format", NATIVE_ONLY),
        Some(Format::JsonSchema { name, .. }) => {
            name.get_or_insert(Str::text("answer"));
        }
        _ => {}
    }
    to_openai::tools(ask, notes)
}

fn extras(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    let mut kept = Vec::with_capacity(ask.extra.len());
    for extra in std::mem::take(&mut ask.extra) {
        let name = extra.name.read().into_owned();
        match (&*name, &*extra.value) {
            ("previous_response_id" | "conversation" | "prompt", _) => {
                return unsupported(name, NO_MEMORY);
            }
            ("background", "false") | ("truncation", "\"disabled\"") => {}
            ("background", _) => {
                return unsupported(
                    name,
                    "cannot be done: Alfred keeps no responses to be fetched",
                );
            }
            ("include", list) => include(ask, list, notes),
            ("store" | "stream_options" | "max_tool_calls" | "client_metadata", _) => {
                notes.drop(name);
            }
            ("reasoning.summary" | "reasoning.generate_summary", _) => {}
            // Whatever thoughts the input holds are sent anyway.
            ("reasoning.context", "\"auto\"" | "\"all_turns\"") => {}
            (_, "{}" | "[]") if is_native(&name) => {}
            _ if is_native(&name) => return unsupported(name, NATIVE_ONLY),
            _ => kept.push(extra),
        }
    }
    ask.extra = kept;
    Ok(())
}

/// Members that mean something at OpenAI alone.
fn is_native(name: &str) -> bool {
    matches!(name, "truncation" | "context_management" | "moderation")
        || name.starts_with("text.")
        || name.starts_with("reasoning.")
}

fn include(ask: &mut Ask<'_>, list: &str, notes: &mut Notes) {
    elements(list, |raw| match string(raw).as_deref() {
        Some(LOGPROBS) => ask.sampling.logprobs = Some(Cow::Borrowed("true")),
        // Seals come unasked.
        Some(SEALED) => {}
        _ => notes.drop("include"),
    });
}

/// Checks the items, with the names they have here.
fn turns(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    const UNPAIRED: &str = "call_id";
    let mut calls = Calls::default();
    for turn in &mut ask.turns {
        for part in &mut turn.parts {
            match &mut part.kind {
                PartKind::OtherCall(raw) => return other_item(turn.at, raw),
                PartKind::Other(_) => {
                    return unsupported(
                        place(turn.at, "content"),
                        "holds a part of a type that only a provider of Responses can take",
                    );
                }
                PartKind::Refusal(words) => part.kind = PartKind::Text(words.clone()),
                PartKind::ToolCall { id, arguments, .. } => {
                    calls.call(id, turn.at, UNPAIRED)?;
                    if let Arguments::Text(text) = arguments
                        && text.raw().is_empty()
                    {
                        *text = Str::text("{}");
                    }
                }
                PartKind::ToolResult { call_id, .. } => calls.result(call_id, turn.at, UNPAIRED)?,
                _ => {}
            }
        }
    }
    let ends_open = ask
        .turns
        .last()
        .is_some_and(|turn| turn.role != Role::Assistant);
    if ends_open {
        calls.settled(UNPAIRED)?;
    }
    ask.turns
        .retain(|turn| turn.role != Role::Assistant || !turn.parts.is_empty());
    Ok(())
}

/// The refusal of an item of a kind that only OpenAI knows.
fn other_item(at: Option<usize>, raw: &str) -> Result<(), ReadError> {
    let (mut sort, mut plain) = (None, true);
    members(raw, |key, value| {
        if key == "type" {
            sort = string(value);
        }
        plain &= matches!(key, "type" | "id");
    });
    let sort = sort.unwrap_or_default();
    let field = place(at, "type");
    if sort == "item_reference" || (sort.is_empty() && plain) {
        return unsupported(place(at, "id"), NO_MEMORY);
    }
    let known = |c: char| c.is_ascii_lowercase() || c == '_';
    if sort.is_empty() || sort.len() > 64 || !sort.chars().all(known) {
        return unsupported(field, "names no kind of item that is known here");
    }
    let what = match &*sort {
        "function_call" | "function_call_output" | "message" => {
            format!("is {sort}, but a member of the item is missing or has another shape")
        }
        _ => format!("is {sort}, which {NATIVE_ONLY}"),
    };
    unsupported(field, &what)
}

fn tools(ask: &mut Ask<'_>) -> Result<(), ReadError> {
    let other = ask
        .tools
        .iter()
        .position(|tool| matches!(tool, Tool::Other(_)));
    if let Some(index) = other {
        return unsupported(format!("tools[{index}].type"), NATIVE_ONLY);
    }
    let Some(ToolChoice::Other(raw)) = &ask.tool_choice else {
        return Ok(());
    };
    let (mut sort, mut mode, mut list) = (None, None, "");
    members(raw, |key, value| match key {
        "type" => sort = string(value),
        "mode" => mode = string(value),
        "tools" => list = value,
        _ => {}
    });
    let choice = match (sort.as_deref(), mode.as_deref()) {
        (Some("allowed_tools"), Some("auto")) => ToolChoice::Auto,
        (Some("allowed_tools"), Some("required")) => ToolChoice::Required,
        _ => return unsupported("tool_choice", NATIVE_ONLY),
    };
    let mut allowed = Vec::new();
    elements(list, |tool| {
        members(tool, |key, value| {
            if key == "name" {
                allowed.extend(string(value).map(Cow::into_owned));
            }
        });
    });
    ask.tools.retain(|tool| match tool {
        Tool::Function(function) => allowed.iter().any(|name| function.name == **name),
        Tool::Other(_) => false,
    });
    ask.tool_choice = Some(choice);
    Ok(())
}

/// Makes one message of the items that a model said one after the other.
pub(super) fn join(ask: &mut Ask<'_>) {
    let mut joined: Vec<Turn<'_>> = Vec::with_capacity(ask.turns.len());
    for mut turn in std::mem::take(&mut ask.turns) {
        match joined.last_mut() {
            Some(last) if last.role == Role::Assistant && turn.role == Role::Assistant => {
                last.parts.append(&mut turn.parts);
                last.extra.append(&mut turn.extra);
            }
            _ => joined.push(turn),
        }
    }
    ask.turns = joined;
}

/// A field as clients of Responses call it.
pub(super) fn named(name: &str) -> String {
    const WHOLE: [(&str, &str); 12] = [
        ("messages[].content[].thinking", "input[].summary"),
        (
            "messages[].content[].signature",
            "input[].encrypted_content",
        ),
        ("messages[].content[].data", "input[].encrypted_content"),
        ("system", "instructions"),
        ("response_format", "text.format"),
        ("reasoning_effort", "reasoning.effort"),
        ("verbosity", "text.verbosity"),
        ("logprobs", "include"),
        ("max_completion_tokens", "max_output_tokens"),
        ("max_tokens", "max_output_tokens"),
        ("messages", "input"),
        ("thinking", "reasoning"),
    ];
    const HEADS: [(&str, &str); 5] = [
        ("response_format.json_schema.", "text.format."),
        ("tools[].function.", "tools[]."),
        ("messages[].tool_calls[].", "input[]."),
        ("messages[", "input["),
        ("system[", "instructions["),
    ];
    const TAILS: [(&str, &str); 3] = [
        (".tool_calls", ""),
        (".tool_call_id", ".call_id"),
        (".source", ""),
    ];
    if let Some((_, known)) = WHOLE.iter().find(|(theirs, _)| *theirs == name) {
        return (*known).to_owned();
    }
    let mut own = name.to_owned();
    for (theirs, known) in HEADS {
        if let Some(rest) = own.strip_prefix(theirs) {
            own = format!("{known}{rest}");
            break;
        }
    }
    for (theirs, known) in TAILS {
        if let Some(rest) = own.strip_suffix(theirs) {
            own = format!("{rest}{known}");
            break;
        }
    }
    own
}

/// Whether `input[3]` is what a tool answered.
fn is_output(item: &str, input: &str) -> bool {
    let index = item
        .strip_prefix("input[")
        .and_then(|rest| rest.strip_suffix(']'));
    let Some(Ok(index)) = index.map(str::parse::<usize>) else {
        return false;
    };
    let (mut at, mut found) = (0, false);
    elements(input, |raw| {
        if at == index {
            members(raw, |key, _| found |= key == "output");
        }
        at += 1;
    });
    found
}

/// The same for a refusal.
pub(super) fn renamed(error: ReadError, input: Option<&str>) -> ReadError {
    let Some(param) = error.param else {
        return error;
    };
    let mut own = named(&param);
    // What a tool answered is its item's `output`.
    if let Some((item, _)) = own.split_once(".content")
        && is_output(item, input.unwrap_or_default())
    {
        own = format!("{item}.output");
    }
    ReadError {
        message: error
            .message
            .replacen(&format!("'{param}'"), &format!("'{own}'"), 1),
        param: Some(own),
        code: error.code,
    }
}

#[cfg(test)]
mod tests {
    use super::named;

    #[test]
    fn fields_have_the_names_that_the_client_gave_them() {
        for (theirs, own) in [
            ("messages[3].tool_calls", "input[3]"),
            ("messages[3].tool_call_id", "input[3].call_id"),
            ("messages[2].content[1].source", "input[2].content[1]"),
            ("messages[].content[].detail", "input[].content[].detail"),
            ("response_format.json_schema.name", "text.format.name"),
            ("tools[].function.strict", "tools[].strict"),
            ("reasoning_effort", "reasoning.effort"),
            ("temperature", "temperature"),
        ] {
            assert_eq!(named(theirs), own);
        }
    }
}
