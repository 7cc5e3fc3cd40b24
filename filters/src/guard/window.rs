//! The law that makes streams safe. A scanner is shown a window of a text that
//! may go on, says up to which byte it has decided, and reports what it found
//! before that. It must obey:
//!
//! 1. **Cuts do not matter.** Windows over a growing text, each beginning its new
//!    part where the one before had decided, give together the findings of one
//!    window over the whole text with `last` set.
//! 2. **Left context is short.** Nothing that stands more than [`LEFT_CONTEXT`]
//!    bytes before the start of a finding changes it; nothing that follows its
//!    token changes it (a cluster of tokens, such as `4111 1111 1111 1111`, counts
//!    as one).
//! 3. **Little is held.** `window.text.len() - decided` is at most [`HOLD`] while
//!    no candidate is open, and at most [`OPEN`] in any case.

/// How far back a scanner may look from where a finding begins, in bytes.
pub const LEFT_CONTEXT: usize = 192;

/// The most that is held of a text without candidates, in bytes: an unfinished token.
pub const HOLD: usize = 64;

/// The longest candidate, in bytes. A run that is longer is cut into pieces of
/// this length, each judged on its own.
pub const OPEN: usize = 16 * 1024;

/// A piece of a text.
#[derive(Clone, Copy, Debug)]
pub struct Window<'a> {
    /// Context that was decided before, then what is new.
    pub text: &'a str,
    /// Where the new begins, in bytes; findings begin here or later. When it is
    /// not 0 and the text's own beginning was cut off, at least [`LEFT_CONTEXT`]
    /// bytes stand before it.
    pub from: usize,
    /// Nothing follows: all of it is to be decided.
    pub last: bool,
}

impl<'a> Window<'a> {
    /// A text that is known as a whole.
    #[must_use]
    pub fn whole(text: &'a str) -> Window<'a> {
        Window {
            text,
            from: 0,
            last: true,
        }
    }
}
