//! Why: the store holds only hashes keyed with a secret that is not in it, so a stolen database
//! cannot be searched for keys. Losing the pepper ends every stored key.

use super::{KeyHash, SecretProblem};
use crate::private_file::{self, FileProblem};
use crate::random::Random;
use std::fmt;
use std::path::Path;

const FILE: &str = "pepper";
const FORM: &str = "lines of 64 hexadecimal characters";
const MEND: &str =
    "restore the file from a backup; without the old pepper every stored key is dead";
/// Rotating a pepper more often than this without retiring one is a mistake.
const MAX_PEPPERS: usize = 16;

/// The secrets that key the stored hashes: the current one and those it replaced.
///
/// Text form: one pepper per line, 64 hexadecimal characters; the last line is current. To
/// rotate, append a line; to retire an old pepper, and with it every key it hashed, delete one.
#[derive(Clone)]
pub struct Pepper {
    current: Version,
    older: Box<[Version]>,
}

#[derive(Clone)]
struct Version {
    number: u32,
    key: [u8; 32],
}

impl Pepper {
    /// Reads `data_dir/pepper`, or makes it (mode 0600). Two processes starting together end
    /// up with the same pepper.
    pub fn load_or_create(data_dir: &Path, random: &mut Random<'_>) -> Result<Self, SecretProblem> {
        let path = data_dir.join(FILE);
        let malformed = || {
            SecretProblem::File(FileProblem::Malformed {
                path: path.clone(),
                expected: FORM,
                hint: MEND,
            })
        };
        if let Some(text) = private_file::read(&path)? {
            return Self::from_text(&text).ok_or_else(malformed);
        }
        let mut key = [0; 32];
        random(&mut key).map_err(|source| FileProblem::unreadable(&path, source))?;
        let text = format!("{}\n", blake3::Hash::from_bytes(key).to_hex());
        private_file::create(&path, &text, random)?;
        let text = private_file::read(&path)?.ok_or_else(malformed)?;
        Self::from_text(&text).ok_or_else(malformed)
    }

    /// Reads the text form, e.g. from a secret of the configuration. `None` when it is not
    /// one to sixteen lines of 64 hexadecimal characters.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut versions = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .take(MAX_PEPPERS + 1)
            .map(|line| blake3::Hash::from_hex(line).ok().map(Version::new))
            .collect::<Option<Vec<_>>>()?;
        if versions.len() > MAX_PEPPERS {
            return None;
        }
        let current = versions.pop()?;
        Some(Self {
            current,
            older: versions.into(),
        })
    }

    /// Names the current pepper in the store. It is a fingerprint, not a counter: a replaced
    /// pepper file is noticed instead of silently failing every key.
    pub fn version(&self) -> u32 {
        self.current.number
    }

    /// Hash of a key text under the current pepper.
    pub(super) fn hash(&self, text: &str) -> KeyHash {
        self.current.hash(text)
    }

    /// Hash of a key text under the pepper of that version, if it is at hand.
    pub(super) fn hash_as(&self, version: u32, text: &str) -> Option<KeyHash> {
        std::iter::once(&self.current)
            .chain(self.older.iter())
            .find(|pepper| pepper.number == version)
            .map(|pepper| pepper.hash(text))
    }

    /// A keyed hash of anything else, under a key of its own for each purpose: sessions, and
    /// requests that are remembered. What was tagged is forgotten when the pepper is rotated.
    #[must_use]
    pub fn tag(&self, purpose: &str, bytes: &[u8]) -> [u8; 32] {
        let key = blake3::derive_key(purpose, &self.current.key);
        *blake3::keyed_hash(&key, bytes).as_bytes()
    }

    /// Whether hashes of that version can be checked.
    pub fn knows(&self, version: u32) -> bool {
        version == self.current.number || self.older.iter().any(|old| old.number == version)
    }
}

impl Version {
    fn new(key: blake3::Hash) -> Self {
        let key = *key.as_bytes();
        let [a, b, c, d, ..] = blake3::derive_key("alfred 2026 pepper version", &key);
        Self {
            // 31 bits, so that a signed column of any database holds it.
            number: u32::from_be_bytes([a, b, c, d]) >> 1,
            key,
        }
    }

    fn hash(&self, text: &str) -> KeyHash {
        KeyHash::new(blake3::keyed_hash(&self.key, text.as_bytes()))
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pepper(version {}, ***)", self.version())
    }
}
