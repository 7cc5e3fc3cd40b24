//! Identity numbers of countries, a table per part of the world.

mod america;

use super::rules::Rule;

/// Every rule there is.
pub(super) fn all() -> impl Iterator<Item = &'static Rule> {
    [america::RULES].into_iter().flatten()
}
