//! The scenarios that give a good answer, or one that is only odd or late: one function each,
//! named in the table of `table.rs`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::asked::{Asked, Endpoint};
use super::embedding;
use super::journal::Journal;
use super::scenario::Params;
use super::script::{Plan, Script, Step};
use super::speech::{Call, Filler, Speech, Text};
use super::voice::{Telling, Usage, Voice};

/// How a scenario acts on a request.
pub(super) type Act = fn(&Scene<'_>) -> Plan;

/// Everything a scenario may look at.
pub(super) struct Scene<'a> {
    pub(super) params: &'a Params,
    pub(super) asked: &'a Asked,
    pub(super) voice: &'a Voice,
    /// The model name as it was asked for.
    pub(super) model: &'a str,
    /// The request's bearer key.
    pub(super) bearer: Option<&'a str>,
    pub(super) journal: &'a Journal,
}

impl Scene<'_> {
    fn filler(&self, pieces: u64, size: u64) -> Text {
        let size = self.params.count("size").unwrap_or(size);
        Text::Filler(Filler {
            pieces: self.params.count("chunks").unwrap_or(pieces),
            size: usize::try_from(size).unwrap_or(usize::MAX),
            stamp: self.params.yes("stamp"),
        })
    }

    /// The text of the scenarios that are about something else.
    pub(super) fn some_text(&self) -> Text {
        self.filler(5, 0)
    }

    /// The answer, told as OpenAI does.
    pub(super) fn say(&self, speech: Speech) -> Script {
        self.tell(speech, Telling::PLAIN)
    }

    /// A good answer of a few pieces.
    pub(super) fn good(&self) -> Script {
        self.say(Speech::of(self.some_text()))
    }

    fn tell(&self, speech: Speech, telling: Telling) -> Script {
        match self.asked.endpoint {
            Endpoint::Chat => self.voice.tell(self.asked, self.params, speech, telling),
            Endpoint::Embeddings => embedding::answer(self.asked, self.params, self.model),
        }
    }

    /// True when the answer is a stream of events.
    pub(super) fn streams(&self) -> bool {
        self.asked.stream && self.asked.endpoint == Endpoint::Chat
    }
}

pub(super) fn echo(scene: &Scene<'_>) -> Plan {
    // Asking for filler text replaces the echo: the parameters are common to all.
    let text = match scene.params.count("chunks") {
        Some(_) => scene.some_text(),
        None => Text::words(&scene.asked.last_text),
    };
    Plan::Answer(scene.say(Speech::of(text)))
}

pub(super) fn stream(scene: &Scene<'_>) -> Plan {
    Plan::Answer(scene.say(Speech::of(scene.filler(20, 0))))
}

pub(super) fn long(scene: &Scene<'_>) -> Plan {
    let tokens = scene.params.count("tokens").unwrap_or_default();
    Plan::Answer(scene.say(Speech::of(scene.filler(tokens, 0))))
}

pub(super) fn huge(scene: &Scene<'_>) -> Plan {
    const PIECE: u64 = 64 << 10;
    let pieces = (scene.params.count("mb").unwrap_or_default() << 20) / PIECE;
    Plan::Answer(scene.say(Speech::of(scene.filler(pieces, PIECE))))
}

pub(super) fn trickle(scene: &Scene<'_>) -> Plan {
    let most = scene.params.count("bytes").unwrap_or(1).max(1);
    let most = usize::try_from(most).unwrap_or(1);
    let script = scene.good();
    let steps = script.steps.flat_map(move |step| {
        let Step::Send(send) = step else {
            return vec![step];
        };
        let parts = send.bytes.chunks(most).map(Bytes::copy_from_slice);
        let mut steps: Vec<Step> = parts
            .flat_map(|part| [Step::frame(part), Step::Wait(Duration::from_micros(1))])
            .collect();
        // The last byte completes the piece, so it carries the count.
        steps.pop();
        if let Some(Step::Send(last)) = steps.last_mut() {
            last.content = send.content;
            last.tokens = send.tokens;
        }
        steps.push(Step::Wait(Duration::from_micros(1)));
        steps
    });
    Plan::Answer(Script {
        steps: Box::new(steps),
        ..script
    })
}

pub(super) fn tools(scene: &Scene<'_>) -> Plan {
    if scene.asked.after_tool {
        return echo(scene);
    }
    let name = scene.asked.first_tool.as_deref().unwrap_or("get_weather");
    let calls = scene.params.count("calls").unwrap_or(1);
    let speech = Speech {
        calls: (1..=calls)
            .map(|number| Call {
                id: format!("call_mock_{number}"),
                name: name.to_owned(),
                arguments: scene.params.text("args").to_owned(),
            })
            .collect(),
        finish: Some("tool_calls"),
        ..Speech::of(Text::None)
    };
    Plan::Answer(scene.say(speech))
}

pub(super) fn reasoning(scene: &Scene<'_>) -> Plan {
    let thoughts = scene.params.count("thoughts").unwrap_or_default();
    let field = match scene.params.text("field") {
        "reasoning" => "reasoning",
        _ => "reasoning_content",
    };
    let speech = Speech {
        thoughts: (0..thoughts)
            .map(|number| format!("thought{number} "))
            .collect(),
        thought_field: field,
        ..Speech::of(scene.some_text())
    };
    Plan::Answer(scene.say(speech))
}

pub(super) fn json(scene: &Scene<'_>) -> Plan {
    let value = match &scene.asked.schema {
        Some(schema) => instance(schema, 16),
        None => json!({"answer": scene.asked.last_text}),
    };
    let text = Text::of(value.to_string().split_inclusive(','));
    Plan::Answer(scene.say(Speech::of(text)))
}

