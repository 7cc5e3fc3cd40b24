//! Why: one text form for keys, so that a wrong key is told apart from a mistyped one before
//! any hash is computed, and so that secret scanners can recognise a leaked key.
//!
//! `ak_<env>_<id:12><secret>`: after `ak_`, the environment (1 to 16 of `a-z0-9`), `_`, a public
//! id of 12 base62 characters, `_`, a secret of 43 base62 characters (256 bits) and, joined to
//! it, a checksum of 6: the CRC-32 (IEEE 802.3) of everything before it, written in base62 with
//! digits, then capitals, then small letters, padded with `0` on the left.

use super::{Pepper, Random};
use std::borrow::Cow;
use std::fmt;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const PREFIX: &str = "ak_";
const MAX_ENV: usize = 16;
pub(super) const ID: usize = 12;
pub(super) const SECRET: usize = 43;
pub(super) const CHECKSUM: usize = 6;

/// A well-formed key in the clear. `Debug` shows the public part only.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey<'a> {
    text: Cow<'a, str>,
    env_len: usize,
}

/// Why a text is no key. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFormatError {
    /// Not of the form `ak_<env>_<id>_<secret and checksum>`.
    #[error("not an Alfred key: expected ak_<env>_<12 characters>_<49 characters>")]
    Form,
    /// The form is right, the checksum is not: a character was changed or lost.
    #[error("the key is mistyped or cut: its checksum does not match")]
    Checksum,
    /// The environment of a new key is not 1 to 16 of `a-z0-9`.
    #[error("the environment of a key must be 1 to 16 small letters or digits")]
    Environment,
    /// No random bytes could be had for a new key.
    #[error("the operating system gives no random bytes")]
    Random,
}

impl ApiKey<'static> {
    /// Makes a new key for `env`, e.g. `live`.
    pub fn generate(env: &str, random: &mut Random<'_>) -> Result<Self, KeyFormatError> {
        if !is_env(env) {
            return Err(KeyFormatError::Environment);
        }
        let mut text = format!("{PREFIX}{env}_");
        push_random(&mut text, ID, random)?;
        text.push('_');
        push_random(&mut text, SECRET, random)?;
        let checksum = base62(crc32(text.as_bytes()));
        text.extend(checksum.map(char::from));
        Ok(Self {
            text: Cow::Owned(text),
            env_len: env.len(),
        })
    }
}

impl<'a> ApiKey<'a> {
    /// Reads a presented key. Costs a checksum, no hash and no allocation.
    pub fn parse(text: &'a str) -> Result<Self, KeyFormatError> {
        let form = || KeyFormatError::Form;
        let rest = text.strip_prefix(PREFIX).ok_or_else(form)?;
        let (env, rest) = rest.split_once('_').ok_or_else(form)?;
        let (id, tail) = rest.split_once('_').ok_or_else(form)?;
        let lengths_fit = id.len() == ID && tail.len() == SECRET + CHECKSUM;
        if !is_env(env) || !lengths_fit || !is_base62(id) || !is_base62(tail) {
            return Err(KeyFormatError::Form);
        }
        let (body, checksum) = text
            .split_at_checked(text.len() - CHECKSUM)
            .ok_or_else(form)?;
        if base62(crc32(body.as_bytes())).as_slice() != checksum.as_bytes() {
            return Err(KeyFormatError::Checksum);
        }
        Ok(Self {
            text: Cow::Borrowed(text),
            env_len: env.len(),
        })
    }

    /// Keeps the key beyond the text it was read from.
    pub fn into_owned(self) -> ApiKey<'static> {
        ApiKey {
            text: Cow::Owned(self.text.into_owned()),
            env_len: self.env_len,
        }
    }

    /// The whole key in the clear. Show it once, log it never.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The environment, e.g. `live`.
    pub fn env(&self) -> &str {
        let start = PREFIX.len();
        self.text.get(start..start + self.env_len).unwrap_or("")
    }

    /// The twelve characters by which the key is known in lists and logs.
    pub fn public_id(&self) -> &str {
        let start = PREFIX.len() + self.env_len + 1;
        self.text.get(start..start + ID).unwrap_or("")
    }

    /// The last four characters; they belong to the checksum and give nothing away.
    pub fn last4(&self) -> &str {
        let start = self.text.len().saturating_sub(4);
        self.text.get(start..).unwrap_or("")
    }

    /// What the store keeps: keyed BLAKE3 of the whole text under the current pepper.
    pub fn hash(&self, pepper: &Pepper) -> KeyHash {
        pepper.hash(self.expose())
    }
}

impl fmt::Debug for ApiKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ak_{}_{}_***", self.env(), self.public_id())
    }
}

/// A hash of a key. Comparison takes the same time wherever two hashes differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(blake3::Hash);

impl KeyHash {
    /// From the 32 bytes the store keeps.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(blake3::Hash::from_bytes(bytes))
    }

    /// The 32 bytes the store keeps.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    pub(super) const fn new(hash: blake3::Hash) -> Self {
        Self(hash)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(***)")
    }
}

fn is_env(text: &str) -> bool {
    (1..=MAX_ENV).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

pub(super) fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Appends characters drawn evenly: six bits at a time, 62 and 63 thrown away.
pub(super) fn push_random(
    text: &mut String,
    count: usize,
    random: &mut Random<'_>,
) -> Result<(), KeyFormatError> {
    let mut missing = count;
    // A generator that only ever yields unusable bytes must not hang the caller.
    for _ in 0..64 {
        let mut bytes = [0; 64];
        random(&mut bytes).map_err(|_| KeyFormatError::Random)?;
        let drawn = bytes
            .iter()
            .filter_map(|byte| ALPHABET.get(usize::from(byte & 63)))
            .take(missing)
            .map(|byte| char::from(*byte));
        let before = text.len();
        text.extend(drawn);
        missing -= text.len() - before;
        if missing == 0 {
            return Ok(());
        }
    }
    Err(KeyFormatError::Random)
}

pub(super) fn base62(mut number: u32) -> [u8; CHECKSUM] {
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        if let Some(character) = ALPHABET.get((number % 62) as usize) {
            *digit = *character;
        }
        number /= 62;
    }
    digits
}

