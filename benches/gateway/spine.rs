//! Alfred as a part of this program, with its ledger or without: the binary always keeps one, and
//! what it costs is only seen beside the same code that does not.

use std::io::stdout;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use alfred::conf::{Environment, Origin};
use alfred::ledger::{self, Settings, Staff};
use alfred::living::Living;
use alfred::proxy;
use alfred::reload::Reloader;
use alfred::secrets::{Keyring, Pepper, os_random};
use alfred::store::{self, LedgerStore};
use alfred::supervisor::{Ports, Supervisor};
use alfred::telemetry::{AccessLog, LogStyle, init_logging};
use log::LevelFilter;

use crate::Outcome;
use crate::programs::SETTINGS;

/// Serves the configuration of the folder it is started in, as `alfred run` does.
pub(crate) fn run(has_ledger: bool) -> Outcome<()> {
    init_logging(LogStyle::Json, LevelFilter::Info, None);
    let origin = Origin::new(Some(SETTINGS.into()), Environment::default());
    let reading = origin.read();
    let config = reading
        .config
        .clone()
        .map_err(|problems| problems.to_string())?;
    let (telemetry, admin) = (config.listen.telemetry, config.listen.admin);
    let (telemetry, admin) = (TcpListener::bind(telemetry)?, TcpListener::bind(admin)?);
    let mock = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mock_url = format!("http://{}/v1", mock.local_addr()?);
    let store = store::open(&config)?;
    let keyring = Keyring::new(Pepper::load_or_create(&config.data_dir, &mut os_random)?);
    keyring.refresh(&*store)?;
    let staff = match has_ledger {
        true => {
            let ledger: Arc<dyn LedgerStore> = Arc::clone(&store) as _;
            let treasury = ledger::open(ledger, Settings::new(&config, "bench".to_owned()))?;
            Some(Staff::start(&treasury)?)
        }
        false => None,
    };
    let access_log = AccessLog::start(stdout(), LogStyle::Json)?;
    let living = Living::with_ledger(keyring, access_log, staff);
    let reloader = Arc::new(Reloader::start(origin, reading, &living, mock_url)?);
    let ports = Ports {
        telemetry,
        admin,
        mock,
        gateway: config.listen.gateway,
    };
    let supervisor = Supervisor::new(Arc::clone(&reloader), store, ports, None);
    proxy::serve(&reloader, supervisor)?;
    Ok(())
}
