//! The words behind `cargo bench --bench gateway --`.

use std::time::Duration;

use crate::Outcome;
use crate::programs::Program;

const HELP: &str = "options of the gateway benchmark:
  --quick             one short repetition, about 20 seconds
  --repetitions N     how many repetitions (5)
  --seconds N         how long each load lasts (3)
  --only PROGRAM      measure only this program: direct, nginx, pingora, alfred; may be repeated
  --measure LOAD      measure only this load: serial, parallel, burst, paced, money; may be repeated";

/// What one program is put through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Requests one by one.
    Serial,
    /// Requests on 32 connections.
    Parallel,
    /// 100 streams as fast as they come.
    Burst,
    /// 100 streams with 10 ms between chunks.
    Paced,
    /// Requests one by one, with a ledger and without, whatever the programs.
    Money,
}

/// What to measure.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Every program is measured so often.
    pub(crate) repetitions: u32,
    /// How long each load lasts.
    pub(crate) time: Duration,
    /// Requests of the serial load.
    pub(crate) serial: u32,
    /// The programs to measure.
    pub(crate) programs: Vec<Program>,
    /// The loads to put them through.
    pub(crate) loads: Vec<Load>,
}

/// Reads the words of the command line.
pub(crate) fn read(words: &[&str]) -> Outcome<Options> {
    let mut options = Options {
        repetitions: 5,
        time: Duration::from_secs(3),
        serial: 5000,
        programs: Vec::new(),
        loads: Vec::new(),
    };
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        let mut value = || {
            words
                .next()
                .ok_or_else(|| format!("{word} needs a value\n{HELP}"))
        };
        match word {
            // Cargo adds it.
            "--bench" => {}
            "--quick" => {
                options.repetitions = 1;
                options.time = Duration::from_secs(1);
                options.serial = 2000;
            }
            "--repetitions" => options.repetitions = value()?.parse()?,
            "--seconds" => options.time = Duration::from_secs(value()?.parse()?),
            "--only" => options.programs.push(program(value()?)?),
            "--measure" => options.loads.push(load(value()?)?),
            _ => return Err(HELP.into()),
        }
    }
    if options.programs.is_empty() {
        options.programs = Program::ALL.to_vec();
    }
    if options.loads.is_empty() {
        options.loads = vec![
            Load::Serial,
            Load::Parallel,
            Load::Burst,
            Load::Paced,
            Load::Money,
        ];
    }
    Ok(options)
}

fn program(name: &str) -> Outcome<Program> {
    let program = Program::ALL
        .into_iter()
        .find(|program| program.name() == name);
    program.ok_or_else(|| format!("there is no program `{name}`\n{HELP}").into())
}

fn load(name: &str) -> Outcome<Load> {
    Ok(match name {
        "serial" => Load::Serial,
        "parallel" => Load::Parallel,
        "burst" => Load::Burst,
        "paced" => Load::Paced,
        "money" => Load::Money,
        _ => return Err(format!("there is no load `{name}`\n{HELP}").into()),
    })
}
