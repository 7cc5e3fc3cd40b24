//! Numbers of the United Kingdom.

use super::super::Entity;
use super::super::checks::{at, uniform, value, weighted};
use super::super::rules::Rule;
use super::{STRONG, WEAK};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Entity::UkNhs,
        &["999-999-9999"],
        health,
        WEAK,
        &["nhs", "health service"],
    ),
    Rule::new(
        Entity::UkNino,
        &["AA-99-99-99-A"],
        insurance,
        STRONG,
        &["national insurance", "nino", "ni number"],
    ),
    Rule::new(
        Entity::UkPostcode,
        &[
            "A9-9AA", "A99-9AA", "AA9-9AA", "AA99-9AA", "A9A-9AA", "AA9A-9AA", "AAA9AA",
        ],
        postcode,
        WEAK,
        &["postcode", "post code", "postal code"],
    ),
];

fn health(digits: &[u8]) -> bool {
    let check = 11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    !uniform(digits) && value(at(digits, 9)) == Some(check % 11)
}

fn insurance(bytes: &[u8]) -> bool {
    let (first, second, last) = (at(bytes, 0), at(bytes, 1), at(bytes, 8));
    let unused = |byte| matches!(byte, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
    let pair = matches!(
        (first, second),
        (b'B', b'G')
            | (b'G', b'B')
            | (b'N', b'K')
            | (b'K', b'N')
            | (b'T', b'N')
            | (b'N', b'T')
            | (b'Z', b'Z')
    );
    !unused(first) && !unused(second) && second != b'O' && !pair && matches!(last, b'A'..=b'D')
}

fn postcode(bytes: &[u8]) -> bool {
    let unused = |byte: &u8| matches!(byte, b'C' | b'I' | b'K' | b'M' | b'O' | b'V');
    let inward = bytes.iter().rev().take(2);
    let first = !matches!(at(bytes, 0), b'Q' | b'V' | b'X');
    let second = !matches!(at(bytes, 1), b'I' | b'J' | b'Z') || bytes == b"GIR0AA";
    let three = bytes.iter().take(3).all(u8::is_ascii_alphabetic);
    first && second && !inward.into_iter().any(unused) && (!three || bytes == b"GIR0AA")
}
