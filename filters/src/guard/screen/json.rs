//! JSON text in pieces.
use super::{Blocked, Desk, Plain, Task};

#[derive(Debug)]
pub(super) struct Json(Plain);

impl Json {
    pub(super) fn new(task: Task) -> Json {
        Json(Plain::new(task))
    }

    pub(super) fn advance(
        &mut self,
        desk: &mut Desk<'_>,
        piece: &str,
        last: bool,
        out: &mut String,
    ) -> Result<(), Blocked> {
        self.0.advance(desk, piece, last, out)
    }
}
