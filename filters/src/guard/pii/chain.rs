//! Groups of digits that separators join into one number: `+49 (30) 901-820`,
//! `4111 1111 1111 1111`. Cards and phone numbers read it instead of the text.

use super::view::{View, alnum, digit};

/// The most digits of a chain.
pub(super) const DIGITS: usize = 20;
/// The most groups of a chain.
const GROUPS: usize = 10;

/// Digits in groups.
pub(super) struct Chain {
    /// Where it begins, with its `+` or `(`.
    pub(super) start: usize,
    first: usize,
    digits: [u8; DIGITS],
    /// Where each group ends, in bytes from the first digit, and how many digits stand
    /// before that.
    ends: [(u8, u8); GROUPS],
    joints: [u8; GROUPS],
    count: usize,
}

impl Chain {
    /// The chain whose first digit stands here, and its `+` or `(` at `start`.
    pub(super) fn read(view: &View<'_>, start: usize, first: usize) -> Chain {
        let mut chain = Chain {
            start,
            first,
            digits: [0; DIGITS],
            ends: [(0, 0); GROUPS],
            joints: [0; GROUPS],
            count: 0,
        };
        let mut open = view.part(start, first).contains(&b'(');
        let mut at = first;
        while let Some((end, next)) = chain.group(view, at) {
            let Some(start) = joint(view, (end, next), &mut open) else {
                break;
            };
            if let Some(slot) = chain.joints.get_mut(chain.count - 1) {
                *slot = next;
            }
            at = start;
        }
        chain
    }

    /// Takes the group of digits that begins here. Where it ends and what stands there,
    /// if another may follow.
    fn group(&mut self, view: &View<'_>, start: usize) -> Option<(usize, u8)> {
        let (mut end, mut total) = (start, self.total());
        let mut byte = view.at(end);
        while digit(byte) {
            *self.digits.get_mut(total)? = byte;
            (end, total) = (end + 1, total + 1);
            byte = view.at(end);
        }
        let extension = matches!(byte, b'x' | b'X') && digit(view.at(end + 1));
        if alnum(byte) && !extension {
            return None;
        }
        *self.ends.get_mut(self.count)? = ((end - self.first) as u8, total as u8);
        self.count += 1;
        (self.count < GROUPS && !extension).then_some((end, byte))
    }

    /// Whether all groups are of one digit, as in a list of numbers. One that begins
    /// with `0 0` may still be a country's code.
    pub(super) fn crumbs(&self) -> bool {
        self.total() == self.count && !self.zeros()
    }

    /// Whether it begins with two zeros, as numbers of other countries do.
    pub(super) fn zeros(&self) -> bool {
        self.digits.starts_with(b"00")
    }

    pub(super) fn groups(&self) -> usize {
        self.count
    }

    /// All its digits.
    pub(super) fn total(&self) -> usize {
        self.bound(self.count).1
    }

    /// Where the first groups end, and their digits in number.
    fn bound(&self, count: usize) -> (usize, usize) {
        let last = count.checked_sub(1).and_then(|i| self.ends.get(i));
        let (end, digits) = last.copied().unwrap_or_default();
        (self.first + usize::from(end), usize::from(digits))
    }

    /// Where the first groups end, and their digits.
    pub(super) fn prefix(&self, count: usize) -> Option<(usize, &[u8])> {
        let (end, digits) = self.bound(count);
        Some((end, self.digits.get(..digits)?)).filter(|_| count > 0)
    }

    /// Where its first digit stands.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// Digits of one group.
    pub(super) fn size(&self, group: usize) -> usize {
        self.bound(group + 1).1 - self.bound(group).1
    }

    /// The separator behind one group.
    pub(super) fn joint(&self, group: usize) -> u8 {
        self.joints.get(group).copied().unwrap_or(0)
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
