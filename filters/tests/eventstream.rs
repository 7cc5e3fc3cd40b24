//! AWS's frames: the vectors of AWS's own reader, any cut of the input, and bytes
//! that were never frames.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

use std::path::PathBuf;

use alfred_filters::eventstream::{DEFAULT_CAP, EventStreamReader, Flaw, Message, Value};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value as Json;

#[path = "bedrock/frames.rs"]
mod frames;

use frames::{base64, frame};

fn vectors() -> Vec<(String, bool, Vec<u8>)> {
    let shared = std::env::var("ALFRED_SHARED").map_or_else(
        |_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = shared.join("fixtures/aws_vectors/eventstream.jsonl");
    let text = std::fs::read_to_string(&path).expect("the vectors of the shared fixtures");
    text.lines()
        .map(|line| {
            let row: Json = serde_json::from_str(line).unwrap();
            (
                row["case"].as_str().unwrap().to_owned(),
                row["valid"].as_bool().unwrap(),
                base64(row["base64"].as_str().unwrap()),
            )
        })
        .collect()
}

fn read(chunks: &[&[u8]]) -> (Vec<Message>, Option<Flaw>, bool) {
    let mut reader = EventStreamReader::new(DEFAULT_CAP);
    let mut found = Vec::new();
    for chunk in chunks {
        reader.feed(Bytes::copy_from_slice(chunk));
        loop {
            match reader.next_message() {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break,
                Err(flaw) => {
                    assert_eq!(reader.next_message(), Err(flaw));
                    return (found, Some(flaw), reader.is_open());
                }
            }
        }
    }
    let open = reader.is_open();
    (found, None, open)
}

fn byte_by_byte(bytes: &[u8]) -> (Vec<Message>, Option<Flaw>, bool) {
    read(&bytes.chunks(1).collect::<Vec<_>>())
}

#[test]
fn every_vector_of_aws_is_judged_as_aws_judges_it() {
    let vectors = vectors();
    assert_eq!(vectors.len(), 11);
    for (case, valid, bytes) in vectors {
        let whole = read(&[&bytes]);
        let judged_valid = whole.1.is_none() && !whole.2 && whole.0.len() == 1;
        assert_eq!(judged_valid, valid, "{case}: {whole:?}");
        let single = byte_by_byte(&bytes);
        assert_eq!((single.0, single.1), (whole.0, whole.1), "{case}");
    }
}

#[test]
fn headers_of_every_type_are_read() {
    let vectors = vectors();
    let (_, _, bytes) = vectors
        .iter()
        .find(|(case, ..)| case == "valid_with_all_headers_and_payload")
        .unwrap();
    let (messages, ..) = read(&[bytes]);
    let headers: Vec<_> = messages[0].headers().map(Result::unwrap).collect();
    assert_eq!(
        headers[..8],
        [
            ("true", Value::Bool(true)),
            ("false", Value::Bool(false)),
            ("byte", Value::Integer(50)),
            ("short", Value::Integer(20_000)),
            ("int", Value::Integer(500_000)),
            ("long", Value::Integer(50_000_000_000)),
            ("bytes", Value::Bytes(b"some bytes")),
            ("str", Value::Text("some str")),
        ]
    );
    assert_eq!(headers[8].0, "time");
    assert!(matches!(headers[8].1, Value::Timestamp(_)));
    assert!(matches!(headers[9].1, Value::Uuid(_)));
    assert_eq!(messages[0].text("str"), Some("some str"));
    assert_eq!(messages[0].text("int"), None);
    assert_eq!(&messages[0].payload()[..], b"some payload");
}

#[test]
fn a_frame_inside_one_chunk_is_not_copied() {
    let bytes = Bytes::from(frame(&[("a", "b")], b"payload"));
    let mut reader = EventStreamReader::new(DEFAULT_CAP);
    reader.feed(bytes.clone());
    let message = reader.next_message().unwrap().unwrap();
    let inside = bytes.as_ptr_range();
    assert!(inside.contains(&message.payload().as_ptr()));
}

#[test]
fn a_frame_that_says_it_is_endless_is_refused_before_it_is_held() {
    let mut prelude = 0xffff_fff0_u32.to_be_bytes().to_vec();
    prelude.extend(0_u32.to_be_bytes());
    prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
    let (_, flaw, open) = byte_by_byte(&prelude);
    assert_eq!(flaw, Some(Flaw::TooLong { cap: DEFAULT_CAP }));
    assert!(!open, "nothing is kept");
    for (length, headers) in [(15_u32, 0_u32), (0, 0), (20, 5), (20, u32::MAX)] {
        let mut prelude = length.to_be_bytes().to_vec();
        prelude.extend(headers.to_be_bytes());
        prelude.extend(crc32fast::hash(&prelude).to_be_bytes());
        assert_eq!(
            read(&[&prelude]).1,
            Some(Flaw::Lengths),
            "{length} {headers}"
        );
    }
}

#[test]
fn two_chunks_fed_at_once_lose_nothing() {
    let one = frame(&[], b"1");
    let two = frame(&[], b"2");
    let mut reader = EventStreamReader::new(DEFAULT_CAP);
    reader.feed(Bytes::from(one));
    reader.feed(Bytes::from(two));
    for expected in [b"1", b"2"] {
        let message = reader.next_message().unwrap().unwrap();
        assert_eq!(&message.payload()[..], expected);
    }
    assert_eq!(reader.next_message(), Ok(None));
    assert!(!reader.is_open());
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_messages(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..80), 1..6),
        cuts in prop::collection::vec(1..40_usize, 1..20),
    ) {
        let mut bytes = Vec::new();
        for payload in &payloads {
            bytes.extend(frame(&[(":event-type", "x"), (":message-type", "event")], payload));
        }
        let (whole, flaw, open) = read(&[&bytes]);
        prop_assert_eq!((flaw, open, whole.len()), (None, false, payloads.len()));
        let mut chunks = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (head, tail) = rest.split_at((*cut).min(rest.len()));
            chunks.push(head);
            rest = tail;
        }
        prop_assert_eq!(read(&chunks), (whole, None, false));
    }

    #[test]
    fn a_changed_byte_is_always_noticed(
        payload in prop::collection::vec(any::<u8>(), 0..40),
        at in any::<prop::sample::Index>(),
        mask in 1..=255_u8,
    ) {
        let mut bytes = frame(&[("name", "value")], &payload);
        let at = at.index(bytes.len());
        bytes[at] ^= mask;
        let (messages, flaw, open) = read(&[&bytes]);
        prop_assert!(messages.is_empty() && (flaw.is_some() || open));
    }

    #[test]
    fn bytes_that_are_no_frames_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let whole = read(&[&bytes]);
        let single = byte_by_byte(&bytes);
        prop_assert_eq!((whole.0, whole.1), (single.0, single.1));
    }
}
