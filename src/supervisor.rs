//! The supervisor of background work: the one place where tasks live that no request owns.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;

use crate::admin;
use crate::audit::Signer;
use crate::conf::Watch;
use crate::exchange::unix_ms;
use crate::guards::{Layer, Owner};
use crate::ledger;
use crate::living::Living;
use crate::mock::Mock;
use crate::outbound::Outbound;
use crate::reload::{Reloader, Trigger};
use crate::secrets::{KnownUser, KnownUsers};
use crate::store::governance::GuardOwnerType;
use crate::store::{Store, StoreFault};
use crate::telemetry;

/// How often the key store is asked for changes; a revocation is seen within two seconds.
const KEY_REFRESH: Duration = Duration::from_millis(500);

/// How often the books are looked through for what time brings.
const HOUSEKEEPING: Duration = Duration::from_secs(10);

/// How often what is out of date is forgotten: answers that may be repeated, sessions, denied tokens.
const TIDYING: Duration = Duration::from_secs(3_600);

/// How often refusals are written down and settlements sealed.
const AUDIT: Duration = Duration::from_secs(1);

/// Refusals in one transaction.
const AUDITED: usize = 500;

/// How often what guards found is written down.
const FINDINGS: Duration = Duration::from_secs(2);

/// How often it is written down when keys were last used.
const USED: Duration = Duration::from_secs(30);

/// How often wallets at their soft limit are looked for.
const ALERTS: Duration = Duration::from_secs(1);

/// How often the gateway's port is tried at start.
const KNOCK: Duration = Duration::from_millis(2);

/// How often the files of the configuration are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How soon they are looked at again when they have changed.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What runs beside the requests.
pub struct Supervisor {
    living: Arc<Living>,
    reloader: Arc<Reloader>,
    store: Arc<dyn Store>,
    telemetry: Mutex<Option<TcpListener>>,
    admin: Mutex<Option<TcpListener>>,
    mock: Mutex<Option<TcpListener>>,
    gateway: SocketAddr,
    usage_log: Option<PathBuf>,
    signer: Option<Arc<Signer>>,
}

/// The listeners that the supervisor serves, bound before anything starts so that a taken port is
/// a clear error.
pub struct Ports {
    /// Where metrics and health are read.
    pub telemetry: TcpListener,
    /// Where people manage what is served and whom.
    pub admin: TcpListener,
    /// Where the built-in mock answers.
    pub mock: TcpListener,
    /// Where Pingora will listen; readiness waits for it.
    pub gateway: SocketAddr,
}

impl Supervisor {
    /// A supervisor that has not begun. The mock appends a line per answer to `usage_log`.
    #[must_use]
    pub fn new(
        reloader: Arc<Reloader>,
        store: Arc<dyn Store>,
        ports: Ports,
        usage_log: Option<PathBuf>,
    ) -> Self {
        Self {
            living: Arc::clone(&reloader.status().gateway.living),
            reloader,
            store,
            telemetry: Mutex::new(Some(ports.telemetry)),
            admin: Mutex::new(Some(ports.admin)),
            mock: Mutex::new(Some(ports.mock)),
            gateway: ports.gateway,
            usage_log,
            signer: None,
        }
    }

    /// Signs the blocks of settlements; without a signer nothing is sealed.
    #[must_use]
    pub fn with_signer(mut self, signer: Signer) -> Self {
        self.signer = Some(Arc::new(signer));
        self
    }

    /// Runs everything until the process ends.
    pub async fn run(&self) {
        tokio::join!(
            self.living.resolver.run(),
            self.living.look_after_endpoints(),
            self.living.token_keys.look_after(),
            self.living.identities.look_after(),
            self.refresh_keys(),
            self.await_gateway(),
            self.serve_telemetry(),
            self.serve_admin(),
            self.serve_mock(),
            self.heed_hangups(),
            self.watch_files(),
            self.keep_house(),
            self.send_alerts(),
            self.audit(),
            self.count_findings(),
            self.note_used_keys(),
        );
    }

