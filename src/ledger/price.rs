//! Why: what a model charges per token depends on the kind of token, the service tier and the
//! length of the prompt. All three are settled when a price is read, so that costing a request
//! is one sum.

pub use alfred_filters::event::ServiceTier;
use serde_json::Value;

/// Kinds of tokens with a price of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// Prompt tokens that are none of the below.
    Input,
    /// Answer tokens that are none of the below.
    Output,
    /// Prompt tokens read from the provider's cache.
    CacheRead,
    /// Prompt tokens written to the provider's cache for five minutes.
    CacheWrite,
    /// Prompt tokens written to the provider's cache for an hour.
    CacheWrite1h,
    /// Answer tokens of hidden reasoning.
    OutputReasoning,
    /// Prompt tokens of sound.
    InputAudio,
    /// Answer tokens of sound.
    OutputAudio,
}

impl Class {
    const COUNT: usize = 8;
    const ALL: [(Self, &'static str); Self::COUNT] = [
        (Self::Input, "in"),
        (Self::Output, "out"),
        (Self::CacheRead, "cache_read"),
        (Self::CacheWrite, "cache_write"),
        (Self::CacheWrite1h, "cache_write_1h"),
        (Self::OutputReasoning, "out_reasoning"),
        (Self::InputAudio, "in_audio"),
        (Self::OutputAudio, "out_audio"),
    ];

    /// The name in the price table and in the configuration: `in`, `cache_write_1h`, …
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(class, _)| *class == self)
            .map_or("", |(_, name)| name)
    }

    /// What is charged where a price table names no price for this kind.
    fn fallback(self) -> Option<Self> {
        match self {
            Self::Input | Self::Output => None,
            Self::CacheWrite1h => Some(Self::CacheWrite),
            Self::CacheRead | Self::CacheWrite | Self::InputAudio => Some(Self::Input),
            Self::OutputReasoning | Self::OutputAudio => Some(Self::Output),
        }
    }
}

/// How many tiers there are.
const TIERS: usize = 4;
/// The tiers with prices of their own, and what their names in the price table end with.
const PAID_APART: [(ServiceTier, &str); 3] = [
    (ServiceTier::Batch, "_batch"),
    (ServiceTier::Flex, "_flex"),
    (ServiceTier::Priority, "_priority"),
];

/// What a model charges, in pico-USD per token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Price {
    base: Rates,
    /// Prices of the whole request once its prompt is longer; shortest first, each complete.
    steps: Vec<(u64, Rates)>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Rates([[Option<u64>; TIERS]; Class::COUNT]);

impl Price {
    /// A price with nothing known. Complete it with [`Price::with`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Free of charge: a model on own hardware, or the mock.
    pub fn free() -> Self {
        Self::new().with(Class::Input, 0).with(Class::Output, 0)
    }

    /// The same with one price set, pico-USD per token, for every service tier.
    #[must_use]
    pub fn with(mut self, class: Class, pico_usd: u64) -> Self {
        self.base.set(class, ServiceTier::Standard, Some(pico_usd));
        self
    }

    /// Price of one token of a prompt of `prompt` tokens, pico-USD. `None` is unknown: the
    /// caller must not take it for 0.
    pub fn per_token(&self, class: Class, tier: ServiceTier, prompt: u64) -> Option<u64> {
        let step = self.steps.iter().rev().find(|(above, _)| prompt > *above);
        let rates = step.map_or(&self.base, |(_, rates)| rates);
        let mut class = class;
        loop {
            let found = rates
                .get(class, tier)
                .or_else(|| rates.get(class, ServiceTier::Standard));
            if found.is_some() {
                return found;
            }
            class = class.fallback()?;
        }
    }

    /// Reads one entry of the price table (`conf/prices.json`): an object of integers. Unknown
    /// members are left alone. `None` when it is no such object.
    pub(super) fn from_json(text: &str) -> Option<Self> {
        let entry: Value = serde_json::from_str(text).ok()?;
        let base = Rates::default().overlaid(&entry);
        let mut steps: Vec<_> = entry
            .get("tiers")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|step| Some((step.get("above")?.as_u64()?, step)))
            .collect();
        steps.sort_by_key(|(above, _)| *above);
        let mut below = base;
        let steps = steps
            .into_iter()
            .map(|(above, step)| {
                below = below.overlaid(step);
                (above, below)
            })
            .collect();
        Some(Self { base, steps })
    }
}

impl Rates {
    fn get(&self, class: Class, tier: ServiceTier) -> Option<u64> {
        self.0
            .get(class as usize)
            .and_then(|row| row.get(tier as usize))
            .copied()
            .flatten()
    }

    fn set(&mut self, class: Class, tier: ServiceTier, price: Option<u64>) {
        let cell = self
            .0
            .get_mut(class as usize)
            .and_then(|row| row.get_mut(tier as usize));
        if let Some(cell) = cell {
            *cell = price;
        }
    }

    /// These rates with those of `entry` on top.
    fn overlaid(mut self, entry: &Value) -> Self {
        let priced = |name: &str| entry.get(name).and_then(Value::as_u64);
        for (class, name) in Class::ALL {
            let plain = priced(name);
            for (tier, suffix) in PAID_APART {
                let own = priced(&format!("{name}{suffix}"));
                // A long-context step that names only the plain price: never charge a tier
                // less than the step does, nor less than the tier did before.
                let dearer = || self.get(class, tier).map(|old| old.max(plain.unwrap_or(0)));
                self.set(class, tier, own.or_else(dearer));
            }
            if plain.is_some() {
                self.set(class, ServiceTier::Standard, plain);
            }
        }
        self.follow_output(&priced);
        self
    }

    /// Reasoning is priced apart in the ordinary service only, and not in every step; where it
    /// is not, it follows the price of the answer rather than an older, lower one.
    fn follow_output(&mut self, priced: &dyn Fn(&str) -> Option<u64>) {
        let is_named = priced(Class::OutputReasoning.name()).is_some();
        if !is_named && priced(Class::Output.name()).is_some() {
            self.set(Class::OutputReasoning, ServiceTier::Standard, None);
        }
        for (tier, _) in PAID_APART {
            self.set(Class::OutputReasoning, tier, self.get(Class::Output, tier));
        }
    }
}
