//! Why: a policy is tuned by what its guards find. A request only adds to a count here; the supervisor writes the counts
//! down from time to time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::store::governance::FindingCount;
use crate::telemetry::Receipt;

/// Different findings that wait to be written; beyond them it is not told who asked.
const MOST: usize = 10_000;
/// A day in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// See the module text.
#[derive(Debug, Default)]
pub struct Findings(Mutex<HashMap<Row, u64>>);

/// Tenant, team, user and key.
type Who = [Option<i64>; 4];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Row {
    day: i64,
    who: Who,
    direction: &'static str,
    kind: &'static str,
    rule: &'static str,
    action: &'static str,
    dry_run: bool,
}

impl Findings {
    /// Counts what guards found in a request and its answer.
    pub fn note(&self, receipt: &Receipt, at_ms: i64) {
        let both = [
            ("request", &receipt.guarded_request),
            ("answer", &receipt.guarded_answer),
        ];
        let caller = receipt.caller.as_ref();
        let who = caller.map_or([None; 4], |caller| {
            [caller.organisation, caller.team, caller.user, caller.key_id]
        });
        let found = both.into_iter();
        for (direction, report) in
            found.filter_map(|(direction, report)| Some((direction, report.as_deref()?)))
        {
            for (tally, count) in &report.counts {
                let row = Row {
                    day: at_ms - at_ms.rem_euclid(DAY_MS),
                    who,
                    direction,
                    kind: tally.kind,
                    rule: tally.rule,
                    action: tally.action.name(),
                    dry_run: report.dry_run,
                };
                add(&mut self.lock(), row, *count);
            }
        }
    }

    /// Takes all counts.
    pub fn take(&self) -> Vec<FindingCount> {
        let rows = std::mem::take(&mut *self.lock());
        let counted = |(row, count): (Row, u64)| FindingCount {
            day: row.day,
            org_id: row.who[0],
            team_id: row.who[1],
            user_id: row.who[2],
            key_id: row.who[3],
            direction: row.direction,
            kind: row.kind,
            rule: row.rule,
            action: row.action,
            dry_run: row.dry_run,
            count,
        };
        rows.into_iter().map(counted).collect()
    }

    /// Takes counts back that could not be written.
    pub fn put_back(&self, counts: Vec<FindingCount>) {
        let mut rows = self.lock();
        for count in counts {
            let row = Row {
                day: count.day,
                who: [count.org_id, count.team_id, count.user_id, count.key_id],
                direction: count.direction,
                kind: count.kind,
                rule: count.rule,
                action: count.action,
                dry_run: count.dry_run,
            };
            add(&mut rows, row, count.count);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Row, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn add(rows: &mut HashMap<Row, u64>, mut row: Row, count: u64) {
    if rows.len() >= MOST && !rows.contains_key(&row) {
        let [organisation, ..] = row.who;
        row.who = [organisation, None, None, None];
    }
    *rows.entry(row).or_default() += count;
}

#[cfg(test)]
mod tests {
    use super::*;
    use alfred_filters::guard::action::Action;
    use alfred_filters::guard::report::{Report, Tally};

    fn receipt(times: u64) -> Receipt {
        let mut report = Report::default();
        let tally = Tally {
            rule: "email",
            kind: "email",
            action: Action::Mask,
        };
        report.counts.insert(tally, times);
        Receipt {
            guarded_answer: Some(Box::new(report)),
            ..Receipt::default()
        }
    }

    #[test]
    fn findings_of_a_day_are_one_count_and_none_is_lost_when_it_cannot_be_written() {
        let findings = Findings::default();
        findings.note(&receipt(2), DAY_MS + 5);
        findings.note(&receipt(3), DAY_MS * 2 - 1);
        findings.note(&receipt(1), DAY_MS * 2);
        let mut taken = findings.take();
        taken.sort_by_key(|count| count.day);
        let told: Vec<_> = taken
            .iter()
            .map(|f| (f.day, f.direction, f.action, f.count))
            .collect();
        assert_eq!(
            told,
            [
                (DAY_MS, "answer", "mask", 5),
                (DAY_MS * 2, "answer", "mask", 1)
            ]
        );
        assert!(findings.take().is_empty());
        findings.put_back(taken);
        findings.note(&receipt(1), DAY_MS);
        assert_eq!(findings.take().iter().map(|f| f.count).sum::<u64>(), 7);
    }
}
