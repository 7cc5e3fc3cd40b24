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
//! | [`fold`] | text as a reader sees it, without its disguise |
//! | [`policy`] | what a team wants looked for and done |
//! | [`action`] | what is done with a finding |
//! | [`vault`] | a request's placeholders and their values |
//! | [`unmask`] | finding placeholders, however they are spelt |
//! | [`report`] | what was found and done, without values |
//! | [`screen`] | one text on its way, cut anywhere |
//! | [`veil`] | the answer as the client gets it |
//! | [`eval`] | how good the guards are on rows of examples |
//! | [`pii`] | personal data by grammar, checksum and context |
//! | [`secrets`] | credentials by a table of families |
//! | [`injection`] | instructions that try to take over |

pub mod action;
pub mod entity;
pub mod eval;
pub mod finding;
pub mod fold;
pub mod injection;
pub mod pii;
pub mod policy;
pub mod report;
pub mod screen;
pub mod secrets;
pub mod unmask;
pub mod vault;
pub mod veil;
pub mod window;

pub use entity::Entity;
pub use finding::{Confidence, Finding, Kind};
pub use window::Window;
