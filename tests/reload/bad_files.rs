//! A thousand spoiled files: each is refused with its place while the old world serves on, and those that are still good
//! are served.

use std::fs;

use alfred::conf::{self, Environment};
use serde_json::{Value, json};

use crate::parrot::{Parrot, says};
use crate::place::Place;
use crate::support::{Gateway, chat};
use crate::world::{calm, config};

const FILES: u64 = 1000;

/// A good file that has a bit of everything.
fn good(mock: &Parrot, words: &str) -> String {
    config(
        &[mock.provider("p", &calm("timeouts: { connect: 2s, first_byte: 60s }"))],
        &[],
    ) + "  named:\n    kind: openai\n    keys: [\"${KEY}\"]\n    retry_budget: { percent: 20, minimum: 10 }\n"
        + &says("p", words, 0)
        + "  other: { targets: [ p/echo, { model: named/gpt, weight: 3 } ], fallback: [ mock/echo ], retry: { attempts: 4 } }\n\
           limits:\n  - { per: key, requests: 100000, window: 1m }\n  - { per: key, tokens: 900M, window: 1m }\n\
           body: { max: 20MB, read_timeout: 30s }\ncors: { origins: [\"https://app.example.com\"] }\n\
           prices: { \"named/gpt\": { in: 5, out: 7 } }\nunknown_price: warn\n"
}

/// What must become of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Refused,
    Served,
    /// Whatever the reader of this process says.
    Open,
}

/// Spoils a file, or only changes it.
fn spoil(text: &str, chance: &mut fastrand::Rng) -> (String, Fate) {
    let swap = |old: &str, new: &str| {
        assert!(text.contains(old), "{old}");
        (text.replacen(old, new, 1), Fate::Refused)
    };
    let number = chance.u32(..);
    match chance.u32(..24) {
        0 => (format!("{text}nonsense_{number}: 1\n"), Fate::Refused),
        1 => swap("max: 20MB", &format!("maximum_{number}: 20MB")),
        2 => swap("read_timeout: 30s", &format!("read_timeout: {number}x")),
        3 => swap("requests: 100000", "requests: [ 1 ]"),
        4 => (
            format!("{text}body: {{ max: {}MB }}\n", number % 1000 + 1),
            Fate::Refused,
        ),
        5 => swap("\n    targets:", "\n\ttargets:"),
        6 => swap("p/echo, {", &format!("nobody{number}/echo, {{")),
        7 => swap("${KEY}", &format!("${{KEY_{number}}}")),
        8 => swap("[\"${KEY}\"]", &format!("[\"file:/nowhere/{number}\"]")),
        9 => swap("kind: openai\n", &format!("kind: openai{number}\n")),
        10 => (
            format!("threads: {}\n{text}", number % 100 + 1),
            Fate::Refused,
        ),
        11 => (format!("{text}log: {{ level: debug }}\n"), Fate::Refused),
        12 => swap("unknown_price: warn", "unknown_price: &a [ *b ]"),
        13 => (
            format!("{text}tls: {{ cert: /nowhere/{number}, key: /nowhere/k }}\n"),
            Fate::Refused,
        ),
        14 => (
            format!("{text}keys: [ {{ name: k, hash: {number} }} ]\n"),
            Fate::Refused,
        ),
        15 => swap("https://app.example.com", "https://app.example.com/path"),
        // The rest may stay good: cut off, a letter lost, changed or doubled.
        16 => (text[..chance.usize(..text.len())].to_owned(), Fate::Open),
        17 => (without(text, chance), Fate::Open),
        18 => (changed(text, chance), Fate::Open),
        19 => (doubled_line(text, chance), Fate::Open),
        20 => (format!("{text}# {number}\n"), Fate::Served),
        21 => (
            swap("20MB", &format!("{}MB", number % 100 + 1)).0,
            Fate::Served,
        ),
        22 => (
            swap("  other:", &format!("  other{number}:")).0,
            Fate::Served,
        ),
        _ => (swap("in: 5", &format!("in: {number}")).0, Fate::Served),
    }
}

