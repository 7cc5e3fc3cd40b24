//! Why: what no pattern finds in microseconds, a service of the operator's may. It is asked after all other guards, so
//! that it sees no more than the provider would, with a deadline, and with a word about what holds when it is silent.

mod classifier;
mod memory;
mod presidio;
mod webhook;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use alfred_filters::guard::injection::Trust;
use alfred_filters::guard::judging::trust;
use alfred_filters::guard::screen::Blocked;
use alfred_filters::prompt::Prompt;
use alfred_filters::text::{TextChannel, TextRef};
use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::Value;

use self::classifier::Classifier;
use self::presidio::Presidio;
use self::webhook::Webhook;
use super::{Guards, Tools, Watch};
use crate::conf::{Config, Filter, GuardPolicy, OnFault, Secret};
use crate::outbound::{Outbound, OutboundError, Reply, Request, Trust as Chosen};

/// Texts about which a service is asked at the same time.
const AT_ONCE: usize = 8;
/// The longest answer of a service that is read, in bytes.
const MAX_REPLY: usize = 4 * 1024 * 1024;

/// The services that are asked about requests; see the module text.
#[derive(Debug)]
pub struct Callouts {
    outbound: Outbound,
    /// For requests that nothing else screens.
    quiet: Arc<Guards>,
    presidio: Vec<Presidio>,
    classifiers: Vec<Classifier>,
    webhooks: Vec<Webhook>,
}

/// The request that a service is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The request's own id.
    pub request_id: &'a str,
    /// The door it came through.
    pub surface: &'a str,
    /// The model that was asked for.
    pub model: &'a str,
    /// The stable id of whoever asks.
    pub caller: &'a str,
    /// Their organisation.
    pub organisation: Option<i64>,
    /// Their team.
    pub team: Option<i64>,
    /// The user.
    pub user: Option<i64>,
}

/// Why a request may not go on.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// Something was found that may not.
    #[error("something was found")]
    Found(Blocked),
    /// A service says no.
    #[error("the request was stopped by the guard '{name}'{reason}")]
    Refused {
        /// Which.
        name: String,
        /// Its words, if it has any.
        reason: String,
    },
    /// A service that must be heard was not.
    #[error(
        "the request was stopped because the guard '{name}' could not be asked; try again in a moment"
    )]
    Unheard {
        /// Which.
        name: String,
    },
}

