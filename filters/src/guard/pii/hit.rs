//! What a recogniser says of one place, and which of several is right there.

use std::ops::Range;

use super::super::{Confidence, Finding, Kind};
use super::Entity;

/// One recogniser's opinion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) entity: Entity,
    pub(super) span: Range<usize>,
    pub(super) percent: u8,
}

impl Hit {
    pub(super) fn new(entity: Entity, span: Range<usize>, percent: u8) -> Hit {
        Hit {
            entity,
            span,
            percent,
        }
    }

    pub(super) fn finding(self) -> Finding {
        Finding {
            kind: Kind::Pii(self.entity),
            rule: self.entity.name(),
            span: self.span,
            confidence: Confidence(self.percent),
        }
    }

    fn rank(&self) -> (u8, usize) {
        (self.percent, self.span.len())
    }
}

/// The surest of several, then the longest, then the first.
#[derive(Default)]
pub(super) struct Best(Option<Hit>);

impl Best {
    pub(super) fn offer(&mut self, hit: Option<Hit>) {
        let Some(hit) = hit else { return };
        if self.would_be(hit.percent, hit.span.len()) {
            self.0 = Some(hit);
        }
    }

    /// Whether an opinion this sure (in percent) and this long (in bytes) would be the best.
    pub(super) fn would_be(&self, percent: u8, length: usize) -> bool {
        self.0
            .as_ref()
            .is_none_or(|best| (percent, length) > best.rank())
    }

    pub(super) fn take(self) -> Option<Hit> {
        self.0
    }
}
