//! Numbers of Australia and South Africa.

use super::super::Entity;
use super::super::checks::{at, day_of_month, figure, luhn, uniform, value, weighted};
use super::super::rules::Rule;
use super::WEAK;

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Entity::AuTfn,
        &["999-999-999"],
        tax_file,
        WEAK,
        &["tfn", "tax file"],
    ),
    Rule::new(
        Entity::AuAbn,
        &["99-999-999-999"],
        business,
        (50, 95),
        &["abn", "business number"],
    ),
    Rule::new(
        Entity::AuAcn,
        &["999-999-999"],
        company,
        WEAK,
        &["acn", "company number"],
    ),
    Rule::new(
        Entity::AuMedicare,
        &["9999-99999-9"],
        medicare,
        WEAK,
        &["medicare"],
    ),
    Rule::new(
        Entity::ZaId,
        &["9999999999999", "999999_9999_999"],
        south_african,
        (50, 95),
        &["south african id", "id number", "identity", "sa id"],
    ),
];

fn tax_file(digits: &[u8]) -> bool {
    !uniform(digits) && weighted(digits, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// The first digit counts as one less.
fn business(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]);
    at(digits, 0) != b'0' && sum % 89 == 10
}

fn company(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[8, 7, 6, 5, 4, 3, 2, 1]);
    !uniform(digits) && value(at(digits, 8)) == Some((10 - sum % 10) % 10)
}

fn medicare(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9]);
    matches!(at(digits, 0), b'2'..=b'6') && value(at(digits, 8)) == Some(sum % 10)
}

fn south_african(digits: &[u8]) -> bool {
    let born = day_of_month(figure(digits, 4, 6), figure(digits, 2, 4));
    born && matches!(at(digits, 10), b'0'..=b'2') && luhn(digits)
}
