//! Finds every string that a person or a program wrote in a request. It starts
//! from "all strings" and leaves out what a short list knows to be machine words
//! or binary data: a field invented tomorrow is seen by the guards, in the worst
//! case as an attribute, and cannot be used to carry text past them. The list is
//! the dialect's: its folder holds the table of places, here is the walk.

use std::ops::Range;

use crate::dialect::{Dialect, anthropic, openai_chat, openai_responses};
use crate::json::{Cursor, Flaw, Kind, decode};
use crate::prompt::Member;
use crate::text::{Path, Role, TextChannel, TextRef};

/// One thing that a walk meets.
pub(crate) enum Found<'a> {
    /// A text, and the span of its JSON string, quotes included.
    Text {
        text: TextRef<'a>,
        span: Range<usize>,
    },
    /// A message begins.
    Message,
    /// A part that is no text.
    Media(Media),
    /// A token id of an embeddings input or an older prompt.
    TokenId,
}

/// What a part without text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Image,
    Audio,
    File,
}

/// The kind of object or value we stand in; arrays do not change it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Request,
    Message,
    /// An item of a Responses input, or the input itself.
    Item,
    /// A content part, or the content itself.
    Part(TextChannel),
    /// A tool call, or what names one.
    Call,
    /// A tool, a function or a response format.
    Function,
    Schema,
    /// A picture, file or page by its address.
    Link,
    /// What a picture or a document is made of: base64, an address or a text.
    Source(TextChannel),
    /// Where a prompt cache may begin and how long it lives.
    Marker,
    /// Every string below belongs to this channel.
    All(TextChannel),
}

/// A place, and who wrote what stands there.
#[derive(Clone, Copy)]
pub(crate) struct Stand {
    pub(crate) place: Place,
    pub(crate) role: Role,
    /// A string right here is a machine word or binary data. An object or a list
    /// in its stead is walked all the same, but for a list of pictures.
    pub(crate) word: bool,
    /// What the object here says of itself, where the dialect needs to know.
    pub(crate) sort: Sort,
}

/// The types of objects that decide about the strings in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    /// Any other type, or none.
    Other,
    Image,
    Document,
    /// An item that holds thoughts.
    Thought,
    /// A source whose `data` is base64.
    Base64,
}

/// What a dialect knows about the places of a request.
pub(crate) struct Grammar {
    /// Where the member of that name stands, of an object that stands there.
    pub(crate) below: fn(Stand, &str) -> Stand,
    /// What a part holds that has a member of that name.
    pub(crate) media: fn(Stand, &str) -> Option<Media>,
    /// Whether objects at this place say by their type what their strings are.
    pub(crate) typed: fn(Place) -> bool,
}

fn grammar(dialect: Dialect) -> &'static Grammar {
    match dialect {
        Dialect::AnthropicMessages => &anthropic::texts::GRAMMAR,
        Dialect::OpenAiResponses => &openai_responses::texts::GRAMMAR,
        _ => &openai_chat::texts::GRAMMAR,
    }
}

struct Walk<'a, 'f> {
    grammar: &'static Grammar,
    text: &'a str,
    f: &'f mut dyn FnMut(Found<'_>),
}

/// Outside of all members.
const REQUEST: Stand = Stand {
    place: Place::Request,
    role: Role::Request,
    word: false,
    sort: Sort::Other,
};

