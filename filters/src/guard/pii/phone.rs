//! Phone numbers: international ones by the plans of their countries, national ones
//! by the North American form or a word, heading or short remark beside them.

use super::Entity;
use super::chain::Chain;
use super::context::{Topic, UNSEEN};
use super::hit::Hit;
use super::nearby::Nearby;
use super::plans;
use super::view::{View, alnum, digit};

/// The fewest digits of a number.
pub(super) const SHORTEST: usize = 6;
/// The most digits, with the country's code.
const MOST: usize = 15;
/// How near a word such as "call" must stand, in bytes.
const NEAR: u8 = 6;
/// Remarks that stand behind a number.
const REMARKS: &[&[u8]] = &[
    b"office", b"mobile", b"fax", b"cell", b"home", b"work", b"direct",
];

/// What the words before a number say.
#[derive(Clone, Copy)]
pub(super) struct Told {
    phone: bool,
    denied: bool,
}

impl Told {
    /// Reads the words; asks for a table's heading only if they say nothing.
    fn of(view: &View<'_>, start: usize, nearby: &mut Nearby<'_>) -> Told {
        let context = nearby.before(view, start);
        let phone = context.distance(Topic::PHONE);
        let call = context.distance(Topic::CALL);
        let near = if call <= NEAR { phone.min(call) } else { phone };
        let denied = context.denied(near);
        Told {
            phone: !denied && (near != UNSEEN || nearby.column(view, start)),
            denied,
        }
    }
}

/// Whether a number may begin here.
pub(super) fn begins(view: &View<'_>, start: usize) -> bool {
    let space = view.before(start);
    let plus = view.at(start) == b'+' || (view.at(start) == b'(' && view.at(start + 1) == b'+');
    // A number in the middle of a row of numbers is none.
    let row = !plus && space == b' ' && digit(view.before(start - 1));
    let tied = alnum(space) || (matches!(space, b'_' | b'#' | b'$') && !plus);
    !(row || tied)
}

/// The phone number that a chain of digits begins with, where one may begin.
pub(super) fn find(view: &View<'_>, chain: &Chain<'_>, nearby: &mut Nearby<'_>) -> Option<Hit> {
    let plus = view.part(chain.start, chain.first()).contains(&b'+');
    if !plus && chain.crumbs() {
        return None;
    }
    let (shape, end) = shape(view, chain, plus)?;
    let told = Told::of(view, chain.start, nearby);
    let stop = extension(view, end);
    // A national number with its trunk's 0 is little without a word, but not nothing.
    let digits = chain
        .prefix(chain.groups())
        .map_or(&[][..], |(_, digits)| digits);
    let trunk = digits.starts_with(b"0") && matches!(digits.len(), 10 | 11);
    let sure = match (shape, told.denied) {
        (Shape::World, denied) => 100 - 15 * u8::from(!told.phone) - 50 * u8::from(denied),
        (_, true) => 0,
        (Shape::National, _) if told.phone => 85,
        (Shape::National, _) => 60,
        (Shape::Loose, _) if told.phone => 85,
        (Shape::Loose, _) if remarked(view, stop) => 60,
        // In groups, and with nothing beside it.
        (Shape::Loose, _) if chain.groups() > 1 && view.is_all(chain.start, stop) => 60,
        (Shape::Loose, _) => 35 * u8::from(trunk),
    };
    (sure > 0).then(|| Hit::new(Entity::Phone, chain.start..stop, sure))
}

/// How much a chain looks like a phone number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Shape {
    /// A number of anything, unless a word tells.
    Loose,
    /// The North American form.
    National,
    /// International, by a country's plan.
    World,
}

/// The best shape of a chain's first groups, and where they end: of the best, that of
/// the most groups.
fn shape(view: &View<'_>, chain: &Chain<'_>, plus: bool) -> Option<(Shape, usize)> {
    if plus || chain.zeros() {
        let fits = |count, digits: &[u8], _| worldwide(count, digits, plus);
        if let Some(end) = most(view, (chain, 1, chain.groups()), fits) {
            return Some((Shape::World, end));
        }
    }
    let fits = |count, digits: &[u8], _| american(chain, count, digits);
    if let Some(end) = most(view, (chain, 3, 4), fits) {
        return Some((Shape::National, end));
    }
    // Only a plan or a known form says where a row of digits ends.
    let goes_on = |end: usize| view.at(end) == b' ' && digit(view.at(end + 1));
    let fits = |count, digits: &[u8], end| loose(chain, count, digits, plus) && !goes_on(end);
    let end = most(view, (chain, 1, chain.groups()), fits)?;
    Some((Shape::Loose, end))
}

