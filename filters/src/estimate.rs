//! Guesses the tokens of a request before anybody has counted them: rates are
//! reserved and money is held on this number.

use crate::dialect::Dialect;
use crate::json::{Cursor, Kind, decode};
use crate::meter;
use crate::prompt::{Member, Surface};
use crate::text::TextChannel;
use crate::texts::{Found, Media, walk, walk_message};

/// What the chat template puts around each message.
const PER_MESSAGE: u64 = 4;
/// What the chat template puts before the answer.
const PER_PROMPT: u64 = 3;
/// Half a minute of speech.
const PER_AUDIO: u64 = 300;

/// What a dialect's providers count for things that are no text.
struct Rates {
    image: u64,
    file: u64,
    /// What the provider itself says about tools before the first of them.
    tools: u64,
}

/// A picture of 1024 x 1024 in high detail, and a file of about three pages.
const OPENAI: Rates = Rates {
    image: 765,
    file: 2000,
    tools: 0,
};
/// The same picture is a token per 750 pixels, and each page counts as a text
/// and as a picture.
const ANTHROPIC: Rates = Rates {
    image: 1400,
    file: 6000,
    tools: 346,
};

/// How a request is counted.
struct Scale<'c> {
    rates: Rates,
    /// The tokens of a text.
    count: &'c dyn Fn(&str) -> u64,
}

/// What was counted of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The tokens.
    pub tokens: u64,
    /// Whether something was in it that is no text, or that the model reads in words
    /// which are not the client's.
    pub is_guess: bool,
}

/// The tokens of the request with these members, as its own dialect's providers
/// count them, guessed.
pub(crate) fn tokens(surface: Surface, text: &str, members: &[Member]) -> u64 {
    let scale = Scale {
        rates: match surface.dialect() {
            Dialect::AnthropicMessages => ANTHROPIC,
            _ => OPENAI,
        },
        count: &meter::count,
    };
    counted(surface, text, members, &scale).tokens
}

/// The same as an OpenAI model counts them, whose vocabulary is `count`.
pub(crate) fn at_openai(
    surface: Surface,
    text: &str,
    members: &[Member],
    count: &dyn Fn(&str) -> u64,
) -> Count {
    let scale = Scale {
        rates: OPENAI,
        count,
    };
    counted(surface, text, members, &scale)
}

fn counted(surface: Surface, text: &str, members: &[Member], scale: &Scale<'_>) -> Count {
    let dialect = surface.dialect();
    let mut sum = Count {
        tokens: match surface {
            Surface::Embeddings | Surface::Completions => 0,
            Surface::Chat | Surface::Messages | Surface::CountTokens | Surface::Responses => {
                PER_PROMPT
            }
        },
        is_guess: false,
    };
    let raw = |span: &std::ops::Range<usize>| text.get(span.clone()).unwrap_or_default();
    for member in members {
        let name = decode(raw(&member.key));
        match &*name {
            "messages" => messages(dialect, text, member, (scale, &mut sum)),
            "input" | "prompt" | "suffix" | "system" | "instructions" => {
                walk(dialect, text, std::slice::from_ref(member), &mut |found| {
                    add(&found, scale, &mut sum);
                });
            }
            // The model reads these as written, keys included.
            "tools" | "functions" | "response_format" | "output_config" | "output_format"
            | "text" => {
                sum.tokens += (scale.count)(raw(&member.value));
                sum.is_guess = true;
            }
            _ => {}
        }
        if &*name == "tools" && raw(&member.value).len() > 2 {
            sum.tokens += scale.rates.tools;
        }
    }
    sum
}

/// Adds the tokens of the messages. Nearly every message is a role and a string, and
/// is counted without the walk that knows all the others.
fn messages(dialect: Dialect, text: &str, member: &Member, to: (&Scale<'_>, &mut Count)) {
    let (scale, sum) = to;
    let mut cursor = Cursor::new(text, member.value.start);
    // The body was read whole before: a flaw cannot come up again.
    if cursor.open_array().is_err() {
        return;
    }
    while let Ok(true) = cursor.item() {
        let at = cursor.at();
        let mut ahead = cursor.clone();
        if let Some(plain) = plain_message(&mut ahead, text, scale) {
            sum.tokens += PER_MESSAGE + plain;
            cursor = ahead;
            continue;
        }
        walk_message(dialect, text, at, &mut |found| add(&found, scale, sum));
        if cursor.skip().is_err() {
            break;
        }
    }
}

/// The tokens of a message that is a role and a string; none for any other.
fn plain_message(cursor: &mut Cursor<'_>, text: &str, scale: &Scale<'_>) -> Option<u64> {
    let mut tokens = 0;
    if cursor.kind().ok()? != Kind::Object {
        return None;
    }
    cursor.open_object().ok()?;
    while let Some(key) = cursor.key().ok()? {
        if cursor.kind().ok()? != Kind::String {
            return None;
        }
        let value = cursor.skip().ok()?;
        match text.get(key)? {
            "\"role\"" => {}
            "\"content\"" => tokens += (scale.count)(&decode(text.get(value)?)),
            _ => return None,
        }
    }
    Some(tokens)
}

fn add(found: &Found<'_>, scale: &Scale<'_>, sum: &mut Count) {
    sum.is_guess |= matches!(found, Found::Media(_));
    sum.tokens += match found {
        Found::Message => PER_MESSAGE,
        Found::TokenId => 1,
        Found::Media(Media::Image) => scale.rates.image,
        Found::Media(Media::Audio) => PER_AUDIO,
        Found::Media(Media::File) => scale.rates.file,
        Found::Text { text, .. } => match text.channel {
            TextChannel::Url | TextChannel::Attribute => 0,
            _ => (scale.count)(&text.text),
        },
    };
}
