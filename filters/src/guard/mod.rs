//! Guards: what personal data, secrets and injections stand in a text, and how
//! they are kept from going on. Every scanner here is pure, sees text through a
//! [`Window`] and obeys its law, so that a text cut anywhere is judged like the
//! whole of it.
//!
//! | module | why it exists |
//! |---|---|
//! | [`finding`] | one thing that was found |
//! | [`window`] | a piece of a text that may go on |
//! | [`entity`] | the kinds of personal data, their names and packs |
//! | [`eval`] | how good they are, counted |
//! | [`fold`] | text as a reader sees it, without its disguise |
//! | [`hidden`] | text within text: base64, hex, escapes |
//! | [`pii`] | personal data by grammar, checksum and context |
//! | [`secrets`] | credentials by a table of families |
//! | [`injection`] | instructions that try to take over |

pub mod entity;
pub mod eval;
pub mod finding;
pub mod fold;
pub mod hidden;
pub mod injection;
pub mod pii;
pub mod secrets;
pub mod window;

pub use entity::Entity;
pub use finding::{Confidence, Finding, Kind};
pub use window::Window;
