//! Reads a Responses request into the canonical form, in one pass.

use crate::ask::{Ask, Extra, Lift, PartKind, Raw, Role, Str, Turn};
use crate::json::Kind;
use crate::reading::Stop;
use crate::text::Path;

use super::lift_items::{content, item};
use super::lift_tools::{format, tool, tool_choice};

/// Reads a body that [`crate::prompt::Prompt::read`] has taken.
pub(crate) fn lift(text: &str) -> Result<Ask<'_>, Stop> {
    let mut ask = Ask::default();
    let mut opening = None;
    Lift::new(text, 0).object(&Path::ROOT, &mut |lift, name, path| {
        match name {
            "model" => ask.model = lift.string(path)?.unwrap_or_default(),
            "input" => ask.turns = input(lift, path)?,
            "instructions" => opening = instructions(lift, path)?,
            "tools" => lift.array(path, &mut |lift, path| {
                ask.tools.push(tool(lift, path)?);
                Ok(())
            })?,
            "tool_choice" => ask.tool_choice = tool_choice(lift, path)?,
            "parallel_tool_calls" => ask.parallel_tool_calls = lift.flag(path)?,
            "max_output_tokens" => ask.max_output = lift.number()?,
            "temperature" => ask.sampling.temperature = lift.maybe()?,
            "top_p" => ask.sampling.top_p = lift.maybe()?,
            "top_logprobs" => ask.sampling.top_logprobs = lift.maybe()?,
            "text" => text_member(lift, path, &mut ask)?,
            "reasoning" => reasoning(lift, path, &mut ask)?,
            "user" => ask.user = lift.string(path)?,
            "metadata" => ask.metadata = lift.maybe()?,
            "service_tier" => ask.service_tier = lift.string(path)?,
            "stream" => ask.stream = lift.flag(path)? == Some(true),
            _ => lift.extra(name, &mut ask.extra)?,
        }
        Ok(())
    })?;
    if let Some(opening) = opening {
        ask.turns.insert(0, opening);
    }
    Ok(ask)
}

/// A turn of that item.
pub(super) fn turn<'a>(role: Role, at: Option<usize>) -> Turn<'a> {
    Turn {
        role,
        parts: Vec::new(),
        at,
        thoughts_in: Vec::new(),
        extra: Vec::new(),
    }
}

fn input<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Vec<Turn<'a>>, Stop> {
    let mut turns = Vec::new();
    if lift.kind()? == Kind::Array {
        lift.array(path, &mut |lift, path| {
            let at = turns.len();
            turns.push(item(lift, path, at)?);
            Ok(())
        })?;
    } else if let Some(text) = lift.string(path)? {
        let mut asked = turn(Role::User, Some(0));
        asked.parts.push(PartKind::Text(text).into());
        turns.push(asked);
    }
    Ok(turns)
}

/// The operator's words: a text, or, as answers give them back, items.
fn instructions<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Option<Turn<'a>>, Stop> {
    let mut opening = turn(Role::System, None);
    if lift.kind()? == Kind::Array {
        lift.array(path, &mut |lift, path| {
            opening.parts.append(&mut item(lift, path, 0)?.parts);
            Ok(())
        })?;
    } else {
        opening.parts = content(lift, path)?;
    }
    opening.parts.retain(|part| match &part.kind {
        PartKind::Text(text) => !text.raw().is_empty(),
        _ => true,
    });
    Ok((!opening.parts.is_empty()).then_some(opening))
}

fn text_member<'a>(lift: &mut Lift<'a>, path: &Path<'_>, ask: &mut Ask<'a>) -> Result<(), Stop> {
    if lift.kind()? == Kind::Null {
        return lift.raw().map(drop);
    }
    lift.object(path, &mut |lift, name, path| {
        match name {
            "format" => ask.format = format(lift, path)?,
            "verbosity" => lift.extra("verbosity", &mut ask.extra)?,
            _ => inner(&mut ask.extra, ("text", name), lift.maybe()?),
        }
        Ok(())
    })
}

fn reasoning<'a>(lift: &mut Lift<'a>, path: &Path<'_>, ask: &mut Ask<'a>) -> Result<(), Stop> {
    if lift.kind()? == Kind::Null {
        return lift.raw().map(drop);
    }
    lift.object(path, &mut |lift, name, path| {
        match name {
            "effort" => ask.reasoning.effort = lift.string(path)?,
            _ => inner(&mut ask.extra, ("reasoning", name), lift.maybe()?),
        }
        Ok(())
    })
}

/// Keeps a member of a member that no field holds, under the name of both.
fn inner<'a>(extras: &mut Vec<Extra<'a>>, (outer, name): (&str, &str), value: Option<Raw<'a>>) {
    extras.extend(value.map(|value| Extra {
        name: Str::text(&format!("{outer}.{name}")),
        value,
    }));
}
