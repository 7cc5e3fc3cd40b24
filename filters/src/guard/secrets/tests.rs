//! Every family against itself. The table's rows say all there is to know of a
//! family, so its examples are made of them here: a value of the shape in every way
//! that values are written, and near misses of it.

use std::collections::BTreeSet;

use super::alphabet::{self, ALNUM, DIGIT, LETTER};
use super::family::{Check, Family};
use super::shape::{Part, Shape, Stretches};
use super::{Secrets, entropy, table};
use crate::guard::{Finding, Window};

/// Numbers that look drawn by lot and are the same in every run.
struct Lot(u64);

impl Lot {
    fn draw(&mut self, below: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % below
    }
}

/// The bytes of an alphabet. Of one that has letters and digits only these are drawn,
/// so that no example begins or ends with punctuation.
fn letters(mask: u32) -> Vec<u8> {
    let plain = if mask & ALNUM == 0 {
        mask
    } else {
        mask & ALNUM
    };
    let plain = if mask == u32::MAX { ALNUM } else { plain };
    (0..128).filter(|b| alphabet::of(*b) & plain != 0).collect()
}

/// A value of the shape, with that many bytes fewer than its last class demands.
fn example(shape: &Shape, lot: &mut Lot, fewer: usize) -> String {
    let mut text = String::new();
    let last = shape
        .parts
        .iter()
        .rposition(|part| matches!(part, Part::Class { min, .. } if *min > 0));
    for (nth, part) in shape.parts.iter().enumerate() {
        match part {
            Part::Literal(bytes) => text.push_str(std::str::from_utf8(bytes).unwrap()),
            Part::Class { mask, min, max } => {
                let short = if Some(nth) == last { fewer } else { 0 };
                let length = min.max(&usize::from(fewer == 0)).min(max) - short;
                text.push_str(&drawn(&letters(*mask), length, lot));
            }
        }
    }
    text
}

/// So many bytes of these, as even as can be and with digits and letters both where
/// the alphabet has them.
fn drawn(letters: &[u8], length: usize, lot: &mut Lot) -> String {
    let mut left: Vec<u8> = Vec::new();
    let mut text = String::new();
    while text.len() < length {
        if left.is_empty() {
            left = letters.to_vec();
        }
        let digits = left.iter().any(|b| b.is_ascii_digit());
        let turn = text.len() % 3 == 1 && digits;
        let kind: Vec<usize> = (0..left.len())
            .filter(|at| !turn || left[*at].is_ascii_digit())
            .collect();
        let at = kind[lot.draw(kind.len())];
        text.push(char::from(left.swap_remove(at)));
    }
    text
}

/// The ways that a value is written behind a name, or alone.
fn forms(name: &str, value: &str) -> Vec<String> {
    let shout = name.to_ascii_uppercase();
    vec![
        format!("{name}_token = \"{value}\""),
        format!("{name}Token: '{value}'"),
        format!("{shout}_TOKEN={value}"),
        format!("export {shout}_API_KEY={value}\n"),
        format!("{{\"{name}_token\": \"{value}\"}}"),
        format!("  \"{name}_key\" => \"{value}\","),
        format!("{name}Secret := `{value}`"),
        format!("<{name}Token>\n    {value}\n</{name}Token>"),
        format!("System.setProperty(\"{shout}_TOKEN\", \"{value}\")"),
        format!("var {name}Token string = \"{value}\";"),
        format!("{name}_secret ?= \"{value}\""),
        format!("- name: x\n  {name}-token: {value}\n"),
        format!("{{\\\"{name}_key\\\":\\\"{value}\\\"}}"),
    ]
}

fn found(secrets: &Secrets, text: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    secrets.scan(Window::whole(text), &mut out);
    out
}

/// A name of the family: its first word, or one that no vendor has.
fn name(row: &Family) -> &'static str {
    row.words
        .split('|')
        .next()
        .filter(|word| !word.is_empty())
        .unwrap_or("service")
}

fn rows() -> impl Iterator<Item = (Family, Vec<Shape>)> {
    table::all()
        .filter(|row| row.id != "vendor-key")
        .map(|row| {
            let shapes = row.shape.split(' ').filter_map(Shape::parse).collect();
            (row, shapes)
        })
}

/// What must stand in the first part of an example whose check reads it.
fn checked(row: &Family, value: String) -> String {
    let parts = value.splitn(3, '.').skip(1);
    match row.check {
        // `{"alg":"HS256","typ":"JWT"}`, in pieces lest it be taken for a token.
        Check::Jwt => ["eyJhbGciOiJIUzI1NiIs", "InR5cCI6IkpXVCJ9"]
            .concat()
            .split('.')
            .chain(parts)
            .collect::<Vec<_>>()
            .join("."),
        _ => value,
    }
}

#[test]
fn every_row_is_well_written() {
    let known: BTreeSet<&str> = rows().map(|(row, _)| row.id).collect();
    assert!(known.len() >= 450, "{} families", known.len());
    for row in table::all() {
        for word in row.words.split('|').filter(|word| !word.is_empty()) {
            let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
            assert!(
                word.bytes().all(plain) && word.len() > 1,
                "{}: {word}",
                row.id
            );
        }
        for text in row.shape.split(' ').filter(|text| !text.is_empty()) {
            assert!(Shape::parse(text).is_some(), "{}: {text}", row.id);
        }
    }
    for (row, shapes) in rows() {
        assert!(!row.words.is_empty() || !shapes.is_empty(), "{}", row.id);
        for shape in shapes.iter().filter(|_| row.words.is_empty()) {
            // What stands alone needs two known bytes to begin with, or punctuation.
            let told = shape.prefix().len() >= 2 || shape.required != 0 || shape.shortest >= 40;
            assert!(told, "{}: {shape:?}", row.id);
            assert!(shape.shortest >= 8, "{}: {shape:?}", row.id);
        }
    }
}

