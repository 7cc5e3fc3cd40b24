//! AWS's frames around what a fuzzer writes: without right checksums nothing would
//! get behind the framing.

const PRELUDE: usize = 12;

/// One frame with headers of text.
fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(name.len() as u8);
        head.extend(name.as_bytes());
        head.push(7);
        head.extend((value.len() as u16).to_be_bytes());
        head.extend(value.as_bytes());
    }
    let length = (PRELUDE + head.len() + payload.len() + 4) as u32;
    let mut out = length.to_be_bytes().to_vec();
    out.extend((head.len() as u32).to_be_bytes());
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out.extend(head);
    out.extend(payload);
    out.extend(crc32fast::hash(&out).to_be_bytes());
    out
}

/// A frame for every line, `name payload`. A name that begins with `!` is that of an
/// exception, one with `?` that of an error.
pub fn lines(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
    {
        let end = line.iter().position(|byte| *byte == b' ');
        let (name, payload) = line.split_at(end.unwrap_or(line.len()));
        let name: String = String::from_utf8_lossy(name).chars().take(60).collect();
        let payload = payload.get(1..).unwrap_or(&[]);
        let headers = match name.as_bytes().first() {
            Some(b'!') => [
                (":exception-type", &name[1..]),
                (":message-type", "exception"),
            ],
            Some(b'?') => [(":error-code", &name[1..]), (":message-type", "error")],
            _ => [(":event-type", &name[..]), (":message-type", "event")],
        };
        out.extend(frame(&headers, payload));
    }
    out
}

/// The same bytes with right checksums, as far as they are frames.
pub fn mended(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    while let Some(prelude) = bytes.get(at..at + 8) {
        let length = u32::from_be_bytes([prelude[0], prelude[1], prelude[2], prelude[3]]) as usize;
        let sum = crc32fast::hash(prelude).to_be_bytes();
        let Some(place) = bytes.get_mut(at + 8..at + PRELUDE) else {
            break;
        };
        place.copy_from_slice(&sum);
        let Some(end) = at.checked_add(length).filter(|end| *end <= bytes.len()) else {
            break;
        };
        if length < PRELUDE + 4 {
            break;
        }
        let sum = crc32fast::hash(&bytes[at..end - 4]).to_be_bytes();
        bytes[end - 4..end].copy_from_slice(&sum);
        at = end;
    }
    bytes
}
