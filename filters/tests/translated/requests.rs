//! How requests are said to a provider and held to what they were judged to be.

use std::path::Path;

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::{Prompt, RequestPatch, Surface};
use alfred_filters::translate::Translation;
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::plainly;

/// Says whether a body keeps the provider's grammar, and what does not.
type Judge = fn(&Value) -> Result<(), String>;

/// For a model, and otherwise plainly.
pub(crate) fn how(model: &str) -> Translation<'_> {
    Translation {
        patch: RequestPatch {
            model,
            ..RequestPatch::default()
        },
        ..plainly()
    }
}

/// What becomes of a request: a body, which is judged, or a refusal.
pub(crate) fn outcome(
    (surface, body): (Surface, &Value),
    (to, how): (Dialect, &Translation<'_>),
    judge: Judge,
) -> Value {
    let prompt = Prompt::read(surface, Bytes::from(body.to_string())).unwrap();
    match prompt.translate(to, how) {
        Ok(said) => {
            let body: Value = serde_json::from_slice(&said.body).unwrap();
            if surface != Surface::Embeddings {
                assert_eq!(judge(&body), Ok(()), "{body:#}");
            }
            json!({"dropped": said.dropped, "body": body})
        }
        Err(error) => json!({"refused": error.param, "code": error.code}),
    }
}

/// The surface of a golden case.
pub(crate) fn surface_of(case: &Value) -> Surface {
    match case["from"].as_str().unwrap() {
        "chat" => Surface::Chat,
        "embeddings" => Surface::Embeddings,
        "responses" => Surface::Responses,
        "messages" => Surface::Messages,
        other => panic!("unknown surface {other}"),
    }
}

/// Holds every case of that folder of golden files to its outcome, or writes the
/// outcome into it. There are `least` of them.
pub(crate) fn check_golden(folder: &str, least: usize, outcome: impl Fn(&Value) -> Value) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(folder);
    let anew = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut cases = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let mut case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let outcome = outcome(&case);
        if anew {
            case["outcome"] = outcome;
            std::fs::write(&path, format!("{case:#}\n")).unwrap();
        } else {
            // By their text: the order of members is part of the promise.
            let (expected, outcome) = (format!("{:#}", case["outcome"]), format!("{outcome:#}"));
            assert_eq!(outcome, expected, "{}", path.display());
        }
        cases += 1;
    }
    assert!(cases >= least, "{cases}");
}

/// Says recorded requests to that dialect: each is judged, or refused by the name of a
/// field. How many were said, and how many refused.
pub(crate) fn check_recorded(
    prompts: Vec<(String, u64, Prompt)>,
    (to, how): (Dialect, &Translation<'_>),
    judge: Judge,
) -> (usize, usize) {
    let (mut said, mut refused) = (0, 0);
    for (id, status, prompt) in prompts {
        match prompt.translate(to, how) {
            Ok(translated) => {
                said += 1;
                let body: Value = serde_json::from_slice(&translated.body)
                    .unwrap_or_else(|error| panic!("{id}: {error}"));
                if status < 400
                    && let Err(flaw) = judge(&body)
                {
                    panic!("{id}: {flaw}\n{body:#}");
                }
            }
            Err(error) => {
                refused += 1;
                assert!(error.param.is_some(), "{id} names no field");
                assert_eq!(error.code, "unsupported_parameter", "{id}");
            }
        }
    }
    (said, refused)
}

/// What is passed for the provider to judge is no fault of ours.
pub(crate) fn unless_passed(verdict: Result<(), String>) -> Result<(), String> {
    match verdict {
        Err(flaw) if flaw.starts_with("member ") => Ok(()),
        verdict => verdict,
    }
}

/// Any JSON, not too large; some of its texts and names are these.
pub(crate) fn any_json(
    texts: &'static [&'static str],
    names: &'static [&'static str],
) -> impl Strategy<Value = Value> {
    let as_often = |words: &[&str]| u32::try_from(words.len()).unwrap();
    let (of_texts, of_names) = (as_often(texts), as_often(names));
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => "[a-z:{}\"\\\\é😀 ]{0,8}".prop_map(Value::from),
        of_texts => proptest::sample::select(texts).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let key = prop_oneof![
            1 => "[a-zA-Z_]{1,6}".prop_map(String::from),
            of_names => proptest::sample::select(names).prop_map(str::to_owned),
        ];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(key, inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}
