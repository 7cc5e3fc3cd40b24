//! Documents that every country has in forms of its own: a word beside them tells.

use super::super::Entity;
use super::super::checks::{day_of_month, figure};
use super::super::context::Topic;
use super::super::rules::{Rule, any};
use super::germany::machine_readable;
use super::{TOLD, WEAK};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Entity::Passport,
        &["AXXXXXXX9"],
        machine_readable,
        WEAK,
        &[],
    )
    .about(Topic::PASSPORT),
    Rule::new(
        Entity::Passport,
        &[
            "A99999999",
            "AA9999999",
            "A9999999",
            "AAA999999",
            "A999A9999",
        ],
        any,
        WEAK,
        &[],
    )
    .about(Topic::PASSPORT),
    Rule::new(
        Entity::Passport,
        &["999999999", "99AA99999", "AA999999"],
        any,
        TOLD,
        &[],
    )
    .about(Topic::PASSPORT),
    Rule::new(
        Entity::DriverLicence,
        &[
            "XXXXX999999AX9AA",
            "AA9999999A",
            "99h99h999999h99",
            "99_99_999999_99",
        ],
        any,
        WEAK,
        &[],
    )
    .about(Topic::LICENCE),
    Rule::new(
        Entity::DriverLicence,
        &[
            "999999999",
            "99999999",
            "9999999",
            "9999999999",
            "A9999999",
            "A99999999",
            "A999999999",
            "A999999999999",
            "A99999999999",
            "A999h9999h9999",
            "A999-999-999-999",
            "999-999-999",
            "AA999999",
            "AA999999A",
            "9999h99h9999",
            "999h99h9999",
            "99AAA9999",
            "XXXXXXXXXXX",
        ],
        |bytes| bytes.iter().filter(|byte| byte.is_ascii_digit()).count() >= 4,
        TOLD,
        &[],
    )
    .about(Topic::LICENCE),
    Rule::new(
        Entity::BirthDate,
        &[
            "99d99d9999",
            "9d99d9999",
            "99d9d9999",
            "9d9d9999",
            "99d99d99",
        ],
        day_first,
        TOLD,
        &[],
    )
    .about(Topic::BIRTH),
    Rule::new(Entity::BirthDate, &["9999d99d99"], year_first, TOLD, &[]).about(Topic::BIRTH),
    Rule::new(
        Entity::BankAccount,
        &[
            "999999",
            "9999999",
            "99999999",
            "999999999",
            "9999999999",
            "99999999999",
            "999999999999",
            "9999999999999",
        ],
        any,
        TOLD,
        &[],
    )
    .about(Topic::ACCOUNT),
    Rule::new(
        Entity::LicencePlate,
        &[
            "AA99-AAA",
            "99_AAA_9999",
            "99_AA_999",
            "99_A_99",
            "99_AAA_999",
            "AA99AA9999",
            "AA9AAA9999",
            "AAA999AA",
        ],
        plate,
        WEAK,
        &[],
    )
    .about(Topic::PLATE),
    Rule::new(
        Entity::LicencePlate,
        &[
            "A999AAA",
            "AAA999A",
            "AAA-999",
            "AAA9999",
            "AA-9999",
            "999-AAA",
            "A-AA-999",
            "AA-AA-999",
            "AA-999-AA",
        ],
        any,
        TOLD,
        &[],
    )
    .about(Topic::PLATE),
];

/// Day and month in either order, before the year.
fn day_first(bytes: &[u8]) -> bool {
    let (first, second) = match bytes.len() {
        8 => (figure(bytes, 0, 2), figure(bytes, 2, 4)),
        6 => (figure(bytes, 0, 1), figure(bytes, 1, 2)),
        // Seven digits: either of the two is one digit long.
        _ => return figure(bytes, 0, 1) > 0,
    };
    let exists = day_of_month(first, second) || day_of_month(second, first);
    exists || (bytes.len() == 6 && day_of_month(figure(bytes, 0, 2), figure(bytes, 2, 4)))
}

fn year_first(bytes: &[u8]) -> bool {
    matches!(figure(bytes, 0, 4), 1850..=2100)
        && day_of_month(figure(bytes, 6, 8), figure(bytes, 4, 6))
}

/// Britain numbers half-years from 02 to 29 and from 51 to 79, Turkey provinces to 81.
fn plate(bytes: &[u8]) -> bool {
    let british = bytes.len() == 7 && bytes.iter().take(2).all(u8::is_ascii_alphabetic);
    let turkish = bytes.first().is_some_and(u8::is_ascii_digit);
    (!british || matches!(figure(bytes, 2, 4), 2..=29 | 51..=79))
        && (!turkish || matches!(figure(bytes, 0, 2), 1..=81))
}
