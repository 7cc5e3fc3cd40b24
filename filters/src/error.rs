//! What went wrong at a provider, read from any of their error shapes (section
//! 1.6 of the design page `providers.md`) and said once, in the caller's
//! grammar. Failover, the breaker and the key rest decide by [`ErrorKind`],
//! `retryable` and [`KeyState`], never by a status alone.
//!
//! Three rules keep a client from harming others through an error:
//! - what a provider says is redacted before it is kept, because messages quote
//!   keys, accounts and inner addresses;
//! - a credential is only blamed for a status, a `type` or a `code`, never for
//!   words that a provider may have quoted from the request;
//! - a provider's 401 or 403 is about Alfred's credential, so the client, whose
//!   own key was fine, sees 502.

use std::time::Duration;

use bytes::Bytes;

use crate::dialect::openai_chat::usage::{Unknown, write};
use crate::dialect::{Dialect, anthropic};
use crate::event::Usage;
use crate::json::push_quoted;

mod classify;
mod redact;
mod shape;
mod wait;

use shape::Shape;
pub(crate) use wait::days_since_1970;

/// What kind of failure a provider reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request is wrong in itself; no other target will take it.
    InvalidRequest,
    /// Prompt and answer do not fit the model's context window.
    ContextLength,
    /// A safety system refused the prompt or the answer.
    ContentFilter,
    /// The provider refused Alfred's own credential.
    Authentication,
    /// The credential is known but may not do this.
    Permission,
    /// The model or deployment does not exist at this provider.
    NotFound,
    /// The request is larger than the provider takes.
    TooLarge,
    /// Too many requests or tokens at the moment.
    RateLimit,
    /// The account behind the credential has no money or quota left.
    Quota,
    /// The provider has no capacity at the moment.
    Overloaded,
    /// The provider or its model gave up waiting.
    Timeout,
    /// The provider failed in any other way, or something before it answered.
    Server,
    /// The provider sent something that cannot be read as an answer.
    Malformed,
}

/// What a failure says about the credential that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Nothing.
    Fine,
    /// It was refused: let it rest until reload, or ten minutes and one probe.
    Dead,
    /// Its account is empty.
    Exhausted,
    /// It must rest until `retry_after`.
    Throttled,
}

/// One failure of a provider. Every text in it is free of credentials.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("provider answered {status}: {message}")]
pub struct ProviderError {
    /// The HTTP status that was sent, or the one that an error inside a 200
    /// stands for.
    pub status: u16,
    /// What the provider's `x-should-retry` header says, which wins over every
    /// other sign. Whoever reads the headers sets it.
    pub should_retry: Option<bool>,
    /// What kind of failure it is.
    pub kind: ErrorKind,
    /// The provider's own words, shortened and redacted. For logs: clients get
    /// [`client_message`](Self::client_message).
    pub message: String,
    /// The provider's `type` (or `status`, `error_type`), as sent.
    pub raw_type: Option<String>,
    /// The provider's `code`, as sent; numbers as text.
    pub code: Option<String>,
    /// The request field the provider blames.
    pub param: Option<String>,
    /// Another target, another key or a later moment may succeed. False for
    /// everything the request itself causes, a model unknown to the provider
    /// included: a misspelt target must be seen, not hidden behind a fallback.
    pub retryable: bool,
    /// How long the provider asks to wait, at most a day. Never taken from the
    /// headers of a 2xx answer: some providers send `Retry-After` there.
    pub retry_after: Option<Duration>,
    /// What this says about the credential.
    pub key: KeyState,
}

impl ProviderError {
    /// Reads a failed answer: `status` with its `Retry-After` and
    /// `retry-after-ms` headers and its body (JSON in any provider's shape,
    /// plain text, HTML or nothing). `now` is the Unix time in seconds, needed
    /// when `Retry-After` is a date.
    #[must_use]
    pub fn read(
        status: u16,
        retry_after: Option<&str>,
        retry_after_ms: Option<&str>,
        body: &[u8],
        now: u64,
    ) -> ProviderError {
        let shape = Shape::read(body);
        let mut error = ProviderError::build(status, &shape);
        if status >= 300 {
            let asked = wait::from_headers(retry_after, retry_after_ms, now);
            error.retry_after = asked.or(error.retry_after);
        }
        error
    }

    /// Reads an error that came inside a 200: the data of an event, or a whole
    /// body. `None` when `body` holds no error.
    #[must_use]
    pub fn in_answer(body: &[u8]) -> Option<ProviderError> {
        let shape = Shape::read(body);
        shape
            .is_error
            .then(|| ProviderError::build(classify::status(&shape), &shape))
    }

    /// Reads the data of an `event: error`, which is an error whatever it holds.
    #[must_use]
    pub fn in_event(data: &[u8]) -> ProviderError {
        let shape = Shape::read(data);
        ProviderError::build(classify::status(&shape), &shape)
    }

