//! The shapes of all wanted rules in one automaton, so that a place where a number
//! may begin is read once, however many rules there are: a new shape costs a few
//! states and no time.

use std::collections::HashMap;

use super::super::per_byte::{PerByte, per_byte};
use super::rules::{LONGEST, Rule};
use super::view::{View, alnum, ends, work};

/// Kinds of bytes that shapes tell apart.
const KINDS: usize = 9;
/// One byte of each kind.
const SAMPLES: [u8; KINDS] = *b"7A -./:+!";
/// Places of a state's table: a power of two.
const ROOM: usize = 16;
/// Room for the letters and digits of a number: a power of two.
const KEPT: usize = 32;
/// The most leading digits that are passed over at once.
const DIGITS: usize = LONGEST;
/// The most bytes of a number with its separators: each letter and digit with one.
const MOST: usize = 2 * LONGEST;
/// The state in which no shape can go on.
const DEAD: u16 = 0;
/// The state before the first byte.
const START: u16 = 1;
/// Marks a state in which forms end.
const WHOLE: u16 = 1 << 15;

/// The kind of every byte.
static KIND: PerByte<u8> = per_byte!(u8, |byte| match byte {
    b'0'..=b'9' => 0,
    b'A'..=b'Z' | b'a'..=b'z' => 1,
    b' ' => 2,
    b'-' => 3,
    b'.' => 4,
    b'/' => 5,
    b':' => 6,
    b'+' => 7,
    _ => 8,
});

/// Whether a part of a shape takes this byte, and whether it may be left out. `9` is
/// a digit, `A` a letter, `X` either; `-` an optional space or hyphen, `=` one that
/// must stand, `_` a space that must stand, `h` a hyphen that must stand, `p` a dot
/// that must stand, `d` a slash, dot or hyphen that must stand; `s` an optional slash,
/// `.` an optional dot, `:` an optional space, hyphen or colon; `c` a letter, digit,
/// `-` or `+` that belongs to the number.
fn takes(part: u8, byte: u8) -> (bool, bool) {
    match part {
        b'9' => (byte.is_ascii_digit(), false),
        b'A' => (byte.is_ascii_alphabetic(), false),
        b'X' => (alnum(byte), false),
        b'c' => (alnum(byte) || matches!(byte, b'-' | b'+'), false),
        b'=' => (matches!(byte, b' ' | b'-'), false),
        b'_' => (byte == b' ', false),
        b'h' => (byte == b'-', false),
        b'p' => (byte == b'.', false),
        b'd' => (matches!(byte, b'/' | b'.' | b'-'), false),
        b'-' => (matches!(byte, b' ' | b'-'), true),
        b's' => (byte == b'/', true),
        b':' => (matches!(byte, b' ' | b'-' | b':'), true),
        _ => (byte == part, true),
    }
}

/// How much of a shape is read when so much was read and this byte follows.
fn advance(shape: &[u8], from: usize, byte: u8) -> Option<usize> {
    for (i, part) in shape.iter().enumerate().skip(from) {
        match takes(*part, byte) {
            (true, _) => return Some(i + 1),
            (false, true) => {}
            (false, false) => return None,
        }
    }
    None
}

/// One shape of one rule, in the order of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    /// The rule's place in the table of wanted rules.
    rule: u16,
    shape: u16,
    /// The number is all that stands in the text.
    raw: bool,
}

/// Shapes, each with how much of it was read.
type Places = Vec<(u16, u8)>;

/// The automaton.
#[derive(Debug)]
pub(super) struct Shapes {
    /// Per state, by the kind of the next byte, what follows: all kinds have a place, so
    /// that none needs a look whether it has. [`WHOLE`] marks states in which forms end.
    next: Vec<u16>,
    /// The state behind so many digits.
    digits: [u16; DIGITS + 1],
    /// Per state the places of the forms that end in it.
    ends: Vec<(u16, u16)>,
    /// The forms that end in each state, state by state.
    forms: Vec<Form>,
}

