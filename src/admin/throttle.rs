//! Why: passwords can be guessed, so guessing is made slow: a few wrong ones for an account from
//! an address, and that pair waits. Hashing is dear as well, so only two run at a time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Tries for one account from one address within the window.
const PER_ACCOUNT: u32 = 10;
/// Tries from one address within the window, whatever the account.
const PER_ADDRESS: u32 = 200;
/// The window.
const WINDOW_MS: i64 = 15 * 60_000;
/// Most pairs that are remembered.
const MAX_REMEMBERED: usize = 20_000;

/// An address, and a short hash of an account; none stands for all accounts.
type Who = (IpAddr, Option<[u8; 8]>);

/// Counts tries to log in.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    tries: Mutex<HashMap<Who, Tries>>,
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    count: u32,
    since_ms: i64,
}

impl Throttle {
    /// Counts a try before it is judged, so that many at once do not slip through. `Err` holds
    /// the seconds to wait.
    pub(super) fn enter(&self, address: IpAddr, account: &str, now_ms: i64) -> Result<(), u64> {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        if tries.len() >= MAX_REMEMBERED {
            tries.retain(|_, known| now_ms.saturating_sub(known.since_ms) < WINDOW_MS);
        }
        if tries.len() >= MAX_REMEMBERED {
            return Err(60);
        }
        let pair = (address, Some(short(account)));
        for (who, most) in [(pair, PER_ACCOUNT), ((address, None), PER_ADDRESS)] {
            let known = tries.entry(who).or_insert(Tries {
                count: 0,
                since_ms: now_ms,
            });
            let age = now_ms.saturating_sub(known.since_ms);
            if age >= WINDOW_MS {
                *known = Tries {
                    count: 0,
                    since_ms: now_ms,
                };
            }
            if known.count >= most {
                let left = WINDOW_MS.saturating_sub(age).max(0);
                return Err(u64::try_from(left / 1000 + 1).unwrap_or(1));
            }
            known.count += 1;
        }
        Ok(())
    }

    /// A right password clears the pair.
    pub(super) fn clear(&self, address: IpAddr, account: &str) {
        let mut tries = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        tries.remove(&(address, Some(short(account))));
        if let Some(all) = tries.get_mut(&(address, None)) {
            all.count = all.count.saturating_sub(1);
        }
    }
}

fn short(account: &str) -> [u8; 8] {
    let hash = blake3::hash(account.to_lowercase().as_bytes());
    let [a, b, c, d, e, f, g, h, ..] = *hash.as_bytes();
    [a, b, c, d, e, f, g, h]
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[test]
    fn after_ten_tries_the_pair_waits_and_others_do_not() {
        let throttle = Throttle::default();
        for _ in 0..PER_ACCOUNT {
            assert_eq!(throttle.enter(HERE, "a@x", 0), Ok(()));
        }
        assert!(throttle.enter(HERE, "A@X", 1_000).is_err());
        assert_eq!(throttle.enter(HERE, "b@x", 1_000), Ok(()));
        assert_eq!(throttle.enter(HERE, "a@x", WINDOW_MS), Ok(()));
    }

    #[test]
    fn a_right_password_clears_the_pair() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            assert_eq!(throttle.enter(HERE, "a@x", 0), Ok(()));
            throttle.clear(HERE, "a@x");
        }
    }

    #[test]
    fn one_address_cannot_try_every_account() {
        let throttle = Throttle::default();
        let passed = (0..1_000).filter(|n| throttle.enter(HERE, &format!("{n}@x"), 0).is_ok());
        assert_eq!(passed.count(), PER_ADDRESS as usize);
    }
}
