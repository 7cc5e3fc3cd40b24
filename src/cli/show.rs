//! Why: people read tables, programs read JSON, and neither may be led astray by a name that
//! somebody else chose: a terminal is never sent a character that commands it.

use std::fmt::Write as _;

use alfred::store::governance::Entity;
use serde::Serialize;
use serde_json::Value;

use super::Failure;

/// A column of a table.
#[derive(Clone, Copy)]
pub(super) struct Column {
    name: &'static str,
    is_right: bool,
}

/// A column of texts.
pub(super) const fn left(name: &'static str) -> Column {
    Column {
        name,
        is_right: false,
    }
}

/// A column of numbers.
pub(super) const fn right(name: &'static str) -> Column {
    Column {
        name,
        is_right: true,
    }
}

/// Prints rows as JSON, or as a table with these columns.
pub(super) fn rows<T: Serialize, const N: usize>(
    json: bool,
    rows: &[T],
    columns: [Column; N],
    cells: impl Fn(&T) -> [String; N],
) -> Result<(), Failure> {
    match json {
        true => self::json(&rows),
        false => out(&table(&columns, rows.iter().map(|row| cells(row).to_vec()))),
    }
}

/// A table of texts, each column as wide as it must be.
pub(super) fn table(columns: &[Column], rows: impl Iterator<Item = Vec<String>>) -> String {
    let heads = columns.iter().map(|column| column.name.to_owned());
    let mut lines: Vec<Vec<String>> = vec![heads.collect()];
    lines.extend(rows.map(|row| row.iter().map(|cell| clean(cell)).collect()));
    let width = |at: usize| {
        let cells = lines.iter().filter_map(|line| line.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut printed = String::new();
        for ((cell, width), column) in line.iter().zip(&widths).zip(columns) {
            let gap = if printed.is_empty() { "" } else { "  " };
            let _ = match column.is_right {
                true => write!(printed, "{gap}{cell:>width$}"),
                false => write!(printed, "{gap}{cell:<width$}"),
            };
        }
        text.push_str(printed.trim_end());
        text.push('\n');
    }
    text
}

/// Prints the members of one row, a line each.
pub(super) fn row(json: bool, row: &impl Serialize) -> Result<(), Failure> {
    if json {
        return self::json(row);
    }
    let value = serde_json::to_value(row).map_err(std::io::Error::from)?;
    let members = value.as_object().into_iter().flatten();
    let lines = members.map(|(name, value)| vec![name.clone(), member(name, value)]);
    let text = table(&[left(""), left("")], lines);
    // The heads of the two columns are empty.
    out(text.split_once('\n').map_or("", |(_, lines)| lines))
}

fn member(name: &str, value: &Value) -> String {
    let is_time = name.ends_with("_at") || name == "period_start" || name == "tokens_valid_after";
    match value {
        Value::Null => NONE.to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) if is_time => time(number.as_i64().unwrap_or_default()),
        other => other.to_string(),
    }
}

/// Prints one line of JSON.
pub(super) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string(value).map_err(std::io::Error::from)?;
    out(&format!("{text}\n"))
}

/// Prints what an act was about: its row as JSON, or one line in words.
pub(super) fn done(json: bool, entity: &Entity, words: &str) -> Result<(), Failure> {
    match json {
        true => self::json(&bare(entity)),
        false => out(&format!("{}\n", clean(words))),
    }
}

/// The row itself, without the name of its kind.
fn bare(entity: &Entity) -> Value {
    let value = match entity {
        Entity::Organisation(row) => serde_json::to_value(row),
        Entity::Team(row) => serde_json::to_value(row),
        Entity::User(row) => serde_json::to_value(row),
        Entity::Absence(row) => serde_json::to_value(row),
        Entity::Wallet(row) => serde_json::to_value(row),
        Entity::Money {
            wallet,
            request_id,
            lines,
        } => Ok(serde_json::json!({
            "wallet": wallet,
            "request_id": request_id,
            "lines": lines,
        })),
        Entity::Lines(lines) => serde_json::to_value(lines),
        Entity::Key(row) => serde_json::to_value(row),
        Entity::Token(row) => serde_json::to_value(row),
        Entity::Denied(row) => serde_json::to_value(row),
        Entity::Session(row) => serde_json::to_value(row),
        Entity::GuardPolicy(row) => serde_json::to_value(row),
        Entity::Gone(rows) => Ok(serde_json::json!({ "deleted": rows })),
    };
    value.unwrap_or_default()
}

/// Writes to standard output. Whoever reads it may have had enough.
pub(super) fn out(text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Failure::Enough),
        written => Ok(written?),
    }
}

/// What stands for nothing.
const NONE: &str = "-";

/// A moment as RFC 3339 has it.
pub(super) fn time(unix_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(unix_ms).map_or_else(|_| "?".to_owned(), |at| at.to_string())
}

/// Anything that may be missing.
pub(super) fn or_none(value: Option<impl ToString>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

/// The text without characters that command a terminal or turn its direction.
pub(super) fn clean(text: &str) -> String {
    let commands = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut cleaned = String::with_capacity(text.len());
    for c in text.chars() {
        match commands(c) {
            true => cleaned.extend(c.escape_default()),
            false => cleaned.push(c),
        }
    }
    cleaned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["1", "a"], ["1000", "ünder"]];
        let rows = rows.iter().map(|row| row.map(str::to_owned).to_vec());
        let text = table(&[right("id"), left("name")], rows);
        assert_eq!(text, "  id  name\n   1  a\n1000  ünder\n");
    }

    #[test]
    fn no_name_commands_the_terminal() {
        let text = table(
            &[left("name")],
            std::iter::once(vec!["a\u{1b}[2J\n\u{202e}b\u{9b}é".to_owned()]),
        );
        assert_eq!(text, "name\na\\u{1b}[2J\\n\\u{202e}b\\u{9b}é\n");
    }
}
