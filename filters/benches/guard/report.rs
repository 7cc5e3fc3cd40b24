//! The report: every figure as the best of its rounds, beside its goal.

use std::fmt::Write;
use std::time::{Duration, Instant};

/// Where a figure must stand.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// Told, not judged: the less the better.
    Less,
    /// Told, not judged: the more the better.
    More,
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
}

impl Goal {
    fn text(self) -> String {
        match self {
            Goal::Less | Goal::More => "–".to_owned(),
            Goal::AtMost(most) => format!("<= {most}"),
            Goal::AtLeast(least) => format!(">= {least}"),
        }
    }

    fn is_reached(self, value: f64) -> bool {
        match self {
            Goal::Less | Goal::More => true,
            Goal::AtMost(most) => value <= most,
            Goal::AtLeast(least) => value >= least,
        }
    }
}

struct Line {
    name: String,
    goal: Goal,
    best: f64,
    median: f64,
}

/// All figures, in the order in which they came.
pub(crate) struct Report {
    wanted: Vec<String>,
    rounds: Option<usize>,
    lines: Vec<Line>,
}

impl Report {
    /// A report of the figures whose names hold one of the words; of all, if there are
    /// none. Each is measured in so many rounds, or in as many as it asks for.
    pub(crate) fn new(wanted: Vec<String>, rounds: Option<usize>) -> Report {
        Report {
            wanted,
            rounds,
            lines: Vec::new(),
        }
    }

    /// Whether somebody wants this figure.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let mut words = self.wanted.iter();
        self.wanted.is_empty() || words.any(|word| name.contains(word.as_str()))
    }

    /// Takes a figure, measured in so many rounds; one that nobody wants is not measured.
    pub(crate) fn take(
        &mut self,
        name: &str,
        goal: Goal,
        rounds: usize,
        mut measure: impl FnMut() -> f64,
    ) {
        if !self.wants(name) {
            return;
        }
        let rounds = self.rounds.unwrap_or(rounds).max(1);
        let mut values: Vec<f64> = (0..rounds).map(|_| measure()).collect();
        values.sort_by(f64::total_cmp);
        if matches!(goal, Goal::More | Goal::AtLeast(_)) {
            values.reverse();
        }
        let line = Line {
            name: name.to_owned(),
            goal,
            best: *values.first().unwrap(),
            median: *values.get(values.len() / 2).unwrap(),
        };
        eprintln!("{:<66}{:>11}", line.name, number(line.best));
        self.lines.push(line);
    }

    /// Whether every goal was reached.
    pub(crate) fn is_reached(&self) -> bool {
        self.lines
            .iter()
            .all(|line| line.goal.is_reached(line.best))
    }

    /// A line for each figure.
    pub(crate) fn table(&self) -> String {
        let mut out = format!(
            "{:<66}{:>11}{:>11}{:>11}   verdict\n",
            "best of the rounds", "reached", "median", "goal"
        );
        for line in &self.lines {
            let verdict = match (line.goal, line.goal.is_reached(line.best)) {
                (Goal::Less | Goal::More, _) => "",
                (_, true) => "PASS",
                (_, false) => "MISS",
            };
            let _ = writeln!(
                out,
                "{:<66}{:>11}{:>11}{:>11}   {verdict}",
                line.name,
                number(line.best),
                number(line.median),
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

/// How long it takes.
pub(crate) fn time(act: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    act();
    begun.elapsed()
}

/// The sample at this place of a thousand, in microseconds.
pub(crate) fn percentile(samples: &mut [Duration], permille: usize) -> f64 {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    let sample = samples.get(last * permille / 1000);
    sample.map_or(f64::NAN, |sample| sample.as_secs_f64() * 1e6)
}
