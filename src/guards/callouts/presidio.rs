//! Why: names and places are no grammar. Presidio's analyzer finds them with models; what it finds is masked like all
//! else, the same value in the same way wherever it stands in the request.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::eval::pii::kind;
use alfred_filters::guard::policy::{Policy, Select, Spec};
use alfred_filters::guard::request::screen_texts;
use alfred_filters::guard::told::{MAX_VALUE, Told};
use alfred_filters::guard::{Confidence, Kind};
use alfred_filters::prompt::Prompt;
use alfred_filters::text::TextChannel;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::memory::Memory;
use super::{Fault, Piece, Stopped, call, each, is_said, pieces, post};
use crate::conf::{OnFault, PresidioFilter};
use crate::guards::Watch;
use crate::guards::build::{action, confidence};
use crate::outbound::Outbound;

/// The kind of what Presidio knows and Alfred has no name for.
const OTHER: Kind = Kind::Own(u16::MAX - 1);

/// One analyzer.
#[derive(Debug)]
pub(super) struct Presidio {
    pub(super) on_fault: OnFault,
    url: String,
    language: String,
    types: Vec<String>,
    action: Action,
    least: Confidence,
    timeout: Duration,
    known: Memory<Vec<Found>>,
}

/// Something in a text: its bytes and what it is.
type Found = (std::ops::Range<usize>, Kind);

impl Presidio {
    pub(super) fn new(settings: &PresidioFilter, key: [u8; 32]) -> Self {
        Self {
            on_fault: settings.on_fault,
            url: format!("{}/analyze", settings.url.trim_end_matches('/')),
            language: settings.language.clone(),
            types: settings.types.clone(),
            action: action(settings.action),
            least: confidence(settings.min_confidence),
            timeout: settings.timeout,
            known: Memory::new(key, &format!("{settings:?}")),
        }
    }

    /// Masks what is found in a request.
    pub(super) async fn mask(
        &self,
        outbound: &Outbound,
        prompt: &mut Prompt,
        watch: &mut Watch,
    ) -> Result<Result<usize, Stopped>, Fault> {
        let texts: Vec<String> = pieces(prompt).iter().map(words).collect();
        let asked = texts.iter().map(|text| self.find(outbound, text).boxed());
        let found = each(asked.collect()).await?;
        let mut values = BTreeSet::new();
        for (text, found) in texts.iter().zip(found) {
            for (span, kind) in found {
                let value = text.get(span).unwrap_or_default();
                // Strings of a tool's JSON stand in lines of their own here.
                let lines = value.lines().map(str::trim);
                values.extend(
                    lines
                        .filter(|line| is_value(line))
                        .map(|line| (kind, line.to_owned())),
                );
            }
        }
        if values.is_empty() {
            return Ok(Ok(0));
        }
        if values.iter().any(|(_, value)| value.len() > MAX_VALUE) {
            return Err(Fault::Answer("what it found is too long"));
        }
        let values: Vec<(Kind, String)> = values.into_iter().collect();
        let told =
            Told::new("presidio", &values).map_err(|_| Fault::Answer("it found too much"))?;
        let policy = self.policy(told, watch)?;
        let mut desk = watch.desk_of(&policy);
        let screened = screen_texts(prompt, &mut desk, is_said);
        Ok(screened.map_err(Stopped::Found))
    }

    fn policy(&self, told: Told, watch: &Watch) -> Result<Policy, Fault> {
        Policy::new(Spec {
            scanners: vec![Arc::new(told)],
            actions: vec![(Select::All, self.action, Confidence::LOW)],
            dry_run: watch.is_dry_run(),
            fail_closed: self.on_fault == OnFault::Closed,
            ..Spec::default()
        })
        .map_err(|_| Fault::Answer("it found too much"))
    }

    /// What stands in a text.
    async fn find(&self, outbound: &Outbound, text: &str) -> Result<Vec<Found>, Fault> {
        if let Some(found) = self.known.recall(text) {
            return Ok(found);
        }
        let mut question = json!({
            "text": text,
            "language": self.language,
            "score_threshold": f64::from(self.least.0) / 100.0,
        });
        if let Some(members) = question.as_object_mut().filter(|_| !self.types.is_empty()) {
            members.insert("entities".to_owned(), json!(self.types));
        }
        let answer = call(outbound, post(&self.url, &question, self.timeout)).await?;
        let found = read(&answer, text, self.least)?;
        self.known.keep(text, found.clone());
        Ok(found)
    }
}

/// Reads `[{ "entity_type", "start", "end", "score" }]`; places are counted in characters.
fn read(answer: &Value, text: &str, least: Confidence) -> Result<Vec<Found>, Fault> {
    let rows = answer.as_array().ok_or(Fault::Answer("it is no list"))?;
    let mut bytes: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    bytes.push(text.len());
    let mut found = Vec::new();
    for row in rows {
        let place = |name: &str| {
            let at = row.get(name)?.as_u64()?;
            bytes.get(usize::try_from(at).ok()?).copied()
        };
        let (Some(start), Some(end)) = (place("start"), place("end")) else {
            return Err(Fault::Answer("a place in it is not in the text"));
        };
        let name = row.get("entity_type").and_then(Value::as_str);
        let name = name.ok_or(Fault::Answer("a type is missing"))?;
        let score = row.get("score").and_then(Value::as_f64).unwrap_or(1.0);
        if start < end && score * 100.0 >= f64::from(least.0) {
            found.push((start..end, kind(name).map_or(OTHER, Kind::Pii)));
        }
    }
    Ok(found)
}

/// What is looked at of a text: of JSON its strings, each in a line.
fn words(piece: &Piece) -> String {
    let is_tools = matches!(
        piece.channel,
        TextChannel::ToolArguments | TextChannel::ToolResult
    );
    let json = is_tools.then(|| serde_json::from_str::<Value>(&piece.text).ok());
    let Some(json) = json.flatten() else {
        return piece.text.clone();
    };
    let mut lines = Vec::new();
    leaves(&json, &mut lines);
    lines.join("\n")
}

fn leaves(value: &Value, lines: &mut Vec<String>) {
    match value {
        Value::String(text) => lines.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, lines)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, lines)),
        _ => {}
    }
}

/// Whether it can be a value: what other guards have put there is none.
fn is_value(text: &str) -> bool {
    text.chars().nth(1).is_some() && !text.contains(['[', ']'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use alfred_filters::guard::Entity;

    #[test]
    fn places_are_characters_and_scores_below_the_least_do_not_count() {
        let text = "Grüße an Zoë Ünal, +49 30 901820";
        let answer = json!([
            { "entity_type": "PERSON", "start": 9, "end": 17, "score": 0.85 },
            { "entity_type": "PHONE_NUMBER", "start": 19, "end": 32, "score": 0.75 },
            { "entity_type": "DATE_TIME", "start": 0, "end": 5, "score": 0.3 },
        ]);
        let found = read(&answer, text, Confidence::MEDIUM).expect("findings");
        let seen: Vec<&str> = found.iter().map(|(span, _)| &text[span.clone()]).collect();
        assert_eq!(seen, ["Zoë Ünal", "+49 30 901820"]);
        assert_eq!(found[1].1, Kind::Pii(Entity::Phone));
        for bad in [
            json!({}),
            json!([{ "start": 0, "end": 99, "entity_type": "X" }]),
            json!([{ "start": 0, "end": 1 }]),
        ] {
            assert!(read(&bad, text, Confidence::LOW).is_err(), "{bad}");
        }
    }
}
