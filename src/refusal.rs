//! The expected noes: one table says for each what the client is told.
//!
//! A refusal is not a fault. Every variant states its status, its OpenAI type and code, whether
//! and when a retry may help, and a message that says what to do. Dialects render it; nothing
//! else in the house makes up an error answer.

use std::time::Duration;

use alfred_filters::dialect::Dialect;
use alfred_filters::error::{ClientError, error_body};
use bytes::Bytes;

/// An expected no, made by Alfred itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is not a request of the surface it was sent to.
    #[error("{message}")]
    BadRequest {
        /// What is wrong, where, and what to do.
        message: String,
        /// The field at fault.
        param: Option<String>,
        /// A machine-readable code.
        code: &'static str,
    },
    /// No key, a wrong one, or several that differ.
    #[error("{0}")]
    Unauthorised(&'static str),
    /// The keys with which the caller's token would be checked have not been fetched yet, or not for too long.
    #[error(
        "the keys of the token's issuer are not at hand at the moment, so the token cannot be checked; try again in a second"
    )]
    TokenKeysAway,
    /// The key may not use the model.
    #[error(
        "this key may not use the model '{0}'; ask GET /v1/models for those it may use, or have the key's allowlist widened"
    )]
    ModelNotAllowed(String),
    /// No alias and no provider of that name.
    #[error("there is no model '{asked}'{}; ask GET /v1/models for the names this key may use", did_you_mean(.nearest.as_deref()))]
    UnknownModel {
        /// The name the client sent.
        asked: String,
        /// The alias that is nearest to it.
        nearest: Option<String>,
    },
    /// No provider behind the model has what the path asks for.
    #[error(
        "no provider of the model '{model}' offers {surface}; ask GET /v1/models for other models"
    )]
    SurfaceUnknown {
        /// The name the client sent.
        model: String,
        /// What was asked for.
        surface: &'static str,
    },
    /// No such path.
    #[error(
        "there is nothing at this path; Alfred serves POST /v1/chat/completions, /v1/messages, /v1/messages/count_tokens, /v1/completions, /v1/embeddings and GET /v1/models"
    )]
    NoSuchPath,
    /// The path exists, but not for this method.
    #[error("this path takes {0}, not the method that was sent")]
    WrongMethod(&'static str),
    /// Too many requests or tokens for the key.
    #[error(
        "the key's limit of {limit} {what} per {window:?} is used up; try again in {retry_after:?}"
    )]
    RateLimited {
        /// `requests` or `tokens`.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// The window it is counted over.
        window: Duration,
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The request alone is larger than the key's whole token limit.
    #[error(
        "this request needs about {needed} tokens, more than the key's limit of {limit} per {window:?}; it can never be let through, so shorten it or have the limit raised"
    )]
    LargerThanLimit {
        /// The estimate.
        needed: u64,
        /// The limit.
        limit: u64,
        /// The window it is counted over.
        window: Duration,
    },
    /// Too many requests from one address.
    #[error("too many requests from this address; slow down")]
    Flood {
        /// When it is worth trying again.
        retry_after: Duration,
    },
    /// The body is longer than `body.max`.
    #[error("the request body is larger than the {max} bytes that are taken here")]
    BodyTooLarge {
        /// The cap in bytes.
        max: u64,
    },
    /// The body did not arrive in time.
    #[error("the request body did not arrive in time; send it faster or smaller")]
    SlowBody,
    /// The body broke off.
    #[error("the request body broke off before its end")]
    BrokenBody,
    /// Not JSON.
    #[error("the content type must be application/json, without a content encoding")]
    MediaType,
    /// The headers are too large.
    #[error("the request headers are larger than the {max} bytes that are taken here")]
    HeadersTooLarge {
        /// The cap in bytes.
        max: usize,
    },
    /// Content-Length beside Transfer-Encoding, or another sign of request smuggling.
    #[error("{0}")]
    Smuggling(&'static str),
    /// The memory for request bodies is in use.
    #[error("too many request bodies are in flight; try again in a second")]
    TooBusy,
    /// The price of the model is unknown and the configuration refuses such models.
    #[error(
        "the price of the model '{0}' is unknown and this gateway refuses models without a price; add it under `prices` in the configuration"
    )]
    UnknownPrice(String),
    /// A guard found what may not go on.
    #[error("{0}")]
    ContentBlocked(String),
    /// A service that must be heard about this request was not.
    #[error("{0}")]
    GuardUnavailable(String),
    /// The caller's wallets do not hold enough for this request.
    #[error(
        "there is not enough credit for this request; have the wallet topped up, or ask for a shorter answer"
    )]
    InsufficientCredit,
    /// A wallet of the caller is frozen.
    #[error("a wallet that pays for this key is frozen; ask its administrator")]
    WalletFrozen,
    /// The limit of what may be spent in a period is reached.
    #[error(
        "the limit of what may be spent in this period is reached; wait for the next one or have it raised"
    )]
    SpendLimit,
    /// There is no wallet, and this gateway wants one.
    #[error("no wallet pays for this key, and this gateway serves nobody without one")]
    NoWallet,
    /// The ledger can hold no money now.
    #[error("the ledger cannot be reached at the moment; try again in a second")]
    LedgerUnavailable,
    /// Every endpoint that could answer is left alone because it failed, or its keys rest.
    #[error(
        "no endpoint that could answer is healthy at the moment; try again in {} s", whole_seconds(*.retry_after)
    )]
    NoHealthyEndpoint {
        /// When the first of them may be asked again.
        retry_after: Duration,
    },
    /// Every endpoint that could answer has said that too much is asked of it.
    #[error(
        "the provider is limiting this gateway's requests at the moment; try again in {} s", whole_seconds(*.retry_after)
    )]
    ProviderThrottled {
        /// When the first of them may be asked again.
        retry_after: Duration,
    },
    /// No provider could be reached, or none answered in time.
    #[error("{message}")]
    ProviderFailed {
        /// 502, 503 or 504.
        status: u16,
        /// What happened, without addresses or credentials.
        message: String,
        /// A machine-readable code.
        code: &'static str,
        /// When it is worth trying again.
        retry_after: Option<Duration>,
    },
    /// A fault of Alfred itself; its cause is in the log under the request id.
    #[error("something failed inside the gateway; the log has the cause under this request's id")]
    Internal,
}

