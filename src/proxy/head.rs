//! The headers that Alfred writes: to the provider, and to the client.

use std::time::Duration;

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use bytes::BytesMut;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HOST, RETRY_AFTER, TRANSFER_ENCODING};
use http::{HeaderName, HeaderValue, Method};
use pingora_core::{Error, ErrorType, OrErr, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::Session;

use super::Context;
use crate::exchange::{Exchange, Stage, unix_ms};
use crate::ledger::Nanos;
use crate::pipeline::cors;
use crate::providers::{ANTHROPIC_GRAMMAR, ANTHROPIC_VERSION, Call, credential_header};
use crate::telemetry::{Receipt, micros};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
/// The content type of AWS's streams.
pub(super) const AWS_EVENTS: &str = "application/vnd.amazon.eventstream";
pub(super) const JSON_LINES: &str = "application/x-ndjson";
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("alfred/", env!("CARGO_PKG_VERSION")));

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const ALFRED_REQUEST_ID: HeaderName = HeaderName::from_static("x-alfred-request-id");
const ATTEMPT: HeaderName = HeaderName::from_static("x-alfred-attempt");
const PROVIDER: HeaderName = HeaderName::from_static("x-alfred-provider");
const MODEL: HeaderName = HeaderName::from_static("x-alfred-model");
const ATTEMPTS: HeaderName = HeaderName::from_static("x-alfred-attempts");
const OVERHEAD: HeaderName = HeaderName::from_static("x-alfred-overhead-us");
const ERROR_SOURCE: HeaderName = HeaderName::from_static("x-alfred-error-source");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const DROPPED: HeaderName = HeaderName::from_static("x-alfred-dropped-params");
const TRANSACTION: HeaderName = HeaderName::from_static("x-alfred-transaction-id");
const BALANCE: HeaderName = HeaderName::from_static("x-alfred-balance");
const COST: HeaderName = HeaderName::from_static("x-alfred-cost");

/// Anthropic's own name for the request's id, which its SDKs show.
const ANTHROPIC_REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// Headers of the client that every provider is sent.
static PASSED_ON: [HeaderName; 2] = [
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
];
/// Headers of the client that concern the model and not the account; for providers of the client's
/// own dialect.
static OPENAI_PASSED_ON: [HeaderName; 1] = [HeaderName::from_static("openai-beta")];
/// The same in Anthropic's dialect.
static ANTHROPIC_PASSED_ON: [HeaderName; 2] =
    [HeaderName::from_static("anthropic-beta"), ANTHROPIC_VERSION];

/// Pingora's `upstream_request_filter`: the provider sees what Alfred writes, and of the client's
/// own head only what is named in [`PASSED_ON`].
pub(super) fn upstream_request(
    session: &Session,
    request: &mut RequestHeader,
    ctx: &mut Context,
) -> Result<()> {
    let rendered = ctx.rendered.clone();
    let attempt_id = attempt_id(&ctx.exchange.receipt)?;
    let Some(forward) = ctx.exchange.forward() else {
        return Error::e_explain(ErrorType::InternalError, "no request to forward");
    };
    let (Some(target), Some(guard)) = (forward.target(), &forward.attempt.lane) else {
        return Error::e_explain(ErrorType::InternalError, "no attempt to make");
    };
    let (provider, lane) = (&target.provider, guard.lane());
    let surface = provider.upstream_surface(forward.prompt.surface());
    let stream = forward.prompt.stream();
    let path = provider.path(lane, surface, (&target.model, stream));
    let spoken = provider.wants.dialect(forward.prompt.surface());
    let version = request.version;
    let mut out = http::HeaderMap::with_capacity(16);
    out.insert(HOST, lane.authority.clone());
    out.insert(CONTENT_TYPE, JSON);
    out.insert(CONTENT_LENGTH, HeaderValue::from(rendered.len()));
    out.insert(ACCEPT, accepted(stream, surface, spoken));
    out.insert(http::header::USER_AGENT, AGENT);
    if spoken == Dialect::AnthropicMessages {
        out.insert(ANTHROPIC_VERSION, ANTHROPIC_GRAMMAR);
    }
    let own: &[HeaderName] = match (spoken, forward.prompt.surface().dialect()) {
        (Dialect::AnthropicMessages, Dialect::AnthropicMessages) => &ANTHROPIC_PASSED_ON,
        (Dialect::OpenAiChat, Dialect::OpenAiChat)
        | (Dialect::OpenAiResponses, Dialect::OpenAiResponses) => &OPENAI_PASSED_ON,
        _ => &[],
    };
    for name in PASSED_ON.iter().chain(own) {
        if let Some(value) = session.req_header().headers.get(name) {
            out.insert(name, value.clone());
        }
    }
    for (name, value) in &provider.headers {
        out.insert(name.clone(), value.clone());
    }
    if provider.wants.attempt_header {
        out.insert(ATTEMPT, attempt_id);
    }
    if let Some(token) = provider
        .identity
        .as_ref()
        .and_then(|identity| identity.header())
    {
        out.insert(http::header::AUTHORIZATION, token);
    }
    if let Some(credential) = &lane.credential {
        match credential_header(provider.wants.auth, credential) {
            Some(name) => out.insert(name, credential.clone()),
            None => {
                let call = Call {
                    path: &path,
                    body: &rendered,
                    now: unix_ms() / 1000,
                };
                if provider.sign(&mut out, credential, &call).is_none() {
                    return Error::e_explain(ErrorType::InternalError, "signature");
                }
                None
            }
        };
    }
    let (mut parts, ()) = http::Request::new(()).into_parts();
    parts.method = Method::POST;
    parts.version = version;
    parts.uri = path
        .parse::<http::Uri>()
        .or_err(ErrorType::InternalError, "path")?;
    parts.headers = out;
    *request = RequestHeader::from(parts);
    Ok(())
}

