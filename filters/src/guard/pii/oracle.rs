//! That the short table of numbering plans agrees with a long one: the metadata of
//! libphonenumber, by the crate `phonenumber`. What is valid there must be taken here;
//! what cannot be by its length there must not be.

use std::collections::BTreeSet;

use phonenumber::metadata::{DATABASE, Database, Descriptor};
use phonenumber::{Metadata, Type};

use super::phone::planned;
use super::plans::PLANS;

/// The kinds of numbers that can be called from abroad.
const KINDS: [Type; 10] = [
    Type::FixedLine,
    Type::Mobile,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::Voicemail,
];
/// Numbers that are made up per country and kind.
const TRIES: usize = 300;
/// The fewest digits of a national number that the scanner looks at: shorter ones are
/// numbers of anything.
const SHORTEST: usize = 6;
/// The most digits with the country's code, by E.164.
const LONGEST: usize = 15;
/// The least share of valid numbers of one country and of all that is taken, in percent.
/// The table knows lengths and first digits only and is a superset in both, so that
/// nothing is lost by what it does not know.
const TAKEN: (usize, usize) = (97, 99);

/// Digits by chance, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % most
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count)
            .map(|_| char::from(b'0' + self.below(10) as u8))
            .collect()
    }
}

fn database() -> &'static Database {
    &DATABASE
}

fn countries(code: u16) -> Vec<&'static Metadata> {
    database().by_code(&code).unwrap_or_default()
}

fn kinds(country: &'static Metadata) -> impl Iterator<Item = &'static Descriptor> {
    KINDS
        .into_iter()
        .filter_map(|kind| country.descriptors().get(kind))
}

fn valid(kind: &Descriptor, number: &str) -> bool {
    let whole = kind.national_number().find(number);
    whole.is_some_and(|whole| whole.start() == 0 && whole.end() == number.len())
}

fn taken(code: u16, national: &str) -> bool {
    planned(format!("{code}{national}").as_bytes())
}

/// Valid numbers of a kind: its example, and that with other digits behind its first few.
fn numbers(kind: &'static Descriptor, dice: &mut Dice) -> Vec<String> {
    let Some(example) = kind.example() else {
        return Vec::new();
    };
    let mut numbers = vec![example.to_owned()];
    for _ in 0..TRIES {
        let lengths = kind.possible_length();
        let length = lengths.get(dice.below(lengths.len().max(1))).copied();
        let length = length.map_or(example.len(), usize::from);
        let kept = dice.below(example.len().min(length));
        let rest = dice.digits(length - kept);
        numbers.push(format!("{}{rest}", example.get(..kept).unwrap_or_default()));
    }
    numbers.retain(|number| number.len() >= SHORTEST && valid(kind, number));
    numbers
}

#[test]
fn valid_numbers_of_every_country_are_taken() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (mut all, mut lost) = (0, 0);
    // What the table lacks: the code, the length and the first digit.
    let mut lacks = BTreeSet::new();
    for (code, _) in PLANS {
        let (mut here, mut refused) = (0, 0);
        for kind in countries(*code).into_iter().flat_map(kinds) {
            let mut numbers = numbers(kind, &mut dice);
            numbers.retain(|number| code.to_string().len() + number.len() <= LONGEST);
            here += numbers.len();
            numbers.retain(|number| !taken(*code, number));
            refused += numbers.len();
            let rows = numbers.iter();
            lacks.extend(rows.map(|number| (*code, number.len(), number.chars().next())));
        }
        (all, lost) = (all + here, lost + refused);
        assert!(
            refused * 100 <= here * (100 - TAKEN.0),
            "+{code}: {refused} of {here}, {lacks:?}"
        );
    }
    println!("{lost} of {all} valid numbers are refused: {lacks:?}");
    assert!(
        all > 50_000 && lost * 100 <= all * (100 - TAKEN.1),
        "{lost} of {all}"
    );
}

#[test]
fn every_country_has_its_plan() {
    for code in (1..1000).filter(|code| !countries(*code).is_empty()) {
        let known = PLANS.binary_search_by_key(&code, |(code, _)| *code).is_ok();
        assert!(known, "+{code}");
    }
}

#[test]
fn numbers_of_a_length_that_no_country_has_are_refused() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let (mut all, mut wrong) = (0, Vec::new());
    for (code, _) in PLANS {
        let kinds: Vec<&Descriptor> = countries(*code).into_iter().flat_map(kinds).collect();
        let possible = |length: usize| {
            let has = |kind: &&Descriptor| kind.possible_length().contains(&(length as u16));
            kinds.iter().any(has)
        };
        for length in SHORTEST..=15 {
            for _ in 0..50 {
                let national = dice.digits(length);
                // The 0 of a trunk may stand before a number.
                let trunk = usize::from(national.starts_with('0'));
                if !taken(*code, &national) {
                    continue;
                }
                all += 1;
                if !possible(length) && !possible(length - trunk) {
                    wrong.push((*code, national));
                }
            }
        }
    }
    println!(
        "{} of {all} taken numbers have a length that cannot be",
        wrong.len()
    );
    assert!(all > 1000 && wrong.is_empty(), "{wrong:?}");
}