fn whole_seconds(wait: Duration) -> u128 {
    wait.as_millis().div_ceil(1000)
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean '{name}'?"))
}

/// What the wire needs of a refusal, whatever the dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// The HTTP status.
    pub status: u16,
    /// The `type` of an OpenAI error.
    pub openai_type: &'static str,
    /// The `code`, also the label in logs and metrics.
    pub code: &'static str,
    /// When it is worth trying again.
    pub retry_after: Option<Duration>,
    /// `Some(false)` tells SDKs not to retry on their own.
    pub should_retry: Option<bool>,
}

/// Nobody waits longer within one call; official SDKs sleep for as long as they are told to.
const LONG: Duration = Duration::from_secs(60);

const INVALID: &str = "invalid_request_error";
const SERVER: &str = "server_error";
const BILLING: &str = "billing_error";
const RATE: &str = "rate_limit_error";

impl Refusal {
    /// Nobody may be asked for this long, because all fail or, when `throttled`, because too much was
    /// asked of them.
    #[must_use]
    pub fn nobody(wait: Duration, throttled: bool) -> Self {
        let retry_after = wait.max(Duration::from_secs(1));
        match throttled {
            true => Self::ProviderThrottled { retry_after },
            false => Self::NoHealthyEndpoint { retry_after },
        }
    }

