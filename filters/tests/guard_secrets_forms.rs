//! What is a secret and what is none, in fixtures of our own. Whatever looks like a
//! secret is put together here, so that this file holds none.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::too_many_lines,
    reason = "fixtures of a test may fail, and are a table"
)]

use alfred_filters::guard::secrets::Secrets;

#[path = "guard_secrets/pieces.rs"]
mod pieces;

use pieces::{pieces, whole};

/// A line of base64 of a key.
const LINE: &str = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7a7kN8LymUu8Z";

/// A text, the rule that must find it and the value; `«` and `»` mark the value.
fn secrets() -> Vec<(&'static str, String)> {
    let begin = |kind: &str| ["-----", "BEGIN ", kind, "-----"].concat();
    let end = |kind: &str| ["-----", "END ", kind, "-----"].concat();
    let pem = |kind: &str, line: &str| {
        let body = format!("{LINE}{line}{LINE}{line}9w0BAQ==");
        format!("«{}{line}{body}{line}{}»", begin(kind), end(kind))
    };
    let drawn = "q7Rk2mXv9TbW4nZc8LdY";
    vec![
        ("private-key", pem("RSA PRIVATE KEY", "\n")),
        (
            "private-key",
            format!("key: |\n  {}\n", pem("EC PRIVATE KEY", "\n  ")),
        ),
        (
            "private-key",
            format!("{{\"private_key\": \"{}\\n\"}}", pem("PRIVATE KEY", "\\n")),
        ),
        ("private-key", pem("OPENSSH PRIVATE KEY", "\r\n")),
        ("private-key", pem("PGP PRIVATE KEY BLOCK", "\n")),
        (
            "private-key",
            format!("/// {}", pem("ENCRYPTED PRIVATE KEY", "\n/// ")),
        ),
        (
            "private-key",
            format!(
                "«{}\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,1F77\n\n{LINE}\n{}»",
                begin("RSA PRIVATE KEY"),
                end("RSA PRIVATE KEY")
            ),
        ),
        (
            "private-key",
            format!("«{}\n{LINE}\n{LINE}»\n", begin("RSA PRIVATE KEY")),
        ),
        (
            "url-password",
            format!("postgres://svc:«{drawn}»@db.internal:5432/app?sslmode=require"),
        ),
        (
            "url-password",
            format!("see mongodb+srv://app:«p@{drawn}»@cluster.example.net/x"),
        ),
        ("url-password", format!("redis://:«{drawn}»@cache:6379/0")),
        (
            "curl-auth-user",
            format!("curl -u admin:«{drawn}» https://host/x"),
        ),
        (
            "curl-auth-user",
            format!("curl --user 'ann@example.org:«{drawn}»' https://host"),
        ),
        (
            "curl-auth-user",
            format!("curl -u \"«{drawn}»:\" https://host"),
        ),
        (
            "authorization-header",
            format!("Authorization: Bearer «{drawn}{drawn}»\n"),
        ),
        (
            "authorization-header",
            format!("curl -H \"Authorization: Token «{drawn}»\" https://host"),
        ),
        (
            "basic-auth-header",
            "Authorization: Basic «YW5uOmNvcnJlY3QtaG9yc2UtOTE=»".to_owned(),
        ),
        ("password", "DB_PASSWORD=«c0rrect-horse-91»".to_owned()),
        ("password", "password: \"«Tr0ub4dor&3»\"".to_owned()),
        (
            "password",
            "Server=h;User Id=app;Password=«Xy12!ab9»;Database=d;".to_owned(),
        ),
        (
            "password",
            "<password>«c0rrect91horse»</password>".to_owned(),
        ),
        (
            "password",
            "Our new password is «c0rrect-horse-91!», tell nobody.".to_owned(),
        ),
        (
            "password",
            "Das Passwort lautet: «c0rrect-horse-91!»".to_owned(),
        ),
        (
            "generic-api-key",
            "SECRET_KEY = '«dj-8x!k2m@v9#tbw4nzc8ldy^qr&jh3s»'".to_owned(),
        ),
        (
            "generic-api-key",
            format!("the api key is {drawn}").replace(drawn, "«q7Rk2mXv9TbW4nZc8LdY»"),
        ),
        (
            "password",
            "machine host login ann password «c0rrect91horse»".to_owned(),
        ),
        (
            "generic-api-key",
            format!("internal_api_key = \"«{drawn}»\""),
        ),
        ("generic-api-key", format!("apiKey: '«{drawn}»',")),
        (
            "generic-api-key",
            format!("config.setSecret(\"«{drawn}»\")"),
        ),
        (
            "generic-api-key",
            format!("<clientSecret>\n  «{drawn}»\n</clientSecret>"),
        ),
        (
            "generic-api-key",
            format!("https://host/path?page=2&access_token=«{drawn}»&x=1"),
        ),
        (
            "azure-connection-key",
            format!(
                "AccountName=x;AccountKey=«{}==»;Suffix=y",
                "aB3+/xY9".repeat(11).get(..86).unwrap()
            ),
        ),
        (
            "github-pat",
            format!("use «{}{drawn}{}» there", "ghp_", "A1b2C3d4E5f6G7h8"),
        ),
        ("alfred-key", format!("key «{}{drawn}{drawn}Z9y»", "ak_")),
        (
            "aws-access-key-id",
            format!("id «{}Z7QPLX2MNV4RTKW9»", "AKIA"),
        ),
        (
            "aws-secret-access-key",
            "aws_secret_access_key = «q7Rk2mXv9TbW4nZc8LdY+jH3/sFgP6wEaUiO1xVb»".to_owned(),
        ),
        (
            "slack-webhook-url",
            format!(
                "https://«hooks.slack.com/services/{}»",
                "T0A1B2C3D/B4E5F6G7H/a8Kd93LmQ0zXcVbNw2RtYu7P"
            ),
        ),
        (
            "hash-bcrypt",
            format!(
                "ann:«{}»:1",
                [
                    "$2b$",
                    "12$",
                    "R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUX"
                ]
                .concat()
            ),
        ),
    ]
}

