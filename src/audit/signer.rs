//! Why: whoever can write to the database must not be able to make blocks. They are signed with
//! a key that is not in it: in `data_dir/signing-key`, or in a secret of the configuration.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair};
use std::fmt;
use std::path::Path;

use super::canonical::{from_hex, to_hex};
use crate::private_file::{self, FileProblem};
use crate::random::Random;

const FILE: &str = "signing-key";
const FORM: &str = "an Ed25519 private key: PEM (PKCS#8) or 64 hexadecimal characters";
const MEND: &str = "restore the file from a backup, or move it away: a new key is made at the next \
                    start, and the old public key must be trusted for the blocks it signed";
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";
/// What PKCS#8 (RFC 8410) puts before the 32 bytes of an Ed25519 key.
const PKCS8_PREFIX: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

/// Signs blocks. `Debug` shows the public key only.
pub struct Signer {
    pair: Ed25519KeyPair,
    public_key: [u8; 32],
}

impl Signer {
    /// Reads `data_dir/signing-key`, or makes it (mode 0600). Two processes starting together
    /// end up with the same key.
    pub fn load_or_create(data_dir: &Path, random: &mut Random<'_>) -> Result<Self, FileProblem> {
        let path = data_dir.join(FILE);
        let malformed = || FileProblem::Malformed {
            path: path.clone(),
            expected: FORM,
            hint: MEND,
        };
        if let Some(text) = private_file::read(&path)? {
            return Self::from_text(&text).ok_or_else(malformed);
        }
        let mut seed = [0; 32];
        random(&mut seed).map_err(|source| FileProblem::unreadable(&path, source))?;
        private_file::create(&path, &pem(&seed), random)?;
        let text = private_file::read(&path)?.ok_or_else(malformed)?;
        Self::from_text(&text).ok_or_else(malformed)
    }

    /// Reads the text form, e.g. from a secret of the configuration: PEM as in
    /// `openssl genpkey -algorithm ed25519`, or a seed of 64 hexadecimal characters.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some(seed) = from_hex(text) {
            return Self::from_seed(&seed);
        }
        let body = text.strip_prefix(BEGIN)?.strip_suffix(END)?;
        let body: String = body.split_ascii_whitespace().collect();
        Self::from_pkcs8(&STANDARD.decode(body).ok()?)
    }

    /// Reads PKCS#8 in DER, with or without the public key.
    #[must_use]
    pub fn from_pkcs8(der: &[u8]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).ok()?;
        Self::new(pair)
    }

    /// From the 32 bytes that the key is made of.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Option<Self> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        Self::new(pair)
    }

    fn new(pair: Ed25519KeyPair) -> Option<Self> {
        let public_key = pair.public_key().as_ref().try_into().ok()?;
        Some(Self { pair, public_key })
    }

    /// What others need to check its signatures.
    #[must_use]
    pub const fn public_key(&self) -> [u8; 32] {
        self.public_key
    }

    /// Signs a message.
    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        let mut signature = [0; 64];
        let signed = self.pair.sign(message);
        signature.copy_from_slice(signed.as_ref());
        signature
    }
}

/// PKCS#8 in PEM, as every toolbox reads it.
fn pem(seed: &[u8; 32]) -> String {
    let der = [PKCS8_PREFIX.as_slice(), seed.as_slice()].concat();
    format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(der))
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer(public key {}, ***)", to_hex(&self.public_key))
    }
}
