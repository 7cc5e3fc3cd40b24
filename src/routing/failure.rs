//! How an attempt failed, and what that means: for the next attempt, and for the client when
//! there is none.

use std::time::Duration;

use alfred_filters::dialect::Dialect;
use alfred_filters::error::{ErrorKind, KeyState, ProviderError};
use alfred_filters::event::Usage;
use alfred_filters::prompt::ReadError;
use bytes::Bytes;

use super::attempts::Verdict;
use crate::pool::{News, Outcome, Report};
use crate::refusal::Refusal;

/// How an attempt failed.
#[derive(Clone, Debug)]
pub enum Failure {
    /// The endpoint's host name has no address.
    Unresolved,
    /// Whoever gives Alfred its access tokens gave none.
    NoAccessToken,
    /// Nobody listens, the network failed, or TLS did.
    Connect,
    /// Connecting took too long.
    ConnectTimeout,
    /// No first byte in time.
    FirstByteTimeout,
    /// Too long a silence within the answer.
    IdleTimeout,
    /// The whole request took too long.
    TotalTimeout,
    /// The provider closed or reset the connection before an answer was complete.
    Died,
    /// The provider answered with an error, as a status or inside a 200.
    Answered(Box<ProviderError>),
    /// No endpoint of any target may be asked, for this long.
    NoEndpoint(Duration),
    /// The same, only because too much was asked of them.
    Throttled(Duration),
    /// The request asks for what the provider's dialect cannot say.
    Untranslatable(Box<ReadError>),
    /// The caller's money was used up while the answer streamed.
    OutOfCredit,
    /// A guard found in the answer what may not go on; in words, without the value.
    Blocked(String),
}

