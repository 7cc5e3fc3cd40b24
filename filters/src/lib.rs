//! The pure and synchronous half of Alfred. It knows wire formats and no
//! networks: bytes come in, bytes and facts go out. No tokio, no Pingora, no
//! clock, no randomness, no I/O, so that all of it can be tested at any cut of
//! the input and measured in microseconds.
//!
//! | module | why it exists |
//! |---|---|
//! | [`prompt`] | the request: original bytes, the lenses on them |
//! | [`ask`] | the request in no dialect: what is asked, whoever asks |
//! | [`translate`] | a request of one dialect said in another |
//! | [`text`] | one text of a request or an answer, with place, role and channel |
//! | [`answer`] | the answer: streamed or whole, patched or written anew |
//! | [`sse`] | server-sent events, cut anywhere |
//! | [`event`] | one canonical step of an answer |
//! | [`error`] | what went wrong at a provider, in one shape |
//! | [`meter`] | counting tokens without a vocabulary |
//! | [`dialect`] | one file or folder per wire grammar |
//! | [`guard`] | personal data, secrets and injections in texts |
//! | [`conform`] | what clients may count on, as rules to hold anybody to |

pub mod answer;
pub mod ask;
pub mod conform;
pub mod dialect;
pub mod error;
pub mod estimate;
pub mod event;
pub mod eventstream;
pub(crate) mod framing;
pub mod guard;
pub(crate) mod json;
pub mod meter;
pub(crate) mod ndjson;
pub(crate) mod patch;
pub mod prompt;
pub(crate) mod reading;
pub(crate) mod splice;
pub mod sse;
pub mod text;
pub(crate) mod texts;
pub mod translate;
