//! The benchmark of money: `make bench-ledger`.
//!
//! What the ledger promises to be fast at is measured with all that makes it slow in production:
//! the real treasury, its journal on the disk, its two threads, and a PostgreSQL that this program
//! starts for itself, as durable as it comes. Each figure stands beside its goal; the exit status
//! is 1 when one was missed or when the books do not add up.

mod holding;
#[path = "../gateway/machine.rs"]
#[allow(dead_code, reason = "the gateway's benchmark uses more of it")]
mod machine;
mod office;
mod options;
mod posting;
mod report;
#[path = "../../tests/support/services.rs"]
mod services;
mod world;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use machine::Work;
use options::{Figure, Options};
use report::Report;
use services::Postgres;
use world::World;

/// Same allocator as Alfred's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a part of the benchmark ends with; nobody handles these errors one by one.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The first argument of a process that is one gateway of three.
pub(crate) const GATEWAY: &str = "role:gateway";

/// Settings of PostgreSQL that the package's own configuration leaves as they are; the tests'
/// servers have less, to start faster.
const SERVER: &str = "-c shared_buffers=128MB -c max_wal_size=1GB";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ended = match words.as_slice() {
        [GATEWAY, rest @ ..] => posting::be_gateway(rest).map(|()| true),
        words => options::read(words).and_then(|options| run(&options)),
    };
    match ended {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<bool> {
    let server = Postgres::start_as(SERVER);
    println!(
        "ledger benchmark on {}, {} cores; {}",
        machine::processor(),
        std::thread::available_parallelism()?,
        server.sql("postgres", "SELECT split_part(version(), ' on ', 1)"),
    );
    let world = World::make(&server)?;
    let mut report = Report::default();
    let begun = (Instant::now(), machine::work()?);
    for repetition in 1..=options.repetitions {
        eprint!("repetition {repetition} of {}:", options.repetitions);
        for figure in &options.figures {
            eprint!(" {}", figure.name());
            match figure {
                Figure::Holding => holding::measure(&world, options, &mut report)?,
                Figure::Posting => posting::measure(&world, options, &mut report)?,
            }
        }
        eprintln!();
    }
    println!("\n{}", report.table());
    tell_load(begun)?;
    Ok(report.is_reached())
}

/// How busy the machine was: with others on it, the figures are those of a part of it.
fn tell_load((then, before): (Instant, Work)) -> Outcome<()> {
    let (after, time) = (machine::work()?, then.elapsed());
    let cores = |time_used: Duration| time_used.as_secs_f64() / time.as_secs_f64();
    println!(
        "{:.0} s; {:.2} cores were busy, with this and all else; the hypervisor took {:.2}; load average {}",
        time.as_secs_f64(),
        cores(after.busy.saturating_sub(before.busy)),
        cores(after.stolen.saturating_sub(before.stolen)),
        std::fs::read_to_string("/proc/loadavg")?.trim(),
    );
    Ok(())
}
