//! Finds the same few facts in every provider's error shape. Lenient on purpose:
//! an error that cannot be read would hide the reason of a failure.

use std::time::Duration;

use serde_json::Value;

use super::wait;

/// The facts of one error, in the provider's own words.
#[derive(Default)]
pub(super) struct Shape {
    /// The body is an error even where the status was 200.
    pub(super) is_error: bool,
    pub(super) form: Form,
    pub(super) message: Option<String>,
    /// `type`, Gemini's `status`, `error_type`.
    pub(super) kind: Option<String>,
    pub(super) code: Option<String>,
    pub(super) param: Option<String>,
    /// A status named inside the body.
    pub(super) status: Option<u16>,
    pub(super) retry_after: Option<Duration>,
    /// Every other word that names a cause: Gemini's reasons and quota ids,
    /// Azure's inner code, Anthropic's `error_code`.
    pub(super) causes: Vec<String>,
    /// A safety system named what it objected to.
    pub(super) flagged: bool,
}

/// What kind of text the body was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Form {
    #[default]
    Empty,
    Json,
    Html,
    Text,
}

/// Longest error that is read, in bytes: a tree of JSON values takes many times
/// the memory of its text.
const LONGEST: usize = 1 << 20;

impl Shape {
    pub(super) fn read(body: &[u8]) -> Shape {
        let body = body.trim_ascii();
        if body.is_empty() {
            return Shape::default();
        }
        if body.len() > LONGEST {
            return Shape {
                form: Form::Text,
                ..Shape::default()
            };
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(Value::Array(list)) => list.first().map(Shape::from_json).unwrap_or_default(),
            Ok(Value::String(text)) => Shape::from_text(&text),
            Ok(value) => Shape::from_json(&value),
            Err(_) if body.starts_with(b"{") || body.starts_with(b"[") => Shape {
                form: Form::Json,
                ..Shape::default()
            },
            Err(_) => Shape::from_text(&String::from_utf8_lossy(body)),
        }
    }

    /// The same with a type that stood outside of the body: `Name`, `Name:http://…`
    /// or `name.space#Name`.
    pub(super) fn named(mut self, name: &str) -> Shape {
        let name = name.split(':').next().unwrap_or_default();
        let name = name.rsplit('#').next().unwrap_or_default().trim();
        if !name.is_empty() {
            self.kind = Some(name.to_owned());
        }
        self
    }

    fn from_text(text: &str) -> Shape {
        let form = if text.trim_start().starts_with('<') {
            Form::Html
        } else {
            Form::Text
        };
        let message = (form == Form::Text).then(|| text.trim().to_owned());
        Shape {
            form,
            message,
            ..Shape::default()
        }
    }

    fn from_json(root: &Value) -> Shape {
        let mut shape = Shape {
            form: Form::Json,
            ..Shape::default()
        };
        let inner = root.get("error").filter(|error| !is_blank(error));
        let error = inner.filter(|error| error.is_object()).unwrap_or(root);
        let text =
            |value: &Value, names: &[&str]| names.iter().find_map(|name| word(value.get(name)?));

        shape.message = match inner {
            Some(Value::String(message)) => Some(message.clone()),
            _ => MESSAGES.iter().find_map(|name| sentence(error.get(name)?)),
        };
        shape.kind = text(error, &["type", "status", "error_type", "__type"])
            .filter(|kind| kind != "error" && kind.parse::<u16>().is_err())
            .or_else(|| text(root, &["error_type", "__type"]));
        shape.code = text(error, &["code"]).or_else(|| text(root, &["code"]));
        shape.param = text(error, &["param"]);
        shape.status = ["status_code", "code", "status"]
            .iter()
            .find_map(|name| status(error.get(name)?));
        shape.retry_after = root
            .get("estimated_time")
            .and_then(Value::as_f64)
            .and_then(wait::seconds);
        shape.flagged = error.pointer("/metadata/flagged_input").is_some();
        for path in ["/innererror/code", "/details/error_code"] {
            shape.causes.extend(error.pointer(path).and_then(word));
        }
        if let Some(Value::Array(details)) = error.get("details") {
            details
                .iter()
                .for_each(|detail| shape.google_detail(detail));
        }
        let says_so = ["type", "object"]
            .iter()
            .any(|name| root.get(name).is_some_and(|v| v == "error"));
        let speaks =
            shape.message.is_some() && root.get("choices").is_none() && root.get("data").is_none();
        shape.is_error = inner.is_some() || says_so || speaks;
        shape
    }

    /// One element of `google.rpc.Status.details`.
    fn google_detail(&mut self, detail: &Value) {
        self.causes.extend(detail.get("reason").and_then(word));
        if let Some(Value::Array(violations)) = detail.get("violations") {
            self.causes
                .extend(violations.iter().filter_map(|v| word(v.get("quotaId")?)));
        }
        if let Some(delay) = detail.get("retryDelay").and_then(Value::as_str) {
            let seconds = delay.strip_suffix('s').and_then(|s| s.parse().ok());
            self.retry_after = self.retry_after.or(seconds.and_then(wait::seconds));
        }
    }
}

const MESSAGES: [&str; 7] = [
    "message",
    "Message",
    "detail",
    "error",
    "error_message",
    "errors",
    "msg",
];

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// A word or a number as text; nothing that is empty.
fn word(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn status(value: &Value) -> Option<u16> {
    let number = word(value)?.parse().ok()?;
    (400..600).contains(&number).then_some(number)
}

/// A message: text, or a list of complaints such as FastAPI's
/// `[{"loc":["body","model"],"msg":"Field required"}]`, of which three are told.
fn sentence(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(list) => {
            let told: Vec<String> = list.iter().take(3).filter_map(complaint).collect();
            (!told.is_empty()).then(|| told.join("; "))
        }
        Value::Object(_) => {
            ["message", "detail"]
                .iter()
                .find_map(|name| match value.get(name)? {
                    inner @ (Value::String(_) | Value::Array(_)) => sentence(inner),
                    _ => None,
                })
        }
        _ => None,
    }
}

fn complaint(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => return Some(text.clone()),
        _ => value
            .get("msg")
            .or_else(|| value.get("message"))?
            .as_str()?,
    };
    let place: Vec<String> = match value.get("loc") {
        Some(Value::Array(steps)) => steps.iter().filter_map(word).collect(),
        _ => Vec::new(),
    };
    Some(if place.is_empty() {
        text.to_owned()
    } else {
        format!("{}: {text}", place.join("."))
    })
}
