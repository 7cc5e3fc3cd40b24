//! OpenAI's older completions: a text goes on, without roles, thoughts or calls. A request may
//! hold several prompts; each has its choices.

use super::chat::{finish_json, usage_json};
use super::{Order, Told, Usage, Voice, escaped, quoted};
use crate::mock::script::{Step, Steps};
use crate::mock::speech::{Speech, Text};

impl Voice {
    /// Tells what of a speech is text.
    pub(super) fn completion(&self, order: Order<'_>, speech: &Speech) -> Told {
        let Order { asked, telling, .. } = order;
        let prompts = asked.inputs.iter().enumerate();
        let choices: Vec<Choice> = prompts
            .flat_map(|(number, prompt)| {
                let text = speech.per_prompt.get(number);
                let said = plain(speech, text.unwrap_or(&speech.text)).limited(asked);
                let prompt = asked.echo.then(|| prompt.clone());
                std::iter::repeat_n(Choice { prompt, said }, asked.choices)
            })
            .collect();
        let tokens = choices.iter().map(|choice| choice.said.tokens());
        let bill = order.bill(tokens.fold(0, u64::saturating_add));
        let usage = usage_json(bill, order, 0);
        if asked.stream {
            return Told {
                steps: self.completion_stream(order, choices, &usage),
                length: None,
                bill,
            };
        }
        let usage = (telling.usage != Usage::Never).then(|| format!(r#","usage":{usage}"#));
        let (steps, length) = self.completion_whole(choices, &usage.unwrap_or_default());
        Told {
            steps,
            length: Some(length as u64),
            bill,
        }
    }

    fn completion_opening(&self) -> String {
        format!(
            r#"{{"id":"cmpl-mock{:012}","object":"text_completion","created":{},"model":{},"system_fingerprint":"fp_mock","choices":["#,
            self.seq, self.created, self.model
        )
    }

    fn completion_stream(&self, order: Order<'_>, choices: Vec<Choice>, usage: &str) -> Steps {
        let Order { asked, telling, .. } = order;
        let usage_asked = asked.include_usage && telling.usage == Usage::Plain;
        let start = format!("data: {}", self.completion_opening());
        let end = if usage_asked {
            "],\"usage\":null}\n\n"
        } else {
            "]}\n\n"
        };
        let with_usage = format!("],\"usage\":{usage}}}\n\n");
        let last = usage_asked.then(|| Step::frame(format!("{start}{with_usage}")));
        let finish_end = match telling.usage {
            Usage::InFinish => with_usage,
            _ => end.to_owned(),
        };
        let done = telling.done.then(|| Step::frame("data: [DONE]\n\n"));
        let chunk = move |index: usize, text: &str, reason: &str, end: &str| {
            let text = quoted(text);
            format!(
                r#"{start}{{"text":{text},"index":{index},"logprobs":null,"finish_reason":{reason}}}{end}"#
            )
        };
        let last_choice = choices.len().saturating_sub(1);
        let said = choices
            .into_iter()
            .enumerate()
            .flat_map(move |(index, choice)| {
                let chunk = chunk.clone();
                let reason = finish_json(&choice.said);
                let finish = if index == last_choice {
                    chunk(index, "", &reason, &finish_end)
                } else {
                    chunk(index, "", &reason, end)
                };
                let prompt = choice.prompt.iter();
                let prompt: Vec<Step> = prompt
                    .map(|prompt| Step::frame(chunk(index, prompt, "null", end)))
                    .collect();
                let pieces = choice.said.text.pieces().map(move |(piece, tokens)| {
                    Step::content(chunk(index, &piece, "null", end), tokens)
                });
                prompt
                    .into_iter()
                    .chain(pieces)
                    .chain([Step::frame(finish)])
            });
        Box::new(said.chain(last).chain(done))
    }

    fn completion_whole(&self, choices: Vec<Choice>, usage: &str) -> (Steps, usize) {
        let head = self.completion_opening();
        let tail = format!("]{usage}}}");
        let choices: Vec<_> = choices
            .into_iter()
            .enumerate()
            .map(|(index, choice)| {
                let comma = if index == 0 { "" } else { "," };
                let prompt = escaped(choice.prompt.unwrap_or_default());
                let before = format!(r#"{comma}{{"text":"{prompt}"#);
                let after = format!(
                    r#"","index":{index},"logprobs":null,"finish_reason":{}}}"#,
                    finish_json(&choice.said)
                );
                (before, choice.said.text, after)
            })
            .collect();
        let said = choices.iter();
        let said =
            said.map(|(before, text, after)| before.len() + text.escaped_len() + after.len());
        let length = head.len() + said.sum::<usize>() + tail.len();
        let said = choices.into_iter().flat_map(|(before, text, after)| {
            let pieces = text.pieces();
            let pieces = pieces.map(|(piece, tokens)| Step::content(escaped(piece), tokens));
            std::iter::once(Step::frame(before))
                .chain(pieces)
                .chain([Step::frame(after)])
        });
        let steps = std::iter::once(Step::frame(head))
            .chain(said)
            .chain([Step::frame(tail)]);
        (Box::new(steps), length)
    }
}

/// One text that goes on from its prompt.
#[derive(Debug, Clone)]
struct Choice {
    /// The prompt, if it is to be repeated.
    prompt: Option<String>,
    said: Speech,
}

/// What can be said without a conversation: a text, or a refusal told as one.
fn plain(speech: &Speech, text: &Text) -> Speech {
    let text = match &speech.refusal {
        Some(refusal) => Text::words(refusal),
        None => text.clone(),
    };
    let finish = speech.finish.map(|finish| match finish {
        "tool_calls" => "stop",
        other => other,
    });
    Speech {
        finish,
        ..Speech::of(text)
    }
}
