//! The team's own patterns, such as numbers of its staff. All of them run as one
//! linear automaton. A second one, anchored, tells which places at a window's end
//! may still become a match, so that cuts cannot matter and little is held.

use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::{pool::Pool, syntax};
use regex_automata::{Anchored, Input, meta};

use super::admission::{self, MAX_MATCH, Refused};
use super::{Confidence, Finding, Kind, Window};

/// The most patterns of a team.
pub const MAX_PATTERNS: usize = 50;

/// The largest automaton of all patterns together, in bytes.
const MAX_SIZE: usize = 1 << 20;

type CacheOf =
    Box<dyn Fn() -> Cache + Send + Sync + std::panic::UnwindSafe + std::panic::RefUnwindSafe>;

/// Why a list of patterns was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PatternsError {
    /// More than [`MAX_PATTERNS`].
    #[error("there are more than {MAX_PATTERNS} patterns")]
    TooMany,
    /// One of them may not come in.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// Each may come in, all together are too large or have a Unicode `\b`.
    #[error("the patterns together make no automaton: {0}")]
    Automaton(String),
}

/// The patterns of a team, compiled. Where two match at one place, the first of
/// the list is reported.
#[derive(Debug)]
pub struct Patterns {
    first: u16,
    search: meta::Regex,
    open: DFA,
    caches: Pool<Cache, CacheOf>,
}

impl Patterns {
    /// Compiles patterns; they are named from `first` on in findings.
    ///
    /// # Errors
    /// When there are too many, one is not admitted, or all are too large.
    pub fn new(first: u16, patterns: &[String]) -> Result<Patterns, PatternsError> {
        if patterns.len() > MAX_PATTERNS {
            return Err(PatternsError::TooMany);
        }
        for pattern in patterns {
            admission::admit(pattern)?;
        }
        let ascii = syntax::Config::new().unicode(false).utf8(false);
        let limits = meta::Config::new()
            .utf8_empty(false)
            .nfa_size_limit(Some(MAX_SIZE));
        let search = meta::Builder::new()
            .configure(limits)
            .syntax(ascii)
            .build_many(patterns)
            .map_err(|error| PatternsError::Automaton(error.to_string()))?;
        let limits = thompson::Config::new()
            .utf8(false)
            .nfa_size_limit(Some(MAX_SIZE));
        let open = DFA::builder()
            .configure(DFA::config().skip_cache_capacity_check(true))
            .syntax(ascii)
            .thompson(limits)
            .build_many(patterns)
            .map_err(|error| PatternsError::Automaton(error.to_string()))?;
        let made = open.clone();
        Ok(Patterns {
            first,
            search,
            open,
            caches: Pool::new(Box::new(move || made.create_cache())),
        })
    }

    /// Finds matches from left to right, none over another; gives the bytes decided.
    pub fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let text = window.text;
        let mut at = window.from;
        let mut decided = self.decided(window, at);
        loop {
            let input = Input::new(text).range(at..);
            let Some(found) = self
                .search
                .search(&input)
                .filter(|found| found.start() < decided)
            else {
                return decided;
            };
            let span = whole_characters(text, found.start(), found.end());
            at = span.end;
            let place = u16::try_from(found.pattern().as_usize()).unwrap_or_default();
            out.push(Finding {
                kind: Kind::Own(self.first.saturating_add(place)),
                rule: "pattern",
                span,
                confidence: Confidence::CERTAIN,
            });
            if decided < at {
                decided = self.decided(window, at);
            }
        }
    }

    /// The first place from which a match may go on after the window.
    fn decided(&self, window: Window<'_>, at: usize) -> usize {
        let text = window.text;
        if window.last || self.search.pattern_len() == 0 {
            return text.len();
        }
        let mut cache = self.caches.get();
        // The automaton knows of a match one byte after its end.
        let far = text.len().saturating_sub(MAX_MATCH + 1).max(at);
        let open = (far..text.len()).find(|place| self.goes_on(&mut cache, text, *place));
        let open = open.unwrap_or(text.len());
        whole_characters(text, open, open).start.max(at)
    }

    /// Whether more text could change what is found at this place.
    fn goes_on(&self, cache: &mut Cache, text: &str, place: usize) -> bool {
        let input = Input::new(text).range(place..).anchored(Anchored::Yes);
        let Ok(mut state) = self.open.start_state_forward(cache, &input) else {
            return true;
        };
        for byte in text.as_bytes().get(place..).unwrap_or_default() {
            let Ok(next) = self.open.next_state(cache, state, *byte) else {
                return true;
            };
            if next.is_dead() {
                return false;
            }
            state = next;
        }
        true
    }
}

