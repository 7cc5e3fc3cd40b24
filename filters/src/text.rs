//! One text inside a request or an answer: where it stands, who wrote it and
//! what it is for. Guards, the cache and the estimator all read texts through
//! this one view, so that none of them has to know a wire format.

use std::borrow::Cow;
use std::fmt;

/// Who wrote a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The operator of the conversation, in the older spelling.
    System,
    /// The operator of the conversation, in the newer spelling.
    Developer,
    /// The person who asks.
    User,
    /// The model: its answers, and earlier turns sent back as history.
    Assistant,
    /// A tool that answered a call (`tool`, and the older `function`).
    Tool,
    /// No message at all: a member of the request itself, such as `tools`.
    Request,
}

/// What a text is for. Filters choose by it: a guard may mask [`Content`] and
/// [`ToolResult`] but must not touch a [`Name`] that a tool call refers to.
///
/// [`Content`]: TextChannel::Content
/// [`ToolResult`]: TextChannel::ToolResult
/// [`Name`]: TextChannel::Name
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextChannel {
    /// What a participant says: string content and text parts.
    Content,
    /// Thoughts of the model, in an answer or sent back as history.
    Reasoning,
    /// The model's own words when it refuses.
    Refusal,
    /// The name of a participant, a function or a file. Other parts of the
    /// request may refer to it: rewrite it everywhere or not at all.
    Name,
    /// Arguments of a tool call; nearly always JSON text inside the string.
    ToolArguments,
    /// What a tool answered.
    ToolResult,
    /// The description of a tool, a function or a response format.
    ToolDescription,
    /// A string inside a JSON Schema: descriptions, titles, examples, enums.
    Schema,
    /// The predicted answer (`prediction`).
    Prediction,
    /// A text to embed.
    Input,
    /// An address of a picture, file or page; `data:` addresses are not texts.
    Url,
    /// Any other string: `user`, `metadata`, `stop` and parameters unknown here.
    Attribute,
}

/// Where a text stands, as a chain of borrowed steps: nothing is allocated
/// unless somebody renders it. `Display` writes an RFC 6901 JSON pointer such
/// as `/messages/0/content/1/text`.
#[derive(Clone, Copy)]
pub struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The whole document.
    pub const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    /// The member `key` of the object at this path.
    #[must_use]
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The element `index`, counted from 0, of the array at this path.
    #[must_use]
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path {
            parent: Some(self),
            step: Step::Index(index),
        }
    }
}

impl Path<'_> {
    /// As OpenAI names a field: `messages[0].content[1].type`.
    pub(crate) fn dotted(&self) -> String {
        let mut name = self.parent.map(Path::dotted).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Index(index) => name.push_str(&format!("[{index}]")),
            Step::Key(key) => {
                if !name.is_empty() {
                    name.push('.');
                }
                name.extend(key.chars().take(64));
            }
        }
        name
    }

    /// As a JSON pointer that may be logged: a key that is no plain, short word may be
    /// a client's value, and stands as `*`.
    pub(crate) fn guarded(&self) -> String {
        let mut name = self.parent.map(Path::guarded).unwrap_or_default();
        match self.step {
            Step::Root => {}
            Step::Index(index) => name.push_str(&format!("/{index}")),
            Step::Key(key) => {
                let is_word = key.len() <= 24
                    && key
                        .bytes()
                        .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
                name.push('/');
                name.push_str(if is_word { key } else { "*" });
            }
        }
        name
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Index(index) => write!(f, "/{index}"),
            Step::Key(key) => write!(f, "/{}", key.replace('~', "~0").replace('/', "~1")),
        }
    }
}

impl fmt::Debug for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One text with its surroundings.
///
/// It has no `Debug` on purpose: texts are bodies, and bodies never reach a log
/// by accident.
#[derive(Clone)]
pub struct TextRef<'a> {
    /// Where it stands in the body.
    pub path: Path<'a>,
    /// Who wrote it.
    pub role: Role,
    /// What it is for.
    pub channel: TextChannel,
    /// The text itself, unescaped. A lone UTF-16 surrogate, which JSON can
    /// spell and UTF-8 cannot, reads as U+FFFD.
    pub text: Cow<'a, str>,
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn a_path_is_written_as_a_json_pointer() {
        let messages = Path::ROOT.key("messages");
        let first = messages.index(0);
        assert_eq!(first.key("content").to_string(), "/messages/0/content");
        assert_eq!(Path::ROOT.to_string(), "");
    }

    #[test]
    fn a_path_is_written_as_openai_names_fields() {
        let messages = Path::ROOT.key("messages");
        let first = messages.index(0);
        assert_eq!(first.key("content").dotted(), "messages[0].content");
    }

    #[test]
    fn a_path_that_is_logged_tells_no_key_of_a_clients_own() {
        let metadata = Path::ROOT.key("metadata");
        let first = metadata.index(0);
        assert_eq!(first.key("user_id").guarded(), "/metadata/0/user_id");
        assert_eq!(first.key("ann@example.org").guarded(), "/metadata/0/*");
        assert_eq!(first.key("0123").guarded(), "/metadata/0/*");
    }

    #[test]
    fn slashes_and_tildes_in_a_key_are_escaped() {
        assert_eq!(Path::ROOT.key("a/b~c").to_string(), "/a~1b~0c");
    }
}
