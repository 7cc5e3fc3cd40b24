//! Google's `generateContent`, spoken by providers only. Every event of a stream
//! is a whole answer object that says what is new; the end of a stream is the
//! end of its bytes, after every candidate has given its reason.
//!
//! Thoughts carry seals (`thoughtSignature`) that must come back with the part
//! they stood on. They travel through a client of either grammar:
//!
//! | seal of | for a client it is |
//! |---|---|
//! | a thought | the signature of that thought, with [`SEAL`] before it |
//! | a text | a hidden thought (`redacted_thinking`, `reasoning.encrypted`), with [`SEAL`] before it |
//! | a call | the call's member `extra_content.google.thought_signature`, as Google's own OpenAI surface spells it |
//! | any other part | a member of the part, which travels whole |

pub(crate) mod decode;
pub(crate) mod embed;
pub(crate) mod lower;
mod part;
mod partial;
mod usage;

/// What stands before a seal of Gemini's, so that no other provider's is taken
/// for one.
pub(crate) const SEAL: &str = "gemini:";
