//! Why: a client that chooses a model wants to know what fits into it and what it can do. The
//! shipped price table says so beside the prices.

use serde::Deserialize;

/// What the price table says of a model beside its prices.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Facts {
    /// The context window in tokens.
    #[serde(rename = "ctx")]
    pub context: Option<u64>,
    /// The longest answer in tokens.
    #[serde(rename = "max_out")]
    pub max_output: Option<u64>,
    /// What it can do, in the table's words: `tools`, `vision`, `json_schema`, `reasoning`, …
    #[serde(rename = "can", default)]
    pub capabilities: Vec<String>,
    /// What it is for where that is no conversation: `embedding`, `completion`, `responses`.
    pub mode: Option<String>,
}

impl Facts {
    /// Reads one entry of the price table; what cannot be read is not known.
    pub(super) fn from_json(line: &str) -> Self {
        serde_json::from_str(line).unwrap_or_default()
    }
}
