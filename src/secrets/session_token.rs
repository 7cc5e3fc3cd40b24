//! Why: a browser that is logged in holds a token that means nothing by itself. The store keeps a
//! keyed hash of it; the pages prove with a second one, which another site cannot read, that a
//! request is theirs.

use super::api_key::{SECRET, is_base62, push_random};
use super::{KeyFormatError, Pepper, Random};
use crate::store::governance::SessionHash;
use std::fmt;

/// The token of one session in the clear. `Debug` shows nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionToken(String);

impl SessionToken {
    /// Draws one.
    pub fn generate(random: &mut Random<'_>) -> Result<Self, KeyFormatError> {
        let mut text = String::new();
        push_random(&mut text, SECRET, random)?;
        Ok(Self(text))
    }

    /// Reads a presented one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_good = text.len() == SECRET && is_base62(text);
        is_good.then(|| Self(text.to_owned()))
    }

    /// The whole token in the clear, for the cookie.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What the store keeps.
    #[must_use]
    pub fn hash(&self, pepper: &Pepper) -> SessionHash {
        SessionHash(pepper.tag("alfred 2026 session", self.0.as_bytes()))
    }

    /// What pages send along with each change.
    #[must_use]
    pub fn csrf(&self, pepper: &Pepper) -> String {
        self.csrf_hash(pepper).to_hex().to_string()
    }

    /// Whether that is what was sent along. Takes the same time wherever it differs.
    #[must_use]
    pub fn is_csrf(&self, presented: &str, pepper: &Pepper) -> bool {
        let presented = blake3::Hash::from_hex(presented);
        presented.is_ok_and(|presented| presented == self.csrf_hash(pepper))
    }

    fn csrf_hash(&self, pepper: &Pepper) -> blake3::Hash {
        blake3::Hash::from_bytes(pepper.tag("alfred 2026 csrf", self.0.as_bytes()))
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::os_random;

    #[test]
    fn a_token_proves_itself_and_shows_nothing() {
        let pepper = Pepper::from_text(&"1".repeat(64)).unwrap();
        let token = SessionToken::generate(&mut os_random).unwrap();
        assert_eq!(SessionToken::parse(token.expose()), Some(token.clone()));
        assert!(token.is_csrf(&token.csrf(&pepper), &pepper));
        let other = SessionToken::generate(&mut os_random).unwrap();
        assert!(!token.is_csrf(&other.csrf(&pepper), &pepper) && !token.is_csrf("", &pepper));
        assert_ne!(token.hash(&pepper), other.hash(&pepper));
        assert!(!format!("{token:?}").contains(token.expose()));
        for bad in ["", "a", &"é".repeat(43), &"a".repeat(44)] {
            assert_eq!(SessionToken::parse(bad), None);
        }
    }
}
