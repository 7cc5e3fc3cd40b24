//! The table.

use alfred_filters::guard::Entity;

use super::count::{Goal, by_kind, by_source, together};
use super::found::Tool;
use super::rows::Rows;

/// Prints everything.
pub(crate) fn table(rows: &Rows, tools: &[Tool], goals: &[Goal]) {
    values(rows, tools);
    secrets(rows, tools);
    times(tools);
    println!("\n| goal | is | of |\n|---|---|---|");
    for goal in goals {
        let sign = if goal.at_least { "≥" } else { "≤" };
        let verdict = if goal.is_reached() { "" } else { " **missed**" };
        println!(
            "| {} {sign} {} % | {:.2} %{verdict} | {} |",
            goal.what, goal.bound, goal.is, goal.of
        );
    }
}

/// A row of a table: its name and a cell for each tool.
fn line(name: &str, cells: impl Iterator<Item = String>) {
    println!("| {name} | {} |", cells.collect::<Vec<_>>().join(" | "));
}

fn head(name: &str, tools: &[&Tool]) {
    println!();
    line(name, tools.iter().map(|tool| tool.name.clone()));
    println!("|---|{}", "---|".repeat(tools.len()));
}

fn values(rows: &Rows, tools: &[Tool]) {
    let tools: Vec<&Tool> = tools
        .iter()
        .filter(|tool| !tool.documents.is_empty())
        .collect();
    head("personal data: precision / recall", &tools);
    let scores: Vec<_> = tools
        .iter()
        .map(|tool| by_kind(&rows.documents, &tool.documents))
        .collect();
    for kind in Entity::defaults() {
        let marked = scores.first().and_then(|scores| scores.get(&kind));
        let marked = marked.map_or(0, |score| score.found + score.missed);
        let cells = scores.iter().map(|scores| match scores.get(&kind) {
            Some(score) => format!("{:.3} / {:.3}", score.precision(), score.recall()),
            None => "–".to_owned(),
        });
        line(&format!("`{}` ({marked})", kind.name()), cells);
    }
    let units = tools.iter().map(|tool| {
        let all = together(&by_kind(&rows.units, &tool.units));
        format!("{:.3} / {:.3}", all.precision(), all.recall())
    });
    line(
        &format!(
            "Presidio's unit tests, mostly bare values, of all kinds that we know ({})",
            rows.units.len()
        ),
        units,
    );
    for (documents, name) in [
        (false, "prompts"),
        (true, "documents, many of them true ones"),
    ] {
        let of_kind = || {
            rows.honest()
                .map(|prompt| prompt.is_document() == documents)
        };
        let cells = tools.iter().map(|tool| {
            let values = tool.honest_values.iter().zip(of_kind());
            let values = values
                .filter(|(_, counts)| *counts)
                .flat_map(|(values, _)| values);
            let default = |kind: &Entity| Entity::defaults().any(|other| other == *kind);
            values.filter(|(_, kind)| default(kind)).count().to_string()
        });
        let texts = of_kind().filter(|counts| *counts).count();
        line(&format!("values in {texts} honest {name}"), cells);
    }
}

fn secrets(rows: &Rows, tools: &[Tool]) {
    let tools: Vec<&Tool> = tools
        .iter()
        .filter(|tool| !tool.secrets.is_empty())
        .collect();
    for (label, title) in [
        (true, "secrets found, of examples by"),
        (false, "hits on negatives by"),
    ] {
        head(title, &tools);
        let counts: Vec<_> = tools
            .iter()
            .map(|tool| by_source(rows, tool, label))
            .collect();
        for (source, (all, _)) in counts.first().into_iter().flatten() {
            let cells = counts.iter().map(|counts| {
                let (all, hit) = counts.get(source).copied().unwrap_or_default();
                format!("{:.1} %", 100.0 * hit as f64 / all.max(1) as f64)
            });
            line(&format!("{source} ({all})"), cells);
        }
    }
    let honest = tools.iter().map(|tool| {
        let hits = tool.honest_secrets.iter().filter(|found| **found);
        hits.count().to_string()
    });
    line(
        &format!(
            "honest prompts with a hit, of {}",
            rows.honest_texts().count()
        ),
        honest,
    );
}

fn times(tools: &[Tool]) {
    println!("\n| 2 KB prompt, one core | time |\n|---|---|");
    for tool in tools {
        for (what, time) in &tool.times {
            println!("| {}, {what} | {time:.1} us |", tool.name);
        }
    }
}
