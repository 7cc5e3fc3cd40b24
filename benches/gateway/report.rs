//! The report: every figure of every program, then Alfred beside its goals.

use std::fmt::Write;

use crate::figures::{Against, Figure, Figures, Goal, RIVALS, SUBJECTS, median};

/// All figures, a row each, as medians over the repetitions; then those with and without money.
pub(crate) fn table(repetitions: &[Figures]) -> String {
    let all = columns(repetitions, &SUBJECTS);
    format!("{all}\n{}", columns(repetitions, &RIVALS))
}

fn columns(repetitions: &[Figures], subjects: &[&'static str]) -> String {
    let mut out = format!("{:<30}", "");
    for subject in subjects {
        let _ = write!(out, "{subject:>12}");
    }
    out.push('\n');
    for (figure, name, decimals) in Figure::ALL {
        let is_known = |figures: &Figures| {
            let mut known = subjects.iter();
            known.any(|subject| figures.contains_key(&(*subject, figure)))
        };
        if !repetitions.iter().any(is_known) {
            continue;
        }
        let _ = write!(out, "{name:<30}");
        for subject in subjects {
            let values = repetitions
                .iter()
                .filter_map(|figures| figures.get(&(*subject, figure)));
            let value = median(values.copied());
            let text = value.map_or("–".to_owned(), |value| format!("{value:.decimals$}"));
            let _ = write!(out, "{text:>12}");
        }
        out.push('\n');
    }
    out
}

/// Alfred beside its goals. The second value tells whether every `must` was reached.
pub(crate) fn goals(repetitions: &[Figures]) -> (String, bool) {
    let mut out = format!(
        "{:<62}{:>9}{:>9}{:>9}   {}\n",
        "the same run, medians of the repetitions", "reached", "must", "goal", "verdict"
    );
    let mut all = true;
    for goal in Goal::ALL {
        let Some(value) = median(repetitions.iter().filter_map(|figures| goal.value(figures)))
        else {
            continue;
        };
        let passed = goal.reaches(value, goal.must);
        let verdict = match (passed, goal.reaches(value, goal.goal)) {
            (false, _) => "MISS",
            (true, false) => "PASS",
            (true, true) => "PASS, goal reached",
        };
        all &= passed;
        let unit = |value: f64| match goal.against {
            Against::Times(_) => format!("{value:.2} x"),
            Against::Over(_) => format!("{value:+.1}"),
            Against::Itself => format!("{value:.1}"),
        };
        let _ = writeln!(
            out,
            "{:<62}{:>9}{:>9}{:>9}   {verdict}",
            what(&goal),
            unit(value),
            unit(goal.must),
            unit(goal.goal)
        );
    }
    (out, all)
}

fn what(goal: &Goal) -> String {
    let found = Figure::ALL
        .into_iter()
        .find(|(figure, ..)| *figure == goal.figure);
    let name = found.map_or("", |(_, name, _)| name);
    match goal.against {
        Against::Itself => format!("{name}: {}", goal.subject),
        Against::Times(other) => format!("{name}: {} / {other}", goal.subject),
        Against::Over(other) => format!("{name}: {} - {other}", goal.subject),
    }
}
