//! The rows, in the format that `alfred guard eval` reads too: a row with `spans` is judged for
//! personal data, one with `parts` for secrets, one with `label` for injection.

use std::fs;
use std::path::{Path, PathBuf};

use alfred_filters::guard::eval::{pii, secrets};
use alfred_filters::guard::injection::Trust;
use serde_json::{Value, json};

use super::Outcome;
use super::speed;

/// All rows by what they are examples of.
#[derive(Default)]
pub(crate) struct Rows {
    /// Texts with all their values marked.
    pub(crate) documents: Vec<pii::Row>,
    /// Tests of single kinds, from the unit tests of Presidio.
    pub(crate) units: Vec<pii::Row>,
    pub(crate) secrets: Vec<secrets::Row>,
    pub(crate) prompts: Vec<Prompt>,
}

/// An honest prompt or an attack.
pub(crate) struct Prompt {
    pub(crate) text: String,
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) attack: bool,
}

impl Prompt {
    /// Whether it is a document or what a tool gave back, and no user's prompt.
    pub(crate) fn is_document(&self) -> bool {
        self.kind == "indirect" || self.source.starts_with("BIPIA") || self.source == "agentdojo"
    }

    /// Documents are trusted less than users.
    pub(crate) fn trust(&self) -> Trust {
        match self.is_document() {
            true => Trust::Tool,
            false => Trust::User,
        }
    }
}

impl Rows {
    /// Reads files, and every `*.jsonl` below folders.
    pub(crate) fn read(paths: &[PathBuf]) -> Outcome<Rows> {
        let mut rows = Rows::default();
        for file in paths
            .iter()
            .map(|path| files(path))
            .collect::<Outcome<Vec<_>>>()?
            .concat()
        {
            let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
            let text = fs::read_to_string(&file).map_err(|error| named(&error))?;
            for line in text.lines().filter(|line| !line.is_empty()) {
                let row = serde_json::from_str(line).map_err(|error| named(&error))?;
                rows.take(&row)
                    .ok_or_else(|| named(&"a row of no known kind"))?;
            }
        }
        match rows.documents.len() + rows.units.len() + rows.secrets.len() + rows.prompts.len() {
            0 => Err("there are no rows: set ALFRED_SHARED or name a folder of *.jsonl".into()),
            _ => Ok(rows),
        }
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
        } else if let Some(marked) = pii::Row::read(row) {
            match row["kind"] == "unit" {
                true => self.units.push(marked),
                false => self.documents.push(marked),
            }
        } else {
            self.prompts.push(Prompt {
                text: row["text"].as_str()?.to_owned(),
                source: word("src"),
                kind: word("kind"),
                attack: label?,
            });
        }
        Some(())
    }

    /// Prompts and documents that do not attack.
    pub(crate) fn honest(&self) -> impl Iterator<Item = &Prompt> {
        self.prompts.iter().filter(|prompt| !prompt.attack)
    }

    /// Their texts.
    pub(crate) fn honest_texts(&self) -> impl Iterator<Item = &str> {
        self.honest().map(|prompt| prompt.text.as_str())
    }

    /// What the tools are given: the texts of each kind in their order, then those that are timed.
    pub(crate) fn texts(&self) -> impl Iterator<Item = Value> {
        let documents = self
            .documents
            .iter()
            .map(|row| ("documents", row.text.clone()));
        let units = self.units.iter().map(|row| ("units", row.text.clone()));
        let secrets = self.secrets.iter().map(|row| ("secrets", row.text.clone()));
        let honest = self.honest_texts().map(|text| ("honest", text.to_owned()));
        let timed = speed::texts(self).into_iter().map(|text| ("timed", text));
        let all = documents
            .chain(units)
            .chain(secrets)
            .chain(honest)
            .chain(timed);
        all.map(|(kind, text)| json!({ "kind": kind, "text": text }))
    }
}

fn files(path: &Path) -> Outcome<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(path)? {
        let inner = entry?.path();
        if inner.is_dir() || inner.extension().is_some_and(|end| end == "jsonl") {
            found.extend(files(&inner)?);
        }
    }
    found.sort();
    Ok(found)
}