    /// The same failure with the type that stands outside of its body: AWS names it
    /// in the header `x-amzn-errortype`, as `Name:http://…`.
    #[must_use]
    pub fn typed(self, name: &str, body: &[u8]) -> ProviderError {
        let shape = Shape::read(body).named(name);
        ProviderError {
            should_retry: self.should_retry,
            retry_after: self.retry_after,
            ..ProviderError::build(self.status, &shape)
        }
    }

    /// Reads a failure that came as a frame of that type inside a 200.
    pub(crate) fn in_frame(name: &str, body: &[u8]) -> ProviderError {
        let shape = Shape::read(body).named(name);
        ProviderError::build(classify::status(&shape), &shape)
    }

    /// The provider sent something that cannot be read as an answer. `what` is
    /// Alfred's own wording and holds no part of the body.
    #[must_use]
    pub fn malformed(what: &str) -> ProviderError {
        ProviderError {
            status: 200,
            should_retry: None,
            kind: ErrorKind::Malformed,
            message: what.to_owned(),
            raw_type: None,
            code: None,
            param: None,
            retryable: true,
            retry_after: None,
            key: KeyState::Fine,
        }
    }

    fn build(status: u16, shape: &Shape) -> ProviderError {
        let verdict = classify::verdict(status, shape);
        ProviderError {
            status,
            should_retry: None,
            kind: verdict.kind,
            message: redact::message(shape, status),
            raw_type: shape.kind.as_deref().map(redact::word),
            code: shape.code.as_deref().map(redact::word),
            param: shape.param.as_deref().map(redact::word),
            retryable: verdict.retryable,
            retry_after: shape.retry_after,
            key: verdict.key,
        }
    }

    /// The HTTP status that a client of that dialect sees. Anthropic has a
    /// status of its own for a provider without capacity.
    #[must_use]
    pub fn client_status(&self, dialect: Dialect) -> u16 {
        match self.kind {
            ErrorKind::Overloaded if dialect == Dialect::AnthropicMessages => 529,
            ErrorKind::InvalidRequest if self.status == 422 => 422,
            ErrorKind::InvalidRequest | ErrorKind::ContextLength | ErrorKind::ContentFilter => 400,
            ErrorKind::NotFound => 404,
            ErrorKind::TooLarge => 413,
            ErrorKind::RateLimit | ErrorKind::Quota => 429,
            ErrorKind::Overloaded => 503,
            ErrorKind::Timeout => 504,
            ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::Server
            | ErrorKind::Malformed => 502,
        }
    }

    /// The `type` that the client sees.
    #[must_use]
    pub fn client_type(&self) -> &'static str {
        match self.kind {
            ErrorKind::InvalidRequest
            | ErrorKind::ContextLength
            | ErrorKind::ContentFilter
            | ErrorKind::NotFound
            | ErrorKind::TooLarge => "invalid_request_error",
            ErrorKind::RateLimit => "rate_limit_error",
            ErrorKind::Quota => "insufficient_quota",
            _ => "server_error",
        }
    }

    /// The `code` that the client sees: the provider's own word where the
    /// request is to blame, else Alfred's.
    #[must_use]
    pub fn client_code(&self) -> Option<&str> {
        let own = self
            .code
            .as_deref()
            .filter(|code| code.parse::<u64>().is_err());
        match self.kind {
            ErrorKind::InvalidRequest | ErrorKind::TooLarge => own,
            ErrorKind::ContextLength => Some("context_length_exceeded"),
            ErrorKind::ContentFilter => Some("content_filter"),
            ErrorKind::NotFound => Some("model_not_found"),
            ErrorKind::RateLimit => Some("rate_limit_exceeded"),
            ErrorKind::Quota => Some("insufficient_quota"),
            ErrorKind::Authentication | ErrorKind::Permission => {
                Some("provider_credential_refused")
            }
            ErrorKind::Overloaded => Some("provider_overloaded"),
            ErrorKind::Timeout => Some("provider_timeout"),
            ErrorKind::Server => Some("provider_failed"),
            ErrorKind::Malformed => Some("provider_answer_unreadable"),
        }
    }

    /// The message that the client sees: the provider's own, except where it
    /// speaks to the owner of the provider account, who is not the client.
    #[must_use]
    pub fn client_message(&self) -> &str {
        match self.kind {
            ErrorKind::Authentication | ErrorKind::Permission => {
                "The provider refused the gateway's own credential. Your key is fine: tell the operator of this gateway."
            }
            ErrorKind::Quota => {
                "The gateway's account at the provider is out of quota. Tell the operator of this gateway."
            }
            ErrorKind::RateLimit => {
                "The provider is limiting requests at the moment. Try again later."
            }
            _ => &self.message,
        }
    }

    /// The error as a body in the client's dialect; Anthropic's also names the
    /// request.
    #[must_use]
    pub fn body(&self, dialect: Dialect, request_id: Option<&str>) -> Bytes {
        match dialect {
            Dialect::AnthropicMessages => {
                let status = self.client_status(dialect);
                anthropic_error(status, self.client_message(), request_id)
            }
            // No client speaks the dialects that only providers do.
            _ => self.openai_body(),
        }
    }

    /// The error as the last event of a stream in the client's dialect, with
    /// what was used so far.
    #[must_use]
    pub fn event(&self, dialect: Dialect, usage: Option<Usage>) -> Bytes {
        match dialect {
            Dialect::AnthropicMessages => {
                let status = self.client_status(dialect);
                let mut out = b"event: error\ndata: ".to_vec();
                push_anthropic(&mut out, status, self.client_message());
                if let Some(usage) = usage {
                    out.extend_from_slice(b",\"usage\":");
                    anthropic::usage::write(usage, &Unknown::default(), &mut out);
                }
                out.extend_from_slice(b"}\n\n");
                Bytes::from(out)
            }
            _ => self.openai_event(usage),
        }
    }

    /// The error as an OpenAI error body.
    #[must_use]
    pub fn openai_body(&self) -> Bytes {
        let mut out = Vec::with_capacity(256);
        self.push_object(&mut out);
        out.push(b'}');
        Bytes::from(out)
    }

    /// The error as the last event of an OpenAI stream, with what was used so
    /// far: `data: {"error":{…},"usage":{…}}` and the empty line.
    #[must_use]
    pub fn openai_event(&self, usage: Option<Usage>) -> Bytes {
        let mut out = Vec::with_capacity(512);
        out.extend_from_slice(b"data: ");
        self.push_object(&mut out);
        if let Some(usage) = usage {
            out.extend_from_slice(b",\"usage\":");
            write(usage, &Unknown::default(), &mut out);
        }
        out.extend_from_slice(b"}\n\n");
        Bytes::from(out)
    }

    fn push_object(&self, out: &mut Vec<u8>) {
        let param = self.param.as_deref();
        push_error(
            out,
            self.client_message(),
            self.client_type(),
            param,
            self.client_code(),
        );
    }
}

