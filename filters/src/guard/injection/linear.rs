//! The linear model: a sum of small weights of the features that stand in a
//! text. It needs no allocation and no floating point per feature, and its table
//! is part of the binary.

use std::borrow::Cow;

use super::bits::Bits;
use super::features::{Sink, WEIGHTS, visit};
use super::rules::{Hit, Matcher, Rules};
use super::{Level, Trust};

/// How many numbers stand before the weights in a table.
const NUMBERS: usize = 6;

/// The length of a table, in bytes.
pub const TABLE: usize = NUMBERS * 4 + WEIGHTS;

/// What is compared with the margin of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// From here on a user's text is worth a line in the log.
    pub user_log: f32,
    /// The same for tool results and documents.
    pub tool_log: f32,
    /// From here on a user's text may be refused.
    pub user_block: f32,
    /// The same for tool results and documents.
    pub tool_block: f32,
}

impl Thresholds {
    /// What a margin means.
    #[must_use]
    pub fn level(self, margin: f32, trust: Trust) -> Level {
        let (log, block) = match trust {
            Trust::System => return Level::None,
            Trust::User => (self.user_log, self.user_block),
            Trust::Tool => (self.tool_log, self.tool_block),
        };
        if margin >= block {
            Level::Block
        } else if margin >= log {
            Level::Log
        } else {
            Level::None
        }
    }
}

/// Weights and thresholds.
#[derive(Clone, Debug)]
pub struct Linear {
    bias: f32,
    scale: f32,
    /// What the margin is compared with.
    pub thresholds: Thresholds,
    table: Cow<'static, [u8]>,
}

impl Linear {
    /// Reads a table; `None` when it has another length than [`TABLE`].
    #[must_use]
    pub fn read(table: Cow<'static, [u8]>) -> Option<Linear> {
        if table.len() != TABLE {
            return None;
        }
        let mut numbers = table
            .chunks_exact(4)
            .filter_map(|four| four.try_into().ok())
            .map(f32::from_le_bytes);
        Some(Linear {
            bias: numbers.next()?,
            scale: numbers.next()?,
            thresholds: Thresholds {
                user_log: numbers.next()?,
                tool_log: numbers.next()?,
                user_block: numbers.next()?,
                tool_block: numbers.next()?,
            },
            table,
        })
    }

    /// Writes a table that [`Linear::read`] reads. `weights` are rounded to steps
    /// of a 127th of the largest; at most [`WEIGHTS`] of them count.
    #[must_use]
    pub fn write(bias: f32, weights: &[f32], thresholds: Thresholds) -> Vec<u8> {
        // Few weights are far larger than the rest; clipping them keeps the steps fine.
        let mut sizes: Vec<f32> = weights.iter().map(|weight| weight.abs()).collect();
        sizes.sort_by(f32::total_cmp);
        let at = sizes.len().saturating_sub(sizes.len() / 4096 + 1);
        let scale = sizes.get(at).copied().unwrap_or(0.0).max(1e-6) / 127.0;
        let Thresholds {
            user_log,
            tool_log,
            user_block,
            tool_block,
        } = thresholds;
        let mut table = Vec::with_capacity(TABLE);
        for number in [bias, scale, user_log, tool_log, user_block, tool_block] {
            table.extend_from_slice(&number.to_le_bytes());
        }
        table.extend(weights.iter().take(WEIGHTS).map(|weight| {
            let step = (weight / scale).round().clamp(-127.0, 127.0) as i8;
            step.to_le_bytes()[0]
        }));
        table.resize(TABLE, 0);
        table
    }

    /// The log-odds that a text attacks, and the rule that it meets.
    pub(super) fn look<'a>(
        &self,
        rules: &Rules,
        pieces: impl Iterator<Item = &'a str>,
    ) -> (f32, Option<Hit>) {
        let mut seen = Seen {
            weights: self.weights(),
            seen: Bits::new(),
            sum: 0,
            words: Words::new(),
            matcher: Matcher::new(rules),
        };
        for piece in pieces {
            visit(piece, &mut seen);
            seen.matcher.literals(piece);
        }
        (self.margin(Sum::unpacked(seen.sum)), seen.matcher.hit())
    }

    /// One byte for each feature.
    pub(super) fn weights(&self) -> &[u8] {
        self.table.get(NUMBERS * 4..).unwrap_or_default()
    }

    /// The log-odds that a sum means.
    pub(super) fn margin(&self, sum: Sum) -> f32 {
        let norm = (sum.count.max(1) as f32).sqrt();
        self.bias + self.scale * sum.total as f32 / norm
    }
}

/// A sum over the different features of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sum {
    /// Of their weights.
    pub(super) total: i32,
    /// How many they are.
    pub(super) count: u32,
}

impl Sum {
    /// What a sum of [`packed`] weights says.
    pub(super) fn unpacked(sum: i64) -> Sum {
        let count = (sum + ONE / 2) >> 32;
        Sum {
            total: (sum - (count << 32)) as i32,
            count: count as u32,
        }
    }
}

/// A feature counts as one in the upper half of a packed sum, with its weight in the lower.
const ONE: i64 = 1 << 32;

/// What a feature adds to a packed sum.
#[inline(always)]
pub(super) fn packed(weights: &[u8], feature: u32) -> i64 {
    let weight = weights.get(feature as usize).copied().unwrap_or(0);
    ONE + i64::from(i8::from_le_bytes([weight]))
}

/// What was seen of a text.
struct Seen<'a> {
    weights: &'a [u8],
    seen: Bits<{ WEIGHTS / 64 }>,
    /// Packed.
    sum: i64,
    words: Words,
    matcher: Matcher<'a>,
}

/// Words of a text that were seen lately, by their hashes: each has one place, from which
/// another may drive it out.
struct Words([u32; WORDS]);

/// How many words are remembered; a power of two.
const WORDS: usize = 512;

impl Words {
    /// Remembers none: no hash stands where it belongs.
    fn new() -> Words {
        Words(std::array::from_fn(|place| !place as u32))
    }

    /// Whether a word is not among them; it is from now on.
    #[inline]
    fn is_new(&mut self, hash: u32) -> bool {
        let slot = self.0.get_mut(hash as usize % WORDS);
        slot.is_none_or(|slot| std::mem::replace(slot, hash) != hash)
    }
}

impl Sink for Seen<'_> {
    #[inline]
    fn wants(&mut self, hash: u32) -> bool {
        self.words.is_new(hash)
    }

    fn word(&mut self, hash: u32) {
        self.matcher.word(hash);
    }

    fn feature(&mut self, index: u32) {
        if self.seen.insert(index as usize) {
            self.sum += packed(self.weights, index);
        }
    }
}
