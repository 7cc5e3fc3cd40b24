//! Why: what the common SQL means to PostgreSQL. Statements are prepared once per connection,
//! many rows travel in one statement, and values take the type that the server asks for.

use std::error::Error;

use bytes::{BufMut as _, BytesMut};
use deadpool_postgres::Object;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::super::StoreFault;
use super::super::sql::{Column, Row, Sql, Value};
use super::Postgres;

/// An open transaction.
pub(super) struct Session<'a> {
    engine: &'a Postgres,
    connection: &'a Object,
    has_failed: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(engine: &'a Postgres, connection: &'a Object) -> Self {
        Self {
            engine,
            connection,
            has_failed: false,
        }
    }

    /// The server has ended the transaction because a statement failed.
    pub(super) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Waits until nobody else holds this lock; it ends with the transaction.
    pub(super) fn lock(&mut self, lock: i64) -> Result<(), StoreFault> {
        let sql = "SELECT 1::bigint FROM pg_advisory_xact_lock($1)";
        self.query(sql, &[Value::Int(lock)]).map(drop)
    }

    fn noted<T>(&mut self, answer: Result<T, StoreFault>) -> Result<T, StoreFault> {
        self.has_failed |= answer.is_err();
        answer
    }

    fn run(&self, sql: &str, params: &[&(dyn ToSql + Sync)]) -> Result<u64, StoreFault> {
        self.engine.wait(async {
            let statement = self.connection.prepare_cached(sql).await?;
            self.connection.execute(&statement, params).await
        })
    }
}

fn borrowed(params: &[Value]) -> Result<Vec<&(dyn ToSql + Sync)>, StoreFault> {
    let param = |value: &'_ Value| value.check();
    params.iter().try_for_each(param)?;
    Ok(params
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect())
}

impl Sql for Session<'_> {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreFault> {
        let answer = borrowed(params).and_then(|params| self.run(sql, &params));
        self.noted(answer)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreFault> {
        let answer = borrowed(params).and_then(|params| {
            self.engine.wait(async {
                let statement = self.connection.prepare_cached(sql).await?;
                self.connection.query(&statement, &params).await
            })
        });
        let answer = answer.and_then(|rows| rows.iter().map(read).collect());
        self.noted(answer)
    }

    fn insert_many(
        &mut self,
        table: &'static str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> Result<(), StoreFault> {
        if rows.is_empty() {
            return Ok(());
        }
        let sql = insertion(table, columns);
        let lists = columns.iter().enumerate().map(|(at, _)| List {
            values: rows.iter().map(|row| row.get(at)).collect(),
        });
        let lists: Vec<List<'_>> = lists.collect();
        let params: Vec<&(dyn ToSql + Sync)> = lists
            .iter()
            .map(|list| list as &(dyn ToSql + Sync))
            .collect();
        let checked = rows.iter().flatten().try_for_each(Value::check);
        let answer = checked.and_then(|()| self.run(&sql, &params)).map(drop);
        self.noted(answer)
    }

    fn locks_rows(&self) -> bool {
        true
    }

    fn notify(&mut self, message: &str) -> Result<(), StoreFault> {
        let sql = "SELECT 1::bigint FROM pg_notify('alfred', $1)";
        self.query(sql, &[Value::from(message)]).map(drop)
    }
}

/// One statement for any number of rows: each column is one array.
fn insertion(table: &str, columns: &[Column]) -> String {
    let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
    let arrays = columns.iter().enumerate().map(|(at, column)| {
        let kind = match column {
            Column::Int(_) => "bigint",
            Column::Text(_) => "text",
            Column::Bytes(_) => "bytea",
        };
        format!("${}::{kind}[]", at + 1)
    });
    let arrays: Vec<_> = arrays.collect();
    format!(
        "INSERT INTO {table} ({}) SELECT * FROM unnest({})",
        names.join(", "),
        arrays.join(", ")
    )
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) => match *ty {
                Type::INT4 => i32::try_from(*value)?.to_sql(ty, out),
                Type::INT2 => i16::try_from(*value)?.to_sql(ty, out),
                Type::BOOL => (*value != 0).to_sql(ty, out),
                _ => value.to_sql(&Type::INT8, out),
            },
            Self::Text(value) => value.as_str().to_sql(ty, out),
            Self::Bytes(value) => {
                out.put_slice(value);
                Ok(IsNull::No)
            }
        }
    }

    /// Which value fits which column is for the server to say.
    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// One column of many rows.
