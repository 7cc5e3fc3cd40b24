//! What an address carries besides its way: text in base64, hex or percent code,
//! long runs without words, sentences in a query. Hashes, ids and slugs are what
//! honest addresses carry, so they are let through by their own shapes.

/// The shortest run that can be data, in bytes.
const RUN: usize = 24;

/// What an address carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Carried {
    Nothing,
    /// A long run without words.
    Data,
    /// Readable text, as it is or behind a code.
    Text,
}

/// What one run of base64 characters is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Run {
    Words,
    /// As long as a digest in hex.
    Hash,
    Random(usize),
    Text,
}

/// How much each part of an address may carry.
struct Bounds {
    path: usize,
    query: usize,
    words: usize,
    total: usize,
    hashes: usize,
}

const FETCHED: Bounds = Bounds {
    path: RUN,
    query: RUN,
    words: RUN,
    total: 200,
    hashes: 0,
};

/// Ids of shared documents and lists are long, and a click is a person's choice.
const CLICKED: Bounds = Bounds {
    path: 65,
    query: 40,
    words: 128,
    total: 1000,
    hashes: 2,
};

/// The host of an authority, without user and port.
pub(super) fn host(authority: &[u8]) -> &[u8] {
    let host = authority.rsplit(|byte| *byte == b'@').next();
    let host = host.unwrap_or_default();
    let port = host.iter().rposition(|byte| *byte == b':');
    let host = port.and_then(|at| host.get(..at)).unwrap_or(host);
    host.strip_suffix(b".").unwrap_or(host)
}

/// Judges an address: its authority, and all that follows it.
pub(super) fn carried(authority: &[u8], tail: &[u8], fetched: bool) -> Carried {
    let bounds = if fetched { FETCHED } else { CLICKED };
    let query = tail.iter().position(|byte| matches!(byte, b'?' | b'#'));
    let (path, query) = tail.split_at(query.unwrap_or(tail.len()));
    let mut worst = by_authority(authority);
    if query.len() > bounds.total {
        worst = worst.max(Carried::Data);
    }
    let mut hashes = 0_usize;
    for part in path.split(|byte| matches!(byte, b'/' | b'\\')) {
        worst = worst.max(of_part(part, bounds.path, &mut hashes));
    }
    // An image's name may be its own digest.
    hashes = hashes.saturating_sub(usize::from(fetched));
    for part in query.split(|byte| b"?#&;=/".contains(byte)) {
        worst = worst.max(of_part(part, bounds.query, &mut hashes));
        let (length, spaces) = sentence(part);
        if length >= bounds.words && spaces >= 3 {
            worst = Carried::Text;
        }
    }
    if hashes > bounds.hashes {
        worst = worst.max(Carried::Data);
    }
    worst
}

/// A user that looks like a host hides the real one; labels can carry data to
/// the host's name server.
fn by_authority(authority: &[u8]) -> Carried {
    let host = host(authority);
    if let Some(at) = authority.iter().rposition(|byte| *byte == b'@') {
        let user = authority.get(..at).unwrap_or_default();
        if user.contains(&b'.') || user.len() >= RUN {
            return Carried::Data;
        }
    }
    let mut worst = Carried::Nothing;
    for label in host.split(|byte| *byte == b'.') {
        if !label.starts_with(b"xn--") {
            worst = worst.max(of_part(label, RUN, &mut 0));
        }
    }
    if host.len() > 100 {
        worst = worst.max(Carried::Data);
    }
    worst
}

/// One part between separators; counts its hashes.
fn of_part(part: &[u8], bound: usize, hashes: &mut usize) -> Carried {
    if part.len() < RUN {
        return Carried::Nothing;
    }
    if coded_letters(part) >= 6 {
        return Carried::Text;
    }
    let mut worst = Carried::Nothing;
    for run in Runs(part) {
        match judge(run) {
            Run::Text => return Carried::Text,
            Run::Random(length) if length >= bound => worst = Carried::Data,
            Run::Hash => *hashes += 1,
            Run::Random(_) | Run::Words => {}
        }
    }
    worst
}

/// Runs of base64 characters, `%2B`, `%2F` and `%3D` among them.
struct Runs<'a>(&'a [u8]);

