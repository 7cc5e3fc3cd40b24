//! Why: tokens of Entra ID live for an hour, so they are renewed beside the requests, well before they end.
//!
//! Source: the client credentials grant of the Microsoft identity platform, v2.0.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use tokio::sync::Notify;

use crate::conf;
use crate::outbound::{Outbound, Renewals, Renewed, Request, Trust};

/// How long one request for a token may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a failure is waited out at most.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// A token is not used in the last moments of its life: it would end on the way.
const MARGIN: Duration = Duration::from_secs(30);
/// The kind of proof that a token of another issuer is (RFC 7523).
const ASSERTION: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Every identity that a served configuration names. One per process.
#[derive(Debug, Default)]
pub struct Identities(Renewals<Identity>);

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

impl Identities {
    /// The identity of these settings; the one that is known already where there is one. `way` numbers
    /// the way out of this network.
    pub fn identity(
        &self,
        entra: &conf::Entra,
        (way, outbound): (u64, &Outbound),
    ) -> Arc<Identity> {
        self.0.one(|known| {
            let same = |identity: &&Arc<Identity>| identity.entra == *entra && identity.way == way;
            if let Some(same) = known.iter().find(same) {
                return Ok(Arc::clone(same));
            }
            Err(Arc::new(Identity {
                entra: entra.clone(),
                way,
                outbound: outbound.clone(),
                held: ArcSwapOption::empty(),
                plan: Mutex::default(),
                came: Notify::new(),
                epoch: self.0.epoch(),
            }))
        })
    }

    /// Keeps the token of every identity fresh, for ever.
    pub async fn look_after(&self) {
        self.0.look_after().await;
    }
}

impl Renewed for Identity {
    fn due(&self) -> Duration {
        let plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
        plan.due
    }

    async fn renew(&self, epoch: Instant) {
        let asked = self.ask().await;
        let now = epoch.elapsed();
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
