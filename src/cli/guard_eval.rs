//! Why: a guard that does not tell its error rates asks to be believed. Here anybody counts them, on rows of examples of
//! their own.

use std::path::{Path, PathBuf};
use std::time::Instant;

use alfred_filters::guard::eval::{injection, pii, secrets};
use alfred_filters::guard::injection::{Injection, Trust};
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::{Confidence, Entity};
use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::show::{self, left, right};

#[derive(Debug, Args)]
pub(super) struct EvalArgs {
    /// Files of rows, one JSON object in each line, or folders of `*.jsonl`. A row with `spans` is judged for personal
    /// data, one with `parts` for secrets, one with `label` for injection.
    #[arg(required = true)]
    data: Vec<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The rows by what they are examples of.
#[derive(Default)]
struct Rows {
    /// Texts with all their values marked, and the tests of single kinds.
    pii: Vec<pii::Row>,
    units: Vec<pii::Row>,
    secrets: Vec<secrets::Row>,
    prompts: Vec<Prompt>,
}

struct Prompt {
    text: String,
    source: String,
    kind: String,
    attack: bool,
}

/// `alfred guard eval`.
pub(super) fn eval(args: &EvalArgs) -> Result<(), Failure> {
    let mut rows = Rows::default();
    for path in &args.data {
        for file in files(path)? {
            rows.read(&file)?;
        }
    }
    let report = json!({
        "pii": told(&of_defaults(pii::score(&defaults(), &rows.pii, Confidence::MEDIUM))),
        "pii_units": told(&pii::score_each(&rows.units, Confidence::LOW)),
        "secrets": rows.secrets(),
        "injection": rows.injection(),
        "benign": rows.benign(),
        "speed_mb_per_s": rows.speed(),
    });
    match args.json {
        true => show::json(&report),
        false => show::out(&tables(&report)),
    }
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Failure {
    Failure::Usage(format!("{} cannot be read: {why}", path.display()))
}

fn files(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(path).map_err(|error| unreadable(path, error))? {
        let inner = entry.map_err(|error| unreadable(path, error))?.path();
        if inner.is_dir() || inner.extension().is_some_and(|end| end == "jsonl") {
            found.extend(files(&inner)?);
        }
    }
    found.sort();
    Ok(found)
}

impl Rows {
    fn read(&mut self, file: &Path) -> Result<(), Failure> {
        let text = std::fs::read_to_string(file).map_err(|error| unreadable(file, error))?;
        for (index, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty())
        {
            let wrong = |why: &str| unreadable(file, format!("line {}: {why}", index + 1));
            let row: Value =
                serde_json::from_str(line).map_err(|error| wrong(&error.to_string()))?;
            self.take(&row).ok_or_else(|| {
                wrong("the row has neither `text` and `spans`, `parts`, nor `text` and `label`")
            })?;
        }
        Ok(())
    }

    fn take(&mut self, row: &Value) -> Option<()> {
        let word = |name: &str| row[name].as_str().unwrap_or("-").to_owned();
        let label = row["label"].as_u64().map(|label| label == 1);
        if let Some(parts) = row["parts"].as_array() {
            self.secrets.push(secrets::Row {
                src: word("src"),
                rule: word("rule"),
                label: label?,
                text: parts.iter().filter_map(Value::as_str).collect(),
            });
            return Some(());
        }
        let text = row["text"].as_str()?.to_owned();
        if let Some(marked) = pii::Row::read(row) {
            match row["kind"] == "unit" {
                true => self.units.push(marked),
                false => self.pii.push(marked),
            }
            return Some(());
        }
        self.prompts.push(Prompt {
            text,
            source: word("src"),
            kind: word("kind"),
            attack: label?,
        });
        Some(())
    }

    fn secrets(&self) -> Vec<Value> {
        let report = secrets::score(&Secrets::new(), &self.secrets);
        let scores = report.scores.iter();
        scores
            .map(|(source, score)| {
                json!({
                    "source": source,
                    "positives": score.positives, "found": score.found,
                    "negatives": score.negatives,
                    "own_hits": score.own_hits, "generic_hits": score.generic_hits,
                })
            })
            .collect()
    }

    fn injection(&self) -> Vec<Value> {
        let judge = Injection::shipped();
        let mut scores = injection::Scores::default();
        for prompt in &self.prompts {
            let trust = match prompt.kind.as_str() {
                "indirect" => Trust::Tool,
                _ => Trust::User,
            };
            let level = judge.judge(&prompt.text, trust).level;
            scores.add(&prompt.source, &prompt.kind, prompt.attack, level);
        }
        let rates = |name: &str, rates: injection::Rates| {
            json!({
                "group": name,
                "attacks": rates.attacks, "found": rates.found, "blocked": rates.blocked,
                "benign": rates.benign, "flagged": rates.flagged, "refused": rates.refused,
            })
        };
        let kinds: std::collections::BTreeSet<&str> = self
            .prompts
            .iter()
            .map(|prompt| prompt.kind.as_str())
            .collect();
        let mut groups: Vec<Value> = kinds
            .into_iter()
            .map(|kind| rates(kind, scores.kind(kind)))
            .collect();
        groups.push(rates("all", scores.all()));
        groups
    }

    /// What the other guards find in prompts that hold nothing.
    fn benign(&self) -> Value {
        let texts = || self.prompts.iter().filter(|prompt| !prompt.attack);
        let flagged = secrets::flagged(&Secrets::new(), texts().map(|prompt| &*prompt.text));
        json!({ "prompts": texts().count(), "with_secrets": flagged.len() })
    }

    /// Megabytes of all these texts in a second, for each guard.
    fn speed(&self) -> Value {
        let marked = self.pii.iter().map(|row| row.text.as_str());
        let prompts = self.prompts.iter().map(|prompt| prompt.text.as_str());
        let text: String = marked.chain(prompts).collect();
        let window = alfred_filters::guard::Window::whole(&text);
        let (scanner, credentials) = (defaults(), Secrets::new());
        let mut found = Vec::new();
        let mut timed = |scan: &mut dyn FnMut(&mut Vec<_>)| {
            found.clear();
            let begun = Instant::now();
            scan(&mut found);
            let rate = text.len() as f64 / 1e6 / begun.elapsed().as_secs_f64();
            rate.round()
        };
        json!({
            "pii": timed(&mut |found| { scanner.scan(window, found); }),
            "secrets": timed(&mut |found| { credentials.scan(window, found); }),
        })
    }
}

fn defaults() -> Pii {
    Pii::new(&Entity::defaults().collect::<Vec<_>>())
}

/// Without the kinds that are marked in the rows and not looked for unless somebody asks.
fn of_defaults(mut report: pii::Report) -> pii::Report {
    report
        .scores
        .retain(|entity, _| Entity::defaults().any(|looked_for| looked_for == *entity));
    report
}

fn told(report: &pii::Report) -> Vec<Value> {
    let scores = report.scores.iter();
    scores
        .map(|(entity, score)| {
            json!({
                "type": entity.name(),
                "tp": score.right, "fp": score.wrong, "fn": score.missed,
                "precision": score.precision(), "recall": score.recall(), "f1": score.f1(),
            })
        })
        .collect()
}

fn tables(report: &Value) -> String {
    let mut text = String::new();
    for (name, title) in [
        ("pii", "Personal data, default kinds"),
        (
            "pii_units",
            "Personal data, each kind by itself, from low confidence on",
        ),
        ("secrets", "Secrets"),
        ("injection", "Injections"),
    ] {
        let rows = report[name]
            .as_array()
            .map(Vec::as_slice)
            .unwrap_or_default();
        let Some(Value::Object(first)) = rows.first() else {
            continue;
        };
        let names: Vec<String> = first.keys().map(|key| key.to_uppercase()).collect();
        text.push_str(&format!("{title}\n"));
        text.push_str(&named_table(&names, rows));
        text.push('\n');
    }
    let at = |path: &str| report.pointer(path).cloned().unwrap_or_default();
    text.push_str(&format!(
        "{} honest prompts, {} with a secret; {} MB/s for personal data, {} MB/s for secrets\n",
        at("/benign/prompts"),
        at("/benign/with_secrets"),
        at("/speed_mb_per_s/pii"),
        at("/speed_mb_per_s/secrets"),
    ));
    text
}

/// Numbers stand to the right, the first column to the left.
fn named_table(names: &[String], rows: &[Value]) -> String {
    let cell = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            format!("{:.3}", number.as_f64().unwrap_or_default())
        }
        other => other.to_string(),
    };
    let line = |row: &Value| {
        let members = row.as_object().into_iter().flatten();
        members.map(|(_, value)| cell(value)).collect::<Vec<_>>()
    };
    let mut lines = vec![names.to_vec()];
    lines.extend(rows.iter().map(line));
    let columns: Vec<_> = (0..names.len())
        .map(|at| if at == 0 { left("") } else { right("") })
        .collect();
    let text = show::table(&columns, lines.into_iter());
    text.split_once('\n')
        .map_or(String::new(), |(_, rest)| rest.to_owned())
}
