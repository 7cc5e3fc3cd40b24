//! E-mail addresses, recognised from their `@`: what stands left of it is a local
//! part, what stands right of it a domain with a plausible last label.

use super::Entity;
use super::hit::Hit;
use super::view::{View, alnum, host, local};

/// The longest local part, in bytes.
pub(super) const LOCAL: usize = 64;
/// The longest domain, in bytes.
const DOMAIN: usize = 253;
/// The shortest domain with its `@`: `@t.co`.
const SHORTEST: usize = 5;
/// Last labels that are files: `logo@2x.png`.
const FILES: &[&[u8]] = &[
    b"png", b"jpg", b"jpeg", b"gif", b"svg", b"webp", b"css", b"js", b"json", b"html", b"pdf",
];

/// Where the next `@` stands, so that no text is searched twice for it.
#[derive(Default)]
pub(super) struct Sign(usize);

impl Sign {
    /// Whether an `@` stands between two places, the second included, or may come there.
    /// The first must never go back.
    pub(super) fn within(&mut self, view: &View<'_>, (from, to): (usize, usize)) -> bool {
        if self.0 < from {
            self.0 = view.next(from, b'@');
        }
        self.0 <= to
    }
}

/// The address whose `@` stands here.
pub(super) fn find(view: &View<'_>, sign: usize) -> Option<Hit> {
    let most = view.run(sign + 1, DOMAIN + 1, host);
    if most - sign < SHORTEST {
        return None;
    }
    let end = domain_end(view, sign + 1, most)?;
    let start = local_start(view, sign)?;
    let checkout = view.part(start, sign) == b"git" && view.at(end) == b':';
    (!checkout).then(|| Hit::new(Entity::Email, start..end, 100))
}

/// Where the local part begins that ends here.
fn local_start(view: &View<'_>, sign: usize) -> Option<usize> {
    let mut start = view.back(sign, LOCAL + 1, local);
    if sign - start > LOCAL {
        return None;
    }
    // Punctuation and the rest of a character cannot lead.
    while start < sign && !leads(view.at(start)) {
        start += 1;
    }
    (start < sign).then_some(start)
}

fn leads(byte: u8) -> bool {
    alnum(byte) || byte == b'_' || byte >= 0xc3
}

/// Where the domain ends that begins here, at most there.
fn domain_end(view: &View<'_>, start: usize, most: usize) -> Option<usize> {
    let mut end = None;
    let mut label = start;
    let mut labels = 0;
    for place in start..=most {
        if place < most && view.at(place) != b'.' {
            continue;
        }
        let part = view.part(label, place);
        if part.is_empty() || part.len() > 63 || part.starts_with(b"-") {
            break;
        }
        labels += 1;
        if labels > 1 && top(part) {
            end = Some(place);
        }
        label = place + 1;
    }
    let end = end?;
    let last = view.part(start, end).rsplit(|byte| *byte == b'.').next();
    let file = FILES
        .iter()
        .any(|file| last.is_some_and(|last| last.eq_ignore_ascii_case(file)));
    // Letters of another script that are tied to the last label are no part of it.
    (!(file || view.at(end) == b'-' || alnum(view.at(end)))).then_some(end)
}

/// Whether a domain may end with this label.
fn top(label: &[u8]) -> bool {
    let punycode = label.len() > 4
        && label
            .get(..4)
            .is_some_and(|p| p.eq_ignore_ascii_case(b"xn--"));
    let letters = label.iter().all(u8::is_ascii_alphabetic);
    punycode || (letters && (2..=24).contains(&label.len()))
}
