//! The programs that are compared: how each is set up, started and stopped.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::client::Client;
use crate::load::Target;
use crate::machine::{self, Core};
use crate::scenario::{self, Behaviour};
use crate::wire::Author;
use crate::{Outcome, PASSTHROUGH, SPINE, UPSTREAM, WITH_LEDGER, WITHOUT_LEDGER, fidelity};

/// How long a program may take to give its first right answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The configuration in a program's folder.
pub(crate) const SETTINGS: &str = "alfred.yaml";
/// What each wallet holds, in credits: more than any measurement spends.
const CREDIT: &str = "1000000";

/// The programs, in the order of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Program {
    /// None: straight to the upstream.
    Direct,
    /// nginx as a plain proxy.
    Nginx,
    /// [`crate::passthrough`].
    Pingora,
    /// The real binary with every station on.
    Alfred,
    /// [`crate::spine`] without a ledger.
    Spine,
    /// The same with a ledger, for a caller without a wallet.
    Unmetered,
    /// The same for a caller whom three wallets bound.
    Metered,
}

impl Program {
    pub(crate) const ALL: [Self; 4] = [Self::Direct, Self::Nginx, Self::Pingora, Self::Alfred];
    /// Those that [`crate::money`] compares.
    pub(crate) const RIVALS: [Self; 3] = [Self::Spine, Self::Unmetered, Self::Metered];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Pingora => "pingora",
            Self::Alfred => "alfred",
            Self::Spine => "spine",
            Self::Unmetered => "unmetered",
            Self::Metered => "metered",
        }
    }

    fn author(self) -> Author {
        match self {
            Self::Direct | Self::Pingora => Author::Upstream,
            Self::Nginx => Author::Nginx,
            Self::Alfred | Self::Spine | Self::Unmetered | Self::Metered => Author::Alfred,
        }
    }
}

/// The upstream, running.
pub(crate) struct Upstream {
    child: Child,
    address: SocketAddr,
}

impl Upstream {
    /// Starts it; it may take a moment to listen.
    pub(crate) fn start() -> Outcome<Self> {
        let address = free_address()?;
        let child = machine::itself(Core::Load, &[], &[UPSTREAM, &address.to_string()])?;
        Ok(Self { child, address })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        machine::end(&mut self.child);
    }
}

/// A program, running and answering.
pub(crate) struct Running {
    program: Program,
    child: Option<Child>,
    address: SocketAddr,
    key: String,
    folder: TempDir,
    /// From its start to its first right answer.
    pub(crate) started_in: Duration,
}

impl Running {
    /// Starts a program and waits for its first right answer.
    pub(crate) async fn start(
        program: Program,
        upstream: &Upstream,
        alfred: &Path,
    ) -> Outcome<Self> {
        let folder = tempfile::Builder::new().prefix("alfred-bench-").tempdir()?;
        let address = match program {
            Program::Direct => upstream.address,
            _ => free_address()?,
        };
        let mut running = Self {
            program,
            child: None,
            address,
            key: "sk-bench".to_owned(),
            folder,
            started_in: Duration::ZERO,
        };
        let command = running.prepare(upstream.address, alfred)?;
        let begun = Instant::now();
        if let Some(mut command) = command {
            running.child = Some(command.spawn()?);
        }
        running.first_answer(begun).await?;
        running.started_in = begun.elapsed();
        Ok(running)
    }

