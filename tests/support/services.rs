//! A real PostgreSQL of the tests' own: on a private port, in a temporary folder, gone when the
//! tests are. Where it cannot be started the tests fail and say what is missing.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test may fail, and each uses a part"
)]

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// A start takes no longer, even on a busy machine.
const START: Duration = Duration::from_secs(60);
/// The server refuses to run as root; Debian's package makes this user.
const USER: &str = "postgres";

/// A running server.
pub(crate) struct Postgres {
    folder: TempDir,
    bin: PathBuf,
    port: u16,
    pid: Mutex<u32>,
    is_durable: bool,
}

impl Postgres {
    /// The server that all tests of this process share; databases are their own.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start_with(false))
    }

    /// A server of one's own, as durable as in production.
    pub(crate) fn start() -> Self {
        Self::start_with(true)
    }

    fn start_with(is_durable: bool) -> Self {
        let bin = newest_server();
        let folder = tempfile::Builder::new()
            .prefix("alfred-postgres-")
            .tempdir()
            .unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        if is_root() {
            run(Command::new("chown").arg(USER).arg(folder.path()));
        }
        let data = folder.path().join("data");
        run(as_user(&bin.join("initdb"))
            .arg("-D")
            .arg(&data)
            .args(["-U", "alfred", "-A", "trust", "-E", "UTF8"])
            .args(["--locale=C", "--no-sync"]));
        let server = Self {
            folder,
            bin,
            port,
            pid: Mutex::new(0),
            is_durable,
        };
        server.clean_up_after_all();
        server.launch();
        server
    }

    /// Starts the server from a thread that lives as long as it does: the kernel ends the server
    /// when that thread is gone, so nothing outlives the tests, however they end.
    fn launch(&self) {
        let mut command = as_user(&self.bin.join("postgres"));
        let sockets = format!("unix_socket_directories={}", self.folder.path().display());
        let durable = if self.is_durable { "on" } else { "off" };
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .args(["-p", &self.port.to_string()])
            .args(["-c", "listen_addresses=127.0.0.1", "-c", &sockets])
            .args([
                "-c",
                &format!("fsync={durable}"),
                "-c",
                "max_connections=200",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(
                fs::File::options()
                    .create(true)
                    .append(true)
                    .open(self.folder.path().join("log"))
                    .unwrap(),
            );
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut child = command.spawn().expect("the PostgreSQL server starts");
            sender.send(child.id()).unwrap();
            let _ = child.wait();
        });
        *self.pid.lock().unwrap() = receiver.recv().unwrap();
        let begun = Instant::now();
        while !self.answers() {
            assert!(
                begun.elapsed() < START,
                "PostgreSQL never answers:\n{}",
                fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn answers(&self) -> bool {
        Command::new(self.bin.join("pg_isready"))
            .args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()])
            .status()
            .is_ok_and(|status| status.success())
    }

    /// A new, empty database; its address.
    pub(crate) fn create_database(&self, name: &str) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("{name}_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        run(Command::new(self.bin.join("createdb"))
            .args(["-h", "127.0.0.1", "-U", "alfred"])
            .args(["-p", &self.port.to_string(), &name]));
        format!(
            "postgres://alfred@127.0.0.1:{}/{name}?sslmode=disable",
            self.port
        )
    }

    /// Stops the server as a crash would, and starts it again.
    pub(crate) fn restart_immediate(&self) {
        self.stop_immediate();
        self.launch();
    }

    /// Stops the server as a crash would.
    pub(crate) fn stop_immediate(&self) {
        let pid = *self.pid.lock().unwrap();
        run(Command::new("kill").args(["-QUIT", &pid.to_string()]));
        let begun = Instant::now();
        while Path::new(&format!("/proc/{pid}")).exists() {
            assert!(begun.elapsed() < START, "PostgreSQL never ends");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Starts a server that was stopped.
    pub(crate) fn start_again(&self) {
        self.launch();
    }

    /// A server that is shared is never dropped: its folder is removed by a shell that waits for
    /// the end of this process.
    fn clean_up_after_all(&self) {
        let script = format!(
            "while kill -0 {} 2>/dev/null; do sleep 1; done; sleep 1; rm -rf '{}'",
            std::process::id(),
            self.folder.path().display()
        );
        let _ = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let pid = *self.pid.lock().unwrap();
        let _ = Command::new("kill")
            .args(["-QUIT", &pid.to_string()])
            .status();
    }
}

/// The programs of the newest server that is installed.
fn newest_server() -> PathBuf {
    let installed = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = installed
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .max();
    match newest {
        Some((_, bin)) => bin,
        None => panic!(
            "there is no PostgreSQL server to test with: install the package `postgresql` (`.ci/setup test` does)"
        ),
    }
}

fn is_root() -> bool {
    let said = Command::new("id").arg("-u").output().unwrap();
    String::from_utf8_lossy(&said.stdout).trim() == "0"
}

/// A command as the user that may run the server, and that dies with the thread which starts it.
fn as_user(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "QUIT"]);
    if is_root() {
        command.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
    }
    command.arg(program).current_dir("/");
    command
}

fn run(command: &mut Command) {
    let said = command.output().unwrap_or_else(|error| {
        panic!("{:?} cannot be run: {error}", command.get_program());
    });
    assert!(
        said.status.success(),
        "{command:?}: {}",
        String::from_utf8_lossy(&said.stderr)
    );
}
