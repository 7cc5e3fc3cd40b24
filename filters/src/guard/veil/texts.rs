//! The texts of a stream that are still growing, each behind its screen.

use std::collections::{BTreeMap, BTreeSet};

use crate::guard::screen::{Blocked, Desk, Form, Screen, Task, whole};
use crate::json::{decode, quoted};

use super::walk::{Channel, Sort};

/// Most texts that grow at the same time; an answer with more is not a model's.
const MAX_OPEN: usize = 4096;

/// Which text it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    /// The choice, the block or the item.
    pub(super) choice: u64,
    pub(super) channel: Channel,
    /// The call, or the part.
    pub(super) part: u64,
}

/// Which texts are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    All,
    Choice(u64),
    /// The thoughts of a choice.
    Thoughts(u64),
    /// All channels of a part of an item.
    Part(u64, u64),
    Text(Key),
}

impl End {
    pub(super) fn holds(self, key: Key) -> bool {
        match self {
            End::All => true,
            End::Choice(choice) => key.choice == choice,
            End::Thoughts(choice) => key.choice == choice && key.channel.is_thought(),
            End::Part(choice, part) => (key.choice, key.part) == (choice, part),
            End::Text(text) => text == key,
        }
    }
}

/// One text.
struct Text {
    screen: Screen,
    /// What an event begins with that says more of it.
    head: String,
    /// What reports call it.
    path: String,
}

/// What a text still had to say when it was over.
pub(super) struct Rest {
    pub(super) key: Key,
    pub(super) head: String,
    pub(super) text: String,
}

#[derive(Default)]
pub(super) struct Texts {
    open: BTreeMap<Key, Text>,
    /// The choices whose client does not see the model's own bytes.
    altered: BTreeSet<u64>,
    /// The choices whose thoughts ended when they began to speak.
    spoke: BTreeSet<u64>,
}

impl Texts {
    /// Whether texts may end so. Thoughts do once only when something is said:
    /// were it each time, a model that thinks and speaks by turns could spell
    /// anything in pieces that no scanner sees together.
    pub(super) fn may_end(&mut self, end: End) -> bool {
        match end {
            End::Thoughts(choice) => {
                self.open.keys().any(|key| end.holds(*key)) && self.spoke.insert(choice)
            }
            _ => true,
        }
    }

    /// Takes a piece, given as a JSON string; gives the string that goes on in its
    /// stead, if it is another one. The text is over with it if `over`.
    ///
    /// # Errors
    /// The text must not go on.
    pub(super) fn piece(
        &mut self,
        desk: &mut Desk<'_>,
        (key, over): (Key, bool),
        raw: &str,
        head: impl FnOnce() -> String,
    ) -> Result<Option<String>, Blocked> {
        let piece = decode(raw);
        if piece.is_empty() && !(over && self.open.contains_key(&key)) {
            return Ok(None);
        }
        if self.open.len() > MAX_OPEN {
            return Err(Blocked::default());
        }
        let text = self.open.entry(key).or_insert_with(|| Text {
            screen: Screen::new(key.channel.form(), Task::Answer),
            head: head(),
            path: format!("/{}/{:?}/{}", key.choice, key.channel, key.part),
        });
        desk.report.at(&text.path);
        let mut out = String::with_capacity(piece.len());
        text.screen.push(desk, &piece, &mut out)?;
        if over {
            text.screen.finish(desk, &mut out)?;
            self.open.remove(&key);
        }
        if out == piece {
            return Ok(None);
        }
        self.altered.insert(key.choice);
        Ok(Some(quoted(&out)))
    }

    /// Ends texts; gives what they still have to say.
    ///
    /// # Errors
    /// One of them must not go on.
    pub(super) fn end(&mut self, desk: &mut Desk<'_>, ends: &[End]) -> Result<Vec<Rest>, Blocked> {
        let mut rests = Vec::new();
        if ends.is_empty() || self.open.is_empty() {
            return Ok(rests);
        }
        let keys: Vec<Key> = self.open.keys().copied().collect();
        for key in keys {
            if !ends.iter().any(|end| end.holds(key)) {
                continue;
            }
            let Some(mut text) = self.open.remove(&key) else {
                continue;
            };
            desk.report.at(&text.path);
            let mut out = String::new();
            text.screen.finish(desk, &mut out)?;
            if !out.is_empty() {
                self.altered.insert(key.choice);
                rests.push(Rest {
                    key,
                    head: text.head,
                    text: quoted(&out),
                });
            }
        }
        Ok(rests)
    }

    /// Says that a text of that choice is not what the model said.
    pub(super) fn alter(&mut self, choice: u64) {
        self.altered.insert(choice);
    }

    pub(super) fn is_altered(&self, choice: u64) -> bool {
        self.altered.contains(&choice)
    }
}

/// Screens a leaf by itself; gives the JSON that goes on in its stead, if it is
/// another one.
///
/// # Errors
/// It must not go on.
pub(super) fn alone(desk: &mut Desk<'_>, sort: Sort, raw: &str) -> Result<Option<String>, Blocked> {
    let (form, task) = match sort {
        Sort::Piece(channel) => (channel.form(), Task::Answer),
        Sort::Whole(form, task) => (form, task),
        Sort::Error => (Form::Text, Task::Answer),
        Sort::Raw => return whole(Form::Json, Task::Answer, desk, raw),
        _ => return Ok(None),
    };
    let text = decode(raw);
    if text.is_empty() {
        return Ok(None);
    }
    let changed = whole(form, task, desk, &text)?;
    Ok(changed.map(|text| quoted(&text)))
}
