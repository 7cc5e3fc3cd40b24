//! Why: a configuration is read again and again while Alfred runs, always from where it was read first, and whoever
//! reads it again must know which files it was made of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::config::Config;
use super::environment::Environment;
use super::problem::Problems;
use super::{LARGEST, file, read, zero};

/// Where a configuration comes from: a file, or the environment alone. The variables are those of the process' start.
#[derive(Debug, Clone)]
pub struct Origin {
    file: Option<PathBuf>,
    environment: Environment,
}

/// One reading of a configuration.
#[derive(Debug)]
pub struct Reading {
    /// What was read, or all that is wrong with it.
    pub config: Result<Config, Problems>,
    /// BLAKE3 of the file's text; empty when there is no file or it cannot be read.
    pub hash: String,
    /// BLAKE3 of what stands in the files that the settings name, beside those of secrets.
    pub contents: String,
    /// The files that were read, or that should have been: the configuration's own,
    /// and those that it names.
    pub files: BTreeSet<PathBuf>,
}

impl Origin {
    /// The configuration of this file or, without one, of the environment.
    pub fn new(file: Option<PathBuf>, environment: Environment) -> Self {
        Self { file, environment }
    }

    /// The configuration file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads and checks the configuration as it is now.
    pub fn read(&self) -> Reading {
        let Some(path) = &self.file else {
            return Reading {
                config: zero(&self.environment),
                hash: String::new(),
                contents: String::new(),
                files: BTreeSet::new(),
            };
        };
        let mut files = BTreeSet::from([path.clone()]);
        match file::configuration(path, LARGEST) {
            Ok(text) => {
                let name = path.display().to_string();
                let (config, secrets) = read::config(&name, &text, &self.environment);
                files.extend(secrets);
                files.extend(config.iter().flat_map(Config::files).map(Path::to_owned));
                Reading {
                    contents: config.as_ref().map_or_else(|_| String::new(), contents),
                    config,
                    hash: blake3::hash(text.as_bytes()).to_hex().to_string(),
                    files,
                }
            }
            Err(problem) => Reading {
                config: Err((*problem).into()),
                hash: String::new(),
                contents: String::new(),
                files,
            },
        }
    }
}

fn contents(config: &Config) -> String {
    let mut hasher = blake3::Hasher::new();
    for file in config.files() {
        // One that is missing is found out by whoever needs it.
        let content = std::fs::read(file).unwrap_or_default();
        hasher.update(blake3::hash(&content).as_bytes());
    }
    hasher.finalize().to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_names_every_file_it_needs_even_those_that_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        let (path, secret) = (folder.path().join("a.yaml"), folder.path().join("key"));
        let text = format!(
            "providers: {{ o: {{ kind: openai, keys: [\"file:{}\"] }} }}\n",
            secret.display()
        );
        std::fs::write(&path, &text).unwrap();
        let origin = Origin::new(Some(path.clone()), Environment::default());
        let reading = origin.read();
        assert!(reading.config.is_err(), "the secret is missing");
        assert_eq!(reading.files, BTreeSet::from([path, secret.clone()]));
        std::fs::write(&secret, "sk-one\n").unwrap();
        let again = origin.read();
        assert!(again.config.is_ok());
        assert_eq!((&again.hash, &again.files), (&reading.hash, &reading.files));
    }
}
