//! One token is judged: by shapes that say enough by themselves, then as a login,
//! then each place in it where a value may begin by what stands before.

use std::ops::Range;

use super::super::{Confidence, Finding, Kind};
use super::alphabet::{self, ALNUM, AT, DIGIT, LETTER, OPERATOR, WORD};
use super::context::{self, Context, Hit, Meaning, Reader};
use super::family::Check;
use super::index::{Entry, Index, Rule};
use super::value::{self, Trust};
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

/// The most shapes that are tried on one token.
const TRIES: usize = 256;
/// The most places in one token where a bound value may begin.
const PLACES: usize = 24;
/// Letters of which names have some.
const NAME: u32 = alphabet::REST_LOWER | alphabet::REST_UPPER;
/// The farthest that a vendor's name may stand before its value, in bytes.
const FAR: usize = 72;

/// Whether a token may hold anything: most words of prose and names of programs may not.
#[inline]
pub(super) fn worth(text: &[u8], start: usize, end: usize, bits: u32) -> bool {
    let length = end - start;
    if bits & ALNUM == 0 {
        return false;
    }
    if bits & (DIGIT | OPERATOR) == 0 {
        return length >= WORDY || length >= 5 && enclosed(text, start);
    }
    length >= 8 || length >= 4 && (bits & DIGIT == 0 || assigned(text, start))
}

/// A token without digits is a word when it is shorter than this.
const WORDY: usize = 20;

/// Whether a quote or `=` stands right before.
#[inline]
fn enclosed(text: &[u8], start: usize) -> bool {
    let last = start.checked_sub(1).and_then(|at| text.get(at));
    matches!(last, Some(b'"' | b'\'' | b'`' | b'='))
}

