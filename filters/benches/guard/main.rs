//! What the guards cost, each figure beside its goal: `cargo bench -p alfred-filters
//! --bench guard`. Words after `--` choose figures by their names, `--rounds=500` lets a
//! profiler watch. All texts are made
//! here, the same in every run; a figure is the best of several rounds, since whatever
//! else the machine does only ever adds to it. The exit status is 1 when a goal was
//! missed.
#![allow(clippy::unwrap_used, reason = "a benchmark may fail")]

mod hostile;
mod report;
mod scanners;
mod stream;
mod texts;

use std::alloc::System;
use std::process::ExitCode;

use report::Report;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static COUNTING: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> ExitCode {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let rounds = words.iter().find_map(|word| word.strip_prefix("--rounds="));
    let rounds = rounds.and_then(|rounds| rounds.parse().ok());
    words.retain(|word| !word.starts_with('-'));
    let mut report = Report::new(words, rounds);
    scanners::measure(&mut report);
    hostile::measure(&mut report);
    stream::measure(&mut report);
    println!("\n{}", report.table());
    match report.is_reached() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