/// Where the most of so many groups end that fit, by their count, their digits and their end.
fn most(
    view: &View<'_>,
    (chain, least, greatest): (&Chain<'_>, usize, usize),
    fits: impl Fn(usize, &[u8], usize) -> bool,
) -> Option<usize> {
    for count in (least..=greatest.min(chain.groups())).rev() {
        let (end, digits) = chain.prefix(count)?;
        if digits.len() < SHORTEST {
            return None;
        }
        if digits.len() <= MOST + 4 && fits(count, digits, end) && free(view, end) {
            return Some(end);
        }
    }
    None
}

/// Whether digits are an international number by a country's plan.
fn worldwide(count: usize, digits: &[u8], plus: bool) -> bool {
    let code = digits.strip_prefix(b"00").filter(|_| count > 1);
    (plus && digits.len() <= MOST && planned(digits)) || code.is_some_and(planned)
}

/// Whether digits in groups may be a number of somebody, if a word tells.
fn loose(chain: &Chain<'_>, count: usize, digits: &[u8], plus: bool) -> bool {
    if digits.len() > MOST {
        return false;
    }
    let sizes = |i: usize| chain.size(i);
    let short = digits.len() == 6 && !(count == 3 && (0..3).all(|i| sizes(i) == 2));
    let date = count == 3 && (0..3).all(|i| matches!(sizes(i), 2 | 4)) && digits.len() == 8;
    let decimal = count == 2 && chain.joint(0) == b'.' && !plus;
    let social = count == 3 && sizes(0) == 3 && sizes(1) == 2 && sizes(2) == 4 && !plus;
    let crumbs = count > 1 && (0..count).all(|i| sizes(i) < 2);
    !(short || date || decimal || social || crumbs)
}

/// Whether nothing ties the end of a number to what follows.
fn free(view: &View<'_>, end: usize) -> bool {
    let next = view.at(end);
    let extension = matches!(next, b'x' | b'X') && digit(view.at(end + 1));
    if extension {
        return true;
    }
    let tied = matches!(next, b'.' | b'/' | b':' | b'-') && digit(view.at(end + 1));
    !alnum(next) && !tied && !matches!(next, b'_' | b'%' | b'@')
}

/// `(202) 555-0143`, `202.555.0143` or `1-202-555-0143`.
fn american(chain: &Chain<'_>, count: usize, digits: &[u8]) -> bool {
    let lead = usize::from(chain.size(0) == 1 && digits.first() == Some(&b'1'));
    let sizes = |i: usize| chain.size(lead + i);
    let form = count == lead + 3 && sizes(0) == 3 && sizes(1) == 3 && sizes(2) == 4;
    let leads = |i: usize| digits.get(i).is_some_and(|byte| *byte >= b'2');
    form && leads(lead) && leads(lead + 3)
}

/// Whether a country's plan has such a number; a trunk's 0 may stand in it: `+44 (0)20`.
pub(super) fn planned(digits: &[u8]) -> bool {
    let Some((code, plan)) = plans::of(digits) else {
        return false;
    };
    let national = digits.get(code..).unwrap_or_default();
    let fits = |national: &[u8]| {
        let first = national.first();
        let fits = |(length, firsts): &(u8, &str)| {
            usize::from(*length) == national.len()
                && first.is_some_and(|first| firsts.as_bytes().contains(first))
        };
        national.len() >= 6 && plan.iter().any(fits)
    };
    fits(national) || national.strip_prefix(b"0").is_some_and(fits)
}

/// Whether a short remark stands right behind: ` fax`, `-Office`.
fn remarked(view: &View<'_>, end: usize) -> bool {
    if !matches!(view.at(end), b' ' | b'-') {
        return false;
    }
    let is = |remark: &&[u8]| {
        let place = end + 1;
        let same = |(i, byte): (usize, &u8)| view.at(place + i).eq_ignore_ascii_case(byte);
        remark.iter().enumerate().all(same) && !alnum(view.at(place + remark.len()))
    };
    REMARKS.iter().any(is)
}

/// The end of an extension behind a number: `x123`, ` ext. 12`, or the number's own end.
fn extension(view: &View<'_>, end: usize) -> usize {
    let next = view.at(end);
    if !matches!(next, b' ' | b'.') && !next.is_ascii_alphabetic() {
        return end;
    }
    let mut at = end + usize::from(next == b' ');
    for byte in [b'e', b'x', b't', b'.', b' '] {
        at += usize::from(view.at(at).eq_ignore_ascii_case(&byte));
    }
    let word = view
        .part(end, at)
        .iter()
        .any(|byte| byte.eq_ignore_ascii_case(&b'x'));
    let stop = view.run(at, 7, digit);
    let fits = word && (at + 1..at + 7).contains(&stop) && !alnum(view.at(stop));
    if fits { stop } else { end }
}
