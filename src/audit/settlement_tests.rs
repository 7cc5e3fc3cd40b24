//! Why: a batch must notice whatever is done to its rows or to its own row.

use super::leaf_tests::spoiled;
use super::testing::{Row, bytes, ints, leaf, settled, settlement, spoil};
use super::{Fault, Flaw, Place, Settlement, SettlementVerifier, to_hex};

fn verify(settlement: &Settlement, rows: &[Row]) -> Result<(), Flaw> {
    let mut verifier = SettlementVerifier::new(*settlement);
    for (row, hash) in rows {
        // What is ignored here comes back from `finish`.
        let _ = verifier.feed(row, hash);
    }
    verifier.finish()
}

fn at(row: &Row, fault: Fault) -> Result<(), Flaw> {
    let place = Place::Transaction(row.0.id);
    Err(Flaw { place, fault })
}

fn absent(position: i64, fault: Fault) -> Result<(), Flaw> {
    let place = Place::Position {
        settlement: 7,
        position,
    };
    Err(Flaw { place, fault })
}

fn of_settlement(fault: Fault) -> Result<(), Flaw> {
    let place = Place::Settlement(7);
    Err(Flaw { place, fault })
}

/// With another position, and the hash that fits.
fn moved(row: &Row, position: i64) -> Row {
    let mut row = row.0;
    row.position = Some(position);
    (row, row.hash())
}

#[test]
fn root_and_hash_of_a_settlement_never_change() {
    // Computed by another program, from the description of the format alone.
    let (settlement, rows) = settled(7, 3);
    let root = "fe0125c2e2f36777fe67444044217e97462d4dae62542e18e2fa4aa903524084";
    let hash = "f3bdc8ab5056eaa0545451ae12ceddfb2af63c3778be53786ad9d74252405f13";
    assert_eq!(to_hex(&settlement.root), root);
    assert_eq!(to_hex(&settlement.hash()), hash);
    assert_eq!(verify(&settlement, &rows), Ok(()));
}

#[test]
fn one_flipped_bit_in_any_column_of_a_row_is_found_and_the_row_named() {
    let (settlement, rows) = settled(7, 3);
    for (column, copy) in spoiled(&rows[1].0) {
        let mut rows = rows.clone();
        rows[1].0 = copy;
        rows.sort_by_key(|(row, _)| row.position);
        let expected = at(&(copy, [0; 32]), Fault::Changed);
        let renumbered = at(&(copy, [0; 32]), Fault::Renumbered { was: 1 });
        match column {
            // Fed where its new position puts it, perhaps after the gap that it left.
            "position" => {
                let result = verify(&settlement, &rows);
                let missed = absent(1, Fault::Deleted { count: 1 });
                assert!(result == renumbered || result == missed, "{result:?}");
            }
            _ => assert_eq!(verify(&settlement, &rows), expected, "{column}"),
        }
    }
    for hash in bytes(rows[1].1) {
        let mut rows = rows.clone();
        rows[1].1 = hash;
        assert_eq!(verify(&settlement, &rows), at(&rows[1], Fault::Changed));
    }
}

#[test]
fn one_flipped_bit_in_the_settlement_is_found_and_it_is_named() {
    let (settlement, rows) = settled(7, 3);
    let mut all = Vec::new();
    spoil!(all, settlement,
        holder: ints(settlement.holder),
        count: ints(settlement.count),
        amount: ints(settlement.amount),
    );
    for (column, copy) in all {
        assert_eq!(
            verify(&copy, &rows),
            of_settlement(Fault::Changed),
            "{column}"
        );
    }
    for root in bytes(settlement.root) {
        let copy = Settlement { root, ..settlement };
        assert_eq!(
            verify(&copy, &rows),
            of_settlement(Fault::TransactionsRewritten)
        );
    }
    for id in ints(settlement.id) {
        let copy = Settlement { id, ..settlement };
        assert_eq!(verify(&copy, &rows), at(&rows[0], Fault::Inserted));
    }
}

