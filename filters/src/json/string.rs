//! JSON strings: finding their end, reading and writing them. Most bytes of most
//! bodies are strings, so these few functions decide what a request costs.

use std::borrow::Cow;

/// How many bytes at the start can stand in a string as they are. Eight at a
/// time: bodies are mostly long strings.
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let zero_bytes = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, _) = bytes.as_chunks::<8>();
    let mut count = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word;
        let quote = zero_bytes(word ^ (ONES * u64::from(b'"')));
        let escape = zero_bytes(word ^ (ONES * u64::from(b'\\')));
        let stops = (control | quote | escape) & HIGH;
        if stops != 0 {
            return count + stops.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    let tail = bytes.get(count..).unwrap_or_default();
    count
        + tail
            .iter()
            .take_while(|&&b| b >= 0x20 && b != b'"' && b != b'\\')
            .count()
}

/// The text that a JSON string (quotes included) spells. Lone surrogates become
/// U+FFFD, so that a text which cannot be decoded can still be looked at.
pub(crate) fn decode(raw: &str) -> Cow<'_, str> {
    let inner = raw
        .strip_prefix('"')
        .and_then(|r| r.strip_suffix('"'))
        .unwrap_or(raw);
    let Some(first) = memchr::memchr(b'\\', inner.as_bytes()) else {
        return Cow::Borrowed(inner);
    };
    let (plain, mut rest) = inner.split_at(first);
    let mut text = String::with_capacity(inner.len());
    text.push_str(plain);
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        let (plain, escape) = rest.split_at(at);
        text.push_str(plain);
        let (decoded, length) = decode_escape(escape);
        text.push(decoded);
        rest = escape.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// The character that an escape at the start of `text` spells, and its length.
fn decode_escape(text: &str) -> (char, usize) {
    let plain = match text.as_bytes().get(1) {
        Some(b'u') => return decode_unicode(text),
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(&other) => char::from(other),
        None => char::REPLACEMENT_CHARACTER,
    };
    (plain, 2)
}

fn decode_unicode(text: &str) -> (char, usize) {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(0) else {
        return (char::REPLACEMENT_CHARACTER, 2);
    };
    if let (0xD800..=0xDBFF, Some(second @ 0xDC00..=0xDFFF)) = (first, unit(6)) {
        let code = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            12,
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        6,
    )
}

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn push_quoted(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, stop) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((&byte, after)) = stop.split_first() else {
            break;
        };
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                out.extend_from_slice(b"\\u00");
                for nibble in [byte >> 4, byte & 15] {
                    out.extend(HEX.get(usize::from(nibble)));
                }
            }
        }
        rest = after;
    }
    out.push(b'"');
}

/// `text` as a JSON string, quotes included.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_survives_writing_and_reading(text in "\\PC{0,40}|[\\x00-\\x7f]{0,40}") {
            let json = quoted(&text);
            prop_assert_eq!(&serde_json::from_str::<String>(&json).unwrap(), &text);
            prop_assert_eq!(decode(&json), text);
        }

        #[test]
        fn strings_decode_as_serde_json_decodes_them(json in "\"([a-z]|\\\\[nrtbf/]|\\\\u[0-9a-f]{4}){0,9}\"") {
            if let Ok(text) = serde_json::from_str::<String>(&json) {
                prop_assert_eq!(decode(&json), text);
            }
        }
    }

    #[test]
    fn a_lone_surrogate_reads_as_the_replacement_character() {
        assert_eq!(decode(r#""a\ud83d b""#), "a\u{FFFD} b");
        assert_eq!(decode(r#""\ud83d\ude00""#), "😀");
        assert_eq!(decode(r#""\ude00\ud83d""#), "\u{FFFD}\u{FFFD}");
    }
}
