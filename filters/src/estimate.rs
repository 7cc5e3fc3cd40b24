//! Guesses the tokens of a request before anybody has counted them: rates are
//! reserved and money is held on this number.

use crate::dialect::Dialect;
use crate::json::decode;
use crate::meter;
use crate::prompt::{Member, Surface};
use crate::text::TextChannel;
use crate::texts::{Found, Media, walk};

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

/// The tokens of the request with these members.
pub(crate) fn tokens(surface: Surface, text: &str, members: &[Member]) -> u64 {
    let dialect = surface.dialect();
    let rates = match dialect {
        Dialect::OpenAiChat => OPENAI,
        Dialect::AnthropicMessages => ANTHROPIC,
    };
    let mut tokens = match surface {
        Surface::Embeddings | Surface::Completions => 0,
        Surface::Chat | Surface::Messages | Surface::CountTokens => PER_PROMPT,
    };
    let raw = |span: &std::ops::Range<usize>| text.get(span.clone()).unwrap_or_default();
    for member in members {
        let name = decode(raw(&member.key));
        match &*name {
            "messages" | "input" | "prompt" | "suffix" | "system" => {
                walk(dialect, text, std::slice::from_ref(member), &mut |found| {
                    tokens += cost(&found, &rates);
                });
            }
            // The model reads these as written, keys included.
            "tools" | "functions" | "response_format" | "output_config" | "output_format" => {
                tokens += meter::count(raw(&member.value));
            }
            _ => {}
        }
        if &*name == "tools" && raw(&member.value).len() > 2 {
            tokens += rates.tools;
        }
    }
    tokens
}

fn cost(found: &Found<'_>, rates: &Rates) -> u64 {
    match found {
        Found::Message => PER_MESSAGE,
        Found::TokenId => 1,
        Found::Media(Media::Image) => rates.image,
        Found::Media(Media::Audio) => PER_AUDIO,
        Found::Media(Media::File) => rates.file,
        Found::Text { text, .. } => match text.channel {
            TextChannel::Url | TextChannel::Attribute => 0,
            _ => meter::count(&text.text),
        },
    }
}
