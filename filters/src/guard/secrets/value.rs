//! What a value looks like by itself: made by chance, chosen as a password, or
//! only standing where a secret would stand. The generic rule lives or dies by
//! these judgements, for everything named `token` has a value.

use super::super::per_byte::{PerByte, per_byte};
use super::alphabet::{
    self, ALNUM, COLON, DIGIT, DOT, EQUALS, HEX_LOWER, HEX_UPPER, LETTER, LOWER, PLUS, SLASH,
};
use super::entropy;

/// Pieces of values that stand for a secret, in examples, templates and code, by their
/// first byte in lower case.
const fn standins(first: u8) -> &'static [&'static [u8]] {
    match first | 32 {
        b'e' => &[b"example", b"environ"],
        b'x' => &[b"xxxx"],
        b'*' => &[b"****"],
        b'.' => &[b"...."],
        b'y' => &[b"your"],
        b'c' => &[b"changeme", b"change_me", b"change-me"],
        b'p' => &[b"placeholder", b"process.env", b"put_"],
        b'r' => &[b"replace", b"redacted"],
        b'i' => &[b"insert"],
        b'g' => &[b"getenv", b"goes_here"],
        b's' => &[b"sample"],
        b'd' => &[b"dummy"],
        b't' => &[b"todo"],
        b'f' => &[b"fixme", b"fake"],
        b'u' => &[b"undefined"],
        b'n' => &[b"not-set", b"not_set", b"notset"],
        b'#' => &[b"####"],
        b'-' => &[b"----"],
        _ => &[],
    }
}

/// What a password is never, as a whole: types, examples, words of forms; by their length.
const fn no_passwords(length: usize) -> &'static [&'static str] {
    match length {
        3 => &["pwd", "str", "nil"],
        4 => &[
            "pass", "text", "none", "null", "true", "user", "root", "name", "test", "type", "char",
            "self", "this", "utf8",
        ],
        5 => &[
            "token", "false", "value", "admin", "login", "email", "input", "field", "label",
            "bytes", "await", "async", "const", "empty", "wrong", "reset", "enter", "basic",
            "utf-8", "ascii",
        ],
        6 => &[
            "passwd", "secret", "string", "hidden", "object", "number", "return", "forgot",
            "change", "submit", "please", "prompt", "config", "params", "digest", "bearer",
        ],
        7 => &[
            "testing", "example", "integer", "boolean", "varchar", "default", "unknown", "invalid",
            "missing", "confirm", "options", "request",
        ],
        8 => &[
            "password", "required", "optional", "username", "changeme", "function", "settings",
            "response",
        ],
        9 => &["undefined", "incorrect"],
        10 => &["passphrase"],
        11 => &["credentials"],
        _ => &[],
    }
}

/// Endings of names of files and hosts.
const ENDINGS: [&str; 34] = [
    ".pem", ".key", ".crt", ".json", ".yaml", ".yml", ".txt", ".html", ".htm", ".png", ".jpg",
    ".gif", ".svg", ".css", ".js", ".ts", ".py", ".rs", ".go", ".md", ".xml", ".csv", ".log",
    ".zip", ".gz", ".com", ".org", ".net", ".conf", ".pub", ".java", ".sql", ".sh", ".php",
];

/// The fewest bytes of what is made by chance, whatever stands before it.
pub(super) const LEAST: usize = 10;

/// The most bytes of a value that are judged.
pub(super) const MOST: usize = 512;

/// The longest password, in bytes.
pub(super) const LONGEST: usize = 128;

/// Whether `text` holds `piece`, whatever the case.
pub(super) fn holds(text: &[u8], piece: &[u8]) -> bool {
    let Some(first) = piece.first() else {
        return true;
    };
    let (small, capital) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(small, capital, text).any(|at| {
        let there = text.get(at..at + piece.len());
        there.is_some_and(|there| there.eq_ignore_ascii_case(piece))
    })
}

/// Whether a value stands for a secret rather than being one.
pub(super) fn stands_in(value: &[u8]) -> bool {
    let templated = matches!(value.first(), Some(b'$' | b'%' | b'*' | b'#'));
    templated
        || value.windows(2).enumerate().any(|(place, pair)| {
            matches!(pair, [first, second] if SECONDS.get(usize::from(first & 127))
                .is_some_and(|seconds| seconds & second_bit(*second) != 0))
                && begins_standin(value.get(place..).unwrap_or_default())
        })
}

