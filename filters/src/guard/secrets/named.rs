//! A value behind a name: a vendor's own, or one that says secret, whoever's it is.

use super::super::Confidence;
use super::alphabet::{self, ALNUM, DIGIT};
use super::context::{self, Context, Hit, Meaning};
use super::entropy;
use super::index::{Index, Rule};
use super::shape::Stretches;
use super::value::{self, Trust};

/// The farthest that a vendor's name may stand before its value, in bytes.
const FAR: usize = 72;

impl Index {
    /// A value behind a vendor's name.
    pub(super) fn vendors(
        &self,
        place: &mut Place<'_, '_>,
    ) -> Option<(&'static str, usize, Confidence)> {
        let (at, context) = (place.at, place.context);
        if !context.has_vendor() {
            return None;
        }
        let mut named = false;
        let mut tried = [(u16::MAX, false); TRIED];
        let mut count = 0;
        let gap = Gap::before(place.text, at);
        let short = place.end - at < self.least_named;
        for hit in context.vendors().take_while(|hit| gap.holds(hit)) {
            let Meaning::Vendor { list, .. } = hit.meaning else {
                continue;
            };
            let Some(word) = gap.belongs(context, &hit, at) else {
                continue;
            };
            named |= word;
            // No rule of any vendor has so short a value.
            if short && named {
                break;
            }
            if tried.contains(&(list, word)) {
                continue;
            }
            if let Some(slot) = tried.get_mut(count % TRIED) {
                *slot = (list, word);
            }
            count += 1;
            let (shortest, rules) = self.vendors.get(usize::from(list))?;
            if place.end - at < *shortest {
                continue;
            }
            for rule in rules {
                let rule = self.rules.get(usize::from(*rule))?;
                if let Some(length) = rule.named(place, word) {
                    return Some((rule.id, at + length, Confidence::HIGH));
                }
            }
        }
        let said = named && (context.bond.operator || context.says_secret());
        if !said || context.says_public() {
            return None;
        }
        let (value, end) = place.value(key_letters());
        place
            .random(value, Trust::Vendor)
            .then_some(("vendor-key", end, Confidence::HIGH))
    }
}

/// How many lists of rules are remembered that were tried on one value.
const TRIED: usize = 8;

/// Where a value may begin in a token, and what stands before it.
pub(super) struct Place<'a, 'r> {
    pub(super) text: &'a [u8],
    /// Where the token ends.
    pub(super) end: usize,
    pub(super) at: usize,
    pub(super) context: &'r Context<'r>,
    pub(super) known: &'r mut Stretches,
    /// The bytes that were looked at.
    pub(super) spent: &'r mut usize,
}

impl<'a> Place<'a, '_> {
    /// The value of these letters, and its end.
    fn value(&mut self, letters: u32) -> (&'a [u8], usize) {
        let end = extent(self.text, self.at, self.end, letters);
        *self.spent += end - self.at;
        (self.text.get(self.at..end).unwrap_or_default(), end)
    }

    fn random(&mut self, value: &[u8], trust: Trust) -> bool {
        *self.spent += 3 * value.len().min(value::MOST);
        value::random(value, trust)
    }

    fn password(&mut self, value: &[u8], set: bool) -> bool {
        *self.spent += 3 * value.len().min(value::LONGEST);
        value::password(value, set)
    }
}

impl Rule {
    /// How long the value is when it has one of the rule's shapes. Without a word of
    /// secrets before it, or with punctuation, it needs a digit: names of programs have
    /// such lengths too.
    fn named(&self, place: &mut Place<'_, '_>, word: bool) -> Option<usize> {
        let token = place.text.get(..place.end)?;
        let fitting = self.shapes.iter().filter_map(|shape| {
            let asked = place.known.asked;
            let length = shape.matches(token, place.at, place.known);
            *place.spent += 4 + 4 * (place.known.asked - asked);
            let length = length?;
            *place.spent += length;
            let value = token.get(place.at..place.at + length)?;
            let chance = entropy::of(value) >= self.floor;
            let real = self.floor == 0.0 || !value::shown(value) && !value::repeats(value);
            let bits = alphabet::union(value);
            let drawn = bits & DIGIT != 0 || word && bits & !ALNUM == 0;
            (chance && real && drawn).then_some(length)
        });
        fitting.max()
    }
}

