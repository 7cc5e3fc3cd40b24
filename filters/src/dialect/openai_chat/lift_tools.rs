//! Reads what a chat request says about tools and the form of the answer.

use std::borrow::Cow;

use crate::ask::{Format, Function, Lift, Tool, ToolChoice};
use crate::json::Kind;
use crate::reading::Stop;
use crate::text::Path;

pub(super) fn tool<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Tool<'a>, Stop> {
    let start = lift.start()?;
    let mut function: Option<Function<'a>> = None;
    let (mut marker, mut outer, mut odd) = (None, Vec::new(), false);
    lift.object(path, &mut |lift, name, path| {
        match name {
            "type" => odd |= lift.string(path)?.is_some_and(|sort| sort != *"function"),
            "function" => {
                let found = function.insert(Function::default());
                lift.object(path, &mut |lift, name, path| {
                    match name {
                        "name" => found.name = lift.string(path)?.unwrap_or_default(),
                        "description" => found.description = lift.string(path)?,
                        "parameters" => found.schema = lift.maybe()?,
                        "strict" => found.strict = lift.flag(path)?,
                        _ => lift.extra(name, &mut found.extra)?,
                    }
                    Ok(())
                })?;
            }
            "cache_control" => marker = lift.maybe()?,
            _ => lift.extra(name, &mut outer)?,
        }
        Ok(())
    })?;
    Ok(match function {
        Some(mut function) if !odd => {
            function.marker = marker;
            function.extra.append(&mut outer);
            Tool::Function(function)
        }
        _ => Tool::Other(Cow::Borrowed(lift.since(start))),
    })
}

pub(super) fn tool_choice<'a>(
    lift: &mut Lift<'a>,
    path: &Path<'_>,
) -> Result<Option<ToolChoice<'a>>, Stop> {
    let start = lift.start()?;
    match lift.kind()? {
        Kind::String => {
            let word = lift.string(path)?.unwrap_or_default();
            return Ok(Some(match &*word.read() {
                "auto" => ToolChoice::Auto,
                "none" => ToolChoice::None,
                // Mistral says "any".
                "required" | "any" => ToolChoice::Required,
                _ => ToolChoice::Other(Cow::Borrowed(lift.since(start))),
            }));
        }
        Kind::Object => {}
        _ => return Ok(lift.maybe()?.map(ToolChoice::Other)),
    }
    let mut function = None;
    lift.object(path, &mut |lift, name, path| {
        match (name, lift.kind()?) {
            ("function", Kind::Object) => lift.object(path, &mut |lift, name, path| {
                match name {
                    "name" => function = lift.string(path)?,
                    _ => lift.raw().map(drop)?,
                }
                Ok(())
            })?,
            _ => lift.raw().map(drop)?,
        }
        Ok(())
    })?;
    let other = || ToolChoice::Other(Cow::Borrowed(lift.since(start)));
    Ok(Some(function.map_or_else(other, ToolChoice::Function)))
}

pub(super) fn format<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Option<Format<'a>>, Stop> {
    let start = lift.start()?;
    if lift.kind()? != Kind::Object {
        return Ok(lift.maybe()?.map(Format::Other));
    }
    let (mut sort, mut odd) = (None, false);
    let (mut label, mut description, mut schema, mut strict) = (None, None, None, None);
    lift.object(path, &mut |lift, name, path| {
        match (name, lift.kind()?) {
            ("type", _) => sort = lift.string(path)?,
            ("json_schema", Kind::Object) => lift.object(path, &mut |lift, name, path| {
                match name {
                    "name" => label = lift.string(path)?,
                    "description" => description = lift.string(path)?,
                    "schema" => schema = lift.maybe()?,
                    "strict" => strict = lift.flag(path)?,
                    _ => odd |= lift.maybe()?.is_some(),
                }
                Ok(())
            })?,
            _ => odd |= lift.maybe()?.is_some(),
        }
        Ok(())
    })?;
    let whole = || Format::Other(Cow::Borrowed(lift.since(start)));
    Ok(Some(
        match sort.as_ref().map(|sort| sort.read()).as_deref() {
            Some("text") if !odd => Format::Text,
            Some("json_object") if !odd => Format::JsonObject,
            Some("json_schema") if !odd => Format::JsonSchema {
                name: label,
                description,
                schema,
                strict,
            },
            _ => whole(),
        },
    ))
}