fn begins_standin(value: &[u8]) -> bool {
    let first = value.first().copied().unwrap_or_default();
    standins(first).iter().any(|piece| {
        let there = value.get(..piece.len());
        there.is_some_and(|there| there.eq_ignore_ascii_case(piece))
    })
}

/// A bit for a byte in any case; some share one.
const fn second_bit(byte: u8) -> u32 {
    1 << (byte & 31)
}

/// Which second bytes the stand-ins have that begin with a byte: most pairs of bytes
/// begin none.
static SECONDS: [u32; 128] = seconds();

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses an index out of bounds"
)]
const fn seconds() -> [u32; 128] {
    let mut all = [0; 128];
    let mut first = 0;
    while first < 128 {
        let pieces = standins(first as u8);
        let mut at = 0;
        while at < pieces.len() {
            all[first] |= second_bit(pieces[at][1]);
            at += 1;
        }
        first += 1;
    }
    all
}

/// Whether one byte is repeated so often that nobody drew it by lot.
pub(super) fn repeats(value: &[u8]) -> bool {
    let value = value.get(..MOST).unwrap_or(value);
    let mut run = 0;
    let mut last = 0;
    for byte in value {
        run = if *byte == last { run + 1 } else { 1 };
        last = *byte;
        if run >= 8 {
            return true;
        }
    }
    false
}

/// What the bytes of a value are, counted.
#[derive(Default)]
struct Profile {
    digits: usize,
    letters: usize,
    /// Changes between small letters, capitals and digits; none where a word
    /// with a capital begins.
    changes: usize,
    /// The longest stretch of letters of one case.
    stretch: usize,
    bits: u32,
}

/// What tells kinds of bytes apart in a profile.
static KIND: PerByte<u8> = per_byte!(u8, |byte| match byte {
    b'0'..=b'9' => DIGITS,
    b'a'..=b'z' => SMALL,
    b'A'..=b'Z' => CAPITAL,
    _ => SIGN,
});

const SIGN: u8 = 0;
const DIGITS: u8 = 1;
const SMALL: u8 = 2;
const CAPITAL: u8 = 3;

/// A digit and a letter as numbers that are added to each other, behind the bit of the byte.
static COUNTED: PerByte<u64> = per_byte!(u64, |byte| {
    let bit = alphabet::bit(byte);
    let (digit, letter) = (bit & DIGIT != 0, bit & LETTER != 0);
    (letter as u64) << LETTERS | (digit as u64) << DIGITS_FROM | bit as u64
});

const DIGITS_FROM: u32 = 32;
const LETTERS: u32 = 48;

impl Profile {
    /// Of at most [`MOST`] bytes.
    fn of(value: &[u8]) -> Profile {
        let (mut counts, mut bits) = (0, 0);
        let mut all = Profile::default();
        let (mut last, mut begun) = (SIGN, 0);
        for (place, byte) in value.iter().enumerate() {
            let counted = COUNTED.of(*byte);
            counts += counted >> DIGITS_FROM;
            bits |= counted;
            let kind = KIND.of(*byte);
            if kind != last {
                all.stretched(last, place - begun);
                begun = place;
                let both = kind != SIGN && last != SIGN;
                let begins = |at: usize| alphabet::at(value, at) & LOWER != 0;
                let word = match (last, kind) {
                    (CAPITAL, SMALL) => true,
                    (SMALL, CAPITAL) => begins(place + 1),
                    _ => false,
                };
                all.changes += usize::from(both && !word);
                last = kind;
            }
        }
        all.stretched(last, value.len() - begun);
        all.digits = (counts & 0xffff) as usize;
        all.letters = (counts >> (LETTERS - DIGITS_FROM)) as usize;
        all.bits = bits as u32;
        all
    }

    /// So many bytes of one kind stood in a row.
    fn stretched(&mut self, kind: u8, length: usize) {
        if kind >= SMALL {
            self.stretch = self.stretch.max(length);
        }
    }
}

