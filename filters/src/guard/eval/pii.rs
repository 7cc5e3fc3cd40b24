//! How good the scanner of personal data is on texts whose values are marked: pure,
//! so that tests, benches and the command line count alike. A finding is right when
//! it overlaps a marked value of its own kind.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value;

use super::super::pii::Pii;
use super::super::{Confidence, Entity, Finding, Kind, Window};

/// Names that the data gives to kinds which are named otherwise here.
const LABELS: &[(&str, Entity)] = &[
    ("IP", Entity::IpAddress),
    ("MAC", Entity::MacAddress),
    ("IBAN_CODE", Entity::Iban),
    ("CRYPTO", Entity::CryptoWallet),
    ("EMAIL_ADDRESS", Entity::Email),
    ("PHONE_NUMBER", Entity::Phone),
    ("PH_MOBILE_NUMBER", Entity::Phone),
    ("TR_PHONE_NUMBER", Entity::Phone),
    ("US_DRIVER_LICENSE", Entity::DriverLicence),
    ("IT_DRIVER_LICENSE", Entity::DriverLicence),
    ("KR_DRIVER_LICENSE", Entity::DriverLicence),
    ("UK_DRIVING_LICENCE", Entity::DriverLicence),
    ("ES_PASSPORT", Entity::Passport),
    ("KR_PASSPORT", Entity::Passport),
    ("UK_PASSPORT", Entity::Passport),
    ("DE_PASSPORT", Entity::Passport),
    ("US_PASSPORT", Entity::Passport),
    ("IT_PASSPORT", Entity::Passport),
    ("IN_PASSPORT", Entity::Passport),
    ("TR_LICENSE_PLATE", Entity::LicencePlate),
    ("IN_VEHICLE_REGISTRATION", Entity::LicencePlate),
    ("UK_VEHICLE_REGISTRATION", Entity::LicencePlate),
    ("NG_VEHICLE_REGISTRATION", Entity::LicencePlate),
    ("US_BANK_NUMBER", Entity::BankAccount),
    ("ABA_ROUTING_NUMBER", Entity::UsRouting),
    ("MEDICAL_LICENSE", Entity::UsDea),
    ("FI_PERSONAL_IDENTITY_CODE", Entity::FiHetu),
    ("SG_NRIC_FIN", Entity::SgNric),
    ("TH_TNIN", Entity::ThId),
    ("TR_NATIONAL_ID", Entity::TrId),
    ("SE_ORGANISATIONSNUMMER", Entity::SeOrganisation),
    ("IT_VAT_CODE", Entity::ItVat),
    ("ZA_ID_NUMBER", Entity::ZaId),
];

/// The kind that a label of the data means; nothing for kinds that are not looked for.
#[must_use]
pub fn kind(label: &str) -> Option<Entity> {
    let known = LABELS.iter().find(|(name, _)| *name == label);
    known
        .map(|(_, entity)| *entity)
        .or_else(|| Entity::from_name(&label.to_ascii_lowercase()))
}

/// A text with its marked values.
#[derive(Clone, Debug)]
pub struct Row {
    /// The text.
    pub text: String,
    /// The values: characters (not bytes) of the text, and the kind.
    pub spans: Vec<(Range<usize>, Entity)>,
    /// Only these kinds are marked; nothing stands for all of them.
    pub only: Vec<Entity>,
}

/// How one kind fared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Findings that overlap a value of their kind.
    pub right: usize,
    /// Findings that do not.
    pub wrong: usize,
    /// Values that a finding of their kind overlaps.
    pub found: usize,
    /// Values that none does.
    pub missed: usize,
}

impl Score {
    /// The share of findings that are right; 1 without any.
    #[must_use]
    pub fn precision(&self) -> f64 {
        share(self.right, self.right + self.wrong)
    }

    /// The share of values that are found; 1 without any.
    #[must_use]
    pub fn recall(&self) -> f64 {
        share(self.found, self.found + self.missed)
    }

    /// The harmonic mean of both.
    #[must_use]
    pub fn f1(&self) -> f64 {
        let (precision, recall) = (self.precision(), self.recall());
        if precision + recall == 0.0 {
            return 0.0;
        }
        2.0 * precision * recall / (precision + recall)
    }
}

fn share(part: usize, all: usize) -> f64 {
    if all == 0 {
        1.0
    } else {
        part as f64 / all as f64
    }
}

