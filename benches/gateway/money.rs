//! What money costs a request: the same program three times on the same core, without a ledger,
//! with one and a caller who has no wallet, and with a caller whom three wallets bound. They take
//! turns, so that a noisy minute is noisy for all of them.

use std::path::Path;
use std::time::Duration;

use crate::figures::{Figure, Figures, percentile};
use crate::programs::{Program, Running, Subject, Upstream};
use crate::scenario::Behaviour;
use crate::spin::Spinners;
use crate::{Outcome, load, machine};

/// Requests of one program before it is the next one's turn: it lasts longer than the cashier lets
/// a batch fill, so that most of what settling costs falls into the turn it belongs to.
const TURN: u32 = 500;
/// Settlements of the last turn have reached the database.
const SETTLED: Duration = Duration::from_millis(300);

/// Measures once: so many requests to each program.
pub(crate) async fn measure(
    upstream: &Upstream,
    alfred: &Path,
    requests: u32,
    figures: &mut Figures,
) -> Outcome<()> {
    let mut rivals = Vec::new();
    for program in Program::RIVALS {
        let running = Running::start(program, upstream, alfred).await?;
        let subject = running.subject("lens");
        let expected = subject.right_answer().await?;
        let target = subject.target(Behaviour::Plain, &expected);
        load::serial(&target, TURN).await?;
        rivals.push((running, target, Vec::new(), cpu(&subject)?));
    }
    let _awake = Spinners::start()?;
    for turn in 0..requests.div_ceil(TURN) {
        let first = usize::try_from(turn)? % rivals.len();
        rivals.rotate_left(first);
        for (_, target, latencies, _) in &mut rivals {
            latencies.extend(load::serial(target, TURN).await?);
        }
        rivals.rotate_right(first);
    }
    tokio::time::sleep(SETTLED).await;
    for (running, _, latencies, before) in &mut rivals {
        let subject = running.subject("lens");
        // Each turn begins with a tenth that nobody times.
        let asked = latencies.len() as f64 * 1.1;
        let used = cpu(&subject)?.saturating_sub(*before).as_secs_f64() * 1e6;
        let mut note = |figure, value| figures.insert((subject.name, figure), value);
        note(Figure::Cpu, used / asked);
        note(Figure::SerialP50, percentile(latencies, 500));
        note(Figure::SerialP99, percentile(latencies, 990));
        running.check_money()?;
    }
    Ok(())
}

fn cpu(subject: &Subject) -> Outcome<Duration> {
    machine::cpu(subject.pid.ok_or("a program without a process")?)
}
