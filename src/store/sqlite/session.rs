//! Why: what the common SQL means to SQLite: `$1` is a parameter with a name there, and a
//! statement that fails does not end its transaction.

use super::super::StoreFault;
use super::super::sql::{Column, Row, Sql, Value};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Statement, ToSql};

/// An open transaction.
pub(super) struct Session<'a> {
    connection: &'a Connection,
    has_failed: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            has_failed: false,
        }
    }

    /// PostgreSQL ends a transaction with its first failed statement, so nobody may count on
    /// going on here.
    pub(super) fn close(self) -> Result<(), StoreFault> {
        if self.has_failed {
            return Err(StoreFault::WentOn);
        }
        Ok(())
    }

    fn noted<T>(&mut self, answer: Result<T, StoreFault>) -> Result<T, StoreFault> {
        self.has_failed |= answer.is_err();
        answer
    }
}

impl Sql for Session<'_> {
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreFault> {
        let answer = execute(self.connection, sql, params);
        self.noted(answer)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreFault> {
        let answer = query(self.connection, sql, params);
        self.noted(answer)
    }

    fn insert_many(
        &mut self,
        table: &'static str,
        columns: &[Column],
        rows: &[Vec<Value>],
    ) -> Result<(), StoreFault> {
        let answer = insert_many(self.connection, table, columns, rows);
        self.noted(answer)
    }

    fn locks_rows(&self) -> bool {
        false
    }

    fn notify(&mut self, _message: &str) -> Result<(), StoreFault> {
        Ok(())
    }
}

fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<u64, StoreFault> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    Ok(statement.raw_execute()? as u64)
}

fn query(connection: &Connection, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreFault> {
    let mut statement = connection.prepare_cached(sql)?;
    bind(&mut statement, params)?;
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let mut answer = Vec::new();
    while let Some(row) = rows.next()? {
        let values = (0..width).map(|at| read(row.get_ref(at)?, at));
        answer.push(Row(values.collect::<Result<_, _>>()?));
    }
    Ok(answer)
}

fn insert_many(
    connection: &Connection,
    table: &'static str,
    columns: &[Column],
    rows: &[Vec<Value>],
) -> Result<(), StoreFault> {
    let names: Vec<_> = columns.iter().map(|column| column.name()).collect();
    let places: Vec<_> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    let sql = format!(
        "INSERT INTO {table} ({}) VALUES ({})",
        names.join(", "),
        places.join(", ")
    );
    let mut statement = connection.prepare_cached(&sql)?;
    for row in rows {
        if row.len() != columns.len() {
            return Err(StoreFault::Unreadable { column: row.len() });
        }
        // Its parameters stand in the order of their numbers.
        for (place, value) in (1..).zip(row) {
            bind_one(&mut statement, place, value)?;
        }
        statement.raw_execute()?;
    }
    Ok(())
}

/// Binds by name: SQLite counts places in the order in which their names first appear.
fn bind(statement: &mut Statement<'_>, params: &[Value]) -> Result<(), StoreFault> {
    let places = statement.parameter_count();
    let miscounted = || rusqlite::Error::InvalidParameterCount(params.len(), places);
    if places != params.len() {
        return Err(miscounted().into());
    }
    for place in 1..=places {
        let number = statement
            .parameter_name(place)
            .and_then(|name| name.strip_prefix('$')?.parse::<usize>().ok());
        let value = number.and_then(|number| params.get(number.checked_sub(1)?));
        let value = value.ok_or_else(miscounted)?;
        bind_one(statement, place, value)?;
    }
    Ok(())
}

fn bind_one(statement: &mut Statement<'_>, place: usize, value: &Value) -> Result<(), StoreFault> {
    value.check()?;
    match value {
        Value::Null => statement.raw_bind_parameter(place, None::<i64>)?,
        Value::Int(value) => statement.raw_bind_parameter(place, value)?,
        Value::Text(value) => statement.raw_bind_parameter(place, value as &dyn ToSql)?,
        Value::Bytes(value) => statement.raw_bind_parameter(place, value as &dyn ToSql)?,
    }
    Ok(())
}

fn read(value: ValueRef<'_>, column: usize) -> Result<Value, StoreFault> {
    let odd = StoreFault::Unreadable { column };
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Int(value)),
        ValueRef::Text(text) => std::str::from_utf8(text).map(Value::from).map_err(|_| odd),
        ValueRef::Blob(bytes) => Ok(Value::Bytes(bytes.to_vec())),
        ValueRef::Real(_) => Err(odd),
    }
}
