//! OpenAI's Responses: the newer of OpenAI's two grammars. Alfred speaks it
//! without a memory: it keeps no responses, so a conversation comes whole with
//! every request. Where a provider serves it natively, bodies and events pass
//! byte by byte; elsewhere a request is lifted and an answer written anew.
//!
//! # Which strings of a request are texts
//! Every string is one, except machine words and binary data, as in
//! [the chat dialect](super::openai_chat):
//!
//! | where | channel |
//! |---|---|
//! | `input` as a string, `content` of a message, as a string or in parts | `Content` |
//! | `instructions` | `Content`, role `System` |
//! | `output` of a call of any tool | `ToolResult`, role `Tool` |
//! | `summary` and content of reasoning | `Reasoning` |
//! | `refusal` | `Refusal` |
//! | names of tools, calls and files | `Name` |
//! | `arguments`, `input`, `action`, `code`, `queries` of a call | `ToolArguments` |
//! | description of a tool or a form of the answer | `ToolDescription` |
//! | every string inside `parameters`, `schema` and a grammar | `Schema` |
//! | addresses of pictures and files | `Url` |
//! | any other: `user`, `metadata`, `prompt`, parameters unknown here | `Attribute` |
//!
//! Not texts: `model`, roles, types, ids, states, base64, `encrypted_content`.
//! Keys of objects are not texts.

pub(crate) mod decode;
pub(crate) mod echo;
pub(crate) mod emit;
mod grow;
mod items;
pub(crate) mod lens;
pub(crate) mod lift;
mod lift_items;
mod lift_tools;
mod object;
pub(crate) mod request;
pub(crate) mod seals;
pub(crate) mod texts;

pub use echo::Echo;

/// Before a provider's seal on a thought, in `encrypted_content`: seals of OpenAI
/// itself have no such word, and must not be taken for those of others.
pub(crate) const SEAL: &str = "alfred.seal.";
/// Before a thought that only its provider can read, at the same place.
pub(crate) const HIDDEN: &str = "alfred.hidden.";
