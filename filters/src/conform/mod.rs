//! What clients may count on, written down as rules: the streaming grammars and
//! the bodies that OpenAI and Anthropic publish. Any gateway or provider can be
//! held to them; `alfred conform` does so, and Alfred's own tests.
//!
//! The rules are independent of the writers in [`crate::dialect`]: they share no
//! code with them, read plain JSON, and know no Alfred. A rule has a name that
//! stays, such as `chat.role-first`, so that reports can be compared.

mod bodies;
mod chat;
mod findings;
mod frames;
mod messages;
mod others;
pub mod responses;

pub use bodies::Body;
pub use findings::Violation;

use chat::ChatStream;
use findings::Findings;
use frames::Payload;
use messages::MessageStream;

/// A streaming grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grammar {
    /// Chunks of OpenAI's chat completions. `usage` says whether the request asked
    /// for it (`stream_options.include_usage`).
    Chat {
        /// Usage was asked for.
        usage: bool,
    },
    /// Events of Anthropic's Messages.
    Messages,
    /// Events of OpenAI's Responses. To fail is part of this grammar, for
    /// [`responses::Checker`]; a stream that should have succeeded must not.
    Responses,
}

impl Grammar {
    /// Holds a whole successful stream to this grammar: the bytes of the body as
    /// they came. Empty when nothing is wrong; at most 100 violations are told.
    #[must_use]
    pub fn check(self, stream: &[u8]) -> Vec<Violation> {
        let mut findings = Findings::default();
        let events = frames::read(stream, &mut findings);
        match self {
            Self::Chat { usage } => {
                let mut checker = ChatStream::new(usage);
                for event in &events {
                    checker.take(event, &mut findings);
                }
                checker.finish(&mut findings);
            }
            Self::Messages => {
                let mut checker = MessageStream::default();
                for event in &events {
                    checker.take(event, &mut findings);
                }
                checker.finish(&mut findings);
            }
            Self::Responses => {
                let mut checker = responses::Checker::new();
                for event in &events {
                    let name = event.name.as_deref().unwrap_or_default();
                    if matches!(name, "error" | "response.failed") {
                        findings.go(format!("event {}", event.number));
                        findings.broken("responses.error", format!("the stream fails: {name}"));
                    }
                    let found = match &event.payload {
                        Payload::Object(payload) => checker.take(name, payload),
                        Payload::Done => checker.event(name, "[DONE]"),
                    };
                    findings.extend(found);
                }
                findings.extend(checker.finish());
            }
        }
        findings.all()
    }
}
