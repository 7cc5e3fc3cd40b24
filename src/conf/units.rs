//! Why: durations, sizes and counts are written as people say them (`30s`, `20MB`, `200k`), and each in one way only.

use std::time::Duration;

use serde_json::{Value, json};

use super::cx::Cx;
use super::shape::{Shape, variable};
use super::tree::Node;

const DAY: u64 = 24 * 60 * 60 * 1000;

/// The longest duration, in milliseconds: beyond it timers overflow.
const LONGEST: u64 = 366 * DAY;

impl Shape for Duration {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        let expects = "a duration such as `500ms`, `30s`, `10m`, `1h30m` or `7d`";
        cx.scalar(node, expects, duration)
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d))+$|\$\{" })
    }

    fn written(value: &Self) -> Option<Value> {
        let millis = u64::try_from(value.as_millis()).ok()?;
        let (unit, word) = [(DAY, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
            .into_iter()
            .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit))
            .unwrap_or((1, if millis == 0 { "s" } else { "ms" }));
        Some(Value::from(format!("{}{word}", millis / unit)))
    }
}

fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut total = 0_u64;
    while !rest.is_empty() {
        let (number, after) = digits(rest)?;
        let end = after
            .find(|letter: char| letter.is_ascii_digit())
            .unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let unit = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => DAY,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = next;
    }
    (!text.is_empty() && total <= LONGEST).then(|| Duration::from_millis(total))
}

/// The number at the start of a text, and the rest.
fn digits(text: &str) -> Option<(u64, &str)> {
    let end = text
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

/// A whole number with a unit that multiplies it.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, unit) = digits(text)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.checked_mul(*factor)
}

/// Bytes, such as `20MB` or `16MiB`; without a unit, bytes.
pub(super) struct Size;

impl Shape for Size {
    type Value = u64;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<u64> {
        cx.scalar(node, "a size such as `20MB` or `16MiB`", |text| {
            scaled(text, SIZES).filter(|bytes| *bytes <= i64::MAX.unsigned_abs())
        })
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^[0-9]+ *(B|kB|KB|MB|GB|KiB|MiB|GiB)?$|\$\{" },
        ] })
    }

    fn written(bytes: &u64) -> Option<Value> {
        let (word, unit) = [
            ("GB", 1_000_000_000),
            ("MB", 1_000_000),
            ("kB", 1000),
            ("B", 1),
        ]
        .into_iter()
        .find(|(_, unit)| bytes.is_multiple_of(*unit))?;
        Some(Value::from(format!("{}{word}", bytes / unit)))
    }
}

const SIZES: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1000),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Credits, such as `0.05`, as nano-credits.
pub(super) struct Credits;

impl Shape for Credits {
    type Value = u64;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<u64> {
        cx.scalar(node, "credits such as `0.05`", credits)
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "number", "minimum": 0 },
            { "type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,9})?$|\$\{" },
        ] })
    }
}

fn credits(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let (whole, after) = digits(whole)?;
    let (part, rest) = digits(fraction)?;
    let power = u32::try_from(fraction.len()).ok()?;
    let part = part.checked_mul(10_u64.pow(9_u32.checked_sub(power)?))?;
    let nanos = whole.checked_mul(1_000_000_000)?.checked_add(part)?;
    (after.is_empty() && rest.is_empty() && nanos <= i64::MAX.unsigned_abs()).then_some(nanos)
}

/// A count, such as `600`, `200k` or `2M`.
pub(super) struct Count;

impl Shape for Count {
    type Value = u64;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<u64> {
        cx.scalar(node, "a count such as `600`, `200k` or `2M`", |text| {
            scaled(
                text,
                &[("", 1), ("k", 1000), ("M", 1_000_000), ("G", 1_000_000_000)],
            )
            .filter(|count| *count <= i64::MAX.unsigned_abs())
        })
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": r"^[0-9]+[kMG]?$|\$\{" },
        ] })
    }

    fn written(count: &u64) -> Option<Value> {
        Some(Value::from(*count))
    }
}

/// Pico-USD per token.
pub(super) struct Price;

impl Shape for Price {
    type Value = u64;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<u64> {
        let expects =
            "a price in whole pico-USD per token, such as `2500000` for 2.50 USD per million";
        cx.scalar(node, expects, |text| {
            // A dearer token than one USD is a mistake of the unit.
            text.parse()
                .ok()
                .filter(|price| *price <= 1_000_000_000_000)
        })
    }

    fn schema() -> Value {
        json!({ "anyOf": [{ "type": "integer", "minimum": 0, "maximum": 1_000_000_000_000_u64 }, variable()] })
    }

    fn written(price: &u64) -> Option<Value> {
        Some(Value::from(*price))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("30s", 30_000),
            ("10m", 600_000),
            ("1h30m", 5_400_000),
            ("7d", 7 * DAY),
            ("1m1s1ms", 61_001),
        ] {
            assert_eq!(
                duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "30",
            "s",
            "-1s",
            "1.5s",
            "1 s",
            "1S",
            "1s ",
            "367d",
            "99999999999999999999s",
            "18446744073709551615d",
            "１s",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_written_back_means_the_same() {
        for millis in [
            0,
            1,
            999,
            1000,
            1500,
            60_000,
            90_000,
            3_600_000,
            DAY,
            2 * DAY,
        ] {
            let value = Duration::from_millis(millis);
            let written = Duration::written(&value).unwrap();
            assert_eq!(duration(written.as_str().unwrap()), Some(value));
        }
    }

    #[test]
    fn sizes_and_counts_are_exact_and_never_wrap() {
        for (text, bytes) in [
            ("0", 0),
            ("20MB", 20_000_000),
            ("20 MB", 20_000_000),
            ("16MiB", 16 * 1024 * 1024),
            ("1kB", 1000),
            ("7B", 7),
        ] {
            assert_eq!(scaled(text, SIZES), Some(bytes), "{text}");
        }
        for text in [
            "",
            "MB",
            "-1",
            "1.5GB",
            "1mb",
            "1TB",
            "18446744073709551615GB",
            "1MBx",
        ] {
            assert_eq!(scaled(text, SIZES), None, "{text}");
        }
    }
}
