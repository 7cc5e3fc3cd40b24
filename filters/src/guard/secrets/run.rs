//! One token is judged: by shapes that say enough by themselves, then as a login,
//! then each place in it where a value may begin by what stands before.

use std::ops::Range;

use super::super::{Confidence, Finding, Kind};
use super::alphabet::{self, ALNUM, AT, DIGIT, EQUALS, LETTER, OPERATOR, WORD};
use super::context::{self, Reader};
use super::family::Check;
use super::index::{self, Entry, Index};
use super::named::{Place, generic};
use super::shape::Stretches;
use super::value;
use super::{entropy, login};

/// The rules that are no rows of the table.
pub(super) const RULES: [&str; 9] = [
    "private-key",
    "url-password",
    "curl-auth-user",
    "authorization-header",
    "basic-auth-header",
    "vendor-key",
    "generic-api-key",
    "generic-spaced",
    "password",
];

/// What may be spent on the shapes of one token, and on the values in it: so much for
/// any, and so much more for each of its bytes. Honest tokens need a part of it; who
/// makes tokens that need more could hide from a gateway in easier ways.
const SPENT: usize = 400;
const SPENT_PER_BYTE: usize = 12;
const MOST_SPENT: usize = 8 * 1024;
/// What it costs to try a shape, and to look before a value: about as many nanoseconds.
const TRY: usize = 8;
const LOOK: usize = 50;
/// The longest token that is read to its end before its values are judged, in bytes.
const AHEAD: usize = 512;
/// The most places in one token where a bound value may begin.
const PLACES: usize = 24;
/// Letters of which names have some.
const NAME: u32 = alphabet::REST_LOWER | alphabet::REST_UPPER;

/// A token without digits is a word when it is shorter than this.
pub(super) const WORDY: usize = 20;
/// The fewest bytes of such a token where a value may begin.
pub(super) const ENCLOSED: usize = 5;
/// The fewest of one with digits or a sign that binds values to names.
pub(super) const BOUND: usize = 4;

/// Whether a token may hold anything: most words of prose and names of programs may not.
#[inline]
pub(super) fn worth(text: &[u8], start: usize, end: usize, bits: u32) -> bool {
    let length = end - start;
    if bits & ALNUM == 0 {
        return false;
    }
    if bits & (DIGIT | OPERATOR) == 0 {
        return length >= WORDY || length >= ENCLOSED && enclosed(text, start);
    }
    length >= 8 || length >= BOUND && (bits & DIGIT == 0 || assigned(text, start))
}

/// Whether a value may begin behind such a byte.
pub(super) const fn opens(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`' | b'=')
}

/// Whether a quote or `=` stands right before.
#[inline]
fn enclosed(text: &[u8], start: usize) -> bool {
    let last = start.checked_sub(1).and_then(|at| text.get(at));
    last.is_some_and(|byte| opens(*byte))
}

/// Whether a sign that binds values to names, or a line's end, stands just before.
#[inline]
fn assigned(text: &[u8], start: usize) -> bool {
    let from = start.saturating_sub(3);
    let left = text.get(from..start).unwrap_or_default();
    let binds = |b: &u8| matches!(b, b'=' | b':' | b'>' | b'(' | b'"' | b'\'' | b'`' | b'\n');
    left.iter().any(binds) || alphabet::before(text, start) != 0
}

/// Where a value ends that has a shape, its rule, and how sure that is.
type Shaped = (usize, &'static str, Confidence);

/// What is known of a text when the first of its tokens is judged.
pub(super) struct Tools<'a> {
    pub(super) reader: Reader<'a>,
    pub(super) known: Stretches,
    /// Options of programs stand in it that a login may follow.
    pub(super) has_options: bool,
}

/// What is judged: the text, the token and where its findings go.
struct Case<'a, 'r> {
    text: &'a [u8],
    reader: &'r mut Reader<'a>,
    known: &'r mut Stretches,
    run: Range<usize>,
    bits: u32,
    out: &'r mut Vec<Finding>,
    /// What may still be spent.
    left: usize,
    /// How many findings there were before.
    mark: usize,
}

impl Case<'_, '_> {
    /// Spends so much; whether anything is left.
    fn spend(&mut self, cost: usize) -> bool {
        self.left = self.left.saturating_sub(cost);
        self.left > 0
    }

    /// May spend anew.
    fn earn(&mut self) {
        let earned = SPENT + SPENT_PER_BYTE * self.run.len();
        self.left = earned.min(MOST_SPENT);
    }

    /// The token up to its end.
    fn token(&self) -> &[u8] {
        self.text.get(..self.run.end).unwrap_or_default()
    }

    fn push(&mut self, rule: &'static str, span: Range<usize>, confidence: Confidence) {
        let over = |known: &Finding| known.span.start < span.end && span.start < known.span.end;
        let kept = self.out.get(self.mark..).unwrap_or_default();
        if !kept.iter().any(over) {
            self.out.push(Finding {
                kind: Kind::Secret,
                rule,
                span,
                confidence,
            });
        }
    }

