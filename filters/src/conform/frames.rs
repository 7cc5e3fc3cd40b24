//! The framing of server-sent events, as the WHATWG standard has it and as the
//! official clients need it: complete events of one JSON object each.

use serde_json::Value;

use super::Findings;
use super::findings::excerpt;

/// One event.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    /// Where it stands among all, from 1.
    pub(super) number: usize,
    /// Its `event:` line.
    pub(super) name: Option<String>,
    pub(super) payload: Payload,
}

/// What its `data:` lines hold.
#[derive(Debug, PartialEq)]
pub(super) enum Payload {
    /// `[DONE]`
    Done,
    /// A JSON object.
    Object(Value),
}

/// Takes a stream apart. Comments are allowed anywhere and left out.
pub(super) fn read(stream: &[u8], findings: &mut Findings) -> Vec<Event> {
    let Ok(text) = std::str::from_utf8(stream) else {
        findings.broken("sse.utf-8", "the stream is not UTF-8");
        return Vec::new();
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text = text.replace("\r\n", "\n");
    let is_ended = text.is_empty() || text.ends_with("\n\n");
    let mut events = Vec::new();
    for block in text.split("\n\n").filter(|block| !block.trim().is_empty()) {
        let number = events.len() + 1;
        findings.go(format!("event {number}"));
        events.extend(event(block, number, findings));
    }
    findings.go("end of the stream");
    findings.hold(
        is_ended,
        "sse.blank-line",
        "no blank line ends the last event",
    );
    findings.hold(!events.is_empty(), "sse.empty", "there is no event at all");
    events
}

fn event(block: &str, number: usize, findings: &mut Findings) -> Option<Event> {
    let (mut name, mut data) = (None, Vec::new());
    for line in block.lines().filter(|line| !line.starts_with(':')) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => name = Some(value.to_owned()),
            "data" => data.push(value),
            "id" | "retry" => {}
            _ => findings.broken("sse.field", format!("an unknown field: {}", excerpt(line))),
        }
    }
    if data.is_empty() {
        if name.is_some() {
            findings.broken("sse.data", "an event has a name and no data");
        }
        return None;
    }
    let data = data.join("\n");
    let payload = match (data.as_str(), serde_json::from_str(&data)) {
        ("[DONE]", _) => Payload::Done,
        (_, Ok(value @ Value::Object(_))) => Payload::Object(value),
        (text, _) => {
            let what = format!("the data is no JSON object: {}", excerpt(text));
            findings.broken("sse.json", what);
            return None;
        }
    };
    Some(Event {
        number,
        name,
        payload,
    })
}
