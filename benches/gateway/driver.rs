//! The run: repetitions in alternating order, every program started anew in each, so that neither
//! a warm cache nor a noisy minute favours one of them.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::figures::{Figure, Figures, percentile};
use crate::options::{Load, Options};
use crate::programs::{Program, Running, Subject, Upstream, alfred_binary};
use crate::scenario::Behaviour;
use crate::spin::Spinners;
use crate::{Outcome, fidelity, load, machine, money, report};

/// A load that only warms connections and caches.
const WARM: Duration = Duration::from_millis(200);

/// Measures, prints the report, and tells whether every answer was right.
pub(crate) fn run(options: &Options) -> Outcome<bool> {
    machine::settle_down()?;
    let alfred = alfred_binary()?;
    println!(
        "gateway benchmark on {}; Alfred is {}",
        machine::processor(),
        alfred.display()
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let begun = (Instant::now(), machine::work()?, machine::own_cpu()?);
    let mut run = Run {
        options,
        alfred: &alfred,
        faults: Vec::new(),
    };
    let mut repetitions = Vec::new();
    for number in 0..options.repetitions {
        eprint!("repetition {} of {}:", number + 1, options.repetitions);
        let mut figures = runtime.block_on(async {
            tokio::select! {
                // Leaving by this way ends the programs and removes their folders.
                _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
                figures = run.repetition(number % 2 == 1) => figures,
            }
        })?;
        note_added(&mut figures);
        repetitions.push(figures);
        eprintln!();
    }
    println!("\n{}", report::table(&repetitions));
    let (goals, reached) = report::goals(&repetitions);
    println!("{goals}");
    tell_noise(begun)?;
    if !reached {
        println!("at least one `must` was missed");
    }
    for fault in &run.faults {
        println!("WRONG ANSWER: {fault}");
    }
    Ok(run.faults.is_empty())
}

/// How much of the machine somebody else used: with much of it, only ratios mean anything.
fn tell_noise(begun: (Instant, machine::Work, Duration)) -> Outcome<()> {
    let (then, before, own) = begun;
    let after = machine::work()?;
    let busy = after.busy.saturating_sub(before.busy);
    let own = machine::own_cpu()?.saturating_sub(own);
    let time = then.elapsed().as_secs_f64();
    let others = busy.saturating_sub(own).as_secs_f64() / time * 100.0;
    let stolen = after.stolen.saturating_sub(before.stolen).as_secs_f64() / time * 100.0;
    println!(
        "{time:.0} s; during the run others used {others:.0} % of a core, the hypervisor took {stolen:.1} %"
    );
    Ok(())
}

/// What each program adds to the direct way.
fn note_added(figures: &mut Figures) {
    let pairs = [
        (Figure::SerialP50, Figure::AddedP50),
        (Figure::SerialP99, Figure::AddedP99),
    ];
    for (latency, added) in pairs {
        let Some(direct) = figures.get(&("direct", latency)).copied() else {
            continue;
        };
        for program in Program::ALL.into_iter().skip(1) {
            if let Some(value) = figures.get(&(program.name(), latency)).copied() {
                figures.insert((program.name(), added), value - direct);
            }
        }
    }
}

struct Run<'a> {
    options: &'a Options,
    alfred: &'a Path,
    faults: Vec<String>,
}

