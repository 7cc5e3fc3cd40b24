//! A word that stands in a system prompt and nowhere else: an answer that holds
//! it gives the prompt away. It differs by request, so that nobody can learn it,
//! and is found in the disguises that a model is commonly asked for.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;

use super::{Confidence, Finding, Kind, Window};

/// What begins every word, so that people who meet one can look it up.
const TAG: &str = "cnry-";

/// Thirty-two characters that are hard to confuse.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Characters after the tag: 80 bits.
const LENGTH: usize = 16;

/// The most characters between two of a broken word.
const MAX_GAP: usize = 4;

/// Finds one request's word in its answer.
#[derive(Debug)]
pub struct Canary {
    needles: Vec<Needle>,
}

#[derive(Debug)]
struct Needle {
    rule: &'static str,
    letters: Vec<u8>,
    ignore_case: bool,
}

/// What a comparison at one place saw.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    Open,
    /// The word, up to this byte.
    Word(usize),
}

impl Canary {
    /// The word of a request, such as `cnry-k7q2fw3mz8ab5hxt`; the same for the
    /// same key and request.
    #[must_use]
    pub fn word(key: &[u8; 32], request_id: &str) -> String {
        let hash = blake3::keyed_hash(key, request_id.as_bytes());
        let letters = hash.as_bytes().iter().take(LENGTH);
        let letters = letters.filter_map(|byte| ALPHABET.get(usize::from(*byte) % ALPHABET.len()));
        let word = letters.map(|letter| char::from(*letter));
        TAG.chars().chain(word).collect()
    }

    /// Looks for a word that [`Canary::word`] gave.
    #[must_use]
    pub fn new(word: &str) -> Canary {
        let core = word.strip_prefix(TAG).unwrap_or(word).as_bytes();
        let plain = |rule, letters| Needle {
            rule,
            letters,
            ignore_case: true,
        };
        let hex = core
            .iter()
            .flat_map(|byte| format!("{byte:02x}").into_bytes());
        let mut needles = vec![
            plain("canary", core.to_vec()),
            plain("canary-reversed", core.iter().rev().copied().collect()),
            plain("canary-hex", hex.collect()),
        ];
        for before in 0..3 {
            needles.push(Needle {
                rule: "canary-base64",
                letters: base64_within(core, before),
                ignore_case: false,
            });
        }
        needles.retain(|needle| needle.letters.len() >= LENGTH);
        Canary { needles }
    }

    /// Finds the word, whatever its case and gaps; gives the bytes decided.
    pub fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let text = window.text;
        let mut at = window.from;
        while let Some(byte) = text.as_bytes().get(at) {
            let mut best = None;
            for needle in self.needles.iter().filter(|needle| needle.begins(*byte)) {
                match needle.compare(window, at) {
                    Seen::Nothing => {}
                    Seen::Open => return at,
                    Seen::Word(end) => best = best.max(Some((end, needle.rule))),
                }
            }
            if let Some((end, rule)) = best {
                out.push(Finding {
                    kind: Kind::Canary,
                    rule,
                    span: at..end,
                    confidence: Confidence::CERTAIN,
                });
                at = end;
            } else {
                at += 1;
            }
        }
        at
    }
}

impl Needle {
    fn begins(&self, byte: u8) -> bool {
        self.letters
            .first()
            .is_some_and(|first| self.same(*first, byte))
    }

    fn same(&self, letter: u8, byte: u8) -> bool {
        letter == byte || (self.ignore_case && letter.eq_ignore_ascii_case(&byte))
    }

    fn compare(&self, window: Window<'_>, start: usize) -> Seen {
        let rest = window.text.get(start..).unwrap_or_default();
        let (mut letters, mut gap) = (self.letters.iter(), 0);
        let mut wanted = letters.next();
        for (at, found) in rest.char_indices() {
            let Some(letter) = wanted else {
                return Seen::Word(start + at);
            };
            if u8::try_from(found).is_ok_and(|byte| self.same(*letter, byte)) {
                wanted = letters.next();
                gap = 0;
            } else if found.is_alphanumeric() || gap == MAX_GAP {
                return Seen::Nothing;
            } else {
                gap += 1;
            }
        }
        match wanted {
            None => Seen::Word(window.text.len()),
            Some(_) if window.last => Seen::Nothing,
            Some(_) => Seen::Open,
        }
    }
}

/// What is sure to stand in the base64 of a text that holds this word after so
/// many bytes (modulo 3): characters that its neighbours share are left out.
fn base64_within(word: &[u8], before: usize) -> Vec<u8> {
    let padded: Vec<u8> = std::iter::repeat_n(b' ', before)
        .chain(word.iter().copied())
        .collect();
    let encoded = BASE64_STANDARD_NO_PAD.encode(&padded).into_bytes();
    let whole = padded.len() * 8 / 6;
    let first = (before * 8).div_ceil(6);
    encoded.get(first..whole).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word() -> String {
        Canary::word(&[7; 32], "req_1")
    }

    fn disguises() -> Vec<(String, &'static str)> {
        let word = word();
        let core = &word[TAG.len()..];
        let between = |gap: &str| core.split("").collect::<Vec<_>>().join(gap);
        let hex: String = core.bytes().map(|byte| format!("{byte:02X}")).collect();
        let mut all = vec![
            (word.clone(), "canary"),
            (core.to_owned(), "canary"),
            (word.to_uppercase(), "canary"),
            (between("-"), "canary"),
            (between(" \u{200b}"), "canary"),
            (between("\n"), "canary"),
            (core.chars().rev().collect(), "canary-reversed"),
            (hex, "canary-hex"),
        ];
        for before in ["", "a", "ab", "abc", "My rules say "] {
            let text = BASE64_STANDARD_NO_PAD.encode(format!("{before}{word}, and so on"));
            all.push((text, "canary-base64"));
        }
        all
    }

    #[test]
    fn a_word_is_the_same_for_one_request_and_key_only() {
        assert_eq!(word(), word());
        assert_eq!(word().len(), TAG.len() + LENGTH);
        assert_ne!(word(), Canary::word(&[7; 32], "req_2"));
        assert_ne!(word(), Canary::word(&[8; 32], "req_1"));
    }

    #[test]
    fn a_word_is_found_in_every_disguise_and_at_any_cut() {
        let canary = Canary::new(&word());
        for (disguise, rule) in disguises() {
            let text = format!("Well: {disguise}. {}", &word()[..12]);
            let mut whole = Vec::new();
            canary.scan(Window::whole(&text), &mut whole);
            assert_eq!(whole.len(), 1, "{text}");
            assert_eq!((whole[0].rule, whole[0].kind), (rule, Kind::Canary));
            for cut in (0..text.len()).filter(|cut| text.is_char_boundary(*cut)) {
                let (mut out, mut from) = (Vec::new(), 0);
                for (end, last) in [(cut, false), (text.len(), true)] {
                    let text = &text[..end];
                    from = canary.scan(Window { text, from, last }, &mut out);
                }
                assert_eq!(out, whole, "cut at {cut}: {text}");
            }
        }
    }

    #[test]
    fn other_words_and_pieces_of_it_are_not_found() {
        let other = Canary::word(&[7; 32], "req_2");
        let word = word();
        let text = format!(
            "{other} {} cnry- {}",
            &word[..19],
            word.replace('-', "").len()
        );
        let mut out = Vec::new();
        Canary::new(&word).scan(Window::whole(&text), &mut out);
        assert_eq!(out, []);
    }
}
