//! Why: what clients send is read once, strictly: moments in RFC 3339, and a difference between
//! what is left as it is and what is taken away.

use serde::{Deserialize, Deserializer, de};
use utoipa::ToSchema;

use super::answer::time;

/// A moment: RFC 3339 on the wire, Unix milliseconds inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(value_type = String, format = DateTime)]
pub(super) struct Moment(pub(super) i64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: Result<jiff::Timestamp, _> = text.parse();
        at.map(|at| Self(at.as_millisecond()))
            .map_err(|_| de::Error::custom("expected a time such as 2027-01-31T00:00:00Z"))
    }
}

/// For members that may be left out, null or a value: a member that is there is `Some`.
pub(super) fn there<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// The first moment of the month, in UTC.
pub(super) fn month(now: i64) -> i64 {
    let first = time(now).map(|now| now.chars().take(8).chain("01T00:00:00Z".chars()).collect());
    let first = first.and_then(|first: String| first.parse::<jiff::Timestamp>().ok());
    first.map_or(0, |first| first.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_the_first() {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let first = at("2026-10-01T00:00:00Z");
        assert_eq!(month(at("2026-10-05T18:00:00Z")), first);
        assert_eq!(month(first), first);
    }

    #[derive(Deserialize)]
    struct Change {
        #[serde(default, deserialize_with = "there")]
        at: Option<Option<Moment>>,
    }

    #[test]
    fn what_is_left_out_is_not_what_is_null() {
        let read = |text| serde_json::from_str::<Change>(text).map(|change| change.at);
        assert_eq!(read("{}").unwrap(), None);
        assert_eq!(read(r#"{"at":null}"#).unwrap(), Some(None));
        let epoch = read(r#"{"at":"1970-01-01T00:00:00Z"}"#).unwrap();
        assert_eq!(epoch, Some(Some(Moment(0))));
        for bad in [r#"{"at":0}"#, r#"{"at":"tomorrow"}"#, r#"{"at":""}"#] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
