//! Reads and checks an OpenAI request. Only what every provider refuses, or what
//! Alfred itself must know, is checked here; the rest is the provider's to judge,
//! so that a parameter invented tomorrow passes today.

use bytes::Bytes;

use crate::json::{Cursor, Flaw, Kind, decode};
use crate::prompt::{Member, ReadError, Surface};

/// More members than any request has; keeps the search for duplicates short.
const MAX_MEMBERS: usize = 256;
/// Longer than any provider's name, an ARN included; names are compared with
/// every alias and stand in headers.
const MAX_MODEL: usize = 512;
/// OpenAI's own limit for `n`.
const MAX_CHOICES: u64 = 128;

const ROLES: [&str; 6] = [
    "system",
    "developer",
    "user",
    "assistant",
    "tool",
    "function",
];

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
enum Stop {
    Json(Flaw),
    Field(ReadError),
}

impl From<Flaw> for Stop {
    fn from(flaw: Flaw) -> Self {
        Stop::Json(flaw)
    }
}

fn bad<T>(param: &str, code: &'static str, message: String) -> Result<T, Stop> {
    Err(Stop::Field(ReadError {
        message,
        param: Some(param.to_owned()),
        code,
    }))
}

fn wrong_type<T>(param: &str, expected: &str, got: Kind) -> Result<T, Stop> {
    bad(
        param,
        "invalid_type",
        format!("'{param}' must be {expected}, but it is {}.", name_of(got)),
    )
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
        Err(Stop::Field(error)) => Err(error),
        Err(Stop::Json(flaw)) => Err(not_json(text, flaw)),
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

struct Reader<'a> {
    text: &'a str,
    cursor: Cursor<'a>,
    facts: Facts,
}

