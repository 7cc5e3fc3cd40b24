//! Why: an anchor is read years after it was written, by a person and by a program.

use super::{Anchor, AnchorProblem, Anchors, Chain, Head, to_hex};
use proptest::prelude::*;

#[test]
fn the_form_of_an_anchor_never_changes() {
    let text = format!("alfred-anchor 1 block 42 {}", "0a".repeat(32));
    let anchor: Anchor = text.parse().unwrap();
    assert_eq!(anchor.chain, Chain::Block);
    assert_eq!((anchor.head.number, anchor.head.hash), (42, [10; 32]));
    assert_eq!(anchor.to_string(), text);
    let text = text.replace("block", "audit");
    let anchor: Anchor = text.parse().unwrap();
    assert_eq!(anchor.chain, Chain::Audit);
}

#[test]
fn what_is_no_anchor_is_refused() {
    let hash = "0a".repeat(32);
    for text in [
        String::new(),
        "alfred-anchor".into(),
        format!("anchor 1 block 42 {hash}"),
        format!("alfred-anchor 1 brick 42 {hash}"),
        format!("alfred-anchor 1 block -1 {hash}"),
        format!("alfred-anchor 1 block 0 {hash}"),
        format!("alfred-anchor 1 block 42 {hash} more"),
        format!("alfred-anchor 1 block 42 {hash}00"),
        "alfred-anchor 1 block 42 0a0b".into(),
    ] {
        let read: Result<Anchor, _> = text.parse();
        assert_eq!(read, Err(AnchorProblem::Form), "{text}");
    }
    let read: Result<Anchor, _> = format!("alfred-anchor 2 block 42 {hash}").parse();
    assert_eq!(read, Err(AnchorProblem::Version));
}

#[test]
fn a_file_of_anchors_may_be_commented_but_not_contradict_itself() {
    let line =
        |number: i64, byte: &str| format!("alfred-anchor 1 audit {number} {}", byte.repeat(32));
    let good = format!("# 2026\n\n {}\r\n{}\n{0}\n", line(1, "0a"), line(9, "0b"));
    let anchors = Anchors::parse(&good).unwrap();
    assert_eq!(anchors.last(Chain::Audit), Some(9));
    assert_eq!(anchors.last(Chain::Block), None);
    assert!(!anchors.deny(Chain::Audit, 1, &[10; 32]));
    assert!(anchors.deny(Chain::Audit, 9, &[10; 32]));
    assert!(!anchors.deny(Chain::Block, 9, &[10; 32]));
    let bad = format!("{}\n{}\n", line(1, "0a"), line(1, "0b"));
    let contradiction = (2, AnchorProblem::Contradiction);
    assert_eq!(Anchors::parse(&bad), Err(contradiction));
    assert_eq!(Anchors::parse("#\nx"), Err((2, AnchorProblem::Form)));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(is_block: bool, number in 1_i64.., hash: [u8; 32]) {
        let chain = if is_block { Chain::Block } else { Chain::Audit };
        let anchor = Anchor { chain, head: Head { number, hash } };
        prop_assert_eq!(anchor.to_string().parse(), Ok(anchor));
    }

    #[test]
    fn no_text_panics(text in "(alfred-anchor|1|audit|block|[0-9a-f]{64}| |\n|.){0,12}") {
        let _ = Anchors::parse(&text);
        let _ = text.parse::<Anchor>();
    }
}

#[test]
fn an_anchor_can_be_read_by_a_person() {
    let head = Head {
        number: 3,
        hash: [1; 32],
    };
    let chain = Chain::Audit;
    let text = Anchor { chain, head }.to_string();
    assert!(text.ends_with(&to_hex(&[1; 32])) && !text.contains('\n'));
}