/// Walks over the given members of a request in `text`, in their order.
pub(crate) fn walk(dialect: Dialect, text: &str, members: &[Member], f: &mut dyn FnMut(Found<'_>)) {
    let grammar = grammar(dialect);
    let mut walk = Walk { grammar, text, f };
    for member in members {
        let key = decode(text.get(member.key.clone()).unwrap_or_default());
        let mut cursor = Cursor::new(text, member.value.start);
        // The body was read whole before: a flaw cannot come up again.
        let stand = (grammar.below)(REQUEST, &key);
        let _ = walk.value(&mut cursor, &Path::ROOT.key(&key), stand);
    }
}

/// Walks over the one message that begins at byte `at` of a request's `text`.
pub(crate) fn walk_message(dialect: Dialect, text: &str, at: usize, f: &mut dyn FnMut(Found<'_>)) {
    let grammar = grammar(dialect);
    let mut walk = Walk { grammar, text, f };
    let stand = (grammar.below)(REQUEST, "messages");
    let _ = walk.value(
        &mut Cursor::new(text, at),
        &Path::ROOT.key("messages"),
        stand,
    );
}

impl Walk<'_, '_> {
    fn value(
        &mut self,
        cursor: &mut Cursor<'_>,
        path: &Path<'_>,
        stand: Stand,
    ) -> Result<(), Flaw> {
        match cursor.kind()? {
            Kind::String => {
                let span = cursor.skip()?;
                self.string(span, path, stand);
            }
            Kind::Object => self.object(cursor, path, stand)?,
            Kind::Array => {
                let word = stand.word && stand.place == Place::Link;
                let stand = Stand { word, ..stand };
                cursor.open_array()?;
                let mut index = 0;
                while cursor.item()? {
                    self.value(cursor, &path.index(index), stand)?;
                    index += 1;
                }
            }
            Kind::Number => {
                cursor.skip()?;
                if let Place::All(TextChannel::Input | TextChannel::Content) = stand.place {
                    (self.f)(Found::TokenId);
                }
            }
            Kind::Bool | Kind::Null => {
                cursor.skip()?;
            }
        }
        Ok(())
    }

    fn object(
        &mut self,
        cursor: &mut Cursor<'_>,
        path: &Path<'_>,
        stand: Stand,
    ) -> Result<(), Flaw> {
        let mut stand = Stand {
            word: false,
            ..stand
        };
        if matches!(stand.place, Place::Message | Place::Item) {
            stand.role = role_of(self.text, cursor.clone())?;
            (self.f)(Found::Message);
        }
        if (self.grammar.typed)(stand.place) {
            stand.sort = sort_of(self.text, cursor.clone())?;
        }
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let key = decode(self.text.get(key).unwrap_or_default());
            if let (Place::Part(_), Some(media)) = (stand.place, (self.grammar.media)(stand, &key))
            {
                (self.f)(Found::Media(media));
            }
            self.value(cursor, &path.key(&key), (self.grammar.below)(stand, &key))?;
        }
        Ok(())
    }

    fn string(&mut self, span: Range<usize>, path: &Path<'_>, stand: Stand) {
        if stand.word {
            return;
        }
        let text = decode(self.text.get(span.clone()).unwrap_or_default());
        let channel = match stand.place {
            Place::All(channel) | Place::Part(channel) | Place::Source(channel) => channel,
            Place::Link if is_binary(&text) => return,
            Place::Link => TextChannel::Url,
            Place::Schema => TextChannel::Schema,
            Place::Item => TextChannel::Content,
            Place::Request | Place::Message | Place::Call | Place::Function | Place::Marker => {
                TextChannel::Attribute
            }
        };
        let text = TextRef {
            path: *path,
            role: stand.role,
            channel,
            text,
        };
        (self.f)(Found::Text { text, span });
    }
}

/// Whether an address carries its content in base64.
fn is_binary(address: &str) -> bool {
    let head = address
        .as_bytes()
        .get(..address.len().min(128))
        .unwrap_or_default();
    head.starts_with(b"data:") && memchr::memmem::find(head, b";base64,").is_some()
}

/// The role of the message that starts at `cursor`; it may be named last.
fn role_of(text: &str, mut cursor: Cursor<'_>) -> Result<Role, Flaw> {
    let mut role = Role::User;
    cursor.open_object()?;
    while let Some(key) = cursor.key()? {
        let value = cursor.skip()?;
        let key = decode(text.get(key).unwrap_or_default());
        // Items of a Responses input that are no messages say by their type whose they are.
        if key == "type" {
            role = match &*decode(text.get(value.clone()).unwrap_or_default()) {
                "reasoning" => Role::Assistant,
                kind if kind.ends_with("_call") => Role::Assistant,
                kind if kind.ends_with("_output") => Role::Tool,
                _ => role,
            };
        }
        if key == "role" {
            return Ok(match &*decode(text.get(value).unwrap_or_default()) {
                "system" => Role::System,
                "developer" => Role::Developer,
                "assistant" => Role::Assistant,
                "tool" | "function" => Role::Tool,
                _ => Role::User,
            });
        }
    }
    Ok(role)
}

/// The type of the object that starts at `cursor`. Only plain members are gone
/// over for it: were whole objects, then each level of a deep nesting would be
/// read once more, and a body could cost many times its length. An object that
/// hides its type behind them counts as having none, and its strings are shown.
fn sort_of(text: &str, mut cursor: Cursor<'_>) -> Result<Sort, Flaw> {
    cursor.open_object()?;
    while let Some(key) = cursor.key()? {
        if matches!(cursor.kind()?, Kind::Object | Kind::Array) {
            break;
        }
        let value = cursor.skip()?;
        if decode(text.get(key).unwrap_or_default()) == "type" {
            return Ok(match &*decode(text.get(value).unwrap_or_default()) {
                "image" => Sort::Image,
                "document" => Sort::Document,
                "reasoning" => Sort::Thought,
                "base64" => Sort::Base64,
                _ => Sort::Other,
            });
        }
    }
    Ok(Sort::Other)
}
