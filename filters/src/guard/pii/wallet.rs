//! Addresses of Bitcoin (base58 and bech32, by their checksums) and Ethereum (by shape:
//! many programs write them without the capitals that would be their checksum).

use sha2::{Digest, Sha256};

use super::Entity;
use super::hit::Hit;
use super::view::{View, alnum};

static BASE58: [u8; 256] = values(b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz");
static BECH32: [u8; 256] = values(b"qpzry9x8gf2tvdw0s3jn54khce6mua7l");
/// The value of a byte that is no digit.
const NONE: u8 = u8::MAX;
/// The longest address, in bytes.
const LONGEST: usize = 90;

/// The address that begins here.
pub(super) fn find(view: &View<'_>, start: usize) -> Option<Hit> {
    let first = view.at(start);
    if !matches!(first, b'0' | b'1' | b'3' | b'b' | b'B') {
        return None;
    }
    let head = [first, view.at(start + 1)];
    let likely = match head {
        [b'0', b'x' | b'X'] | [b'b' | b'B', b'c' | b'C'] => true,
        [b'1' | b'3', next] => alnum(next),
        _ => false,
    };
    if !likely || matches!(view.before(start), b'_' | b'/' | b'-') || alnum(view.before(start)) {
        return None;
    }
    let end = view.run(start, LONGEST + 1, alnum);
    let word = view.part(start, end);
    let sure = match head {
        [b'0', _] => ethereum(word),
        [b'b' | b'B', _] => bech32(word),
        _ => base58(word),
    };
    sure.then(|| Hit::new(Entity::CryptoWallet, start..end, 100))
}

fn ethereum(word: &[u8]) -> bool {
    let digits = word.get(2..).unwrap_or_default();
    let first = digits.first();
    digits.len() == 40
        && digits.iter().all(u8::is_ascii_hexdigit)
        && !digits.iter().all(|byte| Some(byte) == first)
}

/// The value of each byte as a digit of an alphabet.
#[expect(clippy::indexing_slicing, reason = "a mistake here fails the build")]
const fn values(alphabet: &[u8]) -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut value = 0;
    while value < alphabet.len() {
        values[alphabet[value] as usize] = value as u8;
        value += 1;
    }
    values
}

/// The value of this byte as a digit of an alphabet.
fn value(alphabet: &[u8; 256], byte: u8) -> Option<u8> {
    let value = alphabet.get(usize::from(byte)).copied();
    value.filter(|value| *value != NONE)
}

/// Base58Check: 21 bytes and four of their double SHA-256.
fn base58(word: &[u8]) -> bool {
    if !(26..=35).contains(&word.len()) {
        return false;
    }
    // The number in base 2^64, lowest first: 35 digits are less than 2^206.
    let mut number = [0_u64; 4];
    // Ten digits at once, as many as one factor can hold.
    for digits in word.chunks(10) {
        let (mut factor, mut carry) = (1, 0);
        for byte in digits {
            let Some(value) = value(&BASE58, *byte) else {
                return false;
            };
            factor *= 58;
            carry = carry * 58 + u128::from(value);
        }
        for limb in &mut number {
            let sum = u128::from(*limb) * factor + carry;
            *limb = sum as u64;
            carry = sum >> 64;
        }
    }
    let mut bytes = [0; 32];
    for (slot, limb) in bytes.rchunks_mut(8).zip(number) {
        slot.copy_from_slice(&limb.to_be_bytes());
    }
    let (lead, rest) = bytes.split_at(7);
    let (payload, sum) = rest.split_at(21);
    // Longer numbers are none, and of the kinds two are in use.
    lead.iter().all(|byte| *byte == 0)
        && matches!(payload.first(), Some(0 | 5))
        && Sha256::digest(Sha256::digest(payload)).starts_with(sum)
}

/// Bech32 and bech32m of the main network.
fn bech32(word: &[u8]) -> bool {
    let upper = word.iter().any(u8::is_ascii_uppercase);
    let lower = word.iter().any(u8::is_ascii_lowercase);
    let head = word.get(..3).unwrap_or_default();
    if !(14..=90).contains(&word.len()) || (upper && lower) || !head.eq_ignore_ascii_case(b"bc1") {
        return false;
    }
    let mut sum = 1_u32;
    // The prefix `bc`, expanded: high bits, a zero, low bits.
    for value in [3, 3, 0, 2, 3] {
        sum = step(sum, value);
    }
    for byte in word.iter().skip(3) {
        let Some(value) = value(&BECH32, byte.to_ascii_lowercase()) else {
            return false;
        };
        sum = step(sum, u32::from(value));
    }
    sum == 1 || sum == 0x2bc8_30a3
}

fn step(sum: u32, value: u32) -> u32 {
    const GENERATORS: [u32; 5] = [
        0x3b6a_57b2,
        0x2650_8e6d,
        0x1ea1_19fa,
        0x3d42_33dd,
        0x2a14_62b3,
    ];
    let top = sum >> 25;
    let next = ((sum & 0x01ff_ffff) << 5) ^ value;
    let bits = GENERATORS.iter().enumerate();
    bits.fold(next, |next, (i, generator)| {
        if top >> i & 1 == 1 {
            next ^ generator
        } else {
            next
        }
    })
}
