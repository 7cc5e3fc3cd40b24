//! Why: a backlog may be larger than memory should hold twice, so settlements are read back one
//! segment at a time.

use super::directory::segment;
use super::scan::Segment;
use super::{JournalError, Record, Settlement};
use std::collections::VecDeque;
use std::io::ErrorKind;
use std::path::PathBuf;

/// Reads settlements from the disk in the order they were written. Ends after an error.
#[derive(Debug)]
pub struct Settlements {
    pub(super) directory: PathBuf,
    pub(super) holder: i64,
    /// Numbers of the segments to read and how many of their bytes count.
    pub(super) left: VecDeque<(u64, u64)>,
    /// True when segments may be pruned meanwhile.
    pub(super) is_live: bool,
    pub(super) current: Option<Segment>,
}

impl Settlements {
    /// Opens the next segment; `false` when there is none.
    fn advance(&mut self) -> Result<bool, JournalError> {
        while let Some((number, length)) = self.left.pop_front() {
            let path = segment(&self.directory, number);
            let mut segment = match Segment::read(path.clone(), Some(length)) {
                Err(error) if self.is_live && error.kind() == ErrorKind::NotFound => continue,
                outcome => outcome.map_err(JournalError::io(&path, "read"))?,
            };
            let header = segment.header(self.holder, number)?;
            if segment.len() < length || (header.is_none() && length > 0) {
                return Err(segment.damaged("shorter than what was written"));
            }
            self.current = Some(segment);
            return Ok(true);
        }
        Ok(false)
    }

    fn step(&mut self) -> Result<Option<Settlement>, JournalError> {
        loop {
            let Some(segment) = &mut self.current else {
                match self.advance()? {
                    true => continue,
                    false => return Ok(None),
                }
            };
            match segment.next()? {
                Some(Record::Settle(settlement)) => return Ok(Some(settlement)),
                Some(_) => {}
                None if segment.is_at_end() => self.current = None,
                None => return Err(segment.damaged("a record is not whole")),
            }
        }
    }
}

impl Iterator for Settlements {
    type Item = Result<Settlement, JournalError>;

    fn next(&mut self) -> Option<Self::Item> {
        let step = self.step().transpose();
        if !matches!(step, Some(Ok(_))) {
            self.left.clear();
            self.current = None;
        }
        step
    }
}
