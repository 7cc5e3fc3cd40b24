//! The framing of server-sent events, with any cap.
#![no_main]

use alfred_filters::conform::Grammar;
use alfred_filters::sse::{Frame, SseReader};
use alfred_filters_fuzz::Choices;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

/// Every frame as owned bytes, whether the cap was met, and whether it stopped inside an event.
type Read = (Vec<(u8, Vec<u8>, Vec<u8>)>, bool, bool);

fn owned(frame: Frame<'_>) -> (u8, Vec<u8>, Vec<u8>) {
    match frame {
        Frame::Event { name, data } => (0, name.to_vec(), data.to_vec()),
        Frame::Comment(text) => (1, Vec::new(), text.to_vec()),
        Frame::Stray(line) => (2, Vec::new(), line.to_vec()),
    }
}

fn read(cap: usize, bytes: &Bytes, sizes: &[usize]) -> Read {
    let mut reader = SseReader::new(cap);
    let (mut found, mut rest) = (Vec::new(), bytes.clone());
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |size| *size).min(rest.len());
        if reader.feed(rest.split_to(size)).is_err() {
            return (found, true, true);
        }
        loop {
            match reader.next_frame() {
                Ok(Some(frame)) => found.push(owned(frame)),
                Ok(None) => break,
                Err(_) => return (found, true, true),
            }
        }
    }
    let open = reader.is_open();
    match reader.finish() {
        Ok(last) => found.extend(last.map(owned)),
        Err(_) => return (found, true, true),
    }
    (found, false, open)
}

fuzz_target!(|input: &[u8]| {
    let (choices, bytes) = Choices::split(input);
    let bytes = Bytes::copy_from_slice(bytes);
    for cap in [16, 1 << 20] {
        let whole = read(cap, &bytes, &[bytes.len().max(1)]);
        assert_eq!(read(cap, &bytes, &choices.sizes()), whole);
        assert_eq!(read(cap, &bytes, &[1]), whole);
        let all: usize = whole
            .0
            .iter()
            .map(|(_, name, data)| name.len() + data.len())
            .sum();
        assert!(all <= bytes.len() || !whole.0.is_empty());
    }
    // The checker of grammars reads whatever a stranger's gateway sends.
    let _ = Grammar::Messages.check(&bytes);
    let _ = Grammar::Chat { usage: true }.check(&bytes);
    let _ = Grammar::Responses.check(&bytes);
});
