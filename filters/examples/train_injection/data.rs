//! The rows to learn from and to be judged by. Rows under a share-alike licence
//! are judged and never learnt from. Rows that are nearly the same text fall in
//! the same fold, so that nothing is judged by its own twin.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use alfred_filters::guard::injection::{Trust, windows};
use serde::Deserialize;

use super::FOLDS;
use super::learn::Example;
use super::templates::{Outcome, Text};

/// How many hashes stand for a text when twins are looked for.
const MARKS: usize = 12;
/// How many of them twins have in common.
const TWINS: usize = 5;
/// How much of an end with an order in it is shown as a window of its own, in bytes.
const WINDOW: usize = 400;

/// How much a window without an order counts beside a whole text.
const OTHERS: f32 = 0.6;

#[derive(Deserialize)]
struct Line {
    src: String,
    lic: String,
    label: u8,
    kind: String,
    #[serde(default)]
    pos: Option<String>,
    text: String,
}

/// Where an order stands in a document.
pub(crate) enum Place {
    Unknown,
    Start,
    End,
    /// At these bytes.
    Bytes(Range<usize>),
}

impl Place {
    fn of(name: Option<&str>) -> Place {
        match name {
            Some("start") => Place::Start,
            Some("end") => Place::End,
            _ => Place::Unknown,
        }
    }
}

/// One text.
pub(crate) struct Row {
    pub(crate) source: String,
    pub(crate) kind: String,
    pub(crate) text: String,
    pub(crate) attack: bool,
    /// Where an order stands in a document, as far as it is known.
    pub(crate) place: Place,
    /// It may be learnt from.
    pub(crate) trained: bool,
    pub(crate) fold: usize,
    pub(crate) weight: f32,
}

impl Row {
    /// A text of a template; `weight` is how much it counts beside a row of the data.
    pub(crate) fn of(text: Text, weight: f32) -> Row {
        Row {
            source: "templates".to_owned(),
            kind: if text.document { "indirect" } else { "direct" }.to_owned(),
            attack: text.attack,
            place: Place::Bytes(text.order),
            trained: true,
            fold: 0,
            weight,
            text: text.text,
        }
    }

    /// A document and a tool's result are trusted less than a user.
    pub(crate) fn trust(&self) -> Trust {
        let document = self.kind == "indirect"
            || self.source.starts_with("BIPIA")
            || self.source == "agentdojo";
        if document { Trust::Tool } else { Trust::User }
    }
}

/// All rows of the development set.
pub(crate) fn read() -> Outcome<Vec<Row>> {
    let root = std::env::var_os("ALFRED_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = root.join("data/safety/injection/dev.jsonl");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut rows = Vec::new();
    for line in text.lines() {
        let line: Line = serde_json::from_str(line)?;
        rows.push(Row {
            trained: !line.lic.contains("-SA-"),
            source: line.src,
            kind: line.kind,
            text: line.text,
            attack: line.label == 1,
            place: Place::of(line.pos.as_deref()),
            fold: 0,
            weight: 1.0,
        });
    }
    group(&mut rows);
    Ok(rows)
}

/// What is learnt of a text: it as a whole and, of a document, its windows as
/// far as it is known which of them hold an order.
pub(crate) fn examples(row: &Row) -> Vec<Example> {
    let mut examples = vec![Example::of(&row.text, row.attack, row.weight)];
    if row.text.len() <= WINDOW || row.trust() != Trust::Tool {
        return examples;
    }
    let parts: Vec<&str> = windows(&row.text).collect();
    let (first, last) = (parts.first(), parts.last());
    let end = row.text.ceil_char_boundary(row.text.len() - WINDOW * 3 / 4);
    let mut add = |part: &str, attack: bool| {
        let share = if attack { 1.0 } else { OTHERS };
        examples.push(Example::of(part, attack, share * row.weight));
    };
    match (row.attack, &row.place) {
        (false, _) => parts.iter().for_each(|part| add(part, false)),
        (true, Place::Start) => {
            first.into_iter().for_each(|part| add(part, true));
            last.into_iter().for_each(|part| add(part, false));
        }
        (true, Place::End) => {
            row.text
                .get(end..)
                .into_iter()
                .for_each(|part| add(part, true));
            first.into_iter().for_each(|part| add(part, false));
        }
        (true, Place::Bytes(order)) => {
            for part in &parts {
                let from = part.as_ptr().addr() - row.text.as_ptr().addr();
                let until = (from + part.len()).min(order.end);
                let shared = until.saturating_sub(from.max(order.start));
                let whole = order.len().min(part.len());
                // A window with a scrap of the order is neither.
                if shared == 0 || shared * 5 >= whole * 4 {
                    add(part, shared > 0);
                }
            }
        }
        (true, Place::Unknown) => {}
    }
    examples
}

/// Gives twins the same fold, and every source its share in every fold.
fn group(rows: &mut [Row]) {
    let marks: Vec<[u64; MARKS]> = rows.iter().map(|row| marks(&row.text)).collect();
    let mut head: Vec<usize> = (0..rows.len()).collect();
    for (later, mine) in marks.iter().enumerate() {
        for (earlier, other) in marks.iter().take(later).enumerate() {
            let same = mine.iter().zip(other).filter(|(a, b)| a == b).count();
            if same >= TWINS {
                let (a, b) = (top(&head, later), top(&head, earlier));
                if let Some(place) = head.get_mut(a.max(b)) {
                    *place = a.min(b);
                }
            }
        }
    }
    let mut next: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut folds: BTreeMap<usize, usize> = BTreeMap::new();
    for (place, row) in rows.iter_mut().enumerate() {
        row.fold = *folds.entry(top(&head, place)).or_insert_with(|| {
            let turn = next
                .entry((row.source.clone(), row.kind.clone()))
                .or_default();
            *turn += 1;
            *turn % FOLDS
        });
    }
    println!("{} groups of twins", folds.len());
}

/// The first row of a row's group.
fn top(head: &[usize], mut place: usize) -> usize {
    while let Some(&up) = head.get(place)
        && up != place
    {
        place = up;
    }
    place
}

/// The least hashes of a text's groups of three words, each by another hash.
fn marks(text: &str) -> [u64; MARKS] {
    let words: Vec<&str> = text.split_whitespace().collect();
    let groups: BTreeSet<u64> = words
        .windows(3.min(words.len().max(1)))
        .map(|group| {
            group
                .iter()
                .flat_map(|word| word.bytes())
                .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                    (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
                })
        })
        .collect();
    std::array::from_fn(|turn| {
        let salt = (turn as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mix = |hash: &u64| {
            let mixed = (hash ^ salt).wrapping_mul(0xff51_afd7_ed55_8ccd);
            (mixed ^ (mixed >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53)
        };
        groups.iter().map(mix).min().unwrap_or(turn as u64)
    })
}
