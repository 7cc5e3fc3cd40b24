//! Guesses the tokens of a request before anybody has counted them: rates are
//! reserved and money is held on this number.

use crate::json::decode;
use crate::meter;
use crate::prompt::{Member, Surface};
use crate::text::TextChannel;

use super::texts::{Found, Media, walk};

/// What the chat template puts around each message.
const PER_MESSAGE: u64 = 4;
/// What the chat template puts before the answer.
const PER_PROMPT: u64 = 3;
/// One picture of 1024 x 1024 in high detail at OpenAI.
const PER_IMAGE: u64 = 765;
/// Half a minute of speech.
const PER_AUDIO: u64 = 300;
/// A file of about three pages.
const PER_FILE: u64 = 2000;

/// The tokens of the request with these members.
pub(crate) fn tokens(surface: Surface, text: &str, members: &[Member]) -> u64 {
    let mut tokens = match surface {
        Surface::Chat => PER_PROMPT,
        _ => 0,
    };
    let raw = |span: &std::ops::Range<usize>| text.get(span.clone()).unwrap_or_default();
    for member in members {
        match &*decode(raw(&member.key)) {
            "messages" | "input" => {
                walk(text, std::slice::from_ref(member), &mut |found| {
                    tokens += cost(&found);
                });
            }
            // The model reads these as written, keys included.
            "tools" | "functions" | "response_format" => tokens += meter::count(raw(&member.value)),
            _ => {}
        }
    }
    tokens
}

fn cost(found: &Found<'_>) -> u64 {
    match found {
        Found::Message => PER_MESSAGE,
        Found::TokenId => 1,
        Found::Media(Media::Image) => PER_IMAGE,
        Found::Media(Media::Audio) => PER_AUDIO,
        Found::Media(Media::File) => PER_FILE,
        Found::Text { text, .. } => match text.channel {
            TextChannel::Url | TextChannel::Attribute => 0,
            _ => meter::count(&text.text),
        },
    }
}
