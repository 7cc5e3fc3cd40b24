//! What a scripted model says, before any dialect: thoughts, text, a refusal or tool calls.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::asked::{Asked, words};
use super::embedding::base64;
use super::voice::escaped_len;

/// Everything one choice of an answer says.
#[derive(Debug, Clone)]
pub(super) struct Speech {
    pub(super) thoughts: Vec<String>,
    /// The delta's field for thoughts.
    pub(super) thought_field: &'static str,
    pub(super) text: Text,
    pub(super) refusal: Option<String>,
    pub(super) calls: Vec<Call>,
    /// The finish_reason in OpenAI's words; without one the answer looks truncated.
    pub(super) finish: Option<&'static str>,
    /// The stop sequence that ended it.
    pub(super) stopped_by: Option<String>,
    /// The texts of the prompts of a completions request, if they differ.
    pub(super) per_prompt: Vec<Text>,
}

/// One step of saying it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    Thought(String),
    Text(String),
    Refusal(String),
    /// A call begins: its place among the calls, id and name.
    Call(usize, String, String),
    /// The next fragment of that call's arguments.
    Arguments(usize, String),
    /// A call said in one breath.
    Whole(usize, Call),
}

/// The text of an answer, in the pieces it is streamed in.
#[derive(Debug, Clone)]
pub(super) enum Text {
    /// No text: `content` is null.
    None,
    /// These pieces, shared by all choices.
    Pieces(Arc<Vec<String>>),
    /// Pieces made while they are sent.
    Filler(Filler),
}

/// Text made of numbered words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filler {
    pub(super) pieces: u64,
    /// Bytes of each piece; zero leaves the bare word.
    pub(super) size: usize,
    /// Each piece begins with the time it was made, Unix nanoseconds.
    pub(super) stamp: bool,
}

/// A call of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
    /// It is streamed in one piece.
    pub(super) whole: bool,
}

impl Speech {
    /// A text that ends as it should.
    pub(super) fn of(text: Text) -> Self {
        Self {
            thoughts: Vec::new(),
            thought_field: "reasoning_content",
            text,
            refusal: None,
            calls: Vec::new(),
            finish: Some("stop"),
            stopped_by: None,
            per_prompt: Vec::new(),
        }
    }

    /// Stops the text where the request's stop sequences and token limit say, as a provider would.
    pub(super) fn limited(mut self, asked: &Asked) -> Self {
        if let Some((text, stop)) = self.text.stopped(&asked.stops) {
            self.text = text;
            self.finish = Some("stop");
            self.stopped_by = Some(stop);
        }
        let Some(limit) = asked.limit else {
            return self;
        };
        let left = limit.saturating_sub(self.other_tokens());
        if self.text.cut(left) {
            self.finish = Some("length");
            self.stopped_by = None;
        }
        self
    }

    /// Completion tokens of one choice.
    pub(super) fn tokens(&self) -> u64 {
        self.other_tokens().saturating_add(self.text.tokens())
    }

    /// Completion tokens beside the text.
    pub(super) fn other_tokens(&self) -> u64 {
        let thoughts: u64 = self.thoughts.iter().map(|thought| words(thought)).sum();
        let refusal = self.refusal.as_deref().map_or(0, words);
        let calls: u64 = self.calls.iter().map(Call::tokens).sum();
        thoughts + refusal + calls
    }

    /// Everything it says, with the tokens of each part.
    pub(super) fn parts(self) -> impl Iterator<Item = (Part, u64)> + Send + Sync + 'static {
        fn as_part(
            part: fn(String) -> Part,
        ) -> impl Fn((String, u64)) -> (Part, u64) + Send + Sync + 'static {
            move |(text, tokens)| (part(text), tokens)
        }
        let thoughts = self.thoughts.into_iter().map(counted);
        let refusal = self.refusal.into_iter().map(counted);
        let calls = self.calls.into_iter().enumerate();
        thoughts
            .map(as_part(Part::Thought))
            .chain(self.text.pieces().map(as_part(Part::Text)))
            .chain(refusal.map(as_part(Part::Refusal)))
            .chain(calls.flat_map(|(index, call)| call.parts(index)))
    }
}

