//! What the mock itself refuses, in the words of the dialect that was spoken.

use std::borrow::Cow;

use serde_json::json;

use super::asked::{Dialect, Malformed};
use super::scenario::Unplayable;
use super::script::Script;

/// An error of the mock's own.
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) error: Malformed,
}

impl Refusal {
    /// A request that is not understood.
    pub(super) fn malformed(error: Malformed) -> Self {
        Self { status: 400, error }
    }

    /// A thing that does not exist.
    pub(super) fn unknown(message: String) -> Self {
        Self {
            status: 404,
            error: Malformed {
                code: Some("model_not_found"),
                ..Malformed::because(message)
            },
        }
    }

    /// A model whose name cannot be played.
    pub(super) fn unplayable(error: &Unplayable) -> Self {
        let refusal = match error {
            Unplayable::Unknown { name, nearest } => {
                let near = nearest.join("`, `");
                Self::unknown(format!(
                    "the mock has no scenario `{name}`; the nearest are `{near}`"
                ))
            }
            Unplayable::BadParam { name, why } => Self::malformed(Malformed::because(format!(
                "`{name}` in the model's name is not accepted: {why}"
            ))),
        };
        let field = Some("model".to_owned());
        let error = Malformed {
            field,
            ..refusal.error
        };
        Self { error, ..refusal }
    }

    /// The answer in this dialect.
    pub(super) fn told(&self, dialect: Dialect, request_id: &str) -> Script {
        let Malformed {
            field,
            code,
            message,
        } = &self.error;
        let body = match dialect {
            Dialect::OpenAi => json!({"error": {"message": message,
                "type": "invalid_request_error", "param": field, "code": code}}),
            Dialect::Anthropic => {
                let (kind, message) = match self.status {
                    404 => ("not_found_error", Cow::from(format!("model: {message}"))),
                    _ => ("invalid_request_error", Cow::from(message)),
                };
                json!({"type": "error", "error": {"type": kind, "message": message},
                    "request_id": request_id})
            }
        };
        Script::whole(self.status, "application/json", body.to_string())
    }
}
