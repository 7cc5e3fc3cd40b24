//! Trains the injection model and prints what it can do: texts that were held
//! back say how it does on the kinds it knows, sources that were held back say
//! how it does on kinds it does not. Everything is deterministic.

mod data;
mod learn;
mod report;
mod templates;

use std::error::Error;
use std::fs;
use std::path::Path;

use alfred_filters::guard::eval::injection::Rates;
use alfred_filters::guard::injection::linear::{Linear, Thresholds};

use data::Row;
use learn::{Example, train};

/// How many parts the rows are put into for the cross-validation.
const FOLDS: usize = 5;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let rows = data::read()?;
    let own = templates::texts()?;
    println!("{} rows, {} texts of templates", rows.len(), own.len());
    let templates: Vec<Example> = own.iter().flat_map(data::examples).collect();

    let mut judged = Vec::new();
    for fold in 0..FOLDS {
        let table = fit(&rows, &templates, |row| row.fold != fold);
        judged.extend(report::judge(
            table,
            rows.iter().filter(|row| row.fold == fold),
        ));
    }
    let thresholds = report::thresholds(&judged);
    println!("\nCross-validation, {FOLDS} folds, thresholds {thresholds:?}");
    println!("{}", report::scores(&judged, thresholds));
    if std::env::var_os("SHOW").is_some() {
        report::print_wrong(&judged, thresholds);
    }

    leave_out(&rows, &templates, thresholds);

    let examples = gather(&rows, &templates, |_| true);
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
fn leave_out(rows: &[Row], templates: &[Example], thresholds: Thresholds) {
    println!("Leave one source out, by the thresholds above");
    let mut sources: Vec<&str> = rows.iter().map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let mut all = Rates::default();
    for source in sources {
        let own = || rows.iter().filter(|row| row.source == source);
        if own().any(|row| row.attack && row.trained) {
            let table = fit(rows, templates, |row| row.source != source);
            let rates = report::scores(&report::judge(table, own()), thresholds).all();
            all = all.plus(rates);
            println!("{source:36} {rates}");
        }
    }
    println!("{:36} {all}", "together");
    let table = fit(rows, templates, |_| false);
    let rates = report::scores(&report::judge(table, rows.iter()), thresholds).all();
    println!("{:36} {rates}", "(templates alone)");
}

/// The examples of the rows that are chosen, and those of the templates.
fn gather(rows: &[Row], templates: &[Example], chosen: impl Fn(&Row) -> bool) -> Vec<Example> {
    let rows = rows.iter().filter(|row| row.trained && chosen(row));
    rows.flat_map(data::examples)
        .chain(templates.iter().cloned())
        .collect()
}

/// A table trained on the rows that are chosen.
fn fit(rows: &[Row], templates: &[Example], chosen: impl Fn(&Row) -> bool) -> Vec<u8> {
    let (bias, weights) = train(&gather(rows, templates, chosen));
    Linear::write(bias, &weights, Thresholds::default())
}