#[test]
fn a_deleted_row_is_missed_by_its_position() {
    let (settlement, rows) = settled(7, 5);
    for index in 0..4 {
        let mut rest = rows.clone();
        rest.remove(index);
        let missed = absent(index as i64, Fault::Deleted { count: 1 });
        assert_eq!(verify(&settlement, &rest), missed);
    }
    let cut = absent(3, Fault::Cut { count: 2 });
    assert_eq!(verify(&settlement, &rows[..3]), cut);
    let all = absent(0, Fault::Cut { count: 5 });
    assert_eq!(verify(&settlement, &[]), all);
}

#[test]
fn an_inserted_row_is_one_too_many() {
    let (settlement, rows) = settled(7, 3);
    let mut more = rows.clone();
    more.push((leaf(7, 3), leaf(7, 3).hash()));
    assert_eq!(verify(&settlement, &more), at(&more[3], Fault::Inserted));

    let mut double = rows.clone();
    double.insert(2, rows[1]);
    assert_eq!(verify(&settlement, &double), at(&rows[1], Fault::Repeated));

    let mut foreign = rows.clone();
    foreign[1] = settled(8, 3).1[1];
    assert_eq!(
        verify(&settlement, &foreign),
        at(&foreign[1], Fault::Inserted)
    );

    let mut loose = rows;
    loose[1].0.position = None;
    loose[1].1 = loose[1].0.hash();
    assert_eq!(verify(&settlement, &loose), at(&loose[1], Fault::Inserted));
}

#[test]
fn swapped_rows_are_found_whether_their_hashes_were_mended_or_not() {
    let (settlement, mut rows) = settled(7, 4);
    let (second, third) = (rows[1], rows[2]);
    rows[1] = (moved(&third, 1).0, third.1);
    rows[2] = (moved(&second, 2).0, second.1);
    let fault = Fault::Renumbered { was: 2 };
    assert_eq!(verify(&settlement, &rows), at(&third, fault));
    rows[1] = moved(&third, 1);
    rows[2] = moved(&second, 2);
    let fault = Fault::TransactionsRewritten;
    assert_eq!(verify(&settlement, &rows), of_settlement(fault));
    rows[1] = third;
    rows[2] = second;
    let fault = Fault::Deleted { count: 1 };
    assert_eq!(verify(&settlement, &rows), absent(1, fault));
}

#[test]
fn a_row_that_is_rewritten_with_its_hash_does_not_fit_the_root() {
    let (settlement, mut rows) = settled(7, 4);
    rows[2].0.note = Some("y");
    rows[2].1 = rows[2].0.hash();
    let fault = Fault::TransactionsRewritten;
    assert_eq!(verify(&settlement, &rows), of_settlement(fault));
}

#[test]
fn sums_beyond_any_column_do_not_wrap() {
    let (_, mut rows) = settled(7, 2);
    for (row, hash) in &mut rows {
        row.amount = 0;
        *hash = row.hash();
    }
    let honest = settlement(7, &rows);
    for (row, hash) in &mut rows {
        row.amount = i64::MIN;
        *hash = row.hash();
    }
    let mut forged = settlement(7, &rows[..0]);
    forged.count = 2;
    forged.root = rows
        .iter()
        .map(|(_, hash)| *hash)
        .collect::<super::RootBuilder>()
        .root();
    // Twice i64::MIN is 0 in 64 bits.
    assert_eq!(forged.amount, honest.amount);
    assert_eq!(verify(&forged, &rows), of_settlement(Fault::Changed));
}

#[test]
fn a_flaw_says_what_and_where() {
    let (settlement, mut rows) = settled(7, 2);
    rows[1].0.cost += 1;
    assert_eq!(
        verify(&settlement, &rows).unwrap_err().to_string(),
        "transactions 00010203-0405-0607-0809-0a0b0c0d0101: its content was changed after it was written"
    );
    assert_eq!(
        verify(&settlement, &rows[..1]).unwrap_err().to_string(),
        "transactions of settlement 7, position 1: it was deleted: 1 cut off the end"
    );
}
