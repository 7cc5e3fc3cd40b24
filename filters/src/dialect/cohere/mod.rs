//! Cohere's v2 chat and embeddings, spoken by providers only. A stream is server-sent
//! events whose payload names its kind; it is whole once `message-end` has come, and
//! the `[DONE]` after it proves nothing.
//!
//! | of Cohere | for a client it is |
//! |---|---|
//! | `tool_plan`: what the model says it is going to do before it calls tools | a thought, sealed with [`PLAN`] |
//! | a content of the type `thinking` | a thought, sealed with [`THOUGHT`] |
//! | `citations` | the sources of the text, as they are |
//!
//! The seals are Alfred's: Cohere takes both kinds of thought back as plain texts, but
//! at different places of the message.

pub(crate) mod decode;
pub(crate) mod embed;
mod logprobs;
pub(crate) mod lower;
pub(crate) mod usage;
mod wire;

/// What every seal begins with.
pub(crate) const SEAL: &str = "cohere:";
/// The seal of a plan.
pub(crate) const PLAN: &str = "cohere:tool_plan";
/// The seal of any other thought.
pub(crate) const THOUGHT: &str = "cohere:thinking";
