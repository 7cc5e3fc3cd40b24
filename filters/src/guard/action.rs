//! What is done with a thing that was found. Policies name these words; screens
//! carry them out.

use serde::{Deserialize, Serialize};

/// What is done with a finding, from the mildest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It is as if nothing had been found.
    Allow,
    /// It goes on and is written into the report.
    Log,
    /// A placeholder stands in its place, and the client gets the value back. In
    /// an answer the value is not the client's: there it is [`Mask`](Action::Mask).
    MaskReversible,
    /// The name of its kind stands in its place, such as `[EMAIL]`.
    Mask,
    /// A keyed hash stands in its place, such as `[EMAIL#4t2kq7m3c6ab]`.
    Hash,
    /// `[REDACTED]` stands in its place.
    Redact,
    /// The text does not go on.
    Block,
}

impl Action {
    /// The word for it in policies and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Action::Allow => "allow",
            Action::Log => "log",
            Action::MaskReversible => "mask_reversible",
            Action::Mask => "mask",
            Action::Hash => "hash",
            Action::Redact => "redact",
            Action::Block => "block",
        }
    }

    /// Whether the text is no longer what it was.
    #[must_use]
    pub fn changes_text(self) -> bool {
        !matches!(self, Action::Allow | Action::Log)
    }
}
