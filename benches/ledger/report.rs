//! The report: every figure as the median of its repetitions, beside its goal.

use std::fmt::Write;

/// Where a figure must stand.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Told, not judged.
    None,
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Goal {
    fn is_reached(self, value: f64) -> bool {
        match self {
            Self::None => true,
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::None => "–".to_owned(),
            Self::AtMost(most) => format!("<= {most}"),
            Self::AtLeast(least) => format!(">= {least}"),
        }
    }
}

#[derive(Debug)]
struct Line {
    name: String,
    goal: Goal,
    values: Vec<f64>,
}

impl Line {
    fn median(&self) -> f64 {
        let mut values = self.values.clone();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| values.get(place).copied().unwrap_or(f64::NAN);
        f64::midpoint(at(values.len().saturating_sub(1) / 2), at(values.len() / 2))
    }

    /// A figure that was never measured reaches nothing.
    fn is_reached(&self) -> bool {
        self.goal.is_reached(self.median())
    }
}

/// All figures, in the order in which they first came.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

impl Report {
    /// One repetition's value of a figure.
    pub(crate) fn note(&mut self, name: &str, goal: Goal, value: f64) {
        match self.lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.values.push(value),
            None => self.lines.push(Line {
                name: name.to_owned(),
                goal,
                values: vec![value],
            }),
        }
    }

    /// Whether every goal was reached.
    pub(crate) fn is_reached(&self) -> bool {
        self.lines.iter().all(Line::is_reached)
    }

    /// A line for each figure.
    pub(crate) fn table(&self) -> String {
        let mut out = format!(
            "{:<66}{:>11}{:>22}{:>11}   verdict\n",
            "medians of the repetitions", "reached", "lowest to highest", "goal"
        );
        for line in &self.lines {
            let low = line.values.iter().copied().fold(f64::INFINITY, f64::min);
            let high = line.values.iter().copied().fold(0.0, f64::max);
            let verdict = match (line.goal, line.is_reached()) {
                (Goal::None, _) => "",
                (_, true) => "PASS",
                (_, false) => "MISS",
            };
            let _ = writeln!(
                out,
                "{:<66}{:>11}{:>22}{:>11}   {verdict}",
                line.name,
                number(line.median()),
                format!("{} .. {}", number(low), number(high)),
                line.goal.text(),
            );
        }
        out
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        small if small < 100.0 => format!("{value:.2}"),
        _ => format!("{value:.0}"),
    }
}

/// The sample at this place of a thousand, in microseconds from nanoseconds. Sorted.
pub(crate) fn percentile(samples: &mut [u64], permille: usize) -> f64 {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    let nanos = samples.get(last * permille / 1000);
    nanos.map_or(f64::NAN, |nanos| *nanos as f64 / 1e3)
}
