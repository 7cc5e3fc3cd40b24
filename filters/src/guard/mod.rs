//! Guards: what personal data, secrets and injections stand in a text, and how
//! they are kept from going on. Every scanner here is pure, sees text through a
//! [`Window`] and obeys its law, so that a text cut anywhere is judged like the
//! whole of it.
//!
//! | module | why it exists |
//! |---|---|
//! | [`admission`] | which patterns of a team may come in |
//! | [`canary`] | a word of the prompt that no answer may hold |
//! | [`finding`] | one thing that was found |
//! | [`window`] | a piece of a text that may go on |
//! | [`entity`] | the kinds of personal data, their names and packs |
//! | [`links`] | links of an answer that carry data out |
//! | [`own`] | terms of the team's own |
//! | [`own_patterns`] | patterns of the team's own |
//! | [`pii`] | personal data by grammar, checksum and context |
//! | [`secrets`] | credentials by a table of families |
//! | [`injection`] | instructions that try to take over |

pub mod admission;
pub mod canary;
pub mod entity;
pub mod finding;
pub mod injection;
pub mod links;
pub mod own;
pub mod own_patterns;
pub mod pii;
pub mod secrets;
pub mod window;

pub use entity::Entity;
pub use finding::{Confidence, Finding, Kind};
pub use window::Window;
