//! Why: a model of some hundred megabytes knows attacks that a table of weights does not. It runs beside Alfred and says
//! how likely a text is one; what follows is decided here.

use std::sync::Arc;
use std::time::Duration;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::injection::Trust;
use alfred_filters::guard::report::Note;
use alfred_filters::guard::screen::Blocked;
use alfred_filters::guard::{Confidence, Kind};
use alfred_filters::prompt::Prompt;
use futures_util::FutureExt as _;
use serde_json::{Value, json};

use super::memory::Memory;
use super::{Fault, Piece, Stopped, authorize, call, each, pieces, post};
use crate::conf::{ClassifierFilter, OnFault, Secret};
use crate::guards::Watch;
use crate::guards::build::judged;
use crate::outbound::Outbound;

/// The most of a text that is sent, in bytes: models read no more.
const MOST: usize = 32 * 1024;

/// One classifier.
#[derive(Debug)]
pub(super) struct Classifier {
    pub(super) on_fault: OnFault,
    url: String,
    key: Option<Secret>,
    labels: Vec<String>,
    /// In percent.
    threshold: u8,
    user: Action,
    tool: Action,
    timeout: Duration,
    /// Percent.
    known: Memory<u8>,
}

impl Classifier {
    pub(super) fn new(settings: &ClassifierFilter, key: [u8; 32]) -> Self {
        Self {
            on_fault: settings.on_fault,
            url: settings.url.clone(),
            key: settings.key.clone(),
            labels: settings.labels.clone(),
            threshold: u8::try_from(settings.threshold).unwrap_or(100),
            user: judged(settings.action),
            tool: judged(settings.tools),
            timeout: settings.timeout,
            known: Memory::new(key, &format!("{} {:?}", settings.url, settings.labels)),
        }
    }

    /// Judges what users and tools say.
    pub(super) async fn judge(
        &self,
        outbound: &Outbound,
        prompt: &Prompt,
        watch: &mut Watch,
    ) -> Result<Result<(), Stopped>, Fault> {
        let mut asked: Vec<(Piece, Action)> = Vec::new();
        for piece in pieces(prompt) {
            let wanted = match piece.trust {
                Some(Trust::Tool) => self.tool,
                Some(_) => self.user,
                None => Action::Allow,
            };
            if wanted != Action::Allow {
                asked.push((piece, wanted));
            }
        }
        let questions = asked
            .iter()
            .map(|(piece, _)| self.score(outbound, &piece.text).boxed());
        let scores = each(questions.collect()).await?;
        let mut stopped = 0;
        for ((piece, wanted), score) in asked.iter().zip(scores) {
            if score < self.threshold {
                continue;
            }
            stopped += usize::from(*wanted == Action::Block);
            let hash = watch.hash(Kind::Injection, &piece.text);
            watch.asked.note(|_| Note {
                kind: Kind::Injection,
                rule: "classifier",
                confidence: Confidence(score),
                path: Arc::from(piece.path.as_str()),
                bytes: (0, piece.text.len()),
                action: *wanted,
                hash,
            });
        }
        Ok(match stopped {
            0 => Ok(()),
            _ if watch.is_dry_run() => Ok(()),
            count => Err(Stopped::Found(Blocked {
                kinds: vec![(Kind::Injection, count)],
            })),
        })
    }

    /// How likely a text is an attack, in percent.
    async fn score(&self, outbound: &Outbound, text: &str) -> Result<u8, Fault> {
        if let Some(score) = self.known.recall(text) {
            return Ok(score);
        }
        let most = text.floor_char_boundary(MOST);
        let question = json!({ "inputs": text.get(..most).unwrap_or_default() });
        let mut request = post(&self.url, &question, self.timeout);
        authorize(&mut request, self.key.as_ref());
        let answer = call(outbound, request).await?;
        let score = read(&answer, &self.labels)?;
        self.known.keep(text, score);
        Ok(score)
    }
}

/// Reads `[{ "label", "score" }]`, or that in another list; the best of the labels counts, in percent.
fn read(answer: &Value, labels: &[String]) -> Result<u8, Fault> {
    let rows = answer.as_array().ok_or(Fault::Answer("it is no list"))?;
    let rows = match rows.first() {
        Some(Value::Array(inner)) => inner,
        _ => rows,
    };
    if rows.is_empty() {
        return Err(Fault::Answer("it is empty"));
    }
    let mut best = 0.0_f64;
    for row in rows {
        let label = row.get("label").and_then(Value::as_str);
        let score = row.get("score").and_then(Value::as_f64);
        let (Some(label), Some(score)) = (label, score) else {
            return Err(Fault::Answer("a label or a score is missing"));
        };
        if labels.iter().any(|known| known.eq_ignore_ascii_case(label)) {
            best = best.max(score);
        }
    }
    // From 0 to 100: it fits.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is clamped"
    )]
    Ok((best * 100.0).round().clamp(0.0, 100.0) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_the_labels_counts_in_both_forms() {
        let labels = ["INJECTION".to_owned()];
        let rows =
            json!([{ "label": "SAFE", "score": 0.2 }, { "label": "injection", "score": 0.876 }]);
        assert_eq!(read(&rows, &labels).expect("a score"), 88);
        assert_eq!(read(&json!([rows]), &labels).expect("a score"), 88);
        let safe = json!([{ "label": "SAFE", "score": 0.99 }]);
        assert_eq!(read(&safe, &labels).expect("a score"), 0);
        for bad in [json!([]), json!({}), json!([{ "label": "x" }]), json!("x")] {
            assert!(read(&bad, &labels).is_err(), "{bad}");
        }
    }
}
