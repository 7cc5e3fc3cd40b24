//! Why: who may call is decided here, and only here are secrets in the clear: the key text a
//! client sends, the pepper that keys the stored hashes, the first key of a fresh installation.
//! Nothing in this room prints a secret through `Debug` or an error.

mod access_token;
mod api_key;
#[cfg(test)]
mod file_tests;
mod first_key;
mod first_token;
mod issue;
mod keyring;
#[cfg(test)]
mod keyring_tests;
mod known_users;
mod password;
mod pepper;
mod principal;
mod problem;
mod session_token;
mod static_key;

pub use crate::random::{Random, os_random};
pub use access_token::{AccessToken, TokenFormatError, TokenRequest};
pub use api_key::{ApiKey, KeyFormatError, KeyHash};
pub use first_key::{FirstKey, first_key};
pub use first_token::{FirstToken, first_token};
pub use issue::{KeyRequest, draw, issue};
pub use keyring::{KeyRefusal, Keyring};
pub use known_users::{KnownUser, KnownUsers, UserRefusal};
pub use password::{PasswordProblem, hash_password, verify_password};
pub use pepper::Pepper;
pub use principal::Principal;
pub use problem::SecretProblem;
pub use session_token::SessionToken;
pub use static_key::{BadStaticHash, StaticHash, StaticKey, StaticKeys};
