//! Groups of digits that separators join into one number: `+49 (30) 901-820`,
//! `4111 1111 1111 1111`. Cards and phone numbers read it instead of the text.

use super::checks::doubled;
use super::view::{View, alnum, digit, work};

/// The most digits of a chain.
pub(super) const DIGITS: usize = 20;
/// The most groups of a chain.
const GROUPS: usize = 10;
/// The most groups that are kept from one chain to the next.
const KEPT: usize = 64;
/// The most digits in them.
const KEPT_DIGITS: usize = 128;

/// A group of digits in the text.
#[derive(Clone, Copy, Default)]
struct Group {
    start: usize,
    end: usize,
    /// What stands behind it.
    next: u8,
    /// How many of the kept digits stand before its end.
    upto: u8,
    /// Whether a `(` was open before it when a chain came to it last.
    open: bool,
}

/// Luhn's sums, one with the digits in even places as they are, one with those in odd
/// places.
#[derive(Clone, Copy, Default)]
struct Sums(u16, u16);

/// The groups that were read last. A chain begins at each of them and shares all but
/// one with the chain before, so each is read once and chains are windows over them.
pub(super) struct Groups {
    groups: [Group; KEPT],
    /// The first that is still needed, and how many there are.
    lead: usize,
    count: usize,
    /// How many from the first on are the chain that was read last.
    chained: usize,
    digits: [u8; KEPT_DIGITS],
    length: usize,
    /// Luhn's sums up to each digit, as far as somebody asked for them.
    sums: [Sums; KEPT_DIGITS + 1],
    summed: usize,
}

impl Default for Groups {
    fn default() -> Groups {
        Groups {
            groups: [Group::default(); KEPT],
            lead: 0,
            count: 0,
            chained: 0,
            digits: [0; KEPT_DIGITS],
            length: 0,
            sums: [Sums(0, 0); KEPT_DIGITS + 1],
            summed: 0,
        }
    }
}

impl Groups {
    /// The chain whose first digit stands here, and its `+` or `(` at `start`; if it may
    /// be a card, Luhn's sums are at hand. Chains must come in rising order.
    pub(super) fn chain(
        &mut self,
        view: &View<'_>,
        (start, first): (usize, usize),
        card: bool,
    ) -> Chain<'_> {
        let open = view.part(start, first).contains(&b'(');
        self.shift(first, open);
        let mut next = match self.chained {
            0 => Some((first, open)),
            _ => self.linked(view),
        };
        while let Some((at, open)) = next {
            if !self.group(view, at, open) {
                break;
            }
            next = self.linked(view);
        }
        if card {
            self.sum();
        }
        let base = self.base();
        let groups = self.groups.get(self.lead..self.lead + self.chained);
        Chain {
            start,
            first,
            groups: groups.unwrap_or_default(),
            base,
            digits: &self.digits,
            sums: &self.sums,
        }
    }

    /// Drops the groups before this place. What is left of the last chain is the
    /// beginning of the one that begins here, if the same is open.
    fn shift(&mut self, first: usize, open: bool) {
        let kept = self.groups.get(self.lead..self.count).unwrap_or_default();
        let passed = kept.iter().position(|group| group.start >= first);
        match passed.and_then(|passed| Some((passed, kept.get(passed)?))) {
            Some((passed, group)) if group.start == first => {
                self.lead += passed;
                let left = self.chained.saturating_sub(passed);
                self.chained = if group.open == open { left } else { 0 };
            }
            _ => {
                (self.lead, self.count, self.chained) = (0, 0, 0);
                (self.length, self.summed) = (0, 0);
            }
        }
    }

    /// Where the group stands that may follow the chain, and whether a `(` is open then.
    fn linked(&self, view: &View<'_>) -> Option<(usize, bool)> {
        let last = self
            .groups
            .get((self.lead + self.chained).checked_sub(1)?)?;
        if self.chained == GROUPS || alnum(last.next) {
            return None;
        }
        let mut open = last.open;
        let next = joint(view, (last.end, last.next), &mut open)?;
        Some((next, open))
    }

    /// How many kept digits stand before the first group that is needed.
    fn base(&self) -> usize {
        let before = self.lead.checked_sub(1).and_then(|i| self.groups.get(i));
        before.map_or(0, |group| usize::from(group.upto))
    }

    /// Takes the group that begins here into the chain, if it belongs to it.
    fn group(&mut self, view: &View<'_>, start: usize, open: bool) -> bool {
        let place = self.lead + self.chained;
        let base = self.base();
        if place < self.count {
            let Some(group) = self.groups.get_mut(place) else {
                return false;
            };
            group.open = open;
            let fits = usize::from(group.upto) - base <= DIGITS;
            self.chained += usize::from(fits);
            return fits;
        }
        let left = DIGITS - (self.length - base);
        let bytes = view.ahead(start, left + 1);
        let size = bytes.iter().take_while(|byte| digit(**byte)).count();
        work::note(size);
        if size > left {
            return false;
        }
        let end = start + size;
        let next = view.at(end);
        let extension = matches!(next, b'x' | b'X') && digit(view.at(end + 1));
        if alnum(next) && !extension {
            return false;
        }
        if self.count == KEPT || self.length + size > KEPT_DIGITS {
            self.compact(view);
        }
        let group = Group {
            start,
            end,
            next,
            upto: 0,
            open,
        };
        self.push(view, group);
        self.chained += 1;
        true
    }

    /// Keeps a group.
    fn push(&mut self, view: &View<'_>, mut group: Group) {
        let text = view.ahead(group.start, group.end - group.start);
        let upto = self.length + text.len();
        if let Some(slots) = self.digits.get_mut(self.length..upto) {
            slots.copy_from_slice(text);
        }
        self.length = upto;
        group.upto = upto as u8;
        if let Some(slot) = self.groups.get_mut(self.count) {
            *slot = group;
            self.count += 1;
        }
    }

    /// Reads on with Luhn's sums up to the last digit.
    fn sum(&mut self) {
        let digits = self.digits.get(self.summed..self.length);
        let mut sums = self.sums.get(self.summed).copied().unwrap_or_default();
        let slots = self.sums.get_mut(self.summed + 1..self.length + 1);
        let slots = digits
            .unwrap_or_default()
            .iter()
            .zip(slots.unwrap_or_default());
        let mut odd = self.summed % 2 == 1;
        for (byte, slot) in slots {
            let value = u32::from(byte.wrapping_sub(b'0'));
            let (plain, double) = (value as u16, doubled(value) as u16);
            let (left, right) = if odd {
                (double, plain)
            } else {
                (plain, double)
            };
            sums = Sums(sums.0 + left, sums.1 + right);
            (*slot, odd) = (sums, !odd);
        }
        self.summed = self.length;
    }

    /// Makes room: moves those that are needed to the front.
    #[cold]
    fn compact(&mut self, view: &View<'_>) {
        let (lead, count) = (self.lead, self.count);
        (self.lead, self.count) = (0, 0);
        (self.length, self.summed) = (0, 0);
        for place in lead..count {
            if let Some(group) = self.groups.get(place).copied() {
                self.push(view, group);
            }
        }
    }
}

