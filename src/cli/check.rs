//! Why: a configuration is judged by the same code that would run it.

use std::path::{Path, PathBuf};

use alfred::conf::{Config, Environment, Origin};
use alfred::gateway::Gateway;
use alfred::living::Living;
use alfred::reload::Certificate;
use alfred::secrets::{Keyring, Pepper, os_random};
use alfred::telemetry::AccessLog;

use super::{ConfigArg, Failure};

/// The file that is read when none is named.
const DEFAULT: &str = "conf/alfred.yaml";

/// The file to read, if there is one.
pub(super) fn file(arg: &ConfigArg) -> Option<PathBuf> {
    let default = || Path::new(DEFAULT).exists().then(|| PathBuf::from(DEFAULT));
    arg.config.clone().or_else(default)
}

/// Where the configuration is: in the file, or without one in the environment.
pub(super) fn origin(arg: &ConfigArg) -> Origin {
    Origin::new(file(arg), Environment::from_process())
}

/// The configuration that holds.
pub(super) fn load(arg: &ConfigArg) -> Result<Config, Failure> {
    Ok(origin(arg).read().config?)
}

/// The secret behind the hashes of keys: that of the configuration, else that of the data
/// directory, which is made when it is missing.
pub(super) fn pepper(config: &Config) -> Result<Pepper, Failure> {
    let Some(pepper) = &config.pepper else {
        return Ok(Pepper::load_or_create(&config.data_dir, &mut os_random)?);
    };
    let lines: Vec<_> = pepper.expose().split_whitespace().collect();
    Pepper::from_text(&lines.join("\n")).ok_or_else(|| {
        Failure::Usage("`pepper` is not 1 to 16 lines of 64 hexadecimal digits".to_owned())
    })
}

/// `alfred check`.
pub(super) fn check(arg: &ConfigArg) -> Result<(), Failure> {
    let config = load(arg)?;
    Certificate::read(&config)?;
    let pepper = Pepper::from_text(CHECK_PEPPER)
        .ok_or_else(|| Failure::Usage("the built-in pepper is damaged".to_owned()))?;
    let living = Living::new(Keyring::new(pepper), AccessLog::silent());
    let gateway = Gateway::build(config, &living, "http://127.0.0.1:1/v1")?;
    let providers = gateway.names.providers().count();
    let aliases = gateway.names.aliases().count();
    let what = file(arg).map_or_else(
        || "the environment".to_owned(),
        |path| path.display().to_string(),
    );
    println!("{what} is fine: {providers} providers, {aliases} aliases");
    Ok(())
}

/// Hashes nothing: a check authenticates nobody.
const CHECK_PEPPER: &str = "0000000000000000000000000000000000000000000000000000000000000000";
