//! Why: tests sign tokens as an issuer would, and as a forger would. The black-box tests take this file in by its path,
//! so it knows nothing of this crate.

#![allow(dead_code, reason = "each test target uses a part of it")]

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

/// An RSA key of 2048 bits that was made for these tests and opens nothing; `ring` makes none itself.
const RSA: &str = "\
    MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCxKaPGCQyeX+FuPJvuOct7fsgfClfOS+YjxLSefWdItOez\
    Zedv+IuHxYNgOUZk+WR0Fx9PRbWRPsgVmM8Q+BAczoUafJRtiuAWxKsJje6+MGDxO/RmKg70199Qz0WRfen0T+prlYWNuggn\
    7hc8DgLAXKJw1swgy/UaT69kJkUfBVca6qk6hoCASFzsIgUWqzOzLJdDCMiX8GaS7NMYWrTM18cuEQ0a8twmB9ayy+CKcaOp\
    yl1iP08SHtfwUGFi9YKFfITtusAnf7GzHW/noXtt7DECV7fPGIbaSo5HCe1D7YkeKdewjRDRRW/C8TTf6dWTJwA2MXwbRZ1g\
    0aGorBObAgMBAAECggEAMHWx4R0fkQCsErHMe0zezpB+4BK9suXK9VS8jS/DPT2StV02AchMLl7GEV+JVFxtcF3UyCPKxwiT\
    xWiPl1YrXh3Vhcm29gHLSx8Po+TpfaeRFNtv/jQZ9DpKUPnpTyNQh+4GMthq+Dn/OiDjxR8V/JU6L8BphL0VddV/JddcB+BB\
    m5By5zzzzz2mWXhUqtcQ8hQB9ZzNvta3tzpljGdpbASF+3CUsS0nYcvTctbALPrCgoYCYlFqFhh2rWrFQmkQk5YH3WQhgZDl\
    tiZRq833LCLMMXDxypJynBCilzGN+jdTRjVGxXAXuUSCAuwgj4Dcjscv89KaRaOj6A79TvagGQKBgQD5fb7yUI//xsRQJiEG\
    /wi2Z/CE+JF7ek3RR2UddczW6IhUcamWW9hrLE2EyHcBq+v0/fRRSB7SXUqJ85+RTEYLnlpcYHscMGyoeqyeqay0wXEum47/\
    +GxR/R+ZLeJOHTeZo8MtwFG0r4tPxbMkxe/MgivnjfWsgCjZMZG79j6mOQKBgQC1yNb+5kCEpii9Jo8jly9kMZvhB0lghzKE\
    EtA43JVsdJZdhdKznuj3L0bfZbviDO1+q5mn/aeGdbc9ZuVQDcxcfvoRBpN50DYVaIIvXtIjkwagHpRnu07JrI99etTguTtW\
    U3i4y1NmG9NtE5i8xc7vln5CfemYuOyaxntgqQKocwKBgQDzxAHqPf7EWU/8Q5Tngg3gMyQUt81liPU5cnmAVFXk8OQrJbcd\
    +vU0md/PyhJE5tav0+V/+Whr/8zRhuC0lYKm3XzKX1ZKD6JK5zl7+KqPHaZZdJI+1Vn4rcnO378KtY9apWARdqQeV5pVQgQr\
    /N20wsblApY0ii/fLoiGzy0dOQKBgGuLakZbCghwFOHykfRIWS05fDLhELQex/ADAVTiizQitWKW7VR+yuyR96fqlADkDQ1H\
    kBwmoJmXwtR8r2VxBFokdOTlsxH58EUyEvLbcg7ByMWp0bqcwbvmbu2ZYZ+hdk1YDK+m+qwKAkchtNbZX9e2fPPxceV8Yd4f\
    VpaU5pGpAoGBAJWudVs92U/t6NuaKKgsHADmVYaCNChCfPXmSYX8ct9cjG0WW9AWlBh2VFI2F94mcx8plTKJXT02Kp2676BT\
    mZ2UdwIDT2PfyMWHsr4zJ8NVx7cCT0jptFUlDzY/3ex9LvaEJXgw6Ok8aCAFMOExnA/duVHPKZLlDQRy1rKl7nCN";

/// The public half of an RSA key of 1024 bits, as SubjectPublicKeyInfo.
const WEAK_RSA: &str = "\
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCfJ2wXVIH43x8z4BpNRVt5pbCdn6OAhx+yaPE8uMgIciCudi3d0pkRv+bF\
    jyKI9JdmKKEI4kw0WGYd++5NnK1OjF3obqQu6UHTlQhYC6aarirq0Zuie4Jmbup+jvK95KKWu4bg7Zk9amwHgb9e/v91ANxN\
    YqjmDvgdHJHpNZlTIQIDAQAB";

/// Whoever signs.
pub(crate) enum Signer {
    Secret(Vec<u8>),
    Rsa(Box<RsaKeyPair>, String),
    P256(EcdsaKeyPair, String),
    P384(EcdsaKeyPair, String),
    Ed25519(Ed25519KeyPair, String),
}