/// A value that fits a JSON Schema, of those forms that structured output allows.
fn instance(schema: &Value, depth: u8) -> Value {
    let inner = |schema: &Value| instance(schema, depth.saturating_sub(1));
    if let Some(value) = schema.get("const") {
        return value.clone();
    }
    let first = |key: &str| schema.get(key).and_then(|list| list.get(0));
    if let Some(value) = first("enum") {
        return value.clone();
    }
    if depth == 0 {
        return Value::Null;
    }
    if let Some(choice) = first("anyOf").or_else(|| first("oneOf")) {
        return inner(choice);
    }
    let kind = schema.get("type");
    let kind = kind.and_then(|kind| kind.as_str().or_else(|| kind.get(0)?.as_str()));
    match kind {
        Some("string") => "text".into(),
        Some("integer") => 1.into(),
        Some("number") => 1.5.into(),
        Some("boolean") => true.into(),
        Some("array") => schema.get("items").map(inner).into_iter().collect(),
        Some("object") => {
            let properties = schema.get("properties").and_then(Value::as_object);
            let members = properties.into_iter().flatten();
            members
                .map(|(name, schema)| (name.clone(), inner(schema)))
                .collect::<Map<_, _>>()
                .into()
        }
        _ => Value::Null,
    }
}

fn finished(scene: &Scene<'_>, finish: &'static str) -> Plan {
    let finish = Some(finish);
    let speech = Speech::of(scene.some_text());
    Plan::Answer(scene.say(Speech { finish, ..speech }))
}

pub(super) fn length(scene: &Scene<'_>) -> Plan {
    finished(scene, "length")
}

pub(super) fn content_filter(scene: &Scene<'_>) -> Plan {
    finished(scene, "content_filter")
}

pub(super) fn refusal(scene: &Scene<'_>) -> Plan {
    let speech = Speech {
        refusal: Some("I cannot help with that.".to_owned()),
        ..Speech::of(Text::None)
    };
    Plan::Answer(scene.say(speech))
}

pub(super) fn empty(scene: &Scene<'_>) -> Plan {
    let script = scene.say(Speech::of(Text::words("")));
    if scene.params.text("what") != "body" {
        return Plan::Answer(script);
    }
    Plan::Answer(Script {
        length: script.length.map(|_| 0),
        steps: Box::new(std::iter::empty()),
        ..script
    })
}

fn told(scene: &Scene<'_>, telling: Telling) -> Plan {
    Plan::Answer(scene.tell(Speech::of(scene.some_text()), telling))
}

pub(super) fn no_usage(scene: &Scene<'_>) -> Plan {
    let usage = Usage::Never;
    told(
        scene,
        Telling {
            usage,
            ..Telling::PLAIN
        },
    )
}

pub(super) fn usage_in_finish(scene: &Scene<'_>) -> Plan {
    let usage = Usage::InFinish;
    told(
        scene,
        Telling {
            usage,
            ..Telling::PLAIN
        },
    )
}

pub(super) fn no_done(scene: &Scene<'_>) -> Plan {
    told(
        scene,
        Telling {
            done: false,
            ..Telling::PLAIN
        },
    )
}

/// What keeps an answer alive without saying anything: a comment, or white space before JSON.
fn heartbeats(scene: &Scene<'_>) -> impl Iterator<Item = Step> + Send + Sync + 'static {
    let every = scene.params.span("every").max(Duration::from_millis(1));
    let beat = if scene.streams() { ": ping\n\n" } else { "\n" };
    std::iter::repeat([Step::frame(beat), Step::Wait(every)]).flatten()
}

pub(super) fn ping(scene: &Scene<'_>) -> Plan {
    let every = scene.params.span("every").max(Duration::from_millis(1));
    let beats = scene.params.span("for").as_micros() / every.as_micros().max(1);
    let beats = usize::try_from(beats).unwrap_or(usize::MAX);
    let script = scene.good();
    Plan::Answer(Script {
        length: None,
        steps: Box::new(heartbeats(scene).take(2 * beats).chain(script.steps)),
        ..script
    })
}

pub(super) fn pings_forever(scene: &Scene<'_>) -> Plan {
    Plan::Answer(Script {
        length: None,
        steps: Box::new(heartbeats(scene)),
        ..scene.good()
    })
}

pub(super) fn slow(scene: &Scene<'_>) -> Plan {
    Plan::Answer(Script {
        before: scene.params.span("first_byte"),
        ..scene.good()
    })
}

pub(super) fn stall(scene: &Scene<'_>) -> Plan {
    let after = scene.params.count("after").unwrap_or_default();
    let pause = vec![Step::settle(), Step::Wait(scene.params.span("for"))];
    Plan::Answer(scene.good().paused_after(after, pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_fits_the_forms_of_structured_output() {
        let schema = json!({"type": "object", "properties": {
            "name": {"type": ["string", "null"]},
            "kind": {"enum": ["a", "b"]},
            "tags": {"type": "array", "items": {"type": "integer"}},
            "size": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        }});
        let expected = json!({"name": "text", "kind": "a", "tags": [1], "size": 1.5});
        assert_eq!(instance(&schema, 16), expected);
    }

    #[test]
    fn a_schema_that_nests_too_deep_ends_in_null() {
        let mut schema = json!({"type": "string"});
        for _ in 0..100 {
            schema = json!({"type": "array", "items": schema});
        }
        let text = instance(&schema, 16).to_string();
        assert!(text.contains("null") && text.len() < 100, "{text}");
    }
}
