//! Personal data by grammar, checksum and context. One pass jumps from anchor to
//! anchor (digits, `@`, `::`), so that prose costs next to nothing; at an anchor one
//! pure attempt is made, so that a text cut anywhere gives the findings of the whole.
//!
//! | module | why it exists |
//! |---|---|
//! | `anchors` | where an attempt is worth its while |
//! | `view` | the bytes an attempt may read |
//! | `context`, `words` | what the words before a number say of it |
//! | `email`, `card`, `iban`, `net`, `wallet`, `phone` | one grammar each |
//! | `rules`, `packs` | identity numbers as rows of tables |
//! | `chain`, `checks`, `plans`, `hit` | parts that they share |

mod anchors;
mod card;
mod chain;
mod checks;
mod context;
mod email;
mod hit;
mod iban;
mod net;
mod packs;
mod phone;
mod plans;
mod rules;
mod view;
mod wallet;
mod words;

#[cfg(test)]
mod tests;

use super::{Entity, Finding, Window};
use chain::Chain;
use context::{Context, Topic, Words};
use hit::{Best, Hit};
use rules::Rule;
use view::{View, alnum, begins, digit};

/// How far before an anchor a finding may begin, in bytes.
const LEFT: usize = 64;
/// The same for a `:`, which stands in no address of mail.
const LEFT_OF_COLON: usize = 45;
/// Letters that a word may have before its first digit; longer words are no numbers.
const LETTERS: usize = 40;

/// The scanner of personal data, compiled for some kinds.
#[derive(Debug)]
pub struct Pii {
    wanted: Vec<Entity>,
    /// Rules of the wanted kinds with the topic of their words.
    rules: Vec<(&'static Rule, Topic)>,
    words: Words,
}

/// Words before one place, looked up once and only when somebody asks.
struct Lookup<'a> {
    words: &'a Words,
    found: Option<(usize, Context)>,
}

impl Lookup<'_> {
    fn before(&mut self, view: &View<'_>, start: usize) -> &Context {
        let words = self.words;
        let stale = self.found.as_ref().is_none_or(|(place, _)| *place != start);
        if stale {
            self.found = None;
        }
        let found = self
            .found
            .get_or_insert_with(|| (start, words.before(view, start)));
        &found.1
    }
}

impl Pii {
    /// Compiles the scanner for these kinds; see [`Entity::defaults`].
    #[must_use]
    pub fn new(entities: &[Entity]) -> Pii {
        let mut wanted = entities.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let rules: Vec<&'static Rule> = packs::all()
            .filter(|rule| wanted.contains(&rule.entity))
            .collect();
        let words = Words::new(&rules);
        let topics = rules.iter().enumerate();
        let topics = topics.map(|(index, rule)| (*rule, Topic::of_rule(index, rule)));
        Pii {
            rules: topics.collect(),
            wanted,
            words,
        }
    }

