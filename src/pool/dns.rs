//! Host names to addresses, away from the requests.
//!
//! Pingora's own look-up blocks the worker and panics when it fails. Here a supervisor looks every
//! name up at start and again from time to time; requests read the last answer.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

/// How long an answer is used before the name is looked up again.
const REFRESH: Duration = Duration::from_secs(30);
/// How soon a name that has no address is looked up again.
const RETRY: Duration = Duration::from_secs(2);
/// The longest look-up that is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// A host name with its current addresses.
#[derive(Debug)]
pub struct Host {
    name: String,
    port: u16,
    addresses: ArcSwap<Vec<SocketAddr>>,
    turn: AtomicUsize,
    looked_up: watch::Sender<bool>,
    literal: bool,
}

impl Host {
    /// A host that has not been looked up; an IP address (IPv6 also in brackets) needs no look-up.
    #[must_use]
    pub fn new(name: &str, port: u16) -> Self {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        let literal = bare.parse::<IpAddr>().ok();
        let addresses = literal.map(|ip| SocketAddr::new(ip, port)).into_iter();
        Self {
            name: name.to_owned(),
            port,
            addresses: ArcSwap::from_pointee(addresses.collect()),
            turn: AtomicUsize::new(0),
            looked_up: watch::Sender::new(literal.is_some()),
            literal: literal.is_some(),
        }
    }

    /// `host:port`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.name, self.port)
    }

    /// The name without the port, as TLS and the `Host` header need it.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.name
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// One of the addresses, in turn; `None` when the name has none.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        let addresses = self.addresses.load();
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        addresses.get(turn.checked_rem(addresses.len())?).copied()
    }

    /// The same, but waits up to `patience` for the first look-up after the start.
    pub async fn first_address(&self, patience: Duration) -> Option<SocketAddr> {
        if let Some(address) = self.address() {
            return Some(address);
        }
        let mut looked_up = self.looked_up.subscribe();
        let _ = tokio::time::timeout(patience, looked_up.wait_for(|done| *done)).await;
        self.address()
    }

    /// Looks the name up; keeps the last answer when that fails.
    async fn look_up(&self) {
        let bare = self.name.trim_start_matches('[').trim_end_matches(']');
        let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((bare, self.port)));
        match found.await {
            Ok(Ok(addresses)) => {
                let addresses: Vec<_> = addresses.collect();
                if !addresses.is_empty() {
                    self.addresses.store(Arc::new(addresses));
                }
            }
            Ok(Err(error)) => {
                log::warn!(host = self.name.as_str(); "host name look-up failed: {error}");
            }
            Err(_) => log::warn!(host = self.name.as_str(); "host name look-up took too long"),
        }
        self.looked_up.send_replace(true);
    }
}

/// Every host of the configuration, and the supervisor that looks them up.
#[derive(Debug, Default)]
pub struct Resolver {
    hosts: Mutex<BTreeMap<String, Weak<Host>>>,
    /// A host was added, which nobody should wait for longer than its look-up takes.
    added: Notify,
}

impl Resolver {
    /// The host of that name; the same one for the same name, also after a reload. It is looked up while any world
    /// has it.
    #[must_use]
    pub fn host(&self, name: &str, port: u16) -> Arc<Host> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let id = format!("{name}:{port}");
        if let Some(host) = hosts.get(&id).and_then(Weak::upgrade) {
            return host;
        }
        hosts.retain(|_, host| host.strong_count() > 0);
        let host = Arc::new(Host::new(name, port));
        hosts.insert(id, Arc::downgrade(&host));
        if !host.literal {
            self.added.notify_one();
        }
        host
    }

    /// Looks names up for ever. Runs in the supervisor of background work.
    pub async fn run(&self) {
        loop {
            let due = self.names();
            futures_util::future::join_all(due.iter().map(|host| host.look_up())).await;
            let missing = due.iter().any(|host| host.addresses.load().is_empty());
            drop(due);
            let rest = tokio::time::sleep(if missing { RETRY } else { REFRESH });
            tokio::select! {
                () = rest => {}
                () = self.added.notified() => {}
            }
        }
    }

    /// The hosts that have to be looked up.
    fn names(&self) -> Vec<Arc<Host>> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let alive = hosts.values().filter_map(Weak::upgrade);
        alive.filter(|host| !host.literal).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ip_address_needs_no_look_up() {
        let host = Host::new("[::1]", 8080);
        assert_eq!(
            host.address(),
            Some("[::1]:8080".parse().expect("an address"))
        );
        assert_eq!(Host::new("localhost", 1).address(), None);
    }

    #[tokio::test]
    async fn a_name_is_found_and_an_unknown_one_keeps_no_address() {
        let host = Host::new("localhost", 8080);
        host.look_up().await;
        assert!(
            host.first_address(Duration::ZERO)
                .await
                .is_some_and(|a| a.ip().is_loopback())
        );
        let nowhere = Host::new("nowhere.invalid", 1);
        nowhere.look_up().await;
        assert_eq!(nowhere.first_address(Duration::ZERO).await, None);
    }

    #[tokio::test]
    async fn a_host_that_a_reload_adds_is_looked_up_at_once_and_a_removed_one_no_more() {
        let resolver = Resolver::default();
        let first = resolver.host("localhost", 1);
        let looking = async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let second = resolver.host("localhost", 2);
            assert!(Arc::ptr_eq(&second, &resolver.host("localhost", 2)));
            drop(first);
            let found = second.first_address(Duration::from_secs(10)).await;
            assert!(found.is_some_and(|address| address.port() == 2));
            assert_eq!(resolver.names().len(), 1);
        };
        tokio::select! {
            () = resolver.run() => {}
            () = looking => {}
        }
    }
}
