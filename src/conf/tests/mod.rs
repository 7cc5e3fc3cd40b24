//! Why: the promises of the configuration as a whole: good files are read as meant, bad ones are refused with all that
//! is wrong and where, and nothing a file holds can bring Alfred down or leak a secret.

mod bad;
mod examples;
mod good;
mod hostile;
mod reference;
mod secrets;

use super::{Config, Environment, Problems};

/// Reads a text in an environment of these variables.
fn read(text: &str, pairs: &[(&str, &str)]) -> Result<Config, Problems> {
    super::parse(
        "a.yaml",
        text,
        &Environment::from_pairs(pairs.iter().copied()),
    )
}