    fn prepare(&mut self, upstream: SocketAddr, alfred: &Path) -> Outcome<Option<Command>> {
        let folder = self.folder.path();
        let mut command = match self.program {
            Program::Direct => return Ok(None),
            Program::Pingora => {
                let addresses = [
                    PASSTHROUGH,
                    &self.address.to_string(),
                    &upstream.to_string(),
                ];
                let mut command = machine::proxy(&std::env::current_exe()?);
                // Its part ends with its standard input.
                command.args(addresses).stdin(Stdio::piped());
                command
            }
            Program::Nginx => {
                let settings = folder.join("nginx.conf");
                fs::write(&settings, nginx_settings(self.address, upstream))?;
                let mut command = machine::proxy(Path::new("nginx"));
                command
                    .arg("-p")
                    .arg(folder)
                    .arg("-c")
                    .arg(settings)
                    .args(["-e", "errors"]);
                command
            }
            Program::Alfred | Program::Spine | Program::Unmetered | Program::Metered => {
                fs::write(
                    folder.join(SETTINGS),
                    alfred_settings(self.address, upstream)?,
                )?;
                self.key = said(alfred, folder, &["keys", "create", "--name", "bench"])?;
                let mut command = match self.program {
                    Program::Alfred => {
                        let mut command = machine::proxy(alfred);
                        command.args(["run", "--config", SETTINGS]);
                        command
                    }
                    program => {
                        if program == Program::Metered {
                            fund(alfred, folder)?;
                        }
                        let ledger = match program {
                            Program::Spine => WITHOUT_LEDGER,
                            _ => WITH_LEDGER,
                        };
                        let mut command = machine::proxy(&std::env::current_exe()?);
                        command.args([SPINE, ledger]).stdin(Stdio::piped());
                        command
                    }
                };
                command.stdout(File::create(folder.join("access.log"))?);
                command.stderr(File::create(folder.join("errors"))?);
                command
            }
        };
        command.current_dir(folder);
        Ok(Some(command))
    }

    async fn first_answer(&mut self, begun: Instant) -> Outcome<()> {
        loop {
            let error = match self.subject("lens").right_answer().await {
                Ok(_) => return Ok(()),
                Err(error) => error,
            };
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().ok().flatten());
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let mut said = String::new();
                if let Ok(mut file) = File::open(self.folder.path().join("errors")) {
                    file.read_to_string(&mut said)?;
                }
                let name = self.program.name();
                return Err(format!("{name} gives no right answer: {error}\n{said}").into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// The program as the callers of one of its providers see it.
    pub(crate) fn subject(&self, provider: &'static str) -> Subject {
        Subject {
            name: match provider {
                "lens" => self.program.name(),
                other => other,
            },
            program: self.program,
            provider,
            address: self.address,
            key: self.key.clone(),
            pid: self.child.as_ref().map(Child::id),
        }
    }

    /// Makes sure that what it logged shows the ledger that it should have, and no other.
    pub(crate) fn check_money(&self) -> Outcome<()> {
        let log = fs::read(self.folder.path().join("access.log"))?;
        let has = |mark: &[u8]| memchr::memmem::find(&log, mark).is_some();
        let found = (has(b"\"transaction_id\":"), has(b"\"held_nano\":"));
        let expected = match self.program {
            Program::Unmetered => (true, false),
            Program::Metered => (true, true),
            _ => (false, false),
        };
        let name = self.program.name();
        match found == expected {
            true => Ok(()),
            false => Err(format!("{name}: transactions and holds are {found:?}").into()),
        }
    }

    /// Lines of the access log, for the one program that writes any.
    pub(crate) fn logged(&self) -> usize {
        let log = fs::read(self.folder.path().join("access.log")).unwrap_or_default();
        memchr::memchr_iter(b'\n', &log).count()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            machine::end(child);
        }
    }
}

/// A running program, asked for models of one of its providers.
pub(crate) struct Subject {
    /// As the report calls it.
    pub(crate) name: &'static str,
    pub(crate) program: Program,
    provider: &'static str,
    pub(crate) address: SocketAddr,
    key: String,
    pub(crate) pid: Option<u32>,
}

impl Subject {
    pub(crate) fn author(&self) -> Author {
        self.program.author()
    }

    /// A request for this behaviour.
    pub(crate) fn request(&self, behaviour: Behaviour, usage: bool) -> Vec<u8> {
        scenario::request(self.provider, behaviour, usage, &self.key)
    }

    /// Asks once and makes sure that the answer is the upstream's.
    pub(crate) async fn right_answer(&self) -> Outcome<Vec<u8>> {
        let mut client = Client::connect(self.address, self.author()).await?;
        let request = self.request(Behaviour::Plain, false);
        let body = client.ask(&request, <[u8]>::to_vec).await?;
        fidelity::check_plain(&body)?;
        Ok(body)
    }

