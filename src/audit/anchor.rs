//! Why: who owns the database and the signing key can write a whole new history that fits
//! itself. Not if a hash of the old one stands where they cannot reach: in a mailbox, a commit, a
//! bucket that locks its objects. An anchor is that hash, as one line of text.
//!
//! ```text
//! alfred-anchor 1 audit 512 <64 hexadecimal characters>
//! alfred-anchor 1 block 42 <64 hexadecimal characters>
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::canonical::{Hash, Head, from_hex, to_hex};

const NAME: &str = "alfred-anchor";
const VERSION: &str = "1";

/// Which chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Chain {
    /// Records of `audit_log`.
    Audit,
    /// Rows of `blocks`.
    Block,
}

impl Chain {
    const fn word(self) -> &'static str {
        match self {
            Self::Audit => "audit",
            Self::Block => "block",
        }
    }
}

/// A link of a chain, published outside the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Of which chain.
    pub chain: Chain,
    /// Number and hash of the link.
    pub head: Head,
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, number) = (self.chain.word(), self.head.number);
        write!(
            f,
            "{NAME} {VERSION} {word} {number} {}",
            to_hex(&self.head.hash)
        )
    }
}

/// Why a text is no anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnchorProblem {
    /// Not the one line of the form above.
    #[error("expected `alfred-anchor 1 <audit or block> <number> <64 hexadecimal characters>`")]
    Form,
    /// A later version of the form.
    #[error("this anchor was written by a later version of Alfred")]
    Version,
    /// Two anchors name the same link with different hashes.
    #[error("an anchor of the same number has another hash: one of them is of another chain")]
    Contradiction,
}

impl FromStr for Anchor {
    type Err = AnchorProblem;

    fn from_str(text: &str) -> Result<Self, AnchorProblem> {
        let mut words = text.split_ascii_whitespace();
        let mut word = || words.next().ok_or(AnchorProblem::Form);
        if word()? != NAME {
            return Err(AnchorProblem::Form);
        }
        if word()? != VERSION {
            return Err(AnchorProblem::Version);
        }
        let chain = match word()? {
            "audit" => Chain::Audit,
            "block" => Chain::Block,
            _ => return Err(AnchorProblem::Form),
        };
        let number: i64 = word()?.parse().map_err(|_| AnchorProblem::Form)?;
        let hash = from_hex(word()?).ok_or(AnchorProblem::Form)?;
        match (number > 0, words.next()) {
            (true, None) => Ok(Self {
                chain,
                head: Head { number, hash },
            }),
            _ => Err(AnchorProblem::Form),
        }
    }
}

/// All that was published, at most one hash for each link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchors(BTreeMap<(Chain, i64), Hash>);

impl Anchors {
    /// Adds one.
    pub fn add(&mut self, anchor: Anchor) -> Result<(), AnchorProblem> {
        let Anchor { chain, head } = anchor;
        let known = self.0.entry((chain, head.number)).or_insert(head.hash);
        match *known == head.hash {
            true => Ok(()),
            false => Err(AnchorProblem::Contradiction),
        }
    }

    /// Reads a file of anchors: one on each line, beside empty lines and `#` comments. A problem
    /// comes with the number of its line, counted from 1.
    pub fn parse(text: &str) -> Result<Self, (usize, AnchorProblem)> {
        let mut anchors = Self::default();
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let added = line.parse().and_then(|anchor| anchors.add(anchor));
            added.map_err(|problem| (index + 1, problem))?;
        }
        Ok(anchors)
    }

    /// What was published for this link.
    #[must_use]
    pub fn hash(&self, chain: Chain, number: i64) -> Option<Hash> {
        self.0.get(&(chain, number)).copied()
    }

    /// The link after which a verification may begin that reads the chain from `number` on: the
    /// one before it. `named` is the hash that the row of this number gives as its predecessor's;
    /// that is believed where the row itself was published. `None` when neither was.
    #[must_use]
    pub fn before(&self, chain: Chain, number: i64, named: Option<Hash>) -> Option<Head> {
        let before = number.saturating_sub(1);
        let hash = match self.hash(chain, before) {
            _ if before <= 0 => return Some(Head::GENESIS),
            Some(hash) => hash,
            // The row is gone: whatever stands in its place is found not to be it.
            None => self.hash(chain, number).map(|_| named.unwrap_or([0; 32]))?,
        };
        Some(Head {
            number: before,
            hash,
        })
    }

    /// Whether something else was published for this link.
    pub(super) fn deny(&self, chain: Chain, number: i64, hash: &Hash) -> bool {
        let known = self.0.get(&(chain, number));
        known.is_some_and(|known| known != hash)
    }

    /// The highest number that was published.
    pub(super) fn last(&self, chain: Chain) -> Option<i64> {
        let all = self.0.range((chain, i64::MIN)..=(chain, i64::MAX));
        all.last().map(|((_, number), _)| *number)
    }
}
