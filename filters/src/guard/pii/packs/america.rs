//! Numbers of the United States.

use super::super::Entity;
use super::super::checks::{at, figure, uniform};
use super::super::rules::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        entity: Entity::UsSsn,
        shapes: &["999h99h9999", "999_99_9999", "999.99.9999"],
        check: social,
        alone: 60,
        told: 95,
        words: SOCIAL,
        topic: None,
    },
    Rule {
        entity: Entity::UsSsn,
        shapes: &["999999999", "99999_9999", "99999h9999"],
        check: social,
        alone: 0,
        told: 85,
        words: SOCIAL,
        topic: None,
    },
];

const SOCIAL: &[&str] = &[
    "ssn",
    "social",
    "socials",
    "ss#",
    "ss no",
    "ss number",
    "sozialversicherung",
    "taxpayer",
];

/// Areas 000, 666 and from 900 on were never given, nor the numbers of advertisements.
fn social(digits: &[u8]) -> bool {
    let (area, group, serial) = (
        figure(digits, 0, 3),
        figure(digits, 3, 5),
        figure(digits, 5, 9),
    );
    let printed = matches!(digits, b"078051120" | b"123456789" | b"219099999");
    area > 0
        && area != 666
        && area < 900
        && group > 0
        && serial > 0
        && !printed
        && !uniform(digits)
        && at(digits, 0) != 0
}