    /// Readiness begins when the gateway's port takes connections.
    async fn await_gateway(&self) {
        let mut address = self.gateway;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(KNOCK).await;
        }
        self.living.health.set_started();
    }

    async fn refresh_keys(&self) {
        let told = self.hear();
        // Owed until it is read: should that fail after the keys were, they do not change again.
        let owes_people = Arc::new(AtomicBool::new(true));
        loop {
            // A change of another process is told at once; looking goes on all the same.
            let _ = tokio::time::timeout(KEY_REFRESH, told.notified()).await;
            let (living, store) = (Arc::clone(&self.living), Arc::clone(&self.store));
            let owes = Arc::clone(&owes_people);
            let refreshed = tokio::task::spawn_blocking(move || {
                let changed = living.keyring.refresh(&*store)?;
                owes.fetch_or(changed, Ordering::AcqRel);
                if owes.load(Ordering::Acquire) {
                    living.keyring.set_users(known_users(&*store)?);
                    living.guards.set_layers(guard_layers(&*store)?);
                    owes.store(false, Ordering::Release);
                }
                Ok::<_, StoreFault>(changed)
            });
            match refreshed.await {
                Ok(Ok(changed)) => {
                    self.living.health.set_store(true);
                    if changed {
                        let keys = self.reloader.world().load().keys();
                        let count = i64::try_from(keys).unwrap_or(i64::MAX);
                        self.living.metrics.keys.set(count);
                        log::info!("{count} API keys are known");
                    }
                }
                Ok(Err(error)) => {
                    self.living.health.set_store(false);
                    log::error!(
                        "the key store cannot be read, the keys stay as they were: {error}"
                    );
                }
                Err(error) => log::error!("the key store's reader failed: {error}"),
            }
        }
    }

    /// Wakes whoever waits when another process tells of a change.
    fn hear(&self) -> Arc<Notify> {
        let told = Arc::new(Notify::new());
        if let Some(notices) = self.store.listen() {
            let (teller, treasury) = (Arc::clone(&told), self.living.treasury.clone());
            let listening = std::thread::Builder::new()
                .name("store-notices".to_owned())
                .spawn(move || {
                    for notice in notices {
                        match notice.as_str() {
                            "keys" => teller.notify_one(),
                            _ => treasury.iter().for_each(|treasury| treasury.hurry()),
                        }
                    }
                });
            if let Err(error) = listening {
                log::warn!("changes of other processes are seen only by looking: {error}");
            }
        }
        told
    }

    /// What time brings to the books: new periods, absences, loans that come back.
    async fn keep_house(&self) {
        let Some(treasury) = self.living.treasury.clone() else {
            return;
        };
        let mut tidied: Option<Instant> = None;
        loop {
            if tidied.is_none_or(|last| last.elapsed() >= TIDYING) {
                tidied = Some(Instant::now());
                self.tidy().await;
            }
            let treasury = Arc::clone(&treasury);
            let kept = tokio::task::spawn_blocking(move || treasury.keep_house()).await;
            if !matches!(kept, Ok(Ok(()))) {
                log::warn!("the books could not be looked through; it is tried again: {kept:?}");
            }
            tokio::time::sleep(HOUSEKEEPING).await;
        }
    }

    /// Forgets what is out of date.
    async fn tidy(&self) {
        let store = Arc::clone(&self.store);
        let tidied = tokio::task::spawn_blocking(move || store.tidy(unix_ms())).await;
        if let Ok(Err(fault)) = tidied {
            log::warn!("what is out of date is kept for another hour: {fault}");
        }
    }

    /// Writes refusals of policy into the audit chain, and seals what was settled.
    async fn audit(&self) {
        let Some(signer) = self.signer.clone() else {
            return;
        };
        loop {
            tokio::time::sleep(AUDIT).await;
            let (living, store) = (Arc::clone(&self.living), Arc::clone(&self.store));
            let signer = Arc::clone(&signer);
            let audited = tokio::task::spawn_blocking(move || {
                let events = living.policy.take(AUDITED, unix_ms());
                if !events.is_empty()
                    && let Err(fault) = store.record(&events)
                {
                    living.policy.put_back(events);
                    return Err(fault);
                }
                store.seal(&signer, unix_ms())
            });
            if let Ok(Err(fault)) = audited.await {
                log::warn!("the audit is behind and will catch up: {fault}");
            }
        }
    }

    /// Writes down what guards found.
    async fn count_findings(&self) {
        loop {
            tokio::time::sleep(FINDINGS).await;
            let (living, store) = (Arc::clone(&self.living), Arc::clone(&self.store));
            let counted = tokio::task::spawn_blocking(move || {
                let counts = living.findings.take();
                let written = match counts.is_empty() {
                    true => Ok(()),
                    false => store.count_findings(&counts),
                };
                if written.is_err() {
                    living.findings.put_back(counts);
                }
                written
            });
            if let Ok(Err(fault)) = counted.await {
                log::warn!("what guards found is written down later: {fault}");
            }
        }
    }

    /// Writes down when keys were last used.
    async fn note_used_keys(&self) {
        loop {
            tokio::time::sleep(USED).await;
            let (living, store) = (Arc::clone(&self.living), Arc::clone(&self.store));
            let noted = tokio::task::spawn_blocking(move || match living.keyring.take_used() {
                used if used.is_empty() => Ok(()),
                used => store.note_used(&used),
            });
            if let Ok(Err(fault)) = noted.await {
                log::warn!("when keys were last used is not known for half a minute: {fault}");
            }
        }
    }

    /// Tells the operator of wallets that reach their soft limit.
    async fn send_alerts(&self) {
        let Some(treasury) = &self.living.treasury else {
            return;
        };
        loop {
            tokio::time::sleep(ALERTS).await;
            let reached = treasury.soft_limits();
            let gateway = self.reloader.world().load_full();
            let Some(alerts) = gateway
                .config
                .ledger
                .alerts
                .as_ref()
                .filter(|_| !reached.is_empty())
            else {
                continue;
            };
            match Outbound::new(&gateway.egress) {
                Ok(outbound) => ledger::tell(&reached, alerts, &outbound).await,
                Err(error) => log::warn!("nobody can be told of soft limits: {error}"),
            }
        }
    }

    /// SIGHUP: the configuration is read again.
    async fn heed_hangups(&self) {
        let Ok(mut hangup) = signal(SignalKind::hangup()) else {
            log::error!("SIGHUP cannot be received");
            return;
        };
        while hangup.recv().await.is_some() {
            let reload = |reloader: &Reloader| drop(reloader.reload(Trigger::Signal));
            self.apart(reload).await;
        }
    }

    /// Files that changed and are still: the configuration is read again. What can be read only once is not watched.
    async fn watch_files(&self) {
        if !self.reloader.can_reload() {
            return;
        }
        let mut watch = Watch::default();
        loop {
            tokio::time::sleep(if watch.is_stirred() { LOOK_AGAIN } else { LOOK }).await;
            let reloader = Arc::clone(&self.reloader);
            // A network share may take its time.
            let Ok(seen) = tokio::task::spawn_blocking(move || reloader.look()).await else {
                continue;
            };
            if watch.look(seen.clone(), self.living.now()) {
                self.apart(move |reloader| reloader.follow(&seen)).await;
            }
        }
    }

    /// Lets the reloader work where it may block.
    async fn apart(&self, work: impl FnOnce(&Reloader) + Send + 'static) {
        let reloader = Arc::clone(&self.reloader);
        let worked = tokio::task::spawn_blocking(move || work(&reloader)).await;
        if let Err(error) = worked {
            log::error!("the reload failed, the old configuration serves on: {error}");
        }
    }

    async fn serve_telemetry(&self) {
        let Some(listener) = take(&self.telemetry) else {
            return;
        };
        let (metrics, health) = (self.living.metrics.clone(), self.living.health.clone());
        let served = telemetry::serve(listener, metrics, health, std::future::pending()).await;
        if let Err(error) = served {
            log::error!("the telemetry port is closed: {error}");
        }
    }

    async fn serve_admin(&self) {
        let Some(listener) = take(&self.admin) else {
            return;
        };
        let (reloader, store) = (Arc::clone(&self.reloader), Arc::clone(&self.store));
        let served = admin::serve(listener, reloader, store, std::future::pending()).await;
        if let Err(error) = served {
            log::error!("the admin port is closed: {error}");
        }
    }

    async fn serve_mock(&self) {
        let Some(listener) = take(&self.mock) else {
            return;
        };
        match Mock::from_listener(listener, self.usage_log.as_deref()) {
            Ok(mock) => mock.serve(std::future::pending()).await,
            Err(error) => log::error!("the built-in mock cannot be started: {error}"),
        }
    }
}

