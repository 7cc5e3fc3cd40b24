//! The placeholders of one request and the values they stand for. The same value
//! gets the same placeholder in every turn and on every replica, since its tag is
//! a keyed hash: nothing has to be stored, and the provider's prompt cache stays
//! warm. Values are wiped from memory when the request is over.

use std::collections::{HashMap, HashSet};
use std::fmt;

use zeroize::Zeroizing;

use super::Kind;
use super::entity::{Entity, normalise};

/// The letters of tags: none of them needs an escape anywhere.
const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The letters of a tag when no other value has the same.
pub(super) const TAG: usize = 5;

/// The most letters of a tag.
pub(super) const LONGEST_TAG: usize = 9;

/// The most tags seen in a request's own text that are remembered.
const MAX_RESERVED: usize = 4096;

struct Entry {
    placeholder: String,
    value: Zeroizing<String>,
}

/// One request's placeholders and values.
pub struct Vault {
    key: Zeroizing<[u8; 32]>,
    entries: Vec<Entry>,
    by_value: HashMap<[u8; 16], usize>,
    /// By `WORD_tag`.
    by_name: HashMap<Box<str>, usize>,
    /// What looks like a placeholder in the request's own text.
    reserved: HashSet<Box<str>>,
    /// Values of the request, which its answer may hold.
    known: HashSet<[u8; 16]>,
    /// Links of the request and the value that follows each.
    links: HashSet<[u8; 16]>,
}

impl Vault {
    /// An empty vault. Placeholders are the same wherever the key is: one key per
    /// team, so that no team can guess another's values.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Vault {
        Vault {
            key: Zeroizing::new(key),
            entries: Vec::new(),
            by_value: HashMap::new(),
            by_name: HashMap::new(),
            reserved: HashSet::new(),
            known: HashSet::new(),
            links: HashSet::new(),
        }
    }

    /// The placeholder of a value, such as `[EMAIL_k7q2f]`; issues it if need be.
    pub fn placeholder(&mut self, kind: Kind, value: &str) -> &str {
        let id = self.mac(b'v', kind, value);
        let place = match self.by_value.get(&id) {
            Some(place) => *place,
            None => self.issue(kind, value, id),
        };
        let entry = self.entries.get(place);
        entry.map_or("", |entry| entry.placeholder.as_str())
    }

    /// Whether no placeholder was issued.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many placeholders were issued.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn issue(&mut self, kind: Kind, value: &str, id: [u8; 16]) -> usize {
        let mut tag = String::new();
        let normal = self.mac(b't', kind, &normal(kind, value));
        push_letters(&mut tag, &normal, TAG);
        let mut length = TAG;
        let mut name = name(kind, &tag);
        // A second spelling of the value, or a tag that is taken: the raw value tells them apart.
        while length < LONGEST_TAG && self.is_taken(&name) {
            length += 2;
            tag.truncate(TAG);
            push_letters(&mut tag, &id, length - TAG);
            name = self::name(kind, &tag);
        }
        let mut round = 0u32;
        while self.is_taken(&name) {
            round += 1;
            tag.clear();
            let again = self.mac(b'r', kind, &format!("{round} {value}"));
            push_letters(&mut tag, &again, LONGEST_TAG);
            name = self::name(kind, &tag);
        }
        let place = self.entries.len();
        self.entries.push(Entry {
            placeholder: format!("[{name}]"),
            value: Zeroizing::new(value.to_owned()),
        });
        self.by_value.insert(id, place);
        self.by_name.insert(name.into(), place);
        place
    }

    fn is_taken(&self, name: &str) -> bool {
        self.by_name.contains_key(name) || self.reserved.contains(name)
    }

    /// The value of a placeholder of this request, by `WORD_tag`.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let entry = self.entries.get(*self.by_name.get(name)?)?;
        Some(&entry.value)
    }

    /// How much it holds of the request's texts.
    pub(super) fn traces(&self) -> usize {
        self.entries.len() + self.reserved.len() + self.known.len()
    }

    /// Keeps a name that the request's own text has from being issued.
    pub(super) fn reserve(&mut self, name: &str) {
        if self.reserved.len() < MAX_RESERVED {
            self.reserved.insert(name.into());
        }
    }

    /// Remembers a value of the request, whatever was done with it.
    pub(super) fn know(&mut self, kind: Kind, value: &str) {
        let id = self.mac(b'k', kind, &normal(kind, value));
        self.known.insert(id);
    }

    /// Whether the request had this value.
    pub(super) fn knows(&self, kind: Kind, value: &str) -> bool {
        !self.known.is_empty() && {
            let id = self.mac(b'k', kind, &normal(kind, value));
            self.known.contains(&id)
        }
    }

    /// Remembers that the request had a value behind the beginning of a link.
    pub(super) fn know_link(&mut self, link: &str, value: &str) {
        let id = self.mac(b'u', Kind::Secret, &format!("{link} {value}"));
        self.links.insert(id);
    }

    /// Whether the request had this value behind this beginning of a link.
    pub(super) fn knows_link(&self, link: &str, value: &str) -> bool {
        !self.links.is_empty() && {
            let id = self.mac(b'u', Kind::Secret, &format!("{link} {value}"));
            self.links.contains(&id)
        }
    }

    /// The hash of a value in reports.
    #[must_use]
    pub fn hash(&self, kind: Kind, value: &str) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.mac(b'h', kind, &normal(kind, value));
        [a, b, c, d, e, f, g, h]
    }

    /// The letters that stand for a value that is hashed.
    pub(super) fn letters(&self, kind: Kind, value: &str) -> String {
        let mut out = String::new();
        push_letters(&mut out, &self.mac(b'l', kind, &normal(kind, value)), 12);
        out
    }

    fn mac(&self, domain: u8, kind: Kind, value: &str) -> [u8; 16] {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&[domain]).update(word(kind).as_bytes());
        hasher.update(&[0]).update(value.as_bytes());
        let mut out = [0; 16];
        hasher.finalize_xof().fill(&mut out);
        out
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("issued", &self.entries.len())
            .finish_non_exhaustive()
    }
}

fn normal(kind: Kind, value: &str) -> std::borrow::Cow<'_, str> {
    match kind {
        Kind::Pii(entity) => normalise(entity, value),
        _ => value.into(),
    }
}

fn name(kind: Kind, tag: &str) -> String {
    format!("{}_{tag}", word(kind))
}

/// The word of a kind's placeholders.
pub(super) fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Secret => "SECRET",
        Kind::Pii(entity) => entity.word(),
        Kind::Injection => "INJECTION",
        Kind::Exfiltration => "LINK",
        Kind::Canary => "CANARY",
        Kind::Own(_) => "TERM",
    }
}

/// Every word that placeholders have.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    let entities = Entity::ALL.iter().map(|entity| entity.word());
    ["SECRET", "INJECTION", "LINK", "CANARY", "TERM"]
        .into_iter()
        .chain(entities)
}

/// Appends letters of five bits each.
fn push_letters(out: &mut String, bytes: &[u8; 16], count: usize) {
    let mut bits = u128::from_be_bytes(*bytes);
    for _ in 0..count {
        let letter = ALPHABET.get((bits >> 123) as usize);
        out.extend(letter.map(|letter| char::from(*letter)));
        bits <<= 5;
    }
}
