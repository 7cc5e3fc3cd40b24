//! Texts of our own: templates with slots, filled by a fixed sequence of choices.
//! They hold kinds that the rows lack: other languages than English, orders in mails,
//! tables and code, and honest texts with the words of attacks.

use std::collections::BTreeMap;
use std::ops::Range;

/// Fails on a template with an unknown slot, or with slots within slots without end.
pub(crate) type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// What the files hold: a line `@name` begins the words of a slot, `#attack`,
/// `#benign`, `#attack-document` and `#benign-document` begin templates.
const FILES: &[&str] = &[
    include_str!("templates/slots.txt"),
    include_str!("templates/documents.txt"),
    include_str!("templates/payloads.txt"),
    include_str!("templates/attacks.txt"),
    include_str!("templates/benign.txt"),
];

/// What stands for an honest document in a template.
const DOCUMENT: &str = "{document}";

/// A filled template.
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) attack: bool,
    /// It comes from a tool and not from a user.
    pub(crate) document: bool,
    /// Where the order stands in a document, in bytes; all of a text without a document.
    pub(crate) order: Range<usize>,
}

/// The templates and the words for their slots.
pub(crate) struct Templates {
    slots: BTreeMap<&'static str, Vec<&'static str>>,
    /// Section and template.
    templates: Vec<(&'static str, &'static str)>,
}

impl Templates {
    /// Reads the files.
    pub(crate) fn read() -> Templates {
        let mut slots: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut templates = Vec::new();
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
        Templates { slots, templates }
    }

    /// All texts: every template with slots is filled so many times. Another `state`, which is
    /// not 0, makes other choices.
    pub(crate) fn texts(&self, times: usize, mut state: u64) -> Outcome<Vec<Text>> {
        let mut texts = Vec::new();
        for &(section, template) in &self.templates {
            let times = if template.contains('{') { times } else { 1 };
            for _ in 0..times {
                texts.push(self.text(section, template, None, &mut state)?);
            }
        }
        Ok(texts)
    }

    /// A document with an order planted into it, so many times.
    pub(crate) fn planted(
        &self,
        document: &str,
        times: usize,
        mut state: u64,
    ) -> Outcome<Vec<Text>> {
        let around = self.templates.iter();
        let around: Vec<_> = around
            .filter(|(section, template)| {
                *section == "#attack-document" && template.contains(DOCUMENT)
            })
            .collect();
        let mut texts = Vec::new();
        for _ in 0..times {
            let chosen = around.get(below(&mut state, around.len()));
            let &(section, template) = chosen.ok_or("no template")?;
            texts.push(self.text(section, template, Some(document), &mut state)?);
        }
        Ok(texts)
    }

    /// A filled template. A document that is given comes in the place of the template's own;
    /// between two of them it is broken.
    fn text(
        &self,
        section: &str,
        template: &str,
        document: Option<&str>,
        state: &mut u64,
    ) -> Outcome<Text> {
        let mut text = String::new();
        let mut order = Range::default();
        let mut given = match document {
            Some(document) if template.matches(DOCUMENT).count() > 1 => halves(document),
            Some(document) => vec![document],
            None => Vec::new(),
        };
        for (place, part) in template.split(DOCUMENT).enumerate() {
            if place > 0 && document.is_some() {
                text.push_str(given.pop().unwrap_or_default());
            } else if place > 0 {
                text.push_str(&self.filled(DOCUMENT, state)?);
            }
            let filled = self.filled(part, state)?;
            if filled.trim().len() > 2 {
                let start = if order.is_empty() {
                    text.len()
                } else {
                    order.start
                };
                order = start..text.len() + filled.len();
            }
            text.push_str(&filled);
        }
        Ok(Text {
            attack: section.starts_with("#attack"),
            document: section.ends_with("-document"),
            text,
            order,
        })
    }

    fn filled(&self, template: &str, state: &mut u64) -> Outcome<String> {
        Ok(fill(template, &self.slots, state, 0)?.replace("\\n", "\n"))
    }
}

/// A document broken behind a line near its middle, the second half first.
fn halves(document: &str) -> Vec<&str> {
    let middle = document.ceil_char_boundary(document.len() / 2);
    let (before, after) = document.split_at(middle);
    let line = after.find('\n').map_or(0, |end| end + 1);
    let (first, second) = document.split_at(before.len() + line);
    vec![second, first]
}

/// Fills the slots of a template; what fills them may have slots too.
fn fill(
    template: &str,
    slots: &BTreeMap<&'static str, Vec<&'static str>>,
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

/// A number below `end` (xorshift).
pub(crate) fn below(state: &mut u64, end: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as usize % end.max(1)
}
