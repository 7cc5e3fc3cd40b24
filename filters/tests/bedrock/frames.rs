//! Frames written for tests, by nothing that is tested.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

/// One frame with headers of text.
pub(crate) fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(u8::try_from(name.len()).unwrap());
        head.extend(name.as_bytes());
        head.push(7);
        head.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        head.extend(value.as_bytes());
    }
    let length = u32::try_from(16 + head.len() + payload.len()).unwrap();
    let mut out = length.to_be_bytes().to_vec();
    out.extend(u32::try_from(head.len()).unwrap().to_be_bytes());
    out.extend(crc(&out).to_be_bytes());
    out.extend(head);
    out.extend(payload);
    out.extend(crc(&out).to_be_bytes());
    out
}

/// CRC-32, bit by bit.
fn crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let mask = (crc & 1).wrapping_neg();
            crc = (crc >> 1) ^ (0xEDB8_8320 & mask);
        }
    }
    !crc
}

/// The bytes that base64 spells.
#[allow(dead_code, reason = "not every test reads base64")]
pub(crate) fn base64(text: &str) -> Vec<u8> {
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => panic!("no base64"),
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from((bits >> count) & 0xff).unwrap());
        }
    }
    out
}

/// The frames of a stream, whole: name and payload of each, and where it ends.
#[allow(dead_code, reason = "not every test takes frames apart")]
pub(crate) fn unframed(bytes: &[u8]) -> Vec<(String, Vec<u8>, usize)> {
    let number = |at: usize| {
        let bytes: [u8; 4] = bytes[at..at + 4].try_into().unwrap();
        u32::from_be_bytes(bytes) as usize
    };
    let (mut at, mut found) = (0, Vec::new());
    while at < bytes.len() {
        let (end, headers) = (at + number(at), number(at + 4));
        let head = &bytes[at + 12..at + 12 + headers];
        let text = String::from_utf8_lossy(head);
        let name = text.split(":event-type").nth(1).unwrap_or_default();
        // A type byte and two bytes of length stand before the name.
        let name: String = name
            .chars()
            .skip(3)
            .take_while(char::is_ascii_alphanumeric)
            .collect();
        let length =
            usize::from(head[head.windows(11).position(|w| w == b":event-type").unwrap() + 13]);
        found.push((
            name[..length].to_owned(),
            bytes[at + 12 + headers..end - 4].to_vec(),
            end,
        ));
        at = end;
    }
    found
}