/// Whether a sign that binds values to names, or a line's end, stands just before.
#[inline]
fn assigned(text: &[u8], start: usize) -> bool {
    let from = start.saturating_sub(3);
    let left = text.get(from..start).unwrap_or_default();
    let binds = |b: &u8| matches!(b, b'=' | b':' | b'>' | b'(' | b'"' | b'\'' | b'`' | b'\n');
    left.iter().any(binds) || alphabet::before(text, start) != 0
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

/// What is judged: the text, the token and where its findings go.
struct Case<'a, 'r> {
    text: &'a [u8],
    reader: &'r mut Reader<'a>,
    run: Range<usize>,
    bits: u32,
    out: &'r mut Vec<Finding>,
    /// How many findings there were before.
    mark: usize,
}

impl Case<'_, '_> {
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
        reader: &mut Reader<'a>,
        (run, bits): (Range<usize>, u32),
        out: &mut Vec<Finding>,
    ) {
        let text = reader.text();
        let mark = out.len();
        let mut case = Case {
            text,
            reader,
            run: run.clone(),
            bits,
            out,
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
        if let Some(span) = login::in_curl(text, &run) {
            case.push("curl-auth-user", span, Confidence::HIGH);
        }
        self.bound(&mut case);
        if let Some(new) = case.out.get_mut(mark..) {
            new.sort_by_key(|finding| finding.span.start);
        }
    }

    /// Shapes that say enough by themselves.
    fn shaped(&self, case: &mut Case<'_, '_>) {
        let mut tries = 0;
        let mut at = case.run.start;
        let chances = self.chances(case.bits, case.run.len());
        while at < case.run.end && tries < TRIES {
            let escaped = at == case.run.start + 1
                && alphabet::before(case.text, at) & ALNUM != 0
                && case.run.start > 0
                && case.text.get(case.run.start - 1) == Some(&b'\\');
            if alphabet::before(case.text, at) & WORD != 0 && !escaped {
                at += 1;
                continue;
            }
            let tail = case.text.get(at..case.run.end).unwrap_or_default();
            let [first, second, ..] = tail else {
                return;
            };
            let mut best: Option<(usize, &'static str, Confidence)> = None;
            let mut take = |entry: Entry| {
                tries += 1;
                let found = self.try_shape(case, entry, at);
                if found.is_some_and(|new| best.is_none_or(|old| new.0 > old.0)) {
                    best = found;
                }
            };
            self.beginning(*first, *second)
                .iter()
                .copied()
                .for_each(&mut take);
            if chances.any() {
                self.free(chances, *first, tail.len()).for_each(&mut take);
            }
            if let Some((end, rule, confidence)) = best {
                case.push(rule, at..end, confidence);
            }
            at = best.map_or(at + 1, |(end, ..)| end);
            // Without punctuation nothing begins but at the beginning, or after `\n`.
            if case.bits & !ALNUM == 0 && at > case.run.start + 1 {
                return;
            }
        }
    }

    /// The shape when it stands there: its end, its rule and how sure that is.
    fn try_shape(
        &self,
        case: &Case<'_, '_>,
        entry: Entry,
        at: usize,
    ) -> Option<(usize, &'static str, Confidence)> {
        let (rule, shape) = self.entry(entry)?;
        let tail = case.text.get(at..case.run.end)?;
        let length = shape.matches(tail)?;
        let value = tail.get(..length)?;
        let drawn = value.get(shape.prefix().len()..)?;
        let shown = value::repeats(drawn) || value::shown(drawn);
        if entropy::of(drawn) < rule.floor || rule.floor > 0.0 && shown {
            return None;
        }
        let mixed = alphabet::union(drawn);
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
        let mut places = 0;
        let mut at = case.run.start;
        let mut seen = 0;
        let digits = case.bits & DIGIT != 0;
        while at < case.run.end && places < PLACES {
            let last = alphabet::before(case.text, at);
            let strong = at == case.run.start || last & OPERATOR != 0;
            seen |= last;
            // Numbers in base 16 and their dashes hold no name.
            let weak = last != 0 && last & ALNUM == 0 && digits && seen & NAME != 0;
            let own = alphabet::at(case.text, at) & (ALNUM | alphabet::DOLLAR) != 0;
            let quote = strong && at == case.run.start;
            // What follows `\` is an escape, not a value.
            let escape = quote && at > 0 && case.text.get(at - 1) == Some(&b'\\');
            if (strong || weak) && (own || quote) && !escape && !case.covered(at) {
                places += 1;
                if let Some(end) = self.value(case, at, strong) {
                    at = end;
                    continue;
                }
            }
            if case.bits & !ALNUM == 0 || case.bits & (DIGIT | OPERATOR) == 0 {
                return;
            }
            at += 1;
        }
    }

    /// Judges the value that begins there; gives its end when it is reported. Within a
    /// token, but for an operator's right, names must stand in the same token.
    fn value(&self, case: &mut Case<'_, '_>, at: usize, strong: bool) -> Option<usize> {
        let since = if strong { 0 } else { case.run.start };
        let tail = case.text.get(at..case.run.end)?;
        let bits = alphabet::union(tail.get(..64).unwrap_or(tail));
        let shortest = match (bits & DIGIT != 0, enclosed(case.text, at)) {
            (true, _) => 4,
            (_, true) => 5,
            _ => WORDY,
        };
        if tail.len() < shortest {
            return None;
        }
        let bond = context::bond(case.text, at);
        if !bond.operator && tail.len() < 7 {
            return None;
        }
        if inner_name(tail, strong && bond.operator) {
            return None;
        }
        case.reader.upto(at);
        let context = case.reader.context(since, at, bond);
        let (rule, end, confidence) = self
            .vendors(case, &context, at)
            .or_else(|| generic(case, &context, at, !strong))?;
        case.push(rule, at..end, confidence);
        Some(end)
    }

    /// A value behind a vendor's name.
    fn vendors(
        &self,
        case: &Case<'_, '_>,
        context: &Context<'_>,
        at: usize,
    ) -> Option<(&'static str, usize, Confidence)> {
        let tail = case.text.get(at..case.run.end)?;
        let mut named = false;
        let mut tried = None;
        for hit in context.hits().take_while(|_| context.has_vendor()) {
            let Meaning::Vendor(list) = hit.meaning else {
                continue;
            };
            let Some(word) = belongs(case.text, context, &hit, at) else {
                continue;
            };
            named |= word;
            if tried.replace((list, word)) == Some((list, word)) {
                continue;
            }
            for place in self.vendors.get(usize::from(list))? {
                let rule = self.rules.get(usize::from(*place))?;
                if let Some(length) = rule.named(tail, word) {
                    return Some((rule.id, at + length, Confidence::HIGH));
                }
            }
        }
        let end = extent(case.text, at, case.run.end, key_letters());
        let value = case.text.get(at..end)?;
        let said = context.bond.operator || context.says_secret();
        (named && said && !context.says_public() && value::random(value, Trust::Vendor))
            .then_some(("vendor-key", end, Confidence::HIGH))
    }
}

impl Rule {
    /// How long the value is when it has one of the rule's shapes. Without a word of
    /// secrets before it, or with punctuation, it needs a digit: names of programs have
    /// such lengths too.
    fn named(&self, tail: &[u8], word: bool) -> Option<usize> {
        let fitting = self.shapes.iter().filter_map(|shape| {
            let length = shape.matches(tail)?;
            let value = tail.get(..length)?;
            let chance = entropy::of(value) >= self.floor;
            let real = self.floor == 0.0 || !value::shown(value) && !value::repeats(value);
            let bits = alphabet::union(value);
            let drawn = bits & DIGIT != 0 || word && bits & !ALNUM == 0;
            (chance && real && drawn).then_some(length)
        });
        fitting.max()
    }
}

/// Whether the bytes begin with a name that a value of its own follows, as `KEY=…`
/// does: that value is judged at its own place. What is bound to a name before it may
/// hold `=` itself, unless it says that it is a name.
fn inner_name(tail: &[u8], bound: bool) -> bool {
    let Some(sign) = tail.iter().take(96).position(|b| *b == b'=') else {
        return false;
    };
    let after = tail.get(sign + 1..sign + 5).unwrap_or_default();
    let valued = after.len() == 4 && alphabet::union(after) & ALNUM != 0;
    let name = tail.get(..sign).unwrap_or_default();
    let says = |word: &&[u8]| value::holds(name, word);
    let words: [&[u8]; 6] = [b"key", b"token", b"secret", b"pass", b"pwd", b"auth"];
    valued && (!bound || words.iter().any(says))
}

/// What keys are written with.
fn key_letters() -> u32 {
    alphabet::named(b'G').unwrap_or(ALNUM)
}

/// Whether a vendor's name belongs to the value, and if so whether a word of secrets
/// says it too.
fn belongs(text: &[u8], context: &Context<'_>, hit: &Hit, at: usize) -> Option<bool> {
    let gap = text.get(hit.end..at)?;
    if gap.len() > FAR || gap.iter().any(|b| matches!(b, b';' | b'}')) {
        return None;
    }
    if !hit.bounded && !context.follows(hit.end) {
        return None;
    }
    let word = context.names_secret(hit.start.saturating_sub(16));
    if gap.contains(&b'/') && !context.says_secret() {
        return None;
    }
    let near = gap.len() <= 8 && gap.iter().all(|b| alphabet::of(*b) & ALNUM == 0);
    let close = context.bond.operator && gap.len() <= 24;
    (word || near || close).then_some(word)
}

/// A value behind a name that says secret, whoever's it is.
fn generic(
    case: &Case<'_, '_>,
    context: &Context<'_>,
    at: usize,
    inner: bool,
) -> Option<(&'static str, usize, Confidence)> {
    let name = context.secret_name(case.text)?;
    let bond = context.bond;
    let whole = extent(case.text, at, case.run.end, u32::MAX);
    let chosen = case.text.get(at..whole)?;
    let end = extent(case.text, at, case.run.end, key_letters());
    let key = case.text.get(at..end)?;
    let hinted = |hit: Hit| hit.meaning == Meaning::Hint && hit.bounded;
    let (found, rule, end) = match name.meaning {
        Meaning::Password if bond.operator || !inner && bond.said => {
            let set = bond.operator && bond.tight && !bond.passed;
            (value::password(chosen, set), "password", whole)
        }
        // `login ann password …`, as in a netrc.
        Meaning::Password if !inner && context.hits().any(hinted) => {
            (value::password(chosen, false), "password", whole)
        }
        Meaning::Secret if bond.operator && bond.tight && value::typed_in(chosen) => {
            (true, "generic-api-key", whole)
        }
        _ if !inner && (bond.operator || bond.said) => {
            let found = value::random(key, Trust::Assigned);
            (found, "generic-api-key", end)
        }
        _ => {
            let said = context::shouted(case.text, name.end) || name.meaning == Meaning::Secret;
            let found = said && value::random(key, Trust::Spaced);
            (found, "generic-spaced", end)
        }
    };
    found.then_some((rule, end, Confidence::MEDIUM))
}
