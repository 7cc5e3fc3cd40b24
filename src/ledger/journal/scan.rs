//! Why: records are read back one by one, and where one is bad it must be told apart whether a
//! crash cut the last write short (normal) or the disk lost something (a person must decide).

use super::decode::{self, Header, NoHeader};
use super::encode::FRAME;
use super::{FORMAT, HEADER, JournalError, Record};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// The bytes of one segment and how far they are read.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    bytes: Vec<u8>,
    /// Where the next record begins.
    offset: usize,
}

impl Segment {
    /// Reads the first `length` bytes of the file, or all of it.
    pub(super) fn read(path: PathBuf, length: Option<u64>) -> io::Result<Self> {
        let mut bytes = Vec::new();
        let file = File::open(&path)?;
        match length {
            Some(length) => file.take(length).read_to_end(&mut bytes)?,
            None => (&file).read_to_end(&mut bytes)?,
        };
        Ok(Self {
            path,
            bytes,
            offset: 0,
        })
    }

    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// How many bytes have been read.
    pub(super) fn offset(&self) -> u64 {
        self.offset as u64
    }

    /// Reads the head, which must be that of this holder and number. `None` when its writing
    /// was cut short.
    pub(super) fn header(
        &mut self,
        holder: i64,
        number: u64,
    ) -> Result<Option<Header>, JournalError> {
        match decode::header(&self.bytes) {
            Ok(header) if header.holder == holder && header.number == number => {
                self.offset = HEADER;
                Ok(Some(header))
            }
            Ok(_) => Err(self.damaged("it was written as another segment")),
            Err(NoHeader::Torn) => Ok(None),
            Err(NoHeader::Damaged) => Err(self.damaged("no head of a segment")),
            Err(NoHeader::Format(found)) => Err(JournalError::UnknownFormat {
                path: self.path.clone(),
                found,
                known: FORMAT,
            }),
        }
    }

    /// Reads the next record and steps over fillers. `None` when there is no whole one here.
    pub(super) fn next(&mut self) -> Result<Option<Record>, JournalError> {
        loop {
            let Some(payload) = decode::frame(self.rest()) else {
                return Ok(None);
            };
            let Some(record) = decode::record(payload) else {
                return Err(self.damaged("a record that this version cannot read"));
            };
            self.offset += FRAME + payload.len();
            if record.is_some() {
                return Ok(record);
            }
        }
    }

    /// True when everything has been read.
    pub(super) fn is_at_end(&self) -> bool {
        self.rest().is_empty()
    }

    fn rest(&self) -> &[u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// True when no whole record follows on the bad one: then its write was the last, and a
    /// crash cut it short.
    pub(super) fn is_torn(&self) -> bool {
        let rest = self.rest();
        // No record begins in the space that was reserved, and that may be megabytes.
        let Some(last) = rest.iter().rposition(|byte| *byte != 0) else {
            return true;
        };
        let mut starts = (1..=last).filter_map(|start| rest.get(start..));
        starts.all(|after| decode::frame(after).is_none())
    }

    /// That the record at hand, or the head, is not what was written.
    pub(super) fn damaged(&self, what: &'static str) -> JournalError {
        JournalError::Damaged {
            path: self.path.clone(),
            offset: self.offset(),
            what,
        }
    }
}
