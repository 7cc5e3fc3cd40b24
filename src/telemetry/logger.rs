//! The program log: text for people, one JSON object per line for machines, on standard error.

use std::io::Write;

use env_logger::fmt::Formatter;
use log::kv::{Error, Key, Value, VisitSource};
use log::{LevelFilter, Record};

/// The form of the lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStyle {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Starts logging. `RUST_LOG`-style `directives` win over `level`. A second call does nothing.
pub fn init(style: LogStyle, level: LevelFilter, directives: Option<&str>) {
    let mut builder = env_logger::Builder::new();
    builder.filter_level(level);
    // Pingora reports every closed connection as a warning or an error; Alfred's receipts say it.
    builder.filter_module("pingora_proxy", LevelFilter::Error);
    builder.filter_module("pingora_core", LevelFilter::Warn.min(level));
    builder.filter_module("pingora", LevelFilter::Warn.min(level));
    builder.filter_module("refinery_core", LevelFilter::Warn.min(level));
    if let Some(directives) = directives {
        builder.parse_filters(directives);
    }
    match style {
        LogStyle::Json => builder.format(json_line),
        LogStyle::Text => builder.format_timestamp_millis(),
    };
    let _ = builder.try_init();
}

struct Fields<'a>(&'a mut serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        self.0.insert(key.to_string(), value.to_string().into());
        Ok(())
    }
}

fn json_line(out: &mut Formatter, record: &Record<'_>) -> std::io::Result<()> {
    let mut line = serde_json::Map::new();
    line.insert("at".into(), jiff::Timestamp::now().to_string().into());
    line.insert(
        "level".into(),
        record.level().as_str().to_lowercase().into(),
    );
    line.insert("room".into(), record.target().into());
    line.insert("message".into(), record.args().to_string().into());
    let _ = record.key_values().visit(&mut Fields(&mut line));
    writeln!(out, "{}", serde_json::Value::Object(line))
}
