//! Why: a segment may be deleted when nothing in it is needed any more. That takes a few counters
//! per segment and one entry per request that holds money; none of it touches the disk.

use super::{JournalError, Position, Record};
use foldhash::{HashMap, HashMapExt};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// What is open: the figures for back-pressure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Requests that hold money.
    pub holds: usize,
    /// Settlements written here and not yet acknowledged.
    pub records: u64,
    /// Their size on disk.
    pub bytes: u64,
}

/// What is still needed of one segment.
#[derive(Debug)]
struct Account {
    number: u64,
    bytes: u64,
    /// Holds written here and not closed yet.
    open: u64,
    /// Settlements written here and not acknowledged yet.
    owed: u64,
    /// When it was first seen with records in it.
    used_since: Option<Instant>,
    /// When it was first seen done.
    done_since: Option<Instant>,
}

/// The counters of all segments. The last one is being written.
#[derive(Debug)]
pub(super) struct Book {
    /// Without gaps in their numbers, never empty.
    segments: VecDeque<Account>,
    /// Who holds money, and in which segment that is written.
    holds: HashMap<Uuid, u64>,
    records: u64,
    bytes: u64,
}

impl Account {
    fn new(number: u64, bytes: u64) -> Self {
        Self {
            number,
            bytes,
            open: 0,
            owed: 0,
            used_since: None,
            done_since: None,
        }
    }
}

impl Book {
    /// With segment 1, `bytes` long.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            segments: VecDeque::from([Account::new(1, bytes)]),
            holds: HashMap::new(),
            records: 0,
            bytes: 0,
        }
    }

    /// Number and length of the segment being written.
    pub(super) fn active(&self) -> (u64, u64) {
        let active = self.segments.back();
        active.map_or((0, 0), |active| (active.number, active.bytes))
    }

    /// Numbers and lengths of all segments, oldest first.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.segments
            .iter()
            .map(|segment| (segment.number, segment.bytes))
    }

    /// The next segment is being written from now on.
    pub(super) fn turn(&mut self, bytes: u64) {
        let (number, _) = self.active();
        self.segments.push_back(Account::new(number + 1, bytes));
    }

    /// Refuses what cannot follow on what was written.
    pub(super) fn admit(&self, record: &Record) -> Result<(), JournalError> {
        let id = record.request_id();
        match record {
            Record::Open { .. } if self.holds.contains_key(&id) => {
                Err(JournalError::AlreadyHeld(id))
            }
            Record::Extend { .. } if !self.holds.contains_key(&id) => {
                Err(JournalError::NotHeld(id))
            }
            _ => Ok(()),
        }
    }

    /// Counts a record that was written to the active segment.
    pub(super) fn enter(&mut self, record: &Record, bytes: u64) -> Position {
        let (segment, offset) = self.active();
        let is_owed = matches!(record, Record::Settle(_));
        match record {
            Record::Open { subject, .. } => {
                self.holds.insert(subject.request_id, segment);
            }
            Record::Settle(settlement) if !settlement.closes => {}
            Record::Settle(_) | Record::Void { .. } => self.close(record.request_id()),
            Record::Extend { .. } => {}
        }
        if let Some(active) = self.segments.back_mut() {
            active.bytes += bytes;
            active.open += u64::from(matches!(record, Record::Open { .. }));
            active.owed += u64::from(is_owed);
        }
        if is_owed {
            self.records += 1;
            self.bytes += bytes;
        }
        Position {
            segment,
            offset,
            bytes,
            is_owed,
        }
    }

    fn close(&mut self, id: Uuid) {
        let Some(number) = self.holds.remove(&id) else {
            return;
        };
        if let Some(segment) = self.segment(number) {
            segment.open = segment.open.saturating_sub(1);
        }
    }

    /// The store has it. A position cannot be copied, so that nothing is counted twice.
    pub(super) fn acknowledge(&mut self, position: &Position) {
        if !position.is_owed {
            return;
        }
        if let Some(segment) = self.segment(position.segment) {
            segment.owed = segment.owed.saturating_sub(1);
        }
        self.records = self.records.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(position.bytes);
    }

    fn segment(&mut self, number: u64) -> Option<&mut Account> {
        let first = self.segments.front()?.number;
        let index = usize::try_from(number.checked_sub(first)?).ok()?;
        self.segments.get_mut(index)
    }

    /// True when the active segment has had records in it for `keep`.
    pub(super) fn is_stale(&mut self, now: Instant, keep: Duration, empty: u64) -> bool {
        let Some(active) = self.segments.back_mut() else {
            return false;
        };
        if active.bytes <= empty {
            return false;
        }
        now.saturating_duration_since(*active.used_since.get_or_insert(now)) >= keep
    }

    /// The oldest segments that have been done for `keep`. A segment counts as done when all
    /// that were written before it are, too: what closes a hold outlives the hold.
    pub(super) fn due(&mut self, now: Instant, keep: Duration) -> Vec<u64> {
        let closed = self.segments.len().saturating_sub(1);
        let mut due = Vec::new();
        for segment in self.segments.iter_mut().take(closed) {
            if segment.open > 0 || segment.owed > 0 {
                break;
            }
            let since = *segment.done_since.get_or_insert(now);
            if now.saturating_duration_since(since) >= keep {
                due.push(segment.number);
            }
        }
        due
    }

    /// The segment's file is gone.
    pub(super) fn forget(&mut self, number: u64) {
        if self
            .segments
            .front()
            .is_some_and(|first| first.number == number)
        {
            self.segments.pop_front();
        }
    }

    pub(super) fn backlog(&self) -> Backlog {
        Backlog {
            holds: self.holds.len(),
            records: self.records,
            bytes: self.bytes,
        }
    }
}
