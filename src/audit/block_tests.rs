//! Why: once sealed, the past can be changed only by who holds the key, and only where no anchor
//! was published.

use super::testing::{AT, Sealed, bytes, ints, seal, settled, settlement, signer, spoil};
use super::testing::{ledger, trust, walk, walk_to};
use super::{Anchor, Anchors, Block, BlockBuilder, BlockVerifier, Chain, Fault, Flaw, Head};
use super::{Place, SealProblem, Trust, Verified, to_hex};

fn check(ledger: &[Sealed]) -> Result<Verified, Flaw> {
    walk(ledger, BlockVerifier::new(trust(&signer(7))))
}

fn fails(ledger: &[Sealed], place: Place, fault: Fault) {
    assert_eq!(check(ledger), Err(Flaw { place, fault }));
}

fn anchored(heads: &[Head]) -> Anchors {
    let mut anchors = Anchors::default();
    for head in heads {
        let chain = Chain::Block;
        anchors.add(Anchor { chain, head: *head }).unwrap();
    }
    anchors
}

#[test]
fn hash_and_signature_of_a_block_never_change() {
    // Computed by another program, from the description of the format alone.
    let hash = "a80de54d7a91520c06b4c615350105125492d918047752b4524d44fc260025fd";
    let signature = [
        "ce99d748e18f5be62b0b401ca5afba743fd5f8e9b104eba668ed7549bdddf362",
        "3977d8a4971ee0790677a4fdc53db38e8e509253c26faa2cd1b8ec9279900c00",
    ];
    let (block, _) = seal(vec![vec![settled(7, 3)]], &signer(7)).remove(0);
    assert_eq!(to_hex(&block.hash), hash);
    let halves = block.signature.chunks(32);
    let halves: Vec<String> = halves
        .map(|half| to_hex(half.try_into().unwrap()))
        .collect();
    assert_eq!(halves, signature);
    assert_eq!(block.verify(), Ok(()));
}

#[test]
fn a_ledger_as_it_was_written_verifies_to_its_head() {
    let ledger = ledger(&signer(7));
    let verified = check(&ledger).unwrap();
    let counts = (verified.blocks, verified.settlements, verified.transactions);
    assert_eq!(counts, (3, 6, 18));
    assert_eq!(verified.head, ledger[2].0.head());
    assert!(verified.unknown_keys.is_empty());
    assert_eq!(check(&[]).unwrap().head, Head::GENESIS);
}

#[test]
fn one_flipped_bit_in_any_column_of_a_block_is_found_and_it_is_named() {
    let ledger = ledger(&signer(7));
    let block = ledger[1].0;
    // Written out, so that no column is forgotten.
    let Block {
        n,
        settlements,
        count,
        amount,
        root,
        previous_hash,
        hash,
        public_key,
        signature,
        sealed_at,
    } = block;
    let mut all = Vec::new();
    spoil!(all, block,
        settlements: ints(settlements),
        count: ints(count),
        amount: ints(amount),
        root: bytes(root),
        previous_hash: bytes(previous_hash),
        hash: bytes(hash),
        public_key: bytes(public_key),
        signature: bytes(signature),
        sealed_at: ints(sealed_at),
    );
    for (column, copy) in all {
        let mut ledger = ledger.clone();
        ledger[1].0 = copy;
        let fault = match column {
            "signature" => Fault::Signature,
            _ => Fault::Changed,
        };
        fails(&ledger, Place::Block(2), fault);
    }
    for n in ints(n) {
        let mut ledger = ledger.clone();
        ledger[1].0.n = n;
        assert!(check(&ledger).is_err());
    }
}

#[test]
fn every_bit_of_a_settlement_counts() {
    let ledger = ledger(&signer(7));
    let original = ledger[1].1[0].0;
    let mut all = Vec::new();
    spoil!(all, original,
        holder: ints(original.holder),
        count: ints(original.count),
        amount: ints(original.amount),
        root: bytes(original.root),
    );
    for (_, copy) in all {
        let mut ledger = ledger.clone();
        ledger[1].1[0].0 = copy;
        let flaw = check(&ledger).unwrap_err();
        assert_eq!(flaw.place, Place::Settlement(original.id));
    }
    for created_at in ints(AT) {
        let mut ledger = ledger.clone();
        ledger[1].1[0].0.created_at = created_at;
        let (first, last) = (8, 10);
        let fault = Fault::SettlementsRewritten { first, last };
        fails(&ledger, Place::Block(2), fault);
    }
}