impl Row {
    /// Reads `{ "text", "spans": [[start, end, label]], "types": [label] }`; labels of kinds
    /// that are not looked for are passed over. `None` when the text or the spans are missing.
    #[must_use]
    pub fn read(row: &Value) -> Option<Row> {
        let place = |span: &Value, at: usize| usize::try_from(span.get(at)?.as_u64()?).ok();
        let spans = row.get("spans")?.as_array()?.iter().filter_map(|span| {
            let entity = kind(span.get(2)?.as_str()?)?;
            Some((place(span, 0)?..place(span, 1)?, entity))
        });
        let types = row.get("types").and_then(Value::as_array);
        let types = types.into_iter().flatten();
        Some(Row {
            text: row.get("text")?.as_str()?.to_owned(),
            spans: spans.collect(),
            only: types.filter_map(|name| kind(name.as_str()?)).collect(),
        })
    }
}

/// The scores of all rows, and what went wrong.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By kind.
    pub scores: BTreeMap<Entity, Score>,
    /// The row, its kind and the bytes of each value that was missed.
    pub missed: Vec<(usize, Entity, Range<usize>)>,
    /// The same of each finding that was wrong.
    pub wrong: Vec<(usize, Entity, Range<usize>)>,
}

/// Scans every row and counts the findings that are at least this sure.
#[must_use]
pub fn score(pii: &Pii, rows: &[Row], least: Confidence) -> Report {
    let mut report = Report::default();
    let mut findings: Vec<Finding> = Vec::new();
    for (place, row) in rows.iter().enumerate() {
        findings.clear();
        pii.scan(Window::whole(&row.text), &mut findings);
        findings.retain(|finding| finding.confidence >= least);
        let found = findings.iter().filter_map(|finding| match finding.kind {
            Kind::Pii(entity) => Some((finding.span.clone(), entity)),
            _ => None,
        });
        report.add(place, row, &found.collect::<Vec<_>>());
    }
    report
}

/// Scans the rows that name kinds, for each of these kinds by itself: how good every
/// recogniser is where no other one can be right instead.
#[must_use]
pub fn score_each(rows: &[Row], least: Confidence) -> Report {
    let mut report = Report::default();
    for entity in Entity::ALL {
        let own = |row: &&Row| row.only.contains(entity);
        let own: Vec<Row> = rows.iter().filter(own).cloned().collect();
        if own.is_empty() {
            continue;
        }
        let alone = score(&Pii::new(&[*entity]), &own, least);
        report
            .scores
            .extend(alone.scores.into_iter().filter(|(kind, _)| kind == entity));
    }
    report
}

impl Report {
    /// Counts what was found in the row of this place, by us or by another tool: bytes (not
    /// characters) of its text, and the kind.
    pub fn add(&mut self, place: usize, row: &Row, found: &[(Range<usize>, Entity)]) {
        let starts: Vec<usize> = row.text.char_indices().map(|(at, _)| at).collect();
        let byte = |character: usize| starts.get(character).copied().unwrap_or(row.text.len());
        let counts = |entity: &Entity| row.only.is_empty() || row.only.contains(entity);
        let bytes = row.spans.iter();
        let bytes = bytes.map(|(span, entity)| (byte(span.start)..byte(span.end), *entity));
        let values: Vec<(Range<usize>, Entity)> = bytes.collect();
        for (span, entity) in values.iter().filter(|(_, entity)| counts(entity)) {
            let score = self.scores.entry(*entity).or_default();
            if met(found, span, *entity) {
                score.found += 1;
            } else {
                score.missed += 1;
                self.missed.push((place, *entity, span.clone()));
            }
        }
        for (span, entity) in found.iter().filter(|(_, entity)| counts(entity)) {
            let score = self.scores.entry(*entity).or_default();
            if met(&values, span, *entity) {
                score.right += 1;
            } else {
                score.wrong += 1;
                self.wrong.push((place, *entity, span.clone()));
            }
        }
    }
}

/// Whether one of these is of the kind and overlaps the span.
fn met(spans: &[(Range<usize>, Entity)], span: &Range<usize>, entity: Entity) -> bool {
    let overlaps = |other: &Range<usize>| other.start < span.end && span.start < other.end;
    spans
        .iter()
        .any(|(other, kind)| *kind == entity && overlaps(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_in_characters_and_findings_in_bytes() {
        let pii = Pii::new(&[Entity::Email]);
        let row = Row {
            text: "größer: a@example.org, 8.8.8.8".to_owned(),
            spans: vec![(8..21, Entity::Email), (23..30, Entity::IpAddress)],
            only: Vec::new(),
        };
        let report = score(&pii, &[row], Confidence::LOW);
        let mail = report.scores[&Entity::Email];
        assert_eq!((mail.right, mail.found), (1, 1));
        assert_eq!(report.scores[&Entity::IpAddress].missed, 1);
        assert!(mail.f1() > 0.999 && report.scores[&Entity::IpAddress].f1() < 0.001);
    }

    #[test]
    fn labels_of_the_data_name_kinds() {
        assert_eq!(kind("IP"), Some(Entity::IpAddress));
        assert_eq!(kind("US_SSN"), Some(Entity::UsSsn));
        assert_eq!(kind("AGE"), None);
    }
}
