//! Why: two databases, one text of SQL. This is the little that both must do for the use cases
//! of this room: run a statement with parameters, answer rows, insert many rows at once.
//!
//! Statements are written for both: placeholders `$1`, `$2`, …; integers and flags as 64 bits,
//! times in Unix milliseconds, UUIDs and hashes as bytes, JSON as text.

use super::StoreFault;

/// What a column holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Null,
    /// An integer, a flag or a time.
    Int(i64),
    /// A text.
    Text(String),
    /// A UUID or a hash.
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&String> for Value {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Value {
    /// PostgreSQL holds no text with a NUL character, so no store does.
    pub(super) fn check(&self) -> Result<(), StoreFault> {
        match self {
            Self::Text(text) if text.contains('\0') => {
                Err(StoreFault::Refused("a text holds a NUL character"))
            }
            _ => Ok(()),
        }
    }
}

/// The kind of a column, for [`Sql::insert_many`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// [`Value::Int`] or null.
    Int(&'static str),
    /// [`Value::Text`] or null.
    Text(&'static str),
    /// [`Value::Bytes`] or null.
    Bytes(&'static str),
}

impl Column {
    /// Its name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Int(name) | Self::Text(name) | Self::Bytes(name) => name,
        }
    }
}

/// One row of an answer. Columns are counted from 0; what is not what was expected is
/// [`StoreFault::Unreadable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row(pub(super) Vec<Value>);

impl Row {
    fn odd(at: usize) -> StoreFault {
        StoreFault::Unreadable { column: at }
    }

    /// The integer in a column.
    pub(super) fn int(&self, at: usize) -> Result<i64, StoreFault> {
        self.int_or_null(at)?.ok_or_else(|| Self::odd(at))
    }

    /// The integer in a column that may be null.
    pub(super) fn int_or_null(&self, at: usize) -> Result<Option<i64>, StoreFault> {
        match self.0.get(at) {
            Some(Value::Null) => Ok(None),
            Some(Value::Int(value)) => Ok(Some(*value)),
            _ => Err(Self::odd(at)),
        }
    }

    /// The flag in a column.
    pub(super) fn flag(&self, at: usize) -> Result<bool, StoreFault> {
        self.int(at).map(|value| value != 0)
    }

    /// The text in a column.
    pub(super) fn text(&self, at: usize) -> Result<&str, StoreFault> {
        self.text_or_null(at)?.ok_or_else(|| Self::odd(at))
    }

    /// The text in a column that may be null.
    pub(super) fn text_or_null(&self, at: usize) -> Result<Option<&str>, StoreFault> {
        match self.0.get(at) {
            Some(Value::Null) => Ok(None),
            Some(Value::Text(value)) => Ok(Some(value)),
            _ => Err(Self::odd(at)),
        }
    }

    /// The bytes in a column, of exactly this number.
    pub(super) fn bytes<const N: usize>(&self, at: usize) -> Result<[u8; N], StoreFault> {
        self.bytes_or_null(at)?.ok_or_else(|| Self::odd(at))
    }

    /// The bytes in a column that may be null.
    pub(super) fn bytes_or_null<const N: usize>(
        &self,
        at: usize,
    ) -> Result<Option<[u8; N]>, StoreFault> {
        match self.0.get(at) {
            Some(Value::Null) => Ok(None),
            Some(Value::Bytes(value)) => <[u8; N]>::try_from(value.as_slice())
                .map(Some)
                .map_err(|_| Self::odd(at)),
            _ => Err(Self::odd(at)),
        }
    }
}

/// An open transaction of either database.
pub(super) trait Sql {
    /// Runs a statement and answers how many rows it changed.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreFault>;

    /// Runs a statement and answers its rows.
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreFault>;

    /// Inserts rows, all in one round trip where the database is not in this process.
    fn insert_many(
        &mut self,
        table: &'static str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> Result<(), StoreFault>;

    /// Whether rows must be locked by `FOR UPDATE`. SQLite locks the whole database.
    fn locks_rows(&self) -> bool;

    /// `FOR UPDATE` where rows must be locked.
    fn for_update(&self) -> &'static str {
        if self.locks_rows() { " FOR UPDATE" } else { "" }
    }

    /// Tells every process that listens; where there is only one, nobody.
    fn notify(&mut self, message: &str) -> Result<(), StoreFault>;

    /// The first row of an answer.
    fn first(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreFault> {
        Ok(self.query(sql, params)?.into_iter().next())
    }

    /// The only row of an answer that must have one.
    fn one(&mut self, sql: &str, params: &[Value]) -> Result<Row, StoreFault> {
        self.first(sql, params)?.ok_or(StoreFault::Missing)
    }
}

/// How a unit of work treats others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// It only reads, perhaps from a replica that is a little behind.
    Read,
    /// It only reads, and must see all that was committed before it began.
    ReadLatest,
    /// It changes money that is locked row by row.
    Money,
    /// It changes what people manage: one at a time among all processes, so that the audit chain
    /// has one end.
    Governance,
}

/// A database that runs units of work, each in one transaction: all of it or nothing.
pub(super) trait Engine: Send + Sync + 'static {
    /// Runs `work` and commits what it did if it answers `Ok`. May run it again after a
    /// conflict with another process. Work that goes on after a failed statement is undone
    /// ([`StoreFault::WentOn`]).
    fn run<T>(
        &self,
        kind: Work,
        work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
    ) -> Result<T, StoreFault>;
}

/// A store in a database that speaks SQL. Each use case implements its trait for all engines at
/// once: `impl<E: Engine> Keys for SqlStore<E>`.
#[derive(Debug)]
pub struct SqlStore<E> {
    pub(super) engine: E,
}

impl<E> SqlStore<E> {
    pub(super) fn new(engine: E) -> Self {
        Self { engine }
    }
}

/// Makes the slice of parameters that statements take.
macro_rules! values {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Value::from($value)),*] };
}
pub(super) use values;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_of_the_wrong_kind_is_a_fault_and_no_panic() {
        let row = Row(vec![Value::Int(1), Value::Null, Value::Bytes(vec![1, 2])]);
        assert_eq!(row.int(0).unwrap(), 1);
        assert_eq!(row.int_or_null(1).unwrap(), None);
        assert!(row.text(0).is_err() && row.int(1).is_err() && row.int(9).is_err());
        assert_eq!(row.bytes::<2>(2).unwrap(), [1, 2]);
        assert!(row.bytes::<16>(2).is_err());
    }
}
