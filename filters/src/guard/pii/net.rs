//! Addresses of networks and network cards: IPv4, IPv6 and MAC, by their grammar.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Entity;
use super::context::{Topic, UNSEEN};
use super::hit::{Best, Hit};
use super::nearby::Nearby;
use super::view::{View, alnum, digit, hex};

/// The longest IPv6 address that is read, in bytes.
const LONGEST: usize = 45;

fn hex_or_colon(byte: u8) -> bool {
    hex(byte) || byte == b':'
}

/// How sure an address is: those that name no machine of anybody's are hardly personal.
fn percent(address: IpAddr) -> u8 {
    let own = [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        Ipv6Addr::LOCALHOST.into(),
    ];
    if own.contains(&address) || address.is_unspecified() {
        35
    } else {
        100
    }
}

/// The IPv4 address or network that begins here, by the place and end of its first
/// digits.
pub(super) fn ipv4(
    view: &View<'_>,
    (start, digits): (usize, usize),
    nearby: &mut Nearby<'_>,
) -> Option<Hit> {
    let mut end = digits;
    if end - start > 3 || view.at(end) != b'.' {
        return None;
    }
    for _ in 0..3 {
        if view.at(end) != b'.' {
            return None;
        }
        let part = end + 1;
        end = view.run(part, 4, digit);
        if end == part || end - part > 3 {
            return None;
        }
    }
    let before = (view.before(start), view.before(start.saturating_sub(1)));
    let named = matches!(before, (b'/', byte) if alnum(byte));
    let next = view.at(end);
    let tied =
        alnum(next) || next == b'_' || (matches!(next, b'.' | b'-') && alnum(view.at(end + 1)));
    if named || tied || view.before(start) == b'-' {
        return None;
    }
    let address: Ipv4Addr = std::str::from_utf8(view.part(start, end))
        .ok()?
        .parse()
        .ok()?;
    let context = nearby.before(view, start);
    let (version, ip) = (
        context.distance(Topic::VERSION),
        context.distance(Topic::IP),
    );
    if version != UNSEEN && version < 24 && version < ip {
        return None;
    }
    let end = network(view, end, 32);
    Some(Hit::new(
        Entity::IpAddress,
        start..end,
        percent(address.into()),
    ))
}

/// The end of the `/24` behind an address, or the address's own end.
fn network(view: &View<'_>, end: usize, most: u32) -> usize {
    if view.at(end) != b'/' {
        return end;
    }
    let stop = view.run(end + 1, 4, digit);
    let bits = std::str::from_utf8(view.part(end + 1, stop)).ok();
    let bits = bits.and_then(|bits| bits.parse::<u32>().ok());
    let fits = bits.is_some_and(|bits| bits <= most) && !alnum(view.at(stop));
    if fits { stop } else { end }
}

/// The address of a network or card around the first digit of a run, by the beginning
/// of its word and the end of its first digits.
pub(super) fn find(
    view: &View<'_>,
    (word, anchor): (usize, usize),
    digits: usize,
    best: &mut Best,
) {
    if !view.part(word, anchor).iter().all(|byte| hex(*byte)) {
        return;
    }
    // Nearly always one look behind the first group is enough.
    let before = view.before(word);
    let known = digits.min(word + 5);
    let end = view.run(known, word + 5 - known, hex);
    let next = view.at(end);
    if before == b':' || next == b':' {
        best.offer(run_start(view, word, 1).and_then(|start| ipv6(view, start)));
    }
    // All groups of a card's address are as long as this one.
    let dots = before == b'.' || next == b'.';
    let joined = match end - word {
        2 => joint(before) || joint(next),
        4 => dots,
        _ => false,
    };
    if joined {
        best.offer(hardware(view, word));
    }
}

