//! A streamed answer, event by event.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use bytes::{Bytes, BytesMut};

use crate::dialect::openai_chat::lens::write;
use crate::guard::screen::{Blocked, Desk, Form, Task, whole};
use crate::prompt::Surface;
use crate::splice;
use crate::sse::{Frame, SseReader};

use super::body::emptied;
use super::mold::Mold;
use super::texts::{End, Texts, alone};
use super::walk::{Leaf, Place, Sort, kind_of, walk};
use super::{Grammar, chat, is_idle, messages, responses};

/// The client's bytes of one streamed answer, on their way. Feed it what was
/// about to be sent, cut anywhere: what the client reads does not depend on the
/// cuts.
pub struct VeilStream {
    reader: SseReader,
    /// None where answers hold no texts.
    speaker: Option<Speaker>,
    blocked: Option<Blocked>,
}

/// Replacements in a payload, in any order.
pub(super) type Edits = Vec<(Range<usize>, String)>;

/// What outlives an event.
struct Speaker {
    grammar: Grammar,
    texts: Texts,
    kinds: responses::Kinds,
    /// What a chunk begins with.
    head: String,
    count: Count,
    mold: Mold,
    /// The leaves of an event and its kind, kept for their room.
    leaves: Vec<Leaf>,
    kind: String,
}

/// The numbers of a Response's events.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    /// The number of the next event.
    next: u64,
    /// How many events were added so far.
    added: u64,
}

/// One event as it came.
#[derive(Clone, Copy)]
struct Said<'a> {
    name: &'a str,
    /// Its `type`, or its name where it has none.
    kind: &'a str,
    text: &'a str,
}

/// Says nothing of what it holds.
impl fmt::Debug for VeilStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VeilStream")
            .field("blocked", &self.blocked)
            .finish_non_exhaustive()
    }
}

impl VeilStream {
    /// A veil for an answer to a request of that surface.
    #[must_use]
    pub fn new(surface: Surface) -> VeilStream {
        VeilStream {
            // The bytes are Alfred's own: whatever is too long was refused before.
            reader: SseReader::new(usize::MAX),
            speaker: Grammar::of(surface).map(Speaker::new),
            blocked: None,
        }
    }

    /// Takes the next bytes and appends those that may go on to `out`. What is
    /// held back is said before the event that ends its text.
    ///
    /// # Errors
    /// A text must not go on. Events before it stand in `out`, nothing of its own
    /// does; later calls append nothing and give the same error.
    pub fn feed(
        &mut self,
        desk: &mut Desk<'_>,
        bytes: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), Blocked> {
        self.check()?;
        let outcome = self.take(desk, bytes, out);
        self.note(outcome)
    }

    /// The answer is over, or was cut off: appends what is still held.
    ///
    /// # Errors
    /// As [`feed`](Self::feed).
    pub fn finish(&mut self, desk: &mut Desk<'_>, out: &mut BytesMut) -> Result<(), Blocked> {
        self.check()?;
        let outcome = self.close(desk, out);
        self.note(outcome)
    }

    /// After a text was blocked: appends the events in `bytes`, whole ones by which
    /// Alfred says that the answer broke off. Of what the answer said nothing is
    /// repeated in them, and they are numbered anew.
    pub fn last_words(&mut self, desk: &mut Desk<'_>, bytes: &[u8], out: &mut BytesMut) {
        let mut reader = SseReader::new(usize::MAX);
        let Some(speaker) = &mut self.speaker else {
            return;
        };
        if reader.feed(Bytes::copy_from_slice(bytes)).is_err() {
            return;
        }
        while let Ok(Some(frame)) = reader.next_frame() {
            if let Frame::Event { name, data } = frame {
                let (name, text) = (text(name), text(data));
                speaker.last(desk, (&name, &text), out);
            }
        }
    }

    fn check(&self) -> Result<(), Blocked> {
        self.blocked.clone().map_or(Ok(()), Err)
    }

    fn note(&mut self, outcome: Result<(), Blocked>) -> Result<(), Blocked> {
        self.blocked = outcome.clone().err();
        outcome
    }

    fn take(
        &mut self,
        desk: &mut Desk<'_>,
        bytes: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), Blocked> {
        let speaker = match &mut self.speaker {
            Some(speaker) if !is_idle(desk) => speaker,
            _ => {
                out.extend_from_slice(bytes);
                return Ok(());
            }
        };
        let too_long = |_| Blocked::default();
        self.reader
            .feed(Bytes::copy_from_slice(bytes))
            .map_err(too_long)?;
        while let Some(frame) = self.reader.next_frame().map_err(too_long)? {
            speaker.frame(desk, frame, out)?;
        }
        Ok(())
    }

