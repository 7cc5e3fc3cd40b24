//! What the words before a number say of it. A number alone is often a number of
//! anything; the nearest word within [`REACH`] bytes before it decides. Only what
//! stands before counts, so that a finding never waits for what follows.

use aho_corasick::automaton::Automaton;
use aho_corasick::dfa::DFA;
use aho_corasick::{Anchored, StartKind};

pub(super) use aho_corasick::automaton::StateID;

use super::rules::Rule;
use super::view::{View, alnum};
use super::words;

/// How far before a number a word may begin, in bytes.
pub(super) const REACH: usize = 48;
/// How near a word must stand that says "not personal data", in bytes.
const DENIAL: u8 = 24;
/// No word of this topic was seen.
pub(super) const UNSEEN: u8 = u8::MAX;
/// Topics in all.
const TOPICS: usize = 128;

/// What a word is about: one of these, or one rule of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// How near the nearest word of each topic stands, in bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context([u8; TOPICS]);

impl Context {
    /// No word at all.
    pub(super) const SILENCE: Context = Context([UNSEEN; TOPICS]);

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

    /// Notes that a word of the topic stands so many bytes before the number.
    pub(super) fn note(&mut self, topic: Topic, distance: usize) {
        let distance = u8::try_from(distance).unwrap_or(UNSEEN - 1);
        if let Some(nearest) = self.0.get_mut(usize::from(topic.0)) {
            *nearest = distance.min(*nearest);
        }
    }
}

/// A word that stands in the text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) topic: Topic,
    /// A letter or digit follows that would make it another word, unless what follows
    /// is the number itself.
    pub(super) tied: bool,
}

/// The words of all languages and rules, compiled.
#[derive(Debug)]
pub(super) struct Words {
    automaton: Option<DFA>,
    /// Per word: its topic, and whether more letters may follow it.
    meanings: Vec<(Topic, bool)>,
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
        let automaton = DFA::builder()
            .ascii_case_insensitive(true)
            .start_kind(StartKind::Unanchored)
            .build(list.iter().map(|(word, _)| word));
        let meanings = list.iter().map(|(word, topic)| (*topic, word.len() >= 5));
        Words {
            automaton: automaton.ok(),
            meanings: meanings.collect(),
        }
    }

    /// Reads on from one place to another and offers each word that ends on the way.
    /// What it returns goes on from there; nothing begins anew.
    pub(super) fn read(
        &self,
        view: &View<'_>,
        (from, to): (usize, usize),
        state: Option<StateID>,
        mut offer: impl FnMut(Word),
    ) -> Option<StateID> {
        let automaton = self.automaton.as_ref()?;
        let mut state = match state {
            Some(state) => state,
            None => automaton.start_state(Anchored::No).ok()?,
        };
        for (byte, end) in view.part(from, to).iter().zip(from + 1..) {
            state = automaton.next_state(Anchored::No, state, *byte);
            if automaton.is_special(state) && automaton.is_match(state) {
                for index in 0..automaton.match_len(state) {
                    let pattern = automaton.match_pattern(state, index);
                    let start = end - automaton.pattern_len(pattern);
                    let meaning = self.meanings.get(pattern.as_usize());
                    let Some((topic, more)) = meaning.copied() else {
                        continue;
                    };
                    if starts_word(view, start, topic) {
                        let tied = !more && alnum(view.before(end + 1));
                        offer(Word {
                            start,
                            end,
                            topic,
                            tied,
                        });
                    }
                }
            }
        }
        Some(state)
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