    /// The row of the table.
    #[must_use]
    pub fn wire(&self) -> Wire {
        let row = |status, openai_type, code| Wire {
            status,
            openai_type,
            code,
            retry_after: None,
            should_retry: None,
        };
        let wait = |wire: Wire, retry_after: Option<Duration>| Wire {
            retry_after,
            should_retry: wire
                .should_retry
                .or((retry_after > Some(LONG)).then_some(false)),
            ..wire
        };
        let final_no = |wire: Wire| Wire {
            should_retry: Some(false),
            ..wire
        };
        match self {
            Self::BadRequest { code, .. } => row(400, INVALID, code),
            Self::Unauthorised(_) => row(401, INVALID, "invalid_api_key"),
            Self::TokenKeysAway => wait(
                row(503, SERVER, "token_keys_unavailable"),
                Some(Duration::from_secs(1)),
            ),
            Self::ModelNotAllowed(_) => row(403, INVALID, "model_not_allowed"),
            Self::UnknownModel { .. } => row(404, INVALID, "model_not_found"),
            Self::SurfaceUnknown { .. } => row(400, INVALID, "unsupported_model"),
            Self::NoSuchPath => row(404, INVALID, "unknown_path"),
            Self::WrongMethod(_) => row(405, INVALID, "method_not_allowed"),
            Self::RateLimited { retry_after, .. } => {
                wait(row(429, RATE, "rate_limit_exceeded"), Some(*retry_after))
            }
            Self::LargerThanLimit { window, .. } => wait(
                final_no(row(429, RATE, "request_exceeds_limit")),
                Some(*window),
            ),
            Self::Flood { retry_after } => {
                wait(row(429, RATE, "too_many_requests"), Some(*retry_after))
            }
            Self::BodyTooLarge { .. } => row(413, INVALID, "request_too_large"),
            Self::SlowBody => final_no(row(408, INVALID, "request_timeout")),
            Self::BrokenBody => row(400, INVALID, "incomplete_body"),
            Self::MediaType => row(415, INVALID, "unsupported_media_type"),
            Self::HeadersTooLarge { .. } => row(431, INVALID, "headers_too_large"),
            Self::Smuggling(_) => row(400, INVALID, "bad_framing"),
            Self::TooBusy => wait(
                row(503, SERVER, "too_many_bodies_in_flight"),
                Some(Duration::from_secs(1)),
            ),
            Self::UnknownPrice(_) => row(400, INVALID, "unknown_price"),
            Self::ContentBlocked(_) => final_no(row(400, INVALID, "content_blocked")),
            Self::GuardUnavailable(_) => wait(
                row(503, SERVER, "guard_unavailable"),
                Some(Duration::from_secs(1)),
            ),
            Self::InsufficientCredit => final_no(row(402, BILLING, "insufficient_credit")),
            Self::WalletFrozen => final_no(row(402, BILLING, "wallet_frozen")),
            Self::SpendLimit => final_no(row(402, BILLING, "spend_limit_reached")),
            Self::NoWallet => final_no(row(402, BILLING, "no_wallet")),
            Self::LedgerUnavailable => wait(
                row(503, SERVER, "ledger_unavailable"),
                Some(Duration::from_secs(1)),
            ),
            Self::ProviderThrottled { retry_after } => {
                wait(row(429, RATE, "rate_limit_exceeded"), Some(*retry_after))
            }
            Self::NoHealthyEndpoint { retry_after } => {
                wait(row(503, SERVER, "no_healthy_endpoint"), Some(*retry_after))
            }
            Self::ProviderFailed {
                status,
                code,
                retry_after,
                ..
            } => wait(final_no(row(*status, SERVER, code)), *retry_after),
            Self::Internal => final_no(row(500, SERVER, "internal_error")),
        }
    }

    /// The field at fault, where there is one.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::BadRequest { param, .. } => param.as_deref(),
            Self::UnknownModel { .. }
            | Self::ModelNotAllowed(_)
            | Self::UnknownPrice(_)
            | Self::SurfaceUnknown { .. } => Some("model"),
            _ => None,
        }
    }

    /// The refusal as the last event of a stream in the caller's dialect.
    #[must_use]
    pub fn event(&self, dialect: Dialect) -> Bytes {
        let body = self.body(dialect, "");
        let name: &[u8] = match dialect {
            Dialect::AnthropicMessages => b"event: error\n",
            _ => b"",
        };
        Bytes::from([name, b"data: ", &body, b"\n\n"].concat())
    }

    /// The refusal as an error body in the caller's dialect; Anthropic's names the request.
    #[must_use]
    pub fn body(&self, dialect: Dialect, request_id: &str) -> Bytes {
        let wire = self.wire();
        let message = self.to_string();
        let error = ClientError {
            status: wire.status,
            message: &message,
            kind: wire.openai_type,
            param: self.param(),
            code: Some(wire.code),
        };
        error_body(dialect, &error, Some(request_id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_model_names_the_nearest_alias() {
        let refusal = Refusal::UnknownModel {
            asked: "fats".into(),
            nearest: Some("fast".into()),
        };
        assert!(refusal.to_string().contains("did you mean 'fast'?"));
        assert_eq!(refusal.wire().status, 404);
        assert_eq!(refusal.param(), Some("model"));
    }

    #[test]
    fn every_429_and_503_that_may_pass_says_when() {
        let second = Duration::from_secs(1);
        let limited = Refusal::RateLimited {
            what: "requests",
            limit: 1,
            window: second,
            retry_after: second,
        };
        for refusal in [
            limited,
            Refusal::TooBusy,
            Refusal::TokenKeysAway,
            Refusal::NoHealthyEndpoint {
                retry_after: second,
            },
            Refusal::Flood {
                retry_after: second,
            },
        ] {
            assert!(refusal.wire().retry_after.is_some(), "{refusal:?}");
            assert_eq!(refusal.wire().should_retry, None, "{refusal:?}");
        }
        // A client must not sleep through ten minutes within one call.
        let dead = Refusal::nobody(Duration::from_secs(600), false);
        assert_eq!(dead.wire().should_retry, Some(false));
    }
}
