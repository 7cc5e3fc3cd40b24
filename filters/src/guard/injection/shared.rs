//! A text and all its windows, read once. What stands in a window is what stands there
//! in the text, but for its ends: words that it cuts are other words, and its first ones
//! have no neighbours before. So the ends are read anew for each window, all else is
//! shared.

use std::ops::Range;

use super::count::{Count, Span};
use super::features::{Sink, Walk, behind_words, is_of_word, visit};
use super::linear::Linear;
use super::rules::{Hit, Matcher, Rules};
use super::{STRIDE, spans};

/// Log-odds and the rule that is met.
pub(super) type Looked = (f32, Option<Hit>);

/// What the pieces of a text come to together, and what each of their windows.
pub(super) fn look(linear: &Linear, rules: &Rules, pieces: [&str; 2]) -> (Looked, Vec<Looked>) {
    let mut notes = Notes::new(rules, pieces);
    let mut matcher = Matcher::new(rules);
    let (mut ends, mut has_literals) = (Vec::new(), false);
    for piece in pieces {
        let known = notes.words.len();
        notes.read(piece);
        for word in notes.words.iter().skip(known) {
            if matcher.meets(word.count, word.meaning) {
                ends.push(word.place);
            }
        }
        has_literals |= matcher.literals(piece);
    }
    let spans = notes.views.iter().map(|view| &view.span);
    let features = notes.features.get(..notes.found).unwrap_or_default();
    let (whole, sums) = Count::all(linear.weights(), features, &notes.own, spans);
    let of_window = |(view, sum): (&View<'_>, _)| {
        let met = || ends.iter().any(|end| view.holds(*end));
        let hit = (view.means || has_literals || met()).then(|| alone(rules, view.text));
        (linear.margin(sum), hit.flatten())
    };
    let windows = notes.views.iter().zip(sums).map(of_window).collect();
    ((linear.margin(whole), matcher.hit()), windows)
}

/// The rule that a text meets.
fn alone(rules: &Rules, text: &str) -> Option<Hit> {
    struct Words<'a>(Matcher<'a>);
    impl Sink for Words<'_> {
        fn word(&mut self, hash: u32) {
            self.0.word(hash);
        }
        fn feature(&mut self, _: u32) {}
    }
    let mut words = Words(Matcher::new(rules));
    visit(text, &mut words);
    words.0.literals(text);
    words.0.hit()
}

/// A window.
struct View<'a> {
    text: &'a str,
    /// How many features of the text were found before it, at least.
    begins: usize,
    span: Span,
    /// Whether a word that it cuts means something to the rules.
    means: bool,
}

impl View<'_> {
    /// Whether what ended when so many features were found ended in this window. What
    /// rules meet in a window without the words that it cuts, they meet in the text.
    fn holds(&self, place: usize) -> bool {
        (self.begins..self.span.shared.end).contains(&place)
    }
}

/// A word that means something to the rules.
struct Word {
    /// How many features were found before.
    place: usize,
    /// The so many-th word of the text it is.
    count: u32,
    meaning: u32,
}

/// Everything found in a text.
struct Notes<'a> {
    rules: &'a Rules,
    features: Vec<u32>,
    /// How many of them were found.
    found: usize,
    words: Vec<Word>,
    /// How many words there were.
    count: u32,
    views: Vec<View<'a>>,
    /// The features that windows have for themselves.
    own: Vec<u32>,
}

/// Takes what is found in a text.
struct Take<'n, 'a> {
    rules: &'a Rules,
    features: &'n mut [u32],
    /// How many there are.
    found: usize,
    words: &'n mut Vec<Word>,
    count: u32,
}

impl Sink for Take<'_, '_> {
    #[inline(always)]
    fn word(&mut self, hash: u32) {
        self.count += 1;
        let meaning = self.rules.meaning(hash);
        if meaning != 0 {
            let (place, count) = (self.found, self.count);
            self.words.push(Word {
                place,
                count,
                meaning,
            });
        }
    }

    #[inline(always)]
    fn feature(&mut self, index: u32) {
        if let Some(place) = self.features.get_mut(self.found) {
            *place = index;
            self.found += 1;
        }
    }
}

/// Takes what a window has for itself.
struct Own<'n, 'a> {
    rules: &'a Rules,
    features: &'n mut Vec<u32>,
    /// What the first word means.
    first: Option<u32>,
}

impl Sink for Own<'_, '_> {
    fn word(&mut self, hash: u32) {
        let rules = self.rules;
        self.first.get_or_insert_with(|| rules.meaning(hash));
    }

    fn feature(&mut self, index: u32) {
        self.features.push(index);
    }
}

/// A window that is being read.
struct Open<'a> {
    view: View<'a>,
    /// From where on what is found in the text is found in it too.
    shares: usize,
    /// Where it ends.
    end: usize,
    /// How it reads on when it shares nothing.
    walk: Option<Walk>,
}

