//! Pictures that a model made: whole, or put together from the pieces of a stream.
//! Every piece is base64 by itself, so that one may end where no group of it does.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::dialect::openai_chat::wire::{members, string};
use crate::event::Step;

use super::opaque::{MAX_BLOCK, Opaque};

/// A picture whose end has not come.
pub(super) struct Picture {
    /// What came beside the bytes. It is told if there are none.
    rest: Opaque,
    format: Option<String>,
    data: String,
    /// The bytes at the end that make no group of base64 yet.
    tail: Vec<u8>,
}

impl Picture {
    pub(super) fn new(start: &str) -> Picture {
        Picture {
            rest: Opaque::new("image", start),
            format: format_of(start).map(Cow::into_owned),
            data: String::new(),
            tail: Vec::new(),
        }
    }

    /// Takes the value of a delta in; false once the picture is longer than any is,
    /// or its bytes are none.
    pub(super) fn take(&mut self, delta: &str) -> bool {
        match bytes_of(delta) {
            None => self.rest.take(delta),
            Some(piece) if self.data.len() + piece.len() > MAX_BLOCK => false,
            Some(piece) if self.tail.is_empty() && is_groups(&piece) => {
                self.data.push_str(&piece);
                true
            }
            Some(piece) => match STANDARD.decode(piece.as_bytes()) {
                Err(_) => false,
                Ok(bytes) => {
                    self.tail.extend(bytes);
                    let left = self.tail.split_off(self.tail.len() / 3 * 3);
                    STANDARD.encode_string(&self.tail, &mut self.data);
                    self.tail = left;
                    true
                }
            },
        }
    }

    /// The picture, or the block that it is if nothing of it came.
    pub(super) fn into_step(mut self) -> Step<'static> {
        STANDARD.encode_string(&self.tail, &mut self.data);
        match self.data.is_empty() {
            true => self.rest.into_step(),
            false => Step::Image {
                media_type: media_type(self.format.as_deref()),
                data: Cow::Owned(self.data),
            },
        }
    }
}

/// The picture of a whole answer; nothing if its bytes are not in it.
pub(super) fn whole(raw: &str) -> Option<Step<'_>> {
    Some(Step::Image {
        media_type: media_type(format_of(raw).as_deref()),
        data: bytes_of(raw).filter(|data| !data.is_empty())?,
    })
}

fn format_of(raw: &str) -> Option<Cow<'_, str>> {
    let mut format = None;
    members(raw, |key, value| {
        if key == "format" {
            format = string(value);
        }
    });
    format
}

fn bytes_of(raw: &str) -> Option<Cow<'_, str>> {
    let mut bytes = None;
    members(raw, |key, value| {
        if key == "source" {
            members(value, |key, value| {
                if key == "bytes" {
                    bytes = string(value);
                }
            });
        }
    });
    bytes
}

fn media_type(format: Option<&str>) -> Cow<'static, str> {
    Cow::Borrowed(match format {
        Some("jpeg" | "jpg") => "image/jpeg",
        Some("gif") => "image/gif",
        Some("webp") => "image/webp",
        _ => "image/png",
    })
}

/// Whether the text is groups of base64 that more may follow.
fn is_groups(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    text.len().is_multiple_of(4) && text.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_any_length_are_one_picture() {
        let all: Vec<u8> = (0..=255).collect();
        for size in [1, 2, 3, 4, 5, 7, 30, 255, 256] {
            let mut picture = Picture::new(r#"{"format":"webp"}"#);
            for piece in all.chunks(size) {
                let data = STANDARD.encode(piece);
                assert!(picture.take(&format!(r#"{{"source":{{"bytes":"{data}"}}}}"#)));
            }
            let Step::Image { media_type, data } = picture.into_step() else {
                panic!("no picture");
            };
            assert_eq!(
                (&*media_type, &*data),
                ("image/webp", &*STANDARD.encode(&all))
            );
        }
    }

    #[test]
    fn what_is_no_base64_is_refused_and_what_has_no_bytes_is_a_block() {
        let mut picture = Picture::new("{}");
        assert!(!picture.take(r#"{"source":{"bytes":"A"}}"#));
        assert!(picture.take(r#"{"error":{"message":"no"}}"#));
        let Step::Block { kind, json } = picture.into_step() else {
            panic!("no block");
        };
        assert_eq!(kind, "image");
        assert_eq!(
            json,
            r#"{"type":"image","image":{"error":{"message":"no"}}}"#
        );
        assert!(whole(r#"{"format":"png","source":{"s3Location":{}}}"#).is_none());
    }
}
