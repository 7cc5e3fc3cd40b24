//! Sums over the different features of a text and of all its windows, in one pass. What
//! counts once in a window counts where no equal feature stands before it in the window:
//! when an equal one was last seen tells this for every window.

use std::cell::Cell;
use std::ops::Range;

use super::features::WEIGHTS;
use super::linear::{Sum, packed};

type Last = [u8; WEIGHTS];

thread_local! {
    /// What a thread counted with before, all 0 again: to fill it anew costs more than a
    /// short text does.
    static LAST: Cell<Option<Box<Last>>> = const { Cell::new(None) };
}

/// What a window has.
pub(super) struct Span {
    /// The features that it shares with the text, by their places. Ends come in the
    /// windows' order, and no place is in more than two windows.
    pub(super) shared: Range<usize>,
    /// Those that it has for itself.
    pub(super) own: [Range<usize>; 2],
}

/// Sums up the different features of a text and of its windows.
pub(super) struct Count<'n> {
    weights: &'n [u8],
    features: &'n [u32],
    /// What windows have for themselves.
    own: &'n [u32],
    /// In which step each feature was last seen, 0 for never. All steps before those
    /// that matter to some window may be told as the first.
    last: Box<Last>,
    /// Up to where the features were counted.
    at: usize,
    /// The number of this step.
    now: u8,
    whole: i64,
    /// What was known of features that are taken for one window.
    taken: Vec<(u32, u8)>,
}

/// A window that is being counted.
#[derive(Clone, Copy, Default)]
struct Part {
    /// What was seen before this step was not seen in it; 0 for no window.
    since: u8,
    sum: i64,
}

impl<'n> Count<'n> {
    /// The sums of a text and of its windows, in their order.
    pub(super) fn all(
        weights: &'n [u8],
        features: &'n [u32],
        own: &'n [u32],
        windows: impl Iterator<Item = &'n Span>,
    ) -> (Sum, Vec<Sum>) {
        let mut count = Count {
            weights,
            features,
            own,
            last: LAST.take().unwrap_or_else(|| Box::new([0; WEIGHTS])),
            at: 0,
            now: 0,
            whole: 0,
            taken: Vec::new(),
        };
        let mut sums = Vec::with_capacity(windows.size_hint().0);
        count.windows(windows, |sum| sums.push(Sum::unpacked(sum)));
        for feature in features {
            if let Some(last) = count.last.get_mut(*feature as usize) {
                *last = 0;
            }
        }
        LAST.set(Some(count.last));
        (Sum::unpacked(count.whole), sums)
    }

    fn windows(&mut self, windows: impl Iterator<Item = &'n Span>, mut summed: impl FnMut(i64)) {
        let mut before: Option<(&Span, Part)> = None;
        for window in windows {
            let mut part = Part::default();
            if let Some((ended, mut sum)) =
                before.take_if(|(span, _)| span.shared.end <= window.shared.start)
            {
                self.step(ended.shared.end, [&mut sum, &mut part]);
                summed(self.with_own(ended, sum));
            }
            let mut none = Part::default();
            let other = before.as_mut().map_or(&mut none, |(_, part)| part);
            self.step(window.shared.start, [other, &mut part]);
            part.since = self.now + 1;
            if let Some((ended, mut sum)) = before.take() {
                self.step(ended.shared.end, [&mut sum, &mut part]);
                summed(self.with_own(ended, sum));
            }
            before = Some((window, part));
        }
        let mut none = Part::default();
        if let Some((ended, mut sum)) = before {
            self.step(ended.shared.end, [&mut sum, &mut none]);
            summed(self.with_own(ended, sum));
        }
        self.step(self.features.len(), [&mut Part::default(), &mut none]);
    }

    /// Counts the features up to a place, for two windows and the whole.
    fn step(&mut self, to: usize, [one, two]: [&mut Part; 2]) {
        if self.now == u8::MAX - 1 {
            self.forget([one, two]);
        }
        self.now += 1;
        let features = self.features.get(self.at..to).unwrap_or_default();
        self.at = to;
        let (mut whole, mut first, mut second) = (self.whole, one.sum, two.sum);
        for &feature in features {
            let value = packed(self.weights, feature);
            let Some(last) = self.last.get_mut(feature as usize) else {
                continue;
            };
            let seen = std::mem::replace(last, self.now);
            // Sums instead of branches: what is new comes in no order.
            whole += value * i64::from(seen == 0);
            first += value * i64::from(seen < one.since);
            second += value * i64::from(seen < two.since);
        }
        (self.whole, one.sum, two.sum) = (whole, first, second);
    }

    /// Tells all steps as the first that were made before these windows began.
    fn forget(&mut self, windows: [&mut Part; 2]) {
        let live = windows.iter().map(|part| part.since);
        let first = live.filter(|since| *since > 0).min();
        let past = first.unwrap_or(self.now + 1).saturating_sub(2);
        for last in self.last.iter_mut() {
            *last = last.saturating_sub(past).max((*last).min(1));
        }
        for part in windows {
            part.since = part.since.saturating_sub(past);
        }
        self.now -= past;
    }

    /// Adds what only a window has, when all else of it was counted. It is told as seen
    /// only meanwhile, for it is not there for other windows.
    fn with_own(&mut self, window: &Span, part: Part) -> i64 {
        let mut sum = part.sum;
        let own = window
            .own
            .iter()
            .filter_map(|own| self.own.get(own.clone()));
        for &feature in own.flatten() {
            let Some(last) = self.last.get_mut(feature as usize) else {
                continue;
            };
            if *last < part.since {
                sum += packed(self.weights, feature);
                self.taken.push((feature, *last));
                *last = self.now;
            }
        }
        for (feature, was) in self.taken.drain(..) {
            if let Some(last) = self.last.get_mut(feature as usize) {
                *last = was;
            }
        }
        sum
    }
}
