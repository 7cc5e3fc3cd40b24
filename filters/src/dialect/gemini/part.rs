//! One part of a candidate, and the picture that it may be.

use std::borrow::Cow;

use crate::dialect::openai_chat::wire::{members, string};
use crate::event::Step;

/// One part of a candidate, not yet told.
#[derive(Default)]
pub(super) struct Part<'a> {
    pub(super) text: Option<Cow<'a, str>>,
    pub(super) thought: bool,
    pub(super) seal: Option<Cow<'a, str>>,
    pub(super) call: Option<&'a str>,
    pub(super) media: Option<&'a str>,
    /// The name of the member that makes it a part of another kind.
    pub(super) other: Option<String>,
}

impl<'a> Part<'a> {
    pub(super) fn read(raw: &'a str) -> Part<'a> {
        let mut part = Part::default();
        members(raw, |key, value| match key {
            _ if value == "null" => {}
            "text" => part.text = string(value),
            "thought" => part.thought = value == "true",
            "thoughtSignature" => part.seal = string(value),
            "functionCall" => part.call = Some(value),
            "inlineData" => {
                part.media = Some(value);
                part.other.get_or_insert_with(|| key.to_owned());
            }
            _ => {
                let name: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
                // A client knows these as blocks of another shape.
                part.other = Some(match &*name {
                    "text" | "thinking" => format!("native{name}"),
                    _ => name,
                });
            }
        });
        part
    }
}

/// A picture that the model made; nothing for other kinds of data.
pub(super) fn image(raw: &str) -> Option<Step<'_>> {
    let (mut kind, mut bytes) = (None, None);
    members(raw, |key, value| match key {
        "mimeType" => kind = string(value),
        "data" => bytes = string(value),
        _ => {}
    });
    let media_type = kind.filter(|kind| kind.starts_with("image/"))?;
    let data = bytes?;
    Some(Step::Image { media_type, data })
}
