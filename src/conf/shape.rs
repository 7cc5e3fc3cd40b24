//! Why: one declaration per setting. From it come the public struct, the reader with its located problems, the
//! did-you-mean list and the JSON Schema, so that none of the four can disagree with another.

use serde_json::{Map, Value, json};

use super::cx::Cx;
use super::show::Show;
use super::tree::Node;

/// How one kind of setting is written in YAML: its reader and its schema.
pub(super) trait Shape {
    /// What the program gets.
    type Value;

    /// True when the text must never be shown in a message or an excerpt.
    const SECRET: bool = false;

    /// Reads `node`; what is wrong with it is reported to `cx`, and then the answer is `None`.
    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self::Value>;

    /// The JSON Schema of what may be written.
    fn schema() -> Value;

    /// A default value as a user would write it; `None` for values that have no short text.
    fn written(_value: &Self::Value) -> Option<Value> {
        None
    }

    /// The value as an operator may see it: whole, but without secrets.
    fn show(value: &Self::Value, _show: &mut Show<'_>) -> Value {
        Self::written(value).unwrap_or_default()
    }
}

/// One row of a section's table, for the schema.
pub(super) struct Row {
    /// The name in YAML.
    pub(super) name: &'static str,
    /// The documentation lines of the field.
    pub(super) about: &'static [&'static str],
    /// The schema of the value.
    pub(super) schema: Value,
    /// `None`: the field is required. `Some(None)`: optional, with no short default to show.
    pub(super) default: Option<Option<Value>>,
}

/// The schema of a section: an object that takes exactly the given fields.
pub(super) fn object(about: &[&str], rows: Vec<Row>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for row in rows {
        let mut schema = row.schema;
        if let Some(members) = schema.as_object_mut() {
            if row.default.is_some()
                && let Some(kind @ ("object" | "array")) =
                    members.get("type").and_then(Value::as_str)
            {
                // `name:` with nothing after it means that the default holds.
                let kinds = json!([kind, "null"]);
                members.insert("type".to_owned(), kinds);
            }
            members.insert("description".to_owned(), Value::String(sentence(row.about)));
            match row.default {
                None => required.push(Value::from(row.name)),
                Some(Some(default)) => {
                    members.insert("default".to_owned(), default);
                }
                Some(None) => {}
            }
        }
        properties.insert(row.name.to_owned(), schema);
    }
    let mut schema = json!({
        "type": "object",
        "description": sentence(about),
        "properties": properties,
        "additionalProperties": false,
    });
    if !required.is_empty()
        && let Some(members) = schema.as_object_mut()
    {
        members.insert("required".to_owned(), Value::Array(required));
    }
    schema
}

/// The schema of a setting that takes one of a few words, or a variable that holds one.
pub(super) fn words(words: &[&str]) -> Value {
    json!({ "anyOf": [{ "enum": words }, variable()] })
}

/// The schema of a text that holds `${VARIABLE}`, for settings that are not texts otherwise.
pub(super) fn variable() -> Value {
    json!({ "type": "string", "pattern": r"\$\{" })
}

/// Documentation lines joined into one line of prose.
pub(super) fn sentence(lines: &[&str]) -> String {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    lines.join(" ")
}

