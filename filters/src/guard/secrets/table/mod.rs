//! The table of families, grouped by the kind of vendor. Written from the vendors'
//! documentation of their formats; a row is a name, the words that must stand before
//! the value where its shape says too little, and the shape.

mod ai;
mod chat;
mod cloud;
mod code;
mod money;
mod named_a;
mod named_c;
mod named_e;
mod named_i;
mod named_n;
mod named_s;
mod named_t;
mod names;
mod special;

use super::context::Meaning;
use super::family::{Family, named};

/// All rows, in the order in which they are tried.
pub(super) fn all() -> impl Iterator<Item = Family> {
    [
        cloud::ROWS,
        code::ROWS,
        chat::ROWS,
        money::ROWS,
        ai::ROWS,
        special::ROWS,
        named_a::ROWS,
        named_c::ROWS,
        named_e::ROWS,
        named_i::ROWS,
        named_n::ROWS,
        named_s::ROWS,
        named_t::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
    .chain(
        names::NAMES
            .split_whitespace()
            .map(|name| named("vendor-key", name, "")),
    )
}

/// The words of names that say what a value is, apart by spaces.
pub(super) fn words() -> [(Meaning, &'static str); 6] {
    [
        (Meaning::Secret, special::SECRET),
        (Meaning::Key, "key"),
        (Meaning::Access, "access private"),
        (Meaning::Password, special::PASSWORD),
        (Meaning::Hint, special::HINT),
        (Meaning::Public, special::PUBLIC),
    ]
}
