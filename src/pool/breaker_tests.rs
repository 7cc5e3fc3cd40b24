//! The breaker against a model that remembers everything, over random outcomes and clock steps.

use std::time::Duration;

use proptest::prelude::*;

use super::breaker::{Admission, Breaker, Machine, Outcome, Pass, State};
use crate::conf::BreakerConfig;

const RULES: BreakerConfig = BreakerConfig {
    failures: 5,
    ratio: 50,
    connect_errors: 3,
    window: Duration::from_secs(30),
    cooldown: Duration::from_secs(15),
};

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Makes a call that must be let through.
fn call(machine: &mut Machine, outcome: Outcome, now: Duration) -> Option<State> {
    match machine.admit(now) {
        Admission::Yes(pass) | Admission::Probe(pass) => machine.record(&RULES, pass, outcome, now),
        Admission::No { until } => panic!("not let through until {until:?}"),
    }
}

fn opened(now: Duration) -> Machine {
    let mut machine = Machine::default();
    for _ in 0..3 {
        call(&mut machine, Outcome::Silent, now);
    }
    assert_eq!(machine.state(), State::Open);
    machine
}

fn probe(machine: &mut Machine, now: Duration) -> Pass {
    match machine.admit(now) {
        Admission::Probe(pass) => pass,
        other => panic!("no probe: {other:?}"),
    }
}

#[test]
fn five_failures_open_it_when_they_are_half_of_the_calls() {
    let mut machine = Machine::default();
    for _ in 0..4 {
        assert_eq!(call(&mut machine, Outcome::Failed, s(1)), None);
    }
    assert_eq!(call(&mut machine, Outcome::Failed, s(2)), Some(State::Open));
    assert_eq!(machine.admit(s(16)), Admission::No { until: s(17) });
}

#[test]
fn failures_among_many_answers_do_not_open_it() {
    let mut machine = Machine::default();
    for _ in 0..100 {
        call(&mut machine, Outcome::Answered, s(1));
        call(&mut machine, Outcome::Answered, s(1));
        assert_eq!(call(&mut machine, Outcome::Failed, s(1)), None);
    }
}

#[test]
fn failures_are_forgotten_with_their_window() {
    let mut machine = Machine::default();
    for step in 0..40 {
        let now = s(step * 8);
        assert_eq!(call(&mut machine, Outcome::Failed, now), None, "{now:?}");
    }
    assert_eq!(machine.recent(s(40 * 8 + 60)), (0, 0));
}

#[test]
fn three_silences_in_a_row_open_it_and_an_answer_between_them_does_not() {
    let mut machine = Machine::default();
    for _ in 0..20 {
        call(&mut machine, Outcome::Answered, s(0));
    }
    for outcome in [
        Outcome::Silent,
        Outcome::Silent,
        Outcome::Answered,
        Outcome::Silent,
    ] {
        assert_eq!(call(&mut machine, outcome, s(1)), None);
    }
    assert_eq!(call(&mut machine, Outcome::Silent, s(1)), None);
    assert_eq!(call(&mut machine, Outcome::Silent, s(1)), Some(State::Open));
}

#[test]
fn after_the_cooldown_one_probe_passes_and_decides() {
    for (outcome, after) in [
        (Outcome::Answered, State::Closed),
        (Outcome::Failed, State::Open),
        (Outcome::Silent, State::Open),
    ] {
        let mut machine = opened(s(0));
        assert_eq!(machine.admit(s(14)), Admission::No { until: s(15) });
        let pass = probe(&mut machine, s(15));
        assert!(matches!(machine.admit(s(15)), Admission::No { .. }));
        assert_eq!(machine.record(&RULES, pass, outcome, s(20)), Some(after));
        assert_eq!(machine.peek(s(20)).is_ok(), after == State::Closed);
        if after == State::Open {
            assert_eq!(machine.peek(s(20)), Err(s(35)));
        }
    }
}

