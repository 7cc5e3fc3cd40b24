//! One request and its answer: routes, reads the body, finds the scenario and lets it act.

use std::fmt;
use std::sync::{Arc, Weak};

use bytes::BytesMut;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::json;

use super::asked::{self, Asked, Endpoint, Malformed};
use super::behaviour::Scene;
use super::journal::{Journal, Outcome, Record, Ticket, now_ms, request_id};
use super::scenario::{Unplayable, call, scenarios};
use super::script::{Plan, Player, Script};
use super::voice::Voice;
use super::wire::Socket;

/// The largest request body that is read.
const LARGEST: usize = 256 << 20;
/// How far a body is searched for its model before all of it has arrived.
const PEEK: usize = 64 << 10;

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
    let ticket = |headers| {
        caller.journal.enter(Record {
            connection: caller.connection,
            version: parts.version,
            method: parts.method.clone(),
            uri: parts.uri.clone(),
            headers,
            ..Record::default()
        })
    };
    let script = match (parts.method.as_str(), path) {
        ("POST", "/chat/completions") => {
            let entry = ticket(parts.headers.clone());
            return play(Endpoint::Chat, &parts.headers, body, (caller, entry)).await;
        }
        ("POST", "/embeddings") => {
            let entry = ticket(parts.headers.clone());
            return play(Endpoint::Embeddings, &parts.headers, body, (caller, entry)).await;
        }
        ("GET" | "DELETE", "/__mock/requests") => return Ok(report(&caller, &parts.method)),
        ("GET", "/models") => models(),
        (method, _) => refusal(404, None, &format!("the mock has no {method} {whole_path}")),
    };
    Ok(respond(script, ticket(parts.headers.clone()), &caller))
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
    let mut upload = Upload::new(body);
    let chosen = header(headers, "x-mock-scenario");
    let read = upload.read(endpoint, chosen).await?;
    ticket.note(|record| {
        record.body_bytes = upload.received.len() as u64;
        record.body_hash = upload.done.then(|| blake3::hash(&upload.received));
    });
    let plan = match read {
        Err(error) => Plan::Answer(refusal(400, error.field, &error.message)),
        Ok((model, asked)) => {
            let called = call(chosen.unwrap_or(&model));
            ticket.note(|record| {
                model.clone_into(&mut record.model);
                record.scenario = called.as_ref().map_or("", |called| called.scenario.name);
            });
            let bearer = header(headers, AUTHORIZATION.as_str());
            called.map_or_else(
                |error| Plan::Answer(unplayable(&error)),
                |called| {
                    (called.scenario.act)(&Scene {
                        params: &called.params,
                        asked: &asked,
                        voice: &Voice::new(ticket.seq(), &model),
                        model: &model,
                        bearer: bearer.and_then(|value| value.strip_prefix("Bearer ")),
                        journal: &caller.journal,
                    })
                },
            )
        }
    };
    match plan {
        Plan::Answer(script) => {
            if !script.before.is_zero() {
                tokio::time::sleep(script.before).await;
            }
            Ok(respond(script, ticket, &caller))
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
                return Ok(Err(Malformed {
                    field: None,
                    message: "the request is too large for the mock".to_owned(),
                }));
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

/// The model's name and the rest, or why the request is not understood.
type Read = Result<(String, Asked), Malformed>;

fn respond(script: Script, ticket: Ticket, caller: &Caller) -> Response<Player> {
    let status = StatusCode::from_u16(script.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut headers = HeaderMap::with_capacity(24);
    // What a real provider sends about the account: a gateway must not pass it on.
    for (name, value) in ACCOUNT {
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
    insert("x-request-id", &request_id(ticket.seq()));
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

const ACCOUNT: [(&str, &str); 11] = [
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

fn refusal(status: u16, field: Option<&str>, message: &str) -> Script {
    let code = if status == 404 {
        Some("model_not_found")
    } else {
        None
    };
    let error =
        json!({"message": message, "type": "invalid_request_error", "param": field, "code": code});
    Script::whole(
        status,
        "application/json",
        json!({"error": error}).to_string(),
    )
}

fn unplayable(error: &Unplayable) -> Script {
    match error {
        Unplayable::Unknown { name, nearest } => {
            let near = nearest.join("`, `");
            let message = format!("the mock has no scenario `{name}`; the nearest are `{near}`");
            refusal(404, Some("model"), &message)
        }
        Unplayable::BadParam { name, why } => refusal(
            400,
            Some("model"),
            &format!("`{name}` in the model's name is not accepted: {why}"),
        ),
    }
}

fn models() -> Script {
    let created = now_ms() / 1000;
    let data: Vec<_> = scenarios()
        .iter()
        .map(|scenario| json!({"id": scenario.name, "object": "model", "created": created, "owned_by": "mock"}))
        .collect();
    Script::whole(
        200,
        "application/json",
        json!({"object": "list", "data": data}).to_string(),
    )
}