impl Shapes {
    /// The shapes of these rules.
    pub(super) fn new(rules: &[&'static Rule]) -> Shapes {
        let shapes = rules.iter().zip(0..).flat_map(|(row, rule)| {
            row.shapes.iter().zip(0..).map(move |(text, shape)| {
                let raw = text.contains('c');
                (Form { rule, shape, raw }, text.as_bytes())
            })
        });
        let shapes: Vec<(Form, &[u8])> = shapes.collect();
        let mut built = Built::default();
        built.state(Vec::new());
        built.state((0..).zip(&shapes).map(|(i, _)| (i, 0)).collect());
        let (mut next, mut ends, mut forms) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(places) = built.places.get(ends.len()).cloned() {
            let from = forms.len() as u16;
            let whole = |(shape, read): &(u16, u8)| {
                let (form, text) = shapes.get(usize::from(*shape))?;
                (text.len() == usize::from(*read)).then_some(*form)
            };
            forms.extend(places.iter().filter_map(whole));
            let mut row = [DEAD; ROOM];
            for (slot, byte) in row.iter_mut().zip(SAMPLES) {
                let on = |(shape, read): &(u16, u8)| {
                    let (_, text) = shapes.get(usize::from(*shape))?;
                    let read = advance(text, usize::from(*read), byte)?;
                    Some((*shape, read as u8))
                };
                *slot = built.state(places.iter().filter_map(on).collect());
            }
            let to = forms.len() as u16;
            next.extend(row);
            ends.push((from, to));
        }
        for state in &mut next {
            let (from, to) = ends.get(usize::from(*state)).copied().unwrap_or_default();
            *state |= if from < to { WHOLE } else { 0 };
        }
        let (mut digits, mut state) = ([START; DIGITS + 1], START);
        for slot in digits.iter_mut().skip(1) {
            let place = usize::from(state & !WHOLE) * ROOM;
            state = next.get(place).copied().unwrap_or(DEAD);
            *slot = state;
        }
        Shapes {
            next,
            digits,
            ends,
            forms,
        }
    }

    /// Whether a shape ends behind so many digits, or goes on with these bytes.
    pub(super) fn go_on(&self, digits: usize, [next, second]: [u8; 2]) -> bool {
        let state = self.digits.get(digits).copied().unwrap_or(WHOLE);
        let behind = self.follow(state, next);
        (state | behind) & WHOLE != 0 || self.follow(behind, second) != DEAD
    }

    /// The state that follows one when this byte is read.
    #[inline]
    fn follow(&self, state: u16, byte: u8) -> u16 {
        let kind = KIND.of(byte);
        let place = usize::from(state & !WHOLE) * ROOM + usize::from(kind);
        self.next.get(place).copied().unwrap_or(DEAD)
    }

    /// Reads the numbers that begin here, where one may begin. So many digits are known
    /// to lead, or it is not known whether any do.
    pub(super) fn read(
        &self,
        view: &View<'_>,
        (start, known): (usize, usize),
        numbers: &mut Numbers,
    ) {
        (numbers.start, numbers.count) = (start, 0);
        let known = if known > DIGITS { 0 } else { known };
        let mut state = self.digits.get(known).copied().unwrap_or(START);
        if state == DEAD {
            return;
        }
        if state & WHOLE != 0 && ends(view, start + known) {
            self.end(numbers, known, state);
        }
        let text = view.ahead(start, MOST);
        for (byte, at) in text.iter().zip(start + 1..).skip(known) {
            work::note(1);
            state = self.follow(state, *byte);
            if state == DEAD {
                return numbers.keep(text);
            }
            if state & WHOLE != 0 && ends(view, at) {
                self.end(numbers, at - start, state);
            }
        }
        // What was read may go on where the text does.
        view.at(start + text.len());
        numbers.keep(text);
    }

    /// Notes that forms end behind so many bytes.
    fn end(&self, numbers: &mut Numbers, read: usize, state: u16) {
        let forms = self.ends.get(usize::from(state & !WHOLE));
        if let (Some(slot), Some((from, to))) = (numbers.ends.get_mut(numbers.count), forms) {
            *slot = End {
                at: read as u8,
                length: 0,
                from: *from,
                to: *to,
            };
            numbers.count += 1;
        }
    }

    /// Offers each number in the order of rules and their shapes; says `settled` that
    /// a rule has its answer, its other shapes are passed over.
    pub(super) fn each(
        &self,
        view: &View<'_>,
        numbers: &Numbers,
        mut settled: impl FnMut(&Number<'_>) -> bool,
    ) {
        let ends = numbers.ends.get(..numbers.count).unwrap_or_default();
        let mut raw = [0; LONGEST];
        let mut done = None;
        let mut offer = |form: Form, end: End| {
            let passed = done == Some(form.rule);
            if !passed && settled(&numbers.number(view, form, end, &mut raw)) {
                done = Some(form.rule);
            }
        };
        if let [end] = ends {
            self.forms(*end).iter().for_each(|form| offer(*form, *end));
        }
        if ends.len() < 2 {
            return;
        }
        let mut cursors = [0_u16; LONGEST];
        loop {
            let first = ends.iter().zip(&mut cursors).filter_map(|(end, cursor)| {
                let form = self.forms(*end).get(usize::from(*cursor))?;
                Some((*form, *end, cursor))
            });
            let Some((form, end, cursor)) = first.min_by_key(|(form, ..)| *form) else {
                return;
            };
            *cursor += 1;
            offer(form, end);
        }
    }

    /// The forms that end there.
    fn forms(&self, end: End) -> &[Form] {
        let forms = self.forms.get(usize::from(end.from)..usize::from(end.to));
        forms.unwrap_or_default()
    }
}

/// The states of an automaton that is being built.
#[derive(Default)]
struct Built {
    known: HashMap<Places, u16>,
    places: Vec<Places>,
}

impl Built {
    /// The state of these places; each has one of its own.
    fn state(&mut self, places: Places) -> u16 {
        if let Some(known) = self.known.get(&places) {
            return *known;
        }
        let state = self.places.len() as u16;
        self.known.insert(places.clone(), state);
        self.places.push(places);
        state
    }
}

/// Where some forms end: bytes from the start, letters and digits among them, and
/// the place of the forms in their list.
#[derive(Clone, Copy, Default)]
struct End {
    at: u8,
    length: u8,
    from: u16,
    to: u16,
}

/// The numbers that begin at one place.
#[derive(Default)]
pub(super) struct Numbers {
    start: usize,
    /// The letters (in upper case) and digits that were read.
    bytes: [u8; KEPT],
    /// Something stands between two ends, so there are no more than letters and digits.
    ends: [End; LONGEST],
    count: usize,
}

/// A number of one rule's shape.
pub(super) struct Number<'a> {
    /// The rule's place in the table of wanted rules.
    pub(super) rule: usize,
    /// Its letters (in upper case) and digits.
    pub(super) bytes: &'a [u8],
    /// Where it ends in the text.
    pub(super) end: usize,
}

impl Numbers {
    /// Keeps the letters and digits up to the last end; most often there is none.
    fn keep(&mut self, text: &[u8]) {
        let (mut read, mut kept) = (0, 0);
        for end in self.ends.iter_mut().take(self.count) {
            for byte in text.get(read..usize::from(end.at)).unwrap_or_default() {
                if let Some(slot) = self.bytes.get_mut(kept % KEPT) {
                    *slot = byte.to_ascii_uppercase();
                }
                kept += usize::from(alnum(*byte));
            }
            (read, end.length) = (usize::from(end.at), kept as u8);
        }
    }

