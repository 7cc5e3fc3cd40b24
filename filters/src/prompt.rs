//! The request as it came, and the lenses on it. The original bytes stay; what
//! must differ upstream is spliced in, so that unknown fields, key order and
//! white space survive (providers' prompt caches depend on them) and a body of
//! 20 MB costs one pass to read and one copy to change.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::Bytes;

use crate::ask::Ask;
use crate::dialect::{Dialect, anthropic, openai_chat, openai_responses};
use crate::estimate::{self, Count};
use crate::json::{Cursor, Flaw, decode, quoted};
use crate::patch;
use crate::reading::{self, Facts};
use crate::splice::Splices;
use crate::text::TextRef;
use crate::texts::{Found, walk};

/// Which door the request came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Surface {
    /// `POST /v1/chat/completions`
    Chat,
    /// `POST /v1/embeddings`
    Embeddings,
    /// `POST /v1/completions`, OpenAI's older form
    Completions,
    /// `POST /v1/messages`
    Messages,
    /// `POST /v1/messages/count_tokens`
    CountTokens,
    /// `POST /v1/responses`
    Responses,
}

impl Surface {
    /// The grammar that is spoken at this door.
    #[must_use]
    pub fn dialect(self) -> Dialect {
        match self {
            Surface::Chat | Surface::Embeddings | Surface::Completions => Dialect::OpenAiChat,
            Surface::Messages | Surface::CountTokens => Dialect::AnthropicMessages,
            Surface::Responses => Dialect::OpenAiResponses,
        }
    }
}

/// Why a body is not a request. Answer it with 400 and
/// `type: invalid_request_error`. It names fields and places, never contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ReadError {
    /// What is wrong, where, and what to do.
    pub message: String,
    /// The field to blame, as OpenAI writes it: `messages[0].role`.
    pub param: Option<String>,
    /// OpenAI's code for it, such as `invalid_type`.
    pub code: &'static str,
}

/// What must differ in the body that goes to one provider.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestPatch<'a> {
    /// The model name as the provider knows it; empty: leave the client's.
    pub model: &'a str,
    /// Have a stream report its usage: `stream_options.include_usage` becomes
    /// true, other options stay. Without effect unless the request streams in
    /// OpenAI's dialect; Anthropic's streams report unasked.
    pub ask_usage: bool,
    /// Top-level members to set: name and raw JSON. Wins over the other lists.
    pub set: &'a [(&'a str, &'a str)],
    /// Top-level members to leave out.
    pub remove: &'a [&'a str],
    /// Top-level members to rename, from and to. Where the new name is already
    /// there, that one stands and the old one is left out.
    pub rename: &'a [(&'a str, &'a str)],
    /// The provider knows no role `developer`: those messages become `system`.
    pub plain_roles: bool,
}

/// One member of the body's outermost object.
#[derive(Clone)]
pub(crate) struct Member {
    /// Span of the key, quotes included.
    pub(crate) key: Range<usize>,
    /// Span of the value.
    pub(crate) value: Range<usize>,
}

/// A request: its original bytes, where its members stand, and the few facts
/// every station needs.
#[derive(Clone)]
pub struct Prompt {
    surface: Surface,
    body: Bytes,
    members: Vec<Member>,
    facts: Facts,
}

impl Prompt {
    /// Reads a body in one pass and checks what every provider would refuse.
    ///
    /// # Errors
    /// The body is not UTF-8, not JSON, not an object, nested deeper than 128,
    /// names a member twice, or a known member is missing or of the wrong shape.
    pub fn read(surface: Surface, body: Bytes) -> Result<Prompt, ReadError> {
        let (members, facts) = reading::read(surface, &body)?;
        Ok(Prompt {
            surface,
            body,
            members,
            facts,
        })
    }

    /// The door the request came through.
    #[must_use]
    pub fn surface(&self) -> Surface {
        self.surface
    }

    /// The model name as the client wrote it.
    #[must_use]
    pub fn model(&self) -> &str {
        &self.facts.model
    }

    /// Whether the client wants the answer as a stream.
    #[must_use]
    pub fn stream(&self) -> bool {
        self.facts.stream
    }

    /// Whether the client itself asked for the usage of a stream. Streams of
    /// Anthropic's dialect and of Responses always show it.
    #[must_use]
    pub fn wants_usage(&self) -> bool {
        self.facts.wants_usage
    }

    /// The client's limit on the answer in tokens, in either spelling.
    #[must_use]
    pub fn max_output(&self) -> Option<u64> {
        self.facts.max_output
    }

    /// How many answers are asked for (`n`), 1 to 128.
    #[must_use]
    pub fn choices(&self) -> u32 {
        self.facts.choices
    }

