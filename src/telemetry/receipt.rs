//! What happened to one request, once: the wide event that feeds log, metrics and headers.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use alfred_filters::event::{ServiceTier, Usage};
use alfred_filters::guard::report::Report;
use serde::Serialize;

/// Version of the receipt's shape. Fields may be added under one version, never changed.
pub const SCHEMA: u32 = 1;

/// Holds most lines without growing, in bytes.
const USUAL_LINE: usize = 1536;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Default)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not yet decided; on a finished receipt, that the request's task died.
    #[default]
    Unknown,
    /// A whole answer was delivered.
    Ok,
    /// Alfred said no.
    Refused,
    /// The provider's own error was delivered.
    ProviderError,
    /// No provider answered, or none in time.
    ProviderFailed,
    /// The answer broke off after content.
    Truncated,
    /// The client left before the end.
    ClientGone,
    /// A fault of Alfred itself.
    Fault,
}

impl Outcome {
    /// The label in metrics.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Refused => "refused",
            Self::ProviderError => "provider_error",
            Self::ProviderFailed => "provider_failed",
            Self::Truncated => "truncated",
            Self::ClientGone => "client_gone",
            Self::Fault => "fault",
        }
    }
}

/// One attempt at a provider.
#[derive(Clone, Debug, Serialize)]
pub struct AttemptRecord {
    /// The provider's name in the configuration.
    pub provider: Arc<str>,
    /// The model that was asked.
    pub model: Arc<str>,
    /// The endpoint and key number.
    pub lane: Arc<str>,
    /// When it began, microseconds after the request arrived.
    pub started_us: u64,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// From its beginning to the provider's header, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header_us: Option<u64>,
    /// The provider's status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How it failed; absent when it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<&'static str>,
    /// The connection was taken from the pool.
    pub reused: bool,
}

/// What a stream looked like, as metered.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct StreamRecord {
    /// Events the provider sent.
    pub provider_events: u64,
    /// Events the client was sent.
    pub emitted_events: u64,
    /// Tokens by Alfred's own count.
    pub counted_tokens: u64,
    /// Bytes of generated text.
    pub text_bytes: u64,
    /// From the request's arrival to the first content, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token_us: Option<u64>,
    /// The longest silence between two pieces of the provider's answer, in microseconds.
    pub longest_gap_us: u64,
}

/// Token counts as they are billed.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct UsageRecord {
    /// Prompt tokens, cached ones included.
    pub input: u64,
    /// Answer tokens, reasoning included.
    pub output: u64,
    /// Part of the input.
    pub cached: u64,
    /// Part of the input.
    pub cache_write: u64,
    /// Part of the output.
    pub reasoning: u64,
    /// Counted by Alfred, because the provider did not say.
    pub estimated: bool,
    /// The service that the provider says it gave.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_tier: Option<&'static str>,
    /// Prompt tokens on the provider's bill, where it says that not all are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed_input: Option<u64>,
    /// Answer tokens on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billed_output: Option<u64>,
}

impl From<Usage> for UsageRecord {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cached: usage.cached,
            cache_write: usage.cache_write,
            reasoning: usage.reasoning,
            estimated: usage.estimated,
            service_tier: usage.tier.map(ServiceTier::as_str),
            billed_input: usage.billed.map(|billed| billed.input),
            billed_output: usage.billed.map(|billed| billed.output),
        }
    }
}

/// Who asked.
#[derive(Clone, Debug, Serialize)]
pub struct Caller {
    /// Stable id of the key.
    pub key: Arc<str>,
    /// Its name.
    pub key_name: Arc<str>,
    /// The user it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<i64>,
    /// The user's team.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<i64>,
    /// The organisation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<i64>,
    /// The row of the key; its id is told already.
    #[serde(skip)]
    pub key_id: Option<i64>,
}

/// See the module text. Durations are microseconds, money is nano-credits.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Receipt {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When the request arrived, RFC 3339.
    pub at: String,
    /// The internal id, a UUIDv7.
    pub request_id: Arc<str>,
    /// The id the client sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_id: Option<String>,
    /// The trace the request belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// `chat`, `messages`, `completions`, `embeddings`, `count_tokens`, `models` or `other`.
    pub surface: &'static str,
    /// The method.
    pub method: Cow<'static, str>,
    /// HTTP version: 1 or 2.
    pub http: u8,
    /// The client's address.
    pub client: String,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller: Option<Caller>,
    /// The model that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// Bytes of the request body.
    pub request_bytes: u64,
    /// Bytes of the answer's body as delivered.
    pub response_bytes: u64,
    /// The status the client saw; 0 when it saw none.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// The code of the refusal or failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Every attempt, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attempts: Vec<AttemptRecord>,
    /// Why the answer ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<&'static str>,
    /// The tokens as billed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<UsageRecord>,
    /// What it cost, in nano-credits; absent when nobody knows the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_nano: Option<i64>,
    /// What was held for it when it was settled, in nano-credits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_nano: Option<i64>,
    /// What is left of the caller's wallets, in nano-credits, as of the last lease.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub balance_nano: Option<i64>,
    /// The transaction it became.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transaction_id: Option<String>,
    /// True when tokens were used whose price nobody knows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub price_unknown: bool,
    /// What guards found in the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guarded_request: Option<Box<Report>>,
    /// What they found in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guarded_answer: Option<Box<Report>>,
    /// What a stream looked like.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streamed: Option<StreamRecord>,
    /// The whole time.
    pub duration_us: u64,
    /// The part of it that Alfred itself needed before the first attempt.
    pub overhead_us: u64,
}

impl Receipt {
    /// The attempt that is running or that ended last.
    #[must_use]
    pub fn last_attempt(&self) -> Option<&AttemptRecord> {
        self.attempts.last()
    }

    /// The same, to be completed.
    pub fn last_attempt_mut(&mut self) -> Option<&mut AttemptRecord> {
        self.attempts.last_mut()
    }

    /// The receipt as one line of JSON.
    #[must_use]
    pub fn to_line(&self) -> String {
        let mut line = Vec::with_capacity(USUAL_LINE);
        // Every field is plain data; serialising cannot fail, and what it writes is UTF-8.
        let _ = serde_json::to_writer(&mut line, self);
        String::from_utf8(line).unwrap_or_default()
    }
}

impl fmt::Display for Receipt {
    /// One line for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = Duration::from_micros(self.duration_us).as_secs_f64();
        write!(
            f,
            "{} {} {}",
            self.status,
            self.surface,
            self.outcome.label()
        )?;
        if let Some(model) = &self.model {
            write!(f, " {model}")?;
        }
        if let Some(last) = self.last_attempt() {
            write!(f, " -> {}/{}", last.provider, last.model)?;
        }
        if self.attempts.len() > 1 {
            write!(f, " ({} attempts)", self.attempts.len())?;
        }
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        write!(f, " {seconds:.3} s")?;
        if let Some(usage) = &self.usage {
            let guess = if usage.estimated { "~" } else { "" };
            write!(f, " {guess}{}+{} tokens", usage.input, usage.output)?;
        }
        write!(f, " {}", self.request_id)
    }
}

/// Whole microseconds, saturating.
#[must_use]
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_is_one_line_without_empty_fields() {
        let receipt = Receipt {
            schema: SCHEMA,
            request_id: "id".into(),
            ..Receipt::default()
        };
        let line = receipt.to_line();
        assert!(!line.contains('\n') && !line.contains("caller"), "{line}");
        assert!(line.starts_with("{\"schema\":1,"), "{line}");
    }
}
