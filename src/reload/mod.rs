//! Why: a gateway that must be restarted for a new model drops the streams of everybody else. The configuration is read
//! again when its files change, at SIGHUP and when the admin port asks. A good one becomes a new world that is swapped
//! in whole; a bad one is refused with its places, and the old world serves on.

mod certificate;
mod fixed;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;

use crate::conf::{Config, Origin, Problem, Problems, Reading, Sight};
use crate::gateway::Gateway;
use crate::living::Living;

pub use certificate::{Certificate, Certificates};

/// Who asked for a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// SIGHUP.
    Signal,
    /// A file that changed.
    Change,
    /// The admin port.
    Request,
}

impl Trigger {
    /// The word for it in logs and answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Signal => "signal",
            Self::Change => "file",
            Self::Request => "api",
        }
    }
}

/// What became of a reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A new world serves; these settings are different in it.
    Applied(Vec<String>),
    /// What was read is what serves already.
    Unchanged,
    /// The old world serves on, because of these problems.
    Refused(Problems),
}

impl Outcome {
    /// The word for it in metrics and answers.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Unchanged => "unchanged",
            Self::Refused(_) => "refused",
        }
    }
}

/// One reload.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When the configuration was read.
    pub at: Timestamp,
    /// Who asked.
    pub trigger: Trigger,
    /// What became of it.
    pub outcome: Outcome,
}

/// What serves now, and what was tried last. One consistent picture.
#[derive(Clone, Debug)]
pub struct Status {
    /// The world that serves.
    pub gateway: Arc<Gateway>,
    /// When its configuration was read.
    pub loaded_at: Timestamp,
    /// BLAKE3 of its text; empty without a file.
    pub hash: String,
    /// The files whose change leads to a reload: those it was made of, and those of the last attempt.
    pub watched: BTreeSet<PathBuf>,
    /// The last reload, if there was one.
    pub last: Option<Arc<Attempt>>,
    needed: BTreeSet<PathBuf>,
    contents: String,
}

/// How often a file that changes while it is read is read again, and after which time.
const PATIENCE: usize = 10;
const MOMENT: Duration = Duration::from_millis(20);

/// Makes the next world. One per process.
pub struct Reloader {
    origin: Origin,
    mock_url: String,
    world: Arc<ArcSwap<Gateway>>,
    certificates: Option<Arc<Certificates>>,
    status: ArcSwap<Status>,
    /// Why the configuration cannot be read again, if it cannot.
    once: Option<Problem>,
    /// Reloads take turns.
    turn: Mutex<()>,
}

impl fmt::Debug for Reloader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloader")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

/// A world that may be swapped in.
struct Prepared {
    gateway: Arc<Gateway>,
    certificate: Option<Certificate>,
    changed: Vec<String>,
}

impl Reloader {
    /// Builds the first world from what `origin` gave. `mock_url` is where the built-in mock listens.
    ///
    /// # Errors
    /// All that is wrong with the configuration.
    pub fn start(
        origin: Origin,
        reading: Reading,
        living: &Arc<Living>,
        mock_url: String,
    ) -> Result<Self, Problems> {
        let config = reading.config?;
        let certificates = Certificate::read(&config)?.map(Certificates::new);
        let gateway = Gateway::build(config, living, &mock_url)?;
        living.serve(&gateway.config);
        let status = Status {
            gateway: Arc::clone(&gateway),
            loaded_at: Timestamp::now(),
            hash: reading.hash,
            contents: reading.contents,
            watched: reading.files.clone(),
            last: None,
            needed: reading.files,
        };
        status.announce();
        Ok(Self {
            once: once(&origin, &status.needed),
            origin,
            mock_url,
            world: Arc::new(ArcSwap::from(gateway)),
            certificates,
            status: ArcSwap::from_pointee(status),
            turn: Mutex::default(),
        })
    }

    /// The world that serves, as it is swapped.
    #[must_use]
    pub fn world(&self) -> &Arc<ArcSwap<Gateway>> {
        &self.world
    }

    /// The certificate that is shown; `None` without TLS.
    #[must_use]
    pub fn certificates(&self) -> Option<&Arc<Certificates>> {
        self.certificates.as_ref()
    }

