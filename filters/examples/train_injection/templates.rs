//! Texts of our own: templates with slots, filled by a fixed sequence of choices.
//! They hold kinds that the rows lack: other languages than English, and honest
//! texts with the words of attacks.

use std::collections::BTreeMap;

use super::Outcome;
use super::data::Row;
use super::learn::below;

/// What the files hold: a line `@name` begins the words of a slot, `#attack`,
/// `#benign`, `#attack-document` and `#benign-document` begin templates.
const FILES: &[&str] = &[
    include_str!("templates/slots.txt"),
    include_str!("templates/attacks.txt"),
    include_str!("templates/benign.txt"),
];

/// How often a template with slots is filled.
const FILLED: usize = 12;
/// How much a text counts beside a row of the data.
const WEIGHT: f32 = 0.35;

/// All texts.
pub(crate) fn texts() -> Outcome<Vec<Row>> {
    let mut slots: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut templates: Vec<(&str, &str)> = Vec::new();
    let mut section = "";
    for line in FILES.iter().flat_map(|file| file.lines()) {
        if line.is_empty() || line.starts_with("//") {
            continue;
        }
        if line.starts_with('@') || line.starts_with('#') && !line.contains(' ') {
            section = line;
        } else if let Some(slot) = section.strip_prefix('@') {
            slots.entry(slot).or_default().push(line);
        } else {
            templates.push((section, line));
        }
    }
    let mut state = 0x5851_f42d_4c95_7f2d_u64;
    let mut rows = Vec::new();
    for (section, template) in templates {
        let times = if template.contains('{') { FILLED } else { 1 };
        for _ in 0..times {
            let text = fill(template, &slots, &mut state, 0)?;
            rows.push(row(section, text.replace("\\n", "\n")));
        }
    }
    Ok(rows)
}

/// A text as a row.
fn row(section: &str, text: String) -> Row {
    let kind = if section.ends_with("-document") {
        "indirect"
    } else {
        "direct"
    };
    Row {
        source: "templates".to_owned(),
        kind: kind.to_owned(),
        attack: section.starts_with("#attack"),
        place: String::new(),
        trained: true,
        fold: 0,
        weight: WEIGHT,
        text,
    }
}

/// Fills the slots of a template; what fills them may have slots too.
fn fill(
    template: &str,
    slots: &BTreeMap<&str, Vec<&str>>,
    state: &mut u64,
    depth: usize,
) -> Outcome<String> {
    if depth > 5 {
        return Err(format!("slots within slots without end: {template}").into());
    }
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let name = after.split_once('}');
        let Some((slot, after)) =
            name.filter(|(slot, _)| slot.bytes().all(|byte| byte.is_ascii_lowercase()))
        else {
            // A brace of the text itself.
            text.push('{');
            rest = after;
            continue;
        };
        let words = slots.get(slot).ok_or_else(|| format!("no slot {slot}"))?;
        let word = words
            .get(below(state, words.len()))
            .ok_or("an empty slot")?;
        text.push_str(&fill(word, slots, state, depth + 1)?);
        rest = after;
    }
    text.push_str(rest);
    Ok(text)
}
