//! Reads a request for Messages into the canonical form, in one pass.

use std::borrow::Cow;

use crate::ask::{
    Ask, Format, Function, Lift, Part, Raw, Role, Str, Thinking, ThinkingMode, Tool, ToolChoice,
    Turn,
};
use crate::json::Kind;
use crate::prompt::ReadError;
use crate::reading::Stop;
use crate::text::Path;

use super::lift_blocks::content;

/// Reads a body that [`crate::prompt::Prompt::read`] has taken.
pub(crate) fn lift(text: &str) -> Result<Ask<'_>, Stop> {
    let mut ask = Ask::default();
    let mut system = Vec::new();
    Lift::new(text, 0).object(&Path::ROOT, &mut |lift, name, path| {
        match name {
            "model" => ask.model = lift.string(path)?.unwrap_or_default(),
            "max_tokens" => ask.max_output = lift.number()?,
            "system" => system = content(lift, path)?,
            "messages" => lift.array(path, &mut |lift, path| {
                let at = ask.turns.len();
                ask.turns.push(turn(lift, path, at)?);
                Ok(())
            })?,
            "tools" => lift.array(path, &mut |lift, path| {
                ask.tools.push(tool(lift, path)?);
                Ok(())
            })?,
            "tool_choice" => tool_choice(lift, path, &mut ask)?,
            "stop_sequences" => lift.array(path, &mut |lift, path| {
                ask.stop.extend(lift.string(path)?);
                Ok(())
            })?,
            "temperature" => ask.sampling.temperature = lift.maybe()?,
            "top_p" => ask.sampling.top_p = lift.maybe()?,
            "top_k" => ask.sampling.top_k = lift.maybe()?,
            "metadata" => metadata(lift, path, &mut ask)?,
            "thinking" => ask.reasoning.thinking = thinking(lift, path)?,
            "output_config" => output_config(lift, path, &mut ask)?,
            "output_format" => ask.format = format(lift, path)?,
            "service_tier" => ask.service_tier = lift.string(path)?,
            "stream" => ask.stream = lift.flag(path)? == Some(true),
            _ => lift.extra(name, &mut ask.extra)?,
        }
        Ok(())
    })?;
    open_with(&mut ask, system);
    Ok(ask)
}

/// Puts `system` before the conversation; messages of that role which come
/// first belong to it.
fn open_with<'a>(ask: &mut Ask<'a>, mut system: Vec<Part<'a>>) {
    let is_system = |turn: &&Turn<'a>| turn.role == Role::System && turn.extra.is_empty();
    let leading = ask.turns.iter().take_while(is_system).count();
    for turn in ask.turns.drain(..leading) {
        system.extend(turn.parts);
    }
    if !system.is_empty() {
        let turn = Turn {
            role: Role::System,
            parts: system,
            at: None,
            thoughts_in: Vec::new(),
            extra: Vec::new(),
        };
        ask.turns.insert(0, turn);
    }
}

fn turn<'a>(lift: &mut Lift<'a>, path: &Path<'_>, at: usize) -> Result<Turn<'a>, Stop> {
    let mut turn = Turn {
        role: Role::User,
        parts: Vec::new(),
        at: Some(at),
        thoughts_in: Vec::new(),
        extra: Vec::new(),
    };
    lift.object(path, &mut |lift, name, path| {
        match name {
            "role" => {
                let role = lift.string(path)?.unwrap_or_default();
                turn.role = match &*role.read() {
                    "assistant" => Role::Assistant,
                    "system" => Role::System,
                    _ => Role::User,
                };
            }
            "content" => turn.parts = content(lift, path)?,
            _ => lift.extra(name, &mut turn.extra)?,
        }
        Ok(())
    })?;
    Ok(turn)
}

fn tool<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Tool<'a>, Stop> {
    let start = lift.start()?;
    let mut function = Function::default();
    let (mut odd, mut named) = (false, false);
    lift.object(path, &mut |lift, name, path| {
        match name {
            "type" => odd |= lift.string(path)?.is_some_and(|sort| sort != *"custom"),
            "name" => {
                function.name = lift.string(path)?.unwrap_or_default();
                named = true;
            }
            "description" => function.description = lift.string(path)?,
            "input_schema" => function.schema = lift.maybe()?,
            "strict" => function.strict = lift.flag(path)?,
            "cache_control" => function.marker = lift.maybe()?,
            _ => lift.extra(name, &mut function.extra)?,
        }
        Ok(())
    })?;
    if odd || !named {
        return Ok(Tool::Other(Cow::Borrowed(lift.since(start))));
    }
    Ok(Tool::Function(function))
}

