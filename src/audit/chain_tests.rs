//! Why: whatever is done to a record of the audit must be found, and named for what it is.

use super::testing::{AT, bytes, chain, ints, optional, record, spoil, texts};
use super::{Anchor, Anchors, AuditRecord, Chain, ChainVerifier, Fault, Flaw, Head, Place};
use super::{from_hex, to_hex};

fn verify(records: &[AuditRecord], head: Option<Head>) -> Result<Head, Flaw> {
    let mut verifier = ChainVerifier::new();
    for record in records {
        verifier.feed(record)?;
    }
    verifier.finish(head)
}

fn head(records: &[AuditRecord]) -> Head {
    let last = records.last().unwrap();
    Head {
        number: last.id,
        hash: last.hash,
    }
}

fn flaw(id: i64, fault: Fault) -> Flaw {
    let place = Place::Audit(id);
    Flaw { place, fault }
}

/// Writes records anew from this index on, as somebody would who knows how.
fn rewrite(records: &mut [AuditRecord], from: usize) {
    let mut end = match from {
        0 => Head::GENESIS,
        _ => head(&records[..from]),
    };
    for record in &mut records[from..] {
        end = record.append_to(end);
    }
}

/// Every way in which one column of a record can differ.
fn spoiled(record: &AuditRecord) -> Vec<(&'static str, AuditRecord)> {
    // Written out, so that no column is forgotten.
    let AuditRecord {
        id,
        event_type,
        org_id,
        user_id,
        actor,
        action,
        target,
        details,
        ip_address,
        previous_hash,
        hash,
        created_at,
    } = record;
    let mut all = Vec::new();
    spoil!(all, record,
        id: ints(*id),
        event_type: texts(event_type),
        org_id: optional(*org_id, ints),
        user_id: optional(*user_id, ints),
        actor: texts(actor),
        action: texts(action),
        target: texts(target),
        details: texts(details),
        ip_address: optional(ip_address.as_deref(), texts),
        previous_hash: bytes(*previous_hash),
        hash: bytes(*hash),
        created_at: ints(*created_at),
    );
    all
}

#[test]
fn the_hash_of_a_record_never_changes() {
    // Computed by another program, from the description of the format alone.
    let records = chain(2);
    let first = "0323a9deca1274ce5a8e49864c1f0c5218cff888598d230c12d3c24225fd7bfa";
    let second = "1c55dad85e08291a679d009aac783b4b52970c5a699c5b4a2281b1a341631c77";
    assert_eq!(to_hex(&records[0].hash), first);
    assert_eq!(to_hex(&records[1].hash), second);
    assert_eq!(Some(records[1].previous_hash), from_hex(first));
}

#[test]
fn a_chain_as_it_was_written_verifies_to_its_head() {
    let records = chain(5);
    assert_eq!(verify(&records, Some(head(&records))), Ok(head(&records)));
    assert_eq!(verify(&records, None), Ok(head(&records)));
    assert_eq!(verify(&[], Some(Head::GENESIS)), Ok(Head::GENESIS));
}

#[test]
fn one_flipped_bit_in_any_column_is_found_and_the_record_named() {
    let records = chain(3);
    for (column, copy) in spoiled(&records[1]) {
        let mut records = records.clone();
        let id = copy.id;
        records[1] = copy;
        records.sort_by_key(|record| record.id);
        let flaw = verify(&records, Some(head(&chain(3)))).unwrap_err();
        match column {
            // The number it had is missed, or the one it has is out of place.
            "id" => assert!([Place::Audit(2), Place::Audit(id)].contains(&flaw.place)),
            _ => assert_eq!(flaw, self::flaw(2, Fault::Changed), "{column}"),
        }
    }
}

#[test]
fn the_last_record_is_as_safe_as_any() {
    let records = chain(2);
    for (column, copy) in spoiled(&records[1]) {
        let spoiled = [records[0].clone(), copy];
        let result = verify(&spoiled, Some(head(&records)));
        assert!(result.is_err(), "{column}");
    }
}

#[test]
fn a_deleted_record_is_missed_by_its_number() {
    let records = chain(6);
    for index in 0..5 {
        let mut rest = records.clone();
        let gone = rest.remove(index).id;
        let result = verify(&rest, Some(head(&records)));
        assert_eq!(result, Err(flaw(gone, Fault::Deleted { count: 1 })));
    }
    let rest = [&records[..1], &records[4..]].concat();
    let result = verify(&rest, None);
    assert_eq!(result, Err(flaw(2, Fault::Deleted { count: 3 })));
}

#[test]
fn a_cut_tail_is_missed_by_the_head() {
    let records = chain(6);
    let result = verify(&records[..4], Some(head(&records)));
    assert_eq!(result, Err(flaw(5, Fault::Cut { count: 2 })));
    let result = verify(&[], Some(head(&records)));
    assert_eq!(result, Err(flaw(1, Fault::Cut { count: 6 })));
}

#[test]
fn a_record_after_the_head_is_one_too_many() {
    let records = chain(3);
    let result = verify(&records, Some(head(&records[..2])));
    assert_eq!(result, Err(flaw(3, Fault::BeyondHead)));
}

#[test]
fn a_record_that_is_rewritten_with_its_hash_is_given_away_by_the_next() {
    for index in 0..4 {
        let records = chain(4);
        let mut forged = records.clone();
        forged[index].details = r#"{"amount":"5000.000000000"}"#.into();
        forged[index].hash = forged[index].hash_of();
        let result = verify(&forged, Some(head(&records)));
        assert_eq!(result, Err(flaw(index as i64 + 1, Fault::Rewritten)));
    }
}

