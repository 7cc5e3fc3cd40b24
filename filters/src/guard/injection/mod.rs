//! Instructions that try to take over, by rules and a small linear model. It is a
//! signal for logs and dashboards more than a wall: attacks in the words of
//! ordinary tasks cannot be told from tasks by their words. The model is trained
//! by `make train-injection`; what it can do is written in
//! `docs/concepts/injection-model.md`.

mod bits;
mod count;
pub mod features;
pub mod linear;
mod phrases;
pub mod rules;
mod shared;
mod spaced;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use super::fold::Folded;
use super::hidden::shown;
use linear::Linear;
use rules::{Hit, Rules};
use spaced::joined;

/// The table that the training wrote.
static SHIPPED: &[u8] = include_bytes!("weights.bin");

/// How much of a text's beginning is read, in bytes.
const HEAD: usize = 24 * 1024;

/// How much of its end is read when it is longer, in bytes.
const TAIL: usize = 8 * 1024;

/// How long a window over a tool's result is, in bytes.
const WINDOW: usize = 256;

/// How far the next window begins, in bytes.
const STRIDE: usize = 128;

/// Who wrote a text, and so what is expected of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// The operator: instructions are its purpose; it is never judged.
    System,
    /// The user, who may well give orders.
    User,
    /// A tool result or a document: no place for orders to the model. It is
    /// judged in windows, for an order may be a small part of it.
    Tool,
}

/// What ought to be done about a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Nothing.
    None,
    /// Worth a line in the log: at most one benign text in a hundred gets here.
    Log,
    /// As sure as this model can be: about one benign text in a thousand.
    Block,
}

/// What was thought of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// How likely it is an attack, in percent.
    pub score: u8,
    /// What ought to be done.
    pub level: Level,
    /// The rule that it meets, or `linear` when the model alone speaks; `None`
    /// when nothing ought to be done and no rule is met.
    pub rule: Option<&'static str>,
}

/// The judge, made once and shared.
#[derive(Clone, Debug)]
pub struct Injection {
    linear: Option<Linear>,
    rules: Rules,
}

impl Injection {
    /// The judge of this build.
    #[must_use]
    pub fn shipped() -> Injection {
        Injection::with(Cow::Borrowed(SHIPPED))
    }

    /// A judge by another table, such as one of a cross-validation. A table of the
    /// wrong length finds nothing.
    #[must_use]
    pub fn with(table: Cow<'static, [u8]>) -> Injection {
        Injection {
            linear: Linear::read(table),
            rules: Rules::new(),
        }
    }

    /// What to think of a text. The work is bounded: of a longer text 24 KB of the
    /// beginning and 8 KB of the end are read.
    #[must_use]
    pub fn judge(&self, text: &str, trust: Trust) -> Verdict {
        let Some(linear) = self.linear.as_ref().filter(|_| trust != Trust::System) else {
            return NOTHING;
        };
        let (margin, rule) = self.margin(text, trust);
        let level = linear.thresholds.level(margin, trust);
        let alone = (level != Level::None).then_some("linear");
        Verdict {
            score: percent(margin),
            level,
            rule: rule.or(alone),
        }
    }

    /// The log-odds of an attack and the rule that is met; training sets the
    /// thresholds by it.
    #[must_use]
    pub fn margin(&self, text: &str, trust: Trust) -> (f32, Option<&'static str>) {
        let Some(linear) = &self.linear else {
            return (0.0, None);
        };
        let (head, tail) = ends(text);
        let folded = [Folded::of(head), Folded::of(tail)];
        let [first, second] = &folded;
        let head = shown(first.as_ref().map_or(head, Folded::text));
        let tail = shown(second.as_ref().map_or(tail, Folded::text));
        let (head, tail) = (joined(head.as_ref()), joined(tail.as_ref()));
        let (head, tail) = (head.as_ref(), tail.as_ref());
        if trust != Trust::Tool || head.len() <= WINDOW {
            return weigh(linear.look(&self.rules, [head, tail].into_iter()));
        }
        let (whole, windows) = shared::look(linear, &self.rules, [head, tail]);
        let (mut margin, mut best) = weigh(whole);
        for (other, rule) in windows.into_iter().map(weigh) {
            if other > margin {
                margin = other;
                best = rule.or(best);
            }
        }
        (margin, best)
    }
}

const NOTHING: Verdict = Verdict {
    score: 0,
    level: Level::None,
    rule: None,
};

/// Rule and model together.
fn weigh((margin, hit): (f32, Option<Hit>)) -> (f32, Option<&'static str>) {
    (
        margin + hit.map_or(0.0, |hit| hit.bonus),
        hit.map(|hit| hit.rule),
    )
}

/// Log-odds in percent.
fn percent(margin: f32) -> u8 {
    (100.0 / (1.0 + (-margin).exp())).round() as u8
}

/// The parts of a text that are read.
fn ends(text: &str) -> (&str, &str) {
    if text.len() <= HEAD + TAIL {
        return (text, "");
    }
    let head = text.floor_char_boundary(HEAD);
    let tail = text.ceil_char_boundary(text.len() - TAIL);
    (
        text.get(..head).unwrap_or_default(),
        text.get(tail..).unwrap_or_default(),
    )
}

/// Overlapping windows, so that an order of up to 200 bytes stands whole in one.
pub fn windows(text: &str) -> impl Iterator<Item = &str> {
    spans(text).filter_map(|span| text.get(span))
}

/// Where the windows stand. No place is in more than two of them.
fn spans(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        if from >= text.len() {
            return None;
        }
        let end = text.ceil_char_boundary((from + WINDOW).min(text.len()));
        let span = from..end;
        from = if end == text.len() {
            end
        } else {
            text.ceil_char_boundary(from + STRIDE)
        };
        Some(span)
    })
}
