//! Whether answers arrive whole: every chunk in order, usage if asked for and only then, `[DONE]`,
//! and members that no specification knows.

use serde_json::{Value, json};

use crate::Outcome;
use crate::client::Client;
use crate::programs::Subject;
use crate::scenario::{Behaviour, ORDINAL_DIGITS, SENT_DIGITS, plain_text};

/// The streams that are looked at: fast and slow ones, with usage and without.
const STREAMS: [(Behaviour, bool); 4] = [
    (Behaviour::BURST, true),
    (Behaviour::BURST, false),
    (Behaviour::PACED, true),
    (Behaviour::PACED, false),
];

/// What became of the streams.
#[derive(Debug, Default)]
pub(crate) struct Fidelity {
    /// Streams that arrived whole.
    pub(crate) right: u32,
    /// All streams.
    pub(crate) all: u32,
    /// What was wrong with the others.
    pub(crate) faults: Vec<String>,
}

/// Looks at the streams of a subject.
pub(crate) async fn streams(subject: &Subject) -> Outcome<Fidelity> {
    let mut fidelity = Fidelity::default();
    for (behaviour, usage) in STREAMS {
        let mut client = Client::connect(subject.address, subject.author()).await?;
        let mut lines = Vec::new();
        let request = subject.request(behaviour, usage);
        let read = client
            .listen(&request, |line, _| lines.push(line.to_vec()))
            .await;
        let faults = match read {
            Ok(()) => stream_faults(&lines, usage),
            Err(error) => vec![error.to_string()],
        };
        fidelity.all += 1;
        fidelity.right += u32::from(faults.is_empty());
        let name = behaviour.model();
        let told = faults
            .into_iter()
            .map(|fault| format!("{} {name}: {fault}", subject.name));
        fidelity.faults.extend(told);
    }
    Ok(fidelity)
}

fn stream_faults(lines: &[Vec<u8>], usage: bool) -> Vec<String> {
    let mut faults = Vec::new();
    let events: Vec<&[u8]> = lines
        .iter()
        .filter_map(|line| line.strip_prefix(b"data: "))
        .collect();
    let Some((last, events)) = events.split_last() else {
        return vec!["no events".to_owned()];
    };
    if last != b"[DONE]" {
        faults.push("the last event is not [DONE]".to_owned());
    }
    let mut text = String::new();
    let mut finishes = Vec::new();
    let mut usages = Vec::new();
    for event in events {
        let Ok(event) = serde_json::from_slice::<Value>(event) else {
            faults.push("an event that is no JSON".to_owned());
            continue;
        };
        if event.pointer("/x_bench/kept") != Some(&json!([1, 2.50])) {
            faults.push(format!("an unknown member was lost: {event}"));
        }
        if let Some(said) = event
            .pointer("/choices/0/delta/content")
            .and_then(Value::as_str)
        {
            text.push_str(said);
        }
        finishes.extend(
            event
                .pointer("/choices/0/finish_reason")
                .and_then(Value::as_str)
                .map(str::to_owned),
        );
        usages.extend(event.get("usage").filter(|usage| !usage.is_null()).cloned());
    }
    if ordinals(&text) != Some((0..crate::scenario::CHUNKS).collect()) {
        faults.push("chunks are missing or out of order".to_owned());
    }
    if finishes != ["stop"] {
        faults.push(format!("finish reasons {finishes:?}"));
    }
    let counts = usages.iter().map(|usage| {
        (
            usage.get("prompt_tokens").and_then(Value::as_u64),
            usage.get("completion_tokens").and_then(Value::as_u64),
        )
    });
    let expected = (Some(120), Some(u64::from(crate::scenario::CHUNKS)));
    if !counts.eq(usage.then_some(expected)) {
        faults.push(format!("asked for usage: {usage}, shown: {usages:?}"));
    }
    faults.dedup();
    faults
}

/// The chunks' numbers, in the order of the text; `None` when it is not as it was sent.
fn ordinals(text: &str) -> Option<Vec<u32>> {
    text.split_terminator(' ')
        .collect::<Vec<_>>()
        .chunks(2)
        .map(|pair| match pair {
            [time, number] => {
                let time = time.strip_prefix("t=")?;
                let number = number.strip_prefix("n=")?;
                let whole = time.len() == SENT_DIGITS && number.len() == ORDINAL_DIGITS;
                whole.then(|| number.parse().ok())?
            }
            _ => None,
        })
        .collect()
}

/// The right answer that is no stream: whole, whatever a gateway may have done to its bytes.
pub(crate) fn check_plain(body: &[u8]) -> Outcome<()> {
    let answer: Value = serde_json::from_slice(body)?;
    let is = |pointer: &str, value: Value| answer.pointer(pointer) == Some(&value);
    let whole = is("/choices/0/message/content", json!(plain_text()))
        && is("/choices/0/finish_reason", json!("stop"))
        && is("/usage/prompt_tokens", json!(120))
        && is("/usage/completion_tokens", json!(171))
        && is("/usage/prompt_tokens_details/cached_tokens", json!(64))
        && is("/x_bench/kept", json!([1, 2.50]));
    if whole {
        Ok(())
    } else {
        Err(format!("not the upstream's answer: {answer}").into())
    }
}
