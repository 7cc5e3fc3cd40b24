//! What the operating system knows: which core runs what, who used how much of it, and memory.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Outcome;

/// Length of the clock ticks in `/proc`; 100 per second on every Linux that Rust supports.
const TICK: Duration = Duration::from_millis(10);

/// Where a process runs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Core {
    /// The core of the proxy under test.
    Proxy,
    /// The core of upstream and load generator.
    Load,
}

impl Core {
    fn number(self) -> &'static str {
        match self {
            Self::Proxy => "0",
            Self::Load => "1",
        }
    }
}

/// Moves this process to the load generator's core, as work that need not run at once: otherwise
/// the kernel would stop the upstream after every packet to let the load generator read it, and
/// that change of processes would cost more than the packet.
pub(crate) fn settle_down() -> Outcome<()> {
    if std::thread::available_parallelism()?.get() < 2 {
        return Err("the benchmark needs two cores: one for the proxy, one for the rest".into());
    }
    let id = std::process::id().to_string();
    ask_util_linux("taskset", &["-a", "-c", "-p", Core::Load.number(), &id])?;
    ask_util_linux("chrt", &["--batch", "--all-tasks", "--pid", "0", &id])
}

fn ask_util_linux(program: &str, words: &[&str]) -> Outcome<()> {
    match Command::new(program)
        .args(words)
        .stdout(Stdio::null())
        .status()
    {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}").into()),
        Err(error) => Err(format!("{program} (package util-linux): {error}").into()),
    }
}

/// A command on the proxy's core, with the scheduling of any other program.
pub(crate) fn proxy(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", Core::Proxy.number(), "chrt", "--other", "0"]);
    command.arg(program);
    command
}

/// Starts this program again to play a part, by way of the command `through`.
pub(crate) fn itself(core: Core, through: &[&str], part: &[&str]) -> Outcome<Child> {
    let own = std::env::current_exe()?;
    let mut command = Command::new("taskset");
    command
        .args(["-c", core.number()])
        .args(through)
        .arg(own)
        .args(part);
    Ok(command.stdin(Stdio::piped()).spawn()?)
}

/// Ends a child and waits, so that its CPU time becomes part of this process' account.
pub(crate) fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// The numbered fields of `/proc/PID/stat` behind the command's name, from the state on.
fn stat(pid: u32) -> Outcome<Vec<u64>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let (_, fields) = text.rsplit_once(')').ok_or("stat without a name")?;
    Ok(fields
        .split_whitespace()
        .map(|field| field.parse().unwrap_or(0))
        .collect())
}

fn ticks(count: u64) -> Duration {
    TICK * u32::try_from(count).unwrap_or(u32::MAX)
}

/// CPU time of a process, all its threads, user and system.
pub(crate) fn cpu(pid: u32) -> Outcome<Duration> {
    let fields = stat(pid)?;
    Ok(ticks(fields.iter().skip(11).take(2).sum()))
}

/// CPU time of this process and of every child that has ended.
pub(crate) fn own_cpu() -> Outcome<Duration> {
    let fields = stat(std::process::id())?;
    Ok(ticks(fields.iter().skip(11).take(4).sum()))
}

/// CPU time of a process, of its children, and of those that have ended.
pub(crate) fn family_cpu(pid: u32) -> Outcome<Duration> {
    let mut used: u64 = stat(pid)?.iter().skip(11).take(4).sum();
    for entry in fs::read_dir("/proc")?.flatten() {
        let name = entry.file_name();
        let Some(child) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that has just ended is counted with its parent.
        let Ok(fields) = stat(child) else {
            continue;
        };
        if fields.get(1) == Some(&u64::from(pid)) {
            used += fields.iter().skip(11).take(2).sum::<u64>();
        }
    }
    Ok(ticks(used))
}

/// What the whole machine has done since it started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    /// Time in which some core was busy, summed over cores.
    pub(crate) busy: Duration,
    /// Time the hypervisor gave to other machines.
    pub(crate) stolen: Duration,
}

/// See [`Work`].
pub(crate) fn work() -> Outcome<Work> {
    let text = fs::read_to_string("/proc/stat")?;
    let line = text.lines().next().unwrap_or_default();
    let fields: Vec<u64> = line
        .split_whitespace()
        .skip(1)
        .map(|field| field.parse().unwrap_or(0))
        .collect();
    let [user, nice, system, _idle, _iowait, irq, softirq, steal, ..] = fields.as_slice() else {
        return Err("/proc/stat is not as expected".into());
    };
    Ok(Work {
        busy: ticks(user + nice + system + irq + softirq),
        stolen: ticks(*steal),
    })
}

/// Resident memory of a process, in MiB.
pub(crate) fn resident(pid: u32) -> Outcome<f64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB"));
    let kib: f64 = kib.ok_or("a process without VmRSS")?.trim().parse()?;
    Ok(kib / 1024.0)
}

/// The processor's name, as the report shows it.
pub(crate) fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find(|line| line.starts_with("model name"));
    let name = name
        .and_then(|line| line.split_once(':'))
        .map(|(_, name)| name.trim());
    name.unwrap_or("unknown processor").to_owned()
}
