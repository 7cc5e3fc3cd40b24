//! The spine: the stations a request passes, in the order that is the product's promise.
//!
//! Request ID → CORS → flood guard → authentication → can-spend → request limit → (the body is
//! read by `proxy`) → prompt → token limit → plan → guards → hold. Everything here is plain and fast; Pingora is not known.

mod authenticate;
pub mod cors;
mod guard;
mod head;
mod model_card;
mod models;
mod pictures;
mod quota;
mod rate_limit;
mod read;
mod request_id;
mod token;
#[cfg(test)]
mod token_tests;

use std::time::Duration;

use alfred_filters::dialect::Dialect;
use bytes::Bytes;
use http::Method;

pub use guard::screen;
pub use head::Head;
pub use pictures::{Fetcher, fetch_pictures};
pub use quota::{hold, usual_charge};
pub use read::{Ready, count, forward, settle_tokens};

use self::models::Reader;
use crate::exchange::{Admitted, Door, Exchange, unix_ms};
use crate::providers::ANTHROPIC_VERSION;
use crate::refusal::Refusal;

/// What the head of a request leads to.
#[derive(Debug)]
pub enum Admission {
    /// A browser asks whether its page may call.
    Preflight,
    /// The caller may ask; the body decides what.
    Body(Admitted),
    /// The answer is known already.
    Answer(Bytes),
}

/// Takes a request through the stations that need only its head.
///
/// # Errors
/// The refusal of the first station that said no.
pub fn admit(exchange: &mut Exchange, head: &Head<'_>) -> Result<Admission, Refusal> {
    let gateway = exchange.gateway.clone();
    let config = &gateway.config;
    request_id::note(head, &mut exchange.receipt);
    let client = head.client(&config.trusted_proxies);
    if let Some(client) = client {
        exchange.receipt.client = client.to_string();
    }
    let origin = cors::allowed_origin(config.cors.as_ref(), head);
    exchange.allow_origin(origin);
    if cors::is_preflight(head) {
        return Ok(Admission::Preflight);
    }
    if client.is_some_and(|client| !gateway.living.flood.admit(client, config.flood.requests)) {
        return Err(Refusal::Flood {
            retry_after: config.flood.window.max(Duration::from_secs(1)),
        });
    }
    let door = door(head.method, head.path)?;
    exchange.receipt.surface = door.label();
    let principal = authenticate::authenticate(head, &gateway, unix_ms())?;
    exchange.identify(&principal);
    let purse = quota::can_spend(exchange, &principal)?;
    rate_limit::take_request(&gateway, &principal, &mut exchange.answer_headers)?;
    let reader = || Reader::new(&gateway, &principal, purse.as_ref(), exchange.dialect);
    match door {
        Door::Models => reader().list().map(Admission::Answer),
        Door::Model(name) => reader().one(&name).map(Admission::Answer),
        door => {
            let surface = door.surface().ok_or(Refusal::NoSuchPath)?;
            read::check_media_type(head)?;
            Ok(Admission::Body(Admitted {
                surface,
                principal,
                purse,
            }))
        }
    }
}

/// The dialect that the caller reads: Anthropic's SDKs say their version on every path.
#[must_use]
pub fn dialect(head: &Head<'_>) -> Dialect {
    if head.headers.contains_key(ANTHROPIC_VERSION) || head.path.starts_with("/v1/messages") {
        Dialect::AnthropicMessages
    } else if head.path.starts_with("/v1/responses") {
        Dialect::OpenAiResponses
    } else {
        Dialect::OpenAiChat
    }
}

/// Which door a path leads to.
fn door(method: &Method, path: &str) -> Result<Door, Refusal> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (door, wanted) = match path {
        "/v1/chat/completions" => (Door::Chat, "POST"),
        "/v1/messages" => (Door::Messages, "POST"),
        "/v1/messages/count_tokens" => (Door::CountTokens, "POST"),
        "/v1/responses" => (Door::Responses, "POST"),
        "/v1/embeddings" => (Door::Embeddings, "POST"),
        "/v1/completions" => (Door::Completions, "POST"),
        "/v1/models" => (Door::Models, "GET"),
        _ => match path.strip_prefix("/v1/models/") {
            Some(name) if !name.is_empty() => (Door::Model(percent_decoded(name)), "GET"),
            _ => return Err(Refusal::NoSuchPath),
        },
    };
    if method.as_str() == wanted {
        Ok(door)
    } else {
        Err(Refusal::WrongMethod(wanted))
    }
}

/// Undoes the percent-encoding of a path (RFC 3986); what is no valid encoding stays.
fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let hex = tail.get(..2).filter(|_| byte == b'%');
        let hex = hex.and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                out.push(byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_door_has_its_method() {
        assert_eq!(door(&Method::POST, "/v1/chat/completions"), Ok(Door::Chat));
        assert_eq!(door(&Method::POST, "/v1/messages"), Ok(Door::Messages));
        assert_eq!(
            door(&Method::POST, "/v1/messages/count_tokens"),
            Ok(Door::CountTokens)
        );
        assert_eq!(
            door(&Method::POST, "/v1/completions"),
            Ok(Door::Completions)
        );
        assert_eq!(door(&Method::GET, "/v1/models/"), Ok(Door::Models));
        let named = Door::Model("openai/gpt-5".into());
        assert_eq!(door(&Method::GET, "/v1/models/openai%2Fgpt-5"), Ok(named));
        assert_eq!(
            door(&Method::GET, "/v1/embeddings"),
            Err(Refusal::WrongMethod("POST"))
        );
        assert_eq!(door(&Method::POST, "/"), Err(Refusal::NoSuchPath));
        assert_eq!(
            door(&Method::GET, "/v1/models/%zz"),
            Ok(Door::Model("%zz".into()))
        );
    }
}
