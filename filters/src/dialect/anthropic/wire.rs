//! What a provider that speaks Anthropic's grammar sends, read leniently: nothing
//! but broken JSON is refused. Texts are borrowed from the event, so that reading
//! copies nothing.

use std::borrow::Cow;

use crate::dialect::openai_chat::wire::number;
use crate::json::{Cursor, Flaw, decode};

/// The payload of one event of a stream: its members as JSON text, empty if
/// absent or `null`.
#[derive(Debug, Default)]
pub(crate) struct Payload<'a> {
    /// The `type`.
    pub(crate) kind: Cow<'a, str>,
    /// Which content block it is about.
    pub(crate) index: Option<u64>,
    pub(crate) message: &'a str,
    pub(crate) block: &'a str,
    pub(crate) delta: &'a str,
    pub(crate) usage: &'a str,
    pub(crate) error: &'a str,
    /// Members that are unknown here.
    pub(crate) extras: Vec<(Cow<'a, str>, &'a str)>,
}

impl<'a> Payload<'a> {
    pub(crate) fn read(text: &'a str) -> Result<Payload<'a>, Flaw> {
        let mut payload = Payload::default();
        let mut cursor = Cursor::new(text, 0);
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let key = decode(text.get(key).unwrap_or_default());
            let value = text.get(cursor.skip()?).unwrap_or_default();
            if value == "null" {
                continue;
            }
            match &*key {
                "type" => payload.kind = decode(value),
                "index" => payload.index = number(value),
                "message" => payload.message = value,
                "content_block" => payload.block = value,
                "delta" => payload.delta = value,
                "usage" => payload.usage = value,
                "error" => payload.error = value,
                _ => payload.extras.push((key, value)),
            }
        }
        cursor.end()?;
        Ok(payload)
    }
}
