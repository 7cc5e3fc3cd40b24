//! Numbers of the United States, Canada and Brazil.

use super::super::Entity;
use super::super::checks::{at, figure, luhn, uniform, value, weighted};
use super::super::rules::Rule;
use super::{STRONG, TOLD, WEAK};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Entity::UsSsn,
        &["999h99h9999", "999_99_9999", "999p99p9999"],
        social,
        (60, 95),
        SOCIAL,
    ),
    Rule::new(Entity::UsSsn, &["999-99-9999"], social, (35, 85), SOCIAL),
    Rule::new(
        Entity::UsItin,
        &["999-99-9999"],
        taxpayer,
        WEAK,
        &["itin", "taxpayer", "tax id", "individual taxpayer"],
    ),
    Rule::new(
        Entity::UsNpi,
        &["9999999999", "9999-999-999"],
        provider,
        WEAK,
        &["npi", "provider", "physician"],
    ),
    Rule::new(
        Entity::UsDea,
        &["AX9999999"],
        prescriber,
        (60, 95),
        &["dea", "prescriber"],
    ),
    Rule::new(
        Entity::UsRouting,
        &["9999-9999-9"],
        routing,
        WEAK,
        &["routing", "aba", "rtn", "transit"],
    ),
    Rule::new(
        Entity::UsMbi,
        &["9AX9-AX9-AA99"],
        beneficiary,
        STRONG,
        &["mbi", "medicare", "beneficiary"],
    ),
    Rule::new(
        Entity::CaSin,
        &["999-999-999"],
        |digits| at(digits, 0) != b'0' && at(digits, 0) != b'8' && !uniform(digits) && luhn(digits),
        WEAK,
        &["sin", "social insurance", "nas", "assurance sociale"],
    ),
    Rule::new(Entity::BrCpf, &["999.999.999h99"], person, STRONG, &["cpf"]),
    Rule::new(Entity::BrCpf, &["99999999999"], person, TOLD, &["cpf"]),
    Rule::new(
        Entity::BrCnpj,
        &["99.999.999s9999-99"],
        company,
        STRONG,
        &["cnpj"],
    ),
];

const SOCIAL: &[&str] = &[
    "ssn",
    "social",
    "socials",
    "ss#",
    "ss no",
    "ss number",
    "sozialversicherung",
];

/// Areas 000, 666 and from 900 on were never given, nor the numbers of advertisements.
fn social(digits: &[u8]) -> bool {
    let (area, group, serial) = parts(digits);
    let printed = matches!(digits, b"078051120" | b"123456789");
    let given = area > 0 && area != 666 && area < 900 && group > 0 && serial > 0;
    given && !printed && !uniform(digits)
}

fn parts(digits: &[u8]) -> (u64, u64, u64) {
    (
        figure(digits, 0, 3),
        figure(digits, 3, 5),
        figure(digits, 5, 9),
    )
}

fn taxpayer(digits: &[u8]) -> bool {
    let (area, group, _) = parts(digits);
    area >= 900 && matches!(group, 50..=65 | 70..=88 | 90..=92 | 94..=99)
}

/// Luhn's digit with the prefix 80840, whose part of the sum is 24.
fn provider(digits: &[u8]) -> bool {
    let Some((check, rest)) = digits.split_last() else {
        return false;
    };
    let doubled = |(i, byte): (usize, &u8)| {
        let twice = value(*byte).unwrap_or(0) * (1 + u32::from(i % 2 == 0));
        twice / 10 + twice % 10
    };
    let sum: u32 = rest.iter().rev().enumerate().map(doubled).sum();
    let led = matches!(digits.first(), Some(b'1' | b'2'));
    led && value(*check).is_some_and(|check| (sum + 24 + check).is_multiple_of(10))
}

fn prescriber(bytes: &[u8]) -> bool {
    let second = at(bytes, 1);
    let digits = bytes.get(2..).unwrap_or_default();
    let sum = weighted(digits, &[1, 2, 1, 2, 1, 2]);
    (second.is_ascii_alphabetic() || second == b'9') && value(at(digits, 6)) == Some(sum % 10)
}

fn routing(digits: &[u8]) -> bool {
    let district = figure(digits, 0, 2);
    let sum = weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]);
    let known = matches!(district, 1..=12 | 21..=32 | 61..=72 | 80) || (district == 7);
    known && sum.is_multiple_of(10)
}

fn beneficiary(bytes: &[u8]) -> bool {
    let excluded = |byte: &u8| matches!(byte, b'S' | b'L' | b'O' | b'I' | b'B' | b'Z');
    at(bytes, 0) != b'0' && !bytes.iter().any(excluded)
}

/// The check digit of Brazil: eleven minus the rest, 0 for ten and more.
fn brazilian(digits: &[u8], weights: &[u32]) -> bool {
    let rest = weighted(digits, weights) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    value(at(digits, weights.len())) == Some(check)
}

fn person(digits: &[u8]) -> bool {
    !uniform(digits)
        && brazilian(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2])
        && brazilian(digits, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
}

fn company(digits: &[u8]) -> bool {
    !uniform(digits)
        && brazilian(digits, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
        && brazilian(digits, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
}