#[test]
fn a_settlement_rewritten_with_its_transactions_does_not_fit_its_block() {
    let mut ledger = ledger(&signer(7));
    let (stored, rows) = &mut ledger[0].1[1];
    rows[0].0.user = Some(99);
    rows[0].1 = rows[0].0.hash();
    *stored = settlement(9, rows);
    let (first, last) = (7, 9);
    let fault = Fault::SettlementsRewritten { first, last };
    fails(&ledger, Place::Block(1), fault);
}

#[test]
fn a_settlement_cannot_be_deleted_inserted_or_moved() {
    let whole = ledger(&signer(7));
    let mut cut = whole.clone();
    cut[1].1.remove(0);
    let (sealed, found) = (2, 1);
    let fault = Fault::Settlements { sealed, found };
    fails(&cut, Place::Block(2), fault);

    let mut more = whole.clone();
    more[1].1.push(settled(11, 2));
    let (sealed, found) = (2, 3);
    let fault = Fault::Settlements { sealed, found };
    fails(&more, Place::Block(2), fault);

    let mut swapped = whole.clone();
    swapped[1].1.swap(0, 1);
    let fault = Fault::OutOfOrder { after: 10 };
    fails(&swapped, Place::Settlement(8), fault);

    let mut double = whole.clone();
    let copy = double[1].1[0].clone();
    double[1].1.insert(1, copy);
    fails(&double, Place::Settlement(8), Fault::Repeated);

    // Each block gets a settlement of the other.
    let mut moved = whole;
    let (one, two) = (moved[0].1[1].clone(), moved[1].1[0].clone());
    (moved[0].1[1], moved[1].1[0]) = (two, one);
    let (first, last) = (7, 8);
    let fault = Fault::SettlementsRewritten { first, last };
    fails(&moved, Place::Block(1), fault);
}

#[test]
fn a_block_cannot_be_deleted_inserted_or_moved() {
    let whole = ledger(&signer(7));
    let mut cut = whole.clone();
    cut.remove(1);
    fails(&cut, Place::Block(2), Fault::Deleted { count: 1 });
    let mut headless = whole.clone();
    headless.remove(0);
    fails(&headless, Place::Block(1), Fault::Deleted { count: 1 });

    let mut double = whole.clone();
    double.insert(1, whole[0].clone());
    fails(&double, Place::Block(1), Fault::Repeated);

    let mut swapped = whole.clone();
    swapped.swap(1, 2);
    fails(&swapped, Place::Block(2), Fault::Deleted { count: 1 });

    let verifier = || BlockVerifier::new(trust(&signer(7)));
    let head = whole[2].0.head();
    let place = Place::Block(3);
    let fault = Fault::Cut { count: 1 };
    let result = walk_to(&whole[..2], verifier(), Some(head));
    assert_eq!(result, Err(Flaw { place, fault }));
    let result = walk(&whole[..2], verifier().anchored(anchored(&[head])));
    assert_eq!(result, Err(Flaw { place, fault }));
    assert!(walk_to(&whole, verifier(), Some(head)).is_ok());
}

#[test]
fn a_block_rewritten_without_the_key_has_no_signature() {
    let mut ledger = ledger(&signer(7));
    let block = &mut ledger[1].0;
    block.amount -= 1;
    block.hash = block.hash_of();
    fails(&ledger, Place::Block(2), Fault::Signature);
}

#[test]
fn a_block_resealed_with_the_key_is_given_away_by_the_next() {
    let mut ledger = ledger(&signer(7));
    let mut builder = BlockBuilder::new();
    builder.add(&ledger[1].1[0].0).unwrap();
    ledger[1].1.pop();
    ledger[1].0 = builder.seal(ledger[0].0.head(), AT, &signer(7)).unwrap();
    fails(&ledger, Place::Block(2), Fault::Rewritten);
}

#[test]
fn a_chain_rewritten_with_a_strangers_key_is_named_by_that_key() {
    let stranger = signer(8);
    let forged = ledger(&stranger);
    let key = stranger.public_key();
    fails(&forged, Place::Block(1), Fault::UnknownKey(key));

    let lax = Trust::new([signer(7).public_key()], false);
    let verified = walk(&forged, BlockVerifier::new(lax.clone())).unwrap();
    let [warning] = verified.unknown_keys.as_slice() else {
        panic!("{verified:?}");
    };
    let told = (warning.key, warning.first_block, warning.blocks);
    assert_eq!(told, (key, 1, 3));
    assert!(warning.to_string().contains(&to_hex(&key)));

    let mut told = lax;
    assert!(told.add_hex(&to_hex(&key)) && !told.add_hex("0a0b"));
    let verified = walk(&forged, BlockVerifier::new(told)).unwrap();
    assert!(verified.unknown_keys.is_empty());
}

