//! Links by which an answer carries data out: an injected instruction makes the
//! model write an image whose address holds what it has read, and showing the
//! answer sends it. Every address outside the allow list is judged by what it
//! carries; what is fetched without a click is judged more strictly.

use std::ops::Range;

mod data;
mod place;

use super::{Confidence, Finding, Kind, Window, window::LEFT_CONTEXT};
use data::Carried;
use place::{Close, Place};

/// The longest address, in bytes; one that is longer is no mere address.
pub const MAX_ADDRESS: usize = 2048;

/// Scans answers for links that carry data.
#[derive(Debug)]
pub struct Links {
    /// Lower case; `.example.com` stands for all below `example.com`.
    hosts: Vec<String>,
}

/// What stands at a place where an address may begin.
enum Seen {
    /// Nothing to report before this byte.
    Past(usize),
    /// More text is needed.
    Open,
    /// A link that carries data, up to this byte.
    Found(usize, Finding),
}

impl Links {
    /// Hosts that links may carry anything to: `docs.example.com`, or
    /// `*.example.com` for all names below it.
    #[must_use]
    pub fn new(hosts: &[String]) -> Links {
        let hosts = hosts.iter().map(|host| {
            let host = host.trim().trim_end_matches('.').to_ascii_lowercase();
            host.strip_prefix('*').map_or(host.clone(), str::to_owned)
        });
        Links {
            hosts: hosts.filter(|host| !host.is_empty()).collect(),
        }
    }

    /// Finds addresses that carry data; gives the bytes decided.
    pub fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let bytes = window.text.as_bytes();
        let mut at = window.from;
        while let Some(step) = bytes
            .get(at..)
            .and_then(|rest| memchr::memchr3(b':', b'/', b'\\', rest))
        {
            let anchor = at + step;
            at = match self.look(window, at, anchor) {
                (_, Seen::Past(next)) => next,
                (start, Seen::Open) => return start,
                (_, Seen::Found(next, finding)) => {
                    out.push(finding);
                    next
                }
            };
        }
        if window.last {
            return bytes.len();
        }
        unfinished_scheme(bytes, at)
    }

    /// Looks at one anchor; gives where the address would begin.
    fn look(&self, window: Window<'_>, from: usize, anchor: usize) -> (usize, Seen) {
        let bytes = window.text.as_bytes();
        let after = anchor + 1;
        let scheme = scheme(bytes, from, anchor);
        let start = scheme.unwrap_or(anchor);
        let slash = bytes.get(anchor) != Some(&b':');
        let before = start.checked_sub(1).and_then(|at| bytes.get(at));
        if scheme.is_none() && (!slash || before.is_some_and(|b| b":/\\".contains(b))) {
            return (start, Seen::Past(after));
        }
        let left = bytes.get(start.saturating_sub(LEFT_CONTEXT)..start);
        let (place, close) = place::of(left.unwrap_or_default());
        let slashes = bytes.get(anchor..).unwrap_or_default().iter();
        let skipped = usize::from(!slash);
        let slashes = slashes.skip(skipped).take_while(|b| b"/\\".contains(b));
        let count = slashes.take(8).count();
        let host = anchor + skipped + count;
        if host == bytes.len() && !window.last && (scheme.is_some() || !place.bare()) {
            return (start, Seen::Open);
        }
        let named = scheme.is_some();
        if (place.bare() && (!named || count == 0)) || (!named && count < 2) {
            return (start, Seen::Past(after));
        }
        (start, self.judge(window, start..host, place, close))
    }

    /// Judges an address whose scheme and slashes stand at `lead`.
    fn judge(&self, window: Window<'_>, lead: Range<usize>, place: Place, close: Close) -> Seen {
        let Range { start, end: host } = lead;
        let text = window.text;
        let rest = text.as_bytes().get(host..).unwrap_or_default();
        let rest = rest.get(..MAX_ADDRESS).unwrap_or(rest);
        let end = close.end(rest);
        let address = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        let tail = address.iter().position(|b| b"/\\?#".contains(b));
        let whole = end.is_some() || rest.len() == MAX_ADDRESS || window.last;
        if tail.is_none() && !whole {
            return Seen::Open;
        }
        let (authority, tail) = address.split_at(tail.unwrap_or(address.len()));
        if self.allows(authority) {
            return Seen::Past(host + authority.len());
        }
        if !whole {
            return Seen::Open;
        }
        let mut to = host + address.len();
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        let endless = end.is_none() && rest.len() == MAX_ADDRESS;
        let carried = match data::carried(authority, tail, place.fetched()) {
            Carried::Nothing if endless => Carried::Data,
            carried => carried,
        };
        let Some(confidence) = confidence(place, &carried) else {
            return Seen::Past(to);
        };
        let finding = Finding {
            kind: Kind::Exfiltration,
            rule: place.rule(),
            span: start..to,
            confidence,
        };
        Seen::Found(to, finding)
    }

    /// Whether the host that this authority leads to is on the list.
    fn allows(&self, authority: &[u8]) -> bool {
        let host = data::host(authority);
        self.hosts.iter().any(|allowed| {
            let allowed = allowed.as_bytes();
            let place = host.len().checked_sub(allowed.len());
            let end = place.and_then(|at| host.get(at..)).unwrap_or_default();
            end.eq_ignore_ascii_case(allowed)
                && (place == Some(0) || allowed.first() == Some(&b'.'))
        })
    }
}

/// Readable text is surer than what only looks random, a fetch worse than a click.
fn confidence(place: Place, carried: &Carried) -> Option<Confidence> {
    Some(match (carried, place.fetched(), place.bare()) {
        (Carried::Nothing, _, _) => return None,
        (Carried::Text, true, _) => Confidence::CERTAIN,
        (Carried::Text, false, false) | (Carried::Data, true, _) => Confidence::HIGH,
        (Carried::Text, false, true) | (Carried::Data, false, false) => Confidence::MEDIUM,
        (Carried::Data, false, true) => Confidence::LOW,
    })
}

/// Where `http` or `https` begins that ends at this colon.
fn scheme(bytes: &[u8], from: usize, colon: usize) -> Option<usize> {
    ["https", "http"].iter().find_map(|name| {
        let start = colon.checked_sub(name.len()).filter(|at| *at >= from)?;
        let written = bytes.get(start..colon)?;
        let joined = start.checked_sub(1).and_then(|at| bytes.get(at));
        (bytes.get(colon) == Some(&b':')
            && written.eq_ignore_ascii_case(name.as_bytes())
            && !joined.is_some_and(u8::is_ascii_alphanumeric))
        .then_some(start)
    })
}

/// Where the text's last bytes may be the beginning of `https:`.
fn unfinished_scheme(bytes: &[u8], from: usize) -> usize {
    let tail = |length: &usize| {
        let start = bytes.len().checked_sub(*length).filter(|at| *at >= from)?;
        let written = bytes.get(start..)?;
        let joined = start.checked_sub(1).and_then(|at| bytes.get(at));
        let begins = "https".as_bytes().get(..*length)?;
        (written.eq_ignore_ascii_case(begins) && !joined.is_some_and(u8::is_ascii_alphanumeric))
            .then_some(start)
    };
    (1..=5)
        .rev()
        .find_map(|length| tail(&length))
        .unwrap_or(bytes.len())
}

#[cfg(test)]
mod tests;