impl Failure {
    /// The label in receipts and metrics.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::NoAccessToken => "no_access_token",
            Self::Connect => "connect_failed",
            Self::ConnectTimeout => "connect_timeout",
            Self::FirstByteTimeout => "first_byte_timeout",
            Self::IdleTimeout => "between_chunks_timeout",
            Self::TotalTimeout => "total_timeout",
            Self::Died => "connection_lost",
            Self::NoEndpoint(_) => "no_healthy_endpoint",
            Self::Throttled(_) => "throttled",
            Self::Untranslatable(_) => "untranslatable",
            Self::OutOfCredit => "insufficient_credit",
            Self::Blocked(_) => "content_blocked",
            Self::Answered(error) => match error.kind {
                ErrorKind::InvalidRequest => "invalid_request",
                ErrorKind::ContextLength => "context_length",
                ErrorKind::ContentFilter => "content_filter",
                ErrorKind::Authentication => "authentication",
                ErrorKind::Permission => "permission",
                ErrorKind::NotFound => "not_found",
                ErrorKind::TooLarge => "too_large",
                ErrorKind::RateLimit => "rate_limited",
                ErrorKind::Quota => "quota",
                ErrorKind::Overloaded => "overloaded",
                ErrorKind::Timeout => "provider_timeout",
                ErrorKind::Server => "server_error",
                ErrorKind::Malformed => "malformed_answer",
            },
        }
    }

    /// The failure as the last event of a stream in the client's dialect, with what was used so far.
    #[must_use]
    pub fn event(&self, dialect: Dialect, usage: Option<Usage>) -> Bytes {
        if let Self::Answered(error) = self {
            return error.event(dialect, usage);
        }
        let refusal = self.refusal();
        if let Self::OutOfCredit | Self::Blocked(_) = self {
            return refusal.event(dialect);
        }
        let wire = refusal.wire();
        let kind = match wire.status {
            504 => ErrorKind::Timeout,
            _ => ErrorKind::Server,
        };
        ProviderError {
            status: wire.status,
            should_retry: None,
            kind,
            message: refusal.to_string(),
            raw_type: None,
            code: Some(wire.code.to_owned()),
            param: None,
            retryable: true,
            retry_after: None,
            key: KeyState::Fine,
        }
        .event(dialect, usage)
    }

    /// The status the provider sent, if it got that far.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Answered(error) => Some(error.status),
            _ => None,
        }
    }

    /// What it means for the next attempt.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Answered(error) => Verdict {
                retryable: error.retryable
                    || error.key != KeyState::Fine
                    || error.should_retry == Some(true),
                same_target: error.should_retry.unwrap_or(error.retryable)
                    && !matches!(error.key, KeyState::Dead | KeyState::Exhausted),
                retry_after: error.retry_after,
                sideways: false,
            },
            // The next target may speak another dialect, or know Alfred by a key.
            Self::Untranslatable(_) | Self::NoAccessToken => Verdict {
                retryable: true,
                same_target: false,
                retry_after: None,
                sideways: false,
            },
            Self::TotalTimeout
            | Self::NoEndpoint(_)
            | Self::Throttled(_)
            | Self::OutOfCredit
            | Self::Blocked(_) => Verdict {
                retryable: false,
                same_target: false,
                retry_after: None,
                sideways: false,
            },
            _ => Verdict {
                retryable: true,
                same_target: true,
                retry_after: None,
                sideways: false,
            },
        }
    }

    /// What it tells about the endpoint and the key. `spent` tells that the attempt brought
    /// nothing although it had most of the request's time.
    #[must_use]
    pub fn report(&self, spent: bool) -> Report {
        let (outcome, key) = match self {
            Self::Unresolved | Self::Connect | Self::ConnectTimeout => {
                (Some(Outcome::Silent), News::None)
            }
            Self::FirstByteTimeout | Self::IdleTimeout => (Some(Outcome::Silent), News::None),
            // Earlier attempts, or a long answer, may have used the time up.
            Self::TotalTimeout => (spent.then_some(Outcome::Silent), News::None),
            Self::Died => (Some(Outcome::Failed), News::None),
            Self::NoEndpoint(_)
            | Self::Throttled(_)
            | Self::Untranslatable(_)
            | Self::NoAccessToken
            | Self::OutOfCredit
            // The provider has answered well.
            | Self::Blocked(_) => (None, News::None),
            Self::Answered(error) => return Report::of(error),
        };
        Report { outcome, key }
    }

    /// What the client is told when this was the last attempt and the provider said nothing
    /// itself.
    #[must_use]
    pub fn refusal(&self) -> Refusal {
        let failed = |status, code, message: &str, retry_after| Refusal::ProviderFailed {
            status,
            message: message.to_owned(),
            code,
            retry_after,
        };
        let soon = Some(Duration::from_secs(1));
        match self {
            Self::Unresolved | Self::Connect => failed(
                502,
                "provider_unreachable",
                "the provider could not be reached; it may be down, try again later",
                soon,
            ),
            Self::NoAccessToken => failed(
                502,
                "provider_access_token",
                "the gateway has no access token for the provider at the moment; try again in a few seconds",
                soon,
            ),
            Self::ConnectTimeout => failed(
                504,
                "provider_timeout",
                "connecting to the provider took too long; try again later",
                soon,
            ),
            Self::FirstByteTimeout | Self::IdleTimeout | Self::TotalTimeout => failed(
                504,
                "provider_timeout",
                "the provider did not answer in time; try again, or ask for less",
                soon,
            ),
            Self::NoEndpoint(wait) => Refusal::nobody(*wait, false),
            Self::Throttled(wait) => Refusal::nobody(*wait, true),
            Self::Died => failed(
                502,
                "provider_connection_lost",
                "the provider closed the connection before its answer was complete; try again",
                soon,
            ),
            Self::Untranslatable(error) => Refusal::BadRequest {
                message: error.message.clone(),
                param: error.param.clone(),
                code: error.code,
            },
            Self::OutOfCredit => Refusal::InsufficientCredit,
            Self::Blocked(what) => Refusal::ContentBlocked(what.clone()),
            Self::Answered(error) => failed(
                error.client_status(Dialect::OpenAiChat),
                "provider_error",
                error.client_message(),
                error.retry_after,
            ),
        }
    }
}