/// Texts without any secret, however near they come.
const CLEAN: &[&str] = &[
    "The password is required. Please enter your password: twelve characters or more.",
    "The password is wrong and the token is invalid; the secret is patience.",
    "Set the password to something you remember, the key to 42 and the token to null.",
    "token = get_token(request.headers)",
    "let secret = config.secret.clone();",
    "api_key = os.environ[\"SERVICE_API_KEY\"]",
    "apiKey: process.env.SERVICE_API_KEY,",
    "password = \"${DB_PASSWORD}\"",
    "PASSWORD=$DB_PASSWORD",
    "password = \"${db_password_1}\" and secret: '#{vault_key_22x}' or %{token_9a8b7c6d5e}",
    "SERVICE_ACCESS_KEY=${SERVICE_ACCESS_KEY_2:=$2}",
    "token: \"<your-token-here>\"",
    "Authorization: Bearer $TOKEN",
    "Authorization: Bearer <token>",
    "curl -u user:password https://host",
    "curl -u \"$USER:$PASS\" https://host",
    "https://user:$PASSWORD@host/x and https://host:8080/@ann",
    "docker run -u 1000:1000 image",
    "max_tokens: 4096, top_k: 40, tokenizer: cl100k_base",
    "the commit 9b74c9897bac770ffc029102a200c5de9b74c989 fixed it",
    "id: 5f2b9c1e-77aa-4b0e-9d51-0c3e6a1f2b3c",
    "sha256:9b74c9897bac770ffc029102a200c5de9b74c9897bac770ffc029102a200c5de",
    "public_key = \"q7Rk2mXv9TbW4nZc8LdY\"",
    "-----BEGIN CERTIFICATE-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7a7kN8LymUu8Z\n-----END CERTIFICATE-----",
    "A key begins with -----BEGIN RSA PRIVATE KEY----- and then come its lines, as you know.",
    "-----BEGIN PRIVATE KEY-----\nanything\n-----END PRIVATE KEY-----",
    "model: claude-sonnet-4-20250514, key: value, primary_key: order_id",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "use crate::key::{Blake2b128, Secret}; let token = Token::Word(word);",
    "| name | token | secret |\n|---|---|---|\n| a | b | c |",
    "==== key ==== token ---- secret ////",
    "\u{5bc6}\u{7801}\u{662f}\u{4ec0}\u{4e48} token\u{ff1f}",
];

/// The text without its marks and the place of the value.
fn marked(text: &str) -> (String, std::ops::Range<usize>) {
    let start = text.find('«').unwrap();
    let end = text.find('»').unwrap() - '«'.len_utf8();
    (text.replace(['«', '»'], ""), start..end)
}

#[test]
fn every_form_of_a_secret_is_found_and_only_the_value_is_marked() {
    let scanner = Secrets::new();
    for (rule, text) in secrets() {
        let (text, span) = marked(&text);
        let found = whole(&scanner, &text);
        let hit = found.iter().find(|f| f.span == span);
        assert_eq!(
            hit.map(|f| f.rule),
            Some(rule),
            "{span:?} {text:?} {found:?}"
        );
        assert_eq!(found.len(), 1, "{text:?} {found:?}");
    }
}

#[test]
fn texts_about_secrets_hold_none() {
    let scanner = Secrets::new();
    for text in CLEAN {
        let found = whole(&scanner, text);
        assert!(found.is_empty(), "{text:?} {found:?}");
    }
}

#[test]
fn what_is_clean_allocates_no_findings() {
    let scanner = Secrets::new();
    let mut out = Vec::new();
    let text = CLEAN.join("\n");
    scanner.scan(alfred_filters::guard::Window::whole(&text), &mut out);
    assert_eq!(out.capacity(), 0);
}

#[test]
fn every_form_is_judged_alike_at_every_cut() {
    let scanner = Secrets::new();
    let lead = "Words before, as many as the context is long and some. ".repeat(5);
    let clean = CLEAN.iter().map(|text| (*text).to_owned());
    let texts = secrets()
        .into_iter()
        .map(|(_, text)| marked(&text).0)
        .chain(clean);
    for text in texts {
        let text = format!("{lead}{text}\nand more of them");
        let wanted = whole(&scanner, &text);
        let places: Vec<usize> = (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .collect();
        for first in &places {
            assert_eq!(
                pieces(&scanner, &text, &[*first]),
                wanted,
                "{first} {text:?}"
            );
        }
        for (nth, first) in places.iter().enumerate().step_by(3) {
            for second in places.iter().skip(nth).step_by(11) {
                let cuts = [*first, *second];
                assert_eq!(pieces(&scanner, &text, &cuts), wanted, "{cuts:?} {text:?}");
            }
        }
        assert_eq!(
            pieces(&scanner, &text, &places),
            wanted,
            "byte by byte {text:?}"
        );
    }
}

#[test]
fn a_key_longer_than_the_longest_candidate_is_found_in_part_and_never_held() {
    let scanner = Secrets::new();
    let begin = ["-----", "BEGIN RSA PRIVATE KEY", "-----\n"].concat();
    let text = format!("{begin}{}", format!("{LINE}\n").repeat(600));
    let found = whole(&scanner, &text);
    assert_eq!(found[0].rule, "private-key");
    assert!(found[0].span.len() > 15_000);
    let cuts: Vec<usize> = (0..text.len()).step_by(997).collect();
    assert_eq!(pieces(&scanner, &text, &cuts), found);
}
