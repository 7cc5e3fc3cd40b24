//! The last station of an answer: it works on the bytes that are about to be sent
//! to the client, in the client's own grammar, so that one place guards the
//! answers of all providers, those that pass byte by byte included. Every text of
//! the answer goes through a [`Screen`](super::screen::Screen); what is found is
//! taken out, placeholders of the request become values again.
//!
//! | module | why it exists |
//! |---|---|
//! | `walk` | finds the texts of a payload, whatever the grammar |
//! | `chat`, `messages`, `responses` | where texts stand, when they end, and how a held rest is said |
//! | `mold` | events that are like the one before are not read again |
//! | `texts` | the texts that grow over the events of a stream |
//! | `stream` | the events of a stream, one after the other |
//! | `body` | whole answers, and the last words of one that was blocked |
//!
//! Everything that goes to the client passes here, Alfred's own events too: an
//! error's event makes the veil say first what it still holds. Where a stream ends
//! without one, [`VeilStream::finish`] does. When a text is blocked, what Alfred
//! writes then goes through [`VeilStream::last_words`].
//!
//! What is *not* screened: ids, types, models, reasons, names of calls, seals,
//! encrypted and binary data, and comments, which are Alfred's own. A member that
//! nobody here knows is screened as a text of its own.
//!
//! Bytes without anything to change pass as they are. Log probabilities spell the
//! text once more, token by token: they go once a text of their choice was
//! altered or held back.

mod body;
mod chat;
mod messages;
mod mold;
mod responses;
mod stream;
mod texts;
mod walk;

pub use body::veil_body;
pub use stream::VeilStream;

use crate::prompt::Surface;

use super::screen::Desk;

/// The grammar of a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    /// Chat completions and the older completions.
    Chat,
    Messages,
    Responses,
}

impl Grammar {
    /// None where answers hold no texts.
    fn of(surface: Surface) -> Option<Grammar> {
        match surface {
            Surface::Chat | Surface::Completions => Some(Grammar::Chat),
            Surface::Messages => Some(Grammar::Messages),
            Surface::Responses => Some(Grammar::Responses),
            Surface::Embeddings | Surface::CountTokens => None,
        }
    }

    /// Where the member of that name stands, of an object that stands there.
    fn below(self, place: walk::Place, key: &str) -> walk::Place {
        match self {
            Grammar::Chat => chat::below(place, key),
            Grammar::Messages => messages::below(place, key),
            Grammar::Responses => responses::below(place, key),
        }
    }

    /// What stands in the place of log probabilities.
    fn no_logprobs(self) -> &'static str {
        match self {
            Grammar::Responses => "[]",
            Grammar::Chat | Grammar::Messages => "null",
        }
    }
}

/// Whether nobody looks for anything and nothing can come back: this never changes
/// while an answer goes out.
#[must_use]
pub fn is_idle(desk: &Desk<'_>) -> bool {
    desk.policy.scanners().is_empty() && desk.vault.is_empty()
}
