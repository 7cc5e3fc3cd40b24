//! Scanners so simple that nobody doubts them, for the laws of screens.

#![allow(dead_code, reason = "each test target uses a part")]

use std::sync::Arc;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec};
use alfred_filters::guard::report::Report;
use alfred_filters::guard::screen::{Blocked, Desk, Form, Screen, Task};
use alfred_filters::guard::vault::Vault;
use alfred_filters::guard::{Confidence, Entity, Finding, Kind, Window};

pub(crate) const KEY: [u8; 32] = [7; 32];

/// Judges each run of characters that are not white space.
pub(crate) struct Tokens {
    pub(crate) kind: Kind,
    pub(crate) rule: &'static str,
    pub(crate) confidence: Confidence,
    /// Which part of a token is a finding.
    pub(crate) part: fn(&str) -> Option<std::ops::Range<usize>>,
}

impl Scan for Tokens {
    fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let text = window.text;
        let mut at = window.from;
        loop {
            at += text[at..].len() - text[at..].trim_start().len();
            let end = text[at..].find(char::is_whitespace).map(|end| at + end);
            let Some(end) = end.or(window.last.then_some(text.len())) else {
                return at;
            };
            if let Some(part) = (self.part)(&text[at..end]) {
                out.push(Finding {
                    kind: self.kind,
                    rule: self.rule,
                    span: at + part.start..at + part.end,
                    confidence: self.confidence,
                });
            }
            at = end;
            if at == text.len() {
                return at;
            }
        }
    }
}

fn letters(token: &str, is: impl Fn(char) -> bool + Copy) -> Option<std::ops::Range<usize>> {
    let start = token.find(is)?;
    let length = token[start..]
        .find(|c| !is(c))
        .unwrap_or(token.len() - start);
    Some(start..start + length)
}

/// `x@y`, the letters around the sign.
pub(crate) fn email(token: &str) -> Option<std::ops::Range<usize>> {
    let at = token.find('@')?;
    let is = |c: char| c.is_ascii_alphanumeric() || c == '.';
    let before = token[..at].len() - token[..at].trim_end_matches(is).len();
    let after = token[at + 1..].len() - token[at + 1..].trim_start_matches(is).len();
    (before > 0 && after > 0).then_some(at - before..at + 1 + after)
}

/// What stands behind `key=`, up to a bracket, a quote or a comma.
pub(crate) fn key(token: &str) -> Option<std::ops::Range<usize>> {
    let start = token.find("key=")? + 4;
    let rest = &token[start..];
    let length = rest
        .find(['"', ',', ')', ']'])
        .map_or(rest.len(), |end| end);
    (length > 2).then_some(start..start + length)
}

/// Sixteen digits.
pub(crate) fn card(token: &str) -> Option<std::ops::Range<usize>> {
    letters(token, |c| c.is_ascii_digit()).filter(|digits| digits.len() == 16)
}

pub(crate) fn scanners() -> Vec<Arc<dyn Scan>> {
    let toy = |kind, rule, confidence, part| {
        Arc::new(Tokens {
            kind,
            rule,
            confidence,
            part,
        }) as Arc<dyn Scan>
    };
    vec![
        toy(Kind::Pii(Entity::Email), "email", Confidence::HIGH, email),
        toy(Kind::Secret, "key", Confidence::MEDIUM, key),
        toy(
            Kind::Pii(Entity::CreditCard),
            "card",
            Confidence::CERTAIN,
            card,
        ),
    ]
}

pub(crate) fn spec(action: Action) -> Spec {
    Spec {
        scanners: scanners(),
        actions: vec![(Select::All, action, Confidence::LOW)],
        fail_closed: true,
        ..Spec::default()
    }
}

pub(crate) fn policy(action: Action) -> Policy {
    Policy::new(spec(action)).unwrap()
}

/// What a text in pieces becomes.
pub(crate) struct Told {
    pub(crate) text: String,
    pub(crate) report: Report,
    pub(crate) end: Result<(), Blocked>,
}

pub(crate) fn told(policy: &Policy, vault: &mut Vault, how: (Form, Task), pieces: &[&str]) -> Told {
    let mut report = Report::default();
    report.at("/messages/0/content");
    let mut text = String::new();
    let mut desk = Desk {
        policy,
        vault,
        report: &mut report,
    };
    let mut screen = Screen::new(how.0, how.1);
    let mut end = Ok(());
    for piece in pieces {
        let before = text.len();
        end = screen.push(&mut desk, piece, &mut text);
        if end.is_err() {
            assert_eq!(text.len(), before, "a blocked text goes on");
        }
    }
    let end = end.and(screen.finish(&mut desk, &mut text));
    Told { text, report, end }
}

/// Every way to cut a text in two.
pub(crate) fn pairs(text: &str) -> impl Iterator<Item = [&str; 2]> {
    (0..=text.len())
        .filter(|at| text.is_char_boundary(*at))
        .map(|at| {
            let (a, b) = text.split_at(at);
            [a, b]
        })
}
