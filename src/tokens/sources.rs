//! Why: an issuer changes its keys when it likes, so they are renewed beside the requests. Keys outlive a reload: an
//! issuer that is still configured is believed without being asked anew, even while it is away.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::header::{ACCEPT, HeaderValue};
use tokio::sync::Notify;

use super::jwk;
use super::key::KeySet;
use super::schedule::Schedule;
use crate::outbound::{Outbound, Renewals, Renewed, Request, Trust};

/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Every address of keys that a served configuration names. One per process.
#[derive(Debug, Default)]
pub struct KeySources(Renewals<KeySource>);

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
        self.0.one(|known| {
            let mut same = known.iter().filter(|source| source.url == url);
            let mut kept = None;
            if let Some(it) = same.find(|source| {
                kept = Some((source.found.load_full(), source.schedule()));
                source.refresh == refresh && source.way == way
            }) {
                return Ok(Arc::clone(it));
            }
            let (found, schedule) = match kept {
                Some((found, schedule)) => (found, schedule.anew()),
                None => (Arc::new(Found::nothing()), Schedule::default()),
            };
            Err(Arc::new(KeySource {
                url: url.to_owned(),
                refresh,
                way,
                outbound: outbound.clone(),
                found: ArcSwap::from(found),
                schedule: Mutex::new(schedule),
                wanted: AtomicBool::new(false),
                wake: self.0.wake(),
            }))
        })
    }

    /// Keeps the keys of every source fresh, for ever.
    pub async fn look_after(&self) {
        self.0.look_after().await;
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

impl Renewed for KeySource {
    fn due(&self) -> Duration {
        let wanted = self.wanted.load(Ordering::Acquire);
        self.schedule().due(self.refresh, wanted)
    }

    async fn renew(&self, epoch: Instant) {
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
