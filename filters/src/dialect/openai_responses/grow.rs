//! How the items of an answer grow, event by event: the other half of the
//! [writer](super::emit).

use bytes::BytesMut;

use crate::dialect::anthropic::closing::Detail;
use crate::dialect::openai_chat::usage::push_raw;
use crate::dialect::openai_chat::wire::{elements, members};
use crate::json::push_quoted;

use super::emit::ResponseWriter;
use super::items::{Call, Content, Kind, push_summary};
use super::{HIDDEN, SEAL};

impl ResponseWriter {
    /// The seals and the hidden parts that ride on OpenAI's older grammar.
    pub(super) fn details(&mut self, list: &str, out: &mut BytesMut) {
        let said = self.reasoned;
        elements(list, |raw| {
            let detail = Detail::read(raw);
            if let Some(text) = detail.text.filter(|_| !said) {
                self.think(&text, out);
            }
            if let Some(seal) = detail.signature {
                self.seal(&seal, out);
            }
            if let Some(data) = detail.data {
                self.hidden(&data, out);
            }
        });
    }

    pub(super) fn say(&mut self, text: &str, refusal: bool, out: &mut BytesMut) {
        let apart = std::mem::take(&mut self.apart);
        let at = match self.open.and_then(|at| Some((at, self.items.get(at)?))) {
            Some((at, item)) if matches!(item.kind, Kind::Message(_)) => at,
            _ => self.add("msg", Kind::Message(Vec::new()), out),
        };
        let grows = match self.items.get(at).map(|item| &item.kind) {
            Some(Kind::Message(parts)) => {
                let last = parts.last();
                !apart && last.is_some_and(|part| part.refusal == refusal)
            }
            _ => false,
        };
        if !grows {
            self.close_part(at, out);
            self.add_part(at, refusal, out);
        }
        let kind = if refusal {
            "response.refusal.delta"
        } else {
            "response.output_text.delta"
        };
        let mut line = self.start(kind, Some(at));
        let place = self.last_part(at);
        push_raw(&mut line, &format!(r#","content_index":{place},"delta":"#));
        push_quoted(&mut line, text);
        if !refusal {
            line.extend_from_slice(b",\"logprobs\":[]");
        }
        self.send(kind, line, out);
        if let Some(Kind::Message(parts)) = self.items.get_mut(at).map(|item| &mut item.kind)
            && let Some(part) = parts.last_mut()
        {
            part.text.push_str(text);
        }
    }

    fn add_part(&mut self, at: usize, refusal: bool, out: &mut BytesMut) {
        let part = Content {
            refusal,
            ..Content::default()
        };
        let kind = "response.content_part.added";
        let mut line = self.start(kind, Some(at));
        if let Some(Kind::Message(parts)) = self.items.get_mut(at).map(|item| &mut item.kind) {
            push_raw(
                &mut line,
                &format!(r#","content_index":{},"part":"#, parts.len()),
            );
            part.write(&mut line);
            parts.push(part);
        }
        self.send(kind, line, out);
    }

    fn last_part(&self, at: usize) -> usize {
        match self.items.get(at).map(|item| &item.kind) {
            Some(Kind::Message(parts)) => parts.len().saturating_sub(1),
            Some(Kind::Reasoning { summary, .. }) => summary.len().saturating_sub(1),
            _ => 0,
        }
    }

    /// Ends the last part of a message or a thought.
    pub(super) fn close_part(&mut self, at: usize, out: &mut BytesMut) {
        let place = self.last_part(at);
        let (mut text, mut part, kinds, name, index) = match self.items.get(at).map(|i| &i.kind) {
            Some(Kind::Message(parts)) => {
                let Some(last) = parts.last() else { return };
                let (mut text, mut part) = (Vec::new(), Vec::new());
                push_quoted(&mut text, &last.text);
                if !last.refusal {
                    text.extend_from_slice(b",\"logprobs\":[");
                    text.extend_from_slice(&last.logprobs);
                    text.push(b']');
                }
                last.write(&mut part);
                let (kind, name) = if last.refusal {
                    ("response.refusal.done", "refusal")
                } else {
                    ("response.output_text.done", "text")
                };
                let kinds = (kind, "response.content_part.done");
                (text, part, kinds, name, "content_index")
            }
            Some(Kind::Reasoning { summary, .. }) => {
                let Some(last) = summary.last() else { return };
                let (mut text, mut part) = (Vec::new(), Vec::new());
                push_quoted(&mut text, last);
                push_summary(last, &mut part);
                let kinds = (
                    "response.reasoning_summary_text.done",
                    "response.reasoning_summary_part.done",
                );
                (text, part, kinds, "text", "summary_index")
            }
            _ => return,
        };
        let mut line = self.start(kinds.0, Some(at));
        push_raw(&mut line, &format!(r#","{index}":{place},"{name}":"#));
        line.append(&mut text);
        self.send(kinds.0, line, out);
        let mut line = self.start(kinds.1, Some(at));
        push_raw(&mut line, &format!(r#","{index}":{place},"part":"#));
        line.append(&mut part);
        self.send(kinds.1, line, out);
    }

    pub(super) fn think(&mut self, text: &str, out: &mut BytesMut) {
        self.reasoned = true;
        let apart = std::mem::take(&mut self.apart);
        let (at, grows) = match self.open.and_then(|at| Some((at, self.items.get(at)?))) {
            // What follows a seal is another thought.
            Some((at, item)) => match &item.kind {
                Kind::Reasoning { summary, sealed } if sealed.is_empty() => {
                    (Some(at), !apart && !summary.is_empty())
                }
                _ => (None, false),
            },
            None => (None, false),
        };
        let at = at.unwrap_or_else(|| self.add("rs", thought(String::new()), out));
        if !grows {
            self.close_part(at, out);
            let kind = "response.reasoning_summary_part.added";
            let mut line = self.start(kind, Some(at));
            if let Some(Kind::Reasoning { summary, .. }) =
                self.items.get_mut(at).map(|item| &mut item.kind)
            {
                push_raw(
                    &mut line,
                    &format!(r#","summary_index":{},"part":"#, summary.len()),
                );
                summary.push(String::new());
            }
            push_summary("", &mut line);
            self.send(kind, line, out);
        }
        let kind = "response.reasoning_summary_text.delta";
        let mut line = self.start(kind, Some(at));
        let place = self.last_part(at);
        push_raw(&mut line, &format!(r#","summary_index":{place},"delta":"#));
        push_quoted(&mut line, text);
        self.send(kind, line, out);
        if let Some(Kind::Reasoning { summary, .. }) =
            self.items.get_mut(at).map(|item| &mut item.kind)
            && let Some(last) = summary.last_mut()
        {
            last.push_str(text);
        }
    }

    pub(super) fn seal(&mut self, seal: &str, out: &mut BytesMut) {
        // Of a thought that its provider does not show, only the seal comes.
        let apart = std::mem::take(&mut self.apart);
        let open = self.open.and_then(|at| Some((at, self.items.get(at)?)));
        let at = match open {
            Some((at, item)) if !apart && matches!(item.kind, Kind::Reasoning { .. }) => at,
            _ => self.add("rs", thought(String::new()), out),
        };
        if let Some(Kind::Reasoning { sealed, .. }) =
            self.items.get_mut(at).map(|item| &mut item.kind)
        {
            if sealed.is_empty() {
                sealed.push_str(SEAL);
            }
            sealed.push_str(seal);
        }
    }

    pub(super) fn hidden(&mut self, data: &str, out: &mut BytesMut) {
        let at = self.add("rs", thought(format!("{HIDDEN}{data}")), out);
        self.close(at, out);
    }

    pub(super) fn start_call(&mut self, number: u32, (id, name): (&str, &str), out: &mut BytesMut) {
        let call = Call {
            number,
            id: id.to_owned(),
            name: name.to_owned(),
            ..Call::default()
        };
        self.add("fc", Kind::Call(call), out);
        // It grows by its number.
        self.open = None;
    }

    /// The last call of that number that is not done.
    pub(super) fn call(&self, number: u32) -> Option<usize> {
        self.items.iter().rposition(|item| {
            !item.done && matches!(&item.kind, Kind::Call(call) if call.number == number)
        })
    }

    pub(super) fn call_at(&mut self, at: usize) -> Option<&mut Call> {
        match self.items.get_mut(at).map(|item| &mut item.kind) {
            Some(Kind::Call(call)) => Some(call),
            _ => None,
        }
    }

    pub(super) fn arguments(&mut self, number: u32, json: &str, out: &mut BytesMut) {
        // After its end nothing comes but white space.
        let Some(at) = self.call(number) else { return };
        let kind = "response.function_call_arguments.delta";
        let mut line = self.start(kind, Some(at));
        line.extend_from_slice(b",\"delta\":");
        push_quoted(&mut line, json);
        self.send(kind, line, out);
        if let Some(call) = self.call_at(at) {
            call.arguments.push_str(json);
            call.balance.push(json);
        }
    }

    pub(super) fn logprobs(&mut self, json: &str) {
        let open = self.open.and_then(|at| self.items.get_mut(at));
        let Some(Kind::Message(parts)) = open.map(|item| &mut item.kind) else {
            return;
        };
        let Some(part) = parts.last_mut() else { return };
        members(json, |key, list| {
            if key == "content" && !part.refusal {
                elements(list, |one| {
                    if !part.logprobs.is_empty() {
                        part.logprobs.push(b',');
                    }
                    push_raw(&mut part.logprobs, one);
                });
            }
        });
    }
}

fn thought(sealed: String) -> Kind {
    Kind::Reasoning {
        summary: Vec::new(),
        sealed,
    }
}
