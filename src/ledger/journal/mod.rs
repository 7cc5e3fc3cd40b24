//! Why: money that only memory knows is lost with the process. Each step of a request's money is
//! written here first; what a killed process wrote is read by the next start, which posts it.
//!
//! This room knows files, and neither a store nor an executor. A record reaches the kernel before
//! its effect is visible, by a copy into a mapped file or by `pwrite(2)`; that alone survives
//! `kill -9`, so nothing waits for a disk.
//!
//! # Directories
//! `<data_dir>/journal/<holder>/` belongs to one start of one process, by a lock on the file
//! `lock` in it that dies with the process. `<data_dir>/journal/lock` is held for an instant
//! while directories are made, taken over or deleted. In a holder's directory there are segments
//! `<number, 20 digits>.journal`, numbered from 1 without gaps.
//!
//! # Layout of a segment (format 1)
//! All numbers are little-endian, `i64` and `u64` of 8 bytes. Checksums are CRC-32C.
//!
//! | head, 40 bytes | |
//! |---|---|
//! | 0..8 | `ALFREDWJ` |
//! | 8..12 | format, `u32` |
//! | 12..20 | holder, `i64` |
//! | 20..28 | number of this segment, `u64` |
//! | 28..36 | length of the segment before it, `u64`, 0 for the first |
//! | 36..40 | checksum of bytes 0..36 |
//!
//! Then records without space between them: checksum of all that follows (`u32`), length of the
//! payload (`u32`, 1 to 65,536), payload. Zeros after the last record of the last segment are space
//! that was reserved for more. A payload begins with its kind (`u8`):
//!
//! | kind | then |
//! |---|---|
//! | 0 filler | anything; it is skipped |
//! | 1 open | subject, attempt (`u8`), legs |
//! | 2 extend | request id, legs |
//! | 3 settle | subject, attempt (`u8`), flags (`u8`: 1 closes, 2 estimated, 4 delivered), usage source (`u8`: 0 provider, 1 local, 2 hold), model, provider, tokens (5 x `u64`: prompt, completion, cached, cache write, reasoning), cost (`i64`), overage (`i64`), at (`i64`), price version (`u32`), legs |
//! | 4 void | request id |
//!
//! A *request id* has 16 bytes. A *name* is its length in bytes (`u16`) and UTF-8. A *subject* is
//! the request id, a `u8` of bits for what follows (1 org, 2 team, 4 user, 8 key), those numbers
//! (`i64` each), at (`i64`, Unix milliseconds), model, provider, price version (`u32`). *Legs* go
//! on to the end of the payload: wallet (`i64`), amount (`i64`), is cap (`u8`, 0 or 1).
//!
//! # What is believed of a file
//! A crash cuts the last write short, nothing else. So a bad record is dropped only at the end of
//! the last segment with no whole record after it; anywhere else it is damage, and reading
//! refuses. A last segment without a whole head has no records. A segment that ends early is
//! found out by the length in its successor's head.

mod book;
mod decode;
mod directory;
mod encode;
mod error;
#[expect(
    clippy::module_inception,
    reason = "the room is named after what it holds"
)]
mod journal;
mod record;
mod recovered;
mod scan;
mod settlements;
mod sheet;
#[cfg(test)]
mod tests;

pub use book::Backlog;
pub use error::JournalError;
pub use journal::{Durability, Journal, JournalOptions, Position};
pub use record::{Leg, Record, Settlement, Subject, UsageSource};
pub use recovered::{Orphan, Recovered};
pub use settlements::Settlements;

/// Longest name of a model or provider that is kept, in bytes.
pub const MAX_NAME: usize = 512;

const MAGIC: &[u8; 8] = b"ALFREDWJ";
const FORMAT: u32 = 1;
/// Length of a segment's head.
const HEADER: usize = 40;
/// Longest payload of a record.
const MAX_PAYLOAD: usize = 64 * 1024;
