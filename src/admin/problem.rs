//! Why: every refusal of the admin port has one shape, RFC 9457, and says what to do about it.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    members: Map<String, Value>,
}

impl Problem {
    /// A refusal of this kind; `code` names the kind for programs, `title` for people.
    pub(super) fn new(status: StatusCode, code: &'static str, title: &'static str) -> Self {
        let mut members = Map::new();
        members.insert(
            "type".to_owned(),
            format!("urn:alfred:problem:{code}").into(),
        );
        members.insert("title".to_owned(), title.into());
        members.insert("status".to_owned(), status.as_u16().into());
        members.insert("code".to_owned(), code.into());
        Self { status, members }
    }

    /// What is wrong this time.
    pub(super) fn detail(self, detail: impl Into<String>) -> Self {
        self.with("detail", detail.into().into())
    }

    /// What to do about it.
    pub(super) fn hint(self, hint: &'static str) -> Self {
        self.with("hint", hint.into())
    }

    /// A further member.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = HeaderValue::from_static("application/problem+json");
        let body = Value::Object(self.members).to_string();
        (self.status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}
