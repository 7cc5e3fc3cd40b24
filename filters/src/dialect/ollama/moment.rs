//! When an answer was made, as Go writes it: `2024-05-24T20:26:46.294874Z`.

use crate::error::days_since_1970;

/// Unix seconds; nothing for what is no such moment.
pub(super) fn read(text: &str) -> Option<u64> {
    let (date, clock) = text.split_once('T')?;
    let numbers = |text: &str, by: char| -> Option<[u64; 3]> {
        let mut parts = text.splitn(3, by).map(|part| part.parse().ok());
        Some([parts.next()??, parts.next()??, parts.next()??])
    };
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock.get(..8)?, ':')?;
    if !(1970..=9999).contains(&year)
        || !(1..=12).contains(&month)
        || !(1..=31).contains(&day)
        || hour > 23
        || minute > 59
        || second > 60
    {
        return None;
    }
    let local = days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let zone = clock
        .get(8..)?
        .trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let ahead = |zone: &str| -> Option<u64> {
        let (hours, minutes) = zone.split_once(':')?;
        let (hours, minutes): (u64, u64) = (hours.parse().ok()?, minutes.parse().ok()?);
        (hours < 24 && minutes < 60).then_some(hours * 3600 + minutes * 60)
    };
    match zone.split_at_checked(1)? {
        ("Z", "") => Some(local),
        ("+", zone) => local.checked_sub(ahead(zone)?),
        ("-", zone) => local.checked_add(ahead(zone)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn moments_are_read_in_every_zone() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00.000000Z", 0),
            ("2024-02-29T00:00:00Z", 1_709_164_800),
            ("2024-02-29T02:00:00.1+02:00", 1_709_164_800),
            ("2024-02-28T18:30:00.123456789-05:30", 1_709_164_800),
        ] {
            assert_eq!(read(text), Some(seconds), "{text}");
        }
    }

    #[test]
    fn nonsense_is_no_moment() {
        for text in [
            "",
            "T",
            "2024-02-29",
            "2024-13-01T00:00:00Z",
            "2024-00-01T00:00:00Z",
            "-1-1-1T00:00:00Z",
            "99999999999999999999-01-01T00:00:00Z",
            "2024-01-01T00:00:00",
            "2024-01-01T00:00:00+99:00",
            "2024-01-01T00:00:00é",
            "2024-01-01Té0:00:00Z",
            "1970-01-01T00:00:00+01:00",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
