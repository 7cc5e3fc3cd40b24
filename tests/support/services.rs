//! Why: what is said of PostgreSQL is proved on PostgreSQL. Tests start a server of their own, on
//! ports and folders of their own, and it is gone when they are, however they end.
//!
//! A shell keeps the server and reads this process's end of a pipe: a word restarts the server,
//! the end of the pipe (when this process ends, panics or is killed) stops it and removes its
//! folder. The unit tests of `src/store` bring this file in too.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail, and each uses a part"
)]

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

/// What a person does when there is no server to start.
const MISSING: &str = "PostgreSQL is needed and not there: apt-get install postgresql \
     (`./.ci/setup test` does it); initdb is looked for in /usr/lib/postgresql/*/bin and on PATH";
/// How long a server may take to start, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(60);

/// The keeper. Its arguments: the folder of the programs, the port, `on` or `off` for fsync, and
/// further options of the server.
const KEEPER: &str = r#"
set -u
bin=$1 port=$2 fsync=$3 more=$4
umask 077
home=$(mktemp -d /tmp/alfred-postgres.XXXXXX) || exit 1
"$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 --no-locale --no-sync >"$home/initdb.log" 2>&1 || { cat "$home/initdb.log" >&2; rm -rf "$home"; exit 1; }
printf '%s\n' 'host all guarded all scram-sha-256' >"$home/hba"
cat "$home/data/pg_hba.conf" >>"$home/hba" && cp "$home/hba" "$home/data/pg_hba.conf"
printf '%s' "$TLS_CERT" >"$home/server.pem"; printf '%s' "$TLS_KEY" >"$home/server.key"
start() {
    "$bin/postgres" -D "$home/data" -p "$port" -k "$home" -c listen_addresses=127.0.0.1 \
        -c max_connections=400 -c shared_buffers=32MB -c fsync="$fsync" -c full_page_writes="$fsync" \
        -c ssl=on -c ssl_cert_file="$home/server.pem" -c ssl_key_file="$home/server.key" \
        -c wal_level=replica -c max_wal_size=256MB $more </dev/null >>"$home/log" 2>&1 &
    server=$!
}
stop() { kill -QUIT "$server" 2>/dev/null; wait "$server" 2>/dev/null; }
trap '' INT TERM
start
printf '%s\n' "$home"
while read -r word; do
    case $word in
    stop) stop ;;
    start) start ;;
    save) rm -rf "$home/saved" && cp -a "$home/data" "$home/saved" ;;
    restore) rm -rf "$home/data" && cp -a "$home/saved" "$home/data" ;;
    esac
    printf 'done\n'
done
stop
rm -rf "$home"
"#;

/// A running server.
pub(crate) struct Postgres {
    keeper: Mutex<Keeper>,
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    authority: String,
}

struct Keeper {
    child: Child,
    /// `None` once the keeper was told to end.
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Postgres {
    /// The server that all tests of this process share. It forgets on a power cut, not otherwise.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_with(false, ""))
    }

    /// A server of one's own, as durable as in production.
    pub(crate) fn start() -> Self {
        Self::start_with(true, "")
    }

    /// The same with further options of the server, such as `-c shared_buffers=128MB`; the last
    /// one counts.
    pub(crate) fn start_as(more: &str) -> Self {
        Self::start_with(true, more)
    }

