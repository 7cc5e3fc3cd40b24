//! Why: a message is part of the product. Each bad file stands in `bad.golden` with exactly what a user sees: place,
//! excerpt and hint. `ALFRED_WRITE=1 cargo test bad_files` writes the golden file anew; read the difference.

const GOLDEN: &str = include_str!("bad.golden");

#[test]
fn bad_files_are_refused_with_all_their_problems_in_these_words() {
    let env = [("WORD", "hunter2"), ("HOME", "/root")];
    let mut now = String::new();
    for case in GOLDEN.split("=== ").skip(1) {
        let (name, rest) = case.split_once('\n').unwrap();
        let (yaml, _) = rest.split_once("\n>>>\n").unwrap();
        let problems = super::read(yaml, &env).expect_err(name);
        let located = problems.0.iter().all(|p| p.line > 0 && p.column > 0);
        assert!(located, "{name}: {problems}");
        now.push_str(&format!("=== {name}\n{yaml}\n>>>\n{problems}\n\n"));
    }
    if std::env::var_os("ALFRED_WRITE").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conf/tests/bad.golden");
        std::fs::write(path, &now).unwrap();
        return;
    }
    for (now, golden) in now.split("=== ").zip(GOLDEN.split("=== ")) {
        assert_eq!(now, golden);
    }
    assert!(GOLDEN.matches("=== ").count() > 60);
}