    fn close(&mut self, desk: &mut Desk<'_>, out: &mut BytesMut) -> Result<(), Blocked> {
        let Some(speaker) = &mut self.speaker else {
            return Ok(());
        };
        let too_long = |_| Blocked::default();
        if let Some(frame) = self.reader.finish().map_err(too_long)? {
            speaker.frame(desk, frame, out)?;
        }
        speaker.whole(out, |speaker, out| speaker.end(desk, &[End::All], out))
    }
}

impl Speaker {
    fn new(grammar: Grammar) -> Speaker {
        Speaker {
            grammar,
            texts: Texts::default(),
            kinds: responses::Kinds::default(),
            head: String::new(),
            count: Count::default(),
            mold: Mold::default(),
            leaves: Vec::new(),
            kind: String::new(),
        }
    }

    fn frame(
        &mut self,
        desk: &mut Desk<'_>,
        frame: Frame<'_>,
        out: &mut BytesMut,
    ) -> Result<(), Blocked> {
        let (name, data) = match frame {
            Frame::Comment(comment) => {
                out.extend_from_slice(b":");
                out.extend_from_slice(comment);
                out.extend_from_slice(b"\n\n");
                return Ok(());
            }
            Frame::Event { name, data } => (name, data),
            Frame::Stray(line) => (&[][..], line),
        };
        let (name, text) = (text(name), text(data));
        self.whole(out, |speaker, out| speaker.event(desk, (&name, &text), out))
    }

    /// Does something wholly or not at all.
    fn whole(
        &mut self,
        out: &mut BytesMut,
        act: impl FnOnce(&mut Speaker, &mut BytesMut) -> Result<(), Blocked>,
    ) -> Result<(), Blocked> {
        let (length, count) = (out.len(), self.count);
        let outcome = act(self, out);
        if outcome.is_err() {
            out.truncate(length);
            self.count = count;
        }
        outcome
    }

    fn event(
        &mut self,
        desk: &mut Desk<'_>,
        (name, text): (&str, &str),
        out: &mut BytesMut,
    ) -> Result<(), Blocked> {
        if text == "[DONE]" {
            self.end(desk, &[End::All], out)?;
            write(name, &[text], out);
            return Ok(());
        }
        let mut leaves = std::mem::take(&mut self.leaves);
        let mut kind = std::mem::take(&mut self.kind);
        let outcome = if self.read((name, &mut kind), text, &mut leaves) {
            let said = Said {
                name,
                kind: &kind,
                text,
            };
            self.say(desk, said, &leaves, out)
        } else {
            whole(Form::Text, Task::Answer, desk, text).map(|changed| {
                write(name, &[changed.as_deref().unwrap_or(text)], out);
            })
        };
        (self.leaves, self.kind) = (leaves, kind);
        outcome
    }

    /// Finds the kind and the leaves of a payload; whether it is JSON.
    fn read(
        &mut self,
        (name, kind): (&str, &mut String),
        text: &str,
        leaves: &mut Vec<Leaf>,
    ) -> bool {
        kind.clear();
        if let Some(known) = self.mold.fill(name, text, leaves) {
            kind.push_str(known);
            return true;
        }
        if self.grammar != Grammar::Chat {
            kind.push_str(kind_of(text).as_deref().unwrap_or(name));
        }
        let delta = match self.grammar {
            Grammar::Responses => self.kinds.place(kind),
            _ => Place::Any,
        };
        let read = walk(self.grammar, (Place::Root, delta), text, leaves).is_ok();
        if read {
            self.mold.keep((name, kind), text, leaves);
        }
        read
    }

    /// Says an event, after what is held of the texts that end with it.
    fn say(
        &mut self,
        desk: &mut Desk<'_>,
        said: Said<'_>,
        leaves: &[Leaf],
        out: &mut BytesMut,
    ) -> Result<(), Blocked> {
        let text = said.text;
        let mut ends = match self.grammar {
            Grammar::Chat => chat::ends(leaves),
            Grammar::Messages => messages::ends(said.kind, text, leaves),
            Grammar::Responses => self.kinds.ends(said.kind, text),
        };
        ends.retain(|end| self.texts.may_end(*end));
        if self.grammar == Grammar::Chat && self.head.is_empty() {
            let has_choice = leaves.iter().any(|leaf| leaf.sort == Sort::Choice);
            if has_choice {
                self.head = chat::head(text);
            }
        }
        let mut edits = self.edits(desk, text, leaves, &ends)?;
        self.end(desk, &ends, out)?;
        for leaf in leaves {
            match leaf.sort {
                Sort::Logprobs if self.texts.is_altered(leaf.choice()) => {
                    edits.push((leaf.span.clone(), self.grammar.no_logprobs().to_owned()));
                }
                Sort::Sequence(number) => self.number(number, leaf, &mut edits),
                _ => {}
            }
        }
        write(said.name, &parts(&mut edits, text), out);
        Ok(())
    }

