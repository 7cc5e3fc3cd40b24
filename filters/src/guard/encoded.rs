//! What hides in an encoded run of a request: base64, hex and percent escapes that spell
//! text are shown decoded to the scanners of a policy. A run is a part of one token, and
//! tokens are cut as the scanner of secrets cuts them; whatever is found covers the whole
//! run, since its parts have no places of their own. Only one level is undone.
//!
//! Clean text costs next to nothing: tokens shorter than a run are jumped over, and a
//! run whose first bytes decode to no text is given up before anything is allocated.

use std::ops::Range;
use std::sync::Arc;

use super::policy::Scan;
use super::secrets::{is_in_token, next_token, token_grows};
use super::window::OPEN;
use super::{Finding, Kind, Window, hidden};

/// The shortest run that is looked at, in bytes.
pub const SHORTEST: usize = 16;

/// How many letters of base64 or hex are tried first: a multiple of four.
const TRIED: usize = 16;

/// Shows what hides in runs to other scanners.
pub struct Encoded {
    scanners: Vec<Arc<dyn Scan>>,
}

impl Encoded {
    /// Shows hidden text to these scanners.
    #[must_use]
    pub fn new(scanners: Vec<Arc<dyn Scan>>) -> Encoded {
        Encoded { scanners }
    }

    /// Tells what hides in the runs of a text.
    fn token(&self, text: &str, token: Range<usize>, out: &mut Vec<Finding>) {
        let bytes = text.as_bytes().get(token.clone()).unwrap_or_default();
        let escaped = memchr::memchr(b'%', bytes).is_some();
        if escaped {
            for part in parts(bytes, is_escaped) {
                let part = token.start + part.start..token.start + part.end;
                let said = text.get(part.clone()).and_then(percent);
                self.tell(said, part, out);
            }
        }
        for part in parts(bytes, is_letter) {
            let start = token.start + part.start;
            let run = text.get(start..token.start + part.end);
            if let Some((place, said)) = run.and_then(letters) {
                let mut run = start + place.start..start + place.end;
                let padding = text.as_bytes().iter().skip(run.end).take(2);
                run.end += padding.take_while(|byte| **byte == b'=').count();
                self.tell(Some(said), run, out);
            }
        }
    }

    /// Shows a text to the scanners; of each kind that is there one finding is told,
    /// the surest, at the place of the run.
    fn tell(&self, said: Option<String>, run: Range<usize>, out: &mut Vec<Finding>) {
        let Some(said) = said else {
            return;
        };
        let mut found = Vec::new();
        for scanner in &self.scanners {
            scanner.scan(Window::whole(&said), &mut found);
        }
        let before = out.len();
        for mut finding in found {
            let shown = matches!(
                finding.kind,
                Kind::Secret | Kind::Pii(_) | Kind::Own(_) | Kind::Canary
            );
            finding.span = run.clone();
            let mut new = out.iter_mut().skip(before);
            match new.find(|other| other.kind == finding.kind) {
                Some(other) if other.confidence < finding.confidence => *other = finding,
                None if shown => out.push(finding),
                _ => {}
            }
        }
    }
}

impl Scan for Encoded {
    fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let text = window.text.as_bytes();
        let mut at = window.from;
        loop {
            // A stretch of the shortest length covers every such place.
            if let Some(probe) = text.get(at..at + SHORTEST)
                && let Some(gap) = probe.iter().rposition(|byte| !is_in_token(*byte))
            {
                at += gap + 1;
                continue;
            }
            let token = next_token(text, at);
            if token.is_empty() {
                return text.len();
            }
            if token.end == text.len() && !window.last && token.len() < OPEN {
                return token.start;
            }
            at = token.end;
            if token.len() >= SHORTEST {
                self.token(window.text, token, out);
            }
        }
    }

    fn stirs(&self, window: Window<'_>, new: usize) -> bool {
        !token_grows(window, new)
    }
}

/// The long stretches of such bytes.
fn parts(bytes: &[u8], is: fn(u8) -> bool) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let rest = bytes.get(at..)?;
            let length = rest.iter().position(|byte| !is(*byte));
            let part = at..at + length.unwrap_or(rest.len());
            at = part.end + 1;
            if part.len() >= SHORTEST {
                return Some(part);
            }
        }
        None
    })
}

