//! Why: a process that was killed leaves money settled but not posted, and money held but not
//! settled. The next start must learn of both exactly once, or say that it cannot.

use super::directory::Directory;
use super::scan::Segment;
use super::{JournalError, Leg, Record, Settlements, Subject};
use crate::ledger::Nanos;
use std::collections::{HashMap, VecDeque};
use std::path::Path;
use uuid::Uuid;

/// The journal of a dead process. Owned until it is dropped or discarded.
#[derive(Debug)]
pub struct Recovered {
    directory: Directory,
    /// The segments and how many of their bytes count.
    lengths: VecDeque<(u64, u64)>,
    orphans: Vec<Orphan>,
    settlements: u64,
    dropped: u64,
}

/// A request whose process died before its end was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphan {
    /// Who asked and for what.
    pub subject: Subject,
    /// The attempt to settle: later than all that were settled before the crash.
    pub attempt: u8,
    /// What is still held, extensions included.
    pub legs: Vec<Leg>,
}

impl Recovered {
    /// Takes over all journals below `root` (`<data_dir>/journal`) whose process is dead, oldest
    /// holder first. One journal that cannot be read in full is an error for all.
    pub fn read_all(root: &Path) -> Result<Vec<Self>, JournalError> {
        let abandoned = Directory::abandoned(root)?;
        abandoned.into_iter().map(Self::read).collect()
    }

    /// The number of the process that wrote it.
    pub fn holder(&self) -> i64 {
        self.directory.holder
    }

    /// What was held and neither settled nor given back, by request id.
    pub fn orphans(&self) -> &[Orphan] {
        &self.orphans
    }

    /// How many settlements there are.
    pub fn settlement_count(&self) -> u64 {
        self.settlements
    }

    /// All settlements in the order they were written, read anew from the disk. Some, or all,
    /// may be in the store already.
    pub fn settlements(&self) -> Settlements {
        Settlements {
            directory: self.directory.path.clone(),
            holder: self.directory.holder,
            left: self.lengths.clone(),
            is_live: false,
            current: None,
        }
    }

    /// Bytes at the end that belong to a write which never returned. Nothing depends on them.
    pub fn dropped_bytes(&self) -> u64 {
        self.dropped
    }

    /// Deletes it. Only when the store has all of it.
    pub fn discard(self) -> Result<(), JournalError> {
        self.directory.discard()
    }

    fn read(directory: Directory) -> Result<Self, JournalError> {
        let numbers = directory.segments()?;
        let mut replay = Replay::default();
        let mut lengths = VecDeque::new();
        let mut dropped = 0;
        for (index, number) in numbers.iter().copied().enumerate() {
            let is_last = index + 1 == numbers.len();
            let path = directory.segment(number);
            let segment = Segment::read(path.clone(), None);
            let mut segment = segment.map_err(JournalError::io(&path, "read"))?;
            let header = segment.header(directory.holder, number)?;
            if let Some((before, length)) = lengths.back().copied() {
                if before + 1 != number {
                    let path = directory.segment(before + 1);
                    return Err(JournalError::Missing { path });
                }
                if header.is_some_and(|header| header.previous != length) {
                    return Err(JournalError::Damaged {
                        path: directory.segment(before),
                        offset: length,
                        what: "it does not end where the next segment says it does",
                    });
                }
            }
            match header {
                None if !is_last => return Err(segment.damaged("no head of a segment")),
                None => {}
                Some(_) => replay.segment(&mut segment, is_last)?,
            }
            dropped += segment.len() - segment.offset();
            lengths.push_back((number, segment.offset()));
        }
        let settlements = replay.settlements;
        Ok(Self {
            directory,
            lengths,
            orphans: replay.orphans(),
            settlements,
            dropped,
        })
    }
}

/// What the records read so far amount to.
#[derive(Default)]
struct Replay {
    held: HashMap<Uuid, Orphan>,
    settlements: u64,
}

impl Replay {
    fn segment(&mut self, segment: &mut Segment, is_last: bool) -> Result<(), JournalError> {
        loop {
            match segment.next()? {
                Some(record) => self
                    .apply(record)
                    .ok_or_else(|| segment.damaged("before it, held amounts are out of range"))?,
                None if segment.is_at_end() || (is_last && segment.is_torn()) => return Ok(()),
                None => return Err(segment.damaged("a record is not whole")),
            }
        }
    }

    /// `None` when a sum is out of range.
    fn apply(&mut self, record: Record) -> Option<()> {
        match record {
            Record::Open {
                subject,
                attempt,
                legs,
            } => {
                let held = self.held.entry(subject.request_id).or_insert(Orphan {
                    subject,
                    attempt,
                    legs: Vec::new(),
                });
                held.add(&legs)
            }
            // Without a hold its segment was deleted, so that the hold was closed further on.
            Record::Extend { request_id, legs } => match self.held.get_mut(&request_id) {
                Some(held) => held.add(&legs),
                None => Some(()),
            },
            Record::Settle(settlement) => {
                self.settlements += 1;
                let id = settlement.subject.request_id;
                if settlement.closes {
                    self.held.remove(&id);
                } else if let Some(held) = self.held.get_mut(&id) {
                    held.attempt = held.attempt.max(settlement.attempt.saturating_add(1));
                    held.take(&settlement.legs);
                }
                Some(())
            }
            Record::Void { request_id } => {
                self.held.remove(&request_id);
                Some(())
            }
        }
    }

    fn orphans(self) -> Vec<Orphan> {
        let mut orphans: Vec<Orphan> = self.held.into_values().collect();
        orphans.sort_by_key(|orphan| orphan.subject.request_id);
        orphans
    }
}

impl Orphan {
    fn leg(&mut self, like: &Leg) -> Option<&mut Leg> {
        let mut legs = self.legs.iter_mut();
        legs.find(|leg| leg.wallet == like.wallet && leg.is_cap == like.is_cap)
    }

    /// `None` when a sum is out of range.
    fn add(&mut self, legs: &[Leg]) -> Option<()> {
        for more in legs {
            match self.leg(more) {
                Some(leg) => leg.amount = leg.amount.checked_add(more.amount)?,
                None => self.legs.push(*more),
            }
        }
        Some(())
    }

    /// Takes out what was spent. More than was held leaves nothing.
    fn take(&mut self, spent: &[Leg]) {
        for less in spent {
            if let Some(leg) = self.leg(less) {
                let left = leg.amount.checked_sub(less.amount).unwrap_or_default();
                leg.amount = left.max(Nanos::ZERO);
            }
        }
        self.legs.retain(|leg| leg.amount > Nanos::ZERO);
    }
}