    /// Screens the leaves of an event.
    fn edits(
        &mut self,
        desk: &mut Desk<'_>,
        text: &str,
        leaves: &[Leaf],
        ends: &[End],
    ) -> Result<Edits, Blocked> {
        let mut edits = Vec::new();
        for (place, leaf) in leaves.iter().enumerate().filter(|(_, leaf)| leaf.is_text()) {
            let raw = text.get(leaf.span.clone()).unwrap_or_default();
            let changed = if let Sort::Piece(channel) = leaf.sort {
                let key = leaf.key(channel);
                let comes_again = || {
                    let mut later = leaves.iter().skip(place + 1);
                    later.any(|leaf| leaf.sort == Sort::Piece(channel) && leaf.key(channel) == key)
                };
                let over = ends.iter().any(|end| end.holds(key)) && !comes_again();
                let head = || match self.grammar {
                    Grammar::Responses => responses::head(text),
                    _ => String::new(),
                };
                self.texts.piece(desk, (key, over), raw, head)?
            } else {
                desk.report
                    .at(text.get(leaf.name.clone()).unwrap_or_default());
                let changed = alone(desk, leaf.sort, raw)?;
                if changed.is_some() {
                    self.texts.alter(leaf.choice());
                }
                changed
            };
            edits.extend(changed.map(|with| (leaf.span.clone(), with)));
        }
        Ok(edits)
    }

    /// Ends texts, and says what was held of them.
    fn end(
        &mut self,
        desk: &mut Desk<'_>,
        ends: &[End],
        out: &mut BytesMut,
    ) -> Result<(), Blocked> {
        for rest in self.texts.end(desk, ends)? {
            match self.grammar {
                Grammar::Chat => {
                    write("", &[&chat::extra(&self.head, rest.key, &rest.text)], out);
                }
                Grammar::Messages => {
                    let line = messages::extra(rest.key, &rest.text);
                    write("content_block_delta", &[&line], out);
                }
                Grammar::Responses => {
                    let words = (self.count.next, rest.text.as_str());
                    let line = self.kinds.extra(&rest.head, rest.key, words);
                    let name = format!("{}.delta", self.kinds.name(rest.key.channel));
                    write(&name, &[&line], out);
                    self.count.next += 1;
                    self.count.added += 1;
                }
            }
        }
        Ok(())
    }

    /// Numbers an event after those that were added before it.
    fn number(&mut self, number: u64, leaf: &Leaf, edits: &mut Edits) {
        let number = number.saturating_add(self.count.added);
        if self.count.added > 0 {
            edits.push((leaf.span.clone(), number.to_string()));
        }
        self.count.next = number.saturating_add(1);
    }

    /// Says an event of which nothing but an error's words may remain.
    fn last(&mut self, desk: &mut Desk<'_>, (name, text): (&str, &str), out: &mut BytesMut) {
        if text == "[DONE]" {
            return write(name, &[text], out);
        }
        let (mut leaves, mut kind) = (Vec::new(), String::new());
        if !self.read((name, &mut kind), text, &mut leaves) {
            return;
        }
        let mut edits = emptied(desk, text, &leaves);
        for leaf in &leaves {
            if matches!(leaf.sort, Sort::Sequence(_)) {
                edits.push((leaf.span.clone(), self.count.next.to_string()));
                self.count.next += 1;
            }
        }
        write(name, &parts(&mut edits, text), out);
    }
}

/// Bytes as text. Nearly all are text, which is told faster than what else they hold.
fn text(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

/// The text with every replacement made, piece by piece.
fn parts<'a>(edits: &'a mut Edits, text: &'a str) -> Vec<&'a str> {
    edits.sort_by_key(|(span, _)| span.start);
    splice::parts(edits, text)
}

/// The text with every replacement made; `None` if there is none.
pub(super) fn applied(mut edits: Edits, text: &str) -> Option<String> {
    let changes = !edits.is_empty();
    changes.then(|| parts(&mut edits, text).concat())
}
