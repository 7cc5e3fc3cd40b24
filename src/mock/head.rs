//! The head of each answer: what a real provider says about the account and its limits, which a
//! gateway must not pass on, and what arrived.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use jiff::{SignedDuration, Timestamp};

use super::asked::Dialect;
use super::exchange::Caller;
use super::journal::{Ticket, request_id};
use super::script::{Player, Script};

const OPENAI: [(&str, &str); 11] = [
    ("server", "alfred-mock"),
    ("openai-organization", "org-mock"),
    ("openai-version", "2020-10-01"),
    ("openai-processing-ms", "3"),
    ("x-ratelimit-limit-requests", "10000"),
    ("x-ratelimit-limit-tokens", "2000000"),
    ("x-ratelimit-remaining-requests", "9999"),
    ("x-ratelimit-remaining-tokens", "1999990"),
    ("x-ratelimit-reset-requests", "6ms"),
    ("x-ratelimit-reset-tokens", "0s"),
    ("set-cookie", "__mock=1; path=/; HttpOnly"),
];
const ANTHROPIC: [(&str, &str); 11] = [
    ("server", "alfred-mock"),
    (
        "anthropic-organization-id",
        "00000000-0000-0000-0000-000000000000",
    ),
    ("anthropic-ratelimit-requests-limit", "4000"),
    ("anthropic-ratelimit-requests-remaining", "3999"),
    ("anthropic-ratelimit-tokens-limit", "2400000"),
    ("anthropic-ratelimit-tokens-remaining", "2399990"),
    ("anthropic-ratelimit-input-tokens-limit", "2000000"),
    ("anthropic-ratelimit-input-tokens-remaining", "1999995"),
    ("anthropic-ratelimit-output-tokens-limit", "400000"),
    ("anthropic-ratelimit-output-tokens-remaining", "399995"),
    ("set-cookie", "__mock=1; path=/; HttpOnly"),
];
/// Anthropic says when as a time of day.
const RESETS: [&str; 4] = [
    "anthropic-ratelimit-requests-reset",
    "anthropic-ratelimit-tokens-reset",
    "anthropic-ratelimit-input-tokens-reset",
    "anthropic-ratelimit-output-tokens-reset",
];

/// In a second, as RFC 3339 has it.
fn soon() -> String {
    let now = Timestamp::now();
    let soon = now.checked_add(SignedDuration::from_secs(1)).unwrap_or(now);
    soon.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Begins an answer.
pub(super) fn respond(
    script: Script,
    dialect: Dialect,
    ticket: Ticket,
    caller: &Caller,
) -> Response<Player> {
    let status = StatusCode::from_u16(script.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::with_capacity(24);
    let (account, id) = match dialect {
        Dialect::OpenAi => (OPENAI, "x-request-id"),
        Dialect::Anthropic => (ANTHROPIC, "request-id"),
    };
    for (name, value) in account {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(script.content_type));
    let mut insert = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    insert(id, &request_id(ticket.seq()));
    if dialect == Dialect::Anthropic {
        let soon = soon();
        RESETS.iter().for_each(|name| insert(name, &soon));
    }
    for (name, value) in &script.headers {
        insert(name, value);
    }
    ticket.note(|record| {
        record.status = script.status;
        insert("x-mock-request-bytes", &record.body_bytes.to_string());
        if let Some(hash) = record.body_hash {
            insert("x-mock-request-hash", &hash.to_hex());
        }
    });
    let mut response = Response::new(Player::new(script, ticket, caller.socket.clone()));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