    /// Whether there is none.
    pub(super) fn none(&self) -> bool {
        self.count == 0
    }

    /// Whether all of them end at one place.
    pub(super) fn one_end(&self) -> bool {
        self.count < 2
    }

    fn number<'a>(
        &'a self,
        view: &View<'_>,
        form: Form,
        end: End,
        raw: &'a mut [u8; LONGEST],
    ) -> Number<'a> {
        let stop = self.start + usize::from(end.at);
        let mut bytes = self.bytes.get(..usize::from(end.length));
        if form.raw {
            let text = view.part(self.start, stop);
            for (slot, byte) in raw.iter_mut().zip(text) {
                *slot = byte.to_ascii_uppercase();
            }
            bytes = raw.get(..text.len());
        }
        Number {
            rule: usize::from(form.rule),
            bytes: bytes.unwrap_or_default(),
            end: stop,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::super::packs;
    use super::*;

    static ALL: LazyLock<(Vec<&'static Rule>, Shapes)> = LazyLock::new(|| {
        let rules: Vec<&'static Rule> = packs::all().collect();
        let shapes = Shapes::new(&rules);
        (rules, shapes)
    });

    /// Where a number of this shape ends and its letters and digits, part by part.
    fn slowly(view: &View<'_>, start: usize, shape: &str) -> Option<(usize, Vec<u8>)> {
        let (mut end, mut kept) = (start, Vec::new());
        for part in shape.bytes() {
            let byte = view.at(end);
            let (fits, optional) = takes(part, byte);
            if !fits && !optional {
                return None;
            }
            end += usize::from(fits);
            kept.extend(
                Some(byte.to_ascii_uppercase())
                    .filter(|byte| fits && (alnum(*byte) || part == b'c')),
            );
        }
        ends(view, end).then_some((end, kept))
    }