    /// The target of a load.
    pub(crate) fn target(&self, behaviour: Behaviour, expected: &[u8]) -> Target {
        Target {
            address: self.address,
            author: self.author(),
            pid: self.pid,
            request: self.request(behaviour, true).into(),
            expected: Arc::from(expected),
        }
    }
}

fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

fn nginx_settings(listen: SocketAddr, upstream: SocketAddr) -> String {
    let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let folders: String = folders
        .map(|name| format!("    {name}_temp_path {name};\n"))
        .concat();
    format!(
        "daemon off;\nmaster_process off;\nworker_processes 1;\npid nginx.pid;\n\
         events {{ worker_connections 4096; }}\n\
         http {{\n    access_log off;\n    keepalive_requests 1000000000;\n{folders}\
         \x20   upstream model {{ server {upstream}; keepalive 256; keepalive_requests 1000000000; }}\n\
         \x20   server {{\n        listen {listen};\n        location / {{\n\
         \x20           proxy_pass http://model;\n            proxy_http_version 1.1;\n\
         \x20           proxy_set_header Connection \"\";\n            proxy_buffering off;\n\
         \x20       }}\n    }}\n}}\n"
    )
}

/// Every station on, and none that refuses.
fn alfred_settings(listen: SocketAddr, upstream: SocketAddr) -> Outcome<String> {
    let (telemetry, admin, console) = (free_address()?, free_address()?, free_address()?);
    let mut prices = String::new();
    for provider in ["lens", "canonical", "translated"] {
        for behaviour in [Behaviour::Plain, Behaviour::BURST, Behaviour::PACED] {
            let model = behaviour.model();
            prices.push_str(&format!(
                "  {provider}/{model}: {{ in: 250000, out: 2000000 }}\n"
            ));
        }
    }
    Ok(format!(
        "listen: {{ gateway: \"{listen}\", telemetry: \"{telemetry}\", admin: \"{admin}\", console: \"{console}\" }}\n\
         data_dir: data\n\
         threads: 1\n\
         flood: {{ requests: 1000M, window: 1s }}\n\
         cors: {{ origins: [\"https://app.example.com\"] }}\n\
         limits:\n  - {{ per: key, requests: 1000M, tokens: 1000000M, window: 1m }}\n\
         log: {{ level: info, format: json }}\n\
         providers:\n\
         \x20 lens: {{ kind: openai, keys: [sk-bench], endpoints: [\"http://{upstream}/v1\"], http: h1 }}\n\
         \x20 canonical: {{ kind: openai_compatible, keys: [sk-bench], endpoints: [\"http://{upstream}/v1\"], http: h1 }}\n\
         \x20 translated: {{ kind: anthropic, keys: [sk-bench], endpoints: [\"http://{upstream}/v1\"], http: h1 }}\n\
         prices:\n{prices}"
    ))
}

/// The owner of the key gets a quota, their team a pool, and the key a budget.
fn fund(alfred: &Path, folder: &Path) -> Outcome<()> {
    let commands: [&[&str]; 4] = [
        &["teams", "create", "crew", "--common-pool", CREDIT],
        &["teams", "members", "1", "--add", "1"],
        &["users", "update", "1", "--quota", CREDIT],
        &["wallets", "create", "key:1", "--credit", CREDIT],
    ];
    for command in commands {
        said(alfred, folder, command)?;
    }
    Ok(())
}

/// Runs a command of the binary on the configuration in a folder; what it printed.
fn said(alfred: &Path, folder: &Path, words: &[&str]) -> Outcome<String> {
    let mut command = Command::new(alfred);
    command.args(words).args(["--config", SETTINGS]);
    let made = command.current_dir(folder).output()?;
    let said = String::from_utf8(made.stdout)?.trim().to_owned();
    if made.status.success() && !said.is_empty() {
        return Ok(said);
    }
    let error = String::from_utf8_lossy(&made.stderr);
    Err(format!("alfred {}: {error}", words.join(" ")).into())
}

/// The binary under test: `ALFRED_BIN`, else the one that Cargo built for this benchmark.
pub(crate) fn alfred_binary() -> Outcome<PathBuf> {
    let path = std::env::var_os("ALFRED_BIN");
    let path = path.map_or_else(
        || PathBuf::from(env!("CARGO_BIN_EXE_alfred")),
        PathBuf::from,
    );
    path.canonicalize()
        .map_err(|error| format!("{}: {error}", path.display()).into())
}