#[test]
fn a_record_slipped_in_has_no_number_of_its_own() {
    let records = chain(4);
    let mut forged = records.clone();
    let mut extra = record();
    extra.append_to(head(&records[..2]));
    extra.actor = "mallory".into();
    extra.hash = extra.hash_of();
    forged.insert(3, extra);
    let result = verify(&forged, Some(head(&records)));
    assert_eq!(result, Err(flaw(3, Fault::Repeated)));

    // Those after it renumbered, but not chained anew.
    for record in &mut forged[3..] {
        record.id += 1;
    }
    let end = head(&forged);
    let result = verify(&forged, Some(end));
    assert_eq!(result, Err(flaw(4, Fault::Changed)));
}

#[test]
fn records_in_another_order_are_told_from_deleted_ones() {
    let mut records = chain(4);
    records.swap(1, 2);
    // Numbers swapped with the contents left in place: both contents no longer fit.
    for (record, id) in records.iter_mut().zip(1..) {
        record.id = id;
    }
    assert_eq!(verify(&records, None), Err(flaw(2, Fault::Changed)));
    let mut records = chain(4);
    records[1].id = 9;
    records.sort_by_key(|record| record.id);
    let result = verify(&records, None);
    assert_eq!(result, Err(flaw(2, Fault::Deleted { count: 1 })));
    let mut records = chain(2);
    records[1].id = 9;
    let result = verify(&records, None);
    assert_eq!(result, Err(flaw(9, Fault::Renumbered { was: 2 })));
    let records = chain(4);
    let mixed = [&records[..3], &records[..1]].concat();
    let result = verify(&mixed, None);
    assert_eq!(result, Err(flaw(1, Fault::OutOfOrder { after: 3 })));
}

#[test]
fn a_chain_without_its_beginning_is_no_chain() {
    let mut records = chain(5).split_off(2);
    assert_eq!(
        verify(&records, None),
        Err(flaw(1, Fault::Deleted { count: 2 }))
    );
    // Renumbered, with hashes of their own.
    for (record, id) in records.iter_mut().zip(1..) {
        record.id = id;
        record.hash = record.hash_of();
    }
    assert_eq!(verify(&records, None), Err(flaw(1, Fault::Unrooted)));
}

#[test]
fn a_chain_rewritten_to_its_end_fits_itself_and_is_caught_by_head_or_anchor() {
    let records = chain(6);
    let mut forged = records.clone();
    forged[2].target = "wallet 8".into();
    rewrite(&mut forged, 2);
    assert_eq!(verify(&forged, Some(head(&forged))), Ok(head(&forged)));
    let result = verify(&forged, Some(head(&records)));
    assert_eq!(result, Err(flaw(6, Fault::Rewritten)));

    let verify = |anchor: &AuditRecord, records: &[AuditRecord]| {
        let anchor = Anchor {
            chain: Chain::Audit,
            head: head(std::slice::from_ref(anchor)),
        };
        let anchors = Anchors::parse(&anchor.to_string()).unwrap();
        let mut verifier = ChainVerifier::new().anchored(anchors);
        for record in records {
            verifier.feed(record)?;
        }
        verifier.finish(None)
    };
    assert!(verify(&records[4], &records).is_ok());
    let result = verify(&records[4], &forged);
    assert_eq!(result, Err(flaw(5, Fault::NotAnchored)));
    let result = verify(&records[4], &records[..3]);
    assert_eq!(result, Err(flaw(4, Fault::Cut { count: 2 })));
    // An anchor older than the forgery does not know of it.
    assert!(verify(&records[1], &forged).is_ok());
}

#[test]
fn verification_can_go_on_where_it_stopped() {
    let records = chain(6);
    let mut verifier = ChainVerifier::resume(head(&records[..3]));
    for record in &records[3..] {
        verifier.feed(record).unwrap();
    }
    assert_eq!(verifier.finish(Some(head(&records))), Ok(head(&records)));

    let wrong = Head {
        number: 3,
        hash: [9; 32],
    };
    let mut verifier = ChainVerifier::resume(wrong);
    let result = verifier.feed(&records[3]);
    assert_eq!(result, Err(flaw(3, Fault::Rewritten)));

    let anchor = Anchor {
        chain: Chain::Audit,
        head: wrong,
    };
    let mut anchors = Anchors::default();
    anchors.add(anchor).unwrap();
    let verifier = ChainVerifier::resume(head(&records[..3])).anchored(anchors);
    assert_eq!(verifier.finish(None), Err(flaw(3, Fault::NotAnchored)));
}

#[test]
fn the_first_flaw_stays() {
    let mut records = chain(4);
    records[1].actor = "eve".into();
    let mut verifier = ChainVerifier::default();
    verifier.feed(&records[0]).unwrap();
    let first = verifier.feed(&records[1]).unwrap_err();
    assert_eq!(verifier.feed(&records[2]), Err(first));
    assert_eq!(verifier.finish(None), Err(first));
}

#[test]
fn a_flaw_says_what_and_where() {
    let text = |id, fault| flaw(id, fault).to_string();
    assert_eq!(
        text(7, Fault::Changed),
        "audit_log 7: its content was changed after it was written"
    );
    assert_eq!(
        text(7, Fault::Deleted { count: 1 }),
        "audit_log 7: it was deleted"
    );
    assert_eq!(
        text(7, Fault::Cut { count: 3 }),
        "audit_log 7: it was deleted: 3 cut off the end"
    );
    assert_eq!(record().created_at, AT);
}
