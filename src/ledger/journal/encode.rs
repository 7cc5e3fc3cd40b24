//! Why: a record is written in one `write(2)` from a buffer that is used again and again, so its
//! bytes are laid out here without allocating. The layout is drawn in the [parent](super).

use super::{FORMAT, JournalError, Leg, MAGIC, MAX_NAME, MAX_PAYLOAD, Record, Settlement, Subject};
use super::{HEADER, UsageSource};
use crate::ledger::Nanos;

pub(super) const FILLER: u8 = 0;
pub(super) const OPEN: u8 = 1;
pub(super) const EXTEND: u8 = 2;
pub(super) const SETTLE: u8 = 3;
pub(super) const VOID: u8 = 4;

/// Bits that say which of the optional numbers of a [`Subject`] follow, in this order.
pub(super) const PRESENT: [u8; 4] = [1, 2, 4, 8];

pub(super) const CLOSES: u8 = 1;
pub(super) const ESTIMATED: u8 = 2;
pub(super) const DELIVERED: u8 = 4;

/// Bytes before the payload: checksum and length.
pub(super) const FRAME: usize = 8;

/// Replaces what is in the buffer by the frame of this record.
pub(super) fn record(buffer: &mut Vec<u8>, record: &Record) -> Result<(), JournalError> {
    begin(buffer);
    match record {
        Record::Open {
            subject: who,
            attempt,
            legs: held,
        } => {
            buffer.push(OPEN);
            subject(buffer, who);
            buffer.push(*attempt);
            legs(buffer, held);
        }
        Record::Extend {
            request_id,
            legs: held,
        } => {
            buffer.push(EXTEND);
            buffer.extend_from_slice(request_id.as_bytes());
            legs(buffer, held);
        }
        Record::Settle(settled) => {
            buffer.push(SETTLE);
            settlement(buffer, settled);
        }
        Record::Void { request_id } => {
            buffer.push(VOID);
            buffer.extend_from_slice(request_id.as_bytes());
        }
    }
    end(buffer)
}

/// A record without meaning that proves there is room for the largest one.
pub(super) fn filler(buffer: &mut Vec<u8>) -> Result<(), JournalError> {
    begin(buffer);
    buffer.push(FILLER);
    buffer.resize(FRAME + MAX_PAYLOAD, 0);
    end(buffer)
}

/// The head of a segment. `previous` is the length of the segment before it, 0 for the first.
pub(super) fn header(holder: i64, number: u64, previous: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&holder.to_le_bytes());
    bytes.extend_from_slice(&number.to_le_bytes());
    bytes.extend_from_slice(&previous.to_le_bytes());
    let sum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes
}

fn begin(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.extend_from_slice(&[0; FRAME]);
}

/// Fills in the length and the checksum of both.
fn end(buffer: &mut [u8]) -> Result<(), JournalError> {
    let bytes = buffer.len().saturating_sub(FRAME);
    let too_large = JournalError::TooLarge { bytes };
    if bytes > MAX_PAYLOAD {
        return Err(too_large);
    }
    let Some((sum_place, rest)) = buffer.split_first_chunk_mut::<4>() else {
        return Err(too_large);
    };
    if let (Some(length_place), Ok(length)) = (rest.first_chunk_mut(), u32::try_from(bytes)) {
        *length_place = length.to_le_bytes();
    }
    *sum_place = crc32c::crc32c(rest).to_le_bytes();
    Ok(())
}

fn subject(buffer: &mut Vec<u8>, subject: &Subject) {
    let optional = [subject.org, subject.team, subject.user, subject.key];
    let present = optional
        .iter()
        .zip(PRESENT)
        .filter(|(value, _)| value.is_some())
        .fold(0, |bits, (_, bit)| bits | bit);
    buffer.extend_from_slice(subject.request_id.as_bytes());
    buffer.push(present);
    for value in optional.into_iter().flatten() {
        buffer.extend_from_slice(&value.to_le_bytes());
    }
    buffer.extend_from_slice(&subject.at_ms.to_le_bytes());
    name(buffer, &subject.model);
    name(buffer, &subject.provider);
    buffer.extend_from_slice(&subject.price_version.to_le_bytes());
}

fn settlement(buffer: &mut Vec<u8>, settled: &Settlement) {
    let flag = |is_set: bool, bit: u8| if is_set { bit } else { 0 };
    subject(buffer, &settled.subject);
    buffer.push(settled.attempt);
    buffer.push(
        flag(settled.closes, CLOSES)
            | flag(settled.is_estimated, ESTIMATED)
            | flag(settled.is_delivered, DELIVERED),
    );
    buffer.push(match settled.usage_source {
        UsageSource::Provider => 0,
        UsageSource::Local => 1,
        UsageSource::Hold => 2,
    });
    name(buffer, &settled.model);
    name(buffer, &settled.provider);
    for tokens in [
        settled.prompt_tokens,
        settled.completion_tokens,
        settled.cached_tokens,
        settled.cache_write_tokens,
        settled.reasoning_tokens,
    ] {
        buffer.extend_from_slice(&tokens.to_le_bytes());
    }
    amount(buffer, settled.cost);
    amount(buffer, settled.overage);
    buffer.extend_from_slice(&settled.at_ms.to_le_bytes());
    buffer.extend_from_slice(&settled.price_version.to_le_bytes());
    legs(buffer, &settled.legs);
}

/// The last field of a record: its legs fill the rest of it, so that they need no count.
fn legs(buffer: &mut Vec<u8>, legs: &[Leg]) {
    for leg in legs {
        buffer.extend_from_slice(&leg.wallet.to_le_bytes());
        amount(buffer, leg.amount);
        buffer.push(u8::from(leg.is_cap));
    }
}

fn amount(buffer: &mut Vec<u8>, amount: Nanos) {
    buffer.extend_from_slice(&amount.get().to_le_bytes());
}

/// A name longer than [`MAX_NAME`] is cut: money is never refused for a long name.
fn name(buffer: &mut Vec<u8>, name: &str) {
    let cut = name.get(..name.floor_char_boundary(MAX_NAME));
    let bytes = cut.unwrap_or_default().as_bytes();
    let length = u16::try_from(bytes.len()).unwrap_or_default();
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(bytes);
}
