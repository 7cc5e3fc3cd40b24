//! Decides what a failure means: its kind, what it says about the credential,
//! and whether somebody else may succeed. The table is section 1.6 of the design
//! page `providers.md`.

use super::shape::{Form, Shape};
use super::{ErrorKind, KeyState};

pub(super) struct Verdict {
    pub(super) kind: ErrorKind,
    pub(super) key: KeyState,
    pub(super) retryable: bool,
}

/// `type`s and `code`s with the status they stand for; compared without case.
const STATUSES: &[(&str, u16)] = &[
    ("overloaded_error", 529),
    ("overloaded", 529),
    ("engine_overloaded", 529),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("ratelimitreached", 429),
    ("too_many_requests", 429),
    ("throttlingexception", 429),
    ("resource_exhausted", 429),
    ("insufficient_quota", 429),
    ("billing_error", 402),
    ("authentication_error", 401),
    ("invalid_api_key", 401),
    ("unauthenticated", 401),
    ("permission_error", 403),
    ("permission_denied", 403),
    ("not_found_error", 404),
    ("model_not_found", 404),
    ("not_found", 404),
    ("request_too_large", 413),
    ("invalid_request_error", 400),
    ("invalid_argument", 400),
    ("badrequesterror", 400),
    ("validationexception", 400),
    ("content_filter", 400),
    ("timeout_error", 504),
    ("deadline_exceeded", 504),
    ("accessdeniedexception", 403),
    ("unrecognizedclientexception", 403),
    ("expiredtokenexception", 403),
    ("resourcenotfoundexception", 404),
    ("servicequotaexceededexception", 400),
    ("modelerrorexception", 424),
    ("modelnotreadyexception", 429),
    ("internalserverexception", 500),
    ("modeltimeoutexception", 408),
    ("modelstreamerrorexception", 424),
    ("serviceunavailableexception", 503),
    ("service_unavailable", 503),
    ("unavailable", 503),
];

const NO_QUOTA: [&str; 8] = [
    "insufficient_quota",
    "billing_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "enforced_spend_limit_reached",
    "insufficient_balance",
    "insufficient_credits",
    "servicequotaexceededexception",
];

const FILTERED: [&str; 5] = [
    "content_filter",
    "content_policy_violation",
    "responsibleaipolicyviolation",
    "moderation_blocked",
    "content_filter_error",
];

const TOO_LONG: [&str; 3] = [
    "context_length_exceeded",
    "too_many_tokens",
    "model_context_window_exceeded",
];

/// How providers without a code say that the prompt does not fit.
const TOO_LONG_WORDS: [&str; 5] = [
    "prompt is too long",
    "maximum context length",
    "too many tokens",
    "input is too long for requested model",
    "the input token count",
];

/// The status of an error that came inside a 200.
pub(super) fn status(shape: &Shape) -> u16 {
    let named = || {
        let words = [shape.code.as_deref(), shape.kind.as_deref()];
        let known = |word: &str| {
            STATUSES
                .iter()
                .find(|(name, _)| name.eq_ignore_ascii_case(word))
        };
        words
            .into_iter()
            .flatten()
            .find_map(known)
            .map(|(_, status)| *status)
    };
    shape.status.or_else(named).unwrap_or(500)
}

/// What the failure with this status and shape means.
pub(super) fn verdict(status: u16, shape: &Shape) -> Verdict {
    let kind = kind(status, shape);
    let key = match kind {
        ErrorKind::Authentication | ErrorKind::Permission => KeyState::Dead,
        ErrorKind::Quota => KeyState::Exhausted,
        ErrorKind::RateLimit => KeyState::Throttled,
        _ => KeyState::Fine,
    };
    let retryable = !matches!(
        kind,
        ErrorKind::InvalidRequest
            | ErrorKind::ContextLength
            | ErrorKind::ContentFilter
            | ErrorKind::NotFound
            | ErrorKind::TooLarge
    );
    Verdict {
        kind,
        key,
        retryable,
    }
}

fn kind(status: u16, shape: &Shape) -> ErrorKind {
    let words = || {
        [&shape.code, &shape.kind]
            .into_iter()
            .flatten()
            .chain(&shape.causes)
    };
    let is = |names: &[&str]| {
        words().any(|word| names.iter().any(|name| name.eq_ignore_ascii_case(word)))
    };
    let message = shape.message.as_deref().unwrap_or_default();
    // Before a status is believed: statuses that other things than the API send.
    let page = shape.form == Form::Html && matches!(status, 401 | 403 | 404 | 405);
    let no_api = shape.form != Form::Json && status == 404;
    if page || no_api {
        return ErrorKind::Server;
    }
    let day_is_over = status == 429 && words().any(|word| word.contains("PerDay"));
    // Anthropic's 400 for an empty account has no code of its own.
    let broke = message.starts_with("Your credit balance is too low");
    if status == 402 || is(&NO_QUOTA) || day_is_over || broke {
        return ErrorKind::Quota;
    }
    // Bedrock's 429 for a model that is still loading: the key is not to blame.
    if is(&["modelnotreadyexception"]) {
        return ErrorKind::Overloaded;
    }
    if (400..500).contains(&status) {
        if is(&FILTERED) || shape.flagged {
            return ErrorKind::ContentFilter;
        }
        if is(&["model_not_found", "DeploymentNotFound"]) {
            return ErrorKind::NotFound;
        }
        if is(&[
            "invalid_api_key",
            "API_KEY_INVALID",
            "authentication_error",
            "UNAUTHENTICATED",
            // AWS's words for a key that is none, or no longer one. Not those for a wrong
            // signature: a name of a model that is signed wrongly must not rest the key.
            "unrecognizedclientexception",
            "expiredtokenexception",
        ]) {
            return ErrorKind::Authentication;
        }
        if matches!(status, 400 | 413 | 422) && (is(&TOO_LONG) || is_too_long(message)) {
            return ErrorKind::ContextLength;
        }
    }
    by_status(status)
}

fn is_too_long(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    TOO_LONG_WORDS.iter().any(|words| message.contains(words))
}

fn by_status(status: u16) -> ErrorKind {
    match status {
        401 => ErrorKind::Authentication,
        402 => ErrorKind::Quota,
        403 => ErrorKind::Permission,
        404 | 410 => ErrorKind::NotFound,
        408 | 504 | 522 | 524 => ErrorKind::Timeout,
        413 => ErrorKind::TooLarge,
        429 => ErrorKind::RateLimit,
        425 | 498 | 503 | 529 => ErrorKind::Overloaded,
        // A wrong method, media type or length is the gateway's doing; 424 is a
        // model that failed, 409 and 499 are races inside the provider.
        405 | 406 | 409 | 411 | 415 | 424 | 499 => ErrorKind::Server,
        400..=499 => ErrorKind::InvalidRequest,
        _ => ErrorKind::Server,
    }
}