/// The request's id and the attempt's number.
fn attempt_id(receipt: &Receipt) -> Result<HeaderValue> {
    let mut id = String::with_capacity(40);
    id.push_str(&receipt.request_id);
    id.push('.');
    id.push_str(itoa::Buffer::new().format(receipt.attempts.len()));
    HeaderValue::try_from(id).or_err(ErrorType::InternalError, "id")
}

fn accepted(stream: bool, surface: Surface, spoken: Dialect) -> HeaderValue {
    let streams = matches!(
        surface,
        Surface::Chat | Surface::Completions | Surface::Messages | Surface::Responses
    );
    if !(stream && streams) {
        return JSON;
    }
    HeaderValue::from_static(match spoken {
        Dialect::BedrockConverse => AWS_EVENTS,
        Dialect::OllamaChat => JSON_LINES,
        _ => "text/event-stream",
    })
}

/// What an answer's body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// JSON of a known length.
    Json(usize),
    /// Server-sent events.
    Events,
    /// None at all.
    Empty,
}

/// Who is to blame for an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Gateway,
    Provider,
}

/// Writes a client's header, line by line.
pub(super) struct AnswerHead {
    status: http::StatusCode,
    lines: http::HeaderMap,
    /// What the values are cut from: one allocation for all of them.
    text: BytesMut,
}

impl AnswerHead {
    /// The lines that every answer carries.
    pub(super) fn new(status: u16, body: Body, ctx: &Context) -> Result<Self> {
        let exchange = &ctx.exchange;
        let mut head = Self {
            status: http::StatusCode::from_u16(status)
                .or_err(ErrorType::InternalError, "status")?,
            lines: http::HeaderMap::with_capacity(32),
            text: BytesMut::with_capacity(384),
        };
        match body {
            Body::Json(length) => {
                head.set(CONTENT_TYPE, JSON);
                head.number(CONTENT_LENGTH, u64::try_from(length).unwrap_or(u64::MAX));
            }
            Body::Events => {
                head.set(CONTENT_TYPE, EVENTS);
                head.set(http::header::CACHE_CONTROL, NO_CACHE);
                if !ctx.http2 && ctx.chunked {
                    head.set(TRANSFER_ENCODING, CHUNKED);
                }
            }
            // Only a 204 has none, and RFC 9110, 8.6 forbids it a length.
            Body::Empty => {}
        }
        let id = &*exchange.receipt.request_id;
        head.text(ALFRED_REQUEST_ID, id);
        match (
            &exchange.receipt.client_request_id,
            head.lines.get(&ALFRED_REQUEST_ID),
        ) {
            (None, Some(id)) => head.set(REQUEST_ID, id.clone()),
            (echoed, _) => head.text(REQUEST_ID, echoed.as_deref().unwrap_or(id)),
        }
        if exchange.dialect == Dialect::AnthropicMessages {
            head.text(ANTHROPIC_REQUEST_ID, id);
        }
        for (name, value) in &exchange.answer_headers {
            // Appended: where both requests and tokens are limited, each has a line of its own.
            head.lines.append(name.clone(), value.clone());
        }
        if let Some(origin) = exchange.origin() {
            cors::answer_headers(origin.clone(), &mut head.lines);
        }
        Ok(head)
    }