    /// Length of the body in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.body.len()
    }

    /// Never: the smallest request still names its model.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.body.is_empty()
    }

    /// The body as it stands, rewritten texts included.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The top-level members in the client's order: name and raw JSON.
    pub fn members(&self) -> impl Iterator<Item = (Cow<'_, str>, &str)> {
        let text = self.text();
        self.members.iter().filter_map(move |member| {
            let key = decode(text.get(member.key.clone())?);
            Some((key, text.get(member.value.clone())?))
        })
    }

    /// The same request without that top-level member.
    ///
    /// # Errors
    /// Without it, it is no request any more.
    pub fn without(&self, name: &str) -> Result<Prompt, ReadError> {
        let patch = RequestPatch {
            remove: &[name],
            ..RequestPatch::default()
        };
        Prompt::read(self.surface, self.render(&patch))
    }

    /// The raw JSON of one top-level member.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<&str> {
        self.members()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// Shows every string that a person or a program wrote, in the order of the
    /// body. Which strings those are, and in which channel: see the tables in
    /// [`crate::dialect::openai_chat`], [`crate::dialect::anthropic`] and
    /// [`crate::dialect::openai_responses`].
    pub fn visit_texts(&self, f: &mut dyn FnMut(TextRef<'_>)) {
        walk(
            self.surface.dialect(),
            self.text(),
            &self.members,
            &mut |found| {
                if let Found::Text { text, .. } = found {
                    f(text);
                }
            },
        );
    }

    /// Shows the same texts and replaces those for which `f` gives another one.
    /// Only their spans change in the body. Returns how many were replaced.
    pub fn rewrite_texts(&mut self, f: &mut dyn FnMut(TextRef<'_>) -> Option<String>) -> usize {
        let mut splices = Splices::default();
        walk(
            self.surface.dialect(),
            self.text(),
            &self.members,
            &mut |found| {
                if let Found::Text { text, span } = found
                    && let Some(new) = f(text)
                {
                    splices.push(span, quoted(&new));
                }
            },
        );
        if let Some(text) = splices.apply(self.text()) {
            self.members = members(&text).unwrap_or_default();
            self.body = Bytes::from(text);
        }
        splices.len()
    }

    /// A guess at the prompt's tokens as the provider will count them. Token ids
    /// of an embeddings input or an older prompt count exactly, everything else by
    /// [`crate::meter`] and a few constants per dialect.
    #[must_use]
    pub fn estimate_input_tokens(&self) -> u64 {
        estimate::tokens(self.surface, self.text(), &self.members)
    }

    /// The prompt's tokens as an OpenAI model counts them, in whose vocabulary `count`
    /// tells the tokens of a text. What is no text is guessed.
    #[must_use]
    pub fn count_input_tokens(&self, count: &dyn Fn(&str) -> u64) -> Count {
        estimate::at_openai(self.surface, self.text(), &self.members, count)
    }

    /// The body for one provider. With nothing to change it is the original
    /// buffer, not a copy. In Responses, thoughts that other providers sealed are
    /// left out.
    #[must_use]
    pub fn render(&self, patch: &RequestPatch<'_>) -> Bytes {
        let foreign = (self.surface == Surface::Responses)
            .then(|| openai_responses::seals::without_foreign(self.member("input")?));
        if let Some(input) = foreign.flatten() {
            let mut set = vec![("input", input.as_str())];
            set.extend(patch.set);
            let patch = RequestPatch {
                set: &set,
                ..*patch
            };
            return patch::apply(&self.body, &self.members, false, &patch);
        }
        patch::apply(&self.body, &self.members, self.reports_on_request(), patch)
    }

    /// The request in no dialect, borrowed from the body; of conversations only.
    ///
    /// # Errors
    /// A known member has the wrong shape, or the surface holds no conversation.
    pub fn ask(&self) -> Result<Ask<'_>, ReadError> {
        let text = self.text();
        let lifted = match self.surface {
            Surface::Chat => openai_chat::lift::lift(text),
            Surface::Messages | Surface::CountTokens => anthropic::lift::lift(text),
            Surface::Responses => openai_responses::lift::lift(text),
            Surface::Embeddings | Surface::Completions => {
                return Err(ReadError {
                    message: "This request is no conversation: it cannot be said in another \
                              dialect. Ask a model whose provider has this endpoint."
                        .to_owned(),
                    param: Some("model".to_owned()),
                    code: "unsupported_parameter",
                });
            }
        };
        lifted.map_err(|stop| stop.into_error(text))
    }

    /// Whether this request streams in a dialect that reports usage only if asked.
    fn reports_on_request(&self) -> bool {
        self.facts.stream && self.surface.dialect() == Dialect::OpenAiChat
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }
}

/// Where the members of a body stand that is known to be a JSON object.
pub(crate) fn members(text: &str) -> Result<Vec<Member>, Flaw> {
    let mut cursor = Cursor::new(text, 0);
    let mut members = Vec::with_capacity(16);
    cursor.open_object()?;
    while let Some(key) = cursor.key()? {
        members.push(Member {
            key,
            value: cursor.skip()?,
        });
    }
    Ok(members)
}

impl fmt::Debug for Prompt {
    /// Facts only: bodies never reach a log by accident.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prompt")
            .field("surface", &self.surface)
            .field("len", &self.body.len())
            .field("facts", &self.facts)
            .finish_non_exhaustive()
    }
}
