//! Why: the simplest way to name a key is the PEM file that `openssl` writes, and `ring` takes the bare key inside it.

use rustls::pki_types::SubjectPublicKeyInfoDer;
use rustls::pki_types::pem::PemObject as _;

use super::key::{Curve, Material};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BITS: u8 = 0x03;
const NAME: u8 = 0x06;

const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
const EC: &[u8] = b"\x2a\x86\x48\xce\x3d\x02\x01";
const P256: &[u8] = b"\x2a\x86\x48\xce\x3d\x03\x01\x07";
const P384: &[u8] = b"\x2b\x81\x04\x00\x22";
const ED25519: &[u8] = b"\x2b\x65\x70";

/// The public key in a PEM text, or why there is none that may be used.
pub(super) fn public_key(pem: &[u8]) -> Result<Material, &'static str> {
    let text = String::from_utf8_lossy(pem);
    if text.contains("PRIVATE KEY") {
        return Err(
            "holds a private key, which belongs to the issuer alone; `openssl pkey -pubout` writes its public half",
        );
    }
    let found = SubjectPublicKeyInfoDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>();
    let found = found.map_err(|_| "is no PEM file")?;
    let [one] = found.as_slice() else {
        return Err(match found.is_empty() {
            true if text.contains("CERTIFICATE") => {
                "holds a certificate; `openssl x509 -pubkey -noout` writes its public key"
            }
            true => "holds no public key (`BEGIN PUBLIC KEY`)",
            false => "holds several public keys; several stand in a JWKS",
        });
    };
    material(one)
        .ok_or("holds a public key that is none of RSA (2048 bits or more), P-256, P-384, Ed25519")
}

/// The bare key in a SubjectPublicKeyInfo (RFC 5280).
fn material(der: &[u8]) -> Option<Material> {
    let (info, []) = take(der, SEQUENCE)? else {
        return None;
    };
    let (kind, rest) = take(info, SEQUENCE)?;
    let (bits, []) = take(rest, BITS)? else {
        return None;
    };
    // All bits of the last byte are used.
    let key = bits.strip_prefix(&[0])?;
    let (name, parameters) = take(kind, NAME)?;
    match name {
        RSA => {
            let (pair, []) = take(key, SEQUENCE)? else {
                return None;
            };
            let (modulus, rest) = take(pair, INTEGER)?;
            let (exponent, []) = take(rest, INTEGER)? else {
                return None;
            };
            Material::rsa(modulus, exponent)
        }
        EC => match take(parameters, NAME)? {
            (P256, []) => Material::point(Curve::P256, key),
            (P384, []) => Material::point(Curve::P384, key),
            _ => None,
        },
        ED25519 => Material::point(Curve::Ed25519, key),
        _ => None,
    }
}

/// The content of the DER value with this tag at the beginning, and what follows it.
fn take(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (length, rest) = match der {
        [first, length, rest @ ..] if *first == tag && *length < 0x80 => {
            (usize::from(*length), rest)
        }
        [first, 0x81, length, rest @ ..] if *first == tag => (usize::from(*length), rest),
        [first, 0x82, high, low, rest @ ..] if *first == tag => {
            (usize::from(u16::from_be_bytes([*high, *low])), rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}
