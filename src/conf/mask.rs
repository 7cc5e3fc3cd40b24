//! Why: where the text could not even be parsed, nobody knows which words are secrets, so all that look like one are
//! masked.

use std::ops::Range;

/// A run of letters, digits, `-` and `_` of at least this length may be a credential.
const SHORTEST: usize = 16;

/// The words near `at` (on the line it begins in) that may be credentials.
pub(super) fn guessed(text: &str, at: &Range<usize>) -> Vec<Range<usize>> {
    let index = text.floor_char_boundary(at.start.min(text.len()));
    let (before, after) = text.split_at(index);
    let start = before.rfind('\n').map_or(0, |index| index + 1);
    let end = after.find('\n').map_or(text.len(), |length| index + length);
    let mut masks = Vec::new();
    let mut run = start..start;
    for (offset, byte) in text.get(start..end).unwrap_or("").bytes().enumerate() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            run.end = start + offset + 1;
        } else {
            keep(&run, &mut masks);
            run = start + offset + 1..start + offset + 1;
        }
    }
    keep(&run, &mut masks);
    masks
}

fn keep(run: &Range<usize>, masks: &mut Vec<Range<usize>>) {
    if run.len() >= SHORTEST {
        masks.push(run.clone());
    }
}
