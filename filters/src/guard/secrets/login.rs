//! Logins that stand in a grammar of their own rather than behind a name: the user
//! part of a URL, `curl -u`, and the `Authorization` header.

use std::ops::Range;

use super::alphabet::{self, ALNUM, DIGIT, LETTER, OTHER};
use super::value::{self, Trust};

/// Words that stand for a user or a password in documentation.
const EXAMPLES: [&str; 14] = [
    "user",
    "username",
    "pass",
    "password",
    "passwd",
    "pwd",
    "token",
    "test",
    "login",
    "name",
    "x-oauth-basic",
    "apikey",
    "api_key",
    "secret",
];

fn example(word: &[u8]) -> bool {
    EXAMPLES
        .iter()
        .any(|known| word.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether the word is written by a template: `$PASSWORD`, `***`.
fn templated(word: &[u8]) -> bool {
    let bits = alphabet::union(word);
    bits & ALNUM == 0
        || bits & OTHER != 0 && bits & DIGIT == 0
        || word.starts_with(b"$")
        || word.starts_with(b"%")
        || value::holds(word, b"xxxx")
        || value::holds(word, b"your")
}

/// The password in the user part of a URL within the run.
pub(super) fn in_url(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let bytes = text.get(run.clone())?;
    let scheme = bytes.windows(3).position(|part| part == b"://")?;
    let from = scheme + 3;
    let rest = bytes.get(from..)?;
    let host = rest
        .iter()
        .position(|b| matches!(b, b'/' | b'?' | b'#'))
        .unwrap_or(rest.len());
    let at = rest.get(..host)?.iter().rposition(|b| *b == b'@')?;
    let login = rest.get(..at)?;
    let colon = login.iter().position(|b| *b == b':')?;
    let (user, password) = (login.get(..colon)?, login.get(colon + 1..)?);
    let host = rest.get(at + 1..)?;
    let near = host.starts_with(b"localhost") || host.starts_with(b"127.0.0.1");
    let shown = example(password) && (near || user.eq_ignore_ascii_case(b"username"));
    let short = password.len() < 3 || !alphabet_letter(bytes.get(scheme.checked_sub(1)?)?);
    if short || shown || templated(password) || templated(user) && !user.is_empty() {
        return None;
    }
    let start = run.start + from + colon + 1;
    Some(start..start + password.len())
}

fn alphabet_letter(byte: &u8) -> bool {
    alphabet::of(*byte) & (LETTER | DIGIT) != 0
}

/// The bytes before `at` without blanks and quotes at their end.
fn trimmed(text: &[u8], at: usize) -> &[u8] {
    let left = text.get(at.saturating_sub(96)..at).unwrap_or_default();
    let kept = left
        .iter()
        .rposition(|b| !matches!(b, b' ' | b'"' | b'\'' | b'\\' | b'$'))
        .map_or(0, |last| last + 1);
    left.get(..kept).unwrap_or_default()
}

/// What stands in all of these options.
pub(super) const OPTION: &[u8] = b"-u";

/// Whether the bytes end with the option `-u` or `--user`.
fn option(left: &[u8]) -> bool {
    left.ends_with(b" -u") || left.ends_with(b"--user") || left.ends_with(b"--proxy-user")
}

/// What of `curl -u user:password` is the secret, when the run is that argument or,
/// with the password in quotes of its own, what follows it.
pub(super) fn in_curl(text: &[u8], run: &Range<usize>) -> Option<Range<usize>> {
    let bytes = text.get(run.clone())?;
    let left = trimmed(text, run.start);
    if let Some(named) = left.strip_suffix(b":") {
        let user = named
            .iter()
            .rposition(|b| matches!(b, b' ' | b'"' | b'\''))?
            + 1;
        let quoted = matches!(text.get(run.start.checked_sub(1)?), Some(b'"' | b'\''));
        let before = named.get(..user)?;
        let tail = before
            .iter()
            .rposition(|b| !matches!(b, b' ' | b'"' | b'\''))?;
        let bound = quoted && option(before.get(..=tail)?);
        return (bound && secret(bytes)).then(|| run.clone());
    }
    if !option(left) {
        return None;
    }
    let bytes = bytes.strip_prefix(b"=").unwrap_or(bytes);
    let start = run.end - bytes.len();
    let colon = bytes.iter().position(|b| *b == b':')?;
    let (user, password) = (bytes.get(..colon)?, bytes.get(colon + 1..)?);
    if password.is_empty() {
        // The user alone is a token, as Stripe and Elastic take it.
        return (user.len() >= 10 && secret(user)).then(|| start..start + colon);
    }
    let numbers = alphabet::union(bytes) & LETTER == 0;
    (!numbers && !templated(user) && secret(password)).then(|| start + colon + 1..run.end)
}

/// Whether a password given to a program is one.
fn secret(word: &[u8]) -> bool {
    word.len() >= 4 && !example(word) && !templated(word) && !value::stands_in(word)
}

/// What a header's value is, when the run is one: the rule's name and the place.
pub(super) fn in_header(text: &[u8], run: &Range<usize>) -> Option<(&'static str, Range<usize>)> {
    let bytes = text.get(run.clone())?;
    if bytes.len() < 8 || text.get(run.start.checked_sub(1)?) != Some(&b' ') {
        return None;
    }
    let left = trimmed(text, run.start);
    let ends = |word: &[u8]| {
        let at = left.len().checked_sub(word.len());
        at.and_then(|at| left.get(at..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(word))
    };
    let authorization = || value::holds(left, b"authorization");
    if ends(b"basic") && authorization() {
        return basic(bytes).then(|| ("basic-auth-header", run.clone()));
    }
    let bits = alphabet::union(bytes);
    if bits & DIGIT == 0 || bits & LETTER == 0 || bytes.len() < 12 {
        return None;
    }
    let bearer = ends(b"bearer") || ends(b"bearer:");
    let scheme = bearer || (ends(b"token") || ends(b"apikey")) && authorization();
    let bare = ends(b"authorization:");
    if !scheme && !bare || value::stands_in(bytes) || value::repeats(bytes) {
        return None;
    }
    let chance = value::random(bytes, Trust::Assigned) || authorization();
    chance.then(|| ("authorization-header", run.clone()))
}

/// Whether it is base64 of `user:password`.
fn basic(bytes: &[u8]) -> bool {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    let mut plain = [0_u8; 192];
    let kept = bytes
        .iter()
        .rposition(|b| *b != b'=')
        .map_or(0, |last| last + 1);
    let text = bytes.get(..kept.min(256)).unwrap_or_default();
    let whole = text.len() - text.len() % 4;
    let text = if kept > 256 {
        text.get(..whole).unwrap_or_default()
    } else {
        text
    };
    let Ok(length) = STANDARD_NO_PAD.decode_slice(text, &mut plain) else {
        return false;
    };
    let plain = plain.get(..length).unwrap_or_default();
    let shown = plain.iter().filter(|b| (b' '..=b'~').contains(*b)).count();
    plain.contains(&b':') && shown * 10 >= plain.len() * 9
}
