//! Why: what a [`Value`] is on the wire. Parameters are declared with the type they have here, so
//! that PostgreSQL never guesses a narrower one from a literal beside them.

use super::super::StoreFault;
use super::super::sql::{Column, Value};
use bytes::{BufMut, Bytes, BytesMut};
use std::error::Error;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// Why a value does not fit.
type Odd = Box<dyn Error + Sync + Send>;

impl Value {
    /// The type to declare; a null may be anything.
    pub(super) fn declared(&self) -> Type {
        match self {
            Self::Null => Type::UNKNOWN,
            Self::Int(_) => Type::INT8,
            Self::Text(_) => Type::TEXT,
            Self::Bytes(_) => Type::BYTEA,
        }
    }
}

impl ToSql for Value {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Odd> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => value.to_sql(ty, out),
            Self::Text(value) => value.to_sql(ty, out),
            Self::Bytes(value) => value.to_sql(ty, out),
        }
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Odd> {
        match *ty {
            Type::INT8 => i64::from_sql(ty, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(ty, raw).map(|value| Self::Int(value.into())),
            Type::INT2 => i16::from_sql(ty, raw).map(|value| Self::Int(value.into())),
            Type::BOOL => bool::from_sql(ty, raw).map(Self::from),
            Type::NUMERIC => whole(raw)
                .map(Self::Int)
                .ok_or_else(|| "no whole number".into()),
            Type::BYTEA | Type::UUID => Ok(Self::Bytes(raw.to_vec())),
            Type::VOID => Ok(Self::Null),
            _ => String::from_sql(ty, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_ty: &Type) -> Result<Self, Odd> {
        Ok(Self::Null)
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

/// A NUMERIC that is a whole number, as the sum of many BIGINT is: digits to the base of 10,000.
fn whole(raw: &[u8]) -> Option<i64> {
    const NEGATIVE: i16 = 0x4000;
    let mut words = raw.chunks_exact(2).map(|pair| {
        let pair = <[u8; 2]>::try_from(pair).ok()?;
        Some(i16::from_be_bytes(pair))
    });
    let mut word = || words.next().flatten();
    let (count, weight, sign, _scale) = (word()?, word()?, word()?, word()?);
    if sign != 0 && sign != NEGATIVE || count > weight + 1 {
        return None;
    }
    let mut value: i128 = 0;
    for place in 0..=weight {
        let digit = if place < count { word()? } else { 0 };
        value = value.checked_mul(10_000)?.checked_add(digit.into())?;
    }
    let value = if sign == NEGATIVE { -value } else { value };
    i64::try_from(value).ok()
}

impl Column {
    /// Whether a value can stand in it.
    fn holds(self, value: &Value) -> bool {
        matches!(
            (self, value),
            (_, Value::Null)
                | (Self::Int(_), Value::Int(_))
                | (Self::Text(_), Value::Text(_))
                | (Self::Bytes(_), Value::Bytes(_))
        )
    }
}

/// Rows as `COPY … FROM STDIN BINARY` takes them: a head, then for each row the count of its
/// values and each value with its length, then a count of -1 (PostgreSQL, "COPY", Binary Format).
/// In one piece: each message to the server wakes the task that speaks with it.
pub(super) fn copied(columns: &[Column], rows: &[Vec<Value>]) -> Result<Bytes, StoreFault> {
    const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
    /// About what a row of the ledger takes.
    const ROW: usize = 400;
    let width = i16::try_from(columns.len()).map_err(|_| StoreFault::OutOfRange)?;
    let mut out = BytesMut::with_capacity(HEAD.len() + rows.len() * ROW);
    out.put_slice(HEAD);
    for row in rows {
        if row.len() != columns.len() {
            return Err(StoreFault::Unreadable { column: row.len() });
        }
        out.put_i16(width);
        for (at, (column, value)) in columns.iter().zip(row).enumerate() {
            if !column.holds(value) {
                return Err(StoreFault::Unreadable { column: at });
            }
            value.check()?;
            put(&mut out, value)?;
        }
    }
    out.put_i16(-1);
    Ok(out.freeze())
}

fn put(out: &mut BytesMut, value: &Value) -> Result<(), StoreFault> {
    let bytes = match value {
        Value::Null => {
            out.put_i32(-1);
            return Ok(());
        }
        Value::Int(value) => {
            out.put_i32(8);
            out.put_i64(*value);
            return Ok(());
        }
        Value::Text(text) => text.as_bytes(),
        Value::Bytes(bytes) => bytes,
    };
    let length = i32::try_from(bytes.len()).map_err(|_| StoreFault::OutOfRange)?;
    out.put_i32(length);
    out.put_slice(bytes);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(count: i16, weight: i16, sign: u16, digits: &[i16]) -> Vec<u8> {
        let head = [count, weight, sign.cast_signed(), 0];
        let words = head.iter().chain(digits);
        words.flat_map(|word| word.to_be_bytes()).collect()
    }

    #[test]
    fn a_sum_is_a_whole_number_or_nothing() {
        assert_eq!(whole(&numeric(0, 0, 0, &[])), Some(0));
        assert_eq!(whole(&numeric(2, 1, 0, &[12, 3456])), Some(123_456));
        assert_eq!(whole(&numeric(1, 1, 0x4000, &[7])), Some(-70_000));
        let greatest = numeric(5, 4, 0, &[922, 3372, 368, 5477, 5807]);
        assert_eq!(whole(&greatest), Some(i64::MAX));
        let beyond = numeric(5, 4, 0, &[922, 3372, 368, 5477, 5808]);
        assert_eq!(whole(&beyond), None);
        let least = numeric(5, 4, 0x4000, &[922, 3372, 368, 5477, 5808]);
        assert_eq!(whole(&least), Some(i64::MIN));
        let half = numeric(1, -1, 0, &[5000]);
        assert_eq!(whole(&half), None);
        let not_a_number = numeric(0, 0, 0xC000, &[]);
        assert_eq!(whole(&not_a_number), None);
        assert_eq!(whole(&numeric(3, 4, 0, &[1])), None);
        assert_eq!(whole(&[0]), None);
    }
}
