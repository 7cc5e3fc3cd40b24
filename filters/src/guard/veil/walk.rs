//! Finds every string that a model may have written in a payload of an answer. It
//! starts from "all strings" and leaves out what short tables know to be machine
//! words or binary data, so that a member invented tomorrow cannot carry a text
//! past the guards.

use std::ops::Range;

use crate::guard::screen::{Form, Task};
use crate::json::{Cursor, Flaw, Kind, decode};

use super::Grammar;
use super::texts::Key;

/// Shortest string of base64 letters that counts as binary data where such may
/// stand, in bytes. Shorter ones are as likely a secret.
const BINARY: usize = 128;

/// A text of an answer that may come in pieces. Their order is the order in which
/// held rests are said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Channel {
    /// `reasoning_content`, `reasoning` and `reasoning_details` of a chat.
    Thoughts,
    ThoughtsAgain,
    Detail,
    /// A part of a list of thoughts in `content`.
    ThoughtPart,
    Content,
    /// A part of a list in `content`.
    Part,
    Refusal,
    Transcript,
    Arguments,
    OldArguments,
    /// The input of a custom tool.
    Custom,
    /// The text of an older completion.
    Completion,
    /// The deltas of a block of a message.
    Text,
    Thinking,
    Partial,
    /// The deltas of one kind of a Response, by the place of its name; `json` if
    /// they are arguments.
    Event {
        number: u8,
        json: bool,
    },
}

impl Channel {
    pub(super) fn form(self) -> Form {
        match self {
            Channel::Arguments | Channel::OldArguments | Channel::Partial => Form::Json,
            Channel::Event { json: true, .. } => Form::Json,
            _ => Form::Text,
        }
    }

    /// Whether it holds thoughts, in a chat.
    pub(super) fn is_thought(self) -> bool {
        matches!(
            self,
            Channel::Thoughts | Channel::ThoughtsAgain | Channel::Detail | Channel::ThoughtPart
        )
    }
}

/// The kind of object or value we stand in; arrays do not change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Root,
    /// A choice of a chat.
    Choice,
    /// A message or a delta.
    Message,
    /// A content part whose text is of that channel.
    Parts(Channel),
    Call,
    Function,
    OldFunction,
    Detail,
    Audio,
    /// A block of a message, and what it grows by.
    Block,
    Growth,
    /// A Response, its items with their parts.
    Response,
    Item,
    /// An address.
    Link,
    /// Binary data, or whatever else is called so.
    Data,
    /// Every string is a text of its own.
    Any,
    /// What is repeated of the request.
    Echo,
    /// What went wrong.
    Error,
    /// A string right here is a machine word.
    Word,
    /// A piece of a text.
    Piece(Channel),
    /// A piece of a text whose channel depends on the event.
    Delta,
    /// A text of that form that is whole.
    Whole(Form),
    /// A JSON value to be screened in one go.
    Raw,
    Logprobs,
    Finish,
    Usage,
    Output,
    Number(Number),
}

/// What a number says of the texts around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    /// The choice, block or item.
    Choice,
    /// The call or part.
    Part,
    /// Where the event stands in the stream.
    Sequence,
}

/// What a leaf is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sort {
    Piece(Channel),
    Whole(Form, Task),
    /// An object or a list that is JSON for a screen.
    Raw,
    /// An error's own words.
    Error,
    Logprobs,
    /// Why a choice ends.
    Finish,
    Usage,
    /// A choice begins.
    Choice,
    /// The list of a Response's items.
    Output,
    Sequence(u64),
}

/// Something in a payload that a veil has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    /// Where it stands; of a string with its quotes.
    pub(super) span: Range<usize>,
    /// The member it stands in.
    pub(super) name: Range<usize>,
    pub(super) sort: Sort,
    choice: Option<u64>,
    part: Option<u64>,
}

impl Leaf {
    /// The text that it is a piece of.
    pub(super) fn key(&self, channel: Channel) -> Key {
        Key {
            choice: self.choice(),
            channel,
            part: self.part.unwrap_or_default(),
        }
    }

    pub(super) fn choice(&self) -> u64 {
        self.choice.unwrap_or_default()
    }

