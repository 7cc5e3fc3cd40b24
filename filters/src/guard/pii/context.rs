//! What the words before a number say of it. A number alone is often a number of
//! anything; the nearest word within [`REACH`] bytes before it decides. Only what
//! stands before counts, so that a finding never waits for what follows.

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::rules::Rule;
use super::view::{View, alnum};
use super::words;

/// How far before a number a word may begin, in bytes.
pub(super) const REACH: usize = 48;
/// How near a word must stand that says "not personal data", in bytes.
const DENIAL: u8 = 24;
/// How far back a table's heading is looked for, in bytes.
const TABLE: usize = 190;
/// No word of this topic was seen.
pub(super) const UNSEEN: u8 = u8::MAX;
/// Topics in all.
const TOPICS: usize = 128;

/// What a word is about: one of these, or one rule of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Topic(pub(super) u8);

impl Topic {
    pub(super) const NOT: Topic = Topic(0);
    pub(super) const PHONE: Topic = Topic(1);
    /// A verb such as "call", which counts only close by.
    pub(super) const CALL: Topic = Topic(2);
    pub(super) const CARD: Topic = Topic(3);
    pub(super) const IP: Topic = Topic(5);
    pub(super) const VERSION: Topic = Topic(6);
    pub(super) const BIRTH: Topic = Topic(7);
    pub(super) const WALLET: Topic = Topic(8);
    pub(super) const PASSPORT: Topic = Topic(9);
    pub(super) const LICENCE: Topic = Topic(10);
    pub(super) const ACCOUNT: Topic = Topic(11);
    pub(super) const PLATE: Topic = Topic(12);
    const RULES: u8 = 16;

    /// The topic of the rule in this place of the table of all rules.
    pub(super) fn of_rule(index: usize, rule: &Rule) -> Topic {
        let own = u8::try_from(index).unwrap_or(u8::MAX);
        rule.topic
            .unwrap_or(Topic(Topic::RULES.saturating_add(own)))
    }
}

/// The words of all languages and rules, compiled.
#[derive(Debug)]
pub(super) struct Words {
    automaton: Option<AhoCorasick>,
    /// Per word: its topic, and whether more letters may follow it.
    meanings: Vec<(Topic, bool)>,
}

/// How near the nearest word of each topic stands, in bytes.
pub(super) struct Context([u8; TOPICS]);

impl Context {
    /// How many bytes stand between the nearest word of the topic and the number.
    pub(super) fn distance(&self, topic: Topic) -> u8 {
        self.0.get(usize::from(topic.0)).copied().unwrap_or(UNSEEN)
    }

    /// Whether a word says that it is something else, nearer than this.
    pub(super) fn denied(&self, nearer_than: u8) -> bool {
        let denial = self.distance(Topic::NOT);
        denial <= DENIAL && denial < nearer_than
    }

    /// How sure a shape is (in percent) that is this sure alone, and that sure with
    /// a word of its topic; 0 for not at all. A denial leaves a checksum's certainty
    /// low and everything else at nothing.
    pub(super) fn judge(&self, topic: Topic, alone: u8, told: u8) -> u8 {
        let near = self.distance(topic);
        if self.denied(near) {
            return if alone >= 100 { 35 } else { 0 };
        }
        if near == UNSEEN {
            alone
        } else {
            told.max(alone)
        }
    }

    fn note(&mut self, topic: Topic, distance: u8) {
        if let Some(nearest) = self.0.get_mut(usize::from(topic.0)) {
            *nearest = distance.min(*nearest);
        }
    }
}

impl Words {
    /// All words, with those of these rules.
    pub(super) fn new(rules: &[&'static Rule]) -> Words {
        let mut list: Vec<(&str, Topic)> = Vec::new();
        for (topic, of_topic) in words::ALL.iter().flat_map(|language| language.iter()) {
            list.extend(of_topic.iter().map(|word| (*word, *topic)));
        }
        for (index, rule) in rules.iter().enumerate() {
            let topic = Topic::of_rule(index, rule);
            list.extend(rule.words.iter().map(|word| (*word, topic)));
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(list.iter().map(|(word, _)| word));
        let meanings = list.iter().map(|(word, topic)| (*topic, word.len() >= 5));
        Words {
            automaton: automaton.ok(),
            meanings: meanings.collect(),
        }
    }

    /// What the words before this place say.
    pub(super) fn before(&self, view: &View<'_>, start: usize) -> Context {
        let mut context = Context([UNSEEN; TOPICS]);
        let from = start.saturating_sub(REACH);
        self.collect(view, (from, start), &mut context);
        context
    }

    /// Notes the words between two places, with their distance from the second.
    fn collect(&self, view: &View<'_>, (from, to): (usize, usize), context: &mut Context) {
        let Some(automaton) = &self.automaton else {
            return;
        };
        let text = view.part(from, to);
        for found in automaton.find_overlapping_iter(text) {
            let Some((topic, more)) = self.meanings.get(found.pattern().as_usize()) else {
                continue;
            };
            let (start, end) = (from + found.start(), from + found.end());
            let whole = *more || !alnum(view.before(end + 1)) || end == to;
            if whole && starts_word(view, start, *topic) {
                context.note(*topic, u8::try_from(to - end).unwrap_or(UNSEEN - 1));
            }
        }
    }

    /// Whether the number that begins here stands in a table's column whose heading
    /// is of this topic.
    pub(super) fn column(&self, view: &View<'_>, start: usize, topic: Topic) -> bool {
        let space = view.back(start, 2, |byte| byte == b' ');
        if view.before(space) != b'|' {
            return false;
        }
        let from = start.saturating_sub(TABLE);
        let before = view.part(from, space);
        let Some(row) = before.iter().rposition(|byte| *byte == b'\n') else {
            return false;
        };
        let Some((heading, this)) = before.split_at_checked(row) else {
            return false;
        };
        let cell = this.iter().filter(|byte| **byte == b'|').count();
        let mut lines = heading.split(|byte| *byte == b'\n');
        lines.any(|line| self.heads(line, cell, topic))
    }

    /// Whether the cell of this number in a line is a word of the topic.
    fn heads(&self, line: &[u8], cell: usize, topic: Topic) -> bool {
        let heading = line.split(|byte| *byte == b'|').nth(cell);
        let heading = heading.unwrap_or_default();
        if !line.starts_with(b"|") || heading.iter().any(u8::is_ascii_digit) {
            return false;
        }
        let view = View::new(heading, true);
        let mut context = Context([UNSEEN; TOPICS]);
        self.collect(&view, (0, heading.len()), &mut context);
        context.distance(topic) != UNSEEN
    }
}

/// Whether a word can start here: no letter before it, unless a capital begins it
/// within `camelCase`. A word of denial counts in no host name.
fn starts_word(view: &View<'_>, start: usize, topic: Topic) -> bool {
    let before = view.before(start);
    if topic == Topic::NOT && matches!(before, b'.' | b'@') {
        return false;
    }
    let camel = before.is_ascii_lowercase() && view.at(start).is_ascii_uppercase();
    !alnum(before) || camel
}
