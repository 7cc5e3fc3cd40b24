//! Numbers of Germany.

use super::super::Entity;
use super::super::checks::{at, day_of_month, figure, mod11_10, value, weighted};
use super::super::rules::Rule;
use super::{STRONG, WEAK};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Entity::DeTaxId,
        &["99-999-999-999"],
        |digits| at(digits, 0) != b'0' && mod11_10(digits),
        WEAK,
        &[
            "steuer-id",
            "steuerid",
            "steueridentifikationsnummer",
            "idnr",
            "tax id",
            "identifikationsnummer",
            "tin",
        ],
    ),
    Rule::new(
        Entity::DeSocialSecurity,
        &["99-999999-A-999"],
        pension,
        STRONG,
        &[
            "sozialversicherung",
            "rentenversicherung",
            "versicherungsnummer",
            "svnr",
        ],
    ),
    Rule::new(
        Entity::DeHealthInsurance,
        &["A999999999"],
        insured,
        (60, 95),
        &[
            "krankenversicherung",
            "kvnr",
            "versichertennummer",
            "krankenkasse",
        ],
    ),
    Rule::new(
        Entity::DeIdCard,
        &["AXXXXXXX9"],
        card,
        WEAK,
        &["personalausweis", "ausweis", "ausweisnummer", "id card"],
    ),
    Rule::new(
        Entity::DeLanr,
        &["999999999"],
        physician,
        WEAK,
        &["lanr", "arztnummer", "arzt"],
    ),
    Rule::new(
        Entity::DeBsnr,
        &["999999999"],
        |digits| figure(digits, 0, 2) > 0,
        WEAK,
        &["bsnr", "betriebsstätte", "praxis"],
    ),
];

/// The sum of the digits of each product.
fn crossed(digits: &[u8], weights: &[u32]) -> u32 {
    let products = digits.iter().zip(weights);
    let products = products.map(|(byte, weight)| value(*byte).unwrap_or(0) * weight);
    products.map(|product| product / 10 + product % 10).sum()
}

/// A letter as its place in the alphabet, in two digits.
fn spelt(letter: u8) -> [u8; 2] {
    let place = letter.wrapping_sub(b'A') + 1;
    [b'0' + place / 10 % 10, b'0' + place % 10]
}

fn pension(bytes: &[u8]) -> bool {
    // The day may be raised by 50 to tell two people apart.
    let day = figure(bytes, 2, 4) % 50;
    let mut digits = [0; 12];
    let letter = spelt(at(bytes, 8));
    let all = bytes
        .iter()
        .take(8)
        .chain(&letter)
        .chain(bytes.get(9..11).unwrap_or_default());
    for (slot, byte) in digits.iter_mut().zip(all) {
        *slot = *byte;
    }
    let sum = crossed(&digits, &[2, 1, 2, 5, 7, 1, 2, 1, 2, 1, 2, 1]);
    day_of_month(day, figure(bytes, 4, 6)) && value(at(bytes, 11)) == Some(sum % 10)
}

fn insured(bytes: &[u8]) -> bool {
    let mut digits = [0; 10];
    let letter = spelt(at(bytes, 0));
    let all = letter.iter().chain(bytes.get(1..9).unwrap_or_default());
    for (slot, byte) in digits.iter_mut().zip(all) {
        *slot = *byte;
    }
    let sum = crossed(&digits, &[1, 2, 1, 2, 1, 2, 1, 2, 1, 2]);
    value(at(bytes, 9)) == Some(sum % 10)
}

/// Cards since 2010 carry a check digit, older ones are `T` and digits.
fn card(bytes: &[u8]) -> bool {
    let old = at(bytes, 0) == b'T' && bytes.iter().skip(1).all(u8::is_ascii_digit);
    old || machine_readable(bytes)
}

/// The check digit of travel documents: weights 7, 3, 1, letters from 10 on.
pub(super) fn machine_readable(bytes: &[u8]) -> bool {
    let Some((check, rest)) = bytes.split_last() else {
        return false;
    };
    let worth = |byte: &u8| value(*byte).unwrap_or_else(|| u32::from(byte.wrapping_sub(b'A')) + 10);
    let sum: u32 = rest
        .iter()
        .zip([7, 3, 1].into_iter().cycle())
        .map(|(byte, weight)| worth(byte) * weight)
        .sum();
    value(*check) == Some(sum % 10)
}

fn physician(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[4, 9, 4, 9, 4, 9]);
    value(at(digits, 6)) == Some((10 - sum % 10) % 10)
}
