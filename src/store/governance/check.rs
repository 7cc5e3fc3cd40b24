//! Why: a value that breaks a rule is refused in words, before anything is written, and by every
//! database alike.

use super::super::{NewKey, OwnerType, StoreFault};
use super::PasswordHash;
use crate::money::Nanos;

/// Longest name in characters, as the tables check it.
const MAX_NAME: usize = 200;
/// Longest note and name of an identity provider.
const MAX_TEXT: usize = 1_000;
/// Most entries of an allowlist.
const MAX_MODELS: usize = 1_000;
/// Factors in millionths, as the tables check them.
const MAX_MARKUP: u32 = 1_000_000_000;

/// Refuses with these words unless it holds.
pub(super) fn that(holds: bool, broken: &'static str) -> Result<(), StoreFault> {
    match holds {
        true => Ok(()),
        false => Err(StoreFault::Refused(broken)),
    }
}

/// A name of anything.
pub(super) fn name(text: &str) -> Result<(), StoreFault> {
    let length = text.chars().count();
    that(length > 0, "the name is empty")?;
    that(length <= MAX_NAME, "the name is longer than 200 characters")?;
    that(!text.contains('\0'), "the name holds a NUL character")
}

/// What a person wrote to explain an act.
pub(super) fn note(text: Option<&str>) -> Result<(), StoreFault> {
    let text = text.unwrap_or_default();
    that(
        text.chars().count() <= MAX_TEXT,
        "the note is longer than 1,000 characters",
    )?;
    that(!text.contains('\0'), "the note holds a NUL character")
}

/// The name an identity provider uses.
pub(super) fn subject(text: Option<&str>) -> Result<(), StoreFault> {
    let Some(text) = text else { return Ok(()) };
    let length = text.chars().count();
    that(
        (1..=MAX_TEXT).contains(&length),
        "the subject must have 1 to 1,000 characters",
    )?;
    that(!text.contains('\0'), "the subject holds a NUL character")
}

/// A password's hash.
pub(super) fn password(hash: Option<&PasswordHash>) -> Result<(), StoreFault> {
    let Some(PasswordHash(text)) = hash else {
        return Ok(());
    };
    let is_good = !text.is_empty() && text.len() <= MAX_TEXT && !text.contains('\0');
    that(is_good, "this is no hash of a password")
}

/// An address in the form in which it is kept: small letters.
pub(super) fn email(text: &str) -> Result<String, StoreFault> {
    let email = text.to_lowercase();
    that(
        (3..=320).contains(&email.chars().count()),
        "the e-mail address must have 3 to 320 characters",
    )?;
    let odd = |c: char| c.is_whitespace() || c.is_control();
    let is_good = match email.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty() && !domain.is_empty() && !domain.contains('@') && !email.contains(odd)
        }
        None => false,
    };
    that(is_good, "this is no e-mail address")?;
    Ok(email)
}

/// A sum that may be 0.
pub(super) fn not_negative(amount: Nanos, broken: &'static str) -> Result<(), StoreFault> {
    that(amount >= Nanos::ZERO, broken)
}

/// A share.
pub(super) fn percent(share: u8) -> Result<(), StoreFault> {
    that(share <= 100, "the share must be 0 to 100 per cent")
}

/// A factor.
pub(super) fn markup(ppm: Option<u32>) -> Result<(), StoreFault> {
    that(
        ppm.is_none_or(|ppm| ppm <= MAX_MARKUP),
        "the mark-up must be at most 1,000,000,000 millionths",
    )
}

/// Who pays first, in the form in which it is kept.
pub(super) fn funding(order: &[OwnerType]) -> Result<String, StoreFault> {
    that(!order.is_empty(), "the funding order is empty")?;
    that(
        order.iter().all(|owner| owner.pays()),
        "only user, quota and team can pay",
    )?;
    let mut seen: Vec<OwnerType> = order.to_vec();
    seen.sort_unstable();
    seen.dedup();
    that(
        seen.len() == order.len(),
        "the funding order names a payer twice",
    )?;
    let words: Vec<&str> = order.iter().map(|owner| owner.word()).collect();
    Ok(words.join(","))
}

/// An allowlist.
pub(super) fn models(models: Option<&[String]>) -> Result<(), StoreFault> {
    let models = models.unwrap_or_default();
    that(
        models.len() <= MAX_MODELS,
        "the allowlist has more than 1,000 entries",
    )?;
    let is_good =
        |model: &String| (1..=MAX_NAME).contains(&model.chars().count()) && !model.contains('\0');
    that(
        models.iter().all(is_good),
        "a model name must have 1 to 200 characters and no NUL",
    )
}

/// A rate.
pub(super) fn rate(limit: Option<u64>, broken: &'static str) -> Result<(), StoreFault> {
    that(
        limit.is_none_or(|limit| limit > 0 && i64::try_from(limit).is_ok()),
        broken,
    )
}

/// A key to be.
pub(super) fn key(key: &NewKey) -> Result<(), StoreFault> {
    key.check()?;
    models(key.models.as_deref())
}

/// The public part of a token.
pub(super) fn public_id(text: &str) -> Result<(), StoreFault> {
    let is_good = text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    that(is_good, "the public id must have 12 letters or digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_in_small_letters_and_has_two_sides() {
        assert_eq!(email("Ada@Example.COM").unwrap(), "ada@example.com");
        assert_eq!(email("o'neil+x\"@ex.org").unwrap(), "o'neil+x\"@ex.org");
        for bad in [
            "",
            "a@",
            "@b",
            "a",
            "a b@c",
            "a@b@c",
            "a@b\n",
            "a\0@b",
            "a@\u{a0}b",
        ] {
            assert!(email(bad).is_err(), "{bad:?}");
        }
        let long = format!("{}@b", "a".repeat(319));
        assert!(email(&long).is_err());
    }

    #[test]
    fn a_funding_order_names_each_payer_once() {
        use OwnerType::{Key, Quota, Team, User};
        assert_eq!(funding(&[Team, Quota, User]).unwrap(), "team,quota,user");
        for bad in [&[][..], &[Key], &[Team, Team]] {
            assert!(funding(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn lengths_are_counted_in_characters() {
        assert!(name(&"é".repeat(200)).is_ok());
        assert!(name(&"é".repeat(201)).is_err());
        assert!(name("").is_err() && name("a\0").is_err());
        assert!(models(Some(&[String::new()])).is_err());
        assert!(models(None).is_ok());
    }
}
