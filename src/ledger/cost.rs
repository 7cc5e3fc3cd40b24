//! Why: one function prices the hold and the settlement alike, in one `i128` expression with one
//! rounding, upwards. What it cannot price it says so; it never answers 0 for unknown.

use alfred_filters::event::Usage;

use super::{Class, Nanos, Price, ServiceTier};

/// Tokens of one request, as the provider counted them. Details are contained in the totals:
/// `input` holds cached, written and audio tokens, `output` holds reasoning and audio tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UsageCounts {
    /// Prompt tokens, all kinds.
    pub input: u64,
    /// Answer tokens, all kinds.
    pub output: u64,
    /// Of `input`: read from the provider's cache.
    pub cached: u64,
    /// Of `input`: written to the provider's cache, however long it keeps them.
    pub cache_write: u64,
    /// Of `cache_write`: kept for an hour.
    pub cache_write_1h: u64,
    /// Of `output`: hidden reasoning.
    pub reasoning: u64,
    /// Of `input`: sound.
    pub audio_in: u64,
    /// Of `output`: sound.
    pub audio_out: u64,
}

impl From<Usage> for UsageCounts {
    fn from(usage: Usage) -> Self {
        Self {
            input: usage.input,
            output: usage.output,
            cached: usage.cached,
            cache_write: usage.cache_write,
            cache_write_1h: usage.cache_write_1h,
            reasoning: usage.reasoning,
            audio_in: usage.audio_in,
            audio_out: usage.audio_out,
        }
    }
}

impl UsageCounts {
    /// The tokens that the provider charges for: those on its bill, where it says that
    /// these are others than went through the model. Nothing of a bill is cheaper for
    /// having been cached.
    pub fn billed(usage: Usage) -> Self {
        let counts = Self::from(usage);
        match usage.billed {
            None => counts,
            Some(billed) => Self {
                input: billed.input,
                output: billed.output,
                reasoning: counts.reasoning.min(billed.output),
                ..Self::default()
            },
        }
    }
}

/// How provider money becomes credits. Both figures in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// What one credit is worth: 1,000,000 is 1 USD. 0 is taken for 1.
    pub credit_usd_ppm: u32,
    /// Factor on the provider's price: 1,000,000 is no mark-up, 1,200,000 is 20 % more.
    pub markup_ppm: u32,
}

impl Default for Charge {
    fn default() -> Self {
        Self {
            credit_usd_ppm: 1_000_000,
            markup_ppm: 1_000_000,
        }
    }
}

/// Why a request has no cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unpriced {
    /// The model's price does not cover tokens that were used.
    #[error("no price for `{}` tokens", .0.name())]
    Unknown(Class),
    /// The sum is larger than an amount can be; the counts are absurd.
    #[error("the cost is out of range")]
    Overflow,
}

/// Pico-USD in a nano-USD.
const PICO_PER_NANO: i128 = 1_000;

/// What a request costs: ceil(sum(tokens x price) x mark-up / (10^3 x credit)).
pub fn cost(
    price: &Price,
    usage: &UsageCounts,
    tier: ServiceTier,
    charge: Charge,
) -> Result<Nanos, Unpriced> {
    let mut sum: i128 = 0;
    for (class, tokens) in usage.by_class() {
        if tokens == 0 {
            continue;
        }
        let per_token = price
            .per_token(class, tier, usage.input)
            .ok_or(Unpriced::Unknown(class))?;
        sum = i128::from(tokens)
            .checked_mul(i128::from(per_token))
            .and_then(|part| sum.checked_add(part))
            .ok_or(Unpriced::Overflow)?;
    }
    let divisor = PICO_PER_NANO * i128::from(charge.credit_usd_ppm.max(1));
    sum.checked_mul(i128::from(charge.markup_ppm))
        .and_then(|scaled| scaled.checked_add(divisor - 1))
        .and_then(|scaled| i64::try_from(scaled / divisor).ok())
        .map(Nanos::new)
        .ok_or(Unpriced::Overflow)
}

impl UsageCounts {
    /// The tokens split so that each is counted once. Details that exceed their total are cut
    /// to it, in this order: cached, written, sound; providers do send such counts.
    fn by_class(&self) -> [(Class, u64); 8] {
        let (cached, rest) = take(self.cached, self.input);
        let (written, rest) = take(self.cache_write.max(self.cache_write_1h), rest);
        let (audio_in, text_in) = take(self.audio_in, rest);
        let (written_1h, written_5m) = take(self.cache_write_1h, written);
        let (audio_out, rest) = take(self.audio_out, self.output);
        let (reasoning, text_out) = take(self.reasoning, rest);
        [
            (Class::Input, text_in),
            (Class::Output, text_out),
            (Class::CacheRead, cached),
            (Class::CacheWrite, written_5m),
            (Class::CacheWrite1h, written_1h),
            (Class::OutputReasoning, reasoning),
            (Class::InputAudio, audio_in),
            (Class::OutputAudio, audio_out),
        ]
    }
}

/// As much of `wanted` as there is, and what remains.
fn take(wanted: u64, available: u64) -> (u64, u64) {
    let taken = wanted.min(available);
    (taken, available - taken)
}