fn without(text: &str, chance: &mut fastrand::Rng) -> String {
    let at = chance.usize(..text.len());
    format!("{}{}", &text[..at], &text[at + 1..])
}

fn changed(text: &str, chance: &mut fastrand::Rng) -> String {
    let at = chance.usize(..text.len());
    let letter = char::from(chance.u8(b' '..=b'~'));
    format!("{}{letter}{}", &text[..at], &text[at + 1..])
}

fn doubled_line(text: &str, chance: &mut fastrand::Rng) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    let at = chance.usize(..lines.len());
    lines.insert(chance.usize(..lines.len()), lines[at]);
    lines.join("\n") + "\n"
}

/// Fails unless every problem says where, what and in which file.
fn expect_places(told: &Value, file: &str, text: &str) {
    let problems = told["problems"].as_array().unwrap();
    assert!(!problems.is_empty());
    let lines = u64::try_from(text.lines().count()).unwrap();
    for problem in problems {
        let line = problem["line"].as_u64().unwrap();
        assert!(line >= 1 && line <= lines + 1, "{problem:#}");
        assert!(problem["column"].as_u64().unwrap() >= 1, "{problem:#}");
        assert_eq!(problem["file"], file);
        assert_ne!(problem["message"], "");
    }
}

#[tokio::test]
async fn a_thousand_spoiled_files_are_refused_with_places_and_the_good_ones_among_them_served() {
    let mock = Parrot::new().await;
    let start = good(&mock, "world 0");
    let variables = [("KEY", "sk-secret-value")];
    let place = Place::of(Gateway::start_with(&start, &variables).await);
    let (file, environment) = (place.file(), Environment::from_pairs(variables));
    let name = file.display().to_string();
    let mut chance = fastrand::Rng::with_seed(27);
    let (mut refused, mut served) = (0, 0);
    let (mut words, mut hash) = ("world 0".to_owned(), place.status().await["hash"].clone());
    for number in 0..FILES {
        let (text, fate) = spoil(
            &place.text(&good(&mock, &format!("world {number}"))),
            &mut chance,
        );
        fs::write(&file, &text).unwrap();
        let answer = place.ask().await;
        assert!(!answer.text().contains("sk-secret-value"));
        let told = answer.json();
        if answer.status == 422 {
            refused += 1;
            assert_ne!(fate, Fate::Served, "{told:#}");
            expect_places(&told, &name, &text);
            if fate == Fate::Open && !told["problems"][0]["hint"].to_string().contains("restart") {
                let read = conf::parse(&name, &text, &environment);
                assert!(read.is_err(), "refused although it can be read: {told:#}");
            }
            if number % 5 != 0 {
                continue;
            }
            let status = place.status().await;
            assert_eq!(
                (&status["hash"], &status["last_reload"]["result"]),
                (&hash, &json!("refused"))
            );
            let answer = place
                .gateway
                .chat(&chat("m", json!({})))
                .await
                .expect(200)
                .json();
            assert_eq!(
                answer["choices"][0]["message"]["content"], words,
                "the old world serves on"
            );
        } else {
            served += 1;
            assert_ne!(fate, Fate::Refused, "served: {text}");
            assert_eq!(answer.status, 200, "{told:#}");
            let config =
                conf::parse(&name, &text, &environment).expect("what is served can be read");
            hash = json!(format!("blake3:{}", blake3::hash(text.as_bytes()).to_hex()));
            assert_eq!(told["hash"], hash);
            // Whatever it says now, the alias says it once it is back.
            assert_eq!(place.status().await["config"], config.shown());
            words = format!("world {number} again");
            place.write(&good(&mock, &words));
            hash = place.ask().await.expect(200).json()["hash"].clone();
        }
    }
    println!("{refused} files were refused, {served} were served");
    assert!(
        refused > 600 && served > 100,
        "{refused} refused, {served} served"
    );
    place.write(&good(&mock, "at last"));
    place.ask().await.expect(200);
    let answer = place
        .gateway
        .chat(&chat("m", json!({})))
        .await
        .expect(200)
        .json();
    assert_eq!(answer["choices"][0]["message"]["content"], "at last");
    assert!(!place.gateway.log().contains("sk-secret-value"));
}