/// CRC-32 of IEEE 802.3, four bits at a time.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = [
        0x0000_0000,
        0x1db7_1064,
        0x3b6e_20c8,
        0x26d9_30ac,
        0x76dc_4190,
        0x6b6b_51f4,
        0x4db2_6158,
        0x5005_713c,
        0xedb8_8320,
        0xf00f_9344,
        0xd6d6_a3e8,
        0xcb61_b38c,
        0x9b64_c2b0,
        0x86d3_d2d4,
        0xa00a_e278,
        0xbdbd_f21c,
    ];
    let step = |crc: u32| (crc >> 4) ^ TABLE.get((crc & 15) as usize).copied().unwrap_or(0);
    !bytes
        .iter()
        .fold(!0, |crc, byte| step(step(crc ^ u32::from(*byte))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::os_random;
    use proptest::prelude::*;
    use std::io;

    const SAMPLE: &str = "ak_live_0123456789AB_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";

    fn sample() -> String {
        let checksum = base62(crc32(SAMPLE.as_bytes()));
        format!("{SAMPLE}{}", String::from_utf8_lossy(&checksum))
    }

    #[test]
    fn the_checksum_is_the_crc_every_toolbox_has() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(&base62(u32::MAX), b"4gfFC3");
        assert_eq!(&base62(0), b"000000");
    }

    #[test]
    fn the_form_of_a_key_never_changes() {
        let text = sample();
        assert_eq!(text, format!("{SAMPLE}{}", "2s5fjg"));
        let key = ApiKey::parse(&text).unwrap();
        assert_eq!((key.env(), key.public_id()), ("live", "0123456789AB"));
        assert_eq!(key.last4(), "5fjg");
        assert_eq!(key.expose(), text);
    }

    #[test]
    fn a_new_key_reads_back_and_no_two_are_alike() {
        let first = ApiKey::generate("test", &mut os_random).unwrap();
        let second = ApiKey::generate("test", &mut os_random).unwrap();
        assert_eq!(ApiKey::parse(first.expose()), Ok(first.clone()));
        assert_ne!(first.public_id(), second.public_id());
        assert_ne!(first, second);
        assert_eq!(first.expose().len(), "ak_test_".len() + 12 + 1 + 43 + 6);
    }

    #[test]
    fn debug_shows_the_public_part_only() {
        let text = sample();
        let key = ApiKey::parse(&text).unwrap();
        assert_eq!(format!("{key:?}"), "ak_live_0123456789AB_***");
        let hash = KeyHash::from_bytes([0xab; 32]);
        assert_eq!(format!("{hash:?}"), "KeyHash(***)");
    }

    #[test]
    fn an_environment_is_small_letters_and_digits() {
        for env in ["", "Live", "li_ve", "ümlaut", "seventeenletters1"] {
            let refused = ApiKey::generate(env, &mut os_random);
            assert_eq!(refused, Err(KeyFormatError::Environment), "{env}");
        }
        assert!(ApiKey::generate("sixteenletters16", &mut os_random).is_ok());
    }

    #[test]
    fn without_random_bytes_there_is_no_key() {
        let mut broken = |_: &mut [u8]| Err(io::Error::other("no entropy"));
        let refused = ApiKey::generate("live", &mut broken);
        assert_eq!(refused, Err(KeyFormatError::Random));
        let mut stuck = |buffer: &mut [u8]| {
            buffer.fill(0xff);
            Ok(())
        };
        let refused = ApiKey::generate("live", &mut stuck);
        assert_eq!(refused, Err(KeyFormatError::Random));
    }

    #[test]
    fn every_character_is_drawn_about_equally_often() {
        let mut text = String::new();
        push_random(&mut text, 1_000, &mut os_random).unwrap();
        for _ in 0..61 {
            push_random(&mut text, 1_000, &mut os_random).unwrap();
        }
        for letter in ALPHABET {
            let count = text.bytes().filter(|byte| byte == letter).count();
            assert!((800..1_200).contains(&count), "{count}");
        }
    }

    #[test]
    fn what_is_no_key_is_told_from_what_is_a_mistyped_one() {
        let good = sample();
        let mistyped = good.replace("_0123456789AB_", "_0123456789AC_");
        assert_eq!(ApiKey::parse(&mistyped), Err(KeyFormatError::Checksum));
        let shorter = good.get(..good.len() - 1).unwrap();
        for text in ["", "ak_", "sk-123", "ak_live", "ak_live__", shorter] {
            assert_eq!(ApiKey::parse(text), Err(KeyFormatError::Form), "{text}");
        }
        let spaced = format!("{good} ");
        assert_eq!(ApiKey::parse(&spaced), Err(KeyFormatError::Form));
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_always_noticed(at in 0_usize..71, with in "[0-9A-Za-z_é]") {
            let mut bad = sample();
            prop_assume!(at < bad.len() && bad.get(at..=at) != Some(&with));
            bad.replace_range(at..=at, &with);
            prop_assert!(ApiKey::parse(&bad).is_err());
        }

        #[test]
        fn no_text_panics(text in "ak_.{0,80}|ak_[a-z]{0,3}_.{11,13}_.{48,50}|.{0,100}") {
            let _ = ApiKey::parse(&text);
        }
    }
}