impl Reader<'_> {
    fn request(&mut self, surface: Surface) -> Result<Vec<Member>, Stop> {
        let mut members: Vec<Member> = Vec::with_capacity(16);
        let mut has_subject = false;
        let subject = match surface {
            Surface::Chat => "messages",
            _ => "input",
        };
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
            has_subject |= name == subject;
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
            return missing(
                subject,
                match surface {
                    Surface::Chat => "send the conversation as an array of messages",
                    _ => "send the text to embed, or an array of texts",
                },
            );
        }
        Ok(members)
    }

    /// Where the next value begins.
    fn start(&mut self) -> Result<usize, Stop> {
        self.cursor.kind()?;
        Ok(self.cursor.at())
    }

    fn member(&mut self, surface: Surface, name: &str) -> Result<(), Stop> {
        match (name, surface) {
            ("model", _) => self.model(),
            ("messages", Surface::Chat) => self.messages(),
            ("input", Surface::Embeddings) => self.input(),
            ("stream", Surface::Chat) => {
                self.facts.stream = self.boolean(name)?;
                Ok(())
            }
            ("stream_options", Surface::Chat) => self.stream_options(),
            ("n", Surface::Chat) => {
                if let Some(n) = self.count(name, MAX_CHOICES)? {
                    self.facts.choices = u32::try_from(n).unwrap_or(1);
                }
                Ok(())
            }
            ("max_tokens", Surface::Chat) => {
                let limit = self.count(name, u64::MAX)?;
                self.facts.max_output = self.facts.max_output.or(limit);
                Ok(())
            }
            ("max_completion_tokens", Surface::Chat) => {
                let limit = self.count(name, u64::MAX)?;
                self.facts.max_output = limit.or(self.facts.max_output);
                Ok(())
            }
            _ => Ok(self.cursor.skip().map(drop)?),
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

    fn messages(&mut self) -> Result<(), Stop> {
        let kind = self.cursor.kind()?;
        if kind != Kind::Array {
            return wrong_type("messages", "an array of messages", kind);
        }
        self.cursor.open_array()?;
        let mut index = 0;
        while self.cursor.item()? {
            self.message(index)?;
            index += 1;
        }
        if index == 0 {
            return bad(
                "messages",
                "empty_array",
                "'messages' is empty: send at least one message.".to_owned(),
            );
        }
        Ok(())
    }

    fn message(&mut self, index: usize) -> Result<(), Stop> {
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
                "role" => self.role(index)?,
                "content" => self.content(index)?,
                _ => self.cursor.skip().map(drop)?,
            }
        }
        if !role {
            let param = format!("messages[{index}].role");
            return missing(&param, "say who wrote the message");
        }
        Ok(())
    }

    fn role(&mut self, index: usize) -> Result<(), Stop> {
        let param = || format!("messages[{index}].role");
        let kind = self.cursor.kind()?;
        let span = self.cursor.skip()?;
        if kind != Kind::String {
            return wrong_type(&param(), "a string", kind);
        }
        let role = decode(self.text.get(span).unwrap_or_default());
        if ROLES.contains(&&*role) {
            return Ok(());
        }
        let param = param();
        bad(
            &param,
            "invalid_value",
            format!("'{param}' must be one of {}.", ROLES.join(", ")),
        )
    }

    fn content(&mut self, index: usize) -> Result<(), Stop> {
        match self.cursor.kind()? {
            Kind::String | Kind::Array | Kind::Null => Ok(self.cursor.skip().map(drop)?),
            kind => wrong_type(
                &format!("messages[{index}].content"),
                "a string, an array of parts or null",
                kind,
            ),
        }
    }

    /// A text, a list of texts, a list of token ids, or a list of such lists.
    fn input(&mut self) -> Result<(), Stop> {
        const EXPECTED: &str = "a string, an array of strings or an array of token ids";
        let kind = self.cursor.kind()?;
        if kind == Kind::String {
            return Ok(self.cursor.skip().map(drop)?);
        }
        if kind != Kind::Array {
            return wrong_type("input", EXPECTED, kind);
        }
        self.cursor.open_array()?;
        let mut index = 0;
        while self.cursor.item()? {
            let kind = self.cursor.kind()?;
            match kind {
                Kind::String | Kind::Number | Kind::Array => self.cursor.skip().map(drop)?,
                // Several providers embed pictures and take parts here.
                Kind::Object => self.cursor.skip().map(drop)?,
                _ => return wrong_type(&format!("input[{index}]"), EXPECTED, kind),
            }
            index += 1;
        }
        if index == 0 {
            return bad(
                "input",
                "empty_array",
                "'input' is empty: send at least one text.".to_owned(),
            );
        }
        Ok(())
    }

    fn stream_options(&mut self) -> Result<(), Stop> {
        match self.cursor.kind()? {
            Kind::Null => return Ok(self.cursor.skip().map(drop)?),
            Kind::Object => {}
            kind => return wrong_type("stream_options", "an object", kind),
        }
        self.cursor.open_object()?;
        while let Some(key) = self.cursor.key()? {
            if decode(self.text.get(key).unwrap_or_default()) == "include_usage" {
                self.facts.wants_usage = self.boolean("stream_options.include_usage")?;
            } else {
                self.cursor.skip()?;
            }
        }
        Ok(())
    }

    /// A boolean; null counts as false.
    fn boolean(&mut self, param: &str) -> Result<bool, Stop> {
        let kind = self.cursor.kind()?;
        let span = self.cursor.skip()?;
        match kind {
            Kind::Null => Ok(false),
            Kind::Bool => Ok(self.text.get(span) == Some("true")),
            _ => wrong_type(param, "a boolean", kind),
        }
    }

    /// A whole number from 1 to `max`; null counts as absent.
    fn count(&mut self, param: &str, max: u64) -> Result<Option<u64>, Stop> {
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

fn missing<T>(param: &str, hint: &str) -> Result<T, Stop> {
    bad(
        param,
        "missing_required_parameter",
        format!("'{param}' is missing: {hint}."),
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

fn duplicate<T>(param: &str) -> Result<T, Stop> {
    let param: &str = &param.chars().take(64).collect::<String>();
    bad(
        param,
        "duplicate_parameter",
        format!("'{param}' is given twice: send it once."),
    )
}
