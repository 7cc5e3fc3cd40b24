//! Whole answers, and what may be said of one that was blocked.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::guard::screen::{Blocked, Desk, Form, Task, whole};
use crate::prompt::Surface;

use super::stream::{Edits, applied};
use super::texts::alone;
use super::walk::{Leaf, Place, Sort, walk};
use super::{Grammar, is_idle};

/// The body of an answer to a request of that surface, as the client may have it:
/// the same bytes if there is nothing to change.
///
/// # Errors
/// A text of it must not go on.
pub fn veil_body(surface: Surface, desk: &mut Desk<'_>, body: Bytes) -> Result<Bytes, Blocked> {
    let grammar = match Grammar::of(surface) {
        Some(grammar) if !is_idle(desk) => grammar,
        _ => return Ok(body),
    };
    let text = String::from_utf8_lossy(&body);
    let mut leaves = Vec::new();
    let root = match grammar {
        Grammar::Responses => Place::Response,
        Grammar::Chat | Grammar::Messages => Place::Root,
    };
    let changed = match walk(grammar, (root, Place::Any), &text, &mut leaves) {
        Ok(()) => applied(edits(grammar, desk, &text, &leaves)?, &text),
        Err(_) => whole(Form::Text, Task::Answer, desk, &text)?,
    };
    Ok(match changed {
        Some(changed) => Bytes::from(changed),
        None => body,
    })
}

fn edits(
    grammar: Grammar,
    desk: &mut Desk<'_>,
    text: &str,
    leaves: &[Leaf],
) -> Result<Edits, Blocked> {
    let (mut edits, mut altered) = (Vec::new(), BTreeSet::new());
    for leaf in leaves {
        let raw = text.get(leaf.span.clone()).unwrap_or_default();
        desk.report
            .at(text.get(leaf.name.clone()).unwrap_or_default());
        if let Some(with) = alone(desk, leaf.sort, raw)? {
            altered.insert(leaf.choice());
            edits.push((leaf.span.clone(), with));
        }
    }
    for leaf in leaves {
        if leaf.sort == Sort::Logprobs && altered.contains(&leaf.choice()) {
            edits.push((leaf.span.clone(), grammar.no_logprobs().to_owned()));
        }
    }
    Ok(edits)
}

/// What makes a payload say nothing but an error's words and what it echoes of
/// the request.
pub(super) fn emptied(desk: &mut Desk<'_>, text: &str, leaves: &[Leaf]) -> Edits {
    let (mut edits, mut after): (Edits, usize) = (Vec::new(), 0);
    for leaf in leaves {
        // What stands in a list that was emptied is gone with it.
        if leaf.span.start < after {
            continue;
        }
        let raw = text.get(leaf.span.clone()).unwrap_or_default();
        let with = match leaf.sort {
            Sort::Whole(_, Task::Unmask) => match alone(desk, leaf.sort, raw) {
                Ok(None) => continue,
                Ok(Some(with)) => with,
                Err(_) => "\"\"".to_owned(),
            },
            Sort::Output => {
                after = leaf.span.end;
                "[]".to_owned()
            }
            Sort::Piece(_) | Sort::Whole(..) => "\"\"".to_owned(),
            Sort::Raw => "{}".to_owned(),
            Sort::Logprobs => "null".to_owned(),
            Sort::Error | Sort::Finish | Sort::Usage | Sort::Choice | Sort::Sequence(_) => continue,
        };
        edits.push((leaf.span.clone(), with));
    }
    edits
}