    /// The configuration file, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.origin.file()
    }

    /// Whether there is a file that can be read again.
    #[must_use]
    pub fn can_reload(&self) -> bool {
        self.once.is_none()
    }

    /// What serves now, and what was tried last.
    #[must_use]
    pub fn status(&self) -> Arc<Status> {
        self.status.load_full()
    }

    /// Looks at the files that matter. Blocks.
    #[must_use]
    pub fn look(&self) -> Sight {
        Sight::of(&self.status.load().watched)
    }

    /// Reads the configuration again and serves it if it is good. Blocks. Reloads take turns: who comes second reads
    /// what is there then.
    pub fn reload(&self, trigger: Trigger) -> Arc<Status> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = self.look();
        let mut reading = self.read();
        for _ in 0..PATIENCE {
            let after = self.look();
            if after == before {
                break;
            }
            // Somebody is writing: half a file may look whole.
            std::thread::sleep(MOMENT);
            before = self.look();
            reading = self.read();
        }
        self.take(trigger, reading)
    }

    /// The same for files that have been still, as `seen`. If somebody has begun to write since, nothing is done: they
    /// will be still again. A look that finds nothing new leaves no trace.
    pub fn follow(&self, seen: &Sight) {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = self.read();
        if self.look() == *seen {
            self.take(Trigger::Change, reading);
        }
    }

    fn take(&self, trigger: Trigger, reading: Reading) -> Arc<Status> {
        let at = Timestamp::now();
        let before = self.status.load_full();
        let Reading {
            config,
            hash,
            contents,
            files,
        } = reading;
        let mut status = Status::clone(&before);
        status.watched = before.needed.union(&files).cloned().collect();
        let is_same = (&hash, &contents) == (&before.hash, &before.contents);
        let prepared = config.and_then(|config| self.prepare(config, is_same, &before));
        let outcome = match prepared {
            Err(problems) => Outcome::Refused(problems),
            Ok(None) => Outcome::Unchanged,
            Ok(Some(prepared)) => {
                status.gateway = Arc::clone(&prepared.gateway);
                (status.loaded_at, status.hash, status.contents) = (at, hash, contents);
                (status.watched, status.needed) = (files.clone(), files);
                self.publish(prepared)
            }
        };
        if trigger == Trigger::Change && before.is_still(&outcome) {
            let status = Arc::new(status);
            self.status.store(Arc::clone(&status));
            return status;
        }
        let attempt = Arc::new(Attempt {
            at,
            trigger,
            outcome,
        });
        status.last = Some(Arc::clone(&attempt));
        let status = Arc::new(status);
        self.status.store(Arc::clone(&status));
        // Last: who sees the metrics change finds everything else changed already.
        self.tell(&attempt, &status);
        status
    }

    fn read(&self) -> Reading {
        match &self.once {
            None => self.origin.read(),
            Some(problem) => Reading {
                config: Err(problem.clone().into()),
                hash: String::new(),
                contents: String::new(),
                files: BTreeSet::new(),
            },
        }
    }

    /// Builds the world of `config`; `None` when it is the one that serves. `is_same`: neither its text nor that of
    /// a file it names has changed; what a secret's file holds shows in `config` itself.
    fn prepare(
        &self,
        config: Config,
        is_same: bool,
        before: &Status,
    ) -> Result<Option<Prepared>, Problems> {
        let running = &before.gateway;
        let fixed = fixed::check(&running.config, &config);
        if !fixed.is_empty() {
            return Err(Problems(fixed));
        }
        let certificate = Certificate::read(&config)?;
        let mut changed = running.config.differences(&config);
        let shown = self.certificates.as_ref().zip(certificate.as_ref());
        let is_renewed = shown.is_some_and(|(shown, read)| !shown.shows(read));
        if is_renewed {
            changed.push("the certificate".to_owned());
        }
        if changed.is_empty() && is_same {
            return Ok(None);
        }
        let gateway = Gateway::build(config, &running.living, &self.mock_url)?;
        Ok(Some(Prepared {
            gateway,
            certificate: certificate.filter(|_| is_renewed),
            changed,
        }))
    }

    /// From here on new requests see the new world, and new connections its certificate.
    fn publish(&self, prepared: Prepared) -> Outcome {
        if let Some((shown, read)) = self.certificates.as_ref().zip(prepared.certificate) {
            shown.replace(read);
        }
        self.world.store(Arc::clone(&prepared.gateway));
        prepared.gateway.living.serve(&prepared.gateway.config);
        Outcome::Applied(prepared.changed)
    }

    fn tell(&self, attempt: &Attempt, status: &Status) {
        let (why, file) = (attempt.trigger.word(), self.name());
        match &attempt.outcome {
            Outcome::Applied(changed) => {
                let changed = match changed.as_slice() {
                    [] => "its text only".to_owned(),
                    changed => changed.join(", "),
                };
                log::info!(trigger = why; "{file} has been read again and serves; changed: {changed}");
                status.announce();
            }
            Outcome::Unchanged => {
                status.gateway.living.serve(&status.gateway.config);
                log::info!(trigger = why; "{file} has been read again; it is what serves already");
            }
            Outcome::Refused(problems) => log::error!(
                trigger = why;
                "{file} is refused, the old configuration serves on:\n{problems}"
            ),
        }
        let metrics = &status.gateway.living.metrics;
        metrics.reloads.read(attempt.outcome.word());
    }

    fn name(&self) -> String {
        let file = self.origin.file();
        file.map_or_else(
            || "the configuration".to_owned(),
            |file| file.display().to_string(),
        )
    }
}

/// Why this configuration can be read only once, if so: a pipe that was read to its end would say that all is to be
/// forgotten.
fn once(origin: &Origin, files: &BTreeSet<PathBuf>) -> Option<Problem> {
    if origin.file().is_none() {
        let message =
            "Alfred was started without a configuration file, so there is none to read again";
        let hint = "write one with `alfred init` and restart; environment variables are read at start only";
        return Some(Problem::of_file("environment", message).hint(hint));
    }
    let is_pipe = |file: &&PathBuf| std::fs::metadata(file).is_ok_and(|found| !found.is_file());
    let pipe = files.iter().find(is_pipe)?;
    let message = "is no regular file, so it can be read only once";
    let hint = "name a file if the configuration shall be read again without a restart";
    Some(Problem::of_file(pipe.display().to_string(), message).hint(hint))
}

impl Status {
    /// Whether `outcome` is no news.
    fn is_still(&self, outcome: &Outcome) -> bool {
        match (self.last.as_ref().map(|last| &last.outcome), outcome) {
            (Some(Outcome::Refused(before)), Outcome::Refused(now)) => before == now,
            (Some(Outcome::Refused(_)), _) | (_, Outcome::Refused(_) | Outcome::Applied(_)) => {
                false
            }
            (_, Outcome::Unchanged) => true,
        }
    }

    fn announce(&self) {
        let metrics = &self.gateway.living.metrics;
        metrics.reloads.loaded(self.loaded_at.as_second());
        let keys = i64::try_from(self.gateway.keys()).unwrap_or(i64::MAX);
        metrics.keys.set(keys);
    }
}
