//! Fits a request to what Gemini's `generateContent` can say.

use crate::ask::{Ask, PartKind};
use crate::prompt::ReadError;

use super::{Notes, Translation, place, unsupported};

pub(super) fn fit(
    ask: &mut Ask<'_>,
    _how: &Translation<'_>,
    _notes: &mut Notes,
) -> Result<(), ReadError> {
    for turn in &ask.turns {
        if turn
            .parts
            .iter()
            .any(|part| !matches!(part.kind, PartKind::Text(_)))
        {
            return unsupported(place(turn.at, "content"), "must be text for this model");
        }
    }
    Ok(())
}
