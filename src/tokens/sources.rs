//! Why: an issuer changes its keys when it likes, and asking it takes as long as it takes. So one loop asks, beside the
//! requests, and requests only look at what it found. Keys outlive a reload: an issuer that is still configured is
//! believed without being asked anew, even while it is away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::header::{ACCEPT, HeaderValue};
use tokio::sync::Notify;

use super::jwk;
use super::key::KeySet;
use super::schedule::Schedule;
use crate::outbound::{Outbound, Request, Trust};

/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the loop sleeps when nobody is due.
const IDLE: Duration = Duration::from_secs(3600);

/// Every address of keys that a served configuration names. One per process.
#[derive(Debug)]
pub struct KeySources {
    known: Mutex<Vec<Weak<KeySource>>>,
    wake: Arc<Notify>,
    epoch: Instant,
}

impl Default for KeySources {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            wake: Arc::default(),
            epoch: Instant::now(),
        }
    }
}

/// The keys at one address, fetched in one way.
#[derive(Debug)]
pub(super) struct KeySource {
    url: String,
    refresh: Duration,
    way: u64,
    outbound: Outbound,
    /// What was read last, and BLAKE3 of it.
    found: ArcSwap<Found>,
    schedule: Mutex<Schedule>,
    wanted: AtomicBool,
    wake: Arc<Notify>,
}

#[derive(Debug)]
struct Found {
    /// `None`: nothing yet, or nothing that may still be believed.
    keys: Option<Arc<KeySet>>,
    document: Option<blake3::Hash>,
}

impl KeySources {
    /// The source of this address; the one that is known already where there is one. `way` numbers the way out of
    /// this network: through another one the keys are fetched anew, and known ones are believed until then.
    pub(super) fn source(
        &self,
        url: &str,
        refresh: Duration,
        (way, outbound): (u64, &Outbound),
    ) -> Arc<KeySource> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|source| source.strong_count() > 0);
        let same: Vec<_> = known.iter().filter_map(Weak::upgrade).collect();
        let mut same = same.into_iter().filter(|source| source.url == url);
        let mut kept = None;
        let is_it = |source: &Arc<KeySource>| source.refresh == refresh && source.way == way;
        if let Some(it) = same.find(|source| {
            kept = Some((source.found.load_full(), source.schedule()));
            is_it(source)
        }) {
            return it;
        }
        let (found, schedule) = match kept {
            Some((found, schedule)) => (found, schedule.anew()),
            None => (Arc::new(Found::nothing()), Schedule::default()),
        };
        let source = Arc::new(KeySource {
            url: url.to_owned(),
            refresh,
            way,
            outbound: outbound.clone(),
            found: ArcSwap::from(found),
            schedule: Mutex::new(schedule),
            wanted: AtomicBool::new(false),
            wake: Arc::clone(&self.wake),
        });
        known.push(Arc::downgrade(&source));
        self.wake.notify_one();
        source
    }

    /// Keeps the keys of every source fresh, for ever. Runs in the supervisor of background work; it alone fetches, so
    /// that no key is ever fetched twice at a time.
    pub async fn look_after(&self) {
        loop {
            let sources = self.alive();
            let now = self.epoch.elapsed();
            let due = sources.iter().filter(|source| source.due() <= now);
            let fetches = due.map(|source| source.fetch(self.epoch));
            futures_util::future::join_all(fetches).await;
            let now = self.epoch.elapsed();
            let next = sources.iter().map(|source| source.due()).min();
            let rest = next.map_or(IDLE, |next| next.saturating_sub(now).min(IDLE));
            drop(sources);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    fn alive(&self) -> Vec<Arc<KeySource>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|source| source.strong_count() > 0);
        known.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Found {
    const fn nothing() -> Self {
        Self {
            keys: None,
            document: None,
        }
    }
}

impl KeySource {
    /// The keys as they were last read; `None` when there are none to be believed.
    pub(super) fn keys(&self) -> Option<Arc<KeySet>> {
        self.found.load().keys.clone()
    }

    /// The number of those keys.
    pub(super) fn number(&self) -> Option<u64> {
        Some(self.found.load().keys.as_ref()?.number)
    }

    /// A token names a key that is not known: it may be new.
    pub(super) fn want(&self) {
        if !self.wanted.swap(true, Ordering::AcqRel) {
            self.wake.notify_one();
        }
    }

    fn schedule(&self) -> Schedule {
        *self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn due(&self) -> Duration {
        let wanted = self.wanted.load(Ordering::Acquire);
        self.schedule().due(self.refresh, wanted)
    }

    async fn fetch(&self, epoch: Instant) {
        // Whoever misses a key from now on may mean one that this fetch does not bring.
        self.wanted.store(false, Ordering::Release);
        let read = self.read().await;
        let now = epoch.elapsed();
        let mut schedule = self.schedule.lock().unwrap_or_else(PoisonError::into_inner);
        match read {
            Ok(found) => {
                schedule.learn(now);
                drop(schedule);
                self.take(found);
            }
            Err(why) => {
                let is_too_old = schedule.fail(now);
                drop(schedule);
                log::warn!("the keys at {} cannot be fetched: {why}", self.url);
                if is_too_old && self.number().is_some() {
                    log::error!(
                        "the keys of {} are a day old and are not believed any longer",
                        self.url
                    );
                    self.found.store(Arc::new(Found::nothing()));
                }
            }
        }
    }

    async fn read(&self) -> Result<Found, String> {
        let mut request = Request::get(self.url.clone(), PATIENCE);
        let json = HeaderValue::from_static("application/json");
        request.headers.insert(ACCEPT, json);
        let called = self.outbound.call(request, Trust::Configured).await;
        let reply = called.map_err(|error| error.to_string())?;
        if reply.status != 200 {
            return Err(format!("the answer is {}", reply.status));
        }
        let keys = jwk::keys(&reply.body).map_err(|error| format!("the answer {error}"))?;
        Ok(Found {
            keys: Some(Arc::new(KeySet::new(keys))),
            document: Some(blake3::hash(&reply.body)),
        })
    }

    /// The same document is the same keys: tokens that were checked with them stay checked.
    fn take(&self, found: Found) {
        if self.found.load().document == found.document {
            return;
        }
        let count = found.keys.as_ref().map_or(0, |keys| keys.keys.len());
        match count {
            0 => log::error!(
                "there is no key at {} that may be used, so none of its tokens is",
                self.url
            ),
            count => log::info!("{count} keys of {} are known", self.url),
        }
        self.found.store(Arc::new(found));
    }
}