/// What went wrong with a service. It never holds what was asked or answered.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}")]
    Call(#[from] OutboundError),
    #[error("it answered with status {0}")]
    Status(u16),
    #[error("its answer is not as it must be: {0}")]
    Answer(&'static str),
}

/// What kind of service was asked, and how it ended; for the metrics.
pub type Outcome = (&'static str, &'static str);

impl Callouts {
    /// The services of a configuration; `None` where it names none.
    #[must_use]
    pub fn build(config: &Config, outbound: Option<&Outbound>, tools: &Tools) -> Option<Self> {
        if !config.filters.iter().any(Filter::asks_a_service) {
            return None;
        }
        let key = tools.memory_key();
        let quiet = GuardPolicy {
            filters: Vec::new(),
            guard: config.guard.clone(),
        };
        let mut callouts = Self {
            outbound: outbound?.clone(),
            quiet: Arc::new(Guards::build(&quiet, tools).ok()?),
            presidio: Vec::new(),
            classifiers: Vec::new(),
            webhooks: Vec::new(),
        };
        for filter in &config.filters {
            match filter {
                Filter::Presidio(it) => callouts.presidio.push(Presidio::new(it, key)),
                Filter::Classifier(it) => callouts.classifiers.push(Classifier::new(it, key)),
                Filter::Webhook(it) => callouts.webhooks.push(Webhook::new(it)),
                _ => {}
            }
        }
        Some(callouts)
    }

    /// Guards that look for nothing, for requests about which only services are asked.
    #[must_use]
    pub fn quiet(&self) -> &Arc<Guards> {
        &self.quiet
    }

    /// Asks all of them about a request; says how many texts they changed. `told` hears of each.
    ///
    /// # Errors
    /// Why it may not go on.
    pub async fn ask(
        &self,
        asker: Asker<'_>,
        (prompt, watch): (&mut Prompt, &mut Watch),
        told: &(dyn Fn(Outcome) + Sync),
    ) -> Result<usize, Stopped> {
        let mut changed = 0;
        for presidio in &self.presidio {
            let done = presidio.mask(&self.outbound, prompt, watch).await;
            changed += settled(("presidio", "presidio", presidio.on_fault), done, told)?
                .unwrap_or_default();
        }
        for classifier in &self.classifiers {
            let done = classifier.judge(&self.outbound, prompt, watch).await;
            settled(
                ("classifier", "classifier", classifier.on_fault),
                done,
                told,
            )?;
        }
        for webhook in &self.webhooks {
            let done = webhook.ask(&self.outbound, asker, (prompt, watch)).await;
            changed += settled(("webhook", &webhook.name, webhook.on_fault), done, told)?
                .unwrap_or_default();
        }
        Ok(changed)
    }
}

/// Turns a fault into what was decided for that case.
fn settled<T>(
    (kind, name, on_fault): (&'static str, &str, OnFault),
    done: Result<Result<T, Stopped>, Fault>,
    told: &(dyn Fn(Outcome) + Sync),
) -> Result<Option<T>, Stopped> {
    match done {
        Ok(Ok(done)) => {
            told((kind, "passed"));
            Ok(Some(done))
        }
        Ok(Err(stopped)) => {
            told((kind, "stopped"));
            Err(stopped)
        }
        Err(fault) => {
            told((kind, "fault"));
            log::warn!(guard = name; "the guard '{name}' could not be asked: {fault}");
            match on_fault {
                OnFault::Open => Ok(None),
                OnFault::Closed => Err(Stopped::Unheard {
                    name: name.to_owned(),
                }),
            }
        }
    }
}

/// A text of a request as a service is told it.
#[derive(Debug)]
struct Piece {
    /// Its place among all texts of the request.
    index: usize,
    path: String,
    role: &'static str,
    channel: TextChannel,
    trust: Option<Trust>,
    text: String,
}

/// The texts that people, models and tools wrote.
fn pieces(prompt: &Prompt) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut index = 0;
    prompt.visit_texts(&mut |text| {
        let place = index;
        index += 1;
        if is_said(text.channel) && !text.text.trim().is_empty() {
            pieces.push(Piece {
                index: place,
                path: text.path.to_string(),
                role: role(&text),
                channel: text.channel,
                trust: trust(&text),
                text: text.text.to_string(),
            });
        }
    });
    pieces
}

/// Whether somebody says it: no name, no address, no grammar of a tool.
fn is_said(channel: TextChannel) -> bool {
    use TextChannel as C;
    !matches!(
        channel,
        C::Name | C::Url | C::Schema | C::Attribute | C::ToolDescription
    )
}

fn role(text: &TextRef<'_>) -> &'static str {
    use alfred_filters::text::Role as R;
    match text.role {
        R::System => "system",
        R::Developer => "developer",
        R::User => "user",
        R::Assistant => "assistant",
        R::Tool => "tool",
        R::Request => "request",
    }
}

/// Asks about each text, a few at a time; the first fault ends it.
async fn each<T: Send>(questions: Vec<BoxFuture<'_, Result<T, Fault>>>) -> Result<Vec<T>, Fault> {
    futures_util::stream::iter(questions)
        .buffered(AT_ONCE)
        .try_collect()
        .await
}

/// A POST of JSON.
fn post(url: &str, body: &Value, timeout: Duration) -> Request {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(header::CONTENT_TYPE, json.clone());
    headers.insert(header::ACCEPT, json);
    Request {
        method: Method::POST,
        headers,
        body: body.to_string().into_bytes(),
        most: MAX_REPLY,
        ..Request::get(url.to_owned(), timeout)
    }
}

fn authorize(request: &mut Request, key: Option<&Secret>) {
    let value = key.and_then(|key| HeaderValue::from_str(&format!("Bearer {}", key.expose())).ok());
    if let Some(mut value) = value {
        value.set_sensitive(true);
        request.headers.insert(header::AUTHORIZATION, value);
    }
}

/// Calls a service and reads its JSON.
async fn call(outbound: &Outbound, request: Request) -> Result<Value, Fault> {
    let Reply { status, body, .. } = outbound.call(request, Chosen::Configured).await?;
    if !(200..300).contains(&status) {
        return Err(Fault::Status(status));
    }
    serde_json::from_slice(&body).map_err(|_| Fault::Answer("it is no JSON"))
}

/// The text of a service, fit to be shown: short, and without control characters.
fn plain(text: &str) -> Cow<'_, str> {
    const LONGEST: usize = 200;
    let is_plain = text.len() <= LONGEST && !text.chars().any(char::is_control);
    if is_plain {
        return text.into();
    }
    let visible = text.chars().filter(|letter| !letter.is_control());
    visible.take(LONGEST).collect::<String>().into()
}
