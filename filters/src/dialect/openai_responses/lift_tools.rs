//! Reads what a Responses request says about tools and the form of the answer.

use std::borrow::Cow;

use crate::ask::{Format, Function, Lift, Tool, ToolChoice};
use crate::json::Kind;
use crate::reading::Stop;
use crate::text::Path;

pub(super) fn tool<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Tool<'a>, Stop> {
    let start = lift.start()?;
    let (mut sort, mut function) = (None, Function::default());
    lift.object(path, &mut |lift, name, path| {
        match (name, lift.kind()?) {
            ("type", _) => sort = lift.string(path)?,
            ("name", Kind::String) => function.name = lift.string(path)?.unwrap_or_default(),
            ("description", Kind::String) => function.description = lift.string(path)?,
            ("parameters", _) => function.schema = lift.maybe()?,
            ("strict", _) => function.strict = lift.flag(path)?,
            _ => lift.extra(name, &mut function.extra)?,
        }
        Ok(())
    })?;
    Ok(match sort {
        Some(sort) if sort == *"function" => Tool::Function(function),
        _ => Tool::Other(Cow::Borrowed(lift.since(start))),
    })
}

pub(super) fn tool_choice<'a>(
    lift: &mut Lift<'a>,
    path: &Path<'_>,
) -> Result<Option<ToolChoice<'a>>, Stop> {
    let start = lift.start()?;
    let whole = |lift: &Lift<'a>| ToolChoice::Other(Cow::Borrowed(lift.since(start)));
    match lift.kind()? {
        Kind::String => {
            let word = lift.string(path)?.unwrap_or_default();
            return Ok(Some(match &*word.read() {
                "auto" => ToolChoice::Auto,
                "none" => ToolChoice::None,
                "required" => ToolChoice::Required,
                _ => whole(lift),
            }));
        }
        Kind::Object => {}
        _ => return Ok(lift.maybe()?.map(ToolChoice::Other)),
    }
    let (mut sort, mut function) = (None, None);
    lift.object(path, &mut |lift, name, path| {
        match (name, lift.kind()?) {
            ("type", _) => sort = lift.string(path)?,
            ("name", _) => function = lift.string(path)?,
            _ => lift.raw().map(drop)?,
        }
        Ok(())
    })?;
    let named = sort.is_some_and(|sort| sort == *"function");
    Ok(Some(match function {
        Some(function) if named => ToolChoice::Function(function),
        _ => whole(lift),
    }))
}

pub(super) fn format<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Option<Format<'a>>, Stop> {
    let start = lift.start()?;
    if lift.kind()? != Kind::Object {
        return Ok(lift.maybe()?.map(Format::Other));
    }
    let (mut sort, mut odd) = (None, false);
    let (mut label, mut description, mut schema, mut strict) = (None, None, None, None);
    lift.object(path, &mut |lift, name, path| {
        match name {
            "type" => sort = lift.string(path)?,
            "name" => label = lift.string(path)?,
            "description" => description = lift.string(path)?,
            "schema" => schema = lift.maybe()?,
            "strict" => strict = lift.flag(path)?,
            _ => odd |= lift.maybe()?.is_some(),
        }
        Ok(())
    })?;
    let sort = sort.as_ref().map(|sort| sort.read());
    Ok(Some(match sort.as_deref() {
        Some("text") if !odd => Format::Text,
        Some("json_object") if !odd => Format::JsonObject,
        Some("json_schema") if !odd => Format::JsonSchema {
            name: label,
            description,
            schema,
            strict,
        },
        _ => Format::Other(Cow::Borrowed(lift.since(start))),
    }))
}