/// A classes of bytes may match within a character: the whole of it is meant.
fn whole_characters(text: &str, start: usize, end: usize) -> std::ops::Range<usize> {
    let (mut start, mut end) = (start, end);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    start..end
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PATTERNS: [&str; 9] = [
        r"\bEMP-\d{6}\b",
        r"(?i)proj(?:ect)?[ _-]?[a-z]{3}\d{2,4}",
        r"[a-z]{1,20}@corp",
        r"^ab$",
        r"(?m)^ab$",
        r"ab|abcd",
        r"x.{1,3}y",
        r"(?:no){2,9}(?:de)?",
        r"[^ ]{100}!",
    ];

    fn patterns() -> Patterns {
        Patterns::new(7, &PATTERNS.map(str::to_owned)).unwrap()
    }

    fn found(text: &str) -> Vec<(u16, &str)> {
        let mut out = Vec::new();
        patterns().scan(Window::whole(text), &mut out);
        let seen = out.into_iter().map(|finding| match finding.kind {
            Kind::Own(place) => (place, &text[finding.span]),
            other => panic!("{other:?}"),
        });
        seen.collect()
    }

    fn in_pieces(patterns: &Patterns, text: &str, cuts: &[usize]) -> (Vec<Finding>, usize) {
        let (mut out, mut from, mut held) = (Vec::new(), 0_usize, 0);
        for cut in cuts.iter().copied().chain([text.len()]) {
            let base = from.saturating_sub(super::super::window::LEFT_CONTEXT);
            let base = whole_characters(text, base, base).start;
            let window = Window {
                text: &text[base..cut],
                from: from - base,
                last: cut == text.len(),
            };
            let before = out.len();
            from = base + patterns.scan(window, &mut out);
            for finding in &mut out[before..] {
                finding.span = finding.span.start + base..finding.span.end + base;
            }
            held = held.max(cut - from);
        }
        (out, held)
    }

    #[test]
    fn matches_are_named_after_the_dictionaries() {
        let text = "EMP-123456, Project-ABC123 jane@corp xéy EMP-1234567";
        let seen = [
            (7, "EMP-123456"),
            (8, "Project-ABC123"),
            (9, "jane@corp"),
            (13, "xéy"),
        ];
        assert_eq!(found(text), seen);
    }

    #[test]
    fn lists_that_are_too_long_or_too_large_are_refused() {
        let many = vec!["a".to_owned(); MAX_PATTERNS + 1];
        assert_eq!(Patterns::new(0, &many).unwrap_err(), PatternsError::TooMany);
        let large = vec![r"(?u)\w{60}".to_owned(); MAX_PATTERNS];
        let error = Patterns::new(0, &large).unwrap_err();
        assert!(matches!(error, PatternsError::Automaton(_)), "{error}");
        let none = Patterns::new(0, &[]).unwrap();
        assert_eq!(none.scan(Window::whole("text"), &mut Vec::new()), 4);
    }

    #[test]
    fn a_text_without_the_beginning_of_a_match_is_not_held() {
        let window = Window {
            text: "Well, 17 of them. ",
            from: 0,
            last: false,
        };
        let plain = Patterns::new(0, &[r"\bEMP-\d{6}\b".to_owned()]).unwrap();
        assert_eq!(plain.scan(window, &mut Vec::new()), window.text.len());
    }

    proptest! {
        #[test]
        fn a_text_cut_at_random_gives_the_findings_of_the_whole(
            parts in proptest::collection::vec(proptest::sample::select(vec![
                "EMP-", "123456", "7", "project", " ", "_abc", "12", "jane", "@corp", "ab", "abcd", "cd",
                "\n", "x", "y", "é", "日", "no", "nono", "de", "!", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ]), 0..30),
            cuts in proptest::collection::vec(0_usize..10_000, 0..12),
        ) {
            let text = parts.concat();
            let patterns = patterns();
            let mut whole = Vec::new();
            patterns.scan(Window::whole(&text), &mut whole);
            let mut cuts: Vec<usize> = cuts.iter().map(|at| at % (text.len() + 1))
                .filter(|at| *at < text.len() && text.is_char_boundary(*at)).collect();
            cuts.sort_unstable();
            let (pieces, held) = in_pieces(&patterns, &text, &cuts);
            prop_assert_eq!(pieces, whole);
            prop_assert!(held <= MAX_MATCH + 4);
        }
    }
}
