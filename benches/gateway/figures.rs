//! What is measured, and where Alfred must stand.

use std::collections::BTreeMap;

/// A figure of one program in one repetition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    /// Median latency of requests one by one, microseconds.
    SerialP50,
    /// The same, 99th percentile.
    SerialP99,
    /// What the program adds to the direct way, median, microseconds.
    AddedP50,
    /// The same, 99th percentile.
    AddedP99,
    /// Requests a second on 32 connections.
    Rate,
    /// CPU time of one request, microseconds.
    Cpu,
    /// Chunks a second of 100 streams without pauses.
    ChunkRate,
    /// CPU time of one chunk, microseconds.
    ChunkCpu,
    /// From upstream to client, one chunk of 100 paced streams, median, microseconds.
    TransitP50,
    /// The same, 99th percentile.
    TransitP99,
    /// Resident memory after the first answer, MiB.
    MemoryIdle,
    /// Resident memory after the streams, MiB.
    MemoryStreams,
    /// From the program's start to its first right answer, milliseconds.
    Start,
    /// Share of streams that arrived whole, per cent.
    Fidelity,
}

impl Figure {
    /// The figures in the order of the report, with name and decimals.
    pub(crate) const ALL: [(Self, &'static str, usize); 14] = [
        (Self::SerialP50, "serial latency p50, us", 1),
        (Self::SerialP99, "serial latency p99, us", 1),
        (Self::AddedP50, "serial added p50, us", 1),
        (Self::AddedP99, "serial added p99, us", 1),
        (Self::Rate, "requests/s, 32 connections", 0),
        (Self::Cpu, "CPU per request, us", 1),
        (Self::ChunkRate, "chunks/s, 100 streams", 0),
        (Self::ChunkCpu, "CPU per chunk, us", 2),
        (Self::TransitP50, "chunk transit p50, us", 1),
        (Self::TransitP99, "chunk transit p99, us", 1),
        (Self::MemoryIdle, "memory idle, MiB", 1),
        (Self::MemoryStreams, "memory after streams, MiB", 1),
        (Self::Start, "start to first answer, ms", 1),
        (Self::Fidelity, "streams that arrive whole, %", 1),
    ];
}

/// The subjects in the order of the report; `canonical` is Alfred with a provider whose answers
/// are read and written anew, `translated` with one that speaks Anthropic's dialect.
pub(crate) const SUBJECTS: [&str; 6] = [
    "direct",
    "nginx",
    "pingora",
    "alfred",
    "canonical",
    "translated",
];

/// The subjects of the comparison with and without money: no ledger, a ledger and no wallet, a
/// ledger and three wallets.
pub(crate) const RIVALS: [&str; 3] = ["spine", "unmetered", "metered"];

/// All figures of one repetition, by subject.
pub(crate) type Figures = BTreeMap<(&'static str, Figure), f64>;

/// What a figure is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Against {
    /// Nothing.
    Itself,
    /// The same figure of another subject, as a ratio.
    Times(&'static str),
    /// The same figure of another subject, as a difference.
    Over(&'static str),
}

/// Where Alfred must stand, and where it wants to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Goal {
    pub(crate) figure: Figure,
    pub(crate) subject: &'static str,
    pub(crate) against: Against,
    pub(crate) must: f64,
    pub(crate) goal: f64,
    /// Whether more is better.
    pub(crate) more: bool,
}

impl Goal {
    const fn less(figure: Figure, against: Against, must: f64, goal: f64) -> Self {
        Self {
            figure,
            subject: "alfred",
            against,
            must,
            goal,
            more: false,
        }
    }

    const fn more(figure: Figure, against: Against, must: f64, goal: f64) -> Self {
        let less = Self::less(figure, against, must, goal);
        Self { more: true, ..less }
    }

    const fn canonical(self) -> Self {
        Self {
            subject: "canonical",
            ..self
        }
    }

    const fn metered(self) -> Self {
        Self {
            subject: "metered",
            ..self
        }
    }

    const fn translated(self) -> Self {
        Self {
            subject: "translated",
            ..self
        }
    }

    /// The goals, in the order of the report.
    pub(crate) const ALL: [Self; 18] = [
        Self::less(Figure::SerialP50, Against::Over("spine"), 20.0, 10.0).metered(),
        Self::less(Figure::Cpu, Against::Times("pingora"), 1.6, 1.25),
        Self::more(Figure::Rate, Against::Times("pingora"), 0.65, 0.85),
        Self::less(Figure::AddedP50, Against::Over("pingora"), 30.0, 12.0),
        Self::more(Figure::ChunkRate, Against::Times("nginx"), 0.9, 1.1),
        Self::more(Figure::ChunkRate, Against::Times("nginx"), 0.9, 1.1).canonical(),
        Self::less(Figure::ChunkCpu, Against::Times("alfred"), 1.5, 1.2).translated(),
        Self::less(Figure::TransitP50, Against::Times("alfred"), 1.5, 1.2).translated(),
        Self::less(Figure::TransitP50, Against::Times("pingora"), 1.4, 1.1),
        Self::less(Figure::TransitP50, Against::Times("pingora"), 1.4, 1.1).canonical(),
        Self::less(Figure::TransitP99, Against::Times("pingora"), 2.0, 1.2),
        Self::less(Figure::TransitP99, Against::Times("pingora"), 2.0, 1.2).canonical(),
        Self::more(Figure::Fidelity, Against::Itself, 100.0, 100.0),
        Self::more(Figure::Fidelity, Against::Itself, 100.0, 100.0).canonical(),
        Self::less(Figure::MemoryIdle, Against::Itself, 30.0, 22.0),
        Self::less(Figure::MemoryStreams, Against::Itself, 60.0, 45.0),
        Self::less(Figure::MemoryStreams, Against::Itself, 60.0, 45.0).canonical(),
        Self::less(Figure::Start, Against::Itself, 150.0, 60.0),
    ];

    /// What one repetition says; `None` when it did not measure all that is needed.
    pub(crate) fn value(&self, figures: &Figures) -> Option<f64> {
        let own = *figures.get(&(self.subject, self.figure))?;
        match self.against {
            Against::Itself => Some(own),
            Against::Times(other) => Some(own / figures.get(&(other, self.figure))?),
            Against::Over(other) => Some(own - figures.get(&(other, self.figure))?),
        }
    }

    /// Whether a value is at least as good as a limit.
    pub(crate) fn reaches(&self, value: f64, limit: f64) -> bool {
        if self.more {
            value >= limit
        } else {
            value <= limit
        }
    }
}

/// The sample at this place of a thousand, in microseconds from nanoseconds; sorts the samples.
pub(crate) fn percentile(samples: &mut [u64], permille: usize) -> f64 {
    samples.sort_unstable();
    let last = samples.len().saturating_sub(1);
    let nanos = samples.get(last * permille / 1000);
    nanos.map_or(f64::NAN, |nanos| *nanos as f64 / 1e3)
}

/// The median of the repetitions.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let above = *values.get(values.len() / 2)?;
    let below = *values.get(values.len().saturating_sub(1) / 2)?;
    Some(f64::midpoint(above, below))
}