    fn start_with(is_durable: bool, more: &str) -> Self {
        let bin = programs().unwrap_or_else(|| panic!("{MISSING}"));
        let port = free_port();
        let (authority, certificate, key) = certificate();
        let mut child = as_nobody_special()
            .args(["sh", "-c", KEEPER, "keeper"])
            .arg(&bin)
            .arg(port.to_string())
            .arg(if is_durable { "on" } else { "off" })
            .arg(more)
            .env("TLS_CERT", certificate)
            .env("TLS_KEY", key)
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("no shell can be started: {error}"));
        let words = child.stdin.take();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut folder = String::new();
        answers.read_line(&mut folder).unwrap();
        assert!(!folder.is_empty(), "initdb failed, see above");
        let postgres = Self {
            keeper: Mutex::new(Keeper {
                child,
                words,
                answers,
            }),
            bin,
            folder: folder.trim_end().into(),
            port,
            authority,
        };
        postgres.await_ready();
        postgres
    }

    /// A new, empty database; its URL.
    pub(crate) fn create_database(&self, name: &str) -> String {
        self.copy("template1", name)
    }

    /// A new database that holds what another does; it waits until nobody is in that one.
    pub(crate) fn copy_database(&self, url: &str, name: &str) -> String {
        let (_, template) = url.rsplit_once('/').unwrap();
        let (template, _) = template.split_once('?').unwrap_or((template, ""));
        self.copy(template, name)
    }

    fn copy(&self, template: &str, name: &str) -> String {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("{name}_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.sql(
            "postgres",
            &format!("CREATE DATABASE {name} TEMPLATE {template}"),
        );
        self.url(&name)
    }

    /// The URL of a database by its name.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("{}?sslmode=disable", self.bare_url("postgres", database))
    }

    /// The URL for another login, and for options to follow.
    pub(crate) fn bare_url(&self, login: &str, database: &str) -> String {
        format!("postgres://{login}@localhost:{}/{database}", self.port)
    }

    /// Runs statements in a database, given by name or URL; answers the rows as psql prints them,
    /// without frills.
    pub(crate) fn sql(&self, database: &str, statements: &str) -> String {
        let said = self.psql(database, statements);
        assert!(said.status.success(), "{said:?}");
        String::from_utf8_lossy(&said.stdout).trim_end().to_owned()
    }

    /// The same, failed or not.
    pub(crate) fn psql(&self, database: &str, statements: &str) -> Output {
        let url = match database.contains("://") {
            true => database.to_owned(),
            false => self.url(database),
        };
        Command::new(self.bin.join("psql"))
            .args([
                "-X",
                "-A",
                "-t",
                "-q",
                "-v",
                "ON_ERROR_STOP=1",
                "-d",
                &url,
                "-c",
            ])
            .arg(statements)
            .output()
            .unwrap()
    }

    /// Its port on the loopback address.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The authority of its certificate, in PEM.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The folder that holds it, while it runs.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Ends it as a crash would: nothing is finished, nothing is said.
    pub(crate) fn stop_immediate(&self) {
        self.tell("stop");
    }

    /// Starts it again after that, and waits until it answers.
    pub(crate) fn start_again(&self) {
        self.tell("start");
        self.await_ready();
    }

    /// A crash, and what follows it.
    pub(crate) fn restart_immediate(&self) {
        self.stop_immediate();
        self.start_again();
    }

    /// Keeps a copy of all that it holds; it must be stopped.
    pub(crate) fn save(&self) {
        self.tell("save");
    }

    /// Forgets all that came after [`Postgres::save`], as a replica does that takes over before it
    /// has heard of it; it must be stopped.
    pub(crate) fn restore(&self) {
        self.tell("restore");
    }

    fn tell(&self, word: &str) {
        let mut keeper = self.keeper.lock().unwrap();
        let words = keeper.words.as_mut().unwrap();
        writeln!(words, "{word}").unwrap();
        let mut answer = String::new();
        keeper.answers.read_line(&mut answer).unwrap();
        assert_eq!(answer, "done\n", "the keeper of PostgreSQL is gone");
    }

    fn await_ready(&self) {
        let begun = Instant::now();
        while !self.is_ready() {
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(
                begun.elapsed() < PATIENCE,
                "PostgreSQL never came up:\n{}",
                log()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn is_ready(&self) -> bool {
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && self.psql("postgres", "SELECT 1").status.success()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let keeper = self.keeper.get_mut();
        let keeper = keeper.unwrap_or_else(std::sync::PoisonError::into_inner);
        drop(keeper.words.take());
        let _ = keeper.child.wait();
    }
}

/// The newest programs of a server that are installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let number = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| Some((number(&entry.path())?, entry.path().join("bin"))))
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let elsewhere = || std::env::split_paths(&path).find(|bin| bin.join("initdb").exists());
    found.pop().map(|(_, bin)| bin).or_else(elsewhere)
}

/// PostgreSQL refuses to run as root; the user that its package makes takes over then.
fn as_nobody_special() -> Command {
    let id = Command::new("id").arg("-u").output();
    let is_root = id.is_ok_and(|id| id.stdout == b"0\n");
    if !is_root {
        return Command::new("env");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    command
}

/// A port below those that the kernel gives to clients, so that it is free again after a crash.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let start = std::process::id().wrapping_mul(7);
    loop {
        let step = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
        let port = u16::try_from(6_000 + step % 3_000).unwrap();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

/// An authority, and a certificate for `localhost` with its key, all in PEM.
fn certificate() -> (String, String, String) {
    let mut settings = CertificateParams::new(Vec::new()).unwrap();
    settings.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(settings, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let own = own.signed_by(&key, &authority).unwrap();
    (authority.pem(), own.pem(), key.serialize_pem())
}
