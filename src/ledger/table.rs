//! Why: prices are facts of third parties that change without notice. The shipped table is the
//! ground, the configuration overrides it, and a model in neither has no price at all.

use super::facts::Facts;
use super::{Price, names};
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// One line per model: prices in pico-USD per token under the names of [`super::Class`], with
/// `_batch`, `_flex`, `_priority` for the service tiers and `tiers` for long prompts. A missing
/// price is unknown, 0 is free. `conf/prices.LICENSE.txt` names the source.
const SHIPPED: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/conf/prices.json"));

/// Kinds of provider that charge nothing: own hardware, and the mock.
const FREE_KINDS: &[&str] = &["ollama", "mock"];

/// Prices by provider and model.
#[derive(Clone, Debug)]
pub struct PriceTable {
    shipped: Arc<HashMap<&'static str, HashMap<String, Entry>>>,
    overrides: HashMap<String, Price>,
    free: Price,
}

/// A line of the table, read when it is first asked for: few of the models are ever used.
#[derive(Debug)]
struct Entry {
    line: &'static str,
    price: OnceLock<Option<Box<Price>>>,
    facts: OnceLock<Box<Facts>>,
}

impl PriceTable {
    /// The table in the binary, indexed once per process.
    pub fn shipped() -> Self {
        static INDEX: OnceLock<Arc<HashMap<&'static str, HashMap<String, Entry>>>> =
            OnceLock::new();
        Self {
            shipped: Arc::clone(INDEX.get_or_init(|| Arc::new(index(SHIPPED)))),
            overrides: HashMap::new(),
            free: Price::free(),
        }
    }

    /// Names the shipped table together with the settings that change it, in hexadecimal: every
    /// transaction tells by which prices it was made.
    pub fn fingerprint(settings: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(SHIPPED.as_bytes());
        hasher.update(settings.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// The same with prices of the configuration on top, by `provider/model` where `provider`
    /// is the configured name; `provider/*` stands for every model of it that is not named. An
    /// override replaces the whole price of its model.
    #[must_use]
    pub fn with_overrides(mut self, overrides: impl IntoIterator<Item = (String, Price)>) -> Self {
        self.overrides.extend(overrides);
        self
    }

    /// What a model charges. `provider` is the configured name, `kind` its kind
    /// (`openai`, `ollama`, …), `model` the provider's name for the model; dates, regions and
    /// prefixes that do not change the price are tolerated. `None`: unknown, never free.
    pub fn price(&self, provider: &str, kind: &str, model: &str) -> Option<&Price> {
        if let Some(price) = self.overridden(provider, model) {
            return Some(price);
        }
        if FREE_KINDS.contains(&kind) {
            return Some(&self.free);
        }
        let models = self.shipped.get(kind)?;
        names::first_match(model, &|name| models.get(name)?.price())
    }

    /// What the shipped table says of a model beside its price; the arguments are those of
    /// [`PriceTable::price`].
    pub fn facts(&self, kind: &str, model: &str) -> Option<&Facts> {
        let models = self.shipped.get(kind)?;
        names::first_match(model, &|name| Some(models.get(name)?.facts()))
    }

    fn overridden(&self, provider: &str, model: &str) -> Option<&Price> {
        if self.overrides.is_empty() {
            return None;
        }
        self.overrides
            .get(&format!("{provider}/{model}"))
            .or_else(|| self.overrides.get(&format!("{provider}/*")))
    }
}

impl Entry {
    fn price(&self) -> Option<&Price> {
        self.price
            .get_or_init(|| Price::from_json(self.line).map(Box::new))
            .as_deref()
    }

    fn facts(&self) -> &Facts {
        self.facts
            .get_or_init(|| Box::new(Facts::from_json(self.line)))
    }
}

/// Cuts the text into providers and models without parsing a single price.
fn index(text: &'static str) -> HashMap<&'static str, HashMap<String, Entry>> {
    let mut providers: HashMap<_, HashMap<String, Entry>> = HashMap::new();
    let mut provider = "";
    for line in text.lines() {
        let Some((name, rest)) = line
            .strip_prefix('"')
            .and_then(|line| line.split_once("\":{"))
        else {
            continue;
        };
        if rest.is_empty() {
            provider = name;
            continue;
        }
        let start = name.len() + "\"\":".len();
        let line = line.get(start..).unwrap_or("").trim_end_matches(',');
        let entry = Entry {
            line,
            price: OnceLock::new(),
            facts: OnceLock::new(),
        };
        providers
            .entry(provider)
            .or_default()
            .insert(name.to_ascii_lowercase(), entry);
    }
    providers
}
