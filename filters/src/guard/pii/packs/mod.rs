//! Identity numbers of countries, a table per part of the world. A check of one digit
//! in ten or eleven is passed by chance too often: such numbers are unsure without a
//! word beside them.

mod america;
mod asia;
mod britain;
mod europe;
mod everywhere;
mod germany;
mod pacific;

use super::rules::Rule;

/// How sure a number is by its shape or one check digit alone, and with a word.
const WEAK: (u8, u8) = (35, 85);
/// The same for a shape or check that is rarely anything else.
const STRONG: (u8, u8) = (85, 100);
/// The same for a shape that is nothing without a word.
const TOLD: (u8, u8) = (0, 85);

/// Every rule there is.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    [
        america::RULES,
        asia::RULES,
        britain::RULES,
        europe::RULES,
        everywhere::RULES,
        germany::RULES,
        pacific::RULES,
    ]
    .into_iter()
    .flatten()
}
