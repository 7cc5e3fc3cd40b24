//! The characters that a JSON string spells, one at a time, and which raw bytes
//! spell each: an escape may be cut anywhere, and a pair of them may be one
//! character.

use std::ops::Range;

/// What a character led to.
#[derive(Debug)]
pub(super) enum Step {
    /// The string spells this; a lone surrogate is U+FFFD.
    Letter(char, Range<usize>),
    /// The string is over.
    End,
}

#[derive(Debug, Default)]
enum Escape {
    #[default]
    None,
    /// Behind the backslash that stands at this place.
    Slash(usize),
    /// Behind `\u`: where it began, the value so far, how many digits.
    Unicode(usize, u32, u32),
}

/// Where in a string it stands.
#[derive(Debug, Default)]
pub(super) struct Unescape {
    escape: Escape,
    /// The first half of a pair.
    high: Option<(u32, Range<usize>)>,
}

/// What is still to be told of one character.
pub(super) struct Steps {
    letter: Option<(char, Range<usize>)>,
}

impl Unescape {
    /// Takes the next character.
    pub(super) fn step(&mut self, letter: char, raw: Range<usize>) -> Steps {
        let _ = &self.escape;
        Steps {
            letter: Some((letter, raw)),
        }
    }

    /// What an unfinished string still spells.
    pub(super) fn rest(&mut self) -> Option<(char, Range<usize>)> {
        self.flush()
            .or_else(|| match std::mem::take(&mut self.escape) {
                Escape::None => None,
                Escape::Slash(start) => Some((char::REPLACEMENT_CHARACTER, start..start + 1)),
                Escape::Unicode(start, _, digits) => Some((
                    char::REPLACEMENT_CHARACTER,
                    start..start + 2 + digits as usize,
                )),
            })
    }

    fn flush(&mut self) -> Option<(char, Range<usize>)> {
        let (_, raw) = self.high.take()?;
        Some((char::REPLACEMENT_CHARACTER, raw))
    }
}

impl Steps {
    /// What comes next of what the character led to.
    pub(super) fn next(&mut self, of: &mut Unescape) -> Option<Step> {
        let (letter, raw) = self.letter.take()?;
        match of.escape {
            Escape::None if letter == '\\' => {
                of.escape = Escape::Slash(raw.start);
                None
            }
            Escape::Slash(start) if letter == 'u' => {
                of.escape = Escape::Unicode(start, 0, 0);
                None
            }
            Escape::Unicode(start, value, digits) if letter.is_ascii_hexdigit() => {
                let value = value * 16 + letter.to_digit(16).unwrap_or(0);
                if digits < 3 {
                    of.escape = Escape::Unicode(start, value, digits + 1);
                    return None;
                }
                of.escape = Escape::None;
                unit(of, value, start..raw.end)
            }
            _ => {
                // Half a pair stands alone: told first, then this character once more.
                if let Some((lone, raw_of_lone)) = of.flush() {
                    self.letter = Some((letter, raw));
                    return Some(Step::Letter(lone, raw_of_lone));
                }
                match std::mem::take(&mut of.escape) {
                    Escape::None if letter == '"' => Some(Step::End),
                    Escape::None => Some(Step::Letter(letter, raw)),
                    Escape::Slash(start) => Some(Step::Letter(short(letter), start..raw.end)),
                    Escape::Unicode(start, ..) => {
                        let broken = start..raw.start;
                        self.letter = Some((letter, raw));
                        Some(Step::Letter(char::REPLACEMENT_CHARACTER, broken))
                    }
                }
            }
        }
    }
}

/// A unit of UTF-16 was spelt.
fn unit(of: &mut Unescape, unit: u32, raw: Range<usize>) -> Option<Step> {
    let before = of.high.take();
    if let (Some((high, first)), 0xDC00..=0xDFFF) = (&before, unit) {
        let code = 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00);
        let letter = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        return Some(Step::Letter(letter, first.start..raw.end));
    }
    if (0xD800..=0xDBFF).contains(&unit) {
        of.high = Some((unit, raw));
        return before.map(|(_, raw)| Step::Letter(char::REPLACEMENT_CHARACTER, raw));
    }
    let letter = char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER);
    // A lone first half joins what follows it: both are spelt by their bytes.
    let start = before.map_or(raw.start, |(_, first)| first.start);
    Some(Step::Letter(letter, start..raw.end))
}

fn short(letter: char) -> char {
    match letter {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        other => other,
    }
}