impl<'a> Notes<'a> {
    fn new(rules: &'a Rules, pieces: [&str; 2]) -> Notes<'a> {
        let length: usize = pieces.into_iter().map(str::len).sum();
        Notes {
            rules,
            // A byte brings two at the most, a word that ends with the text one more.
            features: vec![0; 2 * length + 2 * pieces.len()],
            found: 0,
            words: Vec::new(),
            count: 0,
            views: Vec::with_capacity(length / STRIDE + 2),
            own: Vec::with_capacity(length / 2),
        }
    }

    /// Reads a piece and its windows. No more than two of them are open at a place.
    fn read(&mut self, piece: &'a str) {
        let mut reader = Reader {
            text: piece.as_bytes(),
            walk: Walk::new(),
            at: 0,
        };
        let mut before: Option<Open<'a>> = None;
        let mut begins = self.found;
        for span in spans(piece) {
            // Behind long words more was read already: then it begins no later than the
            // one before.
            if reader.at <= span.start {
                reader.to(self, span.start);
                begins = self.found;
            }
            let mut open = self.open(piece, span, reader.at);
            open.view.begins = begins;
            if let Some(before) = before.take_if(|before| before.end < open.shares) {
                self.close(&mut reader, before);
            }
            reader.to(self, open.shares);
            open.view.span.shared.start = self.found;
            if let Some(before) = before.replace(open) {
                self.close(&mut reader, before);
            }
        }
        if let Some(before) = before {
            self.close(&mut reader, before);
        }
        reader.to(self, piece.len());
        self.take(|sink| reader.walk.end(None, sink));
    }

    #[inline(always)]
    fn take(&mut self, read: impl FnOnce(&mut Take<'_, 'a>)) {
        let mut take = Take {
            rules: self.rules,
            features: &mut self.features,
            found: self.found,
            words: &mut self.words,
            count: self.count,
        };
        read(&mut take);
        (self.found, self.count) = (take.found, take.count);
    }

    /// Begins a window of a piece that was read up to some place.
    fn open(&mut self, piece: &'a str, window: Range<usize>, read: usize) -> Open<'a> {
        let text = piece.get(window.clone()).unwrap_or_default();
        let before = window.start.checked_sub(1);
        let before = before.and_then(|at| piece.as_bytes().get(at));
        let ends = [before, text.as_bytes().first()];
        let cuts = ends.into_iter().all(|byte| byte.is_some_and(is_of_word));
        // What is found depends on two words before it: on those of the text as soon as
        // these are whole ones of the window.
        let own = match before {
            None => 0,
            Some(_) => behind_words(text.as_bytes(), 2 + usize::from(cuts)),
        };
        let own = own.max(read.saturating_sub(window.start));
        let mut walk = Walk::new();
        let head = text.as_bytes().get(..own).unwrap_or_default();
        let (own_at_start, first) = self.own(|sink| walk.feed(head, None, sink));
        Open {
            view: View {
                text,
                begins: 0,
                span: Span {
                    shared: 0..0,
                    own: [own_at_start, 0..0],
                },
                means: cuts && first != 0,
            },
            shares: window.start + own,
            end: window.end,
            walk: (own == text.len()).then_some(walk),
        }
    }

    /// Reads up to the end of a window, and ends it.
    fn close(&mut self, reader: &mut Reader<'_>, open: Open<'a>) {
        reader.to(self, open.end);
        let walk = open.walk.unwrap_or(reader.walk);
        let (own, last) = self.own(|sink| walk.end(None, sink));
        let mut view = open.view;
        view.span.shared.end = self.found;
        view.span.own = [view.span.own[0].clone(), own];
        view.means |= last != 0;
        self.views.push(view);
    }

    /// Takes what a window has for itself: where it stands, and what its first word means.
    fn own(&mut self, read: impl FnOnce(&mut Own<'_, 'a>)) -> (Range<usize>, u32) {
        let from = self.own.len();
        let mut sink = Own {
            rules: self.rules,
            features: &mut self.own,
            first: None,
        };
        read(&mut sink);
        let first = sink.first.unwrap_or(0);
        (from..self.own.len(), first)
    }
}

/// Reads a piece step by step.
struct Reader<'t> {
    text: &'t [u8],
    walk: Walk,
    at: usize,
}

impl Reader<'_> {
    /// Reads up to a place; nothing if that was read.
    fn to(&mut self, notes: &mut Notes<'_>, place: usize) {
        let Some(text) = self.text.get(self.at..place) else {
            return;
        };
        let mut walk = self.walk;
        notes.take(|sink| walk.feed(text, None, sink));
        (self.walk, self.at) = (walk, place);
    }
}
