//! Makes a provider's words fit to be shown: providers quote the key they
//! refuse, the organisation they bill and the address they could not reach, and
//! some send a whole page or a stack trace.

use super::shape::{Form, Shape};

/// Longest message that is kept, in characters.
const LONGEST: usize = 1000;
const REDACTED: &str = "[redacted]";

/// How credentials and account names of the known vendors begin.
const PREFIXES: [&str; 28] = [
    "sk-", "sk_", "pk-", "rk-", "gsk_", "hf_", "AIza", "ak_", "xai-", "pplx-", "r8_", "nvapi-",
    "fw_", "tgp_", "csk-", "dapi", "AKIA", "ASIA", "ABSK", "ya29.", "eyJ", "ghp_", "glpat-", "co_",
    "org-", "org_", "proj_", "acct_",
];

/// Words after which a credential stands, if `:` or `=` comes between.
const LABELS: [&str; 10] = [
    "key",
    "api_key",
    "apikey",
    "api-key",
    "x-api-key",
    "token",
    "secret",
    "password",
    "provided",
    "authorization",
];

/// The message of an error: the provider's words, or Alfred's where there are none.
pub(super) fn message(shape: &Shape, status: u16) -> String {
    let words = shape.message.as_deref().unwrap_or_default();
    // Of a failure that is not the request's, the first line tells the reason;
    // what follows is a trace of the provider's inside.
    let words = if status >= 500 {
        words.trim().lines().next().unwrap_or_default()
    } else {
        words.trim()
    };
    let words = words
        .split("Traceback (most recent call last)")
        .next()
        .unwrap_or_default();
    if !words.is_empty() {
        return clean(words);
    }
    match shape.form {
        Form::Html => format!("The provider answered {status} with an HTML page."),
        Form::Empty => format!("The provider answered {status} without a body."),
        Form::Json | Form::Text => format!("The provider answered {status} without saying why."),
    }
}

/// A short word such as a code.
pub(super) fn word(text: &str) -> String {
    clean(&text.chars().take(100).collect::<String>())
}

/// `text` in one line of bounded length, without anything that looks secret.
fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4 * LONGEST));
    // The word before, and what stood between it and the next one.
    let (mut before, mut between) = (String::new(), String::new());
    for piece in text.split_inclusive(is_separator) {
        let token = piece.trim_end_matches(is_separator);
        let stops = piece.get(token.len()..).unwrap_or_default();
        if !token.is_empty() {
            let secret = is_secret(token) || is_announced(&before, &between, token);
            out.push_str(if secret { REDACTED } else { token });
            before = token.to_ascii_lowercase();
            between.clear();
        }
        between.push_str(stops);
        out.push_str(stops);
    }
    let mut line: String = out
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.len() < out.len() {
        line.push('…');
    }
    line
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '"' | '\''
                | '`'
                | ','
                | ';'
                | ':'
                | '='
                | '&'
                | '?'
                | '('
                | ')'
                | '['
                | ']'
                | '{'
                | '}'
                | '<'
                | '>'
                | '|'
                | '/'
        )
}

fn is_secret(token: &str) -> bool {
    let named = PREFIXES.iter().any(|prefix| {
        let rest = token.strip_prefix(prefix);
        rest.is_some_and(|rest| {
            rest.chars().count() >= 6 || rest.contains('*') || rest.contains("..")
        })
    });
    let letters = token.bytes().any(|b| b.is_ascii_alphabetic());
    let digits = token.bytes().any(|b| b.is_ascii_digit());
    let random =
        token.len() >= 32 && letters && digits && token.bytes().all(|b| b.is_ascii_alphanumeric());
    let address = token.parse::<std::net::Ipv4Addr>().is_ok();
    named || random || address || token.contains("**")
}

/// Whether the words before say that a credential comes now.
fn is_announced(before: &str, between: &str, token: &str) -> bool {
    let token = token.trim_end_matches('.');
    match before {
        // Inner servers are spoken to in plain HTTP, pages for people are not.
        "http" => between == "://",
        "bearer" | "basic" => token.len() >= 8 || token.bytes().any(|b| b.is_ascii_digit()),
        _ => LABELS.contains(&before) && between.contains([':', '=']),
    }
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn no_credential_of_a_known_vendor_comes_through() {
        for secret in [
            "sk-proj-AbCd1234EfGh5678",
            "gsk_1234567890abcdef",
            "hf_abcdefghijklmnop",
            "AIzaSyA1234567890",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "0123456789abcdef0123456789abcdef",
            "org-a1b2c3d4e5",
            "sk-ab****yz",
            "AKIAIOSFODNN7EXAMPLE",
        ] {
            for message in [
                format!("Incorrect API key provided: {secret}. Find yours."),
                format!("('{secret}')"),
                format!("url?x=1&key={secret}&y"),
                format!("Authorization: Bearer {secret}"),
            ] {
                let shown = clean(&message);
                assert!(!shown.contains(secret), "{shown}");
                assert!(shown.contains("[redacted]"), "{shown}");
            }
        }
    }

    #[test]
    fn a_key_of_no_known_form_is_cut_where_it_is_announced() {
        assert_eq!(
            clean("Incorrect API key provided: invalid-key. See"),
            "Incorrect API key provided: [redacted] See"
        );
        assert_eq!(clean("api_key=\"pa55\""), "api_key=\"[redacted]\"");
        assert_eq!(clean("Bearer my-pass-phrase"), "Bearer [redacted]");
        assert_eq!(
            clean("connect to http://inner.host:8000/v1"),
            "connect to http://[redacted]:8000/v1"
        );
        assert_eq!(clean("no route to 10.1.2.3"), "no route to [redacted]");
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "Unsupported parameter: 'max_tokens' is not supported with this model.",
            "Item 'rs_68c42de022c881948db7ed1cc2529f2e0202c9ad459e0d23' of type 'reasoning' is alone.",
            "too many tokens: size limit exceeded by 25836 tokens",
            "see https://platform.openai.com/docs/guides/error-codes (request 011CaPQzH5)",
            "This model's maximum context length is 8192 tokens — you asked for 9000.",
        ] {
            assert_eq!(clean(text), text);
        }
    }

    #[test]
    fn a_message_is_one_line_of_bounded_length() {
        let shown = clean(&"wörd\n".repeat(5000));
        assert!(shown.chars().count() <= 1001 && !shown.contains('\n'));
    }
}
