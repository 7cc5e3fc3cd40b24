//! One thing that a scanner found. It says where and why, and never holds the
//! value itself, so that it can be logged.

use std::ops::Range;

use super::Entity;

/// What kind of thing it is; policies choose by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A credential.
    Secret,
    /// Personal data.
    Pii(Entity),
    /// An attempt to give the model other instructions.
    Injection,
    /// The word of the system prompt in an answer: the prompt leaks.
    Canary,
    /// A link of an answer that carries data out.
    Exfiltration,
    /// A term or pattern of the team's own, by its place in the policy's list.
    Own(u16),
}

/// How sure a scanner is, in percent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Confidence(pub u8);

impl Confidence {
    /// A shape that ordinary text may have by chance.
    pub const LOW: Confidence = Confidence(35);
    /// A shape that is rarely anything else.
    pub const MEDIUM: Confidence = Confidence(60);
    /// A shape with a word beside it that says what it is, or a strict grammar.
    pub const HIGH: Confidence = Confidence(85);
    /// A checksum holds, or the shape is one vendor's own.
    pub const CERTAIN: Confidence = Confidence(100);
}

/// One thing that was found in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// The rule that found it, such as `email` or `gitlab-pat`.
    pub rule: &'static str,
    /// Where it stands: bytes of the text that was scanned, at character boundaries.
    pub span: Range<usize>,
    /// How sure the rule is.
    pub confidence: Confidence,
}
