//! Anthropic's Messages: the grammar of Claude and of the tools made for it.
//!
//! # Which strings of a request are texts
//! Every string is one, except machine words and binary data, as in
//! [OpenAI's dialect](super::openai_chat):
//!
//! | where | channel |
//! |---|---|
//! | `system`, `messages[].content`, as a string or as blocks; title, context and plain text of a document; citations | `Content` |
//! | content of a `tool_result`, of the provider's own tools too | `ToolResult`, role `Tool` |
//! | `thinking` blocks | `Reasoning` |
//! | names of tools and calls | `Name` |
//! | `input` of a call | `ToolArguments` |
//! | description of a tool | `ToolDescription` |
//! | every string inside `input_schema` and the schema of an output format | `Schema` |
//! | addresses of pictures, documents, search results | `Url` |
//! | any other: `metadata`, `stop_sequences`, parameters unknown here | `Attribute` |
//!
//! Not texts: `model`, roles, types, ids, media types, the members of
//! `cache_control`; base64 (`data` of a `base64` source, `signature`, `data` of
//! redacted thinking, encrypted content). Keys of objects are not texts.

pub(crate) mod balance;
pub(crate) mod closing;
pub(crate) mod decode;
pub(crate) mod emit;
pub(crate) mod lens;
pub(crate) mod lift;
mod lift_blocks;
pub(crate) mod lower;
pub(crate) mod opaque;
pub(crate) mod parts;
pub(crate) mod request;
pub(crate) mod texts;
pub(crate) mod unary;
pub(crate) mod usage;
pub(crate) mod wire;

pub use unary::count_tokens_body;
pub(crate) use unary::count_tokens_text;
