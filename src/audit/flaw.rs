//! Why: "verification failed" helps nobody. A flaw says which row is not what was written, and
//! how it came to differ, in words for the person who must act on it.

use std::fmt;
use uuid::Uuid;

use super::canonical::{Hash, to_hex};

/// The first place at which the records are not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// Where.
    pub place: Place,
    /// What is wrong there.
    pub fault: Fault,
}

/// A row, by its table and what it is known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A record of `audit_log`, by its id.
    Audit(i64),
    /// A row of `transactions`, by its id.
    Transaction([u8; 16]),
    /// A row of `transactions` that is not there.
    Position {
        /// Its settlement.
        settlement: i64,
        /// Its position there, counted from 0.
        position: i64,
    },
    /// A row of `settlements`, by its id.
    Settlement(i64),
    /// A row of `blocks`, by its number.
    Block(i64),
}

/// How a row is not what was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not fit its own hash.
    Changed,
    /// It fits its own hash with another number or position.
    Renumbered {
        /// That other number.
        was: i64,
    },
    /// It is not there, and others after it are.
    Deleted {
        /// How many are missing, this one included.
        count: i64,
    },
    /// It is not there, nor is anything after it.
    Cut {
        /// How many are missing, this one included.
        count: i64,
    },
    /// Its number or position was there before.
    Repeated,
    /// A higher number was there before.
    OutOfOrder {
        /// The number before it.
        after: i64,
    },
    /// There was no such row when its settlement was made.
    Inserted,
    /// It stands after the end of the chain.
    BeyondHead,
    /// It fits its own hash, but what was written after it names another one.
    Rewritten,
    /// It is the first, and yet names one before it.
    Unrooted,
    /// Its rows fit their own hashes, but not its root.
    TransactionsRewritten,
    /// Settlements are missing, or there are too many.
    Settlements {
        /// As many as were sealed.
        sealed: i64,
        /// As many as are there.
        found: i64,
    },
    /// Its settlements fit their transactions, but not its root.
    SettlementsRewritten {
        /// Id of the first settlement.
        first: i64,
        /// Id of the last one.
        last: i64,
    },
    /// It was sealed with sums that are not those of its settlements.
    Totals,
    /// It was not signed with the key that it names.
    Signature,
    /// It is signed with a key that is not trusted.
    UnknownKey(Hash),
    /// Its hash is not the one that was published.
    NotAnchored,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.fault)
    }
}

impl std::error::Error for Flaw {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Audit(id) => write!(f, "audit_log {id}"),
            Self::Transaction(id) => write!(f, "transactions {}", Uuid::from_bytes(*id)),
            Self::Position {
                settlement,
                position,
            } => write!(
                f,
                "transactions of settlement {settlement}, position {position}"
            ),
            Self::Settlement(id) => write!(f, "settlements {id}"),
            Self::Block(n) => write!(f, "blocks {n}"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed => f.write_str("its content was changed after it was written"),
            Self::Renumbered { was } => {
                write!(f, "it was moved: it was written as number {was}")
            }
            Self::Deleted { count: 1 } => f.write_str("it was deleted"),
            Self::Deleted { count } => {
                write!(f, "it was deleted, {count} in a row")
            }
            Self::Cut { count } => {
                write!(f, "it was deleted: {count} cut off the end")
            }
            Self::Repeated => f.write_str("it was inserted: its number is taken"),
            Self::OutOfOrder { after } => {
                write!(f, "it was inserted or moved: it stands after {after}")
            }
            Self::Inserted => f.write_str("it was inserted: its settlement has no such row"),
            Self::BeyondHead => f.write_str("it was inserted: the chain ends before it"),
            Self::Rewritten => f.write_str(
                "it was rewritten together with its hash: what was written later names another",
            ),
            Self::Unrooted => f.write_str("those before it were deleted: it names one"),
            Self::TransactionsRewritten => f.write_str(
                "one of its transactions was rewritten together with its hash, or its root was",
            ),
            Self::Settlements { sealed, found } => write!(
                f,
                "settlements were {}: it sealed {sealed}, now there are {found}",
                if found < sealed {
                    "deleted"
                } else {
                    "inserted"
                }
            ),
            Self::SettlementsRewritten { first, last } => write!(
                f,
                "one of its settlements {first} to {last} was rewritten with its transactions"
            ),
            Self::Totals => f.write_str("it was sealed with other sums than its settlements have"),
            Self::Signature => {
                f.write_str("its signature is not one of its key: it was written by another hand")
            }
            Self::UnknownKey(key) => {
                write!(
                    f,
                    "it is signed with a key that is not trusted: {}",
                    to_hex(key)
                )
            }
            Self::NotAnchored => f.write_str(
                "its hash is not the one that was published: the chain was rewritten from here \
                 or before",
            ),
        }
    }
}
