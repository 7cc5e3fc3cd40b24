//! Why: a key is good for the algorithms of its own kind and no others. Held so, a public key can never be taken for a
//! shared secret, whatever a token says.

use std::fmt;

use ring::hmac;
use ring::signature::{self, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

use crate::conf::Algorithm;

/// The shortest RSA key that is believed, in bits, and the longest that can be used.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// One key with which tokens of an issuer are checked.
pub(super) struct Key {
    /// The name by which tokens ask for it.
    pub(super) kid: Option<String>,
    /// The one algorithm it is for, where its owner says so.
    pub(super) only: Option<Algorithm>,
    /// The key itself.
    pub(super) material: Material,
}

/// The kinds of keys.
pub(super) enum Material {
    /// A secret that both sides know.
    Secret(Vec<u8>),
    /// Modulus and exponent.
    Rsa(Vec<u8>, Vec<u8>),
    /// An uncompressed point of P-256.
    P256(Vec<u8>),
    /// An uncompressed point of P-384.
    P384(Vec<u8>),
    /// A point of Ed25519.
    Ed25519(Vec<u8>),
}

impl Material {
    /// An RSA key, if it is one that may be believed. Leading zeros are dropped.
    pub(super) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let bare = |bytes: &[u8]| {
            let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
            bytes.get(zeros..).unwrap_or_default().to_vec()
        };
        let (modulus, exponent) = (bare(modulus), bare(exponent));
        let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
        let is_exponent = match exponent.as_slice() {
            [] | [1] => false,
            [.., last] => exponent.len() <= 4 && last % 2 == 1,
        };
        (RSA_BITS.contains(&bits) && is_exponent).then_some(Self::Rsa(modulus, exponent))
    }

    /// A point of P-256, P-384 or Ed25519 of the right length.
    pub(super) fn point(curve: Curve, point: &[u8]) -> Option<Self> {
        let point = point.to_vec();
        let is_whole = |half: usize| point.len() == 1 + 2 * half && point.first() == Some(&4);
        match curve {
            Curve::P256 => is_whole(32).then_some(Self::P256(point)),
            Curve::P384 => is_whole(48).then_some(Self::P384(point)),
            Curve::Ed25519 => (point.len() == 32).then_some(Self::Ed25519(point)),
        }
    }
}

/// The curves that have algorithms here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    P256,
    P384,
    Ed25519,
}

/// How one algorithm checks with one kind of key.
enum Way<'k> {
    Mac(hmac::Algorithm, &'k [u8]),
    Rsa(&'static signature::RsaParameters, &'k [u8], &'k [u8]),
    Point(&'static dyn VerificationAlgorithm, &'k [u8]),
}

impl Key {
    /// The key as it is for every algorithm of its kind, without a name.
    pub(super) fn plain(material: Material) -> Self {
        Self {
            kid: None,
            only: None,
            material,
        }
    }

    /// Whether this key is for that algorithm.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.only.is_none_or(|only| only == algorithm) && self.way(algorithm).is_some()
    }

    /// Whether this key made the signature. Secrets are compared in constant time.
    pub(super) fn verifies(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        if !self.fits(algorithm) {
            return false;
        }
        match self.way(algorithm) {
            None => false,
            Some(Way::Mac(hash, secret)) => {
                hmac::verify(&hmac::Key::new(hash, secret), signed, signature).is_ok()
            }
            Some(Way::Rsa(parameters, n, e)) => RsaPublicKeyComponents { n, e }
                .verify(parameters, signed, signature)
                .is_ok(),
            Some(Way::Point(way, point)) => UnparsedPublicKey::new(way, point)
                .verify(signed, signature)
                .is_ok(),
        }
    }

    /// The one table of which algorithm goes with which kind of key.
    fn way(&self, algorithm: Algorithm) -> Option<Way<'_>> {
        let way = match (algorithm, &self.material) {
            (Algorithm::Hs256, Material::Secret(s)) => Way::Mac(hmac::HMAC_SHA256, s),
            (Algorithm::Hs384, Material::Secret(s)) => Way::Mac(hmac::HMAC_SHA384, s),
            (Algorithm::Hs512, Material::Secret(s)) => Way::Mac(hmac::HMAC_SHA512, s),
            (Algorithm::Rs256, Material::Rsa(n, e)) => {
                Way::Rsa(&signature::RSA_PKCS1_2048_8192_SHA256, n, e)
            }
            (Algorithm::Rs384, Material::Rsa(n, e)) => {
                Way::Rsa(&signature::RSA_PKCS1_2048_8192_SHA384, n, e)
            }
            (Algorithm::Rs512, Material::Rsa(n, e)) => {
                Way::Rsa(&signature::RSA_PKCS1_2048_8192_SHA512, n, e)
            }
            (Algorithm::Ps256, Material::Rsa(n, e)) => {
                Way::Rsa(&signature::RSA_PSS_2048_8192_SHA256, n, e)
            }
            (Algorithm::Ps384, Material::Rsa(n, e)) => {
                Way::Rsa(&signature::RSA_PSS_2048_8192_SHA384, n, e)
            }
            (Algorithm::Ps512, Material::Rsa(n, e)) => {
                Way::Rsa(&signature::RSA_PSS_2048_8192_SHA512, n, e)
            }
            (Algorithm::Es256, Material::P256(p)) => {
                Way::Point(&signature::ECDSA_P256_SHA256_FIXED, p)
            }
            (Algorithm::Es384, Material::P384(p)) => {
                Way::Point(&signature::ECDSA_P384_SHA384_FIXED, p)
            }
            (Algorithm::EdDsa, Material::Ed25519(p)) => Way::Point(&signature::ED25519, p),
            _ => return None,
        };
        Some(way)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.material {
            Material::Secret(_) => "secret",
            Material::Rsa(..) => "RSA",
            Material::P256(_) => "P-256",
            Material::P384(_) => "P-384",
            Material::Ed25519(_) => "Ed25519",
        };
        write!(f, "Key({kind}, {:?})", self.kid)
    }
}

/// The keys of an issuer at one time. Every set has a number of its own, so that what was checked with one is never
/// taken for checked with another.
#[derive(Debug)]
pub(super) struct KeySet {
    /// The keys.
    pub(super) keys: Vec<Key>,
    /// The number of the set.
    pub(super) number: u64,
}

impl KeySet {
    /// These keys.
    pub(super) fn new(keys: Vec<Key>) -> Self {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self {
            keys,
            number: NEXT.fetch_add(1, Ordering::Relaxed),
        }
    }
}
