//! What the targets of the guards share: scanners as they are shipped, and texts
//! that are cut where the input says.

#[path = "../../tests/guard/scanners.rs"]
mod scanners;

pub use scanners::{KEY, scanners};

use crate::Choices;

/// A text in pieces of the sizes that were chosen, cut between characters.
pub fn pieces<'a>(choices: Choices<'_>, text: &'a str) -> Vec<&'a str> {
    let (sizes, mut rest) = (choices.sizes(), text);
    let mut pieces = Vec::new();
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let end = (*size..rest.len()).find(|at| rest.is_char_boundary(*at));
        let (piece, after) = rest.split_at(end.unwrap_or(rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}
