//! Personal data by grammar, checksum and context. One pass jumps from anchor to
//! anchor (digits, `@`, `::`), so that prose costs next to nothing; at an anchor one
//! pure attempt is made, so that a text cut anywhere gives the findings of the whole.
//!
//! | module | why it exists |
//! |---|---|
//! | `anchors` | where an attempt is worth its while |
//! | `view` | the bytes an attempt may read |
//! | `context`, `words` | what the words before a number say of it |
//! | `nearby` | those words, read once for all numbers close together |
//! | `email`, `card`, `iban`, `net`, `wallet`, `phone` | one grammar each |
//! | `cues`, `cue_words` | phrases before names and addresses, if asked for |
//! | `names`, `address`, `letters` | what stands behind them |
//! | `rules`, `packs` | identity numbers as rows of tables |
//! | `shapes` | the shapes of all rows, read at once |
//! | `chain`, `checks`, `plans`, `hit` | parts that they share |

mod address;
mod anchors;
mod card;
mod chain;
mod checks;
mod context;
mod cue_words;
mod cues;
mod email;
mod hit;
mod iban;
mod letters;
mod names;
mod nearby;
mod net;
mod packs;
mod phone;
mod plans;
mod rules;
mod shapes;
mod view;
mod wallet;
mod words;

#[cfg(test)]
mod linear;
#[cfg(test)]
mod names_tests;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

use super::entity::Tier;
use super::{Entity, Finding, Window};
use chain::Groups;
use context::{Context, Topic, Words};
use cues::{Cues, Phrase};
use email::Sign;
use hit::{Best, Hit};
use nearby::Nearby;
use rules::Rule;
use shapes::{Number, Numbers, Shapes};
use view::{View, alnum, begins, digit, local};

/// How far before an anchor a finding may begin, in bytes.
const LEFT: usize = 64;
/// The same for a `:`, which stands in no address of mail.
const LEFT_OF_COLON: usize = 45;
/// Letters that a word may have before its first digit; longer words are no numbers.
const LETTERS: usize = 40;

/// The scanner of personal data, compiled for some kinds.
#[derive(Debug)]
pub struct Pii {
    /// By kind, whether it is looked for.
    wanted: Vec<bool>,
    /// Rules of the wanted kinds with the topic of their words.
    rules: Vec<(&'static Rule, Topic)>,
    shapes: Shapes,
    words: Words,
    /// Phrases before names and addresses, where these are looked for.
    cues: Option<Cues>,
}

/// What a scan keeps from one number to the next, for speed only.
struct Reader<'a> {
    nearby: Nearby<'a>,
    groups: Groups,
    sign: Sign,
    numbers: Numbers,
}