/// Declares a section: the public struct, its reader and its schema.
///
/// A field is `pub name: Type = default,`, or `pub name: Type,` when it must be written. `pub name as "in": Type` gives
/// it another name in YAML, `pub name: Type as Shape` another notation (for example `u64 as Size`). A field after
/// `unwritten` is not in the file.
macro_rules! section {
    (@emit $(#[doc = $about:literal])+ $vis:vis struct $name:ident { $(
        $(#[doc = $doc:literal])+
        $fvis:vis $field:ident $(as $key:literal)? : $ty:ty $(as $shape:ty)? $(= $default:expr)?,
    )+ } $(unwritten { $(#[doc = $xdoc:literal])+ pub $extra:ident : $xty:ty })?) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name {
            $( $(#[doc = $doc])+ $fvis $field: $ty, )+
            $( $(#[doc = $xdoc])+ pub $extra: $xty, )?
        }

        impl $crate::conf::shape::Shape for $name {
            type Value = Self;

            fn read(
                node: &$crate::conf::tree::Node,
                cx: &mut $crate::conf::cx::Cx<'_>,
            ) -> Option<Self> {
                let names: &[&str] = &[$( section!(@key $field $($key)?) ),+];
                let fields = $crate::conf::fields::Fields::open(node, names, cx)?;
                $( let $field = section!(@read fields, cx, section!(@key $field $($key)?),
                    [$ty] [$($shape)?] $(, $default)?); )+
                Some(Self { $( $field: $field?, )+ $( $extra: <$xty>::default(), )? })
            }

            fn schema() -> serde_json::Value {
                $crate::conf::shape::object(&[$($about),+], vec![$(
                    section!(@row section!(@key $field $($key)?), [$($doc),+],
                        [$ty] [$($shape)?] $(, $default)?),
                )+])
            }

            fn show(value: &Self, show: &mut $crate::conf::show::Show<'_>) -> serde_json::Value {
                let mut members = serde_json::Map::new();
                $(
                    let key = section!(@key $field $($key)?);
                    let shown = show.inside(key, |show| {
                        section!(@show &value.$field, show, [$ty] [$($shape)?])
                    });
                    members.insert(key.to_owned(), shown);
                )+
                serde_json::Value::Object(members)
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@read $fields:ident, $cx:ident, $key:expr, [$ty:ty] [] $(, $default:expr)?) => {
        section!(@read $fields, $cx, $key, [$ty] [$ty] $(, $default)?)
    };
    (@read $fields:ident, $cx:ident, $key:expr, [$ty:ty] [$shape:ty]) => {
        $fields.required::<$shape>($key, $cx)
    };
    (@read $fields:ident, $cx:ident, $key:expr, [$ty:ty] [$shape:ty], $default:expr) => {
        Some($fields.optional::<$shape>($key, $cx).unwrap_or_else(|| $default))
    };
    (@show $value:expr, $show:ident, [$ty:ty] []) => {
        section!(@show $value, $show, [$ty] [$ty])
    };
    (@show $value:expr, $show:ident, [$ty:ty] [$shape:ty]) => {
        <$shape as $crate::conf::shape::Shape>::show($value, $show)
    };
    (@row $key:expr, [$($doc:literal),+], [$ty:ty] [] $(, $default:expr)?) => {
        section!(@row $key, [$($doc),+], [$ty] [$ty] $(, $default)?)
    };
    (@row $key:expr, [$($doc:literal),+], [$ty:ty] [$shape:ty]) => {
        $crate::conf::shape::Row {
            name: $key,
            about: &[$($doc),+],
            schema: <$shape as $crate::conf::shape::Shape>::schema(),
            default: None,
        }
    };
    (@row $key:expr, [$($doc:literal),+], [$ty:ty] [$shape:ty], $default:expr) => {{
        let default: $ty = $default;
        $crate::conf::shape::Row {
            name: $key,
            about: &[$($doc),+],
            schema: <$shape as $crate::conf::shape::Shape>::schema(),
            default: Some(<$shape as $crate::conf::shape::Shape>::written(&default)),
        }
    }};
    ($(#[doc = $about:literal])+ $vis:vis struct $name:ident { $(
        $(#[doc = $doc:literal])+
        $fvis:vis $field:ident $(as $key:literal)? : $ty:ty $(as $shape:ty)? = $default:expr,
    )+ } $(unwritten { $(#[doc = $xdoc:literal])+ pub $extra:ident : $xty:ty })?) => {
        section! { @emit $(#[doc = $about])+ $vis struct $name { $(
            $(#[doc = $doc])+ $fvis $field $(as $key)? : $ty $(as $shape)? = $default,
        )+ } $(unwritten { $(#[doc = $xdoc])+ pub $extra : $xty })? }

        impl Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )+ $( $extra: <$xty>::default(), )? }
            }
        }
    };
    ($(#[doc = $about:literal])+ $vis:vis struct $name:ident { $(
        $(#[doc = $doc:literal])+
        $fvis:vis $field:ident $(as $key:literal)? : $ty:ty $(as $shape:ty)? $(= $default:expr)?,
    )+ }) => {
        section! { @emit $(#[doc = $about])+ $vis struct $name { $(
            $(#[doc = $doc])+ $fvis $field $(as $key)? : $ty $(as $shape)? $(= $default)?,
        )+ } }
    };
}

/// Declares a setting that takes one of a few words. Words after `later` are known, but belong to a later version.
macro_rules! choice {
    ($(#[doc = $about:literal])+ pub enum $name:ident {
        $( $(#[doc = $doc:literal])+ $variant:ident = $word:literal, )+
    } $(later [$($later:literal),+ $(,)?])?) => {
        $(#[doc = $about])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $( $(#[doc = $doc])+ $variant, )+ }

        impl $name {
            /// Every choice, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$( Self::$variant ),+];

            /// The word that stands for this choice in the configuration file.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl $crate::conf::shape::Shape for $name {
            type Value = Self;

            fn read(
                node: &$crate::conf::tree::Node,
                cx: &mut $crate::conf::cx::Cx<'_>,
            ) -> Option<Self> {
                let words = [$( ($word, Self::$variant) ),+];
                cx.word(node, &words, &[$($($later),+)?])
            }

            fn schema() -> serde_json::Value {
                $crate::conf::shape::words(&[$($word),+])
            }

            fn written(value: &Self) -> Option<serde_json::Value> {
                Some(serde_json::Value::from(value.name()))
            }
        }
    };
}

pub(super) use {choice, section};
