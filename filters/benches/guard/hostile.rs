//! Texts that somebody made to cost more than others. Many are tried; the slowest are
//! named.

use std::hint::black_box;
use std::time::Duration;

use alfred_filters::guard::pii::Pii;
use alfred_filters::guard::policy::Scan;
use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::{Entity, Window};

use crate::report::{Goal, Report, time};
use crate::texts::repeated;

const MEGABYTE: usize = 1 << 20;
/// How much of every text is tried, in bytes.
const TRIED: usize = 64 << 10;
/// How many of the slowest are measured in full.
const NAMED: usize = 4;
/// The most that 1 MB may take, in milliseconds.
const MOST: Goal = Goal::AtMost(20.0);

/// What is cut short, nested, dense or endless.
const PIECES: &[&str] = &[
    "password=a1 ",
    "password=",
    "key token a1b2c3d4e5 ",
    "aB3",
    "sk-",
    "sk-a1",
    "sk-proj-",
    "=",
    ":",
    "=:",
    "a=",
    "a:",
    "a=1:",
    "k=v1&",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----BEGIN ",
    "-----BEGIN",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n",
    "-----BEGIN PRIVATE KEY-----\nA: b\n",
    "a-1_",
    "a://b:c@",
    "postgres://u:pa55w0rd@h/ ",
    "https://ann:hunter42@example.org ",
    "a://b",
    "eyJ.eyJ.",
    "eyJhbGciOiJI.",
    "AKIA",
    "AKIAQ3EGRZT7HX2M",
    "AKIAQ3EGRZT7HX2MVWNB ",
    "ghp_",
    "ghp_a1",
    "xoxb-1-",
    "AIza",
    "dGhl",
    "dGhlIHBhc3N3b3Jk ",
    "0123456789abcdef",
    "9f86d081884c7d65 ",
    "\"'\"'",
    "\"a1\":'b2',",
    "[[{{((",
    "\\\"\\\\\"",
    "key=\"\\\"a1b2c3d4\\\"\" ",
    "Authorization: Bearer a1b2c3d4e5f6 ",
    "Basic dTpw ",
    "curl -u a:b1c2d3 ",
    "-u a1:",
    "secret: ${A1} ",
    "token=xxxxxxxx1 ",
    "api_key='a1b2c3d4e5f6g7h8i9j0' ",
    "key is a1b2c3d4e5 ",
    "secret\na1b2c3d4\n",
    "key,a1b2c3d4,",
    "a1b2c3d4e5f6g7h8 ",
    "A1b2C3d4E5f6G7h8I9j0K1l2 ",
    "pass=a1|",
    "pass:a1,",
    "a@",
    "1-",
    "1 ",
    "4111 1111 1111 1112 ",
    "555 123 4567 ",
    "::",
    "a:1:",
    "1.1.1.1.",
    "ab:cd:e1:",
    "GB82 WEST ",
    "é1",
    "日1=",
    "\u{200b}a",
    "pаss=a1 ",
    "%41%42",
    "&#65;",
    "\\u0041",
    "aws_secret_access_key = a1b2c3d4e5f6g7h8i9j0 ",
];

fn hostile() -> Vec<String> {
    let words: Vec<String> = Secrets::pieces().collect();
    let mut all: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    for word in &words {
        all.push(word.clone());
        all.push(format!("{word}=a1b2c3d4 "));
        all.push(format!("{word} "));
    }
    all.push(words.concat());
    all.push(words.join("=a1 "));
    all
}

/// Kinds of texts that must cost little whatever else is found to be slow.
const KINDS: &[(&str, &str)] = &[
    ("dense passwords", "password=a1 "),
    ("names and values", "key token a1b2c3d4e5 "),
    ("`sk-`", "sk-"),
    ("`=`", "="),
    ("`:`", ":"),
    (
        "keys that begin and never end",
        "-----BEGIN PRIVATE KEY-----\n",
    ),
    ("base64", "dGhlIHBhc3N3b3JkIG9mIEphbmU"),
    ("hex", "9f86d081884c7d65"),
    ("access keys", "AKIAQ3EGRZT7HX2MVWNB "),
    ("logins in addresses", "https://ann:hunter42@example.org "),
    ("nested quotes", "\"\\\"'`\"'a1\\\"' "),
];

pub(crate) fn measure(report: &mut Report) {
    let kinds: Vec<Entity> = Entity::defaults().collect();
    let (pii, secrets) = (Pii::new(&kinds), Secrets::new());
    let sets: [(&str, &[&dyn Scan]); 2] = [
        ("secrets", &[&secrets]),
        ("defaults + secrets", &[&pii, &secrets]),
    ];
    for (name, scanners) in sets {
        if !report.wants(&format!("hostile, {name}")) {
            continue;
        }
        let mut found = Vec::with_capacity(MEGABYTE / 4);
        let mut scan = |text: &str| {
            time(|| {
                for scanner in scanners {
                    found.clear();
                    scanner.scan(Window::whole(black_box(text)), &mut found);
                }
            })
        };
        for (kind, piece) in KINDS {
            let text = repeated(piece, MEGABYTE);
            report.take(
                &format!("1 MB of {kind}, hostile, {name}, ms"),
                MOST,
                9,
                || scan(&text).as_secs_f64() * 1e3,
            );
        }
        let mut tried: Vec<(Duration, String)> = hostile()
            .into_iter()
            .map(|piece| {
                let text = repeated(&piece, TRIED);
                let best = (0..3).map(|_| scan(&text)).min();
                (best.unwrap(), piece)
            })
            .collect();
        tried.sort();
        for (_, piece) in tried.iter().rev().take(NAMED) {
            let text = repeated(piece, MEGABYTE);
            let short: String = piece.escape_debug().take(28).collect();
            report.take(
                &format!("1 MB of hostile `{short}`, {name}, ms"),
                MOST,
                9,
                || scan(&text).as_secs_f64() * 1e3,
            );
        }
    }
}
