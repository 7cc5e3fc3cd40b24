//! Addresses of Bitcoin (base58 and bech32, by their checksums) and Ethereum (by shape:
//! many programs write them without the capitals that would be their checksum).

use sha2::{Digest, Sha256};

use super::Entity;
use super::hit::Hit;
use super::view::{View, alnum};

const BASE58: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const BECH32: &[u8] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
/// The longest address, in bytes.
const LONGEST: usize = 90;

/// The address that begins here.
pub(super) fn find(view: &View<'_>, start: usize) -> Option<Hit> {
    let head = [view.at(start), view.at(start + 1)];
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

/// Base58Check: 21 bytes and four of their double SHA-256.
fn base58(word: &[u8]) -> bool {
    if !(26..=35).contains(&word.len()) {
        return false;
    }
    let mut number = [0_u8; 25];
    for byte in word {
        let Some(value) = BASE58.iter().position(|known| known == byte) else {
            return false;
        };
        let mut carry = value;
        for slot in number.iter_mut().rev() {
            carry += usize::from(*slot) * 58;
            *slot = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    let Some((payload, sum)) = number.split_at_checked(21) else {
        return false;
    };
    let twice = Sha256::digest(Sha256::digest(payload));
    matches!(payload.first(), Some(0 | 5)) && twice.iter().take(4).eq(sum)
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
        let byte = byte.to_ascii_lowercase();
        let Some(value) = BECH32.iter().position(|known| *known == byte) else {
            return false;
        };
        sum = step(sum, value as u32);
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
