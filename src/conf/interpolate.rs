//! Why: `${…}` is replaced inside one value after the file was parsed, never in its text: whatever a variable holds, it
//! cannot add a line to the configuration.

use super::environment::Environment;

/// A text after its variables were filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// The text.
    pub(super) text: String,
    /// The values of variables in it: what came from outside the file is not shown.
    pub(super) hidden: Vec<String>,
}

/// Why a text could not be filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unfilled {
    pub(super) message: String,
    pub(super) hint: String,
}

/// How deep defaults may hold variables of their own.
const DEEPEST: usize = 8;

/// Fills in `${VAR}`, `${VAR:-default}` and `${VAR:?message}`; `$${` stands for a literal `${`. A default may hold
/// variables; an empty variable counts as unset for `:-` and `:?`, as in a shell. A `$` before anything else is a `$`.
pub(super) fn fill(text: &str, env: &Environment) -> Result<Filled, Unfilled> {
    let mut filled = Filled {
        text: String::with_capacity(text.len()),
        hidden: Vec::new(),
    };
    fill_into(&mut filled, text, env, 0)?;
    Ok(filled)
}

fn fill_into(
    filled: &mut Filled,
    text: &str,
    env: &Environment,
    depth: usize,
) -> Result<(), Unfilled> {
    let mut rest = text;
    while let Some(index) = rest.find("${") {
        let (before, from) = rest.split_at(index);
        if let Some(before) = before.strip_suffix('$') {
            filled.text.push_str(before);
            filled.text.push_str("${");
            rest = from.get(2..).unwrap_or("");
            continue;
        }
        filled.text.push_str(before);
        let Some(end) = body_end(from) else {
            return Err(Unfilled {
                message: "`${` has no closing `}`".to_owned(),
                hint: "write `${VARIABLE}`, or `$${` for the characters themselves".to_owned(),
            });
        };
        expand(filled, from.get(2..end).unwrap_or(""), env, depth)?;
        rest = from.get(end + 1..).unwrap_or("");
    }
    filled.text.push_str(rest);
    Ok(())
}

/// The index of the `}` that closes the `${` with which `text` begins.
fn body_end(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut previous = ' ';
    for (index, letter) in text.char_indices() {
        match letter {
            '{' if previous == '$' => open += 1,
            '}' => {
                open = open.saturating_sub(1);
                if open == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
        previous = letter;
    }
    None
}

/// Expands what stands between `${` and `}`.
fn expand(
    filled: &mut Filled,
    body: &str,
    env: &Environment,
    depth: usize,
) -> Result<(), Unfilled> {
    let end = body
        .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .unwrap_or(body.len());
    let (name, form) = body.split_at(end);
    if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(malformed("a variable's name has letters, digits and `_`"));
    }
    if let Some(default) = form.strip_prefix(":-") {
        return match env.filled(name) {
            Some(value) => take(filled, value),
            None if depth >= DEEPEST => Err(malformed("defaults are nested too deep")),
            None => fill_into(filled, default, env, depth + 1),
        };
    }
    if let Some(message) = form.strip_prefix(":?") {
        let why = if message.is_empty() {
            "it must be set"
        } else {
            message
        };
        return match env.filled(name) {
            Some(value) => take(filled, value),
            None => Err(Unfilled {
                message: format!("the environment variable {name} is not set: {why}"),
                hint: format!("export {name}=… before starting Alfred"),
            }),
        };
    }
    if !form.is_empty() {
        return Err(malformed(
            "after the name comes `}`, `:-default}` or `:?message}`",
        ));
    }
    match env.get(name) {
        Some(value) => take(filled, value),
        None => Err(Unfilled {
            message: format!("the environment variable {name} is not set"),
            hint: format!("export {name}=…, or write `${{{name}:-default}}`"),
        }),
    }
}

fn take(filled: &mut Filled, value: &str) -> Result<(), Unfilled> {
    filled.text.push_str(value);
    filled.hidden.push(value.to_owned());
    Ok(())
}

fn malformed(why: &str) -> Unfilled {
    Unfilled {
        message: format!("this `${{…}}` cannot be understood: {why}"),
        hint: "write `${VARIABLE}`, or `$${` for the characters `${` themselves".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let env = Environment::from_pairs([
            ("A", "one"),
            ("EMPTY", ""),
            ("_B2", "${A}"),
            ("YAML", "x: {\nport: 9"),
        ]);
        match fill(text, &env) {
            Ok(filled) => Ok(filled.text),
            Err(unfilled) => Err(unfilled.message),
        }
    }

    #[test]
    fn every_form_in_every_state_of_its_variable() {
        for (text, expected) in [
            ("${A}", "one"),
            ("${A:-two}", "one"),
            ("${A:?why}", "one"),
            ("${EMPTY}", ""),
            ("${EMPTY:-two}", "two"),
            ("${NONE:-two}", "two"),
            ("${NONE:-}", ""),
            ("${EMPTY:-}", ""),
            ("${NONE:-a b: {c}", "a b: {c"),
            ("a${A}b${A}c", "aonebonec"),
            ("${NONE:-${A}}", "one"),
            ("${NONE:-x${NONE:-y${A}}z}", "xyonez"),
            ("${NONE:-$${A}}", "${A}"),
            ("$${A}", "${A}"),
            ("$$${A}", "$${A}"),
            ("$${A} ${A}", "${A} one"),
            ("$A $ $$ 5$ {A}", "$A $ $$ 5$ {A}"),
            ("${_B2}", "${A}"),
            ("${YAML}", "x: {\nport: 9"),
            ("", ""),
            ("é${A}é", "éoneé"),
        ] {
            assert_eq!(filled(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_in_is_refused_and_says_why() {
        for (text, why) in [
            ("${NONE}", "NONE is not set"),
            ("${NONE:?}", "NONE is not set: it must be set"),
            ("${NONE:?ask Ann}", "NONE is not set: ask Ann"),
            ("${EMPTY:?ask Ann}", "EMPTY is not set: ask Ann"),
            ("${", "no closing"),
            ("a${A", "no closing"),
            ("${NONE:-${A}", "no closing"),
            ("${}", "cannot be understood"),
            ("${:-x}", "cannot be understood"),
            ("${9A}", "cannot be understood"),
            ("${A-x}", "cannot be understood"),
            ("${A?x}", "cannot be understood"),
            ("${A:+x}", "cannot be understood"),
            ("${A B}", "cannot be understood"),
            ("${ A }", "cannot be understood"),
            ("${Ä}", "cannot be understood"),
        ] {
            let told = filled(text).unwrap_err();
            assert!(told.contains(why), "{text}: {told}");
        }
    }

    #[test]
    fn only_what_comes_from_a_variable_is_hidden() {
        let env = Environment::from_pairs([("A", "one")]);
        for text in ["plain", "${NONE:-default}", "$${A}"] {
            assert!(fill(text, &env).unwrap().hidden.is_empty(), "{text}");
        }
        assert_eq!(
            fill("${A}/${NONE:-${A}}", &env).unwrap().hidden,
            ["one", "one"]
        );
    }

    #[test]
    fn endless_nesting_ends() {
        let text = format!("{}x{}", "${A1:-".repeat(5000), "}".repeat(5000));
        assert!(filled(&text).unwrap_err().contains("nested too deep"));
    }
}
