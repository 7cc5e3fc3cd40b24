//! One request and its answer: routes, reads the body, finds the scenario and lets it act.

use std::fmt;
use std::sync::{Arc, Weak};

use bytes::BytesMut;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

use super::asked::{self, Asked, Dialect, Endpoint, Malformed, Read, strict};
use super::behaviour::Scene;
use super::head::respond;
use super::journal::{Journal, Outcome, Record, Ticket, request_id};
use super::models::models;
use super::refusal::Refusal;
use super::scenario::{Called, call};
use super::script::{Plan, Player, Script};
use super::voice::Voice;
use super::wire::Socket;

/// The largest request body that is read.
const LARGEST: usize = 256 << 20;
/// How far a body is searched for its model before all of it has arrived.
const PEEK: usize = 64 << 10;
/// The header that all of Anthropic's addresses demand.
const VERSION: &str = "anthropic-version";

/// Who asks: the connection and the mock it belongs to.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) connection: u64,
    pub(super) journal: Arc<Journal>,
    pub(super) socket: Weak<Socket>,
}

/// There will be no answer; hyper closes the connection or resets the stream.
#[derive(Debug)]
pub(super) struct NoAnswer;

impl fmt::Display for NoAnswer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the scenario gives no answer")
    }
}

impl std::error::Error for NoAnswer {}

/// Answers one request.
pub(super) async fn answer(
    caller: Caller,
    request: Request<Incoming>,
) -> Result<Response<Player>, NoAnswer> {
    let (parts, body) = request.into_parts();
    let whole_path = parts.uri.path().to_owned();
    let path = whole_path.strip_prefix("/v1").unwrap_or(&whole_path);
    let endpoint = (parts.method == Method::POST).then(|| Endpoint::at(path));
    let endpoint = endpoint.flatten();
    if path == "/__mock/requests" && [Method::GET, Method::DELETE].contains(&parts.method) {
        return Ok(report(&caller, &parts.method));
    }
    let ticket = caller.journal.enter(Record {
        connection: caller.connection,
        version: parts.version,
        method: parts.method.clone(),
        uri: parts.uri.clone(),
        headers: parts.headers.clone(),
        surface: endpoint.map_or("", Endpoint::surface),
        ..Record::default()
    });
    if let Some(endpoint) = endpoint {
        return play(endpoint, &parts.headers, body, (caller, ticket)).await;
    }
    // Asked without a body, only the version header tells who speaks.
    let dialect = match parts.headers.contains_key(VERSION) {
        true => Dialect::Anthropic,
        false => Dialect::OpenAi,
    };
    let seq = ticket.seq();
    let script = match (parts.method.as_str(), path.strip_prefix("/models")) {
        ("GET", Some("")) => models(dialect, None, seq),
        ("GET", Some(id)) if id.starts_with('/') => models(dialect, id.get(1..), seq),
        (method, _) => {
            let refusal = Refusal::unknown(format!("the mock has no {method} {whole_path}"));
            refusal.told(dialect, &request_id(seq))
        }
    };
    Ok(respond(script, dialect, ticket, &caller))
}

/// What the mock remembers; a DELETE makes it forget.
fn report(caller: &Caller, method: &Method) -> Response<Player> {
    if method == Method::DELETE {
        caller.journal.reset();
    }
    let body = caller.journal.report().to_string();
    let script = Script::whole(200, "application/json", body);
    Response::new(Player::new(
        script,
        Ticket::unrecorded(&caller.journal),
        caller.socket.clone(),
    ))
}

