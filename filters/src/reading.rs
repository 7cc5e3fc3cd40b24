//! Reads and checks a request of any dialect. Only what every provider refuses,
//! or what Alfred itself must know, is checked; the rest is the provider's to
//! judge, so that a parameter invented tomorrow passes today. Which members a
//! dialect checks stands in its own folder.

use bytes::Bytes;

use crate::dialect::Dialect;
use crate::dialect::{anthropic, openai_chat, openai_responses};
use crate::json::{Cursor, Flaw, Kind, decode};
use crate::prompt::{Member, ReadError, Surface};

/// More members than any request has; keeps the search for duplicates short.
const MAX_MEMBERS: usize = 256;
/// Longer than any provider's name, an ARN included; names are compared with
/// every alias and stand in headers.
const MAX_MODEL: usize = 512;

/// What every station has to know about a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) wants_usage: bool,
    pub(crate) max_output: Option<u64>,
    /// Asked for with `n`; 1 without it.
    pub(crate) choices: u32,
}

/// Why reading stops: the text is no JSON, or a field is wrong.
pub(crate) enum Stop {
    Json(Flaw),
    Field(ReadError),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Stop::Json(flaw)
    }
}

impl Stop {
    /// The refusal of a body with this text.
    pub(crate) fn into_error(self, text: &str) -> ReadError {
        match self {
            Stop::Field(error) => error,
            Stop::Json(flaw) => not_json(text, flaw),
        }
    }
}

pub(crate) fn bad<T>(param: &str, code: &'static str, message: String) -> Result<T, Stop> {
    Err(Stop::Field(ReadError {
        message,
        param: Some(param.to_owned()),
        code,
    }))
}

pub(crate) fn wrong_type<T>(param: &str, expected: &str, got: Kind) -> Result<T, Stop> {
    bad(
        param,
        "invalid_type",
        format!("'{param}' must be {expected}, but it is {}.", name_of(got)),
    )
}

pub(crate) fn missing<T>(param: &str, hint: &str) -> Result<T, Stop> {
    bad(
        param,
        "missing_required_parameter",
        format!("'{param}' is missing: {hint}."),
    )
}

pub(crate) fn empty<T>(param: &str, hint: &str) -> Result<T, Stop> {
    bad(param, "empty_array", format!("'{param}' is empty: {hint}."))
}

pub(crate) fn duplicate<T>(param: &str) -> Result<T, Stop> {
    let param: &str = &param.chars().take(64).collect::<String>();
    bad(
        param,
        "duplicate_parameter",
        format!("'{param}' is given twice: send it once."),
    )
}

fn too_many<T>() -> Result<T, Stop> {
    let message = format!("The body has more than {MAX_MEMBERS} members.");
    Err(Stop::Field(ReadError {
        message,
        param: None,
        code: "invalid_value",
    }))
}

fn name_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Object => "an object",
        Kind::Array => "an array",
        Kind::String => "a string",
        Kind::Number => "a number",
        Kind::Bool => "a boolean",
        Kind::Null => "null",
    }
}

/// Reads a body: where its members stand, and the facts.
pub(crate) fn read(surface: Surface, body: &Bytes) -> Result<(Vec<Member>, Facts), ReadError> {
    let text = std::str::from_utf8(body).map_err(|error| ReadError {
        message: format!(
            "The body is not valid UTF-8: byte {} cannot be read. Send JSON in UTF-8.",
            error.valid_up_to()
        ),
        param: None,
        code: "invalid_json",
    })?;
    let mut reader = Reader {
        text,
        cursor: Cursor::new(text, 0),
        facts: Facts {
            choices: 1,
            ..Facts::default()
        },
    };
    match reader.request(surface) {
        Ok(members) => Ok((members, reader.facts)),
        Err(stop) => Err(stop.into_error(text)),
    }
}

