//! Why: what a person types is read once, strictly, with a message that shows the right form.

use std::str::FromStr;

use alfred::store::governance::{
    GroupBy, Mode, OrganisationStatus, Period, Role, TeamRole, UserStatus,
};
use alfred::store::{OwnerType, WalletStatus};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// A value, or `none` to take it away.
#[derive(Clone, Debug)]
pub(super) struct OrNone<T>(pub(super) Option<T>);

impl<T: FromStr> FromStr for OrNone<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        match text {
            "none" => Ok(Self(None)),
            text => text.parse().map(|value| Self(Some(value))),
        }
    }
}

/// A moment: RFC 3339, or a date for its first moment in UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(pub(super) i64);

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let whole = match text.len() {
            10 => format!("{text}T00:00:00Z"),
            _ => text.to_owned(),
        };
        let at: Result<jiff::Timestamp, _> = whole.parse();
        at.map(|at| Self(at.as_millisecond()))
            .map_err(|_| "expected a time such as 2027-01-31T00:00:00Z or a date".to_owned())
    }
}

/// A span of time in milliseconds: `90s`, `30m`, `24h`, `7d`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span(pub(super) i64);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "expected a duration such as 30m, 24h or 7d".to_owned();
        let end = text.len().checked_sub(1).ok_or_else(wrong)?;
        let (number, unit) = text.split_at_checked(end).ok_or_else(wrong)?;
        let unit = match unit {
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let number: u32 = number.parse().map_err(|_| wrong())?;
        i64::from(number)
            .checked_mul(unit)
            .map(Self)
            .ok_or_else(wrong)
    }
}

/// Who pays first: `quota,user,team`.
#[derive(Clone, Debug)]
pub(super) struct Order(pub(super) Vec<OwnerType>);

impl FromStr for Order {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let payer = |word: &str| OwnerType::read(word).filter(|kind| kind.pays());
        let payers: Option<Vec<OwnerType>> = text.split(',').map(payer).collect();
        payers
            .map(Self)
            .ok_or_else(|| "expected payers such as quota,user,team".to_owned())
    }
}

/// One of a few words.
fn among<T: Clone + Send + Sync + 'static>(
    words: &'static [&'static str],
    read: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words).try_map(move |word| read(&word).ok_or("an unknown word"))
}

pub(super) fn organisation_status() -> impl TypedValueParser<Value = OrganisationStatus> {
    among(&["active", "suspended"], OrganisationStatus::read)
}

pub(super) fn user_status() -> impl TypedValueParser<Value = UserStatus> {
    among(&["active", "suspended", "closed"], UserStatus::read)
}

pub(super) fn role() -> impl TypedValueParser<Value = Role> {
    among(&["owner", "admin", "auditor", "member"], Role::read)
}

pub(super) fn team_role() -> impl TypedValueParser<Value = TeamRole> {
    among(&["lead", "member"], TeamRole::read)
}

pub(super) fn mode() -> impl TypedValueParser<Value = Mode> {
    among(&["strict", "incremental", "cap"], Mode::read)
}

pub(super) fn period() -> impl TypedValueParser<Value = Period> {
    among(&["none", "day", "week", "month"], Period::read)
}

pub(super) fn group_by() -> impl TypedValueParser<Value = GroupBy> {
    let words = &["user", "team", "key", "model", "provider", "day"];
    among(words, GroupBy::read)
}

pub(super) fn wallet_status() -> impl TypedValueParser<Value = WalletStatus> {
    among(&["active", "frozen", "closed"], |word| match word {
        "active" => Some(WalletStatus::Active),
        "frozen" => Some(WalletStatus::Frozen),
        "closed" => Some(WalletStatus::Closed),
        _ => None,
    })
}

/// The word of a wallet's status.
pub(super) const fn status_word(status: WalletStatus) -> &'static str {
    match status {
        WalletStatus::Active => "active",
        WalletStatus::Frozen => "frozen",
        WalletStatus::Closed => "closed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_moments_are_read_in_one_form_each() {
        let span = |text: &str| text.parse::<Span>().map(|span| span.0).ok();
        assert_eq!(span("24h"), Some(86_400_000));
        assert_eq!(span("0s"), Some(0));
        for bad in [
            "",
            "h",
            "24",
            "-1h",
            "1.5h",
            "1h30m",
            "1é",
            "99999999999d",
            "٣h",
        ] {
            assert_eq!(span(bad), None, "{bad}");
        }
        let moment = |text: &str| text.parse::<Moment>().map(|at| at.0).ok();
        assert_eq!(moment("1970-01-02"), Some(86_400_000));
        assert_eq!(moment("1970-01-01T00:00:01Z"), Some(1_000));
        for bad in ["", "tomorrow", "1970-13-01", "1970-01-01T00:00:01"] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_payers_pay_first() {
        assert!("quota,user,team".parse::<Order>().is_ok());
        for bad in ["", "key", "quota,", "house", "user team"] {
            assert!(bad.parse::<Order>().is_err(), "{bad}");
        }
    }
}