/// Whether a value is a path, a host, a file or a member of a program's object.
fn named_thing(value: &[u8], profile: &Profile) -> bool {
    let pair = |pair: &[u8]| memchr::memmem::find(value, pair).is_some();
    (profile.bits & DOT != 0 && named_file(value))
        || value.starts_with(b"/")
        || value.starts_with(b"./")
        || (profile.bits & COLON != 0 && (pair(b"::") || pair(b"://")))
        || (profile.bits & SLASH != 0
            && profile.bits & (EQUALS | PLUS) == 0
            && (profile.digits * 8 < profile.letters || folder(value)))
        || (profile.bits & DOT != 0 && profile.digits == 0)
}

/// Whether a path begins with a folder of letters.
fn folder(value: &[u8]) -> bool {
    let first = value.split(|byte| *byte == b'/').next().unwrap_or_default();
    first.len() >= 3 && first.iter().all(|b| b.is_ascii_lowercase() || *b == b'-')
}

/// Whether a value ends as names of files and hosts do.
fn named_file(value: &[u8]) -> bool {
    ENDINGS.iter().any(|ending| {
        let tail = value.len().checked_sub(ending.len());
        let tail = tail.and_then(|at| value.get(at..));
        tail.is_some_and(|tail| tail.eq_ignore_ascii_case(ending.as_bytes()))
    })
}

/// Whether a value is long and has digits, letters and signs that no key and no name
/// is written with: a secret that somebody or some framework made up.
pub(super) fn typed_in(value: &[u8]) -> bool {
    if !(12..=LONGEST).contains(&value.len()) {
        return false;
    }
    let bits = alphabet::union(value);
    let signs = bits & !(alphabet::WORD | KEY_SIGNS) != 0;
    let mixed = bits & DIGIT != 0 && bits & LETTER != 0 && signs;
    let bare = !value.windows(2).any(|pair| pair == b"=$");
    mixed && bare && password(value, false)
}

/// Signs that keys, names, paths and addresses have.
const KEY_SIGNS: u32 = alphabet::DASH
    | DOT
    | PLUS
    | SLASH
    | EQUALS
    | alphabet::TILDE
    | alphabet::PERCENT
    | COLON
    | alphabet::QUERY
    | alphabet::AND
    | alphabet::BAR
    | alphabet::AT;

/// How much a name before a value says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trust {
    /// A word beside it, and no operator.
    Spaced,
    /// A name and an operator.
    Assigned,
    /// A vendor's name too.
    Vendor,
}

/// Whether a value was made by chance, as far as can be seen.
pub(super) fn random(value: &[u8], trust: Trust) -> bool {
    let value = value.get(..MOST).unwrap_or(value);
    drawn(value, trust) && !repeats(value) && !stands_in(value)
}

/// Whether the bytes of a value are spread as chance spreads them.
fn drawn(value: &[u8], trust: Trust) -> bool {
    let (shortest, floor) = match trust {
        Trust::Spaced => (16, 3.0),
        Trust::Assigned => (LEAST, 2.9),
        Trust::Vendor => (LEAST, 2.2),
    };
    // One digit is a number in a name; no judgement below lets it through.
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if value.len() < shortest || digits == 1 || digits == 0 && value.len() < 16 {
        return false;
    }
    let profile = Profile::of(value);
    let alnum = profile.digits + profile.letters;
    if alnum * 4 < value.len() * 3 || entropy::of(value) < floor || named_thing(value, &profile) {
        return false;
    }
    let hex = profile.bits & ALNUM & !(DIGIT | HEX_LOWER | HEX_UPPER) == 0;
    if hex && profile.letters >= 2 && profile.digits >= 2 && alnum >= 16 {
        return trust > Trust::Spaced || alnum == value.len();
    }
    if profile.digits == 0 {
        let mixed = profile.changes * 4 >= alnum && value.len() >= 16;
        return mixed && trust > Trust::Spaced;
    }
    if profile.letters < 3 {
        return trust == Trust::Vendor && value.len() >= 16;
    }
    let mixed = profile.changes * 4 >= alnum;
    let long = profile.stretch >= 16 && profile.digits >= 2;
    let vendor = trust == Trust::Vendor && profile.digits >= 2;
    let dense = alnum == value.len() && alnum >= 20 && profile.digits >= 4 && profile.changes >= 3;
    mixed && profile.digits >= 2 || long || dense || vendor && profile.changes * 8 >= alnum
}