/// Digits in groups.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    /// Where it begins, with its `+` or `(`.
    pub(super) start: usize,
    first: usize,
    groups: &'a [Group],
    /// How many kept digits stand before the first.
    base: usize,
    digits: &'a [u8; KEPT_DIGITS],
    sums: &'a [Sums; KEPT_DIGITS + 1],
}

impl<'a> Chain<'a> {
    /// Whether all groups are of one digit, as in a list of numbers. One that begins
    /// with `0 0` may still be a country's code.
    pub(super) fn crumbs(&self) -> bool {
        self.total() == self.groups() && !self.zeros()
    }

    /// Whether it begins with two zeros, as numbers of other countries do.
    pub(super) fn zeros(&self) -> bool {
        let digits = self.digits.get(self.base..).unwrap_or_default();
        self.total() > 1 && digits.starts_with(b"00")
    }

    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// All its digits.
    pub(super) fn total(&self) -> usize {
        let last = self.groups.last();
        last.map_or(0, |group| usize::from(group.upto) - self.base)
    }

    /// How many groups may be the number, the most first, and their digits in number.
    pub(super) fn lengths(&self) -> impl Iterator<Item = (usize, usize)> {
        let groups = self.groups.iter().enumerate().rev();
        groups.map(|(before, group)| (before + 1, usize::from(group.upto) - self.base))
    }

    /// Where the first groups end, and their digits.
    pub(super) fn prefix(&self, count: usize) -> Option<(usize, &'a [u8])> {
        let last = self.groups.get(count.checked_sub(1)?)?;
        let digits = self.digits.get(self.base..usize::from(last.upto))?;
        Some((last.end, digits))
    }

    /// Whether Luhn's digit holds at the end of so many digits; only told of what may be
    /// a card.
    pub(super) fn luhn(&self, length: usize) -> bool {
        let upto = self.base + length;
        let (Some(from), Some(to)) = (self.sums.get(self.base), self.sums.get(upto)) else {
            return false;
        };
        // The last digit stands as it is.
        let sum = match upto % 2 {
            1 => to.0 - from.0,
            _ => to.1 - from.1,
        };
        sum.is_multiple_of(10)
    }

    /// Where its first digit stands.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// Digits of one group.
    pub(super) fn size(&self, group: usize) -> usize {
        let group = self.groups.get(group);
        group.map_or(0, |group| group.end - group.start)
    }

    /// The separator behind one group.
    pub(super) fn joint(&self, group: usize) -> u8 {
        let joined = self.groups.get(group).filter(|_| group + 1 < self.groups());
        joined.map_or(0, |group| group.next)
    }
}

/// Whether this byte can stand between two groups, or an extension begin with it.
pub(super) fn joins(byte: u8) -> bool {
    matches!(byte, b' ' | b'-' | b'.' | b'/' | b'(' | b')' | b'x' | b'X')
}

/// Where a chain begins whose first digit stands here: with its `+` or `(`.
pub(super) fn start(view: &View<'_>, first: usize) -> usize {
    view.back(first, 2, |byte| matches!(byte, b'+' | b'('))
}

