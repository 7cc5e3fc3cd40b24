//! Why: what a column holds becomes a word, a sum or a list in one way everywhere.

use super::super::sql::Row;
use super::super::{OwnerType, StoreFault};
use crate::money::Nanos;
use uuid::Uuid;

/// A word that must be known.
pub(super) fn word<T>(row: &Row, at: usize, read: fn(&str) -> Option<T>) -> Result<T, StoreFault> {
    read(row.text(at)?).ok_or(StoreFault::Unreadable { column: at })
}

/// A text.
pub(super) fn text(row: &Row, at: usize) -> Result<String, StoreFault> {
    row.text(at).map(str::to_owned)
}

/// A text or nothing.
pub(super) fn text_or_null(row: &Row, at: usize) -> Result<Option<String>, StoreFault> {
    Ok(row.text_or_null(at)?.map(str::to_owned))
}

/// A sum.
pub(super) fn nanos(row: &Row, at: usize) -> Result<Nanos, StoreFault> {
    row.int(at).map(Nanos::new)
}

/// A sum or nothing.
pub(super) fn nanos_or_null(row: &Row, at: usize) -> Result<Option<Nanos>, StoreFault> {
    Ok(row.int_or_null(at)?.map(Nanos::new))
}

/// A small number.
pub(super) fn small<T: TryFrom<i64>>(row: &Row, at: usize) -> Result<T, StoreFault> {
    T::try_from(row.int(at)?).map_err(|_| StoreFault::Unreadable { column: at })
}

/// A small number or nothing.
pub(super) fn small_or_null<T: TryFrom<i64>>(
    row: &Row,
    at: usize,
) -> Result<Option<T>, StoreFault> {
    let value = row.int_or_null(at)?.map(T::try_from).transpose();
    value.map_err(|_| StoreFault::Unreadable { column: at })
}

/// A UUID.
pub(super) fn uuid(row: &Row, at: usize) -> Result<Uuid, StoreFault> {
    row.bytes(at).map(Uuid::from_bytes)
}

/// Who pays first, as [`super::check::funding`] writes it.
pub(super) fn funding(row: &Row, at: usize) -> Result<Option<Vec<OwnerType>>, StoreFault> {
    let Some(text) = row.text_or_null(at)? else {
        return Ok(None);
    };
    let order: Option<Vec<OwnerType>> = text.split(',').map(OwnerType::read).collect();
    let order = order.ok_or(StoreFault::Unreadable { column: at })?;
    Ok(Some(order))
}

/// A list kept as JSON.
pub(super) fn list(row: &Row, at: usize) -> Result<Option<Vec<String>>, StoreFault> {
    let list = row.text_or_null(at)?.map(serde_json::from_str).transpose();
    list.map_err(|_| StoreFault::Unreadable { column: at })
}
