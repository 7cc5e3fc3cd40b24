//! Payment cards: the issuer's range, its lengths, Luhn's digit, and the groups
//! that cards are printed in.

use super::Entity;
use super::chain::Chain;
use super::checks::{figure, luhn, uniform};
use super::context::{Context, Topic, UNSEEN};
use super::hit::Hit;
use super::view::{View, ends};

/// First six digits from and to, and the lengths as a set of bits.
type Range = (u64, u64, u32);

const fn lengths(from: u32, to: u32) -> u32 {
    (1 << (to + 1)) - (1 << from)
}

/// Issuers' ranges by the first six digits.
const RANGES: &[Range] = &[
    (400_000, 499_999, 1 << 13 | 1 << 16 | 1 << 19),
    (510_000, 559_999, 1 << 16),
    (222_100, 272_099, 1 << 16),
    (340_000, 349_999, 1 << 15),
    (370_000, 379_999, 1 << 15),
    (300_000, 305_999, lengths(14, 16)),
    (309_500, 309_599, lengths(14, 16)),
    (360_000, 369_999, lengths(14, 19)),
    (380_000, 399_999, lengths(14, 19)),
    (601_100, 601_199, lengths(16, 19)),
    (644_000, 659_999, lengths(16, 19)),
    (352_800, 358_999, lengths(16, 19)),
    (620_000, 629_999, lengths(16, 19)),
    (810_000, 829_999, lengths(16, 19)),
    (500_000, 509_999, lengths(12, 19)),
    (560_000, 589_999, lengths(12, 19)),
    (606_282, 606_282, 1 << 16),
    (600_000, 609_999, 1 << 16),
    (630_000, 639_999, lengths(12, 19)),
    (670_000, 679_999, lengths(12, 19)),
    (220_000, 220_499, lengths(16, 19)),
    (970_400, 979_299, lengths(16, 19)),
];

/// The card that a chain of digits begins with.
pub(super) fn find(view: &View<'_>, chain: &Chain, context: &Context) -> Option<Hit> {
    let told = context.distance(Topic::CARD) != UNSEEN;
    let fits = |count: usize| {
        let (end, digits) = chain.prefix(count)?;
        let known = issued(digits) || (told && (12..=19).contains(&digits.len()));
        let sound = known && !uniform(digits) && luhn(digits) && printed(chain, count);
        (sound && ends(view, end)).then_some((end, digits.len()))
    };
    let (end, length) = (1..=chain.groups()).rev().find_map(fits)?;
    // Twelve to fourteen digits in one run pass by chance too often: timestamps do.
    let short = length < 15 && chain.groups() == 1;
    let percent = context.judge(Topic::CARD, if short { 60 } else { 100 }, 100);
    (percent > 0).then(|| Hit::new(Entity::CreditCard, chain.first()..end, percent))
}

fn issued(digits: &[u8]) -> bool {
    let first = figure(digits, 0, 6);
    let length = digits.len();
    let issued = |(from, to, lengths): &Range| {
        (*from..=*to).contains(&first) && length < 32 && lengths >> length & 1 == 1
    };
    RANGES.iter().any(issued)
}

/// Whether the first groups are those of a card, with one kind of separator.
fn printed(chain: &Chain, count: usize) -> bool {
    if count == 1 {
        return true;
    }
    let sizes = |i: usize| chain.size(i);
    let joint = chain.joint(0);
    let one_kind = (0..count - 1).all(|i| chain.joint(i) == joint);
    let fours = (0..count - 1).all(|i| sizes(i) == 4) && (1..=4).contains(&sizes(count - 1));
    let amex = count == 3 && sizes(0) == 4 && sizes(1) == 6 && matches!(sizes(2), 4 | 5);
    let one = matches!(joint, b' ' | b'-' | b'.');
    one && one_kind && (fours || amex)
}
