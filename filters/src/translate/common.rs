//! What several dialects have no place for, and the same answer to it: named, or
//! refused by its field. What one dialect does otherwise stands in its own file.

use crate::ask::{Ask, Extra, Format, Function, Role, Thinking, ToolChoice, Turn};
use crate::dialect::Dialect;
use crate::dialect::anthropic::lift::thinking_of;
use crate::prompt::ReadError;
use crate::text::Path;

use super::{Notes, place, unsupported};

pub(super) const NO_PLACE: &str = "has no counterpart at this model's provider: leave it out, or ask \
                        another model";

/// A member with no counterpart, and the values of it that wish for nothing.
pub(super) type Refused = (&'static str, &'static [&'static str]);

/// Of OpenAI's members.
pub(super) const OPENAIS: &[Refused] = &[
    ("prediction", &[]),
    ("audio", &[]),
    ("web_search_options", &[]),
    ("functions", &["[]"]),
    ("function_call", &[]),
    ("store", &["false"]),
    ("verbosity", &["\"medium\""]),
];
/// One more, where answers are text alone.
pub(super) const TEXT_ALONE: &[Refused] = &[("modalities", &["[]", "[\"text\"]"])];
/// Of Anthropic's.
pub(super) const ANTHROPICS: &[Refused] = &[
    ("container", &[]),
    ("mcp_servers", &["[]"]),
    ("context_management", &[]),
];
/// Hints that change no answer.
pub(super) const HINTS: &[&str] = &[
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "cache_control",
    "betas",
    "anthropic_beta",
    "anthropic_version",
];

/// Most texts at which an answer may end.
const MAX_STOPS: usize = 5;

/// The value without white space, to compare it with one.
pub(super) fn squeezed(raw: &str) -> String {
    raw.split_ascii_whitespace().collect()
}

/// Whether this member is one of those tables' or a hint, and so was named.
///
/// # Errors
/// It has no counterpart, and wishes for something.
pub(super) fn is_settled(
    extra: &Extra<'_>,
    refused: &[&[Refused]],
    hints: &[&'static str],
    notes: &mut Notes,
) -> Result<bool, ReadError> {
    let given = extra.name.read();
    let mut refused = refused.iter().flat_map(|table| table.iter());
    if let Some((name, neutral)) = refused.find(|(known, _)| *known == given) {
        if !neutral.contains(&&*squeezed(&extra.value)) {
            return unsupported(*name, NO_PLACE);
        }
        notes.drop(*name);
        return Ok(true);
    }
    let hint = hints.iter().find(|hint| **hint == given);
    if let Some(hint) = hint {
        notes.drop(*hint);
    }
    Ok(hint.is_some())
}

/// Anthropic's `thinking` in a request that is none of Anthropic's.
pub(super) fn native_thinking<'a>(extra: Extra<'a>) -> Result<Thinking<'a>, ReadError> {
    let mode = thinking_of(&extra.value, &Path::ROOT.key("thinking"))?;
    Ok(Thinking {
        mode,
        raw: extra.value,
    })
}

/// Who asks is not told.
pub(super) fn forget_who(ask: &mut Ask<'_>, from: Dialect, notes: &mut Notes) {
    for (name, given) in [
        ("metadata", ask.metadata.take().is_some()),
        ("user", ask.user.take().is_some()),
    ] {
        if given {
            let is_claude = from == Dialect::AnthropicMessages;
            notes.drop(if is_claude { "metadata" } else { name });
        }
    }
}

/// Refuses members of Anthropic's `output_config` that no field holds.
pub(super) fn refuse_output_extras(ask: &Ask<'_>) -> Result<(), ReadError> {
    match ask.output_extra.first() {
        Some(extra) => unsupported(format!("output_config.{}", extra.name.read()), NO_PLACE),
        None => Ok(()),
    }
}

/// Numbers that need not be said where they wish for what happens anyway; some models
/// refuse the word.
pub(super) fn numbers(ask: &mut Ask<'_>, notes: &mut Notes) -> Result<(), ReadError> {
    if let Some(raw) = ask.sampling.logit_bias.take() {
        if squeezed(&raw) != "{}" {
            return unsupported("logit_bias", NO_PLACE);
        }
        notes.drop("logit_bias");
    }
    let sampling = &mut ask.sampling;
    let is = |wanted: f64| move |raw: &mut crate::ask::Raw<'_>| raw.parse::<f64>() == Ok(wanted);
    sampling.n.take_if(is(1.0));
    sampling.presence_penalty.take_if(is(0.0));
    sampling.frequency_penalty.take_if(is(0.0));
    sampling.top_logprobs.take_if(is(0.0));
    sampling.logprobs.take_if(|raw| *raw == "false");
    Ok(())
}

/// An answer's form has a place if it is JSON, of a schema or any.
pub(super) fn format(ask: &Ask<'_>, from: Dialect, notes: &mut Notes) -> Result<(), ReadError> {
    let field = match from {
        Dialect::AnthropicMessages => "output_config.format",
        _ => "response_format",
    };
    match &ask.format {
        None | Some(Format::Text | Format::JsonObject) => {}
        Some(Format::JsonSchema { schema: None, .. }) => {
            return unsupported(format!("{field}.json_schema.schema"), "is missing");
        }
        Some(Format::JsonSchema {
            name,
            description,
            strict,
            ..
        }) => notes.keep_schema_only(name.is_some(), description.is_some(), *strict),
        Some(Format::Other(_)) => return unsupported(field, NO_PLACE),
    }
    Ok(())
}

pub(super) fn stops(ask: &Ask<'_>, from: Dialect) -> Result<(), ReadError> {
    if ask.stop.len() <= MAX_STOPS {
        return Ok(());
    }
    let name = match from {
        Dialect::AnthropicMessages => "stop_sequences",
        _ => "stop",
    };
    unsupported(name, "must hold at most five texts for this model")
}

/// A function of which only name, description and arguments are told, and, with
/// `keeps_strict`, whether these must be followed.
pub(super) fn function(
    function: &mut Function<'_>,
    keeps_strict: bool,
    from: Dialect,
    notes: &mut Notes,
) {
    if function.marker.take().is_some() {
        notes.drop("cache_control");
    }
    if !keeps_strict && function.strict.take() == Some(true) {
        notes.drop(match from {
            Dialect::AnthropicMessages => "tools[].strict",
            _ => "tools[].function.strict",
        });
    }
    notes.drop_extras("tools[].", &mut function.extra);
}

/// A choice needs tools, and no provider here makes the model call one at a time.
pub(super) fn tool_choice(
    ask: &mut Ask<'_>,
    from: Dialect,
    notes: &mut Notes,
) -> Result<(), ReadError> {
    if let Some(ToolChoice::Other(_)) = ask.tool_choice {
        return unsupported("tool_choice", NO_PLACE);
    }
    if ask.tools.is_empty() {
        match ask.tool_choice.take() {
            None => {}
            Some(ToolChoice::Auto | ToolChoice::None) => notes.drop("tool_choice"),
            Some(_) => return unsupported("tool_choice", "wants a tool, but there are none"),
        }
    }
    let name = match from {
        Dialect::AnthropicMessages => "tool_choice.disable_parallel_tool_use",
        _ => "parallel_tool_calls",
    };
    // True is what happens anyway, and without tools nothing does.
    match ask.parallel_tool_calls.take() {
        Some(false) if !ask.tools.is_empty() => match ask.tool_choice {
            Some(ToolChoice::None) => {}
            // Of one tool that has to be called, clients take the first call.
            Some(ToolChoice::Function(_)) => notes.drop(name),
            _ => return unsupported(name, NO_PLACE),
        },
        _ => {}
    }
    Ok(())
}

/// Members of a message beside its content. `own` takes those that the dialect knows
/// and gives the others back, which are named.
///
/// # Errors
/// The message is of a kind that nobody here knows, or `own` refuses it.
pub(super) fn message_members<'a>(
    turn: &mut Turn<'a>,
    notes: &mut Notes,
    mut own: impl FnMut(&mut Turn<'a>, Extra<'a>) -> Option<Extra<'a>>,
) -> Result<(), ReadError> {
    if turn.role == Role::Function {
        return unsupported(
            place(turn.at, "role"),
            "is function, which this model does not know: use the role tool",
        );
    }
    let mut rest = Vec::new();
    for extra in std::mem::take(&mut turn.extra) {
        let name = extra.name.read();
        if matches!(&*name, "function_call" | "audio") {
            return unsupported(
                place(turn.at, &name),
                "cannot be sent to this model: use tool_calls and texts",
            );
        }
        drop(name);
        rest.extend(own(turn, extra));
    }
    notes.drop_extras("messages[].", &mut rest);
    Ok(())
}

/// Names a thought that cannot be sent: one of another provider's, or one without its seal.
pub(super) fn forget_thought(turn: &Turn<'_>, notes: &mut Notes) {
    if turn.thoughts_in.is_empty() {
        notes.drop("messages[].content[].thinking");
    }
    for member in &turn.thoughts_in {
        notes.drop(format!("messages[].{member}"));
    }
}
