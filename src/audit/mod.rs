//! Why: whoever can write to the database can change the past. This room makes such a change
//! visible. It is pure: it is fed rows as they are stored and says which one is not what was
//! written, and how; it reads no table and no clock. Only the signing key is on disk.
//!
//! What people do (`audit_log`) is a chain: each record holds the hash of the one before it
//! ([`ChainVerifier`]). What requests cost (`transactions`) is too much for a chain, which has
//! one end and one writer: each row has a hash, each batch of rows (`settlements`) the root of a
//! tree over them, and each signed block (`blocks`) the root of a tree over settlements
//! ([`BlockVerifier`]). Blocks are chained too.
//!
//! A chain proves only that it fits itself. Heads that were published outside ([`Anchor`]) show
//! that it is still the same chain.
//!
//! Three kinds of SHA-256, told apart by their first byte: `00` leaves of trees, `01` their inner
//! nodes, `02` links of chains. What follows the byte is fixed in [`Canonical`].

mod anchor;
#[cfg(test)]
mod anchor_tests;
mod block;
#[cfg(test)]
mod block_tests;
mod blocks;
mod canonical;
mod chain;
#[cfg(test)]
mod chain_tests;
mod flaw;
mod leaf;
#[cfg(test)]
mod leaf_tests;
mod merkle;
#[cfg(test)]
mod merkle_tests;
mod settlement;
#[cfg(test)]
mod settlement_tests;
mod signer;
#[cfg(test)]
mod signer_tests;
#[cfg(test)]
mod testing;
mod trust;

pub use anchor::{Anchor, AnchorProblem, Anchors, Chain};
pub use block::{Block, BlockBuilder, SealProblem};
pub use blocks::{BlockVerifier, Verified};
pub use canonical::{Canonical, Hash, Head, from_hex, to_hex};
pub use chain::{AuditRecord, ChainVerifier};
pub use flaw::{Fault, Flaw, Place};
pub use leaf::TransactionLeaf;
pub use merkle::{Proof, RootBuilder, prove};
pub use settlement::{Settlement, SettlementVerifier};
pub use signer::Signer;
pub use trust::{Trust, UnknownKey};
