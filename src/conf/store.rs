//! Why: one process needs no server, a fleet needs one. The setting is a word for the first and a section for the
//! second.

use serde_json::{Value, json};

use super::cx::Cx;
use super::secret::Secret;
use super::shape::{Shape, section, variable};
use super::show::Show;
use super::tree::{Kind, Node};
use super::units::Count;

/// Where keys, users and money are kept.
#[derive(Debug, Clone, PartialEq)]
pub enum StoreKind {
    /// `sqlite`: one SQLite database in `data_dir`.
    Sqlite,
    /// `{ postgres: { url: … } }`: a PostgreSQL database, shared by any number of processes.
    Postgres(Postgres),
}

section! {
    /// A PostgreSQL database.
    pub struct Postgres {
        /// Its address with user and password, such as `postgres://alfred:secret@db:5432/alfred?sslmode=require`.
        pub url: Secret,
        /// The same of a replica, which is asked for reports; empty for none.
        pub replica_url: Secret as MaybeBlank = Secret::new(""),
        /// Connections of each process.
        pub pool: u64 as Count = 8,
    }
}

/// A secret that may be empty, for variables that need not be set.
struct MaybeBlank;

impl Shape for MaybeBlank {
    type Value = Secret;
    const SECRET: bool = true;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Secret> {
        match cx.is_blank(node) {
            true => Some(Secret::new("")),
            false => Secret::read(node, cx),
        }
    }

    fn schema() -> Value {
        Secret::schema()
    }

    fn show(value: &Secret, show: &mut Show<'_>) -> Value {
        match value.expose().is_empty() {
            true => Value::Null,
            false => Secret::show(value, show),
        }
    }
}

impl Shape for StoreKind {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let [entry] = node.entries()
            && entry.name == "postgres"
        {
            let postgres = cx.inside("postgres", |cx| Postgres::read(&entry.value, cx));
            return postgres.map(Self::Postgres);
        }
        if matches!(&node.kind, Kind::Scalar { text, .. } if text == "postgres") {
            let hint = "write `{ postgres: { url: \"${DATABASE_URL}\" } }`";
            cx.at(
                &node.at,
                "a PostgreSQL database needs its address",
                Some(hint.to_owned()),
            );
            return None;
        }
        cx.word(node, &[("sqlite", Self::Sqlite)], &[])
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "enum": ["sqlite"] },
            variable(),
            {
                "type": "object",
                "description": "A PostgreSQL database, shared by any number of processes.",
                "properties": { "postgres": Postgres::schema() },
                "required": ["postgres"],
                "additionalProperties": false,
            },
        ] })
    }

    fn written(_value: &Self) -> Option<Value> {
        Some(Value::from("sqlite"))
    }

    fn show(value: &Self, show: &mut Show<'_>) -> Value {
        match value {
            Self::Sqlite => Value::from("sqlite"),
            Self::Postgres(postgres) => {
                json!({ "postgres": show.inside("postgres", |show| Postgres::show(postgres, show)) })
            }
        }
    }
}
