//! International bank account numbers: the country's length and the mod-97 check,
//! in one run or in groups of any size with one space between.

use super::Entity;
use super::checks::mod97;
use super::hit::Hit;
use super::view::{View, alnum, ends};

/// Countries by their length, in characters.
const LENGTHS: &[(usize, &str)] = &[
    (15, "NO"),
    (16, "BE"),
    (18, "DK FK FI FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// The longest of all.
const LONGEST: usize = 34;

/// The lengths of all countries by their letters; 0 for no country.
static BY_COUNTRY: [[u8; 26]; 26] = by_country();

#[expect(clippy::indexing_slicing, reason = "a mistake here fails the build")]
const fn by_country() -> [[u8; 26]; 26] {
    let mut lengths = [[0; 26]; 26];
    let mut row = 0;
    while row < LENGTHS.len() {
        let names = LENGTHS[row].1.as_bytes();
        let mut at = 0;
        while at < names.len() {
            let (first, second) = (names[at] - b'A', names[at + 1] - b'A');
            lengths[first as usize][second as usize] = LENGTHS[row].0 as u8;
            at += 3;
        }
        row += 1;
    }
    lengths
}

/// The length of a country's numbers.
fn length(country: [u8; 2]) -> Option<usize> {
    let place = |letter: u8| usize::from(letter.to_ascii_uppercase().wrapping_sub(b'A'));
    let row = BY_COUNTRY.get(place(country[0]))?;
    let length = row.get(place(country[1])).copied()?;
    Some(usize::from(length)).filter(|length| *length > 0)
}

/// The number that begins here.
pub(super) fn find(view: &View<'_>, start: usize) -> Option<Hit> {
    let head = [view.at(start), view.at(start + 1)];
    if !head.iter().all(u8::is_ascii_alphabetic) || alnum(view.before(start)) {
        return None;
    }
    let length = length(head)?;
    let mut kept = [0; LONGEST];
    let mut at = start;
    for (i, slot) in kept.iter_mut().take(length).enumerate() {
        if i >= 4 && matches!(view.at(at), b' ' | b'-') {
            at += 1;
        }
        *slot = view.at(at);
        if !alnum(*slot) || (matches!(i, 2 | 3) && !slot.is_ascii_digit()) {
            return None;
        }
        at += 1;
    }
    let number = kept.get(..length)?;
    let (head, account) = number.split_at_checked(4)?;
    let rest = mod97(account.iter().chain(head).copied());
    (rest == 1 && ends(view, at)).then(|| Hit::new(Entity::Iban, start..at, 100))
}
