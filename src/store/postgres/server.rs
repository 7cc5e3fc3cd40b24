//! Why: one server as the URL names it: how to connect to it, its pool, and a name for it that
//! holds no password.

use super::problem::ServerProblem;
use super::tls;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::path::Path;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::TlsStream;
use tokio_postgres::{Client, Config, Connection, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a connection may take to come about, and a caller waits for one of the pool.
const CONNECT: Duration = Duration::from_secs(5);
/// What was sent and not acknowledged for this long is lost, and so is the connection.
const UNHEARD: Duration = Duration::from_secs(15);

/// A server and its connections.
pub(super) struct Server {
    /// Host, port and database.
    pub(super) name: String,
    /// The connections for units of work.
    pub(super) pool: Pool,
    config: Config,
    tls: MakeRustlsConnect,
}

impl Server {
    /// Understands the URL; nothing is connected yet.
    pub(super) fn new(
        url: &str,
        size: usize,
        ca_file: Option<&Path>,
    ) -> Result<Self, ServerProblem> {
        let mut config = read(url)?;
        config
            .connect_timeout(CONNECT)
            .tcp_user_timeout(UNHEARD)
            .keepalives_idle(Duration::from_secs(30))
            .keepalives_interval(Duration::from_secs(5))
            .keepalives_retries(3);
        if config.get_application_name().is_none() {
            config.application_name("alfred");
        }
        let tls = tls::connector(config.get_ssl_mode(), ca_file)?;
        let manager = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let pool = Pool::builder(Manager::from_config(config.clone(), tls.clone(), manager))
            .max_size(size)
            .wait_timeout(Some(CONNECT))
            .create_timeout(Some(CONNECT))
            .recycle_timeout(Some(CONNECT))
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|error| ServerProblem::Other(error.to_string()))?;
        Ok(Self {
            name: name(&config),
            pool,
            config,
            tls,
        })
    }

    /// A connection outside the pool; whoever holds its second half must drive it.
    pub(super) async fn connect(
        &self,
    ) -> Result<
        (
            Client,
            Connection<Socket, impl TlsStream + Unpin + Send + 'static>,
        ),
        ServerProblem,
    > {
        let connect = self.config.connect(self.tls.clone());
        match tokio::time::timeout(CONNECT, connect).await {
            Ok(connected) => Ok(connected?),
            Err(_) => Err(ServerProblem::Away("it does not answer".to_owned())),
        }
    }
}

/// The URL in the words of the driver, which knows no `verify-full`: here `require` means that.
pub(super) fn read(url: &str) -> Result<Config, ServerProblem> {
    let (before, options) = url.split_once('?').unwrap_or((url, ""));
    let options: Vec<&str> = options
        .split('&')
        .filter(|option| !option.is_empty())
        .map(|option| match option {
            "sslmode=verify-full" | "sslmode=verify-ca" => "sslmode=require",
            "sslmode=allow" => "sslmode=prefer",
            option => option,
        })
        .collect();
    let is_url = before.starts_with("postgres://") || before.starts_with("postgresql://");
    let config = format!("{before}?{}", options.join("&")).parse::<Config>();
    let mut config = match config {
        Ok(config) if is_url && !config.get_hosts().is_empty() => config,
        _ => return Err(ServerProblem::Url),
    };
    // Of several servers the one that can be written is meant.
    if config.get_hosts().len() > 1 && !url.contains("target_session_attrs") {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config
        .get_hosts()
        .iter()
        .all(|host| matches!(host, Host::Unix(_)))
    {
        config.ssl_mode(SslMode::Disable);
    }
    Ok(config)
}

fn name(config: &Config) -> String {
    let hosts = config.get_hosts().iter().enumerate().map(|(at, host)| {
        let host = match host {
            Host::Tcp(host) => host.clone(),
            Host::Unix(path) => path.display().to_string(),
        };
        let ports = config.get_ports();
        let port = ports.get(at).or_else(|| ports.first()).unwrap_or(&5432);
        format!("{host}:{port}")
    });
    let hosts: Vec<_> = hosts.collect();
    let database = config.get_dbname().or(config.get_user()).unwrap_or("");
    format!("postgres {}/{database}", hosts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_without_its_password() {
        let config = read("postgres://alfred:pa%24s@db.corp,[::1]:5433/money?sslmode=verify-full");
        let config = config.unwrap();
        assert_eq!(name(&config), "postgres db.corp:5432,::1:5433/money");
        assert_eq!(config.get_ssl_mode(), SslMode::Require);
        assert_eq!(
            config.get_target_session_attrs(),
            TargetSessionAttrs::ReadWrite
        );
        assert!(!format!("{config:?}").contains("pa$s"));
    }

    #[test]
    fn what_is_no_url_is_refused_without_being_repeated() {
        for text in [
            "",
            "db.corp",
            "postgres://",
            "host=db password=secret",
            "postgres://u:secret@db:port/x",
            "postgres://u:secret@db/x?sslmode=maybe",
            "postgres://u:secret@db/x?nonsense=1",
            "mysql://u:secret@db/x",
        ] {
            let problem = read(text).unwrap_err();
            assert!(!problem.to_string().contains("secret"), "{text}");
            assert!(!format!("{problem:?}").contains("secret"), "{text}");
        }
    }
}
