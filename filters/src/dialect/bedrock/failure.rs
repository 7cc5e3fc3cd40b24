//! Failures that come as frames: AWS ends a stream with one, after its 200.

use crate::error::ProviderError;
use crate::eventstream::Message;

/// The failure that a frame is, if it is one. An `exception` names its type in a
/// header and explains itself in its payload; an `error` says both in headers.
pub(crate) fn of(message: &Message) -> Option<ProviderError> {
    match message.text(":message-type") {
        Some("exception") => {
            let name = message.text(":exception-type").unwrap_or_default();
            Some(ProviderError::in_frame(name, message.payload()))
        }
        Some("error") => {
            let name = message.text(":error-code").unwrap_or_default();
            let words = message.text(":error-message").unwrap_or_default();
            let body = format!("{{\"message\":{}}}", crate::json::quoted(words));
            Some(ProviderError::in_frame(name, body.as_bytes()))
        }
        _ => None,
    }
}