/// The signature under thoughts, which only the mock can make: a turn that brings them back
/// changed is found out.
pub(super) fn signature(thoughts: &str) -> String {
    let mut hash = blake3::Hasher::new_derive_key("alfred mock: signed thoughts");
    let mut bytes = [0; 96];
    hash.update(thoughts.as_bytes())
        .finalize_xof()
        .fill(&mut bytes);
    base64(&bytes)
}

fn counted(text: String) -> (String, u64) {
    let tokens = words(&text);
    (text, tokens)
}

impl Text {
    /// A text in these pieces.
    pub(super) fn of(pieces: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self::Pieces(Arc::new(pieces.into_iter().map(Into::into).collect()))
    }

    /// A text cut after each word; white space stays with the word before it.
    pub(super) fn words(text: &str) -> Self {
        Self::of(text.split_inclusive(char::is_whitespace))
    }

    pub(super) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The pieces with their tokens.
    pub(super) fn pieces(&self) -> Box<dyn Iterator<Item = (String, u64)> + Send + Sync> {
        match self {
            Self::None => Box::new(std::iter::empty()),
            Self::Pieces(pieces) => {
                let pieces = pieces.clone();
                let piece = move |index| pieces.get(index).cloned().map(counted);
                Box::new((0..).map_while(piece))
            }
            Self::Filler(filler) => {
                let filler = *filler;
                Box::new((0..filler.pieces).map(move |index| (filler.piece(index), 1)))
            }
        }
    }

    /// Its length between the quotes of a JSON string.
    pub(super) fn escaped_len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::Pieces(pieces) => pieces.iter().map(|piece| escaped_len(piece)).sum(),
            Self::Filler(filler) => (0..filler.pieces)
                .map(|index| filler.piece_len(index))
                .sum(),
        }
    }

    /// The text up to the first stop sequence, and which it was.
    fn stopped(&self, stops: &[String]) -> Option<(Self, String)> {
        let longest = stops.iter().map(String::len).max()?;
        let mut said = String::new();
        for (piece, _) in self.pieces() {
            let from = said.floor_char_boundary(said.len().saturating_sub(longest));
            said += &piece;
            let new = said.get(from..).unwrap_or_default();
            let found = stops
                .iter()
                .filter_map(|stop| Some((new.find(stop)?, stop)));
            if let Some((at, stop)) = found.min() {
                said.truncate(from + at);
                return Some((Self::words(&said), stop.clone()));
            }
        }
        None
    }

    /// Shortens it to so many tokens; true when it was longer.
    fn cut(&mut self, most: u64) -> bool {
        match self {
            Self::None => false,
            Self::Pieces(pieces) => {
                let pieces = Arc::make_mut(pieces);
                let all = pieces.len();
                let mut spent = 0;
                pieces.retain(|piece| {
                    spent += words(piece);
                    spent <= most
                });
                pieces.len() < all
            }
            Self::Filler(filler) => {
                let cut = filler.pieces > most;
                filler.pieces = filler.pieces.min(most);
                cut
            }
        }
    }

    fn tokens(&self) -> u64 {
        match self {
            Self::None => 0,
            Self::Pieces(pieces) => pieces.iter().map(|piece| words(piece)).sum(),
            Self::Filler(filler) => filler.pieces,
        }
    }
}

impl Filler {
    /// How long a piece is, without making it.
    fn piece_len(self, index: u64) -> usize {
        let digits = index.checked_ilog10().unwrap_or_default() as usize + 1;
        let natural = if self.stamp { 20 } else { digits + 2 };
        natural.max(self.size)
    }

    fn piece(self, index: u64) -> String {
        let mut piece = if self.stamp {
            let now = SystemTime::now().duration_since(UNIX_EPOCH);
            // Nineteen digits until the year 2286: every piece has the same length.
            format!("{:019} ", now.map_or(0, |now| now.as_nanos()))
        } else {
            format!("w{index} ")
        };
        if piece.len() < self.size {
            piece.pop();
            piece += &"x".repeat(self.size - piece.len() - 1);
            piece.push(' ');
        }
        piece
    }
}

impl Call {
    /// Arguments are streamed in fragments of about this many characters.
    const FRAGMENT: usize = 6;

    fn fragments(&self) -> Vec<String> {
        let letters: Vec<char> = self.arguments.chars().collect();
        letters
            .chunks(Self::FRAGMENT)
            .map(|part| part.iter().collect())
            .collect()
    }

