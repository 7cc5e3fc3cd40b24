//! The words of names that were read last, kept so that a value asks few questions
//! however many stand before it: dense texts must not cost more than others.

use super::context::{Hit, Meaning};

/// The most words that are kept. Words have two bytes or more, so that more cannot end
/// within reach.
const KEPT: usize = 128;

/// Of zeros alone, so that room for many is cleared and not copied.
const NO_HIT: Hit = Hit {
    meaning: Meaning::Vendor {
        list: 0,
        brief: false,
    },
    end: 0,
    length: 0,
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

    /// The last words that end at or behind that place, the last first.
    fn ending_from(&mut self, place: usize) -> impl Iterator<Item = &mut Hit> {
        let (older, newer) = self.hits.split_at_mut(self.count % KEPT);
        let all = older.iter_mut().rev().chain(newer.iter_mut().rev());
        all.take(self.count.min(KEPT))
            .take_while(move |hit| hit.end >= place)
    }

    /// The words from that place on, the last first.
    pub(super) fn since(&self, low: usize) -> impl Iterator<Item = Hit> + '_ {
        let kept = 1..=self.count.min(KEPT);
        let kept = kept.filter_map(move |back| self.hits.get((self.count - back) % KEPT));
        // Words end in rising order, so none before the first that ends too early counts.
        kept.take_while(move |hit| hit.end > low)
            .filter(move |hit| hit.start() >= low)
            .copied()
    }
}

/// The most words that are read ahead.
const AHEAD: usize = 16;

/// Words that were read before the values in front of them were asked for.
#[derive(Debug)]
pub(super) struct Ahead {
    hits: [Hit; AHEAD],
    from: usize,
    to: usize,
}

impl Default for Ahead {
    fn default() -> Self {
        Ahead {
            hits: [NO_HIT; AHEAD],
            from: 0,
            to: 0,
        }
    }
}

impl Ahead {
    /// Whether so many more can be kept.
    pub(super) fn has_room(&self, words: usize) -> bool {
        self.to + words <= AHEAD
    }

    /// Keeps a word behind all others.
    pub(super) fn keep(&mut self, hit: Hit) {
        if let Some(slot) = self.hits.get_mut(self.to) {
            *slot = hit;
            self.to += 1;
        }
    }

    /// The next word that ends at that place or before it.
    pub(super) fn next(&mut self, at: usize) -> Option<Hit> {
        let kept = self.hits.get(self.from..self.to)?;
        let hit = *kept.first().filter(|hit| hit.end <= at)?;
        self.from += 1;
        if self.from == self.to {
            (self.from, self.to) = (0, 0);
        }
        Some(hit)
    }
}

/// All words that were read last, and what they say together.
#[derive(Debug)]
pub(super) struct Words {
    /// Words that say something by themselves, and vendors' names.
    pub(super) plain: Ring,
    pub(super) vendors: Ring,
    /// Where the last bounded vendor's name ends: most values have none before them.
    vendor: usize,
    /// The same of those whose values may be brief.
    brief: usize,
    /// Where the last vendor's name ends that was seen, bounded or not.
    seen: usize,
    /// Behind where the last begins of: bounded words of secrets, words that say by
    /// themselves and not as a hint that a secret follows, those of them that are bounded,
    /// those that say it of a password, bounded words that say that what follows is public.
    bounded: usize,
    secret: usize,
    named: usize,
    password: usize,
    public: usize,
    /// Where other words of secrets begin: a bit for each place from the base on.
    base: usize,
    loose: u128,
}

impl Words {
    pub(super) fn new() -> Words {
        Words {
            plain: Ring::new(),
            vendors: Ring::new(),
            vendor: 0,
            brief: 0,
            seen: 0,
            bounded: 0,
            secret: 0,
            named: 0,
            password: 0,
            public: 0,
            base: 0,
            loose: 0,
        }
    }

    /// Keeps a word; they come in the order of their ends.
    pub(super) fn keep(&mut self, hit: Hit) {
        if let Meaning::Vendor { brief, .. } = hit.meaning {
            self.seen = self.seen.max(hit.end);
            if hit.bounded {
                self.bounded_vendor(hit.end, brief);
            }
            self.vendors.push(hit);
            return;
        }
        self.bound_vendors(hit.start());
        let place = self.place(hit.start());
        let behind = hit.start() + 1;
        match hit.meaning {
            Meaning::Public if hit.bounded => self.public = self.public.max(behind),
            Meaning::Public => {}
            _ if hit.bounded => self.bounded = self.bounded.max(behind),
            _ => self.loose |= place,
        }
        if !matches!(hit.meaning, Meaning::Public | Meaning::Hint) {
            self.secret = self.secret.max(behind);
            if hit.bounded {
                self.named = self.named.max(behind);
            }
            if hit.bounded && hit.meaning == Meaning::Password {
                self.password = self.password.max(behind);
            }
        }
        self.plain.push(hit);
    }

    /// Whether a word that is yet to be kept may say something of a value behind it; see
    /// [`say`](Words::say).
    pub(super) fn tells(&mut self, hit: &Hit, brief: bool) -> bool {
        match hit.meaning {
            Meaning::Password if hit.bounded => true,
            Meaning::Vendor { brief: short, .. } => {
                self.seen = self.seen.max(hit.end);
                hit.bounded && (short || !brief)
            }
            // Any may be what bounds a vendor's name.
            _ if hit.start() <= self.seen => true,
            Meaning::Public | Meaning::Hint => false,
            _ => hit.bounded && !brief,
        }
    }

    /// A vendor's name is bounded too when another word begins where it ends.
    fn bound_vendors(&mut self, end: usize) {
        let (mut any, mut short) = (false, false);
        for hit in self.vendors.ending_from(end).filter(|hit| hit.end == end) {
            hit.bounded = true;
            any = true;
            short |= matches!(hit.meaning, Meaning::Vendor { brief: true, .. });
        }
        if any {
            self.bounded_vendor(end, short);
        }
    }

    /// A bounded vendor's name ends there.
    fn bounded_vendor(&mut self, end: usize, brief: bool) {
        self.vendor = self.vendor.max(end);
        if brief {
            self.brief = self.brief.max(end);
        }
    }

    /// The bit of a place; moves the base so that the last 100 bytes have one.
    fn place(&mut self, at: usize) -> u128 {
        let last = self.base + 127;
        if at > last {
            let moved = at - last;
            let moved_bits = u32::try_from(moved).unwrap_or(u32::MAX);
            self.loose = self.loose.checked_shr(moved_bits).unwrap_or_default();
            self.base += moved;
        }
        match at.checked_sub(self.base) {
            Some(place) => 1 << place,
            None => 0,
        }
    }

    /// Whether a word of secrets begins there that is not bounded.
    fn begins(&self, at: usize) -> bool {
        let place = at.checked_sub(self.base).filter(|place| *place < 128);
        place.is_some_and(|place| self.loose >> place & 1 != 0)
    }

    /// Whether a bounded vendor's name ends behind that place.
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

    /// Whether something may be said of a value behind these words: without a vendor's
    /// name and a bounded word that says by itself that a secret follows no rule holds. A
    /// brief value is too short for anything but a password and some vendors' keys.
    pub(super) fn say(&self, low: usize, brief: bool) -> bool {
        match brief {
            true => self.password > low || self.brief > low,
            false => self.has_vendor(low) || self.named > low,
        }
    }

    /// Whether a word of secrets stands at or after `since`, from `low` on.
    pub(super) fn names_secret(&self, since: usize, low: usize) -> bool {
        self.bounded > since.max(low) || since >= low && self.begins(since)
    }
}
