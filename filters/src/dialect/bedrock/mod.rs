//! Amazon Bedrock's Converse, spoken by providers only, and the bodies of its
//! embedding models. A stream is AWS's event stream ([`crate::eventstream`]): the
//! name of an event stands in its frame, and the answer is whole once `metadata`
//! has come after `messageStop`.
//!
//! | of Bedrock | for a client it is |
//! |---|---|
//! | `reasoningContent.reasoningText` with its `signature` | a thought and its seal, as of Anthropic: Claude takes them back from either side |
//! | `reasoningContent.redactedContent` | a hidden thought |
//! | `image` with its bytes | a picture |
//! | a block of a tool that runs at the provider, a kind unknown here | a part of its own: the block with its name as `type` |

pub(crate) mod decode;
pub(crate) mod embed;
mod embed_request;
pub(crate) mod failure;
pub(crate) mod lower;
pub(crate) mod lower_blocks;
mod opaque;
mod picture;
mod steps;
mod usage;

pub(crate) use embed_request::lower as lower_embeddings;