#[test]
fn no_shape_can_be_slow() {
    for (row, shapes) in rows() {
        for shape in shapes {
            // Lengths multiply where one may be chosen before another.
            let choices: usize = shape
                .parts
                .iter()
                .filter(|part| matches!(part, Part::Class { min, max, .. } if min < max))
                .count();
            assert!(choices <= 5, "{}: {choices} lengths to choose", row.id);
            assert!(shape.parts.len() <= 24, "{}", row.id);
        }
    }
}

#[test]
fn every_family_finds_its_own_examples_however_they_are_written() {
    let secrets = Secrets::new();
    let mut lot = Lot(7);
    let mut failing = Vec::new();
    for (row, shapes) in rows() {
        let Some(alone) = Secrets::only(row.id) else {
            panic!("{}", row.id);
        };
        for shape in &shapes {
            let value = checked(&row, example(shape, &mut lot, 0));
            for text in forms(name(&row), &value) {
                let start = text.find(&value).unwrap();
                let span = start..start + value.len();
                let hits = found(&alone, &text);
                let own = hits
                    .iter()
                    .any(|hit| hit.rule == row.id && hit.span == span);
                let over = |hit: &Finding| hit.span.start < span.end && span.start < hit.span.end;
                let all = found(&secrets, &text).iter().any(over);
                if !own || !all {
                    failing.push((row.id, own, all, text, hits));
                }
            }
        }
    }
    let ids: BTreeSet<_> = failing.iter().map(|fail| fail.0).collect();
    for id in &ids {
        println!("{:?}", failing.iter().find(|fail| fail.0 == *id));
    }
    assert!(failing.is_empty(), "{} families fail", ids.len());
}

#[test]
fn a_family_that_says_enough_by_itself_needs_no_name() {
    let mut lot = Lot(11);
    for (row, shapes) in rows().filter(|(row, _)| row.words.is_empty()) {
        let alone = Secrets::only(row.id).unwrap();
        for shape in &shapes {
            let value = checked(&row, example(shape, &mut lot, 0));
            for text in [
                value.clone(),
                format!("see {value} there"),
                format!("(\"{value}\")"),
            ] {
                let hits = found(&alone, &text);
                let whole = hits.iter().any(|hit| text[hit.span.clone()] == value);
                assert!(whole, "{}: {text} {hits:?}", row.id);
            }
        }
    }
}

#[test]
fn a_family_finds_no_near_miss_of_itself() {
    let mut lot = Lot(23);
    let mut failing = Vec::new();
    for (row, shapes) in rows() {
        let alone = Secrets::only(row.id).unwrap();
        for shape in &shapes {
            let mut misses = vec![example(shape, &mut lot, 1), bent(shape, &mut lot)];
            if row.floor >= 20 {
                misses.push(dull(shape));
            }
            for miss in misses {
                let fits = |other: &Shape| {
                    (0..miss.len()).any(|at| {
                        other
                            .matches(miss.as_bytes(), at, &mut Stretches::new())
                            .is_some()
                    })
                };
                let text = format!("{}_token = \"{miss}\"", name(&row));
                let hit = found(&alone, &text).iter().any(|hit| hit.rule == row.id);
                let low = entropy::of(miss.as_bytes()) < f32::from(row.floor) / 10.0;
                if hit && (low || !shapes.iter().any(fits)) {
                    failing.push((row.id, text));
                }
            }
        }
    }
    assert!(
        failing.is_empty(),
        "{} {:#?}",
        failing.len(),
        &failing[..failing.len().min(9)]
    );
}

/// An example with a byte in the middle of its longest class that no class has.
fn bent(shape: &Shape, lot: &mut Lot) -> String {
    let mut text = example(shape, lot, 0).into_bytes();
    let middle = text.len() * 2 / 3;
    text[middle] = b' ';
    String::from_utf8(text).unwrap()
}

/// An example of one byte repeated.
fn dull(shape: &Shape) -> String {
    let mut text = String::new();
    for part in &shape.parts {
        match part {
            Part::Literal(bytes) => text.push_str(std::str::from_utf8(bytes).unwrap()),
            Part::Class { mask, min, .. } => {
                let byte = letters(*mask)[0];
                text.push_str(&char::from(byte).to_string().repeat(*min));
            }
        }
    }
    text
}

#[test]
fn an_alphabet_is_a_mask_of_kinds_and_what_ends_a_token_has_none() {
    assert_eq!(alphabet::of(b'7'), DIGIT);
    assert_ne!(alphabet::of(b'x') & LETTER, 0);
    for byte in [
        b' ', b'\n', b'"', b'\'', b'`', b'\\', b',', b';', b'<', b'{', 0x80, 0xff,
    ] {
        assert_eq!(alphabet::of(byte), 0, "{byte}");
    }
    assert_eq!(alphabet::named(b'Q'), None);
}

#[test]
fn a_shape_that_is_not_well_written_is_none() {
    for text in ["", "{w}", "{w:0}", "{w:5-4}", "{Q:5}", "{w:5"] {
        assert_eq!(Shape::parse(text), None, "{text}");
    }
}