impl<'a> Iterator for Runs<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let start = self.0.iter().position(|byte| in_run(*byte))?;
        let rest = self.0.get(start..)?;
        let mut end = 0;
        while let Some(byte) = rest.get(end) {
            let coded = rest.get(end..end + 3).unwrap_or_default();
            if in_run(*byte) {
                end += 1;
            } else if coded.eq_ignore_ascii_case(b"%2B") || coded.eq_ignore_ascii_case(b"%2F") {
                end += 3;
            } else {
                break;
            }
        }
        self.0 = rest.get(end..)?;
        rest.get(..end)
    }
}

fn in_run(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'+')
}

fn judge(run: &[u8]) -> Run {
    if run.len() < RUN {
        return Run::Words;
    }
    let pieces = || run.split(|byte| !byte.is_ascii_alphanumeric());
    let longest = pieces().map(<[u8]>::len).max().unwrap_or_default();
    let hex = pieces()
        .filter(|piece| piece.len() >= RUN && piece.iter().all(u8::is_ascii_hexdigit))
        .max_by_key(|piece| piece.len());
    if let Some(hex) = hex {
        return match hex.len() {
            _ if hides_hex(hex) => Run::Text,
            32 | 40 | 64 => Run::Hash,
            length => Run::Random(length),
        };
    }
    let count = |is: fn(&u8) -> bool| run.iter().filter(|byte| is(byte)).count();
    let (upper, lower) = (count(u8::is_ascii_uppercase), count(u8::is_ascii_lowercase));
    let digits = count(u8::is_ascii_digit);
    let turns = turns(run);
    let mixed = upper > 2 && lower > 2 && turns * 3 >= run.len();
    let figured = digits > 0 || run.len() >= 48;
    if mixed && hides_base64(run) {
        return Run::Text;
    }
    let single = (upper == 0 || lower == 0) && longest >= RUN && turns * 5 >= run.len();
    if (mixed || single) && figured {
        return Run::Random(run.len());
    }
    Run::Words
}

/// How often the kind of character changes: rare in words, frequent in codes.
fn turns(run: &[u8]) -> usize {
    let class = |byte: &u8| match byte {
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        b'0'..=b'9' => 3,
        _ => 0,
    };
    let pairs = run.iter().zip(run.iter().skip(1));
    pairs
        .filter(|(left, right)| {
            let (left, right) = (class(left), class(right));
            left != right && left != 0 && right != 0
        })
        .count()
}

fn readable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t')
}

/// Whether hex stands for ASCII text.
fn hides_hex(run: &[u8]) -> bool {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or_default();
    let pairs = run.as_chunks::<2>().0.iter();
    let value = |[high, low]: &[u8; 2]| digit(high) * 16 + digit(low);
    let good = pairs.filter(|pair| u8::try_from(value(pair)).is_ok_and(readable));
    good.count() * 20 >= run.len() / 2 * 19
}

/// Whether base64 stands for ASCII text, read without a buffer.
fn hides_base64(run: &[u8]) -> bool {
    let (mut bits, mut held, mut good, mut all) = (0_u32, 0_u32, 0, 0);
    let mut rest = run;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' => 63,
            _ => {
                let plus = after.get(1).is_some_and(|b| b.eq_ignore_ascii_case(&b'B'));
                rest = after.get(2..).unwrap_or_default();
                if plus { 62 } else { 63 }
            }
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        held += 6;
        if held >= 8 {
            held -= 8;
            all += 1;
            good += usize::from(readable((bits >> held & 0xff) as u8));
        }
    }
    good * 10 >= all * 9
}

/// Percent codes of letters and digits, which nobody needs to write.
fn coded_letters(part: &[u8]) -> usize {
    let code = |w: &[u8]| match w {
        [b'%', b'3', b'0'..=b'9'] => true,
        [b'%', b'4' | b'6', low] => *low != b'0' && low.is_ascii_hexdigit(),
        [b'%', b'5' | b'7', low] => low.is_ascii_digit() || matches!(low, b'a' | b'A'),
        _ => false,
    };
    part.windows(3).filter(|w| code(w)).count()
}

/// The length of a value once its codes are read, and its spaces.
fn sentence(part: &[u8]) -> (usize, usize) {
    let codes = memchr::memchr_iter(b'%', part).count();
    let coded = part.windows(3).filter(|w| *w == b"%20").count();
    let plain = memchr::memchr2_iter(b'+', b' ', part).count();
    (part.len() - (codes * 2).min(part.len()), coded + plain)
}