    /// Whether it holds words that are screened.
    pub(super) fn is_text(&self) -> bool {
        matches!(
            self.sort,
            Sort::Piece(_) | Sort::Whole(..) | Sort::Error | Sort::Raw
        )
    }
}

struct Walk<'a> {
    grammar: Grammar,
    text: &'a str,
    /// What a `delta` is, of this event.
    delta: Place,
    name: Range<usize>,
    leaves: &'a mut Vec<Leaf>,
}

/// Collects the leaves of a payload in the order of its text. `root` is where it
/// stands itself, `delta` what its `delta` is.
///
/// # Errors
/// It is no JSON.
pub(super) fn walk(
    grammar: Grammar,
    (root, delta): (Place, Place),
    text: &str,
    leaves: &mut Vec<Leaf>,
) -> Result<(), Flaw> {
    leaves.clear();
    let mut cursor = Cursor::new(text, 0);
    let mut walk = Walk {
        grammar,
        text,
        delta,
        name: 0..0,
        leaves,
    };
    walk.value(&mut cursor, root)?;
    cursor.end()
}

/// What the payload says of itself: its member `type`.
pub(super) fn kind_of(text: &str) -> Option<String> {
    let mut cursor = Cursor::new(text, 0);
    cursor.open_object().ok()?;
    while let Ok(Some(key)) = cursor.key() {
        let value = cursor.skip().ok()?;
        if decode(text.get(key)?) == "type" {
            return Some(decode(text.get(value)?).into_owned());
        }
    }
    None
}

impl Walk<'_> {
    fn value(&mut self, cursor: &mut Cursor<'_>, place: Place) -> Result<(), Flaw> {
        let place = if place == Place::Delta {
            self.delta
        } else {
            place
        };
        match (cursor.kind()?, place) {
            (Kind::String, _) => {
                let span = cursor.skip()?;
                self.string(span, place);
            }
            (Kind::Object | Kind::Array, Place::Raw | Place::Whole(Form::Json)) => {
                let span = cursor.skip()?;
                self.leaf(span, Sort::Raw);
            }
            (Kind::Object, Place::Piece(channel)) if channel.form() == Form::Json => {
                let span = cursor.skip()?;
                self.leaf(span, Sort::Raw);
            }
            (Kind::Object | Kind::Array, Place::Logprobs) => {
                let span = cursor.skip()?;
                self.leaf(span, Sort::Logprobs);
            }
            (Kind::Object, _) => {
                let start = cursor.at();
                self.object(cursor, place)?;
                if place == Place::Usage {
                    self.leaf(start..cursor.at(), Sort::Usage);
                }
            }
            (Kind::Array, _) => {
                let at = self.leaves.len();
                let start = cursor.at();
                self.array(cursor, place)?;
                if place == Place::Output {
                    let leaf = Leaf {
                        span: start..cursor.at(),
                        name: self.name.clone(),
                        sort: Sort::Output,
                        choice: None,
                        part: None,
                    };
                    self.leaves.insert(at, leaf);
                }
            }
            (Kind::Number | Kind::Bool | Kind::Null, _) => {
                cursor.skip()?;
            }
        }
        Ok(())
    }

    fn array(&mut self, cursor: &mut Cursor<'_>, place: Place) -> Result<(), Flaw> {
        let place = if place == Place::Word {
            Place::Any
        } else {
            place
        };
        cursor.open_array()?;
        let mut index = 0;
        while cursor.item()? {
            let from = self.leaves.len();
            self.value(cursor, place)?;
            match place {
                Place::Choice | Place::Block | Place::Output => {
                    self.settle(from, Some(index), None);
                }
                Place::Call | Place::Detail => self.settle(from, None, Some(index)),
                _ => {}
            }
            index += 1;
        }
        Ok(())
    }

    fn object(&mut self, cursor: &mut Cursor<'_>, place: Place) -> Result<(), Flaw> {
        let (from, mut choice, mut part) = (self.leaves.len(), None, None);
        let inside = match place {
            Place::Output => Place::Item,
            Place::Word | Place::Whole(_) | Place::Finish | Place::Usage | Place::Data => {
                Place::Any
            }
            Place::Piece(Channel::Content) => Place::Parts(Channel::Part),
            Place::Piece(channel) => Place::Parts(channel),
            place => place,
        };
        if place == Place::Choice {
            self.leaf(cursor.at()..cursor.at(), Sort::Choice);
        }
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let name = decode(self.text.get(key.clone()).unwrap_or_default());
            self.name = key.start + 1..key.end.saturating_sub(1);
            let below = self.grammar.below(inside, &name);
            let Place::Number(number) = below else {
                self.value(cursor, below)?;
                continue;
            };
            if cursor.kind()? != Kind::Number {
                self.value(cursor, Place::Any)?;
                continue;
            }
            let span = cursor.skip()?;
            let value = self.text.get(span.clone()).and_then(|n| n.parse().ok());
            match (number, value) {
                (Number::Choice, _) => choice = value,
                (Number::Part, _) => part = value,
                (Number::Sequence, Some(value)) => self.leaf(span, Sort::Sequence(value)),
                (Number::Sequence, None) => {}
            }
        }
        self.settle(from, choice, part);
        Ok(())
    }

    /// Says of the leaves since `from` what was not known when they came.
    fn settle(&mut self, from: usize, choice: Option<u64>, part: Option<u64>) {
        for leaf in self.leaves.iter_mut().skip(from) {
            leaf.choice = leaf.choice.or(choice);
            leaf.part = leaf.part.or(part);
        }
    }

    fn string(&mut self, span: Range<usize>, place: Place) {
        let raw = self.text.get(span.clone()).unwrap_or_default();
        let sort = match place {
            Place::Word | Place::Number(_) => return,
            Place::Piece(channel) | Place::Parts(channel) => Sort::Piece(channel),
            Place::Whole(form) => Sort::Whole(form, Task::Answer),
            Place::Echo => Sort::Whole(Form::Text, Task::Unmask),
            Place::Error => Sort::Error,
            Place::Logprobs => Sort::Logprobs,
            // An empty word is no reason.
            Place::Finish if raw.len() <= 2 => return,
            Place::Finish => Sort::Finish,
            Place::Link if is_data(raw) => return,
            Place::Data if is_binary(raw) => return,
            _ => Sort::Whole(Form::Text, Task::Answer),
        };
        self.leaf(span, sort);
    }

    fn leaf(&mut self, span: Range<usize>, sort: Sort) {
        self.leaves.push(Leaf {
            span,
            name: self.name.clone(),
            sort,
            choice: None,
            part: None,
        });
    }
}

