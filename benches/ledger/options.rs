//! The words behind `cargo bench --bench ledger --`.

use crate::Outcome;

const HELP: &str = "options of the ledger benchmark:
  --quick             one repetition with fewer requests
  --repetitions N     how many repetitions (5)
  --requests N        settlements of each measurement on the database (100000)
  --only FIGURE       measure only: holding, posting; may be repeated";

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    /// One hold and its settlement, in this process.
    Holding,
    /// Admissions and settlements with the database behind.
    Posting,
}

impl Figure {
    const ALL: [Self; 2] = [Self::Holding, Self::Posting];

    /// Its word.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Holding => "holding",
            Self::Posting => "posting",
        }
    }
}

/// What to measure, and how long.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Everything is measured so often.
    pub(crate) repetitions: usize,
    /// Holds that are timed one by one.
    pub(crate) holds: usize,
    /// Settlements of each measurement on the database; fewer than may wait for it.
    pub(crate) requests: usize,
    /// The figures to measure.
    pub(crate) figures: Vec<Figure>,
}

/// Reads the words of the command line.
pub(crate) fn read(words: &[&str]) -> Outcome<Options> {
    let mut options = Options {
        repetitions: 5,
        holds: 50_000,
        requests: 100_000,
        figures: Vec::new(),
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
                options.holds = 10_000;
                options.requests = 30_000;
            }
            "--repetitions" => options.repetitions = value()?.parse()?,
            "--requests" => options.requests = value()?.parse()?,
            "--only" => options.figures.push(figure(value()?)?),
            _ => return Err(HELP.into()),
        }
    }
    if options.figures.is_empty() {
        options.figures = Figure::ALL.to_vec();
    }
    Ok(options)
}

fn figure(name: &str) -> Outcome<Figure> {
    let figure = Figure::ALL.into_iter().find(|figure| figure.name() == name);
    figure.ok_or_else(|| format!("there is no figure `{name}`\n{HELP}").into())
}
