//! Events as providers send them, cut anywhere.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug, PartialEq)]
enum Seen {
    Event(String, String),
    Comment(String),
    Stray(String),
}

fn seen(frame: Frame<'_>) -> Seen {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match frame {
        Frame::Event { name, data } => Seen::Event(text(name), text(data)),
        Frame::Comment(line) => Seen::Comment(text(line)),
        Frame::Stray(line) => Seen::Stray(text(line)),
    }
}

fn read(stream: &[u8], size: usize, cap: usize) -> Result<Vec<Seen>, TooLong> {
    let mut reader = SseReader::new(cap);
    let mut all = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        reader.feed(Bytes::copy_from_slice(piece))?;
        while let Some(frame) = reader.next_frame()? {
            all.push(seen(frame));
        }
    }
    all.extend(reader.finish()?.map(seen));
    Ok(all)
}

fn at_every_size(stream: &str) -> Vec<Seen> {
    let whole = read(stream.as_bytes(), usize::MAX, 1 << 20).unwrap();
    for size in 1..stream.len() {
        assert_eq!(
            read(stream.as_bytes(), size, 1 << 20).unwrap(),
            whole,
            "{size} at a time"
        );
    }
    whole
}

fn data(text: &str) -> Seen {
    Seen::Event(String::new(), text.into())
}

#[test]
fn line_ends_of_every_kind_end_lines() {
    for end in ["\n", "\r\n", "\r"] {
        let stream = ["data: a", "", "data:b", "", ""].join(end);
        assert_eq!(at_every_size(&stream), [data("a"), data("b")], "{end:?}");
    }
    assert_eq!(
        at_every_size("data: a\r\n\ndata: b\n\r\n"),
        [data("a"), data("b")]
    );
}

#[test]
fn a_byte_order_mark_does_not_count_as_part_of_its_line() {
    let stream = b"\xEF\xBB\xBFdata: a\n\n";
    for size in [1, 2, 4, 100] {
        assert_eq!(read(stream, size, 7), Ok(vec![data("a")]));
        assert_eq!(read(stream, size, 6), Err(TooLong { cap: 6 }));
    }
}

#[test]
fn only_one_space_after_the_colon_is_no_data() {
    assert_eq!(
        at_every_size("data:  a\n\ndata:{}\n\n"),
        [data(" a"), data("{}")]
    );
}

#[test]
fn data_lines_of_one_event_are_joined() {
    let stream = "event: error\ndata: {\nid: 7\nretry: 10\ndata: }\ndata\n\n";
    assert_eq!(
        at_every_size(stream),
        [Seen::Event("error".into(), "{\n}\n".into())]
    );
}

#[test]
fn an_event_name_is_forgotten_with_its_event() {
    let stream = "event: ping\n\ndata: a\n\nevent: x\ndata: b\n\ndata: c\n\n";
    assert_eq!(
        at_every_size(stream),
        [data("a"), Seen::Event("x".into(), "b".into()), data("c")]
    );
}

#[test]
fn comments_and_bare_json_are_seen_and_other_lines_are_not() {
    let stream = ": ping\n\ndata: a\n:x\n\nwhatever\n{\"error\":\"no\"}\n";
    let expected = [
        Seen::Comment(" ping".into()),
        Seen::Comment("x".into()),
        data("a"),
        Seen::Stray("{\"error\":\"no\"}".into()),
    ];
    assert_eq!(at_every_size(stream), expected);
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_start_only() {
    assert_eq!(at_every_size("\u{feff}data: a\n\n"), [data("a")]);
    assert_eq!(at_every_size("\u{feff}data: a"), [data("a")]);
    assert_eq!(at_every_size("data: a\n\n\u{feff}data: b\n\n"), [data("a")]);
}

#[test]
fn the_last_event_needs_no_blank_line() {
    assert_eq!(at_every_size("data: a\n\ndata: b"), [data("a"), data("b")]);
    assert_eq!(
        at_every_size("data: a\n\ndata: b\r"),
        [data("a"), data("b")]
    );
    assert_eq!(
        at_every_size("{\"error\":1}"),
        [Seen::Stray("{\"error\":1}".into())]
    );
}

#[test]
fn a_line_or_an_event_over_the_cap_is_an_error_at_any_cut() {
    let line = format!("data: {}\n\n", "x".repeat(90));
    let event = "data: xxxxxxxxxxxxxxxxxxxx\n".repeat(5) + "\n";
    for size in [1, 7, 1000] {
        assert_eq!(read(line.as_bytes(), size, 80), Err(TooLong { cap: 80 }));
        assert_eq!(read(event.as_bytes(), size, 80), Err(TooLong { cap: 80 }));
        assert!(read(line.as_bytes(), size, 96).is_ok());
    }
    assert_eq!(
        read("x".repeat(100).as_bytes(), 1, 80),
        Err(TooLong { cap: 80 }),
        "no line end at all"
    );
}

#[test]
fn an_event_inside_one_chunk_is_not_copied() {
    let chunk = Bytes::from_static(b"data: hello\n\n");
    let mut reader = SseReader::new(100);
    reader.feed(chunk.clone()).unwrap();
    let Some(Frame::Event { data, .. }) = reader.next_frame().unwrap() else {
        panic!("an event")
    };
    assert!(chunk.as_ptr_range().contains(&data.as_ptr()));
    assert!(!reader.is_open());
}

proptest! {
    #[test]
    fn the_cuts_never_change_what_is_read(stream in "(data: ?|event: |:|\\{|\r|\n|\r\n|x|\u{feff}){0,40}", size in 1_usize..9) {
        prop_assert_eq!(read(stream.as_bytes(), size, 1 << 20), read(stream.as_bytes(), usize::MAX, 1 << 20));
    }

    #[test]
    fn arbitrary_bytes_do_not_panic(stream in prop::collection::vec(any::<u8>(), 0..300), size in 1_usize..50) {
        let _ = read(&stream, size, 40);
    }
}
