//! The Response object, as the first and the last events of a stream and the body
//! of an unstreamed answer hold it.

use crate::dialect::openai_chat::usage::{Unknown, push_member, push_raw};
use crate::dialect::openai_chat::wire::members;
use crate::event::{FinishReason, Usage};
use crate::json::push_quoted;
use crate::sse::DEFAULT_CAP;

use super::echo::Echo;
use super::items::{Item, list};

/// Longest further members of one answer, in bytes; what is beyond is dropped.
const MAX_BYTES: usize = 1 << 20;
/// Members whose names mean something else here.
const TAKEN: [&str; 21] = [
    "id",
    "object",
    "created_at",
    "status",
    "background",
    "error",
    "incomplete_details",
    "model",
    "output",
    "store",
    "truncation",
    "usage",
    "type",
    "alfred",
    "completed_at",
    "conversation",
    "moderation",
    "output_text",
    "prompt",
    "prompt_cache_options",
    "prompt_cache_retention",
];

/// What may be said of a failure in a Response; `error` events may say anything.
const FAILURES: [&str; 3] = [
    r#""server_error""#,
    r#""rate_limit_exceeded""#,
    r#""invalid_prompt""#,
];

/// The classes of service that this dialect has words for.
const TIERS: [&str; 5] = ["auto", "default", "flex", "scale", "priority"];

/// What is known of the answer as a whole.
#[derive(Debug, Default)]
pub(super) struct Whole {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) model: String,
    pub(super) echo: Echo,
    pub(super) reason: Option<FinishReason>,
    /// The provider's word for it.
    pub(super) raw: String,
    tier: String,
    members: Vec<(String, String)>,
    bytes: usize,
    /// Lists of what only the provider knows, by their names.
    lists: Vec<(&'static str, Vec<u8>)>,
    listed: usize,
}

