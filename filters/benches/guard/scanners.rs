//! What scanners cost on whole texts: prompts of 2 KB, texts of 1 MB, and those that
//! somebody made to cost more. The scanners of a policy are measured as a screen runs
//! them, one after the other over the same text.

use std::hint::black_box;

use alfred_filters::guard::injection::{Injection, Trust};
use alfred_filters::guard::own_patterns::Patterns;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::Scan;
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::{Entity, Window, admission};
use stats_alloc::Region;

use crate::report::{Goal, Report, percentile, time};
use crate::texts;

const PROMPT: usize = 2 << 10;
const MEGABYTE: usize = 1 << 20;
const ROUNDS: usize = 15;
/// The slowest that a rule or a pattern may be by itself, in bytes per second.
const SLOWEST: f64 = 50.0;

/// Patterns as teams write them.
const PATTERNS: [&str; 4] = [
    r"\bEMP-\d{6}\b",
    r"(?i)\bproject[ -]\w{1,20}",
    r"\b[A-Z]{2}\d{8}[A-Z]\b",
    r"internal-[a-z0-9]{4,32}",
];

/// Makes a text of that many bytes.
type Maker = fn(usize) -> String;

fn texts() -> [(&'static str, Maker); 5] {
    [
        ("prose", texts::prose),
        ("mixed", texts::mixed),
        ("code", texts::code),
        ("JSON", texts::json),
        ("prose in other scripts", texts::foreign),
    ]
}

/// Megabytes a second.
fn speed(scan: impl FnOnce(), bytes: usize) -> f64 {
    bytes as f64 / 1e6 / time(scan).as_secs_f64()
}

/// The median of many scans, in microseconds.
fn median(mut scan: impl FnMut()) -> f64 {
    let mut samples: Vec<_> = (0..400).map(|_| time(&mut scan)).collect();
    percentile(&mut samples, 500)
}

fn scan(scanners: &[&dyn Scan], text: &str) {
    let mut found = Vec::with_capacity(64);
    for scanner in scanners {
        found.clear();
        scanner.scan(Window::whole(black_box(text)), &mut found);
    }
    black_box(found.len());
}

pub(crate) fn measure(report: &mut Report) {
    let kinds: Vec<Entity> = Entity::defaults().collect();
    let (pii, every, secrets) = (Pii::new(&kinds), Pii::new(Entity::ALL), Secrets::new());
    for (name, made) in texts() {
        let text = made(PROMPT);
        let all: [(&str, &[&dyn Scan], Goal); 3] = [
            (
                "personal data + secrets",
                &[&pii, &secrets],
                Goal::AtMost(25.0),
            ),
            ("personal data", &[&pii], Goal::Less),
            ("secrets", &[&secrets], Goal::Less),
        ];
        for (what, scanners, goal) in all {
            report.take(
                &format!("2 KB of {name}, {what}, us p50"),
                goal,
                ROUNDS,
                || median(|| scan(scanners, &text)),
            );
        }
    }
    for (name, made) in texts() {
        let text = made(MEGABYTE);
        let all: [(&str, &[&dyn Scan], Goal); 4] = [
            (
                "defaults + secrets",
                &[&pii, &secrets],
                Goal::AtLeast(100.0),
            ),
            (
                "every kind + secrets",
                &[&every, &secrets],
                Goal::AtLeast(100.0),
            ),
            ("personal data", &[&pii], Goal::More),
            ("secrets", &[&secrets], Goal::More),
        ];
        for (what, scanners, goal) in all {
            report.take(
                &format!("1 MB of {name}, {what}, MB/s"),
                goal,
                ROUNDS,
                || speed(|| scan(scanners, &text), text.len()),
            );
        }
    }
    floors(report);
    injection(report);
    let text = texts::prose(MEGABYTE);
    report.take(
        "allocations of a scan of 1 MB of prose",
        Goal::AtMost(1.0),
        1,
        || {
            let region = Region::new(crate::COUNTING);
            scan(&[&pii, &secrets], &text);
            region.change().allocations as f64
        },
    );
}

/// The slowest rule of the table and of a team by itself, on the text of admission.
fn floors(report: &mut Report) {
    let text = admission::text();
    let slowest = |all: &mut dyn Iterator<Item = Box<dyn Scan>>| {
        let alone = |scanner: Box<dyn Scan>| {
            let best = (0..5).map(|_| speed(|| scan(&[&*scanner], &text), text.len()));
            best.fold(0.0, f64::max)
        };
        all.map(alone).fold(f64::INFINITY, f64::min)
    };
    report.take(
        "slowest family of secrets, MB/s",
        Goal::AtLeast(SLOWEST),
        1,
        || {
            let alone = |family| Some(Box::new(Secrets::only(family)?) as Box<dyn Scan>);
            slowest(&mut Secrets::families().filter_map(alone))
        },
    );
    report.take(
        "slowest kind of personal data, MB/s",
        Goal::AtLeast(SLOWEST),
        1,
        || {
            let alone = |kind: &Entity| Box::new(Pii::new(&[*kind])) as Box<dyn Scan>;
            slowest(&mut Entity::ALL.iter().map(alone))
        },
    );
    report.take(
        "slowest of a team's patterns, MB/s",
        Goal::AtLeast(SLOWEST),
        1,
        || {
            let alone = |pattern: &&str| {
                let patterns = Patterns::new(1, &[(*pattern).to_owned()]).unwrap();
                Box::new(patterns) as Box<dyn Scan>
            };
            slowest(&mut PATTERNS.iter().map(alone))
        },
    );
}

fn injection(report: &mut Report) {
    let judge = Injection::shipped();
    for (name, trust) in [("user", Trust::User), ("tool", Trust::Tool)] {
        for (kind, made) in texts() {
            let text = made(PROMPT);
            let name = format!("2 KB of {kind}, injections, as a {name}'s, us p50");
            report.take(&name, Goal::AtMost(12.0), ROUNDS, || {
                median(|| {
                    black_box(judge.judge(black_box(&text), trust));
                })
            });
        }
    }
}
