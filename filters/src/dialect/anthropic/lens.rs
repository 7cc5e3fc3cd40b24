//! The stream lens for providers and clients that both speak this dialect:
//! payloads pass byte by byte, unknown events and members with them. Only these
//! things change:
//!
//! | event | what happens |
//! |---|---|
//! | one without an `event:` line | gets one, made of its `type`: clients need it |
//! | `message_start` once more, of the same message | is dropped |
//! | `message_stop` | waits for the end, where a comment of Alfred's may come before it |

use bytes::BytesMut;

use crate::dialect::openai_chat::lens::write;

/// What outlives an event.
#[derive(Debug, Default)]
pub(crate) struct MessageLens {
    /// The payload of `message_stop`, which waits.
    stop: String,
    /// Events written so far.
    pub(crate) written: u64,
}

impl MessageLens {
    /// Passes one event on. `kind` is its `type`, or its name where it has none.
    pub(crate) fn pass(&mut self, kind: &str, text: &str, out: &mut BytesMut) {
        if kind == "message_stop" {
            text.clone_into(&mut self.stop);
        } else if !kind.is_empty() {
            write(kind, &[text], out);
            self.written += 1;
        }
    }

    /// Writes the `message_stop` that waited.
    pub(crate) fn stop(&mut self, out: &mut BytesMut) {
        let stop = std::mem::take(&mut self.stop);
        write("message_stop", &[&stop], out);
        self.written += 1;
    }
}