impl<'a> Reader<'a> {
    fn new(words: &'a Words) -> Reader<'a> {
        Reader {
            nearby: Nearby::new(words),
            groups: Groups::default(),
            sign: Sign::default(),
            numbers: Numbers::default(),
        }
    }
}

impl Pii {
    /// Compiles the scanner for these kinds; see [`Entity::defaults`].
    #[must_use]
    pub fn new(entities: &[Entity]) -> Pii {
        let wanted = Entity::ALL.iter().map(|entity| entities.contains(entity));
        let rules: Vec<&'static Rule> = packs::all()
            .filter(|rule| entities.contains(&rule.entity))
            .collect();
        let topics = rules.iter().enumerate();
        let topics = topics.map(|(index, rule)| (*rule, Topic::of_rule(index, rule)));
        Pii {
            wanted: wanted.collect(),
            shapes: Shapes::new(&rules),
            words: Words::new(&rules),
            rules: topics.collect(),
            cues: Cues::new(|entity| entities.contains(&entity)),
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
        let mut reader = Reader::new(&self.words);
        let mut phrases = self.cues.as_ref().map(|cues| cues.read(window.from));
        let mut floor = window.from;
        let mut at = window.from;
        let mut anchor = anchors::next(bytes, at);
        loop {
            let view = View::new(bytes, window.last);
            let ahead = (floor, anchor.unwrap_or(bytes.len()));
            let phrase = phrases
                .as_mut()
                .and_then(|phrases| phrases.next(bytes, ahead));
            let (place, hit) = match (&phrase, anchor) {
                (Some(phrase), _) => (phrase.end, told(&view, phrase)),
                (None, Some(anchor)) => (anchor, self.attempt(&view, anchor, &mut reader)),
                (None, None) => break,
            };
            if view.starved() {
                return boundary(edge(&view, place)).max(floor);
            }
            let number = phrase.is_none();
            match hit.filter(|hit| hit.span.start >= floor) {
                Some(hit) => {
                    floor = hit.span.end;
                    at = at.max(floor).max(place + usize::from(number));
                    out.push(hit.finding());
                }
                None if number && digit(view.at(place)) => at = place + alnums(bytes, place),
                None => at = at.max(place + usize::from(number)),
            }
            if anchor.is_some_and(|anchor| anchor < at) {
                anchor = anchors::next(bytes, at);
            }
        }
        if window.last {
            return text.len();
        }
        let view = View::new(bytes, true);
        boundary(edge(&view, text.len())).max(floor)
    }

    fn wants(&self, entity: Entity) -> bool {
        let wanted = self.wanted.get(entity as usize);
        wanted.copied().unwrap_or_default()
    }

    /// What stands at an anchor. Depends on nothing but the text around it.
    fn attempt(&self, view: &View<'_>, anchor: usize, reader: &mut Reader<'_>) -> Option<Hit> {
        let hit = match view.at(anchor) {
            b'@' => email::find(view, anchor),
            b':' => net::double_colon(view, anchor),
            _ => self.number(view, anchor, reader),
        };
        hit.filter(|hit| self.wants(hit.entity))
    }

    /// What stands at the first digit of a word.
    fn number(&self, view: &View<'_>, anchor: usize, reader: &mut Reader<'_>) -> Option<Hit> {
        let word = view.back(anchor, LETTERS + 1, |byte| byte.is_ascii_alphabetic());
        if anchor - word > LETTERS || digit(view.before(word)) {
            return None;
        }
        let digits = view.run(anchor, chain::DIGITS + 1, digit);
        if word == anchor && self.is_bare(view, (anchor, digits)) {
            return None;
        }
        self.standing(view, (word, anchor, digits), reader)
    }

    /// The same for one whose word begins at `word` and whose first digits end at `digits`.
    fn standing(
        &self,
        view: &View<'_>,
        (word, anchor, digits): (usize, usize, usize),
        reader: &mut Reader<'_>,
    ) -> Option<Hit> {
        let before = view.before(word);
        // A number in front of an `@` is a part of the address.
        let most = anchor + LEFT + 1;
        if !local(before) && reader.sign.within(view, (digits, most)) {
            let end = view.run(digits, most - digits, local);
            if view.at(end) == b'@' {
                let mail = email::find(view, end).filter(|mail| mail.span.start <= anchor);
                if mail.is_some() {
                    return mail;
                }
            }
        }
        let mut best = Best::default();
        let begins = begins(view, word);
        // Where there are too many digits nobody asks what follows them.
        let many = digits - anchor > chain::DIGITS;
        let next = if many { b'0' } else { view.at(digits) };
        if word == anchor && begins {
            self.chained(view, (anchor, digits), reader, &mut best);
            if next == b'.' {
                best.offer(net::ipv4(view, (anchor, digits), &mut reader.nearby));
            }
        }
        // Most words are digits and nothing else.
        let plain = word == anchor && !alnum(next);
        if !plain || net::joint(before) || net::joint(next) {
            net::find(view, (word, anchor), digits, &mut best);
        }
        if !plain {
            best.offer(wallet::find(view, word));
        }
        if anchor == word + 2 {
            best.offer(iban::find(view, word));
        }
        if begins {
            let known = if word == anchor { digits - anchor } else { 0 };
            self.identity(view, (word, known), reader, &mut best);
        }
        let apart = (word == anchor).then(|| led(view, anchor)).flatten();
        if let Some(start) = apart.filter(|start| view::begins(view, *start)) {
            self.identity(view, (start, 0), reader, &mut best);
        }
        best.take()
    }

    /// Whether digits are too few for anything by themselves, and nothing joins them to
    /// what stands around them: most numbers are.
    fn is_bare(&self, view: &View<'_>, (anchor, digits): (usize, usize)) -> bool {
        let (before, next) = (view.before(anchor), view.at(digits));
        let count = digits - anchor;
        if count >= phone::SHORTEST || alnum(next) || local(next) || next == b'@' {
            return false;
        }
        // A space joins only what begins behind it.
        let second = if next == b' ' { view.at(digits + 1) } else { 0 };
        let joined = match next {
            b' ' => digit(second) || second == b'(',
            _ => chain::joins(next) || net::joint(next),
        };
        let apart = !joined && !net::joint(before) && led(view, anchor).is_none();
        apart && !self.shapes.go_on(count, [next, second])
    }

    /// Cards and phone numbers, by the place and end of their first group of digits.
    fn chained(
        &self,
        view: &View<'_>,
        (anchor, digits): (usize, usize),
        reader: &mut Reader<'_>,
        best: &mut Best,
    ) {
        let start = chain::start(view, anchor);
        let next = view.at(digits);
        // A lone `)` belongs to no number.
        let alone = !chain::joins(next) || (next == b')' && start == anchor);
        if digits - anchor < phone::SHORTEST && alone {
            return;
        }
        let card = self.wants(Entity::CreditCard) && card::leads(digits - anchor);
        let phone = self.wants(Entity::Phone) && phone::begins(view, start);
        if !(card || phone) {
            return;
        }
        let Reader { nearby, groups, .. } = reader;
        let chain = groups.chain(view, (start, anchor), card);
        if card {
            best.offer(card::find(view, &chain, nearby));
        }
        if phone && chain.total() >= phone::SHORTEST {
            best.offer(phone::find(view, &chain, nearby));
        }
    }

    /// Identity numbers from a place on, where so many digits are known to lead. What is
    /// cheap to tell comes first: the shape, then what words
    /// say if they were read already, then the check.
    fn identity(
        &self,
        view: &View<'_>,
        (start, known): (usize, usize),
        reader: &mut Reader<'_>,
        best: &mut Best,
    ) {
        let Reader {
            nearby, numbers, ..
        } = reader;
        self.shapes.read(view, (start, known), numbers);
        if numbers.none() {
            return;
        }
        let one = numbers.one_end();
        self.shapes.each(view, numbers, |number: &Number<'_>| {
            let Some((rule, topic)) = self.rules.get(number.rule) else {
                return false;
            };
            let length = if one { number.end - start } else { usize::MAX };
            let hopeless = |context: &Context| {
                let percent = context.judge(*topic, rule.alone, rule.told);
                percent == 0 || !best.would_be(percent, length)
            };
            if nearby.known(start).is_some_and(hopeless) {
                return true;
            }
            if !(rule.check)(number.bytes) {
                return false;
            }
            let context = nearby.before(view, start);
            let percent = match context.judge(*topic, rule.alone, rule.told) {
                // Nobody sends a text that is a number and nothing else by chance.
                low @ 1..SOLE if speaks_for_itself(rule.entity) => {
                    low.max(SOLE * u8::from(view.is_all(start, number.end)))
                }
                percent => percent,
            };
            let hit = Hit::new(rule.entity, start..number.end, percent);
            best.offer((percent > 0).then_some(hit));
            true
        });
    }
}

/// How sure a number is that is all of its text, in percent: more than a phone number of
/// the same shape, which no check proves.
const SOLE: u8 = 65;

/// Whether a number that has no word beside it can be told by its check or its groups.
fn speaks_for_itself(entity: Entity) -> bool {
    entity.tier() == Tier::A
}

/// The name or address behind a phrase.
fn told(view: &View<'_>, phrase: &Phrase) -> Option<Hit> {
    // The phrase stands whole.
    if letters::starts(view, phrase.end) {
        return None;
    }
    match phrase.cue.entity() {
        Entity::Address => address::find(view, phrase),
        _ => names::find(view, phrase),
    }
}

/// How many letters and digits stand from this place on.
fn alnums(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    rest.iter().take_while(|byte| alnum(**byte)).count()
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
