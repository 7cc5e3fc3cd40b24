//! Why: whoever runs a gateway wants to know whether clients can rely on it. The lab asks one, or
//! a provider, what clients ask, and holds each answer to the published grammars. It judges bytes
//! from outside and knows nothing of the gateway: Alfred is examined like any other.

mod probes;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use alfred_filters::conform::Violation;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::conf::Secret;
use crate::outbound::{Egress, Outbound, OutboundError, Reply, Request, Trust};

use probes::{Expected, Probe};

/// Whose clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// OpenAI's, of chat completions, embeddings and models.
    Chat,
    /// Anthropic's, of Messages.
    Messages,
    /// OpenAI's, of Responses.
    Responses,
}

impl Client {
    /// All of them with their names.
    pub const ALL: [(Self, &'static str); 3] = [
        (Self::Chat, "chat"),
        (Self::Messages, "messages"),
        (Self::Responses, "responses"),
    ];

    /// Its name on the command line and in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        let found = Self::ALL.into_iter().find(|(client, _)| *client == self);
        found.map_or("", |(_, name)| name)
    }
}

/// What is examined.
#[derive(Debug)]
pub struct Subject {
    /// Its address, with or without `/v1`.
    pub url: String,
    /// A model that answers there.
    pub model: String,
    /// A model for embeddings; none are asked for without it.
    pub embeddings: Option<String>,
    /// An API key, if it wants one.
    pub key: Option<Secret>,
    /// How long one answer may take.
    pub timeout: Duration,
}

/// What became of one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Who asked.
    pub client: Client,
    /// What: `streamed, with usage`.
    pub probe: &'static str,
    /// The status of the answer; `None` when none came.
    pub status: Option<u16>,
    /// What is wrong with it.
    pub violations: Vec<Violation>,
}

/// Asks.
#[derive(Debug)]
pub struct Lab {
    subject: Subject,
    base: String,
    outbound: Outbound,
}

impl Lab {
    /// A lab that calls the subject directly.
    ///
    /// # Errors
    /// No HTTP client can be set up, or the address is no `http` or `https` URL.
    pub fn new(subject: Subject) -> Result<Self, OutboundError> {
        let base = subject.url.trim_end_matches('/');
        let base = base.strip_suffix("/v1").unwrap_or(base).to_owned();
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(OutboundError::Forbidden(
                "it does not begin with http:// or https://",
            ));
        }
        Ok(Self {
            outbound: Outbound::new(&Arc::new(Egress::default()))?,
            base,
            subject,
        })
    }

    /// Puts every question of these clients, one after the other.
    pub async fn examine(&self, clients: &[Client]) -> Vec<Finding> {
        let mut findings = Vec::new();
        for probe in probes::all(&self.subject) {
            if clients.contains(&probe.client) {
                findings.push(self.ask(&probe).await);
            }
        }
        findings
    }

    async fn ask(&self, probe: &Probe) -> Finding {
        let url = format!("{}{}", self.base, probe.path);
        let request = Request {
            method: match probe.body {
                Some(_) => Method::POST,
                None => Method::GET,
            },
            headers: self.headers(probe),
            body: probe.body.clone().unwrap_or_default(),
            ..Request::get(url, self.subject.timeout)
        };
        let reply = self.outbound.call(request, Trust::Configured).await;
        let (status, violations) = match reply {
            Ok(reply) => (Some(reply.status), judge(&reply, &probe.expected)),
            Err(error) => (None, vec![broken("http.answer", error.to_string())]),
        };
        Finding {
            client: probe.client,
            probe: probe.name,
            status,
            violations,
        }
    }

    fn headers(&self, probe: &Probe) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if probe.client == Client::Messages {
            let version = HeaderName::from_static("anthropic-version");
            headers.insert(version, HeaderValue::from_static("2023-06-01"));
        }
        let key = match probe.has_key {
            true => self.subject.key.as_ref().map(Secret::expose),
            false => Some("not-a-key"),
        };
        let Some(key) = key else {
            return headers;
        };
        let (name, value) = match probe.client {
            Client::Chat | Client::Responses => (AUTHORIZATION, format!("Bearer {key}")),
            Client::Messages => (HeaderName::from_static("x-api-key"), key.to_owned()),
        };
        if let Ok(mut value) = HeaderValue::from_str(&value) {
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        headers
    }
}

fn broken(rule: &'static str, what: impl Into<String>) -> Violation {
    Violation {
        rule,
        at: "head".to_owned(),
        what: what.into(),
    }
}

/// Holds an answer to what was expected.
fn judge(reply: &Reply, expected: &Expected) -> Vec<Violation> {
    let mut violations = Vec::new();
    if !expected.statuses().contains(&reply.status) {
        let what = format!("expected {}, got {}", expected.words(), reply.status);
        violations.push(broken("http.status", what));
        // A body of another kind would break rules that nobody promised.
        return violations;
    }
    let found = reply
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let found = found.unwrap_or_default();
    if !found.starts_with(expected.content_type()) {
        let what = format!("expected {}, got `{found}`", expected.content_type());
        violations.push(broken("http.content-type", what));
    }
    violations.extend(match expected {
        Expected::Whole(body) | Expected::Error(body, _) => body.check(&reply.body),
        Expected::Stream(grammar) => grammar.check(&reply.body),
    });
    violations
}
