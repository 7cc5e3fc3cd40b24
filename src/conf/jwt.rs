//! Why: whose tokens are believed, for what, and with which keys is a decision of the operator, never of a token.

use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use super::cx::Cx;
use super::secret::Secret;
use super::shape::{Shape, choice, section};
use super::show::Show;
use super::tree::{Kind, Node};

section! {
    /// Somebody whose signed tokens (JWT) open this gateway.
    pub struct Issuer {
        /// The name by which logs and principals call it.
        pub name: String,
        /// The `iss` of its tokens, letter for letter.
        pub issuer: String,
        /// The `aud` that names this gateway: one or several; a token must have one of them.
        pub audience: Vec<String> as Texts,
        /// The signatures that are accepted, such as `[RS256]`. What a token says of itself only chooses among them.
        pub algorithms: Vec<Algorithm>,
        /// Where its public keys (JWKS) are fetched, over HTTPS. Exactly one of the four sources of keys is written.
        pub jwks_url: Option<String> = None,
        /// A file with its public keys (JWKS); read again when it changes.
        pub jwks_file: Option<PathBuf> = None,
        /// A PEM file with its one public key (`BEGIN PUBLIC KEY`); read again when it changes.
        pub public_key: Option<PathBuf> = None,
        /// The secret shared with it, for HS256, HS384 and HS512: at least 32, 48 or 64 characters.
        pub secret: Option<Secret> = None,
        /// Which members of its tokens say who the user is.
        pub claims: ClaimNames = ClaimNames::default(),
        /// What stands before the user's name of this issuer in the stored users' subjects. Issuers must not share one.
        pub subject_prefix: Option<String> = None,
        /// What happens to a good token whose user is not stored here.
        pub unknown_users: UnknownUsers = UnknownUsers::Refuse,
        /// How far the clocks of the issuer and of this machine may be apart, at most `60s`.
        pub leeway: Duration = Duration::from_secs(30),
        /// How often the keys of `jwks_url` are fetched; an unknown key id has them fetched earlier.
        pub refresh: Duration = Duration::from_secs(300),
        /// Which doors its tokens open.
        pub plane: Planes = Planes::Both,
    }
}

section! {
    /// Where the members stand that say who the user is: a name, or a path with dots such as `resource_access.alfred.roles`.
    pub struct ClaimNames {
        /// The user's name at the issuer; compared with the subjects of stored users.
        pub user: String = "sub".to_owned(),
        /// The user's e-mail; compared with those of stored users, unless `email_verified` is there and not true.
        pub email: String = "email".to_owned(),
        /// The user's team.
        pub team: String = "team".to_owned(),
        /// The user's roles: a list, or one text parted by spaces.
        pub roles: String = "roles".to_owned(),
    }
}

choice! {
    /// A signature, as RFC 7518 and RFC 8037 name it.
    pub enum Algorithm {
        /// HMAC with SHA-256.
        Hs256 = "HS256",
        /// HMAC with SHA-384.
        Hs384 = "HS384",
        /// HMAC with SHA-512.
        Hs512 = "HS512",
        /// RSA PKCS #1 with SHA-256.
        Rs256 = "RS256",
        /// RSA PKCS #1 with SHA-384.
        Rs384 = "RS384",
        /// RSA PKCS #1 with SHA-512.
        Rs512 = "RS512",
        /// RSA PSS with SHA-256.
        Ps256 = "PS256",
        /// RSA PSS with SHA-384.
        Ps384 = "PS384",
        /// RSA PSS with SHA-512.
        Ps512 = "PS512",
        /// ECDSA over P-256 with SHA-256.
        Es256 = "ES256",
        /// ECDSA over P-384 with SHA-384.
        Es384 = "ES384",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

impl Algorithm {
    /// The least characters of a shared secret (RFC 7518: as long as the hash); `None` where keys come in pairs.
    pub fn secret_length(self) -> Option<usize> {
        match self {
            Self::Hs256 => Some(32),
            Self::Hs384 => Some(48),
            Self::Hs512 => Some(64),
            _ => None,
        }
    }
}

choice! {
    /// Which doors the tokens of an issuer open.
    pub enum Planes {
        /// Every door.
        Both = "both",
        /// The gateway's port.
        Data = "data",
        /// The admin port.
        Admin = "admin",
    }
}

choice! {
    /// What happens to a good token whose user is not stored here.
    pub enum UnknownUsers {
        /// It is refused.
        Refuse = "refuse",
        /// It is let in, belonging to no user, team or organisation.
        Allow = "allow",
    }
}

/// One text, or a list of them.
struct Texts;

impl Shape for Texts {
    type Value = Vec<String>;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Vec<String>> {
        match node.kind {
            Kind::List(_) => Vec::<String>::read(node, cx),
            _ => String::read(node, cx).map(|text| vec![text]),
        }
    }

    fn schema() -> Value {
        json!({ "anyOf": [String::schema(), Vec::<String>::schema()] })
    }

    fn show(value: &Vec<String>, show: &mut Show<'_>) -> Value {
        Vec::<String>::show(value, show)
    }
}