    /// One token for the name and one per fragment.
    pub(super) fn tokens(&self) -> u64 {
        1 + self.fragments().len() as u64
    }

    /// First id and name, then the arguments; or all at once.
    fn parts(self, index: usize) -> Vec<(Part, u64)> {
        if self.whole {
            let tokens = self.tokens();
            return vec![(Part::Whole(index, self), tokens)];
        }
        let fragments = self.fragments().into_iter();
        let arguments = fragments.map(|fragment| Part::Arguments(index, fragment));
        std::iter::once(Part::Call(index, self.id, self.name))
            .chain(arguments)
            .map(|part| (part, 1))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock::asked::Endpoint;

    fn filler(pieces: u64, size: usize) -> Text {
        Text::Filler(Filler {
            pieces,
            size,
            stamp: false,
        })
    }

    fn asked(limit: Option<u64>, stops: &[&str]) -> Asked {
        Asked {
            limit,
            stops: stops.iter().map(|stop| (*stop).to_owned()).collect(),
            ..Asked::unread(Endpoint::Chat)
        }
    }

    #[test]
    fn filler_has_the_size_asked_for_and_one_word_per_piece() {
        for size in [8, 100, 65_536] {
            let lengths: usize = filler(12, size)
                .pieces()
                .map(|(piece, _)| piece.len())
                .sum();
            assert_eq!(filler(12, size).escaped_len(), lengths);
            for (piece, tokens) in filler(12, size).pieces() {
                assert_eq!(piece.len(), size);
                assert_eq!((words(&piece), tokens), (1, 1));
            }
        }
    }

    #[test]
    fn the_length_is_known_before_the_pieces_are_made() {
        for (size, stamp) in [(0, false), (0, true), (3, false), (30, true)] {
            let text = Text::Filler(Filler {
                pieces: 1200,
                size,
                stamp,
            });
            let length: usize = text.pieces().map(|(piece, _)| piece.len()).sum();
            assert_eq!(text.escaped_len(), length);
        }
    }

    #[test]
    fn words_are_cut_so_that_they_join_to_the_same_text() {
        let text = "two  spaces,\na line and é";
        let joined: String = Text::words(text).pieces().map(|(piece, _)| piece).collect();
        assert_eq!(joined, text);
        let limited = Speech::of(Text::words(text)).limited(&asked(Some(3), &[]));
        assert_eq!((limited.tokens(), limited.finish), (3, Some("length")));
    }

    #[test]
    fn the_token_limit_shortens_the_text_and_says_so() {
        let speech = Speech::of(filler(10, 0)).limited(&asked(Some(4), &[]));
        assert_eq!((speech.tokens(), speech.finish), (4, Some("length")));
        let speech = Speech::of(filler(10, 0)).limited(&asked(Some(10), &[]));
        assert_eq!((speech.tokens(), speech.finish), (10, Some("stop")));
    }

    #[test]
    fn the_fragments_of_a_call_join_to_its_arguments() {
        let call = Call {
            id: "call_1".to_owned(),
            name: "f".to_owned(),
            arguments: r#"{"stadt":"Köln"}"#.to_owned(),
            whole: false,
        };
        assert_eq!(call.fragments().concat(), call.arguments);
        assert_eq!(call.tokens(), call.parts(0).len() as u64);
    }

    #[test]
    fn a_stop_sequence_ends_the_text_before_it_wherever_the_pieces_are_cut() {
        let cases = [
            ("one two three", "two", "one "),
            ("one two three", "o three", "one tw"),
            ("é ü ö", "ü ö", "é "),
            ("one two", "one", ""),
        ];
        for (text, stop, left) in cases {
            let speech = Speech::of(Text::words(text)).limited(&asked(None, &["none", stop]));
            let said: String = speech.text.pieces().map(|(piece, _)| piece).collect();
            assert_eq!(said, left);
            assert_eq!(speech.stopped_by.as_deref(), Some(stop));
        }
        let speech = Speech::of(filler(10, 0)).limited(&asked(Some(2), &["w5"]));
        assert_eq!((speech.finish, speech.stopped_by), (Some("length"), None));
    }

    #[test]
    fn a_signature_stands_for_its_thoughts_alone() {
        assert_eq!(signature("a thought"), signature("a thought"));
        assert_ne!(signature("a thought"), signature("another"));
    }
}
