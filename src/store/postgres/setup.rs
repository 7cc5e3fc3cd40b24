//! Why: how a database is reached, and what is said when it is not: without its password, and
//! with what to do.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::super::{StoreFault, StoreProblem, migrate};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a peer may be silent on the wire.
const SILENCE: Duration = Duration::from_secs(20);
/// The oldest server whose SQL is spoken.
const OLDEST: u32 = 14;
/// The server's own limits, in milliseconds.
const LIMITS: &str =
    "-c statement_timeout=30000 -c lock_timeout=10000 -c idle_in_transaction_session_timeout=60000";

/// How a PostgreSQL database is reached.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?sslmode=…`
    pub url: String,
    /// The same of a replica that may be asked for reports.
    pub replica_url: Option<String>,
    /// Connections of this process.
    pub pool: usize,
    /// PEM file of authorities that are trusted beside the system's.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("url", &"***")
            .field("pool", &self.pool)
            .finish_non_exhaustive()
    }
}

/// The primary's pool, its tables up to date, and the replica's.
pub(super) async fn pools(
    settings: &PostgresSettings,
) -> Result<(Pool, Option<Pool>), StoreProblem> {
    let primary = pool(settings, &settings.url)?;
    let mut connection = primary.get().await.map_err(|error| match error {
        deadpool_postgres::PoolError::Backend(error) => sorted(&error),
        error => problem(&error),
    })?;
    let version = connection.query_one("SHOW server_version_num", &[]).await;
    let version = version.map_err(|error| sorted(&error))?;
    let version: u32 = version.get::<_, &str>(0).parse().unwrap_or(0);
    if version / 10_000 < OLDEST {
        return Err(StoreProblem::TooOld {
            found: version / 10_000,
            oldest: OLDEST,
        });
    }
    migrate::run_postgres(&mut connection).await?;
    let replica = settings.replica_url.as_deref();
    let replica = replica.map(|url| pool(settings, url)).transpose()?;
    Ok((primary, replica))
}

fn pool(settings: &PostgresSettings, url: &str) -> Result<Pool, StoreProblem> {
    let (config, tls) = configured(url, settings).map_err(|error| sorted(&error))?;
    let manager = ManagerConfig {
        recycling_method: RecyclingMethod::Fast,
    };
    Pool::builder(Manager::from_config(config, tls, manager))
        .max_size(settings.pool.max(2))
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(SILENCE))
        .create_timeout(Some(CONNECT))
        .build()
        .map_err(|error| problem(&error))
}

/// The settings of a connection to the primary.
pub(super) fn config(
    settings: &PostgresSettings,
) -> Result<(Config, MakeRustlsConnect), tokio_postgres::Error> {
    configured(&settings.url, settings)
}

fn configured(
    url: &str,
    settings: &PostgresSettings,
) -> Result<(Config, MakeRustlsConnect), tokio_postgres::Error> {
    let mut config: Config = url.parse()?;
    config
        .connect_timeout(CONNECT)
        .tcp_user_timeout(SILENCE)
        .keepalives_idle(SILENCE / 2)
        .application_name("alfred");
    let own = config.get_options().map(str::to_owned);
    config.options(format!("{LIMITS} {}", own.unwrap_or_default()).trim());
    let needs_tls = config.get_ssl_mode() != SslMode::Disable;
    Ok((config, tls(settings, needs_tls)))
}

/// The system's authorities and those of the configuration; no others, and never none checked.
fn tls(settings: &PostgresSettings, is_needed: bool) -> MakeRustlsConnect {
    let mut roots = RootCertStore::empty();
    if is_needed {
        let system = rustls_native_certs::load_native_certs().unwrap_or_default();
        roots.add_parsable_certificates(system);
        if let Some(file) = &settings.ca_file {
            use rustls::pki_types::CertificateDer;
            use rustls::pki_types::pem::PemObject as _;
            let own = CertificateDer::pem_file_iter(file).into_iter().flatten();
            roots.add_parsable_certificates(own.filter_map(Result::ok));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    let versions = builder.with_safe_default_protocol_versions();
    let config = match versions {
        Ok(builder) => builder.with_root_certificates(roots).with_no_client_auth(),
        // The provider of this house knows both versions.
        Err(_) => ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    };
    MakeRustlsConnect::new(config)
}

/// What a person reads when the database cannot be opened.
pub(super) fn problem(error: &dyn std::error::Error) -> StoreProblem {
    StoreProblem::Server {
        message: error.to_string(),
    }
}

/// Sorts what the server, or the way to it, says.
pub(in crate::store) fn sorted(error: &tokio_postgres::Error) -> StoreProblem {
    let Some(said) = error.as_db_error() else {
        // The chain of causes names host and port, never the password.
        let cause = std::error::Error::source(error);
        let message = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
        return StoreProblem::Server { message };
    };
    let message = said.message().to_owned();
    match *said.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            StoreProblem::Login { message }
        }
        SqlState::INVALID_CATALOG_NAME => StoreProblem::NoDatabase { message },
        SqlState::INSUFFICIENT_PRIVILEGE => StoreProblem::NoPermission { message },
        _ => StoreProblem::Server { message },
    }
}

/// Sorts what goes wrong later.
pub(super) fn fault(error: &tokio_postgres::Error) -> StoreFault {
    let Some(said) = error.as_db_error() else {
        log::debug!("the database does not answer: {error}");
        return match error.is_closed() || std::error::Error::source(error).is_some() {
            true => StoreFault::Away,
            false => StoreFault::Server {
                message: error.to_string(),
            },
        };
    };
    match *said.code() {
        SqlState::T_R_SERIALIZATION_FAILURE
        | SqlState::T_R_DEADLOCK_DETECTED
        | SqlState::LOCK_NOT_AVAILABLE
        | SqlState::UNIQUE_VIOLATION => StoreFault::Locked,
        SqlState::DISK_FULL => StoreFault::Full,
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS
        | SqlState::QUERY_CANCELED
        | SqlState::READ_ONLY_SQL_TRANSACTION => StoreFault::Away,
        // The detail of a message may hold values; the message itself does not.
        _ => StoreFault::Server {
            message: format!("{} (SQLSTATE {})", said.message(), said.code().code()),
        },
    }
}
