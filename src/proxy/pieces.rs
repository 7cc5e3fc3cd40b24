//! Why: an answer in one piece comes in several from the wire.

use bytes::{Bytes, BytesMut};

/// A body in pieces; one piece is not copied.
#[derive(Default)]
pub(super) struct Pieces {
    first: Bytes,
    rest: BytesMut,
}

impl Pieces {
    pub(super) fn push(&mut self, piece: &Bytes, cap: usize) -> bool {
        if self.first.is_empty() && self.rest.is_empty() {
            self.first = piece.clone();
        } else {
            if self.rest.is_empty() {
                self.rest.extend_from_slice(&self.first);
            }
            self.rest.extend_from_slice(piece);
        }
        self.first.len().max(self.rest.len()) <= cap
    }

    pub(super) fn take(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        if self.rest.is_empty() {
            first
        } else {
            self.rest.split().freeze()
        }
    }
}
