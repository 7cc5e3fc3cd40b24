//! What a scripted model says, before any dialect: thoughts, text, a refusal or tool calls.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use super::asked::words;
use super::voice::{escaped_len, quoted};

/// Everything one choice of an answer says.
#[derive(Debug, Clone)]
pub(super) struct Speech {
    pub(super) thoughts: Vec<String>,
    /// The delta's field for thoughts.
    pub(super) thought_field: &'static str,
    pub(super) text: Text,
    pub(super) refusal: Option<String>,
    pub(super) calls: Vec<Call>,
    /// The finish_reason; without one the answer looks truncated.
    pub(super) finish: Option<&'static str>,
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
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) arguments: String,
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
        }
    }

    /// Stops the text where the request's token limit says, as a provider would.
    pub(super) fn limited(mut self, limit: Option<u64>) -> Self {
        let Some(limit) = limit else { return self };
        let left = limit.saturating_sub(self.other_tokens());
        let cut = match &mut self.text {
            Text::None => false,
            Text::Pieces(pieces) => {
                let pieces = Arc::make_mut(pieces);
                let all = pieces.len();
                let mut spent = 0;
                pieces.retain(|piece| {
                    spent += words(piece);
                    spent <= left
                });
                pieces.len() < all
            }
            Text::Filler(filler) => {
                let cut = filler.pieces > left;
                filler.pieces = filler.pieces.min(left);
                cut
            }
        };
        if cut {
            self.finish = Some("length");
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

    /// The first delta of a stream.
    pub(super) fn opening_delta(&self) -> String {
        let content = if self.text.is_none() { "null" } else { "\"\"" };
        format!(r#"{{"role":"assistant","content":{content},"refusal":null}}"#)
    }

    /// Everything it says as deltas of a stream, with their tokens.
    pub(super) fn deltas(self) -> impl Iterator<Item = (String, u64)> + Send + Sync + 'static {
        let field = self.thought_field;
        let one = |field: &'static str| {
            move |(text, tokens): (String, u64)| {
                (format!(r#"{{"{field}":{}}}"#, quoted(&text)), tokens)
            }
        };
        let thoughts = self.thoughts.into_iter().map(counted).map(one(field));
        let texts = self.text.pieces().map(one("content"));
        let refusal = self.refusal.into_iter().map(counted).map(one("refusal"));
        let calls = self.calls.into_iter().enumerate();
        let calls = calls.flat_map(|(index, call)| call.deltas(index));
        thoughts.chain(texts).chain(refusal).chain(calls)
    }

    /// The finish_reason as JSON.
    pub(super) fn finish_json(&self) -> String {
        self.finish.map_or_else(|| "null".to_owned(), quoted)
    }

    /// The rest of a whole message and its choice, from behind the text.
    pub(super) fn message_tail(&self) -> String {
        let refusal = self
            .refusal
            .as_deref()
            .map_or_else(|| "null".to_owned(), quoted);
        let mut tail = format!(r#","refusal":{refusal},"annotations":[]"#);
        if !self.thoughts.is_empty() {
            let thoughts = quoted(&self.thoughts.concat());
            tail += &format!(r#","{}":{thoughts}"#, self.thought_field);
        }
        if !self.calls.is_empty() {
            let calls: Vec<_> = self.calls.iter().map(Call::whole).collect();
            tail += &format!(r#","tool_calls":[{}]"#, calls.join(","));
        }
        tail + &format!(
            r#"}},"logprobs":null,"finish_reason":{}}}"#,
            self.finish_json()
        )
    }
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
    fn tokens(&self) -> u64 {
        1 + self.fragments().len() as u64
    }

    /// The deltas of a stream: first id, type and name, then the arguments.
    pub(super) fn deltas(&self, index: usize) -> Vec<(String, u64)> {
        let Self { id, name, .. } = self;
        let first = format!(
            r#"{{"tool_calls":[{{"index":{index},"id":{},"type":"function","function":{{"name":{},"arguments":""}}}}]}}"#,
            quoted(id),
            quoted(name)
        );
        let later = self.fragments().into_iter().map(|part| {
            let part = quoted(&part);
            format!(r#"{{"tool_calls":[{{"index":{index},"function":{{"arguments":{part}}}}}]}}"#)
        });
        std::iter::once(first)
            .chain(later)
            .map(|delta| (delta, 1))
            .collect()
    }

    fn whole(&self) -> String {
        format!(
            r#"{{"id":{},"type":"function","function":{{"name":{},"arguments":{}}}}}"#,
            quoted(&self.id),
            quoted(&self.name),
            quoted(&self.arguments)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filler(pieces: u64, size: usize) -> Text {
        Text::Filler(Filler {
            pieces,
            size,
            stamp: false,
        })
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
        let limited = Speech::of(Text::words(text)).limited(Some(3));
        assert_eq!((limited.tokens(), limited.finish), (3, Some("length")));
    }

    #[test]
    fn the_token_limit_shortens_the_text_and_says_so() {
        let speech = Speech::of(filler(10, 0)).limited(Some(4));
        assert_eq!((speech.tokens(), speech.finish), (4, Some("length")));
        let speech = Speech::of(filler(10, 0)).limited(Some(10));
        assert_eq!((speech.tokens(), speech.finish), (10, Some("stop")));
    }

    #[test]
    fn the_fragments_of_a_call_join_to_its_arguments() {
        let call = Call {
            id: "call_1".to_owned(),
            name: "f".to_owned(),
            arguments: r#"{"stadt":"Köln"}"#.to_owned(),
        };
        assert_eq!(call.fragments().concat(), call.arguments);
        assert_eq!(call.tokens(), call.deltas(0).len() as u64);
    }
}
