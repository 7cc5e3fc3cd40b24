//! Why: most mistakes in names are slips of the finger, and the name that was meant is near.

/// The candidate nearest to `word` by edit distance (letters inserted, deleted, changed or swapped; case is ignored),
/// if one is near enough to be what was meant. Of several equally near, the first. Words of more than 64 characters are
/// never matched, so the cost stays bounded.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(LONGEST + 1).map(fold).collect();
    if word.len() > LONGEST {
        return None;
    }
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let letters: Vec<char> = candidate.chars().take(LONGEST + 1).map(fold).collect();
        let allowed = (word.len().max(letters.len()) / 3).max(1);
        if letters.len() > LONGEST || word.len().abs_diff(letters.len()) > allowed {
            continue;
        }
        let distance = distance(&word, &letters);
        if distance <= allowed && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

const LONGEST: usize = 64;

fn fold(letter: char) -> char {
    match letter {
        '-' => '_',
        other => other.to_ascii_lowercase(),
    }
}

/// Optimal string alignment distance, three rows at a time.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut older: Vec<usize> = Vec::new();
    let mut old: Vec<usize> = (0..=b.len()).collect();
    let mut previous = None;
    for (i, &x) in a.iter().enumerate() {
        let mut row = Vec::with_capacity(b.len() + 1);
        row.push(i + 1);
        let mut left_letter = None;
        for (j, &y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut least = (at(&old, j) + usize::from(x != y))
                .min(at(&old, j + 1) + 1)
                .min(at(&row, j) + 1);
            if previous == Some(y) && left_letter == Some(x) && j > 0 {
                least = least.min(at(&older, j - 1) + 1);
            }
            row.push(least);
            left_letter = Some(y);
        }
        older = std::mem::replace(&mut old, row);
        previous = Some(x);
    }
    old.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_the_word_that_was_meant() {
        let words = ["providers", "models", "limits", "listen"];
        for (slip, meant) in [
            ("provider", "providers"),
            ("modles", "models"),
            ("lmits", "limits"),
            ("Listen", "listen"),
            ("litsen", "listen"),
        ] {
            assert_eq!(nearest(slip, words), Some(meant), "{slip}");
        }
    }

    #[test]
    fn a_word_that_is_far_from_all_has_no_nearest() {
        assert_eq!(nearest("zebra", ["providers", "models"]), None);
        assert_eq!(nearest("", ["models"]), None);
        assert_eq!(nearest("models", []), None);
    }

    #[test]
    fn dashes_count_as_underscores() {
        assert_eq!(
            nearest("first-byte", ["first_byte", "total"]),
            Some("first_byte")
        );
    }

    #[test]
    fn an_endless_word_costs_nothing() {
        let endless = "x".repeat(1_000_000);
        assert_eq!(nearest(&endless, ["x"]), None);
        assert_eq!(nearest("x", [endless.as_str()]), None);
    }
}
