//! Why: a password is the one secret that a person chooses, so it can be guessed. It is stored
//! only as Argon2id with a salt of its own, which makes each guess dear.

use super::Random;
use crate::store::governance::PasswordHash;
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};

/// Fewest characters of a new password (NIST SP 800-63B-4 for passwords that stand alone).
const SHORTEST: usize = 15;
/// Most bytes; Argon2 would take any number, and any time.
const LONGEST: usize = 1_024;
const SALT: usize = 16;

/// Why a password is not taken. Never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordProblem {
    /// It could be guessed.
    #[error("a password must have at least 15 characters; a few words will do")]
    Short,
    /// Nobody types that.
    #[error("a password must have at most 1,024 bytes")]
    Long,
    /// No random bytes could be had for the salt.
    #[error("the operating system gives no random bytes")]
    Random,
    /// The hash cannot be computed.
    #[error("the password cannot be hashed")]
    Hash,
}

/// Hashes a new password; takes 20 MB and tens of milliseconds.
pub fn hash_password(
    password: &str,
    random: &mut Random<'_>,
) -> Result<PasswordHash, PasswordProblem> {
    if password.chars().count() < SHORTEST {
        return Err(PasswordProblem::Short);
    }
    if password.len() > LONGEST {
        return Err(PasswordProblem::Long);
    }
    let mut salt = [0; SALT];
    random(&mut salt).map_err(|_| PasswordProblem::Random)?;
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    let hash = hash.map_err(|_| PasswordProblem::Hash)?;
    Ok(PasswordHash(hash.to_string()))
}

/// Whether a password is the one that was hashed; takes as long as hashing it.
#[must_use]
pub fn verify_password(password: &str, hash: &PasswordHash) -> bool {
    if password.len() > LONGEST {
        return false;
    }
    let hash = Phc::new(&hash.0);
    hash.is_ok_and(|hash| {
        let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
        verified.is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::os_random;

    const GOOD: &str = "correct horse battery staple";

    #[test]
    fn a_password_opens_what_it_closed_and_nothing_else_does() {
        let hash = hash_password(GOOD, &mut os_random).unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify_password(GOOD, &hash));
        for wrong in ["", "Correct horse battery staple", &"x".repeat(5_000)] {
            assert!(!verify_password(wrong, &hash));
        }
        let again = hash_password(GOOD, &mut os_random).unwrap();
        assert_ne!(hash, again, "each has a salt of its own");
    }

    #[test]
    fn what_can_be_guessed_or_is_endless_is_refused() {
        let refused = |text: &str| hash_password(text, &mut os_random).err();
        assert_eq!(refused(""), Some(PasswordProblem::Short));
        assert_eq!(refused("fourteen chars"), Some(PasswordProblem::Short));
        assert_eq!(refused(&"é".repeat(513)), Some(PasswordProblem::Long));
    }

    #[test]
    fn a_damaged_hash_opens_nothing() {
        for text in ["", "$argon2id$", "plain"] {
            assert!(!verify_password(text, &PasswordHash(text.to_owned())));
        }
    }
}
