//! The stream lens for providers that serve this dialect themselves: payloads pass
//! byte by byte, unknown events and members with them. Only these things change:
//!
//! | event | what happens |
//! |---|---|
//! | one without an `event:` line | gets one, made of its `type`: clients need it |
//! | the last one | waits for the end, where a comment of Alfred's may come before it |

use bytes::BytesMut;

use crate::dialect::openai_chat::lens::write;
use crate::dialect::openai_chat::usage::push_raw;
use crate::dialect::openai_chat::wire::{members, number, string};

use super::decode::is_last;
use super::emit::push_error;

/// What outlives an event.
#[derive(Debug, Default)]
pub(crate) struct ResponseLens {
    /// Kind and payload of the last event, which waits.
    last: (String, String),
    /// The number of the next event.
    next: u64,
    /// Events written so far.
    pub(crate) written: u64,
}

impl ResponseLens {
    /// Passes one event on.
    pub(crate) fn pass(&mut self, name: &str, text: &str, out: &mut BytesMut) {
        let mut kind = None;
        members(text, |key, value| match key {
            "type" => kind = string(value),
            "sequence_number" => {
                self.next = number(value).map_or(self.next, |number| number.saturating_add(1));
            }
            _ => {}
        });
        let kind = kind.filter(|kind| !kind.contains(['\n', '\r']));
        let kind = kind.as_deref().unwrap_or(name);
        if is_last(kind) {
            self.last = (kind.to_owned(), text.to_owned());
        } else {
            write(kind, &[text], out);
            self.written += 1;
        }
    }

    /// Writes the last event, which waited.
    pub(crate) fn stop(&mut self, out: &mut BytesMut) {
        let (kind, text) = std::mem::take(&mut self.last);
        write(&kind, &[&text], out);
        self.written += 1;
    }

    /// Writes the end of an answer that broke off. `error` is an error object of
    /// OpenAI's as JSON text.
    pub(crate) fn fail(&mut self, error: &str, out: &mut BytesMut) {
        let mut line = Vec::with_capacity(256);
        push_raw(
            &mut line,
            &format!(r#"{{"type":"error","sequence_number":{}"#, self.next),
        );
        push_error(error, &mut line);
        line.push(b'}');
        write("error", &[&String::from_utf8_lossy(&line)], out);
        self.written += 1;
    }
}