/// Where a value ends that is made of the letters of keys.
fn extent(text: &[u8], from: usize, end: usize, mask: u32) -> usize {
    let rest = text.get(from..end).unwrap_or_default();
    let length = rest
        .iter()
        .take_while(|b| alphabet::of(**b) & mask != 0)
        .count();
    let kept = rest.get(..length).unwrap_or_default();
    let trimmed = kept.iter().rposition(|b| !matches!(b, b'.' | b':' | b'?'));
    from + trimmed.map_or(0, |last| last + 1)
}

/// What keys are written with.
fn key_letters() -> u32 {
    alphabet::named(b'G').unwrap_or(ALNUM)
}

/// What stands between names and a value.
struct Gap {
    /// Behind the last byte that parts the value from all names before it.
    low: usize,
    /// Behind the last `/`.
    path: usize,
    /// Behind the last letter or digit, if it is near.
    letter: usize,
}

impl Gap {
    /// What stands before the value.
    fn before(text: &[u8], at: usize) -> Gap {
        let far = at.saturating_sub(FAR);
        let bytes = text.get(far..at).unwrap_or_default();
        let behind = |sign: Option<usize>| sign.map_or(far, |sign| far + sign + 1);
        let near = bytes.iter().rev().take(8);
        let plain = near.take_while(|b| alphabet::of(**b) & ALNUM == 0).count();
        Gap {
            low: behind(memchr::memrchr2(b';', b'}', bytes)),
            path: behind(memchr::memrchr(b'/', bytes)),
            letter: at - plain,
        }
    }

    /// Whether nothing parts the value from the word; from those before it neither.
    fn holds(&self, hit: &Hit) -> bool {
        hit.end >= self.low
    }

    /// Whether a vendor's name belongs to the value, and if so whether a word of secrets
    /// says it too.
    fn belongs(&self, context: &Context<'_>, hit: &Hit, at: usize) -> Option<bool> {
        let word = context.names_secret(hit.start().saturating_sub(16));
        if self.path > hit.end && !context.says_secret() {
            return None;
        }
        let close = context.bond.operator && at - hit.end <= 24;
        (word || hit.end >= self.letter || close).then_some(word)
    }
}

/// A value behind a name that says secret, whoever's it is.
pub(super) fn generic(
    place: &mut Place<'_, '_>,
    inner: bool,
) -> Option<(&'static str, usize, Confidence)> {
    let context = place.context;
    let name = context.secret_name(place.text)?;
    let bond = context.bond;
    let letters = match name.meaning {
        Meaning::Password | Meaning::Secret => u32::MAX,
        _ => key_letters(),
    };
    let (chosen, whole) = place.value(letters);
    let (key, end) = place.value(key_letters());
    let hinted = |hit: Hit| hit.meaning == Meaning::Hint && hit.bounded;
    let (found, rule, end) = match name.meaning {
        Meaning::Password if bond.operator || !inner && bond.said => {
            let set = bond.operator && bond.tight && !bond.passed;
            (place.password(chosen, set), "password", whole)
        }
        // `login ann password …`, as in a netrc.
        Meaning::Password if !inner && context.plain().any(hinted) => {
            (place.password(chosen, false), "password", whole)
        }
        Meaning::Secret if bond.operator && bond.tight && value::typed_in(chosen) => {
            (true, "generic-api-key", whole)
        }
        _ if !inner && (bond.operator || bond.said) => {
            let found = place.random(key, Trust::Assigned);
            (found, "generic-api-key", end)
        }
        _ => {
            let said = context::shouted(place.text, name.end) || name.meaning == Meaning::Secret;
            let found = said && place.random(key, Trust::Spaced);
            (found, "generic-spaced", end)
        }
    };
    found.then_some((rule, end, Confidence::MEDIUM))
}