    /// Which target answered, after how many attempts, and how long each part took.
    pub(super) fn route(&mut self, exchange: &Exchange) {
        let receipt = &exchange.receipt;
        let Some(last) = receipt.last_attempt() else {
            return;
        };
        self.text(PROVIDER, &last.provider);
        self.text(MODEL, &last.model);
        self.number(
            ATTEMPTS,
            u64::try_from(receipt.attempts.len()).unwrap_or(u64::MAX),
        );
        self.number(OVERHEAD, receipt.overhead_us);
        for (name, micros) in [
            ("alfred;dur=", receipt.overhead_us),
            (", upstream;dur=", last.header_us.unwrap_or(0)),
            (", total;dur=", micros(exchange.started.elapsed())),
        ] {
            self.text.extend_from_slice(name.as_bytes());
            push_milliseconds(&mut self.text, micros);
        }
        self.cut(SERVER_TIMING);
        self.dropped(exchange);
    }

    /// Which of the client's members the provider was not sent.
    fn dropped(&mut self, exchange: &Exchange) {
        let Stage::Forwarding(forward) = &exchange.stage else {
            return;
        };
        if !forward.attempt.dropped.is_empty() {
            self.text(DROPPED, &forward.attempt.dropped.join(", "));
        }
    }

    /// What the answer cost, in credits.
    pub(super) fn cost(&mut self, credits: &str) {
        self.text(COST, credits);
    }

    /// Under which number the answer stands in the ledger, and what is left of the wallets.
    pub(super) fn balance(&mut self, receipt: &Receipt) {
        if let Some(id) = &receipt.transaction_id {
            self.text(TRANSACTION, id);
        }
        if let Some(nano) = receipt.balance_nano {
            self.text(BALANCE, &Nanos::new(nano).to_string());
        }
    }

    /// Who is to blame, and when it is worth trying again.
    pub(super) fn error(
        &mut self,
        source: Source,
        retry_after: Option<Duration>,
        should_retry: Option<bool>,
    ) {
        let source = match source {
            Source::Gateway => "gateway",
            Source::Provider => "provider",
        };
        self.set(ERROR_SOURCE, HeaderValue::from_static(source));
        if let Some(wait) = retry_after {
            let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX);
            self.set(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
            let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            self.set(RETRY_AFTER_MS, HeaderValue::from(millis));
        }
        if let Some(yes) = should_retry {
            let value = if yes { "true" } else { "false" };
            self.set(SHOULD_RETRY, HeaderValue::from_static(value));
        }
    }

    /// One line.
    pub(super) fn set(&mut self, name: HeaderName, value: HeaderValue) {
        self.lines.insert(name, value);
    }

    fn text(&mut self, name: HeaderName, value: &str) {
        self.text.extend_from_slice(value.as_bytes());
        self.cut(name);
    }

    fn number(&mut self, name: HeaderName, value: u64) {
        self.text(name, itoa::Buffer::new().format(value));
    }

    /// A line of what has been written to `self.text`.
    fn cut(&mut self, name: HeaderName) {
        // A model's name is the client's or the configuration's; what no header can hold is left out.
        if let Ok(value) = HeaderValue::from_maybe_shared(self.text.split().freeze()) {
            self.set(name, value);
        }
    }

    pub(super) fn finish(self) -> Box<ResponseHeader> {
        let (mut parts, ()) = http::Response::new(()).into_parts();
        parts.status = self.status;
        parts.headers = self.lines;
        Box::new(ResponseHeader::from(parts))
    }
}

/// Milliseconds with three digits behind the point.
fn push_milliseconds(out: &mut BytesMut, micros: u64) {
    let mut digits = itoa::Buffer::new();
    out.extend_from_slice(digits.format(micros / 1000).as_bytes());
    let rest = micros % 1000;
    out.extend_from_slice(match rest {
        0..=9 => b".00",
        10..=99 => b".0",
        _ => b".",
    });
    out.extend_from_slice(digits.format(rest).as_bytes());
}