impl Run<'_> {
    async fn repetition(&mut self, backwards: bool) -> Outcome<Figures> {
        // A fresh upstream as well: its memory and connections are nobody's advantage.
        let upstream = Upstream::start()?;
        let mut programs = self.options.programs.clone();
        if backwards {
            programs.reverse();
        }
        let mut figures = Figures::new();
        // Whoever comes first must not wait for the upstream to listen.
        drop(Running::start(Program::Direct, &upstream, self.alfred).await?);
        if self.options.loads.contains(&Load::Money) {
            eprint!(" money");
            let requests = self.options.serial;
            money::measure(&upstream, self.alfred, requests, &mut figures).await?;
        }
        for program in programs {
            eprint!(" {}", program.name());
            let running = Running::start(program, &upstream, self.alfred).await?;
            if program != Program::Direct {
                let start = running.started_in.as_secs_f64() * 1e3;
                figures.insert((program.name(), Figure::Start), start);
            }
            self.measure(&running.subject("lens"), &mut figures).await?;
            if program == Program::Alfred {
                self.measure(&running.subject("canonical"), &mut figures)
                    .await?;
                self.measure_translated(&running, &mut figures).await;
                if running.logged() == 0 {
                    self.faults.push("alfred wrote no access log".to_owned());
                }
            }
        }
        Ok(figures)
    }

    /// Puts a subject through every load. A wrong answer ends the load it happened in.
    async fn measure(&mut self, subject: &Subject, figures: &mut Figures) -> Outcome<()> {
        let expected = subject.right_answer().await?;
        let memory = |figure, figures: &mut Figures| -> Outcome<()> {
            if let Some(pid) = subject.pid {
                figures.insert((subject.name, figure), machine::resident(pid)?);
            }
            Ok(())
        };
        if subject.name != "canonical" {
            memory(Figure::MemoryIdle, figures)?;
        }
        for load in &self.options.loads {
            if let Err(error) = self.put_through(*load, subject, &expected, figures).await {
                self.faults
                    .push(format!("{} under {load:?}: {error}", subject.name));
            }
        }
        memory(Figure::MemoryStreams, figures)?;
        let streams = fidelity::streams(subject).await?;
        let share = f64::from(streams.right) / f64::from(streams.all) * 100.0;
        figures.insert((subject.name, Figure::Fidelity), share);
        self.faults.extend(streams.faults);
        Ok(())
    }

    /// Streams that are translated: their chunks are other bytes than the upstream's, so only what
    /// every stream must have is looked at.
    async fn measure_translated(&mut self, running: &Running, figures: &mut Figures) {
        let subject = running.subject("translated");
        for load in &self.options.loads {
            if let Err(error) = self.put_through(*load, &subject, &[], figures).await {
                self.faults
                    .push(format!("translated under {load:?}: {error}"));
            }
        }
    }

    async fn put_through(
        &self,
        load: Load,
        subject: &Subject,
        expected: &[u8],
        figures: &mut Figures,
    ) -> Outcome<()> {
        let time = self.options.time;
        let mut note = |figure, value| figures.insert((subject.name, figure), value);
        let plain = subject.target(Behaviour::Plain, expected);
        // These ways are measured by their streams only.
        let streams_only = matches!(subject.name, "canonical" | "translated");
        match load {
            Load::Serial if !streams_only => {
                let _awake = Spinners::start()?;
                let mut latencies = load::serial(&plain, self.options.serial).await?;
                note(Figure::SerialP50, percentile(&mut latencies, 500));
                note(Figure::SerialP99, percentile(&mut latencies, 990));
            }
            Load::Parallel if !streams_only => {
                load::parallel(&plain, WARM).await?;
                let work = load::parallel(&plain, time).await?;
                note(Figure::Rate, work.rate);
                work.cpu_us.map(|cpu| note(Figure::Cpu, cpu));
            }
            Load::Burst => {
                let target = subject.target(Behaviour::BURST, expected);
                load::streams(&target, WARM, false).await?;
                let work = load::streams(&target, time, false).await?;
                note(Figure::ChunkRate, work.rate);
                work.cpu_us.map(|cpu| note(Figure::ChunkCpu, cpu));
            }
            Load::Paced => {
                let _awake = Spinners::start()?;
                let target = subject.target(Behaviour::PACED, expected);
                let mut work = load::streams(&target, time, true).await?;
                note(Figure::TransitP50, percentile(&mut work.transits, 500));
                note(Figure::TransitP99, percentile(&mut work.transits, 990));
            }
            Load::Serial | Load::Parallel | Load::Money => {}
        }
        Ok(())
    }
}
