//! Why: a hash outlives the program that made it. The bytes that are hashed are fixed here, to
//! the last one, so that any program can make them again; no serializer decides them.
//!
//! ```text
//! record  = version tag field…
//! version = 01                                  one byte
//! tag     = text                                which kind of record
//! field   = text | bytes | integer | flag | optional
//! text    = length, then UTF-8                  length: 4 bytes, big endian
//! bytes   = length, then the bytes
//! integer = 8 bytes, big endian, two's complement
//! flag    = 00 | 01                             one byte
//! optional = 00 | 01 field                      no value, or a value
//! ```
//!
//! Which fields a record has, and in which order, is fixed by its tag.

use ring::digest::{Context, SHA256};

/// A SHA-256.
pub type Hash = [u8; 32];

/// Changes with the format; no record of one version has the bytes of another's.
const VERSION: u8 = 1;

/// First byte of what is hashed to a leaf of a tree.
pub(super) const LEAF: u8 = 0;
/// First byte of what is hashed to an inner node of a tree.
pub(super) const NODE: u8 = 1;
/// First byte of what is hashed to a link of a chain.
pub(super) const LINK: u8 = 2;

/// Where a chain ends: its last link's number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Counted from 1.
    pub number: i64,
    /// The hash that the next link holds.
    pub hash: Hash,
}

impl Head {
    /// Before the first link: number 0, hash of zeros.
    pub const GENESIS: Self = Self {
        number: 0,
        hash: [0; 32],
    };
}

/// The bytes of one record, field by field.
#[derive(Clone, Debug)]
pub struct Canonical(Vec<u8>);

impl Canonical {
    /// Begins a record of the kind `tag`.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(VERSION);
        Self(bytes).text(tag)
    }

    /// Adds bytes. Four gigabytes and more have no canonical form; no column holds them.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Adds a text.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.bytes(text.as_bytes())
    }

    /// Adds an integer.
    #[must_use]
    pub fn int(mut self, value: i64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Adds a flag.
    #[must_use]
    pub fn flag(mut self, value: bool) -> Self {
        self.0.push(u8::from(value));
        self
    }

    /// Adds a field that may be missing.
    #[must_use]
    pub fn optional<T>(self, value: Option<T>, add: impl FnOnce(Self, T) -> Self) -> Self {
        match value {
            None => self.flag(false),
            Some(value) => add(self.flag(true), value),
        }
    }

    /// Adds an integer that may be missing.
    #[must_use]
    pub fn optional_int(self, value: Option<i64>) -> Self {
        self.optional(value, Self::int)
    }

    /// Adds a text that may be missing.
    #[must_use]
    pub fn optional_text(self, value: Option<&str>) -> Self {
        self.optional(value, Self::text)
    }

    /// All bytes so far.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Their hash, as one of `LEAF`, `NODE` and `LINK`.
    pub(super) fn hash(&self, kind: u8) -> Hash {
        sha256(&[&[kind], &self.0])
    }
}

/// The SHA-256 of all parts, one after the other.
pub(super) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(part);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// 64 hexadecimal characters, e.g. of a hash or a public key.
#[must_use]
pub fn to_hex(bytes: &[u8; 32]) -> String {
    blake3::Hash::from_bytes(*bytes).to_hex().to_string()
}

/// Reads what [`to_hex`] writes.
#[must_use]
pub fn from_hex(text: &str) -> Option<[u8; 32]> {
    let hash = blake3::Hash::from_hex(text).ok();
    hash.map(|hash| *hash.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_bytes_of_a_record_never_change() {
        let record = Canonical::new("t")
            .text("é")
            .int(-2)
            .flag(true)
            .optional_int(None)
            .optional_text(Some(""))
            .bytes(&[7, 8]);
        let expected = [
            &[1][..],
            &[0, 0, 0, 1, b't'],
            &[0, 0, 0, 2, 0xc3, 0xa9],
            &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe],
            &[1],
            &[0],
            &[1, 0, 0, 0, 0],
            &[0, 0, 0, 2, 7, 8],
        ];
        assert_eq!(record.as_bytes(), expected.concat());
    }

    #[test]
    fn the_hash_is_the_sha_256_every_toolbox_has() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(to_hex(&sha256(&[b"a", b"", b"bc"])), abc);
        assert_eq!(from_hex(abc), Some(sha256(&[b"abc"])));
        assert_eq!(from_hex("ba78"), None);
    }

    #[test]
    fn missing_and_empty_are_not_the_same() {
        let record = |value| Canonical::new("t").optional_text(value).0;
        assert_ne!(record(None), record(Some("")));
    }

    proptest! {
        #[test]
        fn what_moves_from_one_field_to_the_next_changes_the_bytes(
            one in ".{0,9}", two in ".{0,9}", three in ".{0,9}", four in ".{0,9}"
        ) {
            let record = |a: &str, b: &str| Canonical::new("t").text(a).text(b).0;
            prop_assert_eq!(
                record(&one, &two) == record(&three, &four),
                (&one, &two) == (&three, &four)
            );
        }
    }
}