fn not_json(text: &str, flaw: Flaw) -> ReadError {
    let before = text.as_bytes().get(..flaw.at).unwrap_or_default();
    let line = 1 + before.iter().filter(|&&b| b == b'\n').count();
    let column = 1 + before.iter().rev().take_while(|&&b| b != b'\n').count();
    ReadError {
        message: format!(
            "The body is not a JSON object that can be read: {} (line {line}, column {column}).",
            flaw.what
        ),
        param: None,
        code: "invalid_json",
    }
}

pub(crate) struct Reader<'a> {
    pub(crate) text: &'a str,
    pub(crate) cursor: Cursor<'a>,
    pub(crate) facts: Facts,
}

impl Reader<'_> {
    fn request(&mut self, surface: Surface) -> Result<Vec<Member>, Stop> {
        let mut members: Vec<Member> = Vec::with_capacity(16);
        let mut has_subject = false;
        let (subject, hint) = subject(surface);
        self.cursor.open_object()?;
        while let Some(key) = self.cursor.key()? {
            let name = decode(self.text.get(key.clone()).unwrap_or_default());
            let twice =
                |m: &Member| decode(self.text.get(m.key.clone()).unwrap_or_default()) == name;
            if members.iter().any(twice) {
                return duplicate(&name);
            }
            if members.len() == MAX_MEMBERS {
                return too_many();
            }
            has_subject |= name == subject || stands_in(surface, &name);
            let start = self.start()?;
            self.member(surface, &name)?;
            members.push(Member {
                key,
                value: start..self.cursor.at(),
            });
        }
        self.cursor.end()?;
        if self.facts.model.is_empty() {
            return missing("model", "say which model or alias shall answer");
        }
        if !has_subject {
            return missing(subject, hint);
        }
        if surface == Surface::Messages && self.facts.max_output.is_none() {
            return missing("max_tokens", "say how many tokens the answer may have");
        }
        // Streams of the other dialects show their usage unasked.
        self.facts.wants_usage |= surface.dialect() != Dialect::OpenAiChat;
        Ok(members)
    }

    /// Where the next value begins.
    fn start(&mut self) -> Result<usize, Stop> {
        self.cursor.kind()?;
        Ok(self.cursor.at())
    }

    fn member(&mut self, surface: Surface, name: &str) -> Result<(), Stop> {
        match (name, surface.dialect()) {
            ("model", _) => self.model(),
            (_, Dialect::AnthropicMessages) => anthropic::request::member(self, name),
            (_, Dialect::OpenAiResponses) => openai_responses::request::member(self, name),
            _ => openai_chat::request::member(self, surface, name),
        }
    }

    fn model(&mut self) -> Result<(), Stop> {
        let kind = self.cursor.kind()?;
        let span = self.cursor.skip()?;
        if kind != Kind::String {
            return wrong_type("model", "a string", kind);
        }
        let model = decode(self.text.get(span).unwrap_or_default());
        if model.trim().is_empty() {
            return bad(
                "model",
                "invalid_value",
                "'model' is empty: name a model or an alias.".to_owned(),
            );
        }
        if model.len() > MAX_MODEL || model.chars().any(char::is_control) {
            let message = format!(
                "'model' must be at most {MAX_MODEL} bytes long and hold no control characters."
            );
            return bad("model", "invalid_value", message);
        }
        self.facts.model = model.into_owned();
        Ok(())
    }

    /// The conversation: an array of messages, each with one role of `roles`.
    pub(crate) fn messages(
        &mut self,
        roles: &[&str],
        content: fn(&mut Self, usize) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let kind = self.cursor.kind()?;
        if kind != Kind::Array {
            return wrong_type("messages", "an array of messages", kind);
        }
        self.cursor.open_array()?;
        let mut index = 0;
        while self.cursor.item()? {
            self.message(index, roles, content)?;
            index += 1;
        }
        if index == 0 {
            return empty("messages", "send at least one message");
        }
        Ok(())
    }

    fn message(
        &mut self,
        index: usize,
        roles: &[&str],
        read_content: fn(&mut Self, usize) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let kind = self.cursor.kind()?;
        if kind != Kind::Object {
            return wrong_type(&format!("messages[{index}]"), "an object", kind);
        }
        let (mut role, mut content) = (false, false);
        self.cursor.open_object()?;
        while let Some(key) = self.cursor.key()? {
            let name = decode(self.text.get(key).unwrap_or_default());
            let seen = match &*name {
                "role" => std::mem::replace(&mut role, true),
                "content" => std::mem::replace(&mut content, true),
                _ => false,
            };
            if seen {
                return duplicate(&format!("messages[{index}].{name}"));
            }
            match &*name {
                "role" => self.role(index, roles)?,
                "content" => read_content(self, index)?,
                _ => self.cursor.skip().map(drop)?,
            }
        }
        if !role {
            let param = format!("messages[{index}].role");
            return missing(&param, "say who wrote the message");
        }
        if !content && roles == anthropic::request::ROLES {
            let param = format!("messages[{index}].content");
            return missing(&param, "send a string or an array of content blocks");
        }
        Ok(())
    }

    fn role(&mut self, index: usize, roles: &[&str]) -> Result<(), Stop> {
        let param = || format!("messages[{index}].role");
        let kind = self.cursor.kind()?;
        let span = self.cursor.skip()?;
        if kind != Kind::String {
            return wrong_type(&param(), "a string", kind);
        }
        let role = decode(self.text.get(span).unwrap_or_default());
        if roles.contains(&&*role) {
            return Ok(());
        }
        let param = param();
        bad(
            &param,
            "invalid_value",
            format!("'{param}' must be one of {}.", roles.join(", ")),
        )
    }

    /// Goes over one value without a look at it.
    pub(crate) fn skip(&mut self) -> Result<(), Stop> {
        Ok(self.cursor.skip().map(drop)?)
    }

    /// A boolean; null counts as false.
    pub(crate) fn boolean(&mut self, param: &str) -> Result<bool, Stop> {
        let kind = self.cursor.kind()?;
        let span = self.cursor.skip()?;
        match kind {
            Kind::Null => Ok(false),
            Kind::Bool => Ok(self.text.get(span) == Some("true")),
            _ => wrong_type(param, "a boolean", kind),
        }
    }

    /// A whole number from 1 to `max`; null counts as absent.
    pub(crate) fn count(&mut self, param: &str, max: u64) -> Result<Option<u64>, Stop> {
        let kind = self.cursor.kind()?;
        let span = self.cursor.skip()?;
        match kind {
            Kind::Null => return Ok(None),
            Kind::Number => {}
            _ => return wrong_type(param, "a whole number", kind),
        }
        let number = self.text.get(span).and_then(|raw| raw.parse::<u64>().ok());
        match number {
            Some(number) if (1..=max).contains(&number) => Ok(Some(number)),
            Some(0) | None => bad(
                param,
                "invalid_value",
                format!("'{param}' must be a whole number of at least 1."),
            ),
            Some(_) => bad(
                param,
                "invalid_value",
                format!("'{param}' must be at most {max}."),
            ),
        }
    }
}

/// Whether a member of that name stands for the one that is asked for.
fn stands_in(surface: Surface, name: &str) -> bool {
    surface == Surface::Responses && openai_responses::request::KEPT_ELSEWHERE.contains(&name)
}

/// The member without which nothing is asked, and what to do about its absence.
fn subject(surface: Surface) -> (&'static str, &'static str) {
    const CONVERSATION: &str = "send the conversation as an array of messages";
    match surface {
        Surface::Chat | Surface::Messages | Surface::CountTokens => ("messages", CONVERSATION),
        Surface::Responses => (
            "input",
            "send the conversation as a text or an array of items",
        ),
        Surface::Embeddings => ("input", "send the text to embed, or an array of texts"),
        Surface::Completions => ("prompt", "send the text to continue, or an array of texts"),
    }
}
