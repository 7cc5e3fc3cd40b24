//! What a command says: done, done as JSON, or refused in words.

use serde_json::Value;

use crate::support::{Said, Shell};

/// The command succeeds; answers its output.
pub(crate) fn ok(shell: &Shell, arguments: &[&str]) -> String {
    let said = shell.run(arguments);
    assert_eq!(said.status, 0, "{arguments:?}: {said:?}");
    said.out
}

/// The same with `--json`.
pub(crate) fn json(shell: &Shell, arguments: &[&str]) -> Value {
    let text = ok(shell, &[arguments, &["--json"]].concat());
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {text}"))
}

/// The command is refused with exit status 2, prints nothing, and says why.
pub(crate) fn refused(shell: &Shell, arguments: &[&str], why: &str) -> Said {
    let said = shell.run(arguments);
    let is_silent = said.out.is_empty() && !said.err.contains("panicked");
    assert!(said.status == 2 && is_silent, "{arguments:?}: {said:?}");
    assert!(said.err.contains("error: "), "{arguments:?}: {said:?}");
    assert!(
        said.err.contains(why),
        "{arguments:?}: '{why}' is not in {said:?}"
    );
    said
}

/// A house with one organisation, a team in it, and a user in the team: all of them number 1.
pub(crate) fn house() -> Shell {
    let shell = Shell::new();
    ok(&shell, &["organisations", "create", "acme"]);
    ok(&shell, &["teams", "create", "research"]);
    let ann = ["users", "create", "ann@example.com", "--team", "research"];
    ok(&shell, &ann);
    shell
}

/// The names of an object's members.
pub(crate) fn names(value: &Value) -> Vec<&str> {
    let object = value.as_object().unwrap();
    object.keys().map(String::as_str).collect()
}