#[derive(Debug)]
struct List<'a> {
    values: Vec<Option<&'a Value>>,
}

impl ToSql for List<'_> {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let values = self.values.iter();
        let values: Vec<&Value> = values.map(|value| value.unwrap_or(&Value::Null)).collect();
        values.as_slice().to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(ty.kind(), tokio_postgres::types::Kind::Array(_))
    }

    to_sql_checked!();
}

fn read(row: &tokio_postgres::Row) -> Result<Row, StoreFault> {
    let value = |at: usize| match row.try_get::<_, Cell>(at) {
        Ok(Cell(value)) => Ok(value),
        Err(_) => Err(StoreFault::Unreadable { column: at }),
    };
    (0..row.len()).map(value).collect::<Result<_, _>>().map(Row)
}

/// Any column of an answer.
struct Cell(Value);

impl<'a> FromSql<'a> for Cell {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i64::from(i32::from_sql(ty, raw)?)),
            Type::INT2 => Value::Int(i64::from(i16::from_sql(ty, raw)?)),
            Type::BOOL => Value::from(bool::from_sql(ty, raw)?),
            Type::NUMERIC => Value::Int(whole(raw).ok_or("no whole number of 64 bits")?),
            Type::BYTEA => Value::Bytes(raw.to_vec()),
            _ => Value::Text(std::str::from_utf8(raw)?.to_owned()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Value::Null))
    }

    fn accepts(ty: &Type) -> bool {
        [
            Type::INT8,
            Type::INT4,
            Type::INT2,
            Type::BOOL,
            Type::NUMERIC,
            Type::BYTEA,
            Type::TEXT,
            Type::VARCHAR,
            Type::NAME,
            Type::BPCHAR,
        ]
        .contains(ty)
    }
}

/// A numeric without fraction, which sums of integers are: digits to the base 10,000, after
/// count, weight, sign and scale (`numeric_send` of the server).
fn whole(raw: &[u8]) -> Option<i64> {
    let word = |at: usize| Some(i16::from_be_bytes([*raw.get(at)?, *raw.get(at + 1)?]));
    let (count, weight, sign, scale) = (word(0)?, word(2)?, word(4)?, word(6)?);
    if scale != 0 {
        return None;
    }
    let mut sum: i128 = 0;
    for at in 0..=weight.max(-1) {
        let digit = if at < count {
            word(8 + usize::try_from(at).ok()? * 2)?
        } else {
            0
        };
        sum = sum.checked_mul(10_000)?.checked_add(i128::from(digit))?;
    }
    i64::try_from(if sign == 0 { sum } else { -sum }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_read_digit_by_digit() {
        let numeric = |words: &[i16]| -> Vec<u8> {
            words.iter().flat_map(|word| word.to_be_bytes()).collect()
        };
        assert_eq!(whole(&numeric(&[0, 0, 0, 0])), Some(0));
        assert_eq!(whole(&numeric(&[1, 0, 0, 0, 42])), Some(42));
        assert_eq!(whole(&numeric(&[1, 1, 0, 0, 7])), Some(70_000));
        assert_eq!(whole(&numeric(&[2, 1, 0x4000, 0, 1, 2])), Some(-10_002));
        assert_eq!(whole(&numeric(&[1, 0, 0, 2, 42])), None);
        assert_eq!(whole(&[]), None);
    }

    #[test]
    fn many_rows_are_one_statement() {
        let columns = [Column::Int("a"), Column::Text("b"), Column::Bytes("c")];
        assert_eq!(
            insertion("t", &columns),
            "INSERT INTO t (a, b, c) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])"
        );
    }
}
