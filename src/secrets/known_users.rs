//! Why: a token says who somebody is at an issuer; whether that is one of our users, and still welcome, is looked up in
//! a snapshot of the store that a supervisor replaces. A request asks no database.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A stored user, as far as a token's bearer needs to be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownUser {
    /// The user's row.
    pub user_id: i64,
    /// The user's team.
    pub team_id: Option<i64>,
    /// The user's tenant.
    pub org_id: i64,
    /// Whether the user may call at all.
    pub is_active: bool,
    /// Unix milliseconds; tokens that were issued before are void.
    pub tokens_valid_after_ms: i64,
}

/// Why a token's bearer is turned away although the token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    /// Nobody of this name is stored.
    #[error("the user is not known here")]
    Unknown,
    /// Suspended or closed.
    #[error("the user is not active")]
    Inactive,
    /// The token is older than the user's last "log out everywhere".
    #[error("the token has been revoked")]
    Revoked,
}

/// Every stored user, by the names that tokens give.
#[derive(Debug, Default)]
pub struct KnownUsers {
    by_subject: HashMap<String, Arc<KnownUser>>,
    by_email: HashMap<String, Arc<KnownUser>>,
    /// By the name of the issuer.
    denied: HashMap<String, HashSet<String>>,
}

impl KnownUsers {
    /// Adds a user, by the subject of an issuer (with the issuer's `subject_prefix`), the e-mail, or both.
    pub fn add(&mut self, user: KnownUser, subject: Option<&str>, email: Option<&str>) {
        let user = Arc::new(user);
        if let Some(subject) = subject {
            self.by_subject
                .insert(subject.to_owned(), Arc::clone(&user));
        }
        if let Some(email) = email {
            // Not Unicode's small letters: some of them make one address of two.
            self.by_email.insert(email.to_ascii_lowercase(), user);
        }
    }

    /// Refuses the token that its issuer calls so.
    pub fn deny(&mut self, issuer: String, jti: String) {
        self.denied.entry(issuer).or_default().insert(jti);
    }

    /// Whether the token that this issuer calls so has been taken back.
    #[must_use]
    pub fn is_denied(&self, issuer: &str, jti: Option<&str>) -> bool {
        let denied = self.denied.get(issuer);
        denied.is_some_and(|denied| jti.is_some_and(|jti| denied.contains(jti)))
    }

    /// The user of this subject or, where no user has it, of this e-mail (in small letters), unless a token that was
    /// issued at this moment is void.
    ///
    /// # Errors
    /// Nobody, or nobody who may call with it.
    pub fn admit(
        &self,
        subject: &str,
        email: Option<&str>,
        issued_at_ms: i64,
    ) -> Result<&Arc<KnownUser>, UserRefusal> {
        let by_email = || self.by_email.get(email?);
        let user = self.by_subject.get(subject).or_else(by_email);
        let user = user.ok_or(UserRefusal::Unknown)?;
        if !user.is_active {
            return Err(UserRefusal::Inactive);
        }
        if issued_at_ms < user.tokens_valid_after_ms {
            return Err(UserRefusal::Revoked);
        }
        Ok(user)
    }

    /// How many subjects and e-mails are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_subject.len() + self.by_email.len()
    }

    /// Whether nobody is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(user_id: i64) -> KnownUser {
        KnownUser {
            user_id,
            team_id: None,
            org_id: 1,
            is_active: true,
            tokens_valid_after_ms: 1000,
        }
    }

    fn users() -> KnownUsers {
        let mut users = KnownUsers::default();
        users.add(user(1), Some("okta:00u1"), Some("Ann@Example.com"));
        users.add(user(2), None, Some("bob@example.com"));
        let gone = KnownUser {
            is_active: false,
            ..user(3)
        };
        users.add(gone, Some("okta:00u3"), None);
        users
    }

    #[test]
    fn a_user_is_found_by_subject_and_else_by_email() {
        let users = users();
        let id = |subject, email| users.admit(subject, email, 2000).map(|user| user.user_id);
        assert_eq!(id("okta:00u1", None), Ok(1));
        assert_eq!(id("okta:00u1", Some("bob@example.com")), Ok(1));
        assert_eq!(id("x", Some("ann@example.com")), Ok(1));
        assert_eq!(id("x", Some("bob@example.com")), Ok(2));
        assert_eq!(id("x", None), Err(UserRefusal::Unknown));
        assert_eq!(id("bob@example.com", None), Err(UserRefusal::Unknown));
        assert_eq!(id("", Some("")), Err(UserRefusal::Unknown));
    }

    #[test]
    fn tokens_from_before_the_users_moment_are_void() {
        let users = users();
        let at = |issued| {
            users
                .admit("okta:00u1", None, issued)
                .map(|user| user.user_id)
        };
        assert_eq!(at(999), Err(UserRefusal::Revoked));
        assert_eq!(at(1000), Ok(1));
    }

    #[test]
    fn a_token_is_denied_by_its_issuer_and_name_together() {
        let mut users = users();
        users.deny("okta".to_owned(), "t-1".to_owned());
        assert!(users.is_denied("okta", Some("t-1")));
        for (issuer, jti) in [
            ("okta", Some("t-2")),
            ("okta", None),
            ("entra", Some("t-1")),
            ("okta", Some("")),
        ] {
            assert!(!users.is_denied(issuer, jti), "{issuer} {jti:?}");
        }
    }

    #[test]
    fn a_user_who_is_not_active_is_turned_away_whatever_the_email_says() {
        let found = users()
            .admit("okta:00u3", Some("bob@example.com"), 2000)
            .cloned();
        assert_eq!(found, Err(UserRefusal::Inactive));
    }
}
