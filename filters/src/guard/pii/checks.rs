//! The check digits that issuers of numbers use. Each takes the number's letters (in
//! upper case) and digits without separators, and says whether they fit together.

/// The value of a digit; `None` for anything else.
pub(super) fn value(byte: u8) -> Option<u32> {
    byte.is_ascii_digit().then(|| u32::from(byte - b'0'))
}

/// The byte in this place, 0 beyond the end.
pub(super) fn at(bytes: &[u8], place: usize) -> u8 {
    bytes.get(place).copied().unwrap_or(0)
}

/// A part of the number as one figure; 0 if it is none.
pub(super) fn figure(bytes: &[u8], from: usize, to: usize) -> u64 {
    let part = bytes.get(from..to).unwrap_or_default();
    let sum = |sum: u64, byte: &u8| Some(sum.wrapping_mul(10) + u64::from(value(*byte)?));
    part.iter().try_fold(0, sum).unwrap_or(0)
}

/// Whether all bytes are the same.
pub(super) fn uniform(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| Some(byte) == bytes.first())
}

/// The sum of the digits, each times its weight, over the shorter of both.
pub(super) fn weighted(bytes: &[u8], weights: &[u32]) -> u32 {
    let products = bytes
        .iter()
        .zip(weights)
        .map(|(b, w)| value(*b).unwrap_or(0) * w);
    products.sum()
}

/// The sum of the digits of a digit's double.
pub(super) fn doubled(digit: u32) -> u32 {
    2 * digit - 9 * u32::from(digit > 4)
}

/// Luhn's sum over all digits.
pub(super) fn luhn(bytes: &[u8]) -> bool {
    let (mut sum, mut pairs) = (0, bytes.rchunks_exact(2));
    for pair in &mut pairs {
        let [left, right] =
            [at(pair, 0), at(pair, 1)].map(|byte| u32::from(byte.wrapping_sub(b'0')));
        sum += doubled(left) + right;
    }
    sum += pairs
        .remainder()
        .iter()
        .map(|byte| u32::from(byte.wrapping_sub(b'0')))
        .sum::<u32>();
    sum.is_multiple_of(10) && bytes.iter().all(u8::is_ascii_digit)
}

/// ISO 7064 mod 97-10 over digits and letters (A is 10).
pub(super) fn mod97(bytes: impl Iterator<Item = u8>) -> u64 {
    // As many digits at once as fit before the rest is taken.
    const FULL: u64 = u64::MAX / 1000;
    let number = bytes.fold(0, |number: u64, byte| {
        let number = if number < FULL { number } else { number % 97 };
        match byte {
            b'0'..=b'9' => number * 10 + u64::from(byte - b'0'),
            _ => number * 100 + u64::from(byte.to_ascii_uppercase().wrapping_sub(b'A')) + 10,
        }
    });
    number % 97
}

/// ISO 7064 mod 11,10 with the check digit last.
pub(super) fn mod11_10(bytes: &[u8]) -> bool {
    let Some((check, digits)) = bytes.split_last() else {
        return false;
    };
    let product = digits.iter().fold(10, |product, byte| {
        let sum = (value(*byte).unwrap_or(0) + product) % 10;
        (if sum == 0 { 10 } else { sum } * 2) % 11
    });
    value(*check) == Some((11 - product) % 10)
}

/// Verhoeff's scheme over all digits, check digit last.
pub(super) fn verhoeff(bytes: &[u8]) -> bool {
    const PERMUTED: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let mut state = 0;
    for (i, byte) in bytes.iter().rev().enumerate() {
        let Some(digit) = value(*byte) else {
            return false;
        };
        let row = PERMUTED.get(i % 8).map_or(0, |row| at(row, digit as usize));
        state = dihedral(state, u32::from(row));
    }
    state == 0
}

/// The product of two elements of the dihedral group of ten.
fn dihedral(left: u32, right: u32) -> u32 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right - 5) % 5 + 5,
        (false, true) => (left - right + 5) % 5 + 5,
        (false, false) => (left + 5 - right) % 5,
    }
}

/// Whether a day and month exist; leap years are not looked at.
pub(super) fn day_of_month(day: u64, month: u64) -> bool {
    let days = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_with_its_check_digit_holds_and_any_other_digit_breaks_it() {
        type Check = fn(&[u8]) -> bool;
        let cases: [(&str, Check); 4] = [
            ("79927398713", luhn),
            ("2363", verhoeff),
            ("86095742719", mod11_10),
            ("3214282912345698765432161182", |bytes| {
                mod97(bytes.iter().copied()) == 1
            }),
        ];
        for (number, check) in cases {
            assert!(check(number.as_bytes()), "{number}");
            for wrong in b'0'..=b'9' {
                let mut bytes = number.as_bytes().to_vec();
                if let Some(last) = bytes.last_mut().filter(|last| **last != wrong) {
                    *last = wrong;
                    assert!(!check(&bytes), "{number} ending in {wrong}");
                }
            }
        }
    }

    #[test]
    fn days_beyond_the_month_do_not_exist() {
        assert!(day_of_month(29, 2) && day_of_month(31, 12));
        assert!(!day_of_month(30, 2) && !day_of_month(31, 4) && !day_of_month(1, 13));
    }
}