fn tool_choice<'a>(lift: &mut Lift<'a>, path: &Path<'_>, ask: &mut Ask<'a>) -> Result<(), Stop> {
    let start = lift.start()?;
    if lift.kind()? != Kind::Object {
        ask.tool_choice = lift.maybe()?.map(ToolChoice::Other);
        return Ok(());
    }
    let (mut sort, mut tool, mut odd) = (None, None, false);
    lift.object(path, &mut |lift, name, path| {
        match name {
            "type" => sort = lift.string(path)?,
            "name" => tool = lift.string(path)?,
            "disable_parallel_tool_use" => {
                ask.parallel_tool_calls = lift.flag(path)?.map(|disabled| !disabled);
            }
            _ => odd |= lift.maybe()?.is_some(),
        }
        Ok(())
    })?;
    let sort = sort.as_ref().map(Str::read);
    ask.tool_choice = Some(match (sort.as_deref(), tool) {
        (Some("auto"), None) if !odd => ToolChoice::Auto,
        (Some("none"), None) if !odd => ToolChoice::None,
        (Some("any"), None) if !odd => ToolChoice::Required,
        (Some("tool"), Some(name)) if !odd => ToolChoice::Function(name),
        _ => {
            ask.parallel_tool_calls = None;
            ToolChoice::Other(Cow::Borrowed(lift.since(start)))
        }
    });
    Ok(())
}

fn metadata<'a>(lift: &mut Lift<'a>, path: &Path<'_>, ask: &mut Ask<'a>) -> Result<(), Stop> {
    let start = lift.start()?;
    if lift.kind()? != Kind::Object {
        ask.metadata = lift.maybe()?;
        return Ok(());
    }
    let mut more = false;
    lift.object(path, &mut |lift, name, path| {
        match name {
            "user_id" => ask.user = lift.string(path)?,
            _ => more |= lift.maybe()?.is_some(),
        }
        Ok(())
    })?;
    if more {
        ask.metadata = Some(Cow::Borrowed(lift.since(start)));
    }
    Ok(())
}

fn thinking<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Option<Thinking<'a>>, Stop> {
    let start = lift.start()?;
    if lift.kind()? == Kind::Null {
        lift.raw()?;
        return Ok(None);
    }
    let (mut sort, mut budget) = (None, None);
    lift.object(path, &mut |lift, name, path| {
        match name {
            "type" => sort = lift.string(path)?,
            "budget_tokens" => budget = lift.number()?,
            _ => lift.raw().map(drop)?,
        }
        Ok(())
    })?;
    let sort = sort.unwrap_or_default();
    let mode = match (&*sort.read(), budget) {
        ("disabled", _) => ThinkingMode::Off,
        ("adaptive", _) => ThinkingMode::Adaptive,
        ("enabled", Some(budget)) => ThinkingMode::Budget(budget),
        _ => ThinkingMode::Other,
    };
    Ok(Some(Thinking {
        mode,
        raw: Cow::Borrowed(lift.since(start)),
    }))
}

/// What the raw member `thinking` comes to.
///
/// # Errors
/// It has the wrong shape.
pub(crate) fn thinking_of(raw: &str, path: &Path<'_>) -> Result<ThinkingMode, ReadError> {
    match thinking(&mut Lift::new(raw, 0), path) {
        Ok(thinking) => Ok(thinking.map_or(ThinkingMode::Other, |thinking| thinking.mode)),
        Err(stop) => Err(stop.into_error(raw)),
    }
}

fn output_config<'a>(lift: &mut Lift<'a>, path: &Path<'_>, ask: &mut Ask<'a>) -> Result<(), Stop> {
    if lift.kind()? == Kind::Null {
        return lift.raw().map(drop);
    }
    lift.object(path, &mut |lift, name, path| {
        match name {
            "effort" => ask.reasoning.effort = lift.string(path)?,
            "format" => ask.format = format(lift, path)?,
            _ => lift.extra(name, &mut ask.output_extra)?,
        }
        Ok(())
    })
}

fn format<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Option<Format<'a>>, Stop> {
    let start = lift.start()?;
    if lift.kind()? != Kind::Object {
        return Ok(lift.maybe()?.map(Format::Other));
    }
    let (mut sort, mut schema, mut odd) = (None, None::<Raw<'a>>, false);
    lift.object(path, &mut |lift, name, path| {
        match name {
            "type" => sort = lift.string(path)?,
            "schema" => schema = lift.maybe()?,
            _ => odd |= lift.maybe()?.is_some(),
        }
        Ok(())
    })?;
    if odd || sort.is_none_or(|sort| sort != *"json_schema") {
        return Ok(Some(Format::Other(Cow::Borrowed(lift.since(start)))));
    }
    Ok(Some(Format::JsonSchema {
        name: None,
        description: None,
        schema,
        strict: None,
    }))
}
