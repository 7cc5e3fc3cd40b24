//! The words of names that were read last, kept so that a value asks few questions
//! however many stand before it: dense texts must not cost more than others.

use super::context::{Hit, Meaning};

/// The most words that are kept. Words have two bytes or more, so that more cannot end
/// within reach.
const KEPT: usize = 128;

const NO_HIT: Hit = Hit {
    meaning: Meaning::Hint,
    start: 0,
    end: 0,
    bounded: false,
};

/// The last words of some kind.
#[derive(Debug)]
pub(super) struct Ring {
    hits: [Hit; KEPT],
    count: usize,
}

impl Ring {
    pub(super) fn new() -> Ring {
        Ring {
            hits: [NO_HIT; KEPT],
            count: 0,
        }
    }

    fn push(&mut self, hit: Hit) {
        if let Some(slot) = self.hits.get_mut(self.count % KEPT) {
            *slot = hit;
        }
        self.count += 1;
    }

    /// The words from that place on, the last first.
    pub(super) fn since(&self, low: usize) -> impl Iterator<Item = Hit> + '_ {
        let kept = 1..=self.count.min(KEPT);
        let kept = kept.filter_map(move |back| self.hits.get((self.count - back) % KEPT));
        // Words end in rising order, so none before the first that ends too early counts.
        kept.take_while(move |hit| hit.end > low)
            .filter(move |hit| hit.start >= low)
            .copied()
    }
}

/// All words that were read last, and what they say together.
#[derive(Debug)]
pub(super) struct Words {
    /// Words that say something by themselves, and vendors' names.
    pub(super) plain: Ring,
    pub(super) vendors: Ring,
    /// Where the last vendor's name ends: most values have none before them.
    vendor: usize,
    /// Behind where the last begins of: bounded words of secrets, words that say by
    /// themselves and not as a hint that a secret follows, bounded words that say that
    /// what follows is public.
    bounded: usize,
    secret: usize,
    public: usize,
    /// Where other words of secrets begin, and where all words begin that are no
    /// vendors: a bit for each place from the base on.
    base: usize,
    loose: u128,
    all: u128,
}

impl Words {
    pub(super) fn new() -> Words {
        Words {
            plain: Ring::new(),
            vendors: Ring::new(),
            vendor: 0,
            bounded: 0,
            secret: 0,
            public: 0,
            base: 0,
            loose: 0,
            all: 0,
        }
    }

    /// Keeps a word; they come in the order of their ends.
    pub(super) fn keep(&mut self, hit: Hit) {
        if let Meaning::Vendor(_) = hit.meaning {
            self.vendor = hit.end;
            self.vendors.push(hit);
            return;
        }
        let place = self.place(hit.start);
        let behind = hit.start + 1;
        match hit.meaning {
            Meaning::Public if hit.bounded => self.public = self.public.max(behind),
            Meaning::Public => {}
            _ if hit.bounded => self.bounded = self.bounded.max(behind),
            _ => self.loose |= place,
        }
        self.all |= place;
        if !matches!(hit.meaning, Meaning::Public | Meaning::Hint) {
            self.secret = self.secret.max(behind);
        }
        self.plain.push(hit);
    }

    /// The bit of a place; moves the base so that the last 100 bytes have one.
    fn place(&mut self, at: usize) -> u128 {
        let last = self.base + 127;
        if at > last {
            let moved = at - last;
            let moved_bits = u32::try_from(moved).unwrap_or(u32::MAX);
            self.loose = self.loose.checked_shr(moved_bits).unwrap_or_default();
            self.all = self.all.checked_shr(moved_bits).unwrap_or_default();
            self.base += moved;
        }
        match at.checked_sub(self.base) {
            Some(place) => 1 << place,
            None => 0,
        }
    }

    fn begins(&self, words: u128, at: usize) -> bool {
        let place = at.checked_sub(self.base).filter(|place| *place < 128);
        place.is_some_and(|place| words >> place & 1 != 0)
    }

    /// Whether a vendor's name ends behind that place.
    pub(super) fn has_vendor(&self, low: usize) -> bool {
        self.vendor > low
    }

    /// Whether a word says, from that place on, that what follows is public.
    pub(super) fn says_public(&self, low: usize) -> bool {
        self.public > low
    }

    /// Whether a word says so by itself, not as a hint, that a secret follows.
    pub(super) fn says_secret(&self, low: usize) -> bool {
        self.secret > low
    }

    /// Whether a word of secrets stands at or after `since`, from `low` on.
    pub(super) fn names_secret(&self, since: usize, low: usize) -> bool {
        self.bounded > since.max(low) || since >= low && self.begins(self.loose, since)
    }

    /// Whether a word that is no vendor's begins there, from `low` on.
    pub(super) fn follows(&self, at: usize, low: usize) -> bool {
        at >= low && self.begins(self.all, at)
    }
}
