//! The benchmark of the whole gateway: `make bench-gateway`.
//!
//! What Alfred costs is only visible beside the ground it stands on, so one run measures, on the
//! same machine and minute, the bare upstream, nginx, a bare Pingora pass-through and Alfred with
//! every station on, and holds Alfred to the ratios of `docs/reference/benchmarks.md`.
//!
//! One program plays all parts: the driver, which is also the load generator, starts itself again
//! as the upstream, as the pass-through and as the spinners that keep cores awake. The proxy under
//! test has one core to itself, all else shares another.

mod client;
mod clock;
mod driver;
mod fidelity;
mod figures;
mod load;
#[allow(dead_code, reason = "the ledger's benchmark uses more of it")]
mod machine;
mod money;
mod options;
mod passthrough;
mod programs;
mod report;
mod scenario;
mod spin;
mod spine;
mod upstream;
mod wire;

use std::io::Read;
use std::process::ExitCode;

/// Same allocator in the pass-through as in Alfred, or the comparison means nothing.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a part of the benchmark ends with. Nobody handles these errors one by one: they end the
/// run or make an answer count as wrong.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The first argument of a process that plays a part.
pub(crate) const UPSTREAM: &str = "role:upstream";
/// See [`UPSTREAM`].
pub(crate) const PASSTHROUGH: &str = "role:passthrough";
/// See [`UPSTREAM`].
pub(crate) const SPINE: &str = "role:spine";
/// What a [`SPINE`] is told.
pub(crate) const WITH_LEDGER: &str = "ledger";
/// See [`WITH_LEDGER`].
pub(crate) const WITHOUT_LEDGER: &str = "none";
/// See [`UPSTREAM`].
pub(crate) const SPIN: &str = "role:spin";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        [UPSTREAM, listen] => part((*listen).to_owned(), |listen| upstream::run(&listen)),
        [PASSTHROUGH, listen, upstream] => {
            let addresses = ((*listen).to_owned(), (*upstream).to_owned());
            part(addresses, |(listen, upstream)| {
                passthrough::run(&listen, &upstream)
            })
        }
        [SPINE, ledger] => part(*ledger == WITH_LEDGER, spine::run),
        [SPIN] => part((), |()| spin::run()),
        words => match options::read(words).and_then(|options| driver::run(&options)) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::FAILURE,
            Err(error) => {
                eprintln!("bench: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

/// Plays a part until the driver closes standard input, so that no process outlives it.
fn part<T: Send + 'static>(
    given: T,
    play: impl FnOnce(T) -> Outcome<()> + Send + 'static,
) -> ExitCode {
    std::thread::spawn(move || {
        if let Err(error) = play(given) {
            eprintln!("bench: {error}");
        }
    });
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}