    /// Whether an operator or the word `key` stands before the place.
    fn said_key(&self, at: usize) -> bool {
        let left = self.text.get(at.saturating_sub(32)..at).unwrap_or_default();
        context::bond(self.text, at).operator || value::holds(left, b"key")
    }

    /// Where the finding ends that covers the place.
    fn covered(&self, at: usize) -> bool {
        let kept = self.out.get(self.mark..).unwrap_or_default();
        kept.iter().any(|known| known.span.contains(&at))
    }
}

impl Index {
    /// Reports what the token holds.
    pub(super) fn judge<'a>(
        &self,
        tools: &mut Tools<'a>,
        (run, bits): (Range<usize>, u32),
        out: &mut Vec<Finding>,
    ) {
        let text = tools.reader.text();
        let mark = out.len();
        let mut case = Case {
            text,
            reader: &mut tools.reader,
            known: &mut tools.known,
            run: run.clone(),
            bits,
            out,
            left: 0,
            mark,
        };
        let digits = bits & DIGIT != 0;
        if run.len() >= WORDY || digits && run.len() >= 8 {
            self.shaped(&mut case);
        }
        if bits & AT != 0
            && let Some(span) = login::in_url(text, &run)
        {
            case.push("url-password", span, Confidence::HIGH);
        }
        if digits && let Some((rule, span)) = login::in_header(text, &run) {
            case.push(rule, span, Confidence::HIGH);
        }
        if tools.has_options
            && let Some(span) = login::in_curl(text, &run)
        {
            case.push("curl-auth-user", span, Confidence::HIGH);
        }
        self.bound(&mut case);
        if let Some(new) = case.out.get_mut(mark..) {
            new.sort_by_key(|finding| finding.span.start);
        }
    }

    /// Shapes that say enough by themselves.
    fn shaped(&self, case: &mut Case<'_, '_>) {
        case.earn();
        let (start, end) = (case.run.start, case.run.end);
        let mut at = start;
        let chances = self.chances(case.bits, end - start);
        let after_escape = start > 0 && case.text.get(start - 1) == Some(&b'\\');
        // Without punctuation nothing begins but at the beginning, or after `\n`.
        let single = case.bits & !ALNUM == 0;
        let last = start + usize::from(after_escape);
        while at < end && case.left > 0 {
            let before = alphabet::before(case.text, at);
            let escaped = after_escape && at == start + 1 && before & ALNUM != 0;
            if before & WORD != 0 && !escaped {
                // Nothing begins within a word.
                let rest = case.token().get(at..).unwrap_or_default();
                let word = rest.iter().position(|b| alphabet::of(*b) & WORD == 0);
                at = word.map_or(end, |word| at + word + 1);
                continue;
            }
            let tail = case.text.get(at..end).unwrap_or_default();
            let [first, second, ..] = tail else {
                return;
            };
            let beginning = self.beginning(*first, *second);
            let free = self.free(chances, *first, tail.len());
            let best = if beginning.is_empty() && free.is_empty() {
                None
            } else {
                let first = index::four(tail);
                let standing = beginning
                    .iter()
                    .filter(|begun| begun.may_stand(first, tail.len()));
                let entries = standing.map(|begun| begun.entry);
                self.longest(case, entries.chain(self.entries(free)), at)
            };
            if let Some((end, rule, confidence)) = best {
                case.push(rule, at..end, confidence);
            }
            at = best.map_or(at + 1, |(end, ..)| end);
            if single && at > last {
                return;
            }
        }
    }

    /// The longest of these shapes that stand there, the first if there are some: its
    /// end, its rule and how sure that is.
    fn longest(
        &self,
        case: &mut Case<'_, '_>,
        entries: impl Iterator<Item = Entry>,
        at: usize,
    ) -> Option<Shaped> {
        let mut best: Option<Shaped> = None;
        for entry in entries {
            if !case.spend(TRY) {
                break;
            }
            let found = self.try_shape(case, entry, at);
            if found.is_some_and(|new| best.is_none_or(|old| new.0 > old.0)) {
                best = found;
            }
        }
        best
    }

    /// The shape when it stands there: its end, its rule and how sure that is.
    fn try_shape(&self, case: &mut Case<'_, '_>, entry: Entry, at: usize) -> Option<Shaped> {
        let (rule, shape) = self.entry(entry)?;
        let token = case.text.get(..case.run.end)?;
        let asked = case.known.asked;
        let length = shape.matches(token, at, case.known);
        case.spend(4 * (case.known.asked - asked));
        let length = length?;
        let value = token.get(at..at + length)?;
        let drawn = value.get(shape.prefix().len()..)?;
        case.spend(4 * drawn.len().min(value::MOST));
        if entropy::of(drawn) < rule.floor
            || rule.floor > 0.0 && (value::repeats(drawn) || value::shown(drawn))
        {
            return None;
        }
        let mixed = alphabet::union(drawn.get(..value::MOST).unwrap_or(drawn));
        if rule.check == Check::Mixed && (mixed & DIGIT == 0 || mixed & LETTER == 0) {
            return None;
        }
        let confidence = match rule.check {
            Check::None if shape.prefix().len() >= 3 => Confidence::CERTAIN,
            Check::None | Check::Mixed => Confidence::HIGH,
            Check::Crc if value::crc_holds(value) => Confidence::CERTAIN,
            Check::Crc => Confidence::HIGH,
            Check::Jwt if value::json_header(value) => Confidence::CERTAIN,
            Check::Jwt => return None,
            Check::Weak if case.said_key(at) => Confidence::HIGH,
            Check::Weak => Confidence::LOW,
        };
        Some((at + length, rule.id, confidence))
    }

    /// Every place in the token where a value may begin that is bound to a name.
    fn bound(&self, case: &mut Case<'_, '_>) {
        let run = case.run.clone();
        // A token without signs is one value, or none.
        let single = case.bits & !ALNUM == 0 || case.bits & (DIGIT | OPERATOR) == 0;
        let last = if single { run.start } else { run.end };
        // Short words are values only behind a quote or `=`.
        let short = case.bits & (DIGIT | EQUALS) == 0 && run.len() < WORDY;
        let idle = short && !enclosed(case.text, run.start);
        if idle || single && case.covered(run.start) {
            return;
        }
        let brief = run.len() < value::LEAST;
        if run.len() <= AHEAD && !case.reader.may_say(run.start, last, brief) {
            return;
        }
        case.earn();
        let mut places = 0;
        let mut at = case.run.start;
        let mut seen = 0;
        let digits = case.bits & DIGIT != 0;
        while at < case.run.end && places < PLACES && case.left > 0 {
            let last = alphabet::before(case.text, at);
            let strong = at == case.run.start || last & OPERATOR != 0;
            seen |= last;
            // Numbers in base 16 and their dashes hold no name.
            let weak = last != 0 && last & ALNUM == 0 && digits && seen & NAME != 0;
            let own = alphabet::at(case.text, at) & (ALNUM | alphabet::DOLLAR) != 0;
            // An operator alone begins no value, if it does not stand in quotes.
            let sign = alphabet::at(case.text, at) & OPERATOR != 0;
            let quote =
                strong && at == case.run.start && (!sign || enclosed(case.text, case.run.start));
            // What follows `\` is an escape, not a value.
            let escape = quote && at > 0 && case.text.get(at - 1) == Some(&b'\\');
            if (strong || weak) && (own || quote) && !escape && !case.covered(at) {
                places += 1;
                if let Some(end) = self.value(case, at, strong) {
                    at = end;
                    continue;
                }
            }
            if single {
                return;
            }
            // The next place is behind the next sign.
            let rest = case.token().get(at..).unwrap_or_default();
            let mut passed = 0;
            for byte in rest {
                let bit = alphabet::of(*byte);
                passed += 1;
                if bit & ALNUM == 0 {
                    break;
                }
                seen |= bit;
            }
            at += passed;
        }
    }

    /// Judges the value that begins there; gives its end when it is reported. Within a
    /// token, but for an operator's right, names must stand in the same token.
    fn value(&self, case: &mut Case<'_, '_>, at: usize, strong: bool) -> Option<usize> {
        let since = if strong { 0 } else { case.run.start };
        let tail = case.text.get(at..case.run.end)?;
        let near = tail.get(..64).unwrap_or(tail);
        let digit = case.bits & DIGIT != 0 && near.iter().any(u8::is_ascii_digit);
        let shortest = match (digit, enclosed(case.text, at)) {
            (true, _) => 4,
            (_, true) => 5,
            _ => WORDY,
        };
        if tail.len() < shortest {
            return None;
        }
        case.spend(LOOK);
        case.reader.upto(at);
        if !case.reader.says((since, at), tail.len() < value::LEAST) {
            return None;
        }
        let bond = context::bond(case.text, at);
        if !bond.operator && tail.len() < 7 {
            return None;
        }
        if inner_name(tail, strong && bond.operator) {
            return None;
        }
        let mut spent = 0;
        let context = case.reader.context(since, at, bond);
        let mut place = Place {
            text: case.text,
            end: case.run.end,
            at,
            context: &context,
            known: case.known,
            spent: &mut spent,
        };
        let found = self
            .vendors(&mut place)
            .or_else(|| generic(&mut place, !strong));
        case.spend(spent);
        let (rule, end, confidence) = found?;
        case.push(rule, at..end, confidence);
        Some(end)
    }
}

/// Whether the bytes begin with a name that a value of its own follows, as `KEY=…`
/// does: that value is judged at its own place. What is bound to a name before it may
/// hold `=` itself, unless it says that it is a name.
fn inner_name(tail: &[u8], bound: bool) -> bool {
    let Some(sign) = memchr::memchr(b'=', tail.get(..96).unwrap_or(tail)) else {
        return false;
    };
    let after = tail.get(sign + 1..sign + 5).unwrap_or_default();
    let valued = after.len() == 4 && alphabet::union(after) & ALNUM != 0;
    let name = tail.get(..sign).unwrap_or_default();
    let says = |word: &&[u8]| value::holds(name, word);
    let words: [&[u8]; 6] = [b"key", b"token", b"secret", b"pass", b"pwd", b"auth"];
    valued && (!bound || words.iter().any(says))
}
