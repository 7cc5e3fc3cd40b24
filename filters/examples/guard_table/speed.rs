//! How long a scan of a prompt of 2 KB takes: the median over some prompts of the best of some
//! turns, for neighbours on the machine can only add to it.

use std::hint::black_box;
use std::time::Instant;

use super::rows::Rows;

/// How long a prompt is, in bytes.
const LENGTH: usize = 2048;
/// How many there are.
const PROMPTS: usize = 30;
/// How often each is scanned by us.
const TURNS: usize = 200;

/// Prompts of that length, cut from the honest ones. They are ASCII, so that every tool
/// counts the same length.
pub(crate) fn texts(rows: &Rows) -> Vec<String> {
    let mut all = rows.honest_texts().collect::<Vec<_>>().join("\n");
    all.retain(|letter| letter.is_ascii());
    let bytes = all.as_bytes().chunks_exact(LENGTH);
    let step = (bytes.len() / PROMPTS).max(1);
    let some = bytes.step_by(step).take(PROMPTS);
    some.map(|prompt| String::from_utf8_lossy(prompt).into_owned())
        .collect()
}

/// The time of one scan in microseconds.
pub(crate) fn of(texts: &[String], mut scan: impl FnMut(&str)) -> f64 {
    let times = texts.iter().map(|text| {
        let turns = (0..TURNS).map(|_| {
            let begun = Instant::now();
            scan(black_box(text));
            begun.elapsed().as_secs_f64() * 1e6
        });
        turns.fold(f64::INFINITY, f64::min)
    });
    median(times.collect())
}

/// The middle one, 0 without any.
pub(crate) fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(0.0)
}
