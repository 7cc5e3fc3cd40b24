//! How long a provider asks to wait: `retry-after-ms`, and `Retry-After` in
//! seconds or as a date (RFC 9110, section 10.2.3).

use std::time::Duration;

/// Nobody waits longer, whatever a header says.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait that the headers ask for. Azure sends `retry-after-ms: 0` beside
/// `retry-after: 1`, so a zero does not silence the other header.
pub(super) fn from_headers(
    after: Option<&str>,
    after_ms: Option<&str>,
    now: u64,
) -> Option<Duration> {
    let millis = after_ms.and_then(|ms| ms.trim().parse::<f64>().ok());
    let wait = millis
        .and_then(|ms| seconds(ms / 1000.0))
        .filter(|wait| !wait.is_zero());
    wait.or_else(|| {
        let after = after?.trim();
        match after.parse::<f64>() {
            Ok(number) => seconds(number),
            Err(_) => {
                http_date(after).map(|at| Duration::from_secs(at.saturating_sub(now)).min(LONGEST))
            }
        }
    })
}

/// A number of seconds as a wait; nothing that is negative or no number.
pub(super) fn seconds(number: f64) -> Option<Duration> {
    (number >= 0.0)
        .then(|| Duration::try_from_secs_f64(number).map_or(LONGEST, |wait| wait.min(LONGEST)))
}

/// Unix seconds of a date such as `Sun, 06 Nov 1994 08:49:37 GMT`, the one form
/// that may be sent.
fn http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let mut words = text.strip_suffix(" GMT")?.split(' ').skip(1);
    let day: u64 = words.next()?.parse().ok()?;
    let name = words.next()?;
    let month = 1 + MONTHS.iter().position(|month| *month == name)? as u64;
    let year: u64 = words.next()?.parse().ok()?;
    let mut clock = words
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if !(1970..=9999).contains(&year)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    Some(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second)
}

/// Days of the Gregorian calendar, counted in years that begin in March, so that
/// the leap day is the last one.
pub(crate) fn days_since_1970(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(after: Option<&str>, ms: Option<&str>) -> Option<f64> {
        from_headers(after, ms, 784_111_777).map(|wait| wait.as_secs_f64())
    }

    #[test]
    fn milliseconds_win_unless_they_are_zero() {
        assert_eq!(wait(Some("7"), Some("250")), Some(0.25));
        assert_eq!(wait(Some("1"), Some("0")), Some(1.0));
        assert_eq!(wait(Some("1.5"), None), Some(1.5));
        assert_eq!(wait(None, None), None);
    }

    #[test]
    fn a_date_counts_from_now_and_a_past_one_is_no_wait() {
        assert_eq!(
            wait(Some("Sun, 06 Nov 1994 08:50:37 GMT"), None),
            Some(60.0)
        );
        assert_eq!(wait(Some("Sun, 06 Nov 1994 08:00:00 GMT"), None), Some(0.0));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 00:00:00 GMT"),
            Some(1_709_164_800)
        );
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn nonsense_is_no_wait_and_a_century_is_a_day() {
        for nonsense in [
            "",
            "soon",
            "-3",
            "NaN",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 GMT",
            " GMT",
        ] {
            assert_eq!(wait(Some(nonsense), Some("x")), None, "{nonsense}");
        }
        for century in ["3155760000", "1e300", "inf"] {
            assert_eq!(wait(Some(century), None), Some(86_400.0), "{century}");
        }
    }
}