/// The start of the run of hexadecimal digits and colons around this place, unless a
/// digit stands in it already (then the run was tried there) or more than so many `::`.
fn run_start(view: &View<'_>, word: usize, mut doubles: usize) -> Option<usize> {
    let mut start = word;
    while word - start < LONGEST - 6 {
        let before = view.before(start);
        if !hex_or_colon(before) || digit(before) {
            break;
        }
        if before == b':' && start < word && view.at(start) == b':' {
            doubles = doubles.checked_sub(1)?;
        }
        start -= 1;
    }
    let before = view.before(start);
    (!alnum(before) && before != b':').then_some(start)
}

/// The IPv6 address around a `::` without a digit before it.
pub(super) fn double_colon(view: &View<'_>, sign: usize) -> Option<Hit> {
    let alone = view.before(sign) != b':' && view.at(sign + 1) == b':' && view.at(sign + 2) != b':';
    let start = alone.then(|| run_start(view, sign, 0)).flatten()?;
    ipv6(view, start)
}

fn ipv6(view: &View<'_>, start: usize) -> Option<Hit> {
    let inside = |byte| hex_or_colon(byte) || byte == b'.';
    let mut end = view.run(start, LONGEST + 1, inside);
    if end - start > LONGEST {
        return None;
    }
    let next = view.at(end);
    // A sentence may end behind an address; a path of a program may not go on.
    let read = view.part(start, end);
    let trimmed = read.iter().rev().take_while(|byte| **byte == b'.').count();
    end -= trimmed;
    let single = read.ends_with(b":") && !read.ends_with(b"::");
    end -= usize::from(single && trimmed == 0);
    let read = view.part(start, end);
    let count = read.iter().filter(|byte| **byte == b':').count();
    let whole = count == 7 || (count == 6 && read.contains(&b'.'));
    if alnum(next) || next == b'_' || !(whole || read.windows(2).any(|pair| pair == b"::")) {
        return None;
    }
    let address: Ipv6Addr = std::str::from_utf8(read).ok()?.parse().ok()?;
    // `::` alone and `a::b` are written in programs too.
    let digits = read.iter().filter(|byte| hex(**byte)).count();
    let weak = digits < 3 || !read.iter().any(|byte| digit(*byte));
    let sure = if weak { 35 } else { percent(address.into()) };
    let mut stop = end;
    if trimmed == 0 && next == b'%' {
        let zone = view.run(end + 1, 16, alnum);
        stop = if zone > end + 1 { zone } else { end };
    } else if trimmed == 0 && !single {
        stop = network(view, end, 128);
    }
    Some(Hit::new(Entity::IpAddress, start..stop, sure))
}

/// Whether this byte can stand between the parts of such an address.
pub(super) fn joint(byte: u8) -> bool {
    matches!(byte, b':' | b'-' | b'.')
}

/// The hardware address around the first digit of a run: six pairs with colons or
/// hyphens, or three fours with dots.
fn hardware(view: &View<'_>, word: usize) -> Option<Hit> {
    let start = view.back(word, 15, |byte| (hex(byte) || joint(byte)) && !digit(byte));
    let first = view.run(start, 5, hex);
    let separator = view.at(first);
    let size = first - start;
    let pairs = match (size, separator) {
        (2, b':' | b'-') => 6,
        (4, b'.') => 3,
        _ => return None,
    };
    let mut end = first;
    for _ in 1..pairs {
        let next = view.run(end + 1, size + 1, hex);
        if view.at(end) != separator || next - end != size + 1 {
            return None;
        }
        end = next;
    }
    let before = view.before(start);
    let tied = |byte: u8| alnum(byte) || joint(byte) || byte == b'_';
    let goes_on = alnum(view.at(end))
        || view.at(end) == b'_'
        || (joint(view.at(end)) && alnum(view.at(end + 1)));
    let zero = view
        .part(start, end)
        .iter()
        .all(|byte| joint(*byte) || *byte == b'0');
    (!tied(before) && !goes_on && !zero).then(|| Hit::new(Entity::MacAddress, start..end, 100))
}
