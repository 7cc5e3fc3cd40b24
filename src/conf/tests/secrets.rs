//! Why: a credential that shows up in a message ends up in a ticket. None may, whatever is wrong around it.

use std::fs;

use super::read;

/// Long, short, odd: what a literal credential may look like.
const LITERALS: [&str; 3] = ["sk-proj-Abcdef0123456789", "pw", "p@ss: {w} #1"];

#[test]
fn a_secret_in_the_file_is_never_shown_beside_another_mistake() {
    for literal in LITERALS {
        for text in [
            format!("providers: {{ a: {{ kind: opnai, keys: [ \"{literal}\" ] }} }}"),
            format!("providers: {{ a: {{ kind: openai, keys: \"{literal}\" }} }}"),
            format!("providers: {{ a: {{ kind: openai, keys: [ [ \"{literal}\" ] ] }} }}"),
            format!("providers: {{ a: {{ kind: openai, keys: {{ x: \"{literal}\" }} }} }}"),
            format!("providers: {{ a: {{ kind: openai, key: \"{literal}\" }} }}"),
            format!(
                "providers: {{ a: {{ kind: openai, keys: [ \"{literal}\", \"{literal}\" ] }} }}"
            ),
            format!("providers: {{ a: {{ kind: openai, keys: [ \"{literal}\\n\" ] }} }}"),
            format!(
                "providers: {{ a: {{ kind: openai, keys: [ \"${{NONE:-{literal}}}\" ], http: h9 }} }}"
            ),
            format!(
                "providers: {{ a: {{ kind: ollama, headers: {{ \"a b\": \"{literal}\" }} }} }}"
            ),
            format!("providers: {{ a: {{ kind: ollama, headers: [ \"{literal}\" ] }} }}"),
            format!("keys: [ {{ name: a, hash: \"{literal}\" }} ]"),
            format!("keys: [ {{ nam: a, hash: \"{literal}\" }} ]"),
            format!("store: {{ postgres: {{ ulr: \"postgres://{literal}@db\" }} }}"),
            format!("secret: \"{literal}\""),
            format!("data_dir: {{ x: \"{literal}\" }}"),
        ] {
            let told = read(&text, &[]).expect_err(&text).to_string();
            assert!(
                told.contains("***") && !told.contains(literal),
                "{text}\n{told}"
            );
        }
    }
}

#[test]
fn a_secret_on_a_line_that_cannot_be_parsed_is_masked_by_its_looks() {
    for text in [
        "providers: { a: { keys: [ \"sk-proj-Abcdef0123456789 } }",
        "keys: sk-proj-Abcdef0123456789: x: y",
        "a: [ sk-proj-Abcdef0123456789",
        "\tkey: sk-proj-Abcdef0123456789",
    ] {
        let told = read(text, &[]).expect_err(text).to_string();
        assert!(!told.contains("Abcdef0123456789"), "{told}");
    }
}

#[test]
fn a_value_from_the_environment_is_never_shown() {
    for text in [
        "threads: ${S}",
        "body: { max: \"${S}\", read_timeout: \"${S}\" }",
        "store: ${S}",
        "listen: { gateway: \"${S}\" }",
        "trusted_proxies: [ \"${S}\" ]",
        "providers: { a: { kind: \"${S}\" } }",
        "providers: { a: { kind: ollama, endpoints: [ \"${S}\" ] } }",
        "models: { a: { targets: [ \"${S}\" ] } }",
        "models: { a: { targets: [ \"${S}/x\" ] } }",
        "keys: [ { name: \"${S}\", hash: \"${S}\", models: [ \"${S}\" ], expires_at: \"${S}\" } ]",
        "prices: { mock/x: { in: \"${S}\" } }",
        "cors: { origins: [ \"${S}\" ] }",
        "limits: [ { per: \"${S}\" } ]",
    ] {
        let told = read(text, &[("S", "hunter2")]).expect_err(text).to_string();
        assert!(
            told.contains("${S") && !told.contains("hunter2"),
            "{text}\n{told}"
        );
    }
}

#[test]
fn a_configuration_that_is_printed_shows_no_secret() {
    let text = "
providers: { a: { kind: openai, keys: [ sk-one, \"${K}\" ], headers: { X-Token: sk-three } } }
keys: [ { name: n, hash: \"blake3:00000000000000000000000000000000000000000000000000000000000000ff\" } ]
";
    let config = read(text, &[("K", "sk-two")]).unwrap();
    let printed = format!("{config:?} {config:#?}");
    for secret in ["sk-one", "sk-two", "sk-three", "blake3:"] {
        assert!(!printed.contains(secret), "{secret}");
    }
    assert_eq!(config.providers["a"].keys[1].expose(), "sk-two");
    let env = super::Environment::from_pairs([("K", "sk-two")]);
    assert!(!format!("{env:?}").contains("sk-two"));
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    for (content, expected) in [
        ("sk-1", Ok("sk-1")),
        ("sk-1\n", Ok("sk-1")),
        ("sk-1\r\n\n", Ok("sk-1")),
        ("", Err("is empty")),
        ("\n", Err("is empty")),
        ("two\nlines", Err("no header can carry")),
        ("sk-é", Err("no header can carry")),
    ] {
        let path = folder.path().join("key");
        fs::write(&path, content).unwrap();
        let text = format!(
            "providers: {{ a: {{ kind: openai, keys: [ \"file:{}\" ] }} }}",
            path.display()
        );
        match (read(&text, &[]), expected) {
            (Ok(config), Ok(key)) => assert_eq!(config.providers["a"].keys[0].expose(), key),
            (Err(problems), Err(why)) => {
                assert!(problems.to_string().contains(why), "{problems}");
                assert_eq!((problems.0[0].line, problems.0[0].column), (1, 41));
            }
            (read, _) => panic!("{content:?}: {read:?}"),
        }
    }
}

#[test]
fn a_secret_file_that_is_missing_binary_a_folder_or_huge_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("binary", b"\xff\xfe");
    write("huge", &vec![b'x'; 65 * 1024]);
    for (name, why) in [
        ("missing", "no such file"),
        ("", "folder"),
        ("binary", "not text"),
        ("huge", "too large"),
    ] {
        let path = folder.path().join(name);
        let text = format!(
            "providers: {{ a: {{ kind: openai, keys: [ \"file:{}\" ] }} }}",
            path.display()
        );
        let told = read(&text, &[]).unwrap_err().to_string();
        assert!(told.contains(why), "{told}");
    }
}

#[test]
fn the_path_of_a_secret_file_may_come_from_the_environment() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("key"), "sk-1").unwrap();
    let text = "providers: { a: { kind: openai, keys: [ \"file:${DIR}/key\" ] } }";
    let folder = folder.path().to_str().unwrap();
    let config = read(text, &[("DIR", folder)]).unwrap();
    assert_eq!(config.providers["a"].keys[0].expose(), "sk-1");
}
