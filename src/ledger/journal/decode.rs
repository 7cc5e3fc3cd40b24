//! Why: what a crash left on the disk is read by code that trusts no byte of it: every length is
//! checked, every flag must be known, and a record must end where its frame ends.

use super::encode::{
    CLOSES, DELIVERED, ESTIMATED, EXTEND, FILLER, FRAME, OPEN, PRESENT, SETTLE, VOID,
};
use super::{FORMAT, HEADER, Leg, MAGIC, MAX_PAYLOAD, Record, Settlement, Subject, UsageSource};
use crate::ledger::Nanos;
use std::sync::Arc;
use uuid::Uuid;

/// What the head of a segment says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) holder: i64,
    pub(super) number: u64,
    /// Length of the segment before this one.
    pub(super) previous: u64,
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoHeader {
    /// Its writing was cut short, and nothing follows.
    Torn,
    /// Something else stands there.
    Damaged,
    /// Another version wrote it.
    Format(u32),
}

/// Reads the head of a segment.
pub(super) fn header(bytes: &[u8]) -> Result<Header, NoHeader> {
    // Nothing is lost where nothing follows, or where the file grew and was never filled.
    let is_empty = bytes.len() <= HEADER || bytes.iter().all(|byte| *byte == 0);
    let bad = match is_empty {
        true => NoHeader::Torn,
        false => NoHeader::Damaged,
    };
    let mut reader = Reader(bytes);
    if reader.take(MAGIC.len()) != Some(MAGIC) {
        return Err(bad);
    }
    match reader.u32() {
        Some(FORMAT) => {}
        Some(format) => return Err(NoHeader::Format(format)),
        None => return Err(bad),
    }
    let fields = (reader.i64(), reader.u64(), reader.u64(), reader.u32());
    let (Some(holder), Some(number), Some(previous), Some(sum)) = fields else {
        return Err(bad);
    };
    let summed = bytes.get(..HEADER - 4).map(crc32c::crc32c);
    if summed != Some(sum) {
        return Err(bad);
    }
    Ok(Header {
        holder,
        number,
        previous,
    })
}

/// The payload of a whole frame at the beginning of these bytes.
pub(super) fn frame(bytes: &[u8]) -> Option<&[u8]> {
    let (sum, rest) = bytes.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_le_bytes(*rest.first_chunk()?)).ok()?;
    if length == 0 || length > MAX_PAYLOAD {
        return None;
    }
    let summed = rest.get(..length + FRAME - 4)?;
    let is_whole = crc32c::crc32c(summed) == u32::from_le_bytes(*sum);
    is_whole.then(|| summed.get(FRAME - 4..)).flatten()
}

/// What a payload means. The outer `None` is a payload that no version of this format writes;
/// the inner one has no meaning (a filler).
pub(super) fn record(payload: &[u8]) -> Option<Option<Record>> {
    let mut reader = Reader(payload);
    let record = match reader.u8()? {
        FILLER => return Some(None),
        OPEN => Record::Open {
            subject: reader.subject()?,
            attempt: reader.u8()?,
            legs: reader.legs()?,
        },
        EXTEND => Record::Extend {
            request_id: reader.id()?,
            legs: reader.legs()?,
        },
        SETTLE => Record::Settle(reader.settlement()?),
        VOID => Record::Void {
            request_id: reader.id()?,
        },
        _ => return None,
    };
    reader.0.is_empty().then_some(Some(record))
}

/// The bytes not yet read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn id(&mut self) -> Option<Uuid> {
        self.array().map(Uuid::from_bytes)
    }

    fn amount(&mut self) -> Option<Nanos> {
        self.i64().map(Nanos::new)
    }

    fn name(&mut self) -> Option<Arc<str>> {
        let length = usize::from(self.u16()?);
        std::str::from_utf8(self.take(length)?).ok().map(Arc::from)
    }

    fn subject(&mut self) -> Option<Subject> {
        let request_id = self.id()?;
        let present = self.u8()?;
        if present & !PRESENT.iter().fold(0, |all, bit| all | bit) != 0 {
            return None;
        }
        let mut optional = [None; PRESENT.len()];
        for (value, bit) in optional.iter_mut().zip(PRESENT) {
            if present & bit != 0 {
                *value = Some(self.i64()?);
            }
        }
        let [org, team, user, key] = optional;
        Some(Subject {
            request_id,
            org,
            team,
            user,
            key,
            at_ms: self.i64()?,
            model: self.name()?,
            provider: self.name()?,
            price_version: self.u32()?,
        })
    }

    fn settlement(&mut self) -> Option<Settlement> {
        let subject = self.subject()?;
        let attempt = self.u8()?;
        let flags = self.u8()?;
        if flags & !(CLOSES | ESTIMATED | DELIVERED) != 0 {
            return None;
        }
        let usage_source = match self.u8()? {
            0 => UsageSource::Provider,
            1 => UsageSource::Local,
            2 => UsageSource::Hold,
            _ => return None,
        };
        Some(Settlement {
            subject,
            attempt,
            closes: flags & CLOSES != 0,
            is_estimated: flags & ESTIMATED != 0,
            is_delivered: flags & DELIVERED != 0,
            usage_source,
            // In the order of the bytes.
            model: self.name()?,
            provider: self.name()?,
            prompt_tokens: self.u64()?,
            completion_tokens: self.u64()?,
            cached_tokens: self.u64()?,
            cache_write_tokens: self.u64()?,
            reasoning_tokens: self.u64()?,
            cost: self.amount()?,
            overage: self.amount()?,
            at_ms: self.i64()?,
            price_version: self.u32()?,
            legs: self.legs()?,
        })
    }

    /// All that is left.
    fn legs(&mut self) -> Option<Vec<Leg>> {
        let mut legs = Vec::new();
        while !self.0.is_empty() {
            legs.push(Leg {
                wallet: self.i64()?,
                amount: self.amount()?,
                is_cap: match self.u8()? {
                    0 => false,
                    1 => true,
                    _ => return None,
                },
            });
        }
        Some(legs)
    }
}
