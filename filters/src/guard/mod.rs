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
//! | [`per_byte`] | tables of what each byte is |
//! | [`entity`] | the kinds of personal data, their names and packs |
//! | [`fold`] | text as a reader sees it, without its disguise |
//! | [`policy`] | what a team wants looked for and done |
//! | [`action`] | what is done with a finding |
//! | [`vault`] | a request's placeholders and their values |
//! | [`unmask`] | finding placeholders, however they are spelt |
//! | [`report`] | what was found and done, without values |
//! | [`request`] | all texts of a request on their way |
//! | [`screen`] | one text on its way, cut anywhere |
//! | [`judging`] | a request before the judge of injections |
//! | [`links`] | links of an answer that carry data out |
//! | [`own`] | terms of the team's own |
//! | [`own_patterns`] | patterns of the team's own |
//! | [`told`] | values that somebody else has found |
//! | [`eval`] | how good the guards are on rows of examples |
//! | [`veil`] | the answer as the client gets it |
//! | [`encoded`] | what hides in encoded runs, for every scanner |
//! | [`hidden`] | text within text: base64, hex, escapes |
//! | [`pii`] | personal data by grammar, checksum and context |
//! | [`secrets`] | credentials by a table of families |
//! | [`injection`] | instructions that try to take over |

pub mod action;
pub mod admission;
pub mod canary;
pub mod encoded;
pub mod entity;
pub mod eval;
pub mod finding;
pub mod fold;
pub mod hidden;
pub mod injection;
pub mod judging;
pub mod links;
pub mod own;
pub mod own_patterns;
mod per_byte;
pub mod pii;
pub mod policy;
pub mod report;
pub mod request;
pub mod screen;
pub mod secrets;
pub mod told;
pub mod unmask;
pub mod vault;
pub mod veil;
pub mod window;

pub use entity::Entity;
pub use finding::{Confidence, Finding, Kind};
pub use window::Window;