#[test]
fn a_probe_without_a_verdict_passes_to_the_next() {
    let mut machine = opened(s(0));
    for _ in 0..3 {
        let pass = probe(&mut machine, s(15));
        machine.give_back(pass);
        assert_eq!(machine.state(), State::HalfOpen);
    }
    assert!(machine.admit(s(15)) != Admission::No { until: s(16) });
}

#[test]
fn what_began_before_it_opened_decides_nothing_afterwards() {
    let mut machine = Machine::default();
    let mut old: Vec<Pass> = (0..20)
        .filter_map(|_| match machine.admit(s(0)) {
            Admission::Yes(pass) => Some(pass),
            _ => None,
        })
        .collect();
    for _ in 0..3 {
        call(&mut machine, Outcome::Silent, s(0));
    }
    let mut late = |machine: &mut Machine, outcome| {
        let pass = old.pop().expect("an old call");
        assert_eq!(machine.record(&RULES, pass, outcome, s(15)), None);
    };
    late(&mut machine, Outcome::Answered);
    assert_eq!(machine.state(), State::Open);
    let pass = probe(&mut machine, s(15));
    late(&mut machine, Outcome::Answered);
    late(&mut machine, Outcome::Failed);
    assert_eq!(machine.state(), State::HalfOpen);
    machine.record(&RULES, pass, Outcome::Answered, s(15));
    for _ in 0..10 {
        late(&mut machine, Outcome::Silent);
    }
    assert_eq!(machine.state(), State::Closed);
    assert_eq!(machine.recent(s(15)), (0, 0));
}

#[test]
fn of_many_threads_one_gets_the_probe() {
    let breaker = Breaker::default();
    for _ in 0..3 {
        match breaker.admit(s(0)).0 {
            Admission::Yes(pass) => breaker.record(&RULES, pass, Outcome::Silent, s(0)),
            other => panic!("{other:?}"),
        };
    }
    for _ in 0..20 {
        let passes: Vec<Pass> = std::thread::scope(|scope| {
            let ask = || match breaker.admit(s(15)).0 {
                Admission::Probe(pass) => Some(pass),
                Admission::Yes(pass) => panic!("{pass:?} while it is not closed"),
                Admission::No { .. } => None,
            };
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.filter_map(|pass| pass.expect("no panic")).collect()
        });
        assert_eq!(passes.len(), 1);
        passes.into_iter().for_each(|pass| breaker.give_back(pass));
    }
}

/// What may happen to a breaker.
#[derive(Clone, Debug)]
enum Step {
    Call,
    /// The nth call that runs ends so; without an outcome, it is dropped.
    End(usize, Option<Outcome>),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        3 => Just(Some(Outcome::Answered)),
        3 => Just(Some(Outcome::Failed)),
        2 => Just(Some(Outcome::Silent)),
        1 => Just(None),
    ];
    let step = prop_oneof![
        4 => Just(Step::Call),
        4 => (0usize..8, outcome).prop_map(|(nth, outcome)| Step::End(nth, outcome)),
        2 => (0u64..20_000).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..400)
}

fn rules() -> impl Strategy<Value = BreakerConfig> {
    (1u32..6, 0u32..=100, 1u32..5, 1u64..40, 1u64..20).prop_map(
        |(failures, ratio, connect_errors, window, cooldown)| BreakerConfig {
            failures,
            ratio,
            connect_errors,
            window: s(window),
            cooldown: s(cooldown),
        },
    )
}

/// The same breaker as a story: every outcome since it closed last, in order.
#[derive(Debug, Default)]
struct Model {
    era: u64,
    open_until: Option<u64>,
    half_open: bool,
    probe_runs: bool,
    story: Vec<(u64, Outcome)>,
}

impl Model {
    fn admits(&self, now: u64) -> bool {
        self.open_until.is_none_or(|until| now >= until) && !self.probe_runs
    }

