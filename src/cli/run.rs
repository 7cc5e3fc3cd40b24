//! Why: everything that must be right before the first request: ports, store, keys, world.

use std::io::IsTerminal;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use alfred::conf::{Config, LogFormat, LogLevel};
use alfred::exchange::unix_ms;
use alfred::gateway::Gateway;
use alfred::ledger;
use alfred::living::Living;
use alfred::proxy;
use alfred::reload::{Certificate, Reloader};
use alfred::secrets::{FirstKey, FirstToken, Keyring, Pepper, first_key, first_token, os_random};
use alfred::store::{self, LedgerStore, Store};
use alfred::supervisor::{Ports, Supervisor, guard_layers, known_users};
use alfred::telemetry::{AccessLog, LogStyle, init_logging};
use log::LevelFilter;

use super::{Failure, RunArgs, check};

/// `alfred run`.
pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let origin = check::origin(&args.config);
    let reading = origin.read();
    let config = reading.config.clone()?;
    // Nothing is opened or made before all is well.
    Certificate::read(&config)?;
    start_logging(&config);
    let is_zero = origin.file().is_none();
    probe("gateway", config.listen.gateway)?;
    let telemetry = listen("telemetry", config.listen.telemetry)?;
    let admin = listen("admin", config.listen.admin)?;
    let mock = listen("mock", SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let mock_url = format!("http://{}/v1", mock.local_addr()?);

    let store = store::open(&config)?;
    let pepper = check::pepper(&config)?;
    let first = match is_zero {
        true => first_secrets(&config, &*store, &pepper)?,
        false => First::default(),
    };
    let keyring = Keyring::new(pepper);
    keyring.refresh(&*store)?;
    keyring.set_users(known_users(&*store)?);
    warn_about_keys(&keyring);

    // What earlier processes left is settled before anyone may call.
    let ledger: Arc<dyn LedgerStore> = Arc::clone(&store) as _;
    let treasury = ledger::open(ledger, ledger::Settings::new(&config, name()))?;
    let staff = ledger::Staff::start(&treasury)?;

    let living = Living::with_ledger(keyring, access_log(&config)?, Some(staff));
    let reloader = Arc::new(Reloader::start(origin, reading, &living, mock_url)?);
    // After the house's own policy, which they are laid over.
    living.guards.set_layers(guard_layers(&*store)?);
    greet(&reloader.status().gateway, &first);
    let usage_log = args.mock_usage_log.clone();
    let ports = Ports {
        telemetry,
        admin,
        mock,
        gateway: config.listen.gateway,
    };
    let supervisor = Supervisor::new(Arc::clone(&reloader), store, ports, usage_log)
        .with_signer(check::signer(&config)?);
    proxy::serve(&reloader, supervisor)?;
    Ok(())
}

/// What a fresh installation is given.
#[derive(Default)]
struct First {
    key: Option<FirstKey>,
    token: Option<FirstToken>,
}

fn first_secrets(config: &Config, store: &dyn Store, pepper: &Pepper) -> Result<First, Failure> {
    let (data_dir, now_ms) = (&config.data_dir, unix_ms());
    Ok(First {
        key: first_key(data_dir, store, pepper, now_ms, &mut os_random)?,
        // After the key, which makes the user whose token it is.
        token: first_token(data_dir, store, pepper, now_ms, &mut os_random)?,
    })
}

/// Which process this is, for people who look at the holders of leases.
fn name() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}:{}", host.trim(), std::process::id())
}

fn start_logging(config: &Config) {
    let style = style(config, std::io::stderr().is_terminal());
    let level = match config.log.level {
        LogLevel::Error => LevelFilter::Error,
        LogLevel::Warn => LevelFilter::Warn,
        LogLevel::Info => LevelFilter::Info,
        LogLevel::Debug => LevelFilter::Debug,
        LogLevel::Trace => LevelFilter::Trace,
    };
    let directives = std::env::var("RUST_LOG").ok();
    init_logging(style, level, directives.as_deref());
}

/// The form of the lines that go to a place which may be a terminal.
fn style(config: &Config, is_terminal: bool) -> LogStyle {
    match config.log.format {
        LogFormat::Auto if is_terminal => LogStyle::Text,
        LogFormat::Auto | LogFormat::Json => LogStyle::Json,
        LogFormat::Text => LogStyle::Text,
    }
}

fn access_log(config: &Config) -> Result<AccessLog, Failure> {
    match config.log.level {
        LogLevel::Error | LogLevel::Warn => Ok(AccessLog::silent()),
        _ => {
            let out = std::io::stdout();
            let style = style(config, out.is_terminal());
            Ok(AccessLog::start(out, style)?)
        }
    }
}

/// Opens a port that the supervisor will serve.
fn listen(what: &'static str, address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).map_err(|error| Failure::Port {
        what,
        address,
        error,
    })
}

/// Pingora opens the gateway's port itself and panics when it cannot, so it is tried before.
fn probe(what: &'static str, address: SocketAddr) -> Result<(), Failure> {
    listen(what, address).map(drop)
}

fn warn_about_keys(keyring: &Keyring) {
    let lost = keyring.unverifiable();
    if lost > 0 {
        log::warn!(
            "{lost} API keys cannot be checked because the pepper they were made with is gone; restore data_dir/pepper or make new keys"
        );
    }
}

fn greet(gateway: &Gateway, first: &First) {
    let listen = &gateway.config.listen;
    let scheme = if gateway.config.tls.is_some() {
        "https"
    } else {
        "http"
    };
    let admin = match listen.admin.ip().is_loopback() {
        true => "http",
        false => "https",
    };
    let names: Vec<_> = gateway
        .names
        .providers()
        .map(|provider| &*provider.name)
        .collect();
    log::info!(
        "alfred {} on {scheme}://{}, telemetry on http://{}, admin on {admin}://{}, providers: {}",
        env!("CARGO_PKG_VERSION"),
        listen.gateway,
        listen.telemetry,
        listen.admin,
        names.join(", ")
    );
    let data_dir = &gateway.config.data_dir;
    if let Some(first) = &first.key {
        let port = listen.gateway.port();
        let (key, made) = (first.key.expose(), made(first.is_new));
        eprintln!(
            "\nYour API key ({made}, in {}):\n\n    {key}\n\nTry it:\n\n    curl -N http://127.0.0.1:{port}/v1/chat/completions \\\n      -H 'Authorization: Bearer {key}' \\\n      -H 'Content-Type: application/json' \\\n      -d '{{\"model\":\"mock/echo\",\"stream\":true,\"messages\":[{{\"role\":\"user\",\"content\":\"Good evening, Alfred.\"}}]}}'\n",
            data_dir.join("first-key").display()
        );
    }
    if let Some(first) = &first.token {
        let (token, made) = (first.token.expose(), made(first.is_new));
        eprintln!(
            "Your access token for the admin API ({made}, in {}):\n\n    {token}\n\nTry it:\n\n    curl {admin}://{}/v1/me -H 'Authorization: Bearer {token}'\n",
            data_dir.join("first-token").display(),
            listen.admin,
        );
    }
}

fn made(is_new: bool) -> &'static str {
    match is_new {
        true => "made for you",
        false => "kept from the first start",
    }
}
