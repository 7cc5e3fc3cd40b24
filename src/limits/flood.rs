//! Why: before anybody is authenticated, one address must not be able to occupy the gateway. An
//! approximate count is enough for that, and its memory does not grow with the number of addresses.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use pingora_limits::rate::Rate;

/// Requests of each client address over a short window. Counts may come out too high when very
/// many addresses call at once, never too low.
pub struct FloodGuard {
    rate: ArcSwap<(Duration, Rate)>,
}

impl fmt::Debug for FloodGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FloodGuard").finish_non_exhaustive()
    }
}

impl Default for FloodGuard {
    fn default() -> Self {
        let second = Duration::from_secs(1);
        Self {
            rate: ArcSwap::from_pointee((second, Rate::new(second))),
        }
    }
}

impl FloodGuard {
    /// Counts over windows of another length from here on.
    pub fn set_window(&self, window: Duration) {
        if self.rate.load().0 != window {
            self.rate.store(Arc::new((window, Rate::new(window))));
        }
    }

    /// Counts a request of `address`. False when there were more than `limit` in the window; 0
    /// lets everything through.
    pub fn admit(&self, address: IpAddr, limit: u64) -> bool {
        if limit == 0 {
            return true;
        }
        let count = self.rate.load().1.observe(&address, 1);
        u64::try_from(count).is_ok_and(|count| count <= limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_is_stopped_and_another_is_not() {
        let guard = FloodGuard::default();
        guard.set_window(Duration::from_secs(3600));
        let loud = IpAddr::from([10, 0, 0, 1]);
        let admitted = (0..100).filter(|_| guard.admit(loud, 10)).count();
        assert_eq!(admitted, 10);
        assert!(guard.admit(IpAddr::from([10, 0, 0, 2]), 10));
        assert!((0..100).all(|_| guard.admit(loud, 0)));
    }
}
