//! Why: every refusal of the admin port has one shape, RFC 9457, and says what to do about it.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

/// A refusal.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
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
        Self {
            status,
            headers: Vec::new(),
            members,
        }
    }

    /// Alfred itself failed.
    pub(super) fn fault() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "fault",
            "Alfred itself failed",
        )
        .detail("the request could not be carried out")
        .hint("the log says more")
    }

    /// What is wrong this time.
    pub(super) fn detail(self, detail: impl Into<String>) -> Self {
        self.with("detail", detail.into().into())
    }

    /// What to do about it.
    pub(super) fn hint(self, hint: &'static str) -> Self {
        self.with("hint", hint.into())
    }

    /// Whether it is of this status.
    pub(super) fn is(&self, status: StatusCode) -> bool {
        self.status == status
    }

    /// A further member.
    pub(super) fn with(mut self, name: &str, value: Value) -> Self {
        self.members.insert(name.to_owned(), value);
        self
    }

    /// A header.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = HeaderValue::from_static("application/problem+json");
        let body = Value::Object(self.members).to_string();
        let mut response = (self.status, [(header::CONTENT_TYPE, kind)], body).into_response();
        response.headers_mut().extend(self.headers);
        response
    }
}
