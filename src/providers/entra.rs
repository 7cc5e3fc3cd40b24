//! Why: tokens of Entra ID live for an hour, and who gives them takes as long as it takes. So one loop asks, beside the
//! requests, well before a token ends, and requests only look at what it found. Tokens outlive a reload.
//!
//! Source: the client credentials grant of the Microsoft identity platform, v2.0.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use tokio::sync::Notify;

use crate::conf;
use crate::outbound::{Outbound, Request, Trust};

/// How long one request for a token may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the loop sleeps when nobody is due.
const IDLE: Duration = Duration::from_secs(3600);
/// How long a failure is waited out at most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A token is not used in the last moments of its life: it would end on the way.
const MARGIN: Duration = Duration::from_secs(30);
/// The kind of proof that a token of another issuer is (RFC 7523).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Every identity that a served configuration names. One per process.
#[derive(Debug)]
pub struct Identities {
    known: Mutex<Vec<Weak<Identity>>>,
    wake: Arc<Notify>,
    epoch: Instant,
}

/// One identity, and the token it was given last.
pub struct Identity {
    entra: conf::Entra,
    way: u64,
    outbound: Outbound,
    held: ArcSwapOption<Held>,
    plan: Mutex<Plan>,
    came: Notify,
    epoch: Instant,
}

/// A token, as its header.
struct Held {
    header: HeaderValue,
    /// On the process' clock.
    until: Duration,
}

/// When a token is asked for next, on the process' clock.
#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    due: Duration,
    failures: u32,
}

#[derive(Deserialize)]
struct Given {
    access_token: String,
    /// Seconds.
    expires_in: u64,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").finish_non_exhaustive()
    }
}

impl Default for Identities {
    fn default() -> Self {
        Self {
            known: Mutex::default(),
            wake: Arc::default(),
            epoch: Instant::now(),
        }
    }
}

impl Identities {
    /// The identity of these settings; the one that is known already where there is one. `way` numbers
    /// the way out of this network.
    pub fn identity(
        &self,
        entra: &conf::Entra,
        (way, outbound): (u64, &Outbound),
    ) -> Arc<Identity> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|identity| identity.strong_count() > 0);
        let same = known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|identity| identity.entra == *entra && identity.way == way);
        if let Some(same) = same {
            return same;
        }
        let identity = Arc::new(Identity {
            entra: entra.clone(),
            way,
            outbound: outbound.clone(),
            held: ArcSwapOption::empty(),
            plan: Mutex::default(),
            came: Notify::new(),
            epoch: self.epoch,
        });
        known.push(Arc::downgrade(&identity));
        self.wake.notify_one();
        identity
    }

    /// Keeps the token of every identity fresh, for ever. Runs in the supervisor of background work; it
    /// alone asks, so that no token is ever asked for twice at a time.
    pub async fn look_after(&self) {
        loop {
            let known = self.alive();
            let now = self.epoch.elapsed();
            let due = known.iter().filter(|identity| identity.plan().due <= now);
            let renewals = due.map(|identity| identity.renew());
            futures_util::future::join_all(renewals).await;
            let now = self.epoch.elapsed();
            let next = known.iter().map(|identity| identity.plan().due).min();
            let rest = next.map_or(IDLE, |next| next.saturating_sub(now).min(IDLE));
            drop(known);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = self.wake.notified() => {}
            }
        }
    }

    fn alive(&self) -> Vec<Arc<Identity>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|identity| identity.strong_count() > 0);
        known.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Identity {
    /// The header with the token, while there is one that may be used.
    #[must_use]
    pub fn header(&self) -> Option<HeaderValue> {
        let held = self.held.load();
        let held = held.as_ref()?;
        (self.epoch.elapsed() < held.until).then(|| held.header.clone())
    }

    /// Whether there is a token. Waits for the first, so long at most.
    pub async fn is_ready(&self, limit: Duration) -> bool {
        let came = self.came.notified();
        if self.header().is_some() {
            return true;
        }
        let _ = tokio::time::timeout(limit, came).await;
        self.header().is_some()
    }

    fn plan(&self) -> Plan {
        *self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn renew(&self) {
        let asked = self.ask().await;
        let now = self.epoch.elapsed();
        let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        match asked {
            Ok((header, life)) => {
                *plan = Plan {
                    due: now + life * 4 / 5,
                    failures: 0,
                };
                drop(plan);
                let until = now + life.saturating_sub(MARGIN.min(life / 2));
                self.held.store(Some(Arc::new(Held { header, until })));
                self.came.notify_waiters();
            }
            Err(why) => {
                let wait = Duration::from_secs(1 << plan.failures.min(5)).min(LONGEST_WAIT);
                plan.due = now + wait;
                plan.failures = plan.failures.saturating_add(1);
                drop(plan);
                let id = &self.entra.client_id;
                log::warn!(
                    "Entra ID gives '{id}' no access token: {why}; asking again in {wait:?}"
                );
            }
        }
    }

    /// A token as its header, and how long it lives.
    async fn ask(&self) -> Result<(HeaderValue, Duration), String> {
        let conf::Entra {
            tenant, authority, ..
        } = &self.entra;
        let url = format!(
            "{}/{tenant}/oauth2/v2.0/token",
            authority.trim_end_matches('/')
        );
        let mut request = Request::get(url, PATIENCE);
        request.method = http::Method::POST;
        request.body = self.form()?.into_bytes();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        request.headers.insert(CONTENT_TYPE, form);
        let called = self.outbound.call(request, Trust::Configured).await;
        let reply = called.map_err(|error| error.to_string())?;
        if reply.status != 200 {
            return Err(format!(
                "the answer is {}{}",
                reply.status,
                why(&reply.body)
            ));
        }
        let given: Given = serde_json::from_slice(&reply.body)
            .map_err(|_| "the answer holds no access_token with expires_in".to_owned())?;
        let header = HeaderValue::try_from(format!("Bearer {}", given.access_token));
        let mut header = header.map_err(|_| "the token is none that a header can hold")?;
        header.set_sensitive(true);
        // However absurd the figure: never every moment, never beyond a day.
        let life = given.expires_in.clamp(60, 86_400);
        Ok((header, Duration::from_secs(life)))
    }

    fn form(&self) -> Result<String, String> {
        let entra = &self.entra;
        let mut form = vec![
            ("grant_type", "client_credentials".to_owned()),
            ("client_id", entra.client_id.clone()),
            ("scope", entra.scope.clone()),
        ];
        if let Some(secret) = &entra.client_secret {
            form.push(("client_secret", secret.expose().to_owned()));
        }
        if let Some(file) = &entra.federated_token_file {
            let token = std::fs::read_to_string(file)
                .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
            form.push(("client_assertion_type", ASSERTION.to_owned()));
            form.push(("client_assertion", token.trim().to_owned()));
        }
        let encoded = form.iter().map(|(name, value)| {
            let value = super::sigv4::encoded(value, "");
            format!("{name}={value}")
        });
        Ok(encoded.collect::<Vec<_>>().join("&"))
    }
}

/// The code that Entra ID gives its refusals, such as `invalid_client`; its sentences may hold more
/// than a log should.
fn why(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    let refused: Option<Refused> = serde_json::from_slice(body).ok();
    let word = refused.map(|refused| refused.error).unwrap_or_default();
    let plain: String = word
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
        .take(64)
        .collect();
    match plain.is_empty() {
        true => String::new(),
        false => format!(" ({plain})"),
    }
}
