//! The examples that guards are judged by. They lie outside the repository.

#![allow(clippy::expect_used, reason = "a test may fail")]

use std::path::PathBuf;

use serde_json::Value;

/// The rows of one file, such as `pii/dev.jsonl`. Without the file the test fails, unless
/// `ALFRED_SHARED_OPTIONAL` is 1: then there are none.
pub(crate) fn rows(name: &str) -> Option<Vec<Value>> {
    let root = std::env::var_os("ALFRED_SHARED").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"),
        PathBuf::from,
    );
    let path = root.join("data/safety").join(name);
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("!! no rows at {}: set ALFRED_SHARED", path.display());
        let optional = std::env::var("ALFRED_SHARED_OPTIONAL");
        assert_eq!(
            optional.as_deref(),
            Ok("1"),
            "{} is missing",
            path.display()
        );
        return None;
    };
    let row = |line: &str| serde_json::from_str(line).expect("a row is JSON");
    Some(text.lines().map(row).collect())
}
