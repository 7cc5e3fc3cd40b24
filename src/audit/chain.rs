//! Why: what people do with money and rights is rare and must not be deniable. Each record holds
//! the hash of the one before it, so none can be changed, removed or slipped in unseen.

use super::anchor::{Anchors, Chain};
use super::canonical::{Canonical, Hash, Head, LINK};
use super::flaw::{Fault, Flaw, Place};

/// One row of `audit_log`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRecord {
    /// Counted from 1, without gaps.
    pub id: i64,
    /// What kind of event.
    pub event_type: String,
    /// The organisation it concerns.
    pub org_id: Option<i64>,
    /// The user who acted, if it was one.
    pub user_id: Option<i64>,
    /// Who acted, in words.
    pub actor: String,
    /// What was done.
    pub action: String,
    /// To what.
    pub target: String,
    /// More about it: JSON, exactly as stored.
    pub details: String,
    /// Where the request came from.
    pub ip_address: Option<String>,
    /// The hash of the record before this one; zeros for the first.
    pub previous_hash: Hash,
    /// The hash of everything above and `created_at`.
    pub hash: Hash,
    /// Unix milliseconds.
    pub created_at: i64,
}

impl AuditRecord {
    /// What `hash` must be: `SHA-256(02 ‖ record)` of a record `alfred audit` with all other
    /// columns, in their order.
    #[must_use]
    pub fn hash_of(&self) -> Hash {
        self.hash_as(self.id)
    }

    fn hash_as(&self, id: i64) -> Hash {
        Canonical::new("alfred audit")
            .int(id)
            .text(&self.event_type)
            .optional_int(self.org_id)
            .optional_int(self.user_id)
            .text(&self.actor)
            .text(&self.action)
            .text(&self.target)
            .text(&self.details)
            .optional_text(self.ip_address.as_deref())
            .bytes(&self.previous_hash)
            .int(self.created_at)
            .hash(LINK)
    }

    /// Makes it the record after `head`: sets its id and both hashes. Answers the new head.
    pub fn append_to(&mut self, head: Head) -> Head {
        self.id = head.number.saturating_add(1);
        self.previous_hash = head.hash;
        self.hash = self.hash_of();
        Head {
            number: self.id,
            hash: self.hash,
        }
    }
}

/// Reads a chain in the order of its ids and stops at the first record that is not what was
/// written. Needs no memory of what it has read but the last hash.
#[derive(Debug)]
pub struct ChainVerifier {
    head: Head,
    anchors: Anchors,
    flaw: Option<Flaw>,
}

impl Default for ChainVerifier {
    fn default() -> Self {
        Self::new()
    }
}

impl ChainVerifier {
    /// From the first record on.
    #[must_use]
    pub fn new() -> Self {
        Self::resume(Head::GENESIS)
    }

    /// From the record after `head` on; what stands before is taken on trust.
    #[must_use]
    pub fn resume(head: Head) -> Self {
        Self {
            head,
            anchors: Anchors::default(),
            flaw: None,
        }
    }

    /// Holds the chain against what was published of it.
    #[must_use]
    pub fn anchored(mut self, anchors: Anchors) -> Self {
        let Head { number, hash } = self.head;
        if anchors.deny(Chain::Audit, number, &hash) {
            self.flaw = Some(Flaw {
                place: Place::Audit(number),
                fault: Fault::NotAnchored,
            });
        }
        self.anchors = anchors;
        self
    }

    /// The next record. The first flaw stays: every later call answers it again.
    pub fn feed(&mut self, record: &AuditRecord) -> Result<(), Flaw> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        if let Err(flaw) = self.examine(record) {
            self.flaw = Some(flaw);
            return Err(flaw);
        }
        self.head = Head {
            number: record.id,
            hash: record.hash,
        };
        Ok(())
    }

    fn examine(&self, record: &AuditRecord) -> Result<(), Flaw> {
        let next = self.head.number.saturating_add(1);
        let flaw = |fault| Flaw {
            place: Place::Audit(record.id),
            fault,
        };
        if record.id != next {
            if record.hash_of() != record.hash && record.hash_as(next) == record.hash {
                return Err(flaw(Fault::Renumbered { was: next }));
            }
            return Err(out_of_line(self.head.number, record.id, Place::Audit));
        }
        if record.hash_of() != record.hash {
            return Err(flaw(Fault::Changed));
        }
        if record.previous_hash != self.head.hash {
            return Err(unlinked(self.head.number, Place::Audit));
        }
        match self.anchors.deny(Chain::Audit, record.id, &record.hash) {
            true => Err(flaw(Fault::NotAnchored)),
            false => Ok(()),
        }
    }

    /// After the last record: whether the chain ends where `expected` says, the row of
    /// `audit_head`. Answers where it ends.
    pub fn finish(self, expected: Option<Head>) -> Result<Head, Flaw> {
        match self.flaw {
            Some(flaw) => Err(flaw),
            None => {
                let anchored = self.anchors.last(Chain::Audit);
                ends(self.head, expected, anchored, Place::Audit)
            }
        }
    }
}

/// Why `number` cannot stand after `last`, of which it is not the successor.
pub(super) fn out_of_line(last: i64, number: i64, place: fn(i64) -> Place) -> Flaw {
    let (at, fault) = match number {
        _ if number > last => (
            last.saturating_add(1),
            Fault::Deleted {
                count: number.saturating_sub(last).saturating_sub(1),
            },
        ),
        _ if number == last => (number, Fault::Repeated),
        _ => (number, Fault::OutOfOrder { after: last }),
    };
    Flaw {
        place: place(at),
        fault,
    }
}

/// Why what follows `last`, and fits its own hash, does not name the hash of `last`.
pub(super) fn unlinked(last: i64, place: fn(i64) -> Place) -> Flaw {
    let (at, fault) = match last {
        0 => (1, Fault::Unrooted),
        _ => (last, Fault::Rewritten),
    };
    Flaw {
        place: place(at),
        fault,
    }
}

/// Whether a chain may end at `head`.
pub(super) fn ends(
    head: Head,
    expected: Option<Head>,
    anchored: Option<i64>,
    place: fn(i64) -> Place,
) -> Result<Head, Flaw> {
    let flaw = |at: i64, fault| {
        Err(Flaw {
            place: place(at),
            fault,
        })
    };
    let recorded = expected.map(|expected| expected.number);
    let end = recorded.max(anchored).unwrap_or(head.number);
    if end > head.number {
        let count = end.saturating_sub(head.number);
        return flaw(head.number.saturating_add(1), Fault::Cut { count });
    }
    match expected {
        Some(expected) if expected.number < head.number => {
            flaw(expected.number.saturating_add(1), Fault::BeyondHead)
        }
        Some(expected) if expected.hash != head.hash => flaw(head.number, Fault::Rewritten),
        _ => Ok(head),
    }
}