/// A letter of base64, or of hex.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// A byte that may stand beside percent escapes.
fn is_escaped(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'%' | b'.' | b'_' | b'+' | b'-' | b'~')
}

/// What percent escapes say.
fn percent(run: &str) -> Option<String> {
    let escape = |part: &str| {
        let digits = part.as_bytes().get(..2);
        digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
    };
    run.split('%').skip(1).any(escape).then_some(())?;
    readable(hidden::percent(run)?)
}

/// What base64 or hex says, and where in the stretch it stands.
fn letters(run: &str) -> Option<(Range<usize>, String)> {
    let hex = run.strip_prefix("0x").unwrap_or(run);
    if hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let begun = hidden::hex(hex.get(..TRIED).unwrap_or(hex))?;
        (hex.len().is_multiple_of(2) && is_begun(&begun)).then_some(())?;
        return Some((0..run.len(), readable(hidden::hex(hex)?)?));
    }
    if let Some(said) = base64(run) {
        return Some((0..run.len(), said));
    }
    // Between the slashes of a path each part may be a run.
    let mut at = 0;
    run.contains('/').then_some(())?;
    run.split('/').find_map(|part| {
        let place = at..at + part.len();
        at = place.end + 1;
        let said = (part.len() >= SHORTEST).then(|| base64(part))??;
        Some((place, said))
    })
}

fn base64(run: &str) -> Option<String> {
    if !hidden::mixed(run) {
        return None;
    }
    let mut begun = [0; TRIED];
    let length = hidden::base64_begun(run.get(..TRIED).unwrap_or(run), &mut begun)?;
    if !is_begun(begun.get(..length)?) {
        return None;
    }
    readable(hidden::base64(run)?)
}

/// Whether bytes may be the beginning of a text.
fn is_begun(bytes: &[u8]) -> bool {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    valid && !bytes.iter().any(|byte| is_control(*byte))
}

fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\n' | b'\r' | b'\t')
}

/// The bytes as text, when all of it can be read.
fn readable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    (!text.bytes().any(is_control)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::super::pii::Pii;
    use super::super::{Confidence, Entity};
    use super::*;

    fn found(text: &str) -> Vec<Range<usize>> {
        let scanner = Encoded::new(vec![Arc::new(Pii::new(&[Entity::Email]))]);
        let mut out = Vec::new();
        scanner.scan(Window::whole(text), &mut out);
        out.into_iter()
            .map(|finding| {
                assert_eq!(finding.kind, Kind::Pii(Entity::Email));
                assert_eq!(finding.confidence, Confidence(100));
                finding.span
            })
            .collect()
    }

    #[test]
    fn a_run_is_told_whole_with_its_padding_and_nothing_beside_it() {
        for (text, run) in [
            (
                "see YW5uQGV4YW1wbGUub3JnIQ== now",
                "YW5uQGV4YW1wbGUub3JnIQ==",
            ),
            ("q=YW5uQGV4YW1wbGUub3Jn&r=1", "YW5uQGV4YW1wbGUub3Jn"),
            ("https://h/a/YW5uQGV4YW1wbGUub3Jn", "YW5uQGV4YW1wbGUub3Jn"),
            (
                "0x616e6e406578616d706c652e6f7267",
                "0x616e6e406578616d706c652e6f7267",
            ),
            ("?m=ann%40example.org&x=2", "ann%40example.org"),
        ] {
            let spans = found(text);
            let told: Vec<&str> = spans
                .into_iter()
                .filter_map(|span| text.get(span))
                .collect();
            assert_eq!(told, [run], "{text}");
        }
    }

    #[test]
    fn hashes_words_and_addresses_hide_nothing() {
        let text = "9f86d081884c7d659a2feaa0c55ad015 Donaudampfschifffahrtsgesellschaft \
            https://example.org/a%20long%20title.html internalErrorHandlerFactoryBean";
        assert!(found(text).is_empty());
    }
}
