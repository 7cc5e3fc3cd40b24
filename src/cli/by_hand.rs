//! Why: money that people moved is in no settlement; the audit log holds the hash of each such
//! line. Lines and records are held against each other, so that neither can be without the other.

use std::collections::HashMap;

use alfred::audit::{AuditRecord, Fault, Flaw, Hash, Place, from_hex};
use alfred::store::Line;
use serde_json::Value;
use uuid::Uuid;

use super::open::House;
use super::verify::{PAGE, Stop, Tally};

/// Refusals of the data plane; what they hold may be a client's words.
const REFUSALS: &str = "policy.";

/// The lines that people wrote, as far as no record has named them yet.
pub(super) struct ByHand {
    lines: HashMap<[u8; 16], Hash>,
    /// Named by a record and not among the lines: written since they were read, or gone.
    late: Vec<([u8; 16], Hash)>,
    count: u64,
}

fn flaw(id: [u8; 16], fault: Fault) -> Flaw {
    let place = Place::Transaction(id);
    Flaw { place, fault }
}

/// Id and hash of a line that fits its own hash.
fn whole(line: &Line) -> Result<([u8; 16], Hash), Flaw> {
    let leaf = line.leaf();
    match leaf.hash() == *line.hash() {
        true => Ok((leaf.id, *line.hash())),
        false => Err(flaw(leaf.id, Fault::Changed)),
    }
}

impl ByHand {
    /// Reads them all: people write few. Those from before `since` are believed to have a record,
    /// which is not read.
    pub(super) fn read(house: &House, since: i64) -> Result<Self, Stop> {
        let (mut lines, mut after) = (HashMap::new(), None);
        loop {
            let page = house.archive().loose(after, PAGE)?;
            for line in &page {
                let (id, hash) = whole(line)?;
                if line.leaf().created_at >= since {
                    lines.insert(id, hash);
                }
                after = Some(id);
            }
            if page.len() < PAGE as usize {
                break;
            }
        }
        Ok(Self {
            count: u64::try_from(lines.len()).unwrap_or(u64::MAX),
            lines,
            late: Vec::new(),
        })
    }

    /// The lines that a record names have the hashes that it says.
    pub(super) fn named_in(&mut self, record: &AuditRecord) -> Result<(), Flaw> {
        if record.event_type.starts_with(REFUSALS) {
            return Ok(());
        }
        // Details that are no JSON name nothing; the record itself fits its hash.
        let details: Value = serde_json::from_str(&record.details).unwrap_or_default();
        let mut named = Vec::new();
        find(&details, &mut named);
        for (id, hash) in named {
            match self.lines.remove(&id) {
                Some(own) if own == hash => {}
                Some(_) => return Err(flaw(id, Fault::Rewritten)),
                None => self.late.push((id, hash)),
            }
        }
        Ok(())
    }

    /// After the last record: every line was named, and every named line is there.
    pub(super) fn finish(self, house: &House, tally: &mut Tally) -> Result<(), Stop> {
        if let Some(id) = self.lines.keys().min() {
            return Err(flaw(*id, Fault::Inserted).into());
        }
        tally.by_hand = self.count;
        for (id, hash) in self.late {
            let line = house.archive().loose_one(id)?;
            let line = line.ok_or_else(|| flaw(id, Fault::Deleted { count: 1 }))?;
            if whole(&line)?.1 != hash {
                return Err(flaw(id, Fault::Rewritten).into());
            }
            tally.by_hand += 1;
        }
        Ok(())
    }
}

/// Every object that has the id and the hash of a transaction.
fn find(value: &Value, named: &mut Vec<([u8; 16], Hash)>) {
    match value {
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str);
            let id = text("id").and_then(|id| id.parse::<Uuid>().ok());
            if let (Some(id), Some(hash)) = (id, text("hash").and_then(from_hex)) {
                named.push((id.into_bytes(), hash));
            }
            fields.values().for_each(|value| find(value, named));
        }
        Value::Array(values) => values.iter().for_each(|value| find(value, named)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_the_id_and_hash_of_a_transaction_is_found_wherever_it_stands() {
        let id = "0190a5d0-0000-7000-8000-000000000010";
        let hash = "ab".repeat(32);
        let details = serde_json::json!({
            "transactions": [{ "id": id, "hash": hash }, { "id": 7, "hash": hash }],
            "more": { "deep": { "id": id, "hash": "short" } },
        });
        let mut named = Vec::new();
        find(&details, &mut named);
        assert_eq!(
            named,
            [(*id.parse::<Uuid>().unwrap().as_bytes(), [0xab; 32])]
        );
    }
}
