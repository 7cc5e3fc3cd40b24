//! Requests written for this purpose, with the bodies they become: one file per
//! case. With `UPDATE_GOLDEN=1` the files are written anew,
//! to be read and judged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod translated;

use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use bytes::Bytes;
use serde_json::{Value, json};
use translated::requests::check_golden;
use translated::{judge, other};

fn outcome(case: &Value) -> Value {
    let surface = match case["from"].as_str().unwrap() {
        "chat" => Surface::Chat,
        "messages" => Surface::Messages,
        other => panic!("unknown surface {other}"),
    };
    let to = other(surface.dialect());
    let how = Translation {
        patch: RequestPatch {
            model: case["model"].as_str().unwrap(),
            ..RequestPatch::default()
        },
        default_max_output: 4096,
        keep_reasoning: case["keep_reasoning"].as_bool().unwrap(),
        ..Translation::default()
    };
    let body = Bytes::from(case["request"].to_string());
    let prompt = Prompt::read(surface, body).unwrap();
    match prompt.translate(to, &how) {
        Ok(translated) => {
            let body: Value = serde_json::from_slice(&translated.body).unwrap();
            assert_eq!(judge(to, &body), Ok(()), "{body:#}");
            json!({"dropped": translated.dropped, "body": body})
        }
        Err(error) => json!({"refused": error.param, "code": error.code}),
    }
}

#[test]
fn every_golden_request_becomes_what_it_was_judged_to_be() {
    check_golden("translate", 40, outcome);
}
