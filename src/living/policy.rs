//! Why: who was refused by policy, and why, belongs into the audit chain. A request only leaves a
//! note here; it is written down by the supervisor, and a flood of them is counted, not written.

use std::sync::{Mutex, PoisonError};

use serde_json::json;

use crate::store::governance::PolicyEvent;
use crate::telemetry::Receipt;

/// Notes that wait to be written.
const MOST: usize = 10_000;

/// The refusals that are policy, by their code.
const CODES: [&str; 7] = [
    "content_blocked",
    "model_not_allowed",
    "insufficient_credit",
    "wallet_frozen",
    "spend_limit_reached",
    "no_wallet",
    "unknown_price",
];

/// See the module text.
#[derive(Debug, Default)]
pub struct PolicyLog(Mutex<Notes>);

#[derive(Debug, Default)]
struct Notes {
    events: Vec<PolicyEvent>,
    /// How many there was no room for.
    lost: u64,
}

impl PolicyLog {
    /// Notes a request if it was refused by policy.
    pub fn note(&self, receipt: &Receipt, at_ms: i64) {
        let code = receipt.code.as_deref().unwrap_or_default();
        if !CODES.contains(&code) {
            return;
        }
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.events.len() >= MOST {
            notes.lost += 1;
            return;
        }
        let caller = receipt.caller.as_ref();
        let model = receipt.model.as_deref().unwrap_or_default();
        notes.events.push(PolicyEvent {
            event_type: format!("policy.{code}"),
            org_id: caller.and_then(|caller| caller.organisation),
            user_id: caller.and_then(|caller| caller.user),
            actor: caller.map_or_else(|| "nobody".to_owned(), |caller| caller.key.to_string()),
            action: "refuse".to_owned(),
            target: format!("model:{}", model.chars().take(200).collect::<String>()),
            details: json!({ "request_id": receipt.request_id, "status": receipt.status }),
            ip: Some(receipt.client.clone()),
            at_ms,
        });
    }

    /// Takes the notes, at most so many; of those that were lost the last one tells the number.
    pub fn take(&self, most: usize, at_ms: i64) -> Vec<PolicyEvent> {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = notes.events.len().min(most);
        let mut taken: Vec<_> = notes.events.drain(..count).collect();
        if notes.lost > 0 && notes.events.is_empty() {
            taken.push(PolicyEvent {
                event_type: "policy.not_recorded".to_owned(),
                org_id: None,
                user_id: None,
                actor: "alfred".to_owned(),
                action: "count".to_owned(),
                target: "refusals".to_owned(),
                details: json!({ "count": notes.lost }),
                ip: None,
                at_ms,
            });
            notes.lost = 0;
        }
        taken
    }

    /// Puts notes back that could not be written.
    pub fn put_back(&self, events: Vec<PolicyEvent>) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.events.splice(0..0, events);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str) -> Receipt {
        Receipt {
            code: Some(code.to_owned()),
            ..Receipt::default()
        }
    }

    #[test]
    fn policy_is_noted_and_other_refusals_are_not() {
        let log = PolicyLog::default();
        log.note(&refused("model_not_allowed"), 5);
        log.note(&refused("model_not_found"), 5);
        let taken = log.take(10, 6);
        assert_eq!(taken.len(), 1);
        assert_eq!(taken[0].event_type, "policy.model_not_allowed");
        assert!(log.take(10, 6).is_empty());
    }

    #[test]
    fn a_flood_is_counted_when_there_is_no_room_to_write_it() {
        let log = PolicyLog::default();
        for _ in 0..MOST + 7 {
            log.note(&refused("no_wallet"), 1);
        }
        let taken = log.take(MOST, 2);
        assert_eq!(taken.len(), MOST + 1);
        assert_eq!(taken[MOST].details["count"], 7);
    }
}
