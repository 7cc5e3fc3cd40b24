//! Why: a policy is compiled for every team that has one, and most of them look for the same. What is large is made once
//! and shared.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};

use alfred_filters::guard::Entity;
use alfred_filters::guard::injection::Injection;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::allow_hash;
use alfred_filters::guard::secrets::Secrets;

use super::known::Known;

/// What all guards of a process have in common.
pub struct Tools {
    /// Keys the hashes of values that are let through.
    allow_key: [u8; 32],
    known: Arc<Known>,
    secrets: OnceLock<Arc<Secrets>>,
    judge: OnceLock<Arc<Injection>>,
    /// By the kinds that they look for, as long as any policy uses them.
    pii: Mutex<HashMap<Vec<Entity>, Weak<Pii>>>,
}

impl Tools {
    /// With `key` as what no client knows.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        let known = blake3::derive_key("alfred 2026 guard known texts", &key);
        Self {
            allow_key: key,
            known: Arc::new(Known::new(known)),
            secrets: OnceLock::new(),
            judge: OnceLock::new(),
            pii: Mutex::default(),
        }
    }

    /// The hash under which a value is let through.
    #[must_use]
    pub fn allow_hash(&self, value: &str) -> String {
        blake3::Hash::from(allow_hash(&self.allow_key, value))
            .to_hex()
            .to_string()
    }

    pub(super) fn allow_key(&self) -> [u8; 32] {
        self.allow_key
    }

    /// What keys the memories of services.
    pub(super) fn memory_key(&self) -> [u8; 32] {
        blake3::derive_key("alfred 2026 guard services", &self.allow_key)
    }

    pub(super) fn known(&self) -> &Arc<Known> {
        &self.known
    }

    pub(super) fn secrets(&self) -> Arc<Secrets> {
        Arc::clone(self.secrets.get_or_init(|| Arc::new(Secrets::new())))
    }

    pub(super) fn judge(&self) -> Arc<Injection> {
        Arc::clone(self.judge.get_or_init(|| Arc::new(Injection::shipped())))
    }

    /// The scanner for these kinds, in order and each once.
    pub(super) fn pii(&self, kinds: Vec<Entity>) -> Arc<Pii> {
        let mut made = self.pii.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(&kinds).and_then(Weak::upgrade) {
            return known;
        }
        made.retain(|_, scanner| scanner.strong_count() > 0);
        let scanner = Arc::new(Pii::new(&kinds));
        made.insert(kinds, Arc::downgrade(&scanner));
        scanner
    }
}

impl fmt::Debug for Tools {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tools").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scanners_are_shared_as_long_as_they_are_used() {
        let tools = Tools::new([1; 32]);
        let kinds = || vec![Entity::Email, Entity::Iban];
        let one = tools.pii(kinds());
        assert!(Arc::ptr_eq(&one, &tools.pii(kinds())));
        assert!(!Arc::ptr_eq(&one, &tools.pii(vec![Entity::Email])));
        drop(one);
        tools.pii(vec![Entity::Phone]);
        let made = tools.pii.lock().expect("a lock");
        assert!(
            !made.contains_key(&kinds()),
            "what nobody uses is forgotten"
        );
    }
}
