//! Why: a float loses money. Credits are whole nano-credits, and on the wire decimal strings
//! with nine digits, so that no JSON parser rounds them either.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::str::FromStr;

/// Nano-credits: 1 credit = 10^9. Holds about 9.2 billion credits either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(i64);

/// Nano-credits in one credit.
const CREDIT: u64 = 1_000_000_000;
/// Digits after the point.
const DIGITS: usize = 9;

/// Why a text is no amount of credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not digits with at most one point, or nothing at all.
    #[error("expected a decimal number of credits, e.g. 12.5")]
    Form,
    /// Finer than a nano-credit.
    #[error("credits have at most 9 digits after the point")]
    TooFine,
    /// Larger than an amount can be.
    #[error("the amount is out of range")]
    Range,
}

impl Nanos {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From whole nano-credits.
    pub const fn new(nano_credits: i64) -> Self {
        Self(nano_credits)
    }

    /// Whole nano-credits.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The sum, `None` when it is out of range.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, `None` when it is out of range.
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }
}

/// Always nine digits after the point: `0.000123400`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let size = self.0.unsigned_abs();
        let (credits, nanos) = (size / CREDIT, size % CREDIT);
        write!(f, "{sign}{credits}.{nanos:09}")
    }
}

impl Serialize for Nanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A string only: a number may have been through a float already.
impl<'de> Deserialize<'de> for Nanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// Reads what `Display` writes, and shorter forms such as `12`, `12.5` or `-0.1`.
impl FromStr for Nanos {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let (is_negative, size) = match text.strip_prefix('-') {
            Some(size) => (true, size),
            None => (false, text),
        };
        let (credits, fraction) = match size.split_once('.') {
            Some((_, "")) => return Err(MoneyError::Form),
            Some(parts) => parts,
            None => (size, ""),
        };
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if credits.is_empty() || !digits(credits) || !digits(fraction) {
            return Err(MoneyError::Form);
        }
        if fraction.len() > DIGITS {
            return Err(MoneyError::TooFine);
        }
        let size: i128 = format!("{credits}{fraction:0<DIGITS$}")
            .parse()
            .map_err(|_| MoneyError::Range)?;
        let signed = if is_negative { -size } else { size };
        i64::try_from(signed)
            .map(Self)
            .map_err(|_| MoneyError::Range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_is_written_with_nine_digits() {
        assert_eq!(Nanos::new(123_400).to_string(), "0.000123400");
        assert_eq!(Nanos::new(-1).to_string(), "-0.000000001");
        assert_eq!(Nanos::new(i64::MIN).to_string(), "-9223372036.854775808");
    }

    #[test]
    fn short_forms_are_read_and_bad_ones_refused_in_words() {
        let read = |text: &str| text.parse::<Nanos>();
        assert_eq!(read("12"), Ok(Nanos::new(12_000_000_000)));
        assert_eq!(read("-0.5"), Ok(Nanos::new(-500_000_000)));
        assert_eq!(read("0.0000000001"), Err(MoneyError::TooFine));
        assert_eq!(read("9223372036.854775808"), Err(MoneyError::Range));
        let endless = "9".repeat(4000);
        assert_eq!(read(&endless), Err(MoneyError::Range));
        for bad in [
            "", "-", ".5", "5.", "1e3", "+1", "1 ", "1,5", "--1", "1.2.3", "NaN", "１",
        ] {
            assert_eq!(read(bad), Err(MoneyError::Form), "{bad}");
        }
    }

    #[test]
    fn json_holds_an_amount_as_a_string_and_never_as_a_number() {
        assert_eq!(
            serde_json::to_string(&Nanos::new(5)).unwrap(),
            "\"0.000000005\""
        );
        assert_eq!(
            serde_json::from_str::<Nanos>("\"1.5\"").unwrap(),
            Nanos::new(1_500_000_000)
        );
        assert!(serde_json::from_str::<Nanos>("1.5").is_err());
        assert!(serde_json::from_str::<Nanos>("\"1,5\"").is_err());
    }

    #[test]
    fn a_sum_out_of_range_is_none_and_never_wraps() {
        assert_eq!(Nanos::new(i64::MAX).checked_add(Nanos::new(1)), None);
        assert_eq!(Nanos::new(i64::MIN).checked_sub(Nanos::new(1)), None);
        assert_eq!(
            Nanos::new(2).checked_sub(Nanos::new(3)),
            Some(Nanos::new(-1))
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(nanos: i64) {
            let amount = Nanos::new(nanos);
            prop_assert_eq!(amount.to_string().parse(), Ok(amount));
        }

        #[test]
        fn no_text_panics(text in "[-0-9.]{0,40}|.*") {
            let _ = text.parse::<Nanos>();
        }
    }
}