impl Signer {
    /// A secret of 64 characters.
    pub(crate) fn secret() -> Self {
        Self::Secret(b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".to_vec())
    }

    /// The one RSA key.
    pub(crate) fn rsa() -> Self {
        let der = STANDARD.decode(RSA).unwrap();
        let pem = KeyPair::try_from(der.as_slice()).unwrap().public_key_pem();
        Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(&der).unwrap()), pem)
    }

    /// A new key of P-256.
    pub(crate) fn p256() -> Self {
        let (der, pem) = new(&PKCS_ECDSA_P256_SHA256);
        let kind = &ECDSA_P256_SHA256_FIXED_SIGNING;
        Self::P256(
            EcdsaKeyPair::from_pkcs8(kind, &der, &SystemRandom::new()).unwrap(),
            pem,
        )
    }

    /// A new key of P-384.
    pub(crate) fn p384() -> Self {
        let (der, pem) = new(&PKCS_ECDSA_P384_SHA384);
        let kind = &ECDSA_P384_SHA384_FIXED_SIGNING;
        Self::P384(
            EcdsaKeyPair::from_pkcs8(kind, &der, &SystemRandom::new()).unwrap(),
            pem,
        )
    }

    /// A new key of Ed25519.
    pub(crate) fn ed25519() -> Self {
        let (der, pem) = new(&PKCS_ED25519);
        Self::Ed25519(
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).unwrap(),
            pem,
        )
    }

    /// The public half as `openssl` writes it.
    pub(crate) fn pem(&self) -> &str {
        match self {
            Self::Secret(_) => panic!("a secret has no public half"),
            Self::Rsa(_, pem) | Self::P256(_, pem) | Self::P384(_, pem) | Self::Ed25519(_, pem) => {
                pem
            }
        }
    }

    /// The public half as a member of a JWKS.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        let point = |crv: &str, point: &[u8]| {
            let (x, y) = point[1..].split_at(point.len() / 2);
            json!({ "kty": "EC", "crv": crv, "x": url(x), "y": url(y) })
        };
        let mut jwk = match self {
            Self::Secret(_) => panic!("a secret has no public half"),
            Self::Rsa(pair, _) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public());
                json!({ "kty": "RSA", "n": url(&public.n), "e": url(&public.e) })
            }
            Self::P256(pair, _) => point("P-256", pair.public_key().as_ref()),
            Self::P384(pair, _) => point("P-384", pair.public_key().as_ref()),
            Self::Ed25519(pair, _) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": url(pair.public_key().as_ref()) })
            }
        };
        jwk["kid"] = kid.into();
        jwk["use"] = "sig".into();
        jwk
    }

    /// The signature of this algorithm.
    pub(crate) fn sign(&self, algorithm: &str, signed: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Secret(secret) => {
                let hash = match algorithm {
                    "HS384" => hmac::HMAC_SHA384,
                    "HS512" => hmac::HMAC_SHA512,
                    _ => hmac::HMAC_SHA256,
                };
                hmac::sign(&hmac::Key::new(hash, secret), signed)
                    .as_ref()
                    .to_vec()
            }
            Self::Rsa(pair, _) => {
                let way: &dyn signature::RsaEncoding = match algorithm {
                    "RS384" => &signature::RSA_PKCS1_SHA384,
                    "RS512" => &signature::RSA_PKCS1_SHA512,
                    "PS256" => &signature::RSA_PSS_SHA256,
                    "PS384" => &signature::RSA_PSS_SHA384,
                    "PS512" => &signature::RSA_PSS_SHA512,
                    _ => &signature::RSA_PKCS1_SHA256,
                };
                let mut made = vec![0; pair.public().modulus_len()];
                pair.sign(way, &random, signed, &mut made).unwrap();
                made
            }
            Self::P256(pair, _) | Self::P384(pair, _) => {
                pair.sign(&random, signed).unwrap().as_ref().to_vec()
            }
            Self::Ed25519(pair, _) => pair.sign(signed).as_ref().to_vec(),
        }
    }

    /// A token of these claims, its header naming the algorithm and nothing else.
    pub(crate) fn token(&self, algorithm: &str, claims: &Value) -> String {
        self.token_with(&json!({ "alg": algorithm, "typ": "JWT" }), claims)
    }

    /// A token with this header.
    pub(crate) fn token_with(&self, header: &Value, claims: &Value) -> String {
        self.token_of(&header.to_string(), &claims.to_string())
    }

    /// A token of these very texts.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let algorithm: Value = serde_json::from_str(header).unwrap_or_default();
        let signed = format!("{}.{}", url(header.as_bytes()), url(claims.as_bytes()));
        let made = self.sign(algorithm["alg"].as_str().unwrap_or(""), signed.as_bytes());
        format!("{signed}.{}", url(&made))
    }
}

/// base64url without padding.
pub(crate) fn url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A JWKS of these keys.
pub(crate) fn jwks(keys: &[Value]) -> String {
    json!({ "keys": keys }).to_string()
}

/// The PEM file of a key that is too short.
pub(crate) fn weak_pem() -> String {
    format!("-----BEGIN PUBLIC KEY-----\n{WEAK_RSA}\n-----END PUBLIC KEY-----\n")
}

/// The JWKS member of a key that is too short.
pub(crate) fn weak_jwk(kid: &str) -> Value {
    let der = STANDARD.decode(WEAK_RSA).unwrap();
    json!({ "kty": "RSA", "kid": kid, "n": url(&der[29..157]), "e": "AQAB" })
}

fn new(kind: &'static rcgen::SignatureAlgorithm) -> (Vec<u8>, String) {
    let pair = KeyPair::generate_for(kind).unwrap();
    (pair.serialize_der(), pair.public_key_pem())
}
