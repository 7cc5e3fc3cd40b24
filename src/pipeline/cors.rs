//! The station that lets browsers in: preflights are answered, answers carry the origin.

use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue, Method};

use super::head::Head;
use crate::conf;

/// What a browser may send besides the simple headers.
const ALLOWED_HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, content-type, x-api-key, api-key, x-goog-api-key, x-request-id, traceparent, \
     tracestate, anthropic-version, anthropic-beta, \
     anthropic-dangerous-direct-browser-access, openai-organization, openai-project, openai-beta, idempotency-key, \
     x-alfred-cache, x-alfred-route, x-alfred-tags, x-stainless-lang, x-stainless-package-version, \
     x-stainless-os, x-stainless-arch, x-stainless-runtime, x-stainless-runtime-version, \
     x-stainless-retry-count, x-stainless-timeout, x-stainless-helper-method",
);
/// What a page may read of an answer.
const EXPOSED_HEADERS: HeaderValue = HeaderValue::from_static(
    "x-request-id, x-alfred-request-id, x-alfred-provider, x-alfred-model, x-alfred-attempts, \
     x-alfred-cost, x-alfred-error-source, x-should-retry, retry-after, x-ratelimit-limit-requests, \
     x-ratelimit-remaining-requests, x-ratelimit-reset-requests, x-ratelimit-limit-tokens, \
     x-ratelimit-remaining-tokens, x-ratelimit-reset-tokens, server-timing",
);
const ALLOWED_METHODS: HeaderValue = HeaderValue::from_static("GET, POST, OPTIONS");

/// The origin of a request, if pages from there may call.
#[must_use]
pub fn allowed_origin(cors: Option<&conf::Cors>, head: &Head<'_>) -> Option<HeaderValue> {
    let origin = head.headers.get(ORIGIN)?;
    let text = origin.to_str().ok()?;
    let allowed = cors?
        .origins
        .iter()
        .any(|allowed| allowed == "*" || allowed == text);
    allowed.then(|| origin.clone())
}

/// Whether a request is a browser's preflight.
#[must_use]
pub fn is_preflight(head: &Head<'_>) -> bool {
    *head.method == Method::OPTIONS
        && head.headers.contains_key(ORIGIN)
        && head.headers.contains_key("access-control-request-method")
}

/// The headers of a preflight's answer.
pub fn preflight_headers(cors: &conf::Cors, origin: HeaderValue, out: &mut HeaderMap) {
    out.insert("access-control-allow-methods", ALLOWED_METHODS);
    out.insert("access-control-allow-headers", ALLOWED_HEADERS);
    out.insert(
        "access-control-max-age",
        HeaderValue::from(cors.max_age.as_secs()),
    );
    answer_headers(origin, out);
}

/// The headers of every other answer to an allowed origin.
pub fn answer_headers(origin: HeaderValue, out: &mut HeaderMap) {
    out.insert("access-control-allow-origin", origin);
    out.insert("access-control-expose-headers", EXPOSED_HEADERS);
    out.append("vary", HeaderValue::from_static("Origin"));
}