/// Whether a value may be a password that somebody chose. `set` says that it
/// stands in quotes or right after `=`: only then may it be a mere word.
pub(super) fn password(value: &[u8], set: bool) -> bool {
    if value.len() < 4 || value.len() > LONGEST {
        return false;
    }
    let known = |word: &&str| value.eq_ignore_ascii_case(word.as_bytes());
    if no_passwords(value.len()).iter().any(known) {
        return false;
    }
    let profile = Profile::of(value);
    if named_thing(value, &profile) || profile.letters == 0 && value.len() < 6 {
        return false;
    }
    if entropy::of(value) < 1.5 || stands_in(value) {
        return false;
    }
    let special = profile.bits & !(ALNUM | DOT | alphabet::UNDERSCORE | alphabet::DASH) != 0;
    if profile.digits > 0 && profile.letters > 0 || special {
        return value.len() >= 5;
    }
    set && value.len() >= 8 && profile.letters > 0
}

/// Whether a value whose shape is a vendor's own is only shown: an example.
pub(super) fn shown(value: &[u8]) -> bool {
    let example = value.ends_with(b"EXAMPLE");
    let value = value.get(..MOST).unwrap_or(value);
    example
        || [
            &b"xxxxxx"[..],
            b"your_",
            b"your-",
            b"YOUR",
            b"placeholder",
            b"redacted",
            b"PUT_",
        ]
        .iter()
        .any(|piece| value.windows(piece.len()).any(|part| part == *piece))
        || value.windows(6).any(|part| part == b"XXXXXX")
}

/// The digits of base 62 in the order of GitHub's and npm's checksums.
fn base62(byte: u8) -> Option<u32> {
    Some(match byte {
        b'0'..=b'9' => u32::from(byte - b'0'),
        b'A'..=b'Z' => u32::from(byte - b'A') + 10,
        b'a'..=b'z' => u32::from(byte - b'a') + 36,
        _ => return None,
    })
}

/// Whether the last six digits are the CRC-32 of those between prefix and checksum.
pub(super) fn crc_holds(value: &[u8]) -> bool {
    let Some(prefix) = value.iter().rposition(|byte| *byte == b'_') else {
        return false;
    };
    let body = value.get(prefix + 1..).unwrap_or_default();
    let Some((drawn, sum)) = body
        .len()
        .checked_sub(6)
        .and_then(|at| body.split_at_checked(at))
    else {
        return false;
    };
    let said = sum.iter().try_fold(0_u32, |sum, byte| {
        sum.checked_mul(62)?.checked_add(base62(*byte)?)
    });
    said == Some(crc32fast::hash(drawn))
}

/// Whether the first part of a token is a JSON object in base64.
pub(super) fn json_header(value: &[u8]) -> bool {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let head = value.split(|byte| *byte == b'.').next().unwrap_or_default();
    let whole = head.len() - head.len() % 4;
    let head = head.get(..whole.min(256)).unwrap_or_default();
    let mut plain = [0_u8; 192];
    URL_SAFE_NO_PAD
        .decode_slice(head, &mut plain)
        .is_ok_and(|length| {
            let plain = plain.get(..length).unwrap_or_default();
            let shown = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
            plain.starts_with(b"{") && plain.contains(&b'"') && plain.iter().all(shown)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standin_is_seen_in_any_case() {
        for first in 0..128_u8 {
            for piece in standins(first).iter().filter(|piece| piece[0] == first) {
                let shout = piece.to_ascii_uppercase();
                for piece in [*piece, shout.as_slice()] {
                    assert!(stands_in(&[b"a1", piece, b"b2"].concat()), "{piece:?}");
                }
            }
        }
        assert!(!stands_in(b"9f86d081884c7d659a2feaa0c55ad015"));
    }

    #[test]
    fn words_that_are_no_passwords_stand_by_their_length() {
        for length in 0..=LONGEST {
            let words = no_passwords(length);
            assert!(words.iter().all(|word| word.len() == length), "{words:?}");
        }
        assert!(!password(b"Incorrect", true) && !password(b"credentials", true));
    }
}