/// An OpenAI error body with all four members that its schema requires.
#[must_use]
pub fn openai_error(message: &str, kind: &str, param: Option<&str>, code: Option<&str>) -> Bytes {
    let mut out = Vec::with_capacity(128 + message.len());
    push_error(&mut out, message, kind, param, code);
    out.push(b'}');
    Bytes::from(out)
}

/// What a client is told of a failure that no provider reported.
#[derive(Clone, Copy, Debug)]
pub struct ClientError<'a> {
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do.
    pub message: &'a str,
    /// The `type`, as OpenAI names it; Anthropic's follows from the status.
    pub kind: &'a str,
    /// The field at fault.
    pub param: Option<&'a str>,
    /// A machine-readable code.
    pub code: Option<&'a str>,
}

/// An error body in the client's dialect. Anthropic's shape names the request and
/// has no room for `param` and `code`.
#[must_use]
pub fn error_body(dialect: Dialect, error: &ClientError<'_>, request_id: Option<&str>) -> Bytes {
    match dialect {
        Dialect::AnthropicMessages => anthropic_error(error.status, error.message, request_id),
        _ => openai_error(error.message, error.kind, error.param, error.code),
    }
}

/// The `type` that Anthropic gives to errors of that status.
#[must_use]
pub fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        503 | 529 => "overloaded_error",
        504 => "timeout_error",
        _ => "api_error",
    }
}

fn anthropic_error(status: u16, message: &str, request_id: Option<&str>) -> Bytes {
    let mut out = Vec::with_capacity(128 + message.len());
    push_anthropic(&mut out, status, message);
    out.extend_from_slice(b",\"request_id\":");
    match request_id {
        Some(id) => push_quoted(&mut out, id),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
    Bytes::from(out)
}

/// Appends Anthropic's envelope up to, but without, its closing brace.
fn push_anthropic(out: &mut Vec<u8>, status: u16, message: &str) {
    out.extend_from_slice(b"{\"type\":\"error\",\"error\":{\"type\":");
    push_quoted(out, anthropic_type(status));
    out.extend_from_slice(b",\"message\":");
    push_quoted(out, message);
    out.push(b'}');
}

/// Appends the envelope up to, but without, its closing brace.
fn push_error(
    out: &mut Vec<u8>,
    message: &str,
    kind: &str,
    param: Option<&str>,
    code: Option<&str>,
) {
    let members = [
        ("message", Some(message)),
        ("type", Some(kind)),
        ("param", param),
        ("code", code),
    ];
    let mut opening: &[u8] = b"{\"error\":{";
    for (name, value) in members {
        out.extend_from_slice(opening);
        push_quoted(out, name);
        out.push(b':');
        match value {
            Some(value) => push_quoted(out, value),
            None => out.extend_from_slice(b"null"),
        }
        opening = b",";
    }
    out.push(b'}');
}
