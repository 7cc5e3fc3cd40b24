//! Rules that need no training: sequences of words of a class, with gaps, and
//! literal markup of prompts. A rule is a list of classes, a class a list of
//! words in eight languages; so a rule is written once and the matching costs one
//! look into a table per word, whatever the number of rules.

use aho_corasick::{AhoCorasick, MatchKind};

use super::features;
use super::phrases::{CLASSES, LITERALS, Rule, SEQUENCES};

/// How many slots the table of words has: far more than words, so that most
/// look-ups end at the first.
const SLOTS: usize = 4096;

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
    /// Hash of a word and the classes it belongs to; classes 0 for an empty slot.
    slots: Vec<(u32, u64)>,
    literals: Option<AhoCorasick>,
}

impl Rules {
    /// The rules of this build.
    #[must_use]
    pub fn new() -> Rules {
        let mut slots = vec![(0, 0); SLOTS];
        for (class, words) in CLASSES.iter().enumerate() {
            for word in words.split_ascii_whitespace() {
                add(&mut slots, features::word(word), 1 << class);
            }
        }
        let literals = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostFirst)
            .build(LITERALS.iter().map(|literal| literal.text))
            .ok();
        Rules { slots, literals }
    }

    /// The classes of a word.
    fn classes(&self, hash: u32) -> u64 {
        let mut at = hash as usize;
        loop {
            match self.slots.get(at % SLOTS) {
                Some(&(_, 0)) | None => return 0,
                Some(&(held, classes)) if held == hash => return classes,
                Some(_) => at += 1,
            }
        }
    }
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
    pub fn word(&mut self, hash: u32) {
        self.words += 1;
        let classes = self.rules.classes(hash);
        if classes == 0 {
            return;
        }
        let mut best = self.hit;
        for (rule, met) in SEQUENCES.iter().zip(&mut self.met) {
            if follow(rule, met, classes, self.words) {
                best = better(best, rule.name, rule.bonus);
            }
        }
        self.hit = best;
    }

    /// Looks for literal markup; cheap, for all of it begins with one of few bytes.
    pub fn literals(&mut self, text: &str) {
        let Some(literals) = &self.rules.literals else {
            return;
        };
        for found in literals.find_iter(text) {
            if let Some(literal) = LITERALS.get(found.pattern().as_usize()) {
                self.hit = better(self.hit, literal.name, literal.bonus);
            }
        }
    }
}

/// The better of two hits; the earlier one when they are equal.
fn better(held: Option<Hit>, rule: &'static str, bonus: f32) -> Option<Hit> {
    match held {
        Some(hit) if hit.bonus >= bonus => Some(hit),
        _ => Some(Hit { rule, bonus }),
    }
}

/// Takes one word of some classes; true when it ends the rule's sequence. The
/// latest place is enough to know for each step, for gaps only have a maximum.
fn follow(rule: &Rule, met: &mut [u32; STEPS], classes: u64, words: u32) -> bool {
    let mut ended = false;
    for (step, &(class, gap)) in rule.steps.iter().enumerate().rev() {
        if classes & (1 << class) == 0 {
            continue;
        }
        let reached = match step.checked_sub(1).and_then(|before| met.get(before)) {
            None => step == 0,
            Some(&before) => before != 0 && before < words && words - before <= gap + 1,
        };
        if reached && let Some(place) = met.get_mut(step) {
            *place = words;
            ended |= step + 1 == rule.steps.len();
        }
    }
    ended
}
