//! Anthropic's messages: the grammar of `POST /v1/messages`.

pub(crate) mod closing;
pub(crate) mod decode;
pub(crate) mod emit;
pub(crate) mod lens;
pub(crate) mod opaque;
pub(crate) mod parts;
pub(crate) mod unary;
pub(crate) mod usage;
pub(crate) mod wire;

pub use unary::count_tokens_body;
