//! Ollama's own API (`/api/chat`, `/api/embed`), spoken by providers only. A stream
//! is one JSON object a line, each with what is new; the last one says `done` and
//! why, and what it cost. A call of a tool comes whole, its arguments as an object,
//! and mostly without an id. A failure in the middle is a line `{"error":…}`.

pub(crate) mod decode;
pub(crate) mod embed;
pub(crate) mod lower;
mod moment;
mod usage;