/// Reads the request as far as its scenario wants, and lets that act.
async fn play(
    endpoint: Endpoint,
    headers: &HeaderMap,
    body: Incoming,
    (caller, mut ticket): (Caller, Ticket),
) -> Result<Response<Player>, NoAnswer> {
    let dialect = endpoint.dialect();
    let mut upload = Upload::new(body);
    let chosen = header(headers, "x-mock-scenario");
    let read = upload.read(endpoint, chosen).await?;
    ticket.note(|record| {
        record.body_bytes = upload.received.len() as u64;
        record.body_hash = upload.done.then(|| blake3::hash(&upload.received));
    });
    let versioned = dialect == Dialect::OpenAi || headers.contains_key(VERSION);
    let read = match versioned {
        true => read.map_err(Refusal::malformed),
        false => Err(Refusal::malformed(Malformed::because(
            "anthropic-version: header is required",
        ))),
    };
    let called = read.and_then(|(model, asked)| {
        let called = call(chosen.unwrap_or(&model));
        ticket.note(|record| {
            model.clone_into(&mut record.model);
            record.scenario = called.as_ref().map_or("", |called| called.scenario.name);
        });
        let called = called.map_err(|error| Refusal::unplayable(&error))?;
        if called.params.text("strict") == "1" && upload.done {
            strict::check(endpoint, &upload.received).map_err(Refusal::malformed)?;
        }
        Ok((model, asked, called))
    });
    let plan = match called {
        Err(refusal) => Plan::Answer(refusal.told(dialect, &request_id(ticket.seq()))),
        Ok((model, asked, Called { scenario, params })) => (scenario.act)(&Scene {
            params: &params,
            asked: &asked,
            voice: &Voice::new(ticket.seq(), &model),
            model: &model,
            key: key(headers),
            journal: &caller.journal,
        }),
    };
    match plan {
        Plan::Answer(script) => {
            if !script.before.is_zero() {
                tokio::time::sleep(script.before).await;
            }
            Ok(respond(script, dialect, ticket, &caller))
        }
        Plan::Silence => std::future::pending().await,
        Plan::Close => {
            ticket.ends(Outcome::Closed);
            Err(NoAnswer)
        }
        Plan::Reset => {
            ticket.ends(Outcome::Reset);
            if let Some(socket) = caller.socket.upgrade() {
                socket.condemn();
            }
            std::future::pending().await
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The key, as either dialect sends it.
fn key(headers: &HeaderMap) -> Option<&str> {
    let bearer = header(headers, AUTHORIZATION.as_str());
    let bearer = bearer.and_then(|value| value.strip_prefix("Bearer "));
    bearer.or_else(|| header(headers, "x-api-key"))
}

/// A request body on its way in.
struct Upload {
    body: Incoming,
    received: BytesMut,
    done: bool,
}

impl Upload {
    fn new(body: Incoming) -> Self {
        Self {
            body,
            received: BytesMut::new(),
            done: false,
        }
    }

    /// Reads the whole request, or only the model's name when its scenario acts early.
    async fn read(&mut self, endpoint: Endpoint, chosen: Option<&str>) -> Result<Read, NoAnswer> {
        let early = |name: &str| call(name).is_ok_and(|called| called.acts_early());
        if let Some(name) = chosen.filter(|name| early(name)) {
            return Ok(Ok((name.to_owned(), Asked::unread(endpoint))));
        }
        let mut peeking = chosen.is_none();
        while self.more().await? {
            let seen = if peeking {
                asked::peeked_model(&self.received)
            } else {
                None
            };
            peeking = peeking && seen.is_none() && self.received.len() < PEEK;
            if let Some(model) = seen.filter(|model| early(model)) {
                return Ok(Ok((model, Asked::unread(endpoint))));
            }
            if self.received.len() > LARGEST {
                let message = "the request is too large for the mock";
                return Ok(Err(Malformed::because(message)));
            }
        }
        Ok(asked::read(endpoint, &self.received))
    }

    /// Takes the next part in; false at the end.
    async fn more(&mut self) -> Result<bool, NoAnswer> {
        match self.body.frame().await {
            None => self.done = true,
            Some(Err(_)) => return Err(NoAnswer),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    self.received.extend_from_slice(&data);
                }
            }
        }
        Ok(!self.done)
    }
}
