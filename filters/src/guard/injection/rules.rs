//! Rules that need no training: sequences of words of a class, with gaps, and
//! literal markup of prompts. A rule is a list of classes, a class a list of
//! words in eight languages; so a rule is written once and the matching costs one
//! look into a table per word, whatever the number of rules.

use aho_corasick::{AhoCorasick, MatchKind};

use super::bits::Bits;
use super::features;
use super::phrases::{CLASSES, LITERALS, Rule, SEQUENCES};

/// How many slots the table of words has: far more than words, so that most
/// look-ups end at the first.
const SLOTS: usize = 4096;

/// How many ends of hashes are told apart before a word is looked up, a power of two: far
/// more than words, so that most words of a text are told to mean nothing.
const ENDS: usize = 1 << 15;

/// The longest sequence of a rule, in classes.
const STEPS: usize = 6;

/// A rule that a text meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hit {
    /// The rule's name.
    pub rule: &'static str,
    /// What it adds to the log-odds.
    pub bonus: f32,
}

/// The rules, made ready.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The ends of the hashes in `slots`.
    known: Box<Bits<{ ENDS / 64 }>>,
    /// Hash of a word and the place of what it means in `meanings`; 0 for an empty slot.
    slots: Vec<(u32, u32)>,
    /// The steps of all rules that words of the same classes may take, in the order of
    /// the rules, the last step of each first. The first meaning is none.
    meanings: Vec<Vec<Taken>>,
    literals: Option<AhoCorasick>,
}

/// A step of a rule.
#[derive(Clone, Copy, Debug)]
struct Taken {
    rule: usize,
    step: usize,
    gap: u32,
}

impl Rules {
    /// The rules of this build.
    #[must_use]
    pub fn new() -> Rules {
        let mut known = Box::new(Bits::new());
        let mut classes = vec![(0, 0_u64); SLOTS];
        for (class, words) in CLASSES.iter().enumerate() {
            for word in words.split_ascii_whitespace() {
                let hash = features::word(word);
                known.insert(hash as usize % ENDS);
                add(&mut classes, hash, 1 << class);
            }
        }
        let mut sets = vec![0];
        let slots = classes
            .into_iter()
            .map(|(hash, set)| (hash, place(&mut sets, set)))
            .collect();
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostFirst)
            .build(LITERALS.iter().map(|literal| literal.text))
            .ok();
        Rules {
            known,
            slots,
            meanings: sets.into_iter().map(meaning).collect(),
            literals,
        }
    }

    /// What a word means to the rules; 0 for nothing.
    #[inline]
    pub(super) fn meaning(&self, hash: u32) -> u32 {
        if !self.known.holds(hash as usize % ENDS) {
            return 0;
        }
        let mut at = hash as usize;
        loop {
            match self.slots.get(at % SLOTS) {
                Some(&(_, 0)) | None => return 0,
                Some(&(held, meaning)) if held == hash => return meaning,
                Some(_) => at += 1,
            }
        }
    }
}

/// Where a set of classes stands among the sets; it is added if it is new.
fn place(sets: &mut Vec<u64>, set: u64) -> u32 {
    let place = sets.iter().position(|held| *held == set);
    let place = place.unwrap_or_else(|| {
        sets.push(set);
        sets.len() - 1
    });
    u32::try_from(place).unwrap_or(0)
}

/// The steps that a word of these classes may take.
fn meaning(classes: u64) -> Vec<Taken> {
    let mut all = Vec::new();
    for (rule, Rule { steps, .. }) in SEQUENCES.iter().enumerate() {
        for (step, &(class, gap)) in steps.iter().enumerate().rev() {
            if classes & (1 << class) != 0 {
                all.push(Taken { rule, step, gap });
            }
        }
    }
    all
}

impl Default for Rules {
    fn default() -> Rules {
        Rules::new()
    }
}

/// Adds a class to a word. The table is never full: there are far fewer words than slots.
fn add(slots: &mut [(u32, u64)], hash: u32, class: u64) {
    for step in 0..SLOTS {
        if let Some(slot) = slots.get_mut((hash as usize + step) % SLOTS)
            && (slot.1 == 0 || slot.0 == hash)
        {
            *slot = (hash, slot.1 | class);
            return;
        }
    }
}

/// Follows all rules through one text.
pub struct Matcher<'a> {
    rules: &'a Rules,
    /// For each rule and step: how many words had been read when the sequence up
    /// to here was last met; 0 for never.
    met: [[u32; STEPS]; SEQUENCES.len()],
    words: u32,
    hit: Option<Hit>,
}

impl<'a> Matcher<'a> {
    /// At the beginning of a text.
    #[must_use]
    pub fn new(rules: &'a Rules) -> Matcher<'a> {
        Matcher {
            rules,
            met: [[0; STEPS]; SEQUENCES.len()],
            words: 0,
            hit: None,
        }
    }

    /// The rule with the largest bonus that was met so far.
    #[must_use]
    pub fn hit(&self) -> Option<Hit> {
        self.hit
    }

    /// The next word.
    #[inline]
    pub fn word(&mut self, hash: u32) {
        self.words += 1;
        let meaning = self.rules.meaning(hash);
        if meaning != 0 {
            self.meets(self.words, meaning);
        }
    }

    /// A word that means something to the rules is the so many-th of the text; true when
    /// it ends a sequence. The latest place is enough to know for each step, for gaps
    /// only have a maximum.
    pub(super) fn meets(&mut self, words: u32, meaning: u32) -> bool {
        let steps = self.rules.meanings.get(meaning as usize);
        let mut ended = false;
        for &Taken { rule, step, gap } in steps.into_iter().flatten() {
            let (Some(met), Some(rule)) = (self.met.get_mut(rule), SEQUENCES.get(rule)) else {
                continue;
            };
            let reached = match step.checked_sub(1).and_then(|before| met.get(before)) {
                None => step == 0,
                Some(&before) => before != 0 && before < words && words - before <= gap + 1,
            };
            if reached && let Some(place) = met.get_mut(step) {
                *place = words;
                if step + 1 == rule.steps.len() {
                    ended = true;
                    self.hit = better(self.hit, rule.name, rule.bonus);
                }
            }
        }
        ended
    }

    /// Looks for literal markup; cheap, for all of it begins with one of few bytes. True
    /// when there is some.
    pub fn literals(&mut self, text: &str) -> bool {
        let Some(literals) = &self.rules.literals else {
            return false;
        };
        let mut is_there = false;
        for found in literals.find_iter(text) {
            is_there = true;
            if let Some(literal) = LITERALS.get(found.pattern().as_usize()) {
                self.hit = better(self.hit, literal.name, literal.bonus);
            }
        }
        is_there
    }
}

/// The better of two hits; the earlier one when they are equal.
fn better(held: Option<Hit>, rule: &'static str, bonus: f32) -> Option<Hit> {
    match held {
        Some(hit) if hit.bonus >= bonus => Some(hit),
        _ => Some(Hit { rule, bonus }),
    }
}