/// Where the next digit stands behind the separator that stands here, if one does.
fn joint(view: &View<'_>, (at, kind): (usize, u8), open: &mut bool) -> Option<usize> {
    let mut next = at + 1;
    let mut byte = match kind {
        b' ' | b'-' | b'.' | b'/' | b'(' | b')' => view.at(next),
        _ => return None,
    };
    let skipped = match kind {
        b')' if !*open => return None,
        b'(' if *open => return None,
        b')' => {
            *open = false;
            matches!(byte, b' ' | b'-' | b'/')
        }
        b'(' => {
            *open = true;
            false
        }
        _ => {
            let opens = !*open && byte == b'(';
            *open |= opens;
            opens
        }
    };
    if skipped {
        next += 1;
        byte = view.at(next);
    }
    digit(byte).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::super::checks;
    use super::*;

    /// A chain that is read for itself, byte by byte: where its groups end and how many
    /// digits stand before that, its separators and its digits.
    #[derive(Debug, Default, PartialEq, Eq)]
    struct Read {
        ends: Vec<(usize, usize)>,
        joints: Vec<u8>,
        digits: Vec<u8>,
    }

    fn slowly(view: &View<'_>, start: usize, first: usize) -> Read {
        let mut read = Read::default();
        let mut open = view.part(start, first).contains(&b'(');
        let mut at = first;
        while let Some((end, next)) = group(&mut read, view, at) {
            let Some(start) = joint(view, (end, next), &mut open) else {
                break;
            };
            read.joints.push(next);
            at = start;
        }
        // What stands behind the last group joins nothing.
        read.joints.truncate(read.ends.len().saturating_sub(1));
        read.joints.resize(read.ends.len(), 0);
        let total = read.ends.last().map_or(0, |(_, total)| *total);
        read.digits.truncate(total);
        read
    }

    fn group(read: &mut Read, view: &View<'_>, start: usize) -> Option<(usize, u8)> {
        let mut end = start;
        while digit(view.at(end)) {
            if read.digits.len() == DIGITS {
                return None;
            }
            read.digits.push(view.at(end));
            end += 1;
        }
        let byte = view.at(end);
        let extension = matches!(byte, b'x' | b'X') && digit(view.at(end + 1));
        if alnum(byte) && !extension {
            return None;
        }
        read.ends.push((end, read.digits.len()));
        (read.ends.len() < GROUPS && !extension).then_some((end, byte))
    }

    /// Asks for the chain at each group of digits but those that `passed` over.
    fn agrees(text: &str, last: bool, passed: &[bool]) {
        let bytes = text.as_bytes();
        let mut groups = Groups::default();
        let begins = |at: &usize| digit(bytes[*at]) && (*at == 0 || !digit(bytes[at - 1]));
        for (first, passed) in (0..text.len()).filter(begins).zip(passed.iter().cycle()) {
            if *passed {
                continue;
            }
            let [slow, fast] = [View::new(bytes, last), View::new(bytes, last)];
            let start = start(&fast, first);
            let expected = slowly(&slow, start, first);
            let chain = groups.chain(&fast, (start, first), true);
            let count = expected.ends.len();
            let ends = (1..=count).map(|count| chain.prefix(count).unwrap());
            let ends = ends.map(|(end, digits)| (end, digits.len()));
            let read = Read {
                ends: ends.collect(),
                joints: (0..count).map(|group| chain.joint(group)).collect(),
                digits: chain
                    .prefix(count)
                    .map_or(vec![], |(_, digits)| digits.to_vec()),
            };
            assert_eq!(
                (chain.groups(), read),
                (count, expected),
                "{text:?} at {first}"
            );
            for length in 1..=chain.total() {
                let (_, digits) = chain.prefix(count).unwrap();
                let holds = checks::luhn(&digits[..length]);
                assert_eq!(chain.luhn(length), holds, "{text:?} at {first}, {length}");
            }
            assert_eq!(slow.starved(), fast.starved(), "{text:?} at {first}");
            if fast.starved() {
                return;
            }
        }
    }

    #[test]
    fn long_rows_of_groups_are_read_as_each_is_by_itself() {
        for piece in [
            "1234 ",
            "12(34)",
            "1 (2) 3 ",
            "1111 1111 1111 ",
            "(1) 98 ",
            "7",
            "12x3 ",
        ] {
            agrees(&piece.repeat(100), true, &[false]);
            agrees(&piece.repeat(100), false, &[false, true, true]);
        }
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4000))]
        #[test]
        fn a_chain_that_shares_groups_is_the_chain_read_by_itself(
            parts in proptest::collection::vec(proptest::prop_oneof![
                "[0-9]{1,5}", "[0-9]{1,21}", "[ (./)-]{1,2}", "[ .-]", "[+xXa)(\n]",
            ], 0..120),
            last in proptest::bool::ANY,
            passed in proptest::collection::vec(proptest::bool::weighted(0.2), 1..40),
        ) {
            agrees(&parts.concat(), last, &passed);
        }
    }
}
