//! Why: a company that has an identity provider wants its tokens to open the gateway, and a token is a claim by a
//! stranger until its signature is checked. Everything that decides is written in the configuration: who may sign, with
//! which algorithm, for whom. What a token says of itself only chooses among what is written.
//!
//! Signatures are checked by `ring`; the few lines of JOSE around it are ours, because what a gateway must refuse (a
//! repeated member, a critical extension, a number in quotes) is what general libraries let pass.
//!
//! Checking needs no network: keys are fetched beside the requests, by [`KeySources::look_after`].

mod cache;
mod claims;
mod form;
mod issuers;
mod json;
mod jwk;
mod key;
mod pem;
mod refusal;
mod schedule;
mod sources;

#[cfg(test)]
mod claims_tests;
#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod key_tests;
#[cfg(test)]
mod rotation_tests;
#[cfg(test)]
pub(crate) mod signing;

pub use claims::Claims;
pub use form::looks_like_token;
pub use issuers::{Issuers, Means, Plane};
pub use refusal::TokenRefusal;
pub use sources::KeySources;

/// The longest token that is looked at.
pub const MAX_TOKEN: usize = 8 * 1024;
