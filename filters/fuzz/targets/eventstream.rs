//! AWS's framing, with right checksums or as it comes, by itself and before the
//! decoder of Bedrock's streams.
#![no_main]

use alfred_filters::dialect::Dialect;
use alfred_filters::eventstream::{EventStreamReader, Flaw, Message};
use alfred_filters_fuzz::{Choices, aws, decoder};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fn read(cap: usize, bytes: &Bytes, sizes: &[usize]) -> (Vec<Message>, Option<Flaw>, bool) {
    let mut reader = EventStreamReader::new(cap);
    let (mut found, mut rest) = (Vec::new(), bytes.clone());
    let mut sizes = sizes.iter().cycle();
    while !rest.is_empty() {
        let size = sizes.next().map_or(1, |size| *size).min(rest.len());
        reader.feed(rest.split_to(size));
        loop {
            match reader.next_message() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(flaw) => return (found, Some(flaw), reader.is_open()),
            }
        }
    }
    let open = reader.is_open();
    (found, None, open)
}

fuzz_target!(|input: &[u8]| {
    let (choices, bytes) = Choices::split(input);
    let bytes = match choices.pick(3, 4) {
        0 => bytes.to_vec(),
        _ => aws::mended(bytes.to_vec()),
    };
    let shared = Bytes::from(bytes.clone());
    for cap in [64, 1 << 20] {
        let whole = read(cap, &shared, &[shared.len().max(1)]);
        assert_eq!(read(cap, &shared, &choices.sizes()), whole);
        assert_eq!(read(cap, &shared, &[1]), whole);
        for message in &whole.0 {
            assert!(message.headers().all(|header| header.is_ok()));
        }
    }
    decoder::check(Dialect::BedrockConverse, choices, bytes);
});
