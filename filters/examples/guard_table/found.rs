//! What a tool found, in one form for all of them.

use std::fs;
use std::ops::Range;
use std::path::Path;

use alfred_filters::guard::eval::{pii, secrets};
use alfred_filters::guard::injection::{Injection, Trust};
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::{Confidence, Entity, Finding, Kind, Window};
use serde::Deserialize;

use super::Outcome;
use super::rows::Rows;
use super::speed;

/// Values of personal data: bytes of the text, and the kind.
pub(crate) type Values = Vec<(Range<usize>, Entity)>;

/// One tool. What it does not look for is empty.
#[derive(Default)]
pub(crate) struct Tool {
    pub(crate) name: String,
    /// For each text with marked values.
    pub(crate) documents: Vec<Values>,
    pub(crate) units: Vec<Values>,
    /// For each honest prompt.
    pub(crate) honest_values: Vec<Values>,
    /// Whether something was found in each example of secrets.
    pub(crate) secrets: Vec<bool>,
    /// Whether in each honest prompt.
    pub(crate) honest_secrets: Vec<bool>,
    /// For what and how long for a prompt of 2 KB, in microseconds.
    pub(crate) times: Vec<(&'static str, f64)>,
}

/// A line of a tool's answer, in the order of the texts: what it found, or how long it took.
#[derive(Deserialize)]
struct Line {
    kind: String,
    /// Characters (not bytes) of the text, and the tool's name for the kind.
    #[serde(default)]
    values: Option<Vec<(usize, usize, String)>>,
    /// Whether there is a secret.
    #[serde(default)]
    secret: Option<bool>,
    /// Microseconds.
    #[serde(default)]
    time: Option<f64>,
}

impl Tool {
    /// Reads what a tool wrote.
    pub(crate) fn read(name: &str, file: &Path, rows: &Rows) -> Outcome<Tool> {
        let mut tool = Tool {
            name: name.to_owned(),
            ..Tool::default()
        };
        let mut times = Vec::new();
        let mut honest = rows.honest_texts();
        let (mut documents, mut units) = (rows.documents.iter(), rows.units.iter());
        for line in fs::read_to_string(file)?.lines() {
            let line: Line = serde_json::from_str(line)?;
            match line.kind.as_str() {
                "timed" => times.extend(line.time),
                "secrets" => tool.secrets.extend(line.secret),
                "documents" => {
                    let text = documents.next().map_or("", |row| &row.text);
                    tool.documents.extend(line.values(text));
                }
                "units" => {
                    let text = units.next().map_or("", |row| &row.text);
                    tool.units.extend(line.values(text));
                }
                _ => {
                    let text = honest.next().unwrap_or_default();
                    tool.honest_values.extend(line.values(text));
                    tool.honest_secrets.extend(line.secret);
                }
            }
        }
        let what = match tool.secrets.is_empty() {
            true => "personal data",
            false => "secrets",
        };
        tool.times.push((what, speed::median(times)));
        let fits = [
            (tool.documents.len(), rows.documents.len()),
            (tool.units.len(), rows.units.len()),
            (tool.secrets.len(), rows.secrets.len()),
        ];
        match fits.iter().all(|(some, all)| *some == 0 || some == all) {
            true => Ok(tool),
            false => Err(format!("{name} did not answer for every text").into()),
        }
    }
}

impl Line {
    /// The values in bytes, of kinds that we know.
    fn values(&self, text: &str) -> Option<Values> {
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let byte = |character: usize| starts.get(character).copied().unwrap_or(text.len());
        let values = self.values.as_ref()?.iter();
        let known = values
            .filter_map(|(start, end, label)| Some((byte(*start)..byte(*end), pii::kind(label)?)));
        Some(known.collect())
    }
}

/// What we find: what a policy would act on, of at least medium confidence.
pub(crate) fn ours(rows: &Rows) -> Tool {
    let defaults: Vec<Entity> = Entity::defaults().collect();
    let (scanner, every) = (Pii::new(&defaults), Pii::new(Entity::ALL));
    let (credentials, judge) = (Secrets::new(), Injection::shipped());
    let secret = |text: &str| !secrets::findings(&credentials, text).is_empty();
    let timed = speed::texts(rows);
    let mut found = Vec::new();
    let times = vec![
        (
            "personal data",
            speed::of(&timed, |text| {
                found.clear();
                scanner.scan(Window::whole(text), &mut found);
            }),
        ),
        (
            "secrets",
            speed::of(&timed, |text| {
                found.clear();
                credentials.scan(Window::whole(text), &mut found);
            }),
        ),
        (
            "injection",
            speed::of(&timed, |text| {
                std::hint::black_box(judge.judge(text, Trust::User));
            }),
        ),
    ];
    let documents = rows.documents.iter().map(|row| values(&scanner, &row.text));
    let units = rows.units.iter().map(|row| values(&every, &row.text));
    Tool {
        name: "Alfred".to_owned(),
        documents: documents.collect(),
        units: units.collect(),
        honest_values: rows
            .honest_texts()
            .map(|text| values(&scanner, text))
            .collect(),
        secrets: rows.secrets.iter().map(|row| secret(&row.text)).collect(),
        honest_secrets: rows.honest_texts().map(secret).collect(),
        times,
    }
}

/// What we find of secrets without the rules of any vendor: how it may fare with vendors that
/// the table of rules does not know.
pub(crate) fn unknown_vendors(rows: &Rows) -> Option<Tool> {
    let credentials = Secrets::only("vendor-key")?;
    let secret = |text: &str| !secrets::findings(&credentials, text).is_empty();
    Some(Tool {
        name: "Alfred without vendors' rules".to_owned(),
        secrets: rows.secrets.iter().map(|row| secret(&row.text)).collect(),
        honest_secrets: rows.honest_texts().map(secret).collect(),
        ..Tool::default()
    })
}

fn values(scanner: &Pii, text: &str) -> Values {
    let mut found: Vec<Finding> = Vec::new();
    scanner.scan(Window::whole(text), &mut found);
    found.retain(|finding| finding.confidence >= Confidence::MEDIUM);
    let values = found.into_iter().filter_map(|finding| match finding.kind {
        Kind::Pii(entity) => Some((finding.span, entity)),
        _ => None,
    });
    values.collect()
}
