//! Why: the tree is that of a standard, so its roots and proofs must be too.

use super::canonical::sha256;
use super::{Hash, RootBuilder, prove, to_hex};
use proptest::prelude::*;

fn node(left: &Hash, right: &Hash) -> Hash {
    sha256(&[&[1], left, right])
}

/// The tree as RFC 6962 defines it, word for word.
fn naive(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let mut half = 1;
            while half * 2 < leaves.len() {
                half *= 2;
            }
            node(&naive(&leaves[..half]), &naive(&leaves[half..]))
        }
    }
}

/// The proof as RFC 6962 defines it.
fn naive_path(leaves: &[Hash], index: usize) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let mut half = 1;
    while half * 2 < leaves.len() {
        half *= 2;
    }
    let (left, right) = leaves.split_at(half);
    let (mut path, other) = match index < half {
        true => (naive_path(left, index), naive(right)),
        false => (naive_path(right, index - half), naive(left)),
    };
    path.push(other);
    path
}

fn leaves(count: usize) -> Vec<Hash> {
    (0..count)
        .map(|number| sha256(&[&[0], &number.to_be_bytes()]))
        .collect()
}

fn root(leaves: &[Hash]) -> Hash {
    leaves.iter().copied().collect::<RootBuilder>().root()
}

#[test]
fn the_roots_are_those_of_certificate_transparency() {
    let data: [&[u8]; 8] = [
        b"",
        &[0x00],
        &[0x10],
        &[0x20, 0x21],
        &[0x30, 0x31],
        &[0x40, 0x41, 0x42, 0x43],
        &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut builder = RootBuilder::new();
    assert_eq!(to_hex(&builder.root()), roots[0]);
    for (data, expected) in data.iter().zip(&roots[1..]) {
        builder.push(sha256(&[&[0], data]));
        assert_eq!(to_hex(&builder.root()), *expected);
    }
}

#[test]
fn every_leaf_of_every_small_tree_is_proven_and_only_where_it_stands() {
    for count in 1..40 {
        let leaves = leaves(count);
        let root = root(&leaves);
        assert_eq!(root, naive(&leaves));
        for (index, leaf) in leaves.iter().enumerate() {
            let proof = prove(&leaves, index).unwrap();
            assert_eq!(proof.path, naive_path(&leaves, index));
            assert!(proof.holds(leaf, &root), "{index} of {count}");
            for (other, wrong) in leaves.iter().enumerate() {
                assert_eq!(proof.holds(wrong, &root), other == index);
                let mut moved = proof.clone();
                moved.index = other as u64;
                assert_eq!(moved.holds(leaf, &root), other == index);
            }
        }
        assert_eq!(prove(&leaves, count), None);
    }
    assert_eq!(prove(&[], 0), None);
}

#[test]
fn a_builder_of_a_million_leaves_holds_twenty_hashes() {
    let mut builder = RootBuilder::new();
    for _ in 0..100_000 {
        builder.push([7; 32]);
    }
    assert!(format!("{builder:?}").matches("None").count() <= 17);
    assert_ne!(builder.root(), [7; 32]);
}

proptest! {
    #[test]
    fn roots_and_proofs_are_those_of_the_naive_tree(count in 1_usize..300, at: prop::sample::Index) {
        let leaves = leaves(count);
        let index = at.index(count);
        let root = root(&leaves);
        prop_assert_eq!(root, naive(&leaves));
        let proof = prove(&leaves, index).unwrap();
        prop_assert_eq!(&proof.path, &naive_path(&leaves, index));
        prop_assert!(proof.holds(&leaves[index], &root));
    }

    #[test]
    fn a_proof_with_one_flipped_bit_or_another_length_does_not_hold(
        count in 2_usize..100, at: prop::sample::Index, which: prop::sample::Index, bit in 0_usize..256
    ) {
        let leaves = leaves(count);
        let index = at.index(count);
        let root = root(&leaves);
        let proof = prove(&leaves, index).unwrap();
        let mut bad = proof.clone();
        let which = which.index(bad.path.len());
        bad.path[which][bit / 8] ^= 1 << (bit % 8);
        prop_assert!(!bad.holds(&leaves[index], &root));
        let mut bad = proof.clone();
        bad.path.remove(which);
        prop_assert!(!bad.holds(&leaves[index], &root));
        let mut bad = proof;
        bad.path.insert(which, root);
        prop_assert!(!bad.holds(&leaves[index], &root));
        // Swapping, doubling or dropping a leaf changes the root.
        let mut other = leaves.clone();
        other.swap(index, (index + 1) % count);
        prop_assert_ne!(self::root(&other), root);
        let mut other = leaves.clone();
        other.insert(index, leaves[index]);
        prop_assert_ne!(self::root(&other), root);
        let mut other = leaves;
        other.remove(index);
        prop_assert_ne!(self::root(&other), root);
    }

    #[test]
    fn no_proof_panics(index: u64, size: u64, path in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
        let proof = super::Proof { index, size, path };
        let _ = proof.holds(&[0; 32], &[1; 32]);
    }
}