    /// Looks for personal data and adds what it found in order of place. Returns the
    /// byte, at a character's boundary, up to which the text is decided; the law of
    /// [`Window`] holds.
    pub fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let text = window.text;
        let bytes = text.as_bytes();
        let boundary = |at: usize| (at..text.len()).find(|at| text.is_char_boundary(*at));
        let boundary = |at: usize| boundary(at).unwrap_or(text.len());
        let mut floor = window.from;
        let mut at = window.from;
        while let Some(anchor) = anchors::next(bytes, at) {
            let view = View::new(bytes, window.last);
            let hit = self.attempt(&view, anchor);
            if view.starved() {
                return boundary(edge(&view, anchor)).max(floor);
            }
            match hit.filter(|hit| hit.span.start >= floor) {
                Some(hit) => {
                    floor = hit.span.end;
                    at = floor.max(anchor + 1);
                    out.push(hit.finding());
                }
                None if digit(view.at(anchor)) => {
                    let rest = bytes.get(anchor..).unwrap_or_default();
                    at = anchor + rest.iter().take_while(|byte| alnum(**byte)).count();
                }
                None => at = anchor + 1,
            }
        }
        if window.last {
            return text.len();
        }
        let view = View::new(bytes, true);
        boundary(edge(&view, text.len())).max(floor)
    }

    fn wants(&self, entity: Entity) -> bool {
        self.wanted.binary_search(&entity).is_ok()
    }

    /// What stands at an anchor. Depends on nothing but the text around it.
    fn attempt(&self, view: &View<'_>, anchor: usize) -> Option<Hit> {
        let mut lookup = Lookup {
            words: &self.words,
            found: None,
        };
        let hit = match view.at(anchor) {
            b'@' => email::find(view, anchor),
            b':' => net::double_colon(view, anchor),
            _ => self.number(view, anchor, &mut lookup),
        };
        hit.filter(|hit| self.wants(hit.entity))
    }

    /// What stands at the first digit of a word.
    fn number(&self, view: &View<'_>, anchor: usize, lookup: &mut Lookup<'_>) -> Option<Hit> {
        let word = view.back(anchor, LETTERS + 1, |byte| byte.is_ascii_alphabetic());
        if anchor - word > LETTERS || digit(view.before(word)) {
            return None;
        }
        // A number in front of an `@` is a part of the address.
        if !email::local(view.before(word)) {
            let end = view.run(anchor, LEFT + 1, email::local);
            if view.at(end) == b'@' {
                let mail = email::find(view, end).filter(|mail| mail.span.start <= anchor);
                if mail.is_some() {
                    return mail;
                }
            }
        }
        let mut best = Best::default();
        if word == anchor && begins(view, anchor) {
            self.chained(view, anchor, lookup, &mut best);
            best.offer(net::ipv4(view, anchor, |start| {
                let context = lookup.before(view, start);
                (
                    context.distance(Topic::VERSION),
                    context.distance(Topic::IP),
                )
            }));
        }
        best.offer(net::colons(view, word, anchor));
        best.offer(net::hardware(view, word, anchor));
        best.offer(wallet::find(view, word));
        self.identity(view, (word, anchor), lookup, &mut best);
        best.take()
    }

    /// Cards and phone numbers.
    fn chained(&self, view: &View<'_>, anchor: usize, lookup: &mut Lookup<'_>, best: &mut Best) {
        let chain = Chain::read(view, anchor);
        if chain.total() < phone::SHORTEST {
            return;
        }
        if chain.total() >= 12 && self.wants(Entity::CreditCard) {
            best.offer(card::find(view, &chain, lookup.before(view, anchor)));
        }
        if self.wants(Entity::Phone) {
            best.offer(phone::find(view, &chain, |start| {
                let context = lookup.before(view, start);
                let column = || self.words.column(view, start, Topic::PHONE);
                phone::Told::of(context, column)
            }));
        }
    }

    /// Account and identity numbers, which two letters and a space may lead.
    fn identity(
        &self,
        view: &View<'_>,
        (word, anchor): (usize, usize),
        lookup: &mut Lookup<'_>,
        best: &mut Best,
    ) {
        let apart = (word == anchor).then(|| led(view, anchor)).flatten();
        for start in [Some(word), apart].into_iter().flatten() {
            best.offer(iban::find(view, start));
            for (rule, topic) in &self.rules {
                let Some(end) = rule.fits(view, start) else {
                    continue;
                };
                let percent = lookup
                    .before(view, start)
                    .judge(*topic, rule.alone, rule.told);
                let hit = Hit::new(rule.entity, start..end, percent);
                best.offer((percent > 0).then_some(hit));
            }
        }
    }
}

/// Where two letters begin that stand with a space before a number: `AB 12 34 56 C`.
fn led(view: &View<'_>, anchor: usize) -> Option<usize> {
    let start = anchor.checked_sub(3)?;
    let letters = view.part(start, anchor - 1);
    let apart = view.before(anchor) == b' ' && !alnum(view.before(start));
    (apart && letters.iter().all(u8::is_ascii_alphabetic)).then_some(start)
}

/// The earliest byte at which a finding can begin whose anchor stands here. Never
/// moves back as the anchor moves on.
fn edge(view: &View<'_>, anchor: usize) -> usize {
    let colon = view.part(anchor, anchor + 1) == b":";
    let most = if colon { LEFT_OF_COLON } else { LEFT };
    let start = view.back(anchor, most, |byte| byte > b' ');
    if start == anchor {
        return led(view, anchor).unwrap_or(start);
    }
    start
}
