//! What the fuzz targets share. An input is a line of choices (who asks, how the
//! bytes are cut) and, after it, the bytes themselves, so that seeds can be written
//! by hand.

pub mod aws;
pub mod decoder;
pub mod guard;

use alfred_filters::answer::{Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use serde::de::IgnoredAny;

/// Every dialect that a provider can speak.
pub fn dialects() -> impl Iterator<Item = Dialect> {
    Dialect::TABLE.iter().map(|(_, dialect)| *dialect)
}

/// The first line of an input.
#[derive(Clone, Copy)]
pub struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    /// The choices of an input, and what follows them.
    pub fn split(input: &'a [u8]) -> (Choices<'a>, &'a [u8]) {
        match input.iter().position(|byte| *byte == b'\n') {
            Some(end) => (Choices(&input[..end]), &input[end + 1..]),
            None => (Choices(&[]), input),
        }
    }

    /// Choice number `place`, one of so many.
    pub fn pick(self, place: usize, of: usize) -> usize {
        usize::from(self.0.get(place).copied().unwrap_or(0)) % of
    }

    /// The sizes of the pieces in which the bytes come; the last one is repeated.
    pub fn sizes(self) -> Vec<usize> {
        let rest = self.0.get(4..).unwrap_or(&[]);
        let sizes = rest.iter().map(|byte| 1 + usize::from(*byte) % 64);
        let sizes: Vec<usize> = sizes.collect();
        if sizes.is_empty() { vec![7] } else { sizes }
    }

    /// Who asked, and how.
    pub fn plan(self, from: Dialect) -> StreamPlan {
        let (to, surface) = [
            (Dialect::OpenAiChat, Surface::Chat),
            (Dialect::AnthropicMessages, Surface::Messages),
            (Dialect::OpenAiResponses, Surface::Responses),
        ][self.pick(0, 3)];
        StreamPlan {
            from,
            to,
            surface,
            fidelity: [Fidelity::Canonical, Fidelity::Lens][self.pick(1, 2)],
            show_usage: self.pick(2, 2) == 0,
            model: "m".to_owned(),
            id: "chatcmpl-1".to_owned(),
            created: 1,
            choices: 1,
            input_estimate: 9,
        }
    }
}

/// Whether these bytes are one JSON value.
pub fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// What may be written for so many bytes: a grammar repeats itself, but nothing may
/// grow faster than what came.
pub fn most(bytes: usize) -> usize {
    16_384 + 400 * bytes
}
