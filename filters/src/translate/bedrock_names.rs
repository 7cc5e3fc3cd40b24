//! Names as Converse takes them: ids of calls, and names of documents.

use std::collections::HashSet;

use crate::ask::{Ask, Part, PartKind, Str};

/// Longest id of a call.
const MAX_ID: usize = 64;
/// Longest name of a document.
const MAX_NAME: usize = 200;

/// An id of letters, digits, `_`, `-`, `.` and `:`, 64 at most. Any other character
/// is spelt by its number, and a long id ends in a number made of all of it, so
/// that call and result stay a pair and different ids stay different.
pub(super) fn call_id<'a>(id: &Str<'a>) -> Str<'a> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-.:".contains(c);
    let text = id.read();
    if !text.is_empty() && text.len() <= MAX_ID && text.chars().all(is_plain) {
        return id.clone();
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_plain(c) {
            plain.push(c);
        } else {
            plain.push_str(&format!("_{:x}", u32::from(c)));
        }
    }
    if plain.is_empty() {
        plain.push('_');
    }
    if plain.len() > MAX_ID {
        let number = number_of(&text);
        plain.truncate(MAX_ID - 17);
        plain.push_str(&format!("_{number:016x}"));
    }
    Str::text(&plain)
}

/// FNV-1a: the same in every process, so that prompt caches stay warm.
pub(super) fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Gives every document a name that Converse takes: letters, digits, single white
/// space, `-()[]`; no two alike.
pub(super) fn documents(ask: &mut Ask<'_>) {
    let mut used = HashSet::new();
    for part in ask.turns.iter_mut().flat_map(|turn| &mut turn.parts) {
        match &mut part.kind {
            PartKind::ToolResult { parts, .. } => {
                parts.iter_mut().for_each(|part| name(part, &mut used));
            }
            _ => name(part, &mut used),
        }
    }
}

fn name(part: &mut Part<'_>, used: &mut HashSet<String>) {
    let PartKind::File { name, .. } = &mut part.kind else {
        return;
    };
    let wanted = name.as_ref().map(|name| plain(&name.read()));
    let wanted = wanted.filter(|name| !name.is_empty());
    let wanted = wanted.unwrap_or_else(|| "document".to_owned());
    let mut given = wanted.clone();
    let mut count = 2_u32;
    while !used.insert(given.clone()) {
        given = format!("{wanted}-{count}");
        count += 1;
    }
    *name = Some(Str::text(&given));
}

fn plain(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().take(MAX_NAME - 16) {
        let c = match c {
            _ if c.is_ascii_alphanumeric() || "-()[]".contains(c) => c,
            _ if c.is_whitespace() => ' ',
            _ => '-',
        };
        if c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
            out.push(c);
        }
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_or_become_what_bedrock_takes_and_never_meet() {
        for id in ["call_1", "toolu_01-x", "a.b:c"] {
            assert_eq!(call_id(&Str::text(id)), *id);
        }
        assert_eq!(call_id(&Str::text("a b")), *"a_20b");
        assert_eq!(call_id(&Str::text("")), *"_");
        let long = |end: &str| call_id(&Str::text(&format!("{}{end}", "x".repeat(100))));
        assert_eq!(long("1").read().len(), MAX_ID);
        assert!(long("1") != long("2") && long("1") == long("1"));
    }

    #[test]
    fn names_lose_what_bedrock_does_not_take() {
        assert_eq!(
            plain("  Bericht 2024  (neu).pdf "),
            "Bericht 2024 (neu)-pdf"
        );
        assert_eq!(plain("\u{1F600}"), "-");
        assert_eq!(plain(" "), "");
    }
}
