//! Why: a configuration may be generated, truncated, pasted or malicious. Alfred must answer each with a configuration
//! or with located problems, in bounded time and memory.

use std::fs;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::{Environment, load};
use super::examples::{environment, files};
use super::read;

/// Reads a text that must be refused, quickly.
fn refused(text: &str) -> String {
    let began = Instant::now();
    let problems = read(text, &[]).expect_err("refused");
    let told = problems.to_string();
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    assert!(told.len() < 200_000, "{} bytes of problems", told.len());
    told
}

#[test]
fn an_alias_bomb_goes_off_in_nobodys_face() {
    let mut bomb = String::from("l0: &l0 [ x, x, x, x, x, x, x, x, x ]\n");
    for level in 1..=9 {
        let before = format!("*l{}", level - 1);
        let items = [before.as_str(); 9].join(", ");
        bomb.push_str(&format!("l{level}: &l{level} [ {items} ]\n"));
    }
    assert!(refused(&bomb).contains("once its aliases are expanded"));
}

#[test]
fn a_bomb_of_one_long_text_is_no_better() {
    let text = format!(
        "a: &a {}\nb: [ {} ]\n",
        "x".repeat(1_000_000),
        "*a, ".repeat(5000)
    );
    assert!(refused(&text).contains("once its aliases are expanded"));
}

#[test]
fn nested_anchors_do_not_multiply_the_file() {
    let inner = "[ x, x, x ], ".repeat(40_000);
    let text = format!("a: {}{inner}{}", "&a [ ".repeat(30), " ]".repeat(30));
    assert!(refused(&text).contains("once its aliases are expanded"));
}

#[test]
fn endless_depth_ends() {
    for (open, close) in [("[", "]"), ("{a: ", "}"), ("- ", ""), ("? ", "")] {
        let text = format!("a:\n  {}x{}", open.repeat(100_000), close.repeat(100_000));
        refused(&text);
    }
    let steps: String = (0..2000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    assert!(refused(&steps).contains("nested too deep"));
}

#[test]
fn a_hundred_thousand_mistakes_are_told_in_part() {
    let many: String = (0..30_000)
        .map(|index| format!("zebra{index}: x\n"))
        .collect();
    assert!(refused(&many).contains("and 29900 more problems"));
    let twice = "a: 1\n".repeat(30_000);
    refused(&twice);
    let one_line = format!("limits: [ {} ]", "{ per: x }, ".repeat(20_000));
    assert!(refused(&one_line).contains("more problems"));
}

#[test]
fn a_line_without_end_is_shown_around_the_mistake() {
    let text = format!("{{ data_dir: \"{}\", thread: 1 }}", "é".repeat(100_000));
    let told = refused(&text);
    assert!(
        told.starts_with("a.yaml:1:100017: thread: unknown field"),
        "{told}"
    );
    assert!(told.len() < 1000 && told.contains("thread: ***"), "{told}");
}

#[test]
fn names_cannot_drive_a_terminal() {
    let told = refused("\"\\e[31m\\rred\\n::error\": 1\n");
    assert!(!told.contains('\u{1b}') && !told.contains('\r'), "{told:?}");
    assert!(!told.contains("\n::error"), "{told:?}");
}

#[test]
fn line_ends_of_other_systems_do_not_move_the_places() {
    let told = refused("threads: 1\r\nthread: 2\r\n");
    assert!(
        told.starts_with("a.yaml:2:1: thread: unknown field"),
        "{told}"
    );
}

#[test]
fn a_byte_order_mark_does_not_move_the_places() {
    assert!(refused("\u{feff}thread: 2").starts_with("a.yaml:1:1: thread"));
}

#[test]
fn a_file_that_is_missing_a_folder_huge_or_not_text_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("alfred.yaml");
    let told =
        |path: &std::path::Path| load(path, &Environment::default()).unwrap_err().to_string();
    assert!(told(&path).contains("there is no such file"));
    assert!(told(folder.path()).contains("it is a folder"));
    fs::write(&path, b"threads: 1\n# caf\xe9\n").unwrap();
    let latin = told(&path);
    assert!(latin.contains(":2:6: is not UTF-8 text"), "{latin}");
    fs::write(&path, vec![b'#'; 4 * 1024 * 1024 + 1]).unwrap();
    assert!(told(&path).contains("larger than 4 MiB"));
    fs::write(&path, "threads: 2").unwrap();
    assert_eq!(load(&path, &Environment::default()).unwrap().threads, 2);
}

/// One way to spoil a file.
#[derive(Debug, Clone)]
enum Spoil {
    Cut(prop::sample::Index),
    Insert(prop::sample::Index, String),
    Delete(prop::sample::Index, usize),
    Swap(prop::sample::Index, prop::sample::Index),
}

fn spoil() -> impl Strategy<Value = Spoil> {
    let index = any::<prop::sample::Index>;
    let piece = prop_oneof![
        "[\\[\\]{}:,\"'&*!|>#%@`$?<\\-\\t\\n 0-9a-z]{1,6}",
        Just("${".to_owned()),
        Just("\n---\n".to_owned()),
        Just("<<: *a\n".to_owned()),
        Just("\u{0}\u{7f}\u{85}\u{2028}é".to_owned()),
        any::<String>(),
    ];
    prop_oneof![
        1 => index().prop_map(Spoil::Cut),
        6 => (index(), piece).prop_map(|(at, piece)| Spoil::Insert(at, piece)),
        4 => (index(), 1..20_usize).prop_map(|(at, length)| Spoil::Delete(at, length)),
        2 => (index(), index()).prop_map(|(a, b)| Spoil::Swap(a, b)),
    ]
}

fn spoiled(text: &str, spoils: &[Spoil]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for spoil in spoils {
        let size = letters.len() + 1;
        match spoil {
            Spoil::Cut(at) => letters.truncate(at.index(size)),
            Spoil::Insert(at, piece) => {
                let at = at.index(size);
                letters.splice(at..at, piece.chars());
            }
            Spoil::Delete(at, length) => {
                let at = at.index(size);
                letters.drain(at..letters.len().min(at + length));
            }
            Spoil::Swap(a, b) if !letters.is_empty() => {
                let size = letters.len();
                letters.swap(a.index(size), b.index(size));
            }
            Spoil::Swap(..) => {}
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn a_spoiled_file_is_read_or_refused_with_places(
        file in any::<prop::sample::Index>(),
        spoils in prop::collection::vec(spoil(), 1..6),
    ) {
        let files = files();
        let text = spoiled(&files[file.index(files.len())].1, &spoils);
        if let Err(problems) = super::super::parse("a.yaml", &text, &environment()) {
            prop_assert!(!problems.0.is_empty());
            let lines = text.lines().count().max(1) + 1;
            for problem in &problems.0 {
                prop_assert!((1..=lines).contains(&problem.line) && problem.column > 0, "{problem}");
                prop_assert!(!problem.message.is_empty());
            }
            prop_assert!(!problems.to_string().contains("dummy-value-of"), "{problems}");
        }
    }
}
