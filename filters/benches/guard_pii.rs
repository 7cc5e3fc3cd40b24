//! The scanner of personal data, with the kinds that are looked for by default, with
//! those of all countries, and with names and addresses besides. Each figure is printed
//! beside its goal. Figures are the best of many runs: the machine may be shared.

use std::hint::black_box;
use std::time::{Duration, Instant};

use alfred_filters::guard::entity::Tier;
use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::{Entity, Finding, Window};

const PROSE: &str = "Please read the letter below and tell me in plain words what the sender wants, \
    when an answer is due, and whether anything in it sounds unusual to you. ";
const MIXED: &str = "On 2026-03-14 at 10:32 the job v2.4.1 took 467 ms; Ann (ann.lee@example.org) \
    said: \"retry 3 times\". Call +49 30 901820 if it fails again. The log says nothing else of use, \
    and the rest of the page is about the weather, the food and the long way home by train. \
    See https://example.org/docs/a-b-c?page=12 for more of it, chapter 7. ";
const CODE: &str = "for (i, row) in rows.iter().enumerate() { let at = base + i * 16; out.push(0x1f); \
    std::mem::swap(&mut a, &mut b); // 12 of 40\n} ";

/// The least speed of 1 MB, in MB/s: of ordinary text, and of what holds much.
const GOAL_MEGABYTES: f64 = 300.0;
/// The most for 2 KB, in microseconds.
const GOAL_MICROSECONDS: f64 = 10.0;
/// The most for 1 MB of any text, in milliseconds.
const GOAL_MILLISECONDS: f64 = 20.0;

/// How much of a hostile text is scanned at once, in bytes: little enough that a shared
/// machine seldom takes the processor away within. That time grows with the length only
/// is proven by a test, which counts.
const PIECE: usize = 1 << 17;

/// What costs a scanner most; every byte behind digits comes on top.
const HOSTILE: &[&str] = &[
    "a@",
    "1@",
    "1@a.b ",
    "a@b.cc ",
    "1-",
    "1 ",
    "((((",
    "(1)",
    "1 (2) 3 ",
    "12(34)",
    "1.1.1.1.",
    "1.1.1.1 ",
    "a:1:",
    "::",
    "a::",
    "fe80::1 ",
    "a:a:a:a::",
    "7",
    "4111 1111 1111 1112 ",
    "4111 1111 1111 1111 ",
    "1234 ",
    "1111 1111 1111 ",
    "12 34 ",
    "123456 ",
    "1234567 ",
    "123456789 ",
    "1234567890 ",
    "12345678901 ",
    "123456789012 ",
    "1234567890123 ",
    "AB 123456789 ",
    "+49 ",
    "+4930901820 ",
    "+1 202 555 0143 ",
    "(202) 555-0143 ",
    "0049 30 901820 ",
    "ab:cd:e1:",
    "-a-a-1",
    "GB82 ",
    "GB82 WEST ",
    "1BoatSLRHtKNngkdXEeobR76b53LETtpyU ",
    "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdx ",
    "call 555 123 456 ",
    "passport 1 ",
    "passport 123456789 ",
    "tel 123456 ",
    "ph 1234567 ",
    "v 1.1.1.1 ",
    "dl 123456789 ",
    "ur 123456789 ",
    "order order 1 ",
    "tin nif sin pan 1 ",
    "| 123 4567 \n",
    "|tel|\n|123456|\n",
    "|aaaa\n|123456|123456\n",
    "01/01/1980 ",
    "born 01/01/80 ",
    "123-45-6789 ",
    "1980-01-01 ",
    "12:30:45 ",
    "AB12 CD34 ",
    "A1 1AA ",
    "Mr Ann ",
    "dear Ann,",
    "name: Ann Lee\n",
    "my name is ",
    "live at 1 ",
    "address: rue de la rue de ",
    "Best,\nBest,\n",
];

/// The scanners by their names.
fn scanners() -> [(&'static str, Pii); 3] {
    let kinds = Entity::ALL.iter().copied();
    let numbers: Vec<Entity> = kinds.filter(|kind| kind.tier() != Tier::C).collect();
    [
        (
            "defaults",
            Pii::new(&Entity::defaults().collect::<Vec<_>>()),
        ),
        ("all countries", Pii::new(&numbers)),
        ("with names", Pii::new(Entity::ALL)),
    ]
}

fn fill(text: &str, size: usize) -> String {
    let mut filled = text.repeat(size / text.len() + 1);
    filled.truncate(size);
    filled
}

/// The shortest time of a scan among many.
fn best(pii: &Pii, text: &str, budget: Duration) -> Duration {
    let mut out: Vec<Finding> = Vec::with_capacity(1 << 18);
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while best == Duration::MAX || start.elapsed() < budget {
        out.clear();
        let begun = Instant::now();
        black_box(pii.scan(Window::whole(black_box(text)), &mut out));
        best = best.min(begun.elapsed());
    }
    best
}

fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "MISSED" }
}

fn ordinary(name: &str, pii: &Pii) {
    for (kind, text) in [("prose", PROSE), ("mixed", MIXED), ("code", CODE)] {
        let time = best(pii, &fill(text, 2 << 10), Duration::from_millis(300));
        let micros = time.as_secs_f64() * 1e6;
        let kept = verdict(micros <= GOAL_MICROSECONDS);
        println!(
            "{name:<14} {kind:<6} 2 KB {micros:>8.2} us    (goal {GOAL_MICROSECONDS} us, {kept})"
        );
        let time = best(pii, &fill(text, 1 << 20), Duration::from_millis(500));
        let speed = f64::from(1_u32 << 20) / time.as_secs_f64() / 1e6;
        let kept = verdict(speed >= GOAL_MEGABYTES);
        println!(
            "{name:<14} {kind:<6} 1 MB {speed:>8.0} MB/s  (goal {GOAL_MEGABYTES} MB/s, {kept})"
        );
    }
}

fn hostile(name: &str, pii: &Pii) {
    let bytes = (1..128_u8).map(char::from);
    let bytes =
        bytes.flat_map(|byte| ["1", "12", "123456", "a1"].map(|lead| format!("{lead}{byte}")));
    let texts = HOSTILE.iter().map(|text| (*text).to_owned()).chain(bytes);
    let pieces = (1 << 20) as f64 / PIECE as f64;
    let times = texts.map(|text| {
        let time = best(pii, &fill(&text, PIECE), Duration::from_millis(60));
        (time.as_secs_f64() * 1e3 * pieces, text)
    });
    let mut times: Vec<(f64, String)> = times.collect();
    times.sort_by(|a, b| b.0.total_cmp(&a.0));
    let over = times
        .iter()
        .filter(|(millis, _)| *millis > GOAL_MILLISECONDS)
        .count();
    println!(
        "{name:<14} hostile: {over} of {} texts over {GOAL_MILLISECONDS} ms per MB; the worst:",
        times.len()
    );
    for (millis, text) in times.iter().take(8) {
        let kept = verdict(*millis <= GOAL_MILLISECONDS);
        println!("{name:<14} {text:<24?} {millis:>8.2} ms  (goal {GOAL_MILLISECONDS} ms, {kept})");
    }
}

fn main() {
    for (name, pii) in &scanners() {
        ordinary(name, pii);
        hostile(name, pii);
    }
}
