//! What the provider's log says was used, against what the ledger says was paid.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::Path;

use serde_json::Value;

/// A row of the ledger: one leg of what an attempt used.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// `request id.attempt`, as the provider was told it.
    pub(crate) attempt: String,
    /// `usage`, `overage` or `undelivered`.
    pub(crate) kind: String,
    /// `provider`, `local` or `hold`.
    pub(crate) source: String,
    pub(crate) leg: i64,
    pub(crate) prompt: i64,
    pub(crate) completion: i64,
    pub(crate) amount: i64,
    pub(crate) cost: i64,
}

/// Prices of the test in nano-credits per token.
const PRICE: (i64, i64) = (1_000, 3_000);

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) exact: usize,
    pub(crate) estimated: usize,
    pub(crate) local: usize,
    pub(crate) faults: Vec<String>,
    spent: i64,
}

impl Verdict {
    /// Compares log and ledger. `bound`: the most estimates that kills can explain.
    pub(crate) fn reach(log: &Path, rows: &[Row], bound: u64) -> Self {
        let mut verdict = Self::default();
        let used = verdict.usage(log);
        let mut paid: HashMap<&str, Vec<&Row>> = HashMap::new();
        for row in rows {
            paid.entry(&row.attempt).or_default().push(row);
        }
        for (attempt, rows) in &paid {
            verdict.weigh(attempt, rows, used.get(*attempt));
        }
        // The journal knows that a request was in flight, not which attempt was running.
        let request = |attempt: &str| attempt.split('.').next().unwrap_or_default().to_owned();
        let held: HashSet<String> = rows
            .iter()
            .filter(|row| row.source == "hold")
            .map(|row| request(&row.attempt))
            .collect();
        for (attempt, (prompt, completion, complete)) in &used {
            let known = paid.contains_key(attempt.as_str()) || held.contains(&request(attempt));
            if *complete && prompt + completion > 0 && !known {
                verdict.fault(format!(
                    "{attempt}: {prompt}+{completion} tokens were used and never paid"
                ));
            }
        }
        let most = usize::try_from(bound).unwrap_or(usize::MAX);
        if verdict.estimated > most {
            let count = verdict.estimated;
            verdict.fault(format!(
                "{count} estimates, more than the {most} that kills explain"
            ));
        }
        verdict
    }

    /// Tokens by attempt, and whether the answer was complete.
    fn usage(&mut self, log: &Path) -> HashMap<String, (i64, i64, bool)> {
        let text = fs::read_to_string(log).unwrap_or_default();
        let mut used = HashMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect("a line of the usage log");
            let attempt = line["attempt"].as_str().unwrap_or_default().to_owned();
            let number = |name: &str| line[name].as_i64().unwrap_or(0);
            let complete = line["outcome"] == "complete" && line["status"] == 200;
            let tokens = (
                number("prompt_tokens"),
                number("completion_tokens"),
                complete,
            );
            if attempt.is_empty() || used.insert(attempt.clone(), tokens).is_some() {
                self.fault(format!(
                    "the provider's log names '{attempt}' twice, or nobody"
                ));
            }
        }
        used
    }

    fn weigh(&mut self, attempt: &str, rows: &[&Row], used: Option<&(i64, i64, bool)>) {
        let first = rows
            .iter()
            .filter(|row| row.leg == 0 && row.kind != "overage");
        let first: Vec<_> = first.collect();
        let [first] = first.as_slice() else {
            return self.fault(format!("{attempt} was settled {} times", first.len()));
        };
        let paid: i64 = rows.iter().map(|row| -row.amount).sum();
        self.spent += paid;
        if paid != first.cost {
            self.fault(format!(
                "{attempt}: its legs add up to {paid}, not {}",
                first.cost
            ));
        }
        match first.source.as_str() {
            "provider" => {
                self.exact += 1;
                let told = used.map(|(prompt, completion, _)| (*prompt, *completion));
                if told != Some((first.prompt, first.completion)) {
                    self.fault(format!(
                        "{attempt}: paid for {}+{} tokens, the provider says {told:?}",
                        first.prompt, first.completion
                    ));
                }
                let right = first.prompt * PRICE.0 + first.completion * PRICE.1;
                if right != first.cost {
                    self.fault(format!("{attempt}: costs {right}, paid {}", first.cost));
                }
            }
            "hold" => self.estimated += 1,
            _ => self.local += 1,
        }
    }

    pub(crate) fn fault(&mut self, what: String) {
        self.faults.push(what);
    }

    /// What all wallets paid, in nano-credits.
    pub(crate) fn spent(&self) -> i64 {
        self.spent
    }
}