#[test]
fn a_key_that_was_replaced_is_still_believed() {
    let (old, new) = (signer(7), signer(8));
    let mut ledger = ledger(&old);
    let mut builder = BlockBuilder::new();
    let fourth = settled(30, 2);
    builder.add(&fourth.0).unwrap();
    let block = builder.seal(ledger[2].0.head(), AT, &new).unwrap();
    ledger.push((block, vec![fourth]));
    let both = Trust::new([old.public_key(), new.public_key()], true);
    assert!(walk(&ledger, BlockVerifier::new(both)).is_ok());
    let place = Place::Block(4);
    let fault = Fault::UnknownKey(new.public_key());
    fails(&ledger, place, fault);
}

#[test]
fn a_whole_history_rewritten_with_the_key_is_caught_by_an_anchor() {
    let signer = signer(7);
    let honest = ledger(&signer);
    let mut rows = settled(9, 3);
    rows.1[1].0.amount = -1;
    rows.1[1].1 = rows.1[1].0.hash();
    rows.0 = settlement(9, &rows.1);
    let forged = seal(
        vec![
            vec![settled(7, 3), rows],
            honest[1].1.clone(),
            honest[2].1.clone(),
        ],
        &signer,
    );
    assert!(check(&forged).is_ok(), "it fits itself");
    let verifier = || BlockVerifier::new(trust(&signer));
    for index in 0..3 {
        let anchors = anchored(&[honest[index].0.head()]);
        assert!(walk(&honest, verifier().anchored(anchors.clone())).is_ok());
        let flaw = walk(&forged, verifier().anchored(anchors)).unwrap_err();
        let place = Place::Block(index as i64 + 1);
        let fault = Fault::NotAnchored;
        assert_eq!(flaw, Flaw { place, fault });
    }
    let place = Place::Block(3);
    let fault = Fault::Rewritten;
    let result = walk_to(&forged, verifier(), Some(honest[2].0.head()));
    assert_eq!(result, Err(Flaw { place, fault }));
}

#[test]
fn flaws_of_transactions_come_through_and_stay() {
    let mut ledger = ledger(&signer(7));
    ledger[2].1[1].1[0].0.amount += 1;
    let id = ledger[2].1[1].1[0].0.id;
    let flaw = Flaw {
        place: Place::Transaction(id),
        fault: Fault::Changed,
    };
    assert_eq!(check(&ledger), Err(flaw));
    let mut verifier = BlockVerifier::new(trust(&signer(7)));
    let _ = verifier.block(&ledger[0].0);
    let first = verifier.block(&ledger[1].0).unwrap_err();
    assert_eq!(first.place, Place::Block(1));
    assert_eq!(verifier.settlement(&ledger[0].1[0].0), Err(first));
    assert_eq!(verifier.finish(None), Err(first));
}

#[test]
fn rows_that_belong_to_nothing_are_flaws_not_panics() {
    let (settlement, rows) = settled(7, 1);
    let place = Place::Settlement(7);
    let fault = Fault::Inserted;
    let mut verifier = BlockVerifier::new(trust(&signer(7)));
    let result = verifier.settlement(&settlement);
    assert_eq!(result, Err(Flaw { place, fault }));
    let place = Place::Transaction(rows[0].0.id);
    let mut verifier = BlockVerifier::new(trust(&signer(7)));
    let result = verifier.transaction(&rows[0].0, &rows[0].1);
    assert_eq!(result, Err(Flaw { place, fault }));
}

#[test]
fn verification_can_go_on_where_it_stopped() {
    let ledger = ledger(&signer(7));
    let from = ledger[0].0.head();
    let verifier = || BlockVerifier::resume(from, trust(&signer(7)));
    let verified = walk(&ledger[1..], verifier()).unwrap();
    assert_eq!((verified.blocks, verified.head.number), (2, 3));
    let mut wrong = from;
    wrong.hash = [9; 32];
    let verifier = verifier().anchored(anchored(&[wrong]));
    let place = Place::Block(1);
    let fault = Fault::NotAnchored;
    assert_eq!(walk(&ledger[1..], verifier), Err(Flaw { place, fault }));
}

#[test]
fn nothing_absurd_is_sealed() {
    let key = signer(7);
    let sealed = BlockBuilder::new().seal(Head::GENESIS, AT, &key);
    assert_eq!(sealed, Err(SealProblem::Empty));
    let mut builder = BlockBuilder::new();
    builder.add(&settled(7, 1).0).unwrap();
    assert_eq!(builder.add(&settled(7, 1).0), Err(SealProblem::Order));
    let mut huge = settled(8, 1).0;
    huge.amount = i64::MIN;
    builder.add(&huge).unwrap();
    let sealed = builder.seal(Head::GENESIS, AT, &key);
    assert_eq!(sealed, Err(SealProblem::Range));
}