/// How far the answer has come.
pub(super) enum State<'a> {
    InProgress,
    Ended(Usage, &'a Unknown),
    /// With an error object, as JSON text.
    Failed(&'a str, Usage),
}

impl Whole {
    /// Takes an unknown member in, or the class of service.
    pub(super) fn member(&mut self, key: &str, value: &str) {
        if key == "service_tier" {
            let word = value.trim_matches('"');
            if TIERS.contains(&word) {
                value.clone_into(&mut self.tier);
            } else if word != "standard" {
                self.member("native_service_tier", value);
            }
            return;
        }
        self.bytes += value.len() + key.len() + 64;
        if self.bytes > MAX_BYTES {
            return;
        }
        let is_taken =
            TAKEN.contains(&key) || self.echo.members().contains(&format!(",\"{key}\":"));
        let key = if is_taken {
            format!("native_{key}")
        } else {
            key.to_owned()
        };
        match self.members.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => value.clone_into(known),
            None => self.members.push((key, value.to_owned())),
        }
    }

    /// Adds an element to a list of what only the provider knows.
    pub(super) fn element(&mut self, key: &'static str, value: &str) {
        self.listed += value.len();
        if self.listed > DEFAULT_CAP {
            return;
        }
        match self.lists.iter_mut().find(|(known, _)| *known == key) {
            Some((_, list)) => {
                list.push(b',');
                push_raw(list, value);
            }
            None => {
                let mut list = Vec::new();
                push_raw(&mut list, value);
                self.lists.push((key, list));
            }
        }
    }

    /// Why the answer is not all that was to be said, if it is not.
    pub(super) fn incomplete(&self) -> Option<&'static str> {
        match self.reason {
            Some(FinishReason::Length) => Some("max_output_tokens"),
            Some(FinishReason::ContentFilter) => Some("content_filter"),
            _ => None,
        }
    }

    /// The word for that state.
    pub(super) fn status(&self, state: &State<'_>) -> &'static str {
        match state {
            State::InProgress => "in_progress",
            State::Failed(..) => "failed",
            State::Ended(..) if self.incomplete().is_some() => "incomplete",
            State::Ended(..) => "completed",
        }
    }

    /// Appends the object.
    pub(super) fn write(&self, items: &[Item], state: &State<'_>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"id\":");
        push_quoted(out, &self.id);
        let (created, status) = (self.created, self.status(state));
        push_raw(
            out,
            &format!(
                r#","object":"response","created_at":{created},"status":"{status}","background":false,"error":"#
            ),
        );
        match state {
            State::Failed(error, _) => push_failure(error, out),
            _ => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"incomplete_details\":");
        match (state, self.incomplete()) {
            (State::Ended(..), Some(reason)) => {
                push_raw(out, &format!(r#"{{"reason":"{reason}"}}"#));
            }
            _ => out.extend_from_slice(b"null"),
        }
        out.extend_from_slice(b",\"model\":");
        push_quoted(out, &self.model);
        out.extend_from_slice(b",\"output\":[");
        list(out, items, Item::write);
        out.extend_from_slice(b"],\"store\":false,\"truncation\":\"disabled\"");
        push_raw(out, self.echo.members());
        let tier = if self.tier.is_empty() {
            r#""default""#
        } else {
            &*self.tier
        };
        push_member(out, "service_tier", tier);
        out.extend_from_slice(b",\"usage\":");
        match state {
            State::InProgress => out.extend_from_slice(b"null"),
            State::Ended(usage, unknown) => push_usage(*usage, unknown, out),
            State::Failed(_, usage) => push_usage(*usage, &Unknown::default(), out),
        }
        if !matches!(state, State::InProgress) {
            for (key, value) in &self.members {
                push_member(out, key, value);
            }
            for (key, list) in &self.lists {
                push_raw(out, &format!(r#","{key}":["#));
                out.extend_from_slice(list);
                out.push(b']');
            }
            let plain = |reason: FinishReason| [reason.as_str(), reason.anthropic()];
            let is_plain = self
                .reason
                .is_some_and(|reason| plain(reason).contains(&&*self.raw));
            if !self.raw.is_empty() && !is_plain {
                out.extend_from_slice(b",\"native_finish_reason\":");
                push_quoted(out, &self.raw);
            }
        }
        out.push(b'}');
    }
}

/// Appends a Response's `error`: its own words for what happened, and the code as
/// it was beside it.
fn push_failure(error: &str, out: &mut Vec<u8>) {
    let (mut code, mut more) = ("null", Vec::new());
    members(error, |key, value| match key {
        "code" => code = value,
        _ => push_member(&mut more, key, value),
    });
    let is_known = FAILURES.contains(&code);
    let word = if is_known { code } else { FAILURES[0] };
    push_raw(out, &format!(r#"{{"code":{word}"#));
    out.extend_from_slice(&more);
    if !is_known && code != "null" {
        push_member(out, "native_code", code);
    }
    out.push(b'}');
}

/// Appends a Response's `usage`. `"estimated":true` marks figures that Alfred
/// counted itself.
fn push_usage(usage: Usage, unknown: &Unknown, out: &mut Vec<u8>) {
    let (input, output, total) = (usage.input, usage.output, usage.total());
    let (cached, written, reasoning) = (usage.cached, usage.cache_write, usage.reasoning);
    push_raw(
        out,
        &format!(
            r#"{{"input_tokens":{input},"input_tokens_details":{{"cached_tokens":{cached},"cache_write_tokens":{written}"#
        ),
    );
    out.extend_from_slice(&unknown.input);
    push_raw(
        out,
        &format!(
            r#"}},"output_tokens":{output},"output_tokens_details":{{"reasoning_tokens":{reasoning}"#
        ),
    );
    out.extend_from_slice(&unknown.output);
    push_raw(out, &format!(r#"}},"total_tokens":{total}"#));
    if usage.estimated {
        out.extend_from_slice(b",\"estimated\":true");
    }
    out.extend_from_slice(&unknown.top);
    out.push(b'}');
}

/// An answer's id in this dialect: the provider's own, else one made of `seed`.
pub(super) fn response_id(provider: Option<&str>, seed: &str) -> String {
    match provider.filter(|id| id.starts_with("resp_")) {
        Some(id) => id.to_owned(),
        None => format!("resp_{}", bare(seed)),
    }
}

/// A seed without the mark of another dialect.
pub(super) fn bare(seed: &str) -> &str {
    seed.strip_prefix("chatcmpl-").unwrap_or(seed)
}
