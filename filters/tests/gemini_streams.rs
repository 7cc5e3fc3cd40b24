//! Streams of Gemini's, read as they are recorded and cut anywhere.

use alfred_filters::answer::{Answer, AnswerStream, Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use bytes::{Bytes, BytesMut};

fn plan(to: Dialect) -> StreamPlan {
    StreamPlan {
        from: Dialect::Gemini,
        to,
        surface: Surface::Chat,
        fidelity: Fidelity::Canonical,
        show_usage: true,
        model: "m".into(),
        id: "chatcmpl-7".into(),
        created: 1,
        choices: 1,
        input_estimate: 9,
    }
}

fn read(stream: &str, size: usize) -> (String, Ending) {
    let mut answer = AnswerStream::new(plan(Dialect::OpenAiChat));
    let mut out = BytesMut::new();
    for piece in stream.as_bytes().chunks(size) {
        if answer
            .feed(&Bytes::copy_from_slice(piece), &mut out)
            .is_err()
        {
            break;
        }
    }
    let ending = answer.finish(&mut out);
    (String::from_utf8(out.to_vec()).unwrap(), ending)
}

const STREAM: &str = concat!(
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Hel\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"g\",\"responseId\":\"r\"}\r\n\r\n",
    "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo\"}],\"role\":\"model\"},\"finishReason\":\"STOP\",\"index\":0}],\"usageMetadata\":{\"promptTokenCount\":3,\"candidatesTokenCount\":2}}\r\n\r\n",
);

#[test]
fn the_cuts_of_a_stream_change_nothing() {
    let (whole, ending) = read(STREAM, usize::MAX);
    assert_eq!(ending, Ending::Complete, "{whole}");
    for part in [
        r#""content":"Hel""#,
        r#""content":"lo""#,
        r#""finish_reason":"stop""#,
        r#""prompt_tokens":3,"completion_tokens":2"#,
        r#""id":"r""#,
    ] {
        assert!(whole.contains(part), "{part} in {whole}");
    }
    for size in 1..STREAM.len() {
        assert_eq!(read(STREAM, size).0, whole, "{size} at a time");
    }
}

#[test]
fn a_stream_without_a_reason_for_its_end_is_cut() {
    let cut = STREAM.find("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"lo");
    let (out, ending) = read(&STREAM[..cut.unwrap()], usize::MAX);
    assert!(matches!(ending, Ending::Truncated(_)), "{ending:?}");
    assert!(!out.contains("[DONE]"));
}

#[test]
fn a_refused_prompt_is_an_empty_choice() {
    let body =
        r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3}}"#;
    let answer = Answer::read(Dialect::Gemini, Surface::Chat, Bytes::from(body)).unwrap();
    assert_eq!(answer.finish_reason(), Some("content_filter"));
    let out = answer.render(&plan(Dialect::OpenAiChat));
    assert!(String::from_utf8_lossy(&out).contains(r#""content":"""#));
}
