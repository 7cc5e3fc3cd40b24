//! Why: machines use the admin API with tokens of their own. They have the form of keys, so that a
//! mistyped one is told from a wrong one and a leaked one is found by scanners, and another
//! prefix, so that neither can be taken for the other.
//!
//! `at_<id:12>_<secret:43><checksum:6>`: after `at_`, the same parts as in a key.

use super::api_key::{CHECKSUM, ID, SECRET, base62, crc32, is_base62, push_random};
use super::{KeyFormatError, KeyHash, Pepper, Random, SecretProblem};
use crate::store::governance::NewToken;
use std::borrow::Cow;
use std::fmt;

const PREFIX: &str = "at_";

/// A well-formed access token in the clear. `Debug` shows the public part only.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken<'a>(Cow<'a, str>);

/// Why a text is no access token. Never holds any of the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenFormatError {
    /// Not of the form `at_<id>_<secret and checksum>`.
    #[error("not an access token: expected at_<12 characters>_<49 characters>")]
    Form,
    /// The form is right, the checksum is not: a character was changed or lost.
    #[error("the access token is mistyped or cut: its checksum does not match")]
    Checksum,
}

/// What a person chooses about a new access token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRequest {
    /// Whose.
    pub user_id: i64,
    /// What people call it; 1 to 200 characters.
    pub name: String,
    /// Unix milliseconds from which it is refused.
    pub expires_at: Option<i64>,
}

impl AccessToken<'static> {
    /// Makes a new one.
    pub fn generate(random: &mut Random<'_>) -> Result<Self, KeyFormatError> {
        let mut text = PREFIX.to_owned();
        push_random(&mut text, ID, random)?;
        text.push('_');
        push_random(&mut text, SECRET, random)?;
        let checksum = base62(crc32(text.as_bytes()));
        text.extend(checksum.map(char::from));
        Ok(Self(Cow::Owned(text)))
    }

    /// Draws one and hashes it, for whoever stores it. The answer is the only place where its
    /// secret is ever seen.
    pub fn draw(
        pepper: &Pepper,
        request: TokenRequest,
        random: &mut Random<'_>,
    ) -> Result<(Self, NewToken), SecretProblem> {
        let token = Self::generate(random)?;
        let new = token.to_store(pepper, request);
        Ok((token, new))
    }
}

impl<'a> AccessToken<'a> {
    /// Reads a presented token. Costs a checksum, no hash and no allocation.
    pub fn parse(text: &'a str) -> Result<Self, TokenFormatError> {
        let form = || TokenFormatError::Form;
        let rest = text.strip_prefix(PREFIX).ok_or_else(form)?;
        let (id, tail) = rest.split_once('_').ok_or_else(form)?;
        let lengths_fit = id.len() == ID && tail.len() == SECRET + CHECKSUM;
        if !lengths_fit || !is_base62(id) || !is_base62(tail) {
            return Err(TokenFormatError::Form);
        }
        let (body, checksum) = text
            .split_at_checked(text.len() - CHECKSUM)
            .ok_or_else(form)?;
        if base62(crc32(body.as_bytes())).as_slice() != checksum.as_bytes() {
            return Err(TokenFormatError::Checksum);
        }
        Ok(Self(Cow::Borrowed(text)))
    }

    /// Keeps the token beyond the text it was read from.
    #[must_use]
    pub fn into_owned(self) -> AccessToken<'static> {
        AccessToken(Cow::Owned(self.0.into_owned()))
    }

    /// The row of a token that is already drawn.
    pub(super) fn to_store(&self, pepper: &Pepper, request: TokenRequest) -> NewToken {
        NewToken {
            user_id: request.user_id,
            name: request.name,
            public_id: self.public_id().to_owned(),
            token_hash: *self.hash(pepper).as_bytes(),
            pepper_version: pepper.version(),
            expires_at: request.expires_at,
        }
    }

    /// The whole token in the clear. Show it once, log it never.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The twelve characters by which it is known in lists and logs.
    #[must_use]
    pub fn public_id(&self) -> &str {
        let start = PREFIX.len();
        self.0.get(start..start + ID).unwrap_or("")
    }

    /// What the store keeps: keyed BLAKE3 of the whole text under the current pepper.
    #[must_use]
    pub fn hash(&self, pepper: &Pepper) -> KeyHash {
        pepper.hash(self.expose())
    }

    /// Whether the store's hash, made with the pepper of that version, is this token's.
    #[must_use]
    pub fn is(&self, hash: &[u8; 32], pepper_version: u32, pepper: &Pepper) -> bool {
        let own = pepper.hash_as(pepper_version, self.expose());
        own == Some(KeyHash::from_bytes(*hash))
    }
}

impl fmt::Debug for AccessToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at_{}_***", self.public_id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::os_random;
    use crate::secrets::ApiKey;
    use proptest::prelude::*;

    fn pepper(digit: &str) -> Pepper {
        Pepper::from_text(&digit.repeat(64)).unwrap()
    }

    #[test]
    fn a_new_token_reads_back_and_is_no_key() {
        let token = AccessToken::generate(&mut os_random).unwrap();
        assert_eq!(AccessToken::parse(token.expose()), Ok(token.clone()));
        assert!(ApiKey::parse(token.expose()).is_err());
        let key = ApiKey::generate("live", &mut os_random).unwrap();
        assert_eq!(
            AccessToken::parse(key.expose()),
            Err(TokenFormatError::Form)
        );
        assert_eq!(
            format!("{token:?}"),
            format!("at_{}_***", token.public_id())
        );
    }

    #[test]
    fn only_the_pepper_it_was_made_with_knows_a_token() {
        let request = TokenRequest {
            user_id: 1,
            name: "ci".to_owned(),
            expires_at: None,
        };
        let (one, two) = (pepper("1"), pepper("2"));
        let (token, new) = AccessToken::draw(&one, request, &mut os_random).unwrap();
        assert!(token.is(&new.token_hash, new.pepper_version, &one));
        assert!(!token.is(&new.token_hash, new.pepper_version, &two));
        assert!(!token.is(&[0; 32], new.pepper_version, &one));
        assert!(!format!("{new:?}").contains(token.expose()));
    }

    proptest! {
        #[test]
        fn one_wrong_character_is_always_noticed(at in 0_usize..65, with in "[0-9A-Za-z_é]") {
            let token = AccessToken::generate(&mut os_random).unwrap();
            let mut bad = token.expose().to_owned();
            prop_assume!(bad.get(at..=at) != Some(&with));
            bad.replace_range(at..=at, &with);
            prop_assert!(AccessToken::parse(&bad).is_err());
        }

        #[test]
        fn no_text_panics(text in "at_.{11,13}_.{48,50}|.{0,80}") {
            let _ = AccessToken::parse(&text);
        }
    }
}
