//! OpenAI's chat completions, embeddings and older completions: the grammar most
//! clients and most providers speak.
//!
//! # Which strings of a request are texts
//! Every string is one, except machine words and binary data. The channel, which
//! tells a filter what a text is for, follows from where it stands:
//!
//! | where | channel |
//! |---|---|
//! | `messages[].content`, as a string or as parts | `Content`; of a `tool` or `function` message `ToolResult` |
//! | `messages[].reasoning`, `reasoning_content`, `reasoning_details`, `thinking`; thinking parts | `Reasoning` |
//! | `messages[].refusal`, refusal parts | `Refusal` |
//! | `messages[].name`, names of functions, calls and files | `Name` |
//! | arguments of a call, as a string or as an object; input of a custom call | `ToolArguments` |
//! | description of a tool, a function or a response format | `ToolDescription` |
//! | every string inside a schema or a grammar | `Schema` |
//! | `prediction` | `Prediction` |
//! | `input` of embeddings | `Input` |
//! | `prompt` and `suffix` of older completions | `Content`, role `User` |
//! | addresses of pictures, sounds, files | `Url` |
//! | any other: `user`, `metadata`, `stop`, parameters unknown here | `Attribute` |
//!
//! Not texts: `model`, roles, types, ids, formats; base64 (`data`, `file_data`,
//! `signature`, `data:…;base64,` addresses). Keys of objects are not texts.

pub(crate) mod decode;
pub(crate) mod embeddings;
pub(crate) mod emit;
pub(crate) mod lens;
pub(crate) mod lift;
mod lift_thoughts;
mod lift_tools;
pub(crate) mod lower;
pub(crate) mod request;
pub(crate) mod texts;
pub(crate) mod unary;
pub(crate) mod usage;
pub(crate) mod wire;