    fn admit(&mut self, now: u64) -> Option<(u64, bool)> {
        if !self.admits(now) {
            return None;
        }
        if self.open_until.take().is_some() {
            self.half_open = true;
            self.era += 1;
        }
        self.probe_runs = self.half_open;
        Some((self.era, self.half_open))
    }

    fn end(
        &mut self,
        rules: &BreakerConfig,
        (era, probe): (u64, bool),
        outcome: Option<Outcome>,
        now: u64,
    ) {
        if era != self.era {
            return;
        }
        let Some(outcome) = outcome else {
            self.probe_runs &= !probe;
            return;
        };
        if !probe {
            self.story.push((now, outcome));
        }
        let opens = match probe {
            true => outcome != Outcome::Answered,
            false => outcome != Outcome::Answered && self.is_too_much(rules, now),
        };
        if opens || probe {
            self.era += 1;
            self.story.clear();
            self.half_open = false;
            self.probe_runs = false;
            self.open_until = opens.then(|| now + millis(rules.cooldown));
        }
    }

    fn is_too_much(&self, rules: &BreakerConfig, now: u64) -> bool {
        let slot = |at: u64| at / (millis(rules.window) / 10).max(1);
        let fresh = self
            .story
            .iter()
            .filter(|(at, _)| slot(*at) + 10 > slot(now));
        let (calls, failures) = fresh.fold((0u64, 0u64), |(calls, failures), (_, outcome)| {
            (
                calls + 1,
                failures + u64::from(*outcome != Outcome::Answered),
            )
        });
        let silences = self.story.iter().rev();
        let silences = silences.take_while(|(_, outcome)| *outcome == Outcome::Silent);
        let many = failures >= u64::from(rules.failures);
        (many && failures * 100 >= u64::from(rules.ratio) * calls)
            || silences.count() >= usize::try_from(rules.connect_errors).unwrap()
    }

    fn state(&self) -> State {
        match (self.open_until, self.half_open) {
            (Some(_), _) => State::Open,
            (None, true) => State::HalfOpen,
            (None, false) => State::Closed,
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn it_does_what_the_model_does(rules in rules(), steps in steps()) {
        let (breaker, mut model) = (Breaker::default(), Model::default());
        let (mut now, mut running) = (0u64, Vec::new());
        for step in steps {
            let clock = Duration::from_millis(now);
            match step {
                Step::Wait(time) => now += time,
                Step::Call => {
                    let expected = model.admit(now);
                    prop_assert_eq!(breaker.peek(clock).is_ok(), expected.is_some());
                    let pass = match breaker.admit(clock).0 {
                        Admission::Yes(pass) | Admission::Probe(pass) => Some(pass),
                        Admission::No { until } => {
                            prop_assert!(until > clock);
                            None
                        }
                    };
                    prop_assert_eq!(pass.is_some(), expected.is_some());
                    if let (Some(pass), Some(expected)) = (pass, expected) {
                        prop_assert_eq!(pass.is_probe(), expected.1);
                        running.push((pass, expected));
                    }
                    let era = model.era;
                    let probes = running.iter().filter(|(pass, (of, _))| pass.is_probe() && *of == era);
                    prop_assert!(probes.count() <= 1, "more than one probe");
                }
                Step::End(nth, outcome) if !running.is_empty() => {
                    let (pass, known) = running.remove(nth % running.len());
                    model.end(&rules, known, outcome, now);
                    match outcome {
                        Some(outcome) => drop(breaker.record(&rules, pass, outcome, clock)),
                        None => breaker.give_back(pass),
                    }
                }
                Step::End(..) => {}
            }
            let clock = Duration::from_millis(now);
            prop_assert_eq!(breaker.glimpse(clock).state, model.state());
        }
        // Whatever happened: it is never stuck.
        running.into_iter().for_each(|(pass, _)| breaker.give_back(pass));
        let later = Duration::from_millis(now) + rules.cooldown;
        prop_assert!(breaker.peek(later).is_ok());
    }
}
