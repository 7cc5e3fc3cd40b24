//! What a team wants looked for and what is to happen then: compiled once, shared
//! by all requests, never changed.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::action::Action;
use super::canary::Canary;
use super::encoded::Encoded;
use super::links::Links;
use super::own::Own;
use super::own_patterns::Patterns;
use super::pii::Pii;
use super::secrets::Secrets;
use super::told::Told;
use super::{Confidence, Finding, Kind, Window};

/// The most scanners of a policy.
pub const MAX_SCANNERS: usize = 16;

/// The most with the one that shows hidden text to the others.
pub(super) const MARKS: usize = MAX_SCANNERS + 1;

/// A scanner that obeys the law of [`window`](super::window).
pub trait Scan: Send + Sync {
    /// Reports what stands in the new part of a window; gives up to which byte of
    /// it all is decided.
    fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize;

    /// Whether the bytes from `new` on may decide something of a window that was all
    /// undecided before they came. Who waits for the end of a long run says no while it
    /// only grows, and is not asked in vain again and again.
    fn stirs(&self, _window: Window<'_>, _new: usize) -> bool {
        true
    }
}

macro_rules! scanners {
    ($($scanner:ty),+) => { $(
        impl Scan for $scanner {
            fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
                <$scanner>::scan(self, window, out)
            }
        }
    )+ };
}

scanners!(Canary, Links, Own, Patterns, Pii, Told);

impl Scan for Secrets {
    fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        Secrets::scan(self, window, out)
    }

    fn stirs(&self, window: Window<'_>, new: usize) -> bool {
        Secrets::stirs(window, new)
    }
}

/// Which kinds a rule of a policy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// Every kind.
    All,
    /// Every kind of personal data.
    Pii,
    /// Every term and pattern of the team's own.
    Own,
    /// This kind only.
    Kind(Kind),
}

impl Select {
    fn holds(self, kind: Kind) -> bool {
        match self {
            Select::All => true,
            Select::Pii => matches!(kind, Kind::Pii(_)),
            Select::Own => matches!(kind, Kind::Own(_)),
            Select::Kind(only) => only == kind,
        }
    }
}

/// What a policy is made from.
#[derive(Clone, Default)]
pub struct Spec {
    /// What looks at texts, at most [`MAX_SCANNERS`].
    pub scanners: Vec<Arc<dyn Scan>>,
    /// What is done: the first row that names the kind and asks for no more
    /// confidence than there is. Without a row it is allowed.
    pub actions: Vec<(Select, Action, Confidence)>,
    /// Exact values that are never a finding, as [`allow_hash`] gives them.
    pub allow: Vec<[u8; 32]>,
    /// The key of these hashes.
    pub allow_key: [u8; 32],
    /// Texts stay as they are; the report says what would have been done.
    pub dry_run: bool,
    /// A scanner that breaks its law blocks the text; else the scanner is passed over.
    pub fail_closed: bool,
}

/// Why a policy was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// More than [`MAX_SCANNERS`].
    #[error("a policy has at most {MAX_SCANNERS} scanners")]
    TooManyScanners,
}

/// The keyed hash under which an exact value is allowed.
#[must_use]
pub fn allow_hash(key: &[u8; 32], value: &str) -> [u8; 32] {
    *blake3::keyed_hash(key, value.as_bytes()).as_bytes()
}

/// A compiled policy.
pub struct Policy {
    /// The team's; where there are some, the last shows them hidden text.
    scanners: Vec<Arc<dyn Scan>>,
    actions: Vec<(Select, Action, Confidence)>,
    allow: Arc<HashSet<[u8; 32]>>,
    allow_key: Zeroizing<[u8; 32]>,
    dry_run: bool,
    fail_closed: bool,
}

impl Policy {
    /// Compiles a policy.
    ///
    /// # Errors
    ///
    /// If it has more than [`MAX_SCANNERS`] scanners.
    pub fn new(spec: Spec) -> Result<Policy, SpecError> {
        if spec.scanners.len() > MAX_SCANNERS {
            return Err(SpecError::TooManyScanners);
        }
        let mut scanners = spec.scanners;
        if !scanners.is_empty() {
            let encoded = Encoded::new(scanners.clone());
            scanners.push(Arc::new(encoded));
        }
        Ok(Policy {
            scanners,
            actions: spec.actions,
            allow: Arc::new(spec.allow.into_iter().collect()),
            allow_key: Zeroizing::new(spec.allow_key),
            dry_run: spec.dry_run,
            fail_closed: spec.fail_closed,
        })
    }

    /// The same policy with one more scanner, such as one that looks for what is of a
    /// single request; what is done with its findings the policy says already.
    ///
    /// # Errors
    ///
    /// As [`new`](Policy::new).
    pub fn with(&self, scanner: Arc<dyn Scan>) -> Result<Policy, SpecError> {
        let mut scanners = self.answer_scanners().to_vec();
        if scanners.len() >= MAX_SCANNERS {
            return Err(SpecError::TooManyScanners);
        }
        scanners.push(scanner);
        let encoded = Encoded::new(scanners.clone());
        scanners.push(Arc::new(encoded));
        Ok(Policy {
            scanners,
            actions: self.actions.clone(),
            allow: Arc::clone(&self.allow),
            allow_key: self.allow_key.clone(),
            dry_run: self.dry_run,
            fail_closed: self.fail_closed,
        })
    }

    /// What is done with a finding of this kind.
    #[must_use]
    pub fn action(&self, kind: Kind, confidence: Confidence) -> Action {
        let mut rows = self.actions.iter();
        rows.find(|(select, _, least)| select.holds(kind) && *least <= confidence)
            .map_or(Action::Allow, |(_, action, _)| *action)
    }

    /// Whether texts stay as they are.
    #[must_use]
    pub fn dry_run(&self) -> bool {
        self.dry_run
    }

    pub(super) fn scanners(&self) -> &[Arc<dyn Scan>] {
        &self.scanners
    }

    /// The scanners that look at an answer. Hidden text is looked for in requests alone:
    /// a run must be held to its end, which scanners of an answer may not want to.
    pub(super) fn answer_scanners(&self) -> &[Arc<dyn Scan>] {
        match self.scanners.split_last() {
            Some((_, scanners)) => scanners,
            None => &[],
        }
    }

    pub(super) fn allows(&self, value: &str) -> bool {
        !self.allow.is_empty() && self.allow.contains(&allow_hash(&self.allow_key, value))
    }

    pub(super) fn fail_closed(&self) -> bool {
        self.fail_closed
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy")
            .field("scanners", &self.answer_scanners().len())
            .field("actions", &self.actions)
            .field("allowed", &self.allow.len())
            .field("dry_run", &self.dry_run)
            .field("fail_closed", &self.fail_closed)
            .finish_non_exhaustive()
    }
}
