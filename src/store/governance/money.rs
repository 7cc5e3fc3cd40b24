//! Why: money moves by lines of the ledger only. Here people's acts become such lines.

use super::super::StoreFault;
use super::super::sql::Sql;
use super::change::{Change, Cx};
use super::{Adjustment, Forgiveness, Movement, Transfer};
use crate::money::Nanos;

pub(super) fn credit(_: &mut dyn Sql, _: &Cx<'_>, _: &Movement) -> Result<Change, StoreFault> {
    Err(StoreFault::Missing)
}
pub(super) fn debit(_: &mut dyn Sql, _: &Cx<'_>, _: &Movement) -> Result<Change, StoreFault> {
    Err(StoreFault::Missing)
}
pub(super) fn transfer(_: &mut dyn Sql, _: &Cx<'_>, _: &Transfer) -> Result<Change, StoreFault> {
    Err(StoreFault::Missing)
}
pub(super) fn adjust(_: &mut dyn Sql, _: &Cx<'_>, _: &Adjustment) -> Result<Change, StoreFault> {
    Err(StoreFault::Missing)
}
pub(super) fn forgive(_: &mut dyn Sql, _: &Cx<'_>, _: &Forgiveness) -> Result<Change, StoreFault> {
    Err(StoreFault::Missing)
}
pub(super) fn start(_: &mut dyn Sql, _: &Cx<'_>, _: i64, _: Nanos) -> Result<(), StoreFault> {
    Ok(())
}
pub(super) fn take_back(_: &mut dyn Sql, _: &Cx<'_>, _: i64, _: Nanos) -> Result<(), StoreFault> {
    Ok(())
}
