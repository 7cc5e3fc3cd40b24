//! Trains the injection model and prints what it can do: texts that were held
//! back say how it does on the kinds it knows, sources that were held back say
//! how it does on kinds it does not. Everything is deterministic.

mod data;
mod learn;
mod report;
mod templates;

use std::fs;
use std::path::Path;

use alfred_filters::guard::eval::injection::Rates;
use alfred_filters::guard::injection::Trust;
use alfred_filters::guard::injection::linear::{Linear, Thresholds};

use data::Row;
use learn::{Example, train};
use templates::{Outcome, Templates, Text};

/// How many parts the rows are put into for the cross-validation.
const FOLDS: usize = 5;
/// How often a template with slots is filled.
const FILLED: usize = 12;
/// How much a text of a template counts beside a row of the data.
const WEIGHT: f32 = 0.15;
/// How many orders are planted into an honest document of the rows, each alone.
const PLANTED: usize = 6;
/// How much a document with a planted order counts.
const PLANTED_WEIGHT: f32 = 0.1;
/// Where the choices of the templates begin.
const SEED: u64 = 0x5851_f42d_4c95_7f2d;

fn main() -> Outcome<()> {
    let rows = data::read()?;
    let own = Own::of(&Templates::read(), &rows)?;

    let mut judged = Vec::new();
    for fold in 0..FOLDS {
        let table = fit(&rows, &own, |row| row.fold != fold);
        judged.extend(report::judge(
            table,
            rows.iter().filter(|row| row.fold == fold),
        ));
    }
    let thresholds = report::thresholds(&judged);
    println!("\nCross-validation, {FOLDS} folds, thresholds {thresholds:?}");
    println!("{}", report::scores(&judged, thresholds));
    println!(
        "honest documents pasted by users     {}",
        report::pasted(&judged, thresholds)
    );
    if std::env::var_os("SHOW").is_some() {
        report::print_wrong(&judged, thresholds);
    }

    leave_out(&rows, &own, thresholds);

    let examples = gather(&rows, &own, |_| true);
    let (bias, weights) = train(&examples);
    let table = Linear::write(bias, &weights, thresholds);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/guard/injection/weights.bin");
    fs::write(&path, table)?;
    println!(
        "\nwritten: {} from {} examples",
        path.display(),
        examples.len()
    );
    Ok(())
}

/// Prints how sources are judged that were not learnt from.
fn leave_out(rows: &[Row], own: &Own, thresholds: Thresholds) {
    println!("Leave one source out, by the thresholds above");
    let mut sources: Vec<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut all = Rates::default();
    for source in sources {
        let its = || rows.iter().filter(|row| row.source == source);
        if its().any(|row| row.attack && row.trained) {
            let table = fit(rows, own, |row| row.source != source);
            let rates = report::scores(&report::judge(table, its()), thresholds).all();
            all = all.plus(rates);
            println!("{source:36} {rates}");
        }
    }
    println!("{:36} {all}", "together");
    let table = fit(rows, own, |_| false);
    let rates = report::scores(&report::judge(table, rows.iter()), thresholds).all();
    println!("{:36} {rates}", "(templates alone)");
}

/// Examples of our own making.
struct Own {
    templates: Vec<Example>,
    /// For each row the attacks that were made of it: orders planted into honest documents.
    planted: Vec<Vec<Example>>,
}

impl Own {
    fn of(templates: &Templates, rows: &[Row]) -> Outcome<Own> {
        let examples = |texts: Vec<Text>, weight: f32| -> Vec<Example> {
            let rows = texts.into_iter().map(|text| Row::of(text, weight));
            rows.flat_map(|row| data::examples(&row)).collect()
        };
        let texts = templates.texts(FILLED, SEED)?;
        println!("{} rows, {} texts of templates", rows.len(), texts.len());
        let mut planted = Vec::new();
        for (row, number) in rows.iter().zip(1_u64..) {
            let honest = row.trained && !row.attack && row.trust() == Trust::Tool;
            let times = if honest { PLANTED } else { 0 };
            let texts = templates.planted(&row.text, times, SEED.wrapping_mul(number))?;
            planted.push(examples(texts, PLANTED_WEIGHT));
        }
        Ok(Own {
            templates: examples(texts, WEIGHT),
            planted,
        })
    }
}

/// The examples of the rows that are chosen, those that were made of them, and those of the
/// templates.
fn gather(rows: &[Row], own: &Own, chosen: impl Fn(&Row) -> bool) -> Vec<Example> {
    let rows = rows.iter().zip(&own.planted);
    rows.filter(|(row, _)| row.trained && chosen(row))
        .flat_map(|(row, planted)| {
            data::examples(row)
                .into_iter()
                .chain(planted.iter().cloned())
        })
        .chain(own.templates.iter().cloned())
        .collect()
}

/// A table trained on the rows that are chosen.
fn fit(rows: &[Row], own: &Own, chosen: impl Fn(&Row) -> bool) -> Vec<u8> {
    let (bias, weights) = train(&gather(rows, own, chosen));
    Linear::write(bias, &weights, Thresholds::default())
}