/// Everybody who may present a token of another issuer, and the tokens that are not taken.
///
/// # Errors
/// The store cannot be read.
pub fn known_users(store: &dyn Store) -> Result<KnownUsers, StoreFault> {
    let mut users = KnownUsers::default();
    for (issuer, jti) in store.denials()? {
        users.deny(issuer, jti);
    }
    for person in store.people()? {
        let user = KnownUser {
            user_id: person.user_id,
            team_id: person.team_id,
            org_id: person.org_id,
            is_active: person.is_active,
            tokens_valid_after_ms: person.tokens_valid_after,
        };
        users.add(user, person.subject.as_deref(), Some(&person.email));
    }
    Ok(users)
}

/// What organisations, teams and keys want their texts screened with.
///
/// # Errors
/// The store cannot be read.
pub fn guard_layers(store: &dyn Store) -> Result<Vec<Layer>, StoreFault> {
    let rows = store.all_guard_policies()?;
    let layers = rows.into_iter().map(|row| Layer {
        owner: match row.owner_type {
            GuardOwnerType::Organisation => Owner::Organisation(row.owner_id),
            GuardOwnerType::Team => Owner::Team(row.owner_id),
            GuardOwnerType::Key => Owner::Key(row.owner_id),
        },
        organisation: row.org_id,
        team: row.team_id,
        document: row.policy,
    });
    Ok(layers.collect())
}

fn take(listener: &Mutex<Option<TcpListener>>) -> Option<tokio::net::TcpListener> {
    let taken = listener
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take()?;
    let listener = taken
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(taken));
    listener
        .inspect_err(|error| log::error!("a listener cannot be used: {error}"))
        .ok()
}