    /// A text of this shape, nearly.
    fn written(shape: &str, dice: &[u8]) -> String {
        let pick = |list: &str, die: u8| list.chars().nth(usize::from(die) % list.len());
        let parts = shape.bytes().zip(dice).filter_map(|(part, die)| {
            let optional = takes(part, 0).1;
            let fitting = (1..128_u8).map(char::from);
            let fitting: String = fitting.filter(|c| takes(part, *c as u8).0).collect();
            match die {
                0..=3 => pick(" -.1a", *die),
                4..=127 if optional => None,
                _ => pick(&fitting, *die),
            }
        });
        parts.collect()
    }

    #[test]
    fn shapes_are_what_the_automaton_can_hold() {
        let (rules, shapes) = &*ALL;
        for shape in rules.iter().flat_map(|rule| rule.shapes) {
            let kept = shape.bytes().filter(|part| b"9AXc".contains(part)).count();
            assert!(kept <= LONGEST.min(KEPT), "{shape}");
            let last = shape.bytes().last().unwrap_or_default();
            assert!(!takes(last, 0).1, "{shape} ends with what may be left out");
            assert!(shape.len() < MOST, "{shape}");
            let bars = shape.bytes().any(|part| !b"9AXc".contains(&part));
            assert!(
                !(shape.contains('c') && bars),
                "{shape} keeps its separators"
            );
        }
        let states = shapes.ends.len();
        assert!(states < 4000, "{states}");
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(2000))]
        #[test]
        fn the_automaton_reads_what_each_shape_reads(
            shape in proptest::sample::select(packs::all().flat_map(|rule| rule.shapes).collect::<Vec<_>>()),
            dice in proptest::collection::vec(0..=255_u8, 24),
            rest in "[0-9A-Z .-]{0,6}",
        ) {
            let (rules, shapes) = &*ALL;
            let text = written(shape, &dice) + &rest;
            let view = View::new(text.as_bytes(), true);
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let [found, known] = [0, digits].map(|known| {
                let (mut numbers, mut found) = (Numbers::default(), Vec::new());
                shapes.read(&view, (0, known), &mut numbers);
                shapes.each(&view, &numbers, |number| {
                    found.push((number.rule, number.end, number.bytes.to_vec()));
                    false
                });
                found
            });
            proptest::prop_assert_eq!(&found, &known);
            let expected = rules.iter().enumerate().flat_map(|(i, rule)| {
                let read = rule.shapes.iter().filter_map(|shape| slowly(&view, 0, shape));
                read.map(move |(end, bytes)| (i, end, bytes))
            });
            proptest::prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }
    }
}
