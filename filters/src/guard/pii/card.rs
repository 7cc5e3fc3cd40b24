//! Payment cards: the issuer's range, its lengths, Luhn's digit, and the groups
//! that cards are printed in.

use super::Entity;
use super::chain::Chain;
use super::checks::{figure, uniform};
use super::context::{Topic, UNSEEN};
use super::hit::Hit;
use super::nearby::Nearby;
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

/// Whether the first group of a card can have so many digits.
pub(super) fn leads(digits: usize) -> bool {
    digits == 4 || (12..=19).contains(&digits)
}

/// The card that a chain of digits begins with. The words before it are asked for only
/// when the digits fit together.
pub(super) fn find(view: &View<'_>, chain: &Chain<'_>, nearby: &mut Nearby<'_>) -> Option<Hit> {
    let start = chain.first();
    let mut fits = |(count, length): (usize, usize)| {
        let sound = length <= 19 && chain.luhn(length) && printed(chain, count);
        let (end, digits) = sound.then(|| chain.prefix(count)).flatten()?;
        let known =
            !uniform(digits) && ends(view, end) && (issued(digits) || told(view, start, nearby));
        known.then_some((end, length))
    };
    let long = chain.lengths().take_while(|(_, length)| *length >= 12);
    let (end, length) = { long }.find_map(&mut fits)?;
    // Twelve to fourteen digits in one run pass by chance too often: timestamps do.
    let short = length < 15 && chain.groups() == 1;
    let percent = nearby
        .before(view, start)
        .judge(Topic::CARD, if short { 60 } else { 100 }, 100);
    (percent > 0).then(|| Hit::new(Entity::CreditCard, start..end, percent))
}

fn told(view: &View<'_>, start: usize, nearby: &mut Nearby<'_>) -> bool {
    nearby.before(view, start).distance(Topic::CARD) != UNSEEN
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
fn printed(chain: &Chain<'_>, count: usize) -> bool {
    if count == 1 {
        return true;
    }
    let size = |i: usize| chain.size(i);
    let amex = count == 3 && size(0) == 4 && size(1) == 6 && matches!(size(2), 4 | 5);
    let amex = amex && chain.joint(0) == chain.joint(1);
    let grouped = amex || ((1..=4).contains(&size(count - 1)) && fours(chain) + 1 >= count);
    grouped && matches!(chain.joint(0), b' ' | b'-' | b'.')
}

/// How many groups of four digits lead, each with the same separator behind it.
fn fours(chain: &Chain<'_>) -> usize {
    let joint = chain.joint(0);
    let four = |i: &usize| chain.size(*i) == 4 && chain.joint(*i) == joint;
    (0..chain.groups()).take_while(four).count()
}