/// Members that hold machine words wherever they stand.
pub(super) fn is_word(key: &str) -> bool {
    key.ends_with("_id")
        || key.ends_with("_b64")
        || key.starts_with("encrypted_")
        || matches!(
            key,
            "type"
                | "id"
                | "object"
                | "model"
                | "role"
                | "status"
                | "signature"
                | "thought_signature"
                | "media_type"
                | "mime_type"
                | "finish_reason"
                | "native_finish_reason"
                | "stop_reason"
                | "service_tier"
                | "native_service_tier"
                | "system_fingerprint"
                | "obfuscation"
                | "b64_json"
        )
}

/// Where a member of an object stands that nobody knows.
pub(super) fn anywhere(place: Place, key: &str) -> Place {
    match place {
        Place::Echo | Place::Error => place,
        _ if is_word(key) => Place::Word,
        _ if matches!(key, "url" | "image_url") => Place::Link,
        _ if matches!(key, "data" | "file_data" | "result" | "bytes") => Place::Data,
        _ => Place::Any,
    }
}

/// Whether a JSON string is an address that carries its content in base64.
fn is_data(raw: &str) -> bool {
    let head = raw.get(1..).unwrap_or_default().as_bytes();
    let head = head.get(..head.len().min(128)).unwrap_or_default();
    head.starts_with(b"data:") && memchr::memmem::find(head, b";base64,").is_some()
}

/// Whether a JSON string is long and of base64's letters only, none of which can
/// be part of a sentence.
fn is_binary(raw: &str) -> bool {
    let inner = raw.trim_matches('"').as_bytes();
    let letter = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=-_".contains(byte);
    inner.len() >= BINARY && inner.len().is_multiple_of(4) && inner.iter().all(letter)
}
