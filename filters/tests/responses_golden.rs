//! Streams of providers and what a client of Responses must hear, as files to read.
//! `UPDATE_GOLDEN=1` writes them anew; what changed is for a person to judge.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;
mod messages;
mod responses;

use std::path::Path;

use alfred_filters::answer::{Ending, Fidelity, StreamPlan};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use answers::run;
use messages::between;
use responses::{values, violations};
use serde_json::{Value, json};

#[test]
fn every_golden_stream_is_heard_as_it_was_judged_to_be() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/responses");
    let anew = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let from = Dialect::find(case["from"].as_str().unwrap()).unwrap();
        let plan = StreamPlan {
            surface: Surface::Responses,
            ..between(from, Dialect::OpenAiResponses, Fidelity::Lens)
        };
        let events = case["provider"].as_array().unwrap().iter();
        let stream: String = events.map(messages::event).collect();
        let stream = stream + "data: [DONE]\n\n";
        let (out, ending, _) = run(plan, stream.as_bytes(), &[]);
        assert_eq!(ending, Ending::Complete, "{}", path.display());
        assert_eq!(violations(&out), [""; 0], "{}", path.display());
        let client = json!(values(&out));
        if anew {
            case["client"] = client;
            std::fs::write(&path, format!("{case:#}\n")).unwrap();
        } else {
            let (expected, client) = (format!("{:#}", case["client"]), format!("{client:#}"));
            assert_eq!(client, expected, "{}", path.display());
        }
        cases += 1;
    }
    assert!(cases >= 4, "{cases}");
}
