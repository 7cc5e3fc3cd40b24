//! The scenarios that give a good answer, or one that is only odd or late: one function each,
//! named in the table of `table.rs`.

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;

use super::asked::{Asked, Dialect, Endpoint, Images, Malformed};
use super::embedding;
use super::instance::instance;
use super::journal::Journal;
use super::refusal::Refusal;
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
    /// The request's key.
    pub(super) key: Option<&'a str>,
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

    /// The answer, told as the provider does.
    pub(super) fn say(&self, speech: Speech) -> Script {
        self.tell(speech, Telling::PLAIN)
    }

    /// A good answer of a few pieces.
    pub(super) fn good(&self) -> Script {
        self.say(Speech::of(self.some_text()))
    }

    fn tell(&self, speech: Speech, telling: Telling) -> Script {
        match self.asked.endpoint {
            Endpoint::Embeddings => embedding::answer(self.asked, self.params, self.model),
            Endpoint::CountTokens => self.count(),
            _ => self.voice.tell(self.asked, self.params, speech, telling),
        }
    }

    /// What the request's tokens would be; counting costs nothing.
    fn count(&self) -> Script {
        let tokens = self.params.count("tokens_in");
        let tokens = tokens.unwrap_or(self.asked.prompt_tokens);
        let body = json!({"input_tokens": tokens}).to_string();
        Script {
            before: self.params.span("delay"),
            ..Script::whole(200, "application/json", body)
        }
    }

    /// True when the answer is a stream of events.
    pub(super) fn streams(&self) -> bool {
        self.asked.stream && self.asked.endpoint.streams()
    }

    /// The grammar of the answer.
    pub(super) fn dialect(&self) -> Dialect {
        self.asked.endpoint.dialect()
    }

    fn refuse(&self, message: &str) -> Plan {
        let refusal = Refusal::malformed(Malformed::because(message));
        Plan::Answer(refusal.told(self.dialect(), &self.voice.request_id()))
    }
}

pub(super) fn echo(scene: &Scene<'_>) -> Plan {
    // Asking for filler text replaces the echo: the parameters are common to all.
    if scene.params.count("chunks").is_some() {
        return Plan::Answer(scene.good());
    }
    let asked = scene.asked;
    let mut text = asked.last_text.clone();
    let Images { count, bytes } = asked.images;
    if count > 0 {
        let many = if count == 1 { "image" } else { "images" };
        text += &format!(" [{count} {many}, {bytes} bytes]");
    }
    let per_prompt = match asked.endpoint {
        Endpoint::Completions => asked.inputs.iter().map(|text| Text::words(text)).collect(),
        _ => Vec::new(),
    };
    let speech = Speech::of(Text::words(&text));
    Plan::Answer(scene.say(Speech {
        per_prompt,
        ..speech
    }))
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

/// Calls of the first tool offered, as many as told.
fn calls(scene: &Scene<'_>, many: u64, args: Option<&str>) -> Vec<Call> {
    let tool = scene.asked.first_tool.as_ref();
    let name = tool.map_or("get_weather", |tool| tool.name.as_str());
    let schema = tool.and_then(|tool| tool.schema.as_ref());
    let arguments = match (args, schema) {
        (Some(args), _) => args.to_owned(),
        (None, Some(schema)) => instance(schema).to_string(),
        (None, None) => "{}".to_owned(),
    };
    let prefix = match scene.dialect() {
        Dialect::OpenAi => "call",
        Dialect::Anthropic => "toolu",
    };
    let call = |number| Call {
        id: format!("{prefix}_mock_{number}"),
        name: name.to_owned(),
        arguments: arguments.clone(),
        whole: scene.params.yes("whole"),
    };
    (1..=many).map(call).collect()
}

pub(super) fn tools(scene: &Scene<'_>) -> Plan {
    if scene.asked.after_tool {
        return echo(scene);
    }
    let args = Some(scene.params.text("args")).filter(|_| !scene.params.yes("fit"));
    let speech = Speech {
        calls: calls(scene, scene.params.count("calls").unwrap_or(1), args),
        finish: Some("tool_calls"),
        ..Speech::of(Text::None)
    };
    Plan::Answer(scene.say(speech))
}

fn thoughts(scene: &Scene<'_>) -> Vec<String> {
    let thoughts = scene.params.count("thoughts").unwrap_or_default();
    let thought = |number| format!("thought{number} ");
    (0..thoughts).map(thought).collect()
}

fn thought_field(scene: &Scene<'_>) -> &'static str {
    match scene.params.text("field") {
        "reasoning" => "reasoning",
        _ => "reasoning_content",
    }
}

pub(super) fn reasoning(scene: &Scene<'_>) -> Plan {
    if let Some(forged) = &scene.asked.thoughts.forged {
        return scene.refuse(forged);
    }
    let speech = Speech {
        thoughts: thoughts(scene),
        thought_field: thought_field(scene),
        ..Speech::of(scene.some_text())
    };
    Plan::Answer(scene.say(speech))
}

pub(super) fn signed(scene: &Scene<'_>) -> Plan {
    let came_back = &scene.asked.thoughts;
    let wrong = came_back.forged.as_ref().or(came_back.missing.as_ref());
    if let Some(wrong) = wrong {
        return scene.refuse(wrong);
    }
    if scene.asked.after_tool {
        return echo(scene);
    }
    let speech = Speech {
        thoughts: thoughts(scene),
        thought_field: thought_field(scene),
        calls: calls(scene, 1, None),
        finish: Some("tool_calls"),
        ..Speech::of(Text::None)
    };
    Plan::Answer(scene.say(speech))
}

pub(super) fn json(scene: &Scene<'_>) -> Plan {
    let value = match &scene.asked.schema {
        Some(schema) => instance(schema),
        None => json!({"answer": scene.asked.last_text}),
    };
    let text = Text::of(value.to_string().split_inclusive(','));
    Plan::Answer(scene.say(Speech::of(text)))
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

/// What keeps an answer alive without saying anything: a comment or a ping, or white space before
/// JSON.
fn heartbeats(scene: &Scene<'_>) -> impl Iterator<Item = Step> + Send + Sync + 'static {
    let every = scene.params.span("every").max(Duration::from_millis(1));
    let beat = match (scene.streams(), scene.dialect()) {
        (false, _) => "\n",
        (true, Dialect::OpenAi) => ": ping\n\n",
        (true, Dialect::Anthropic) => "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    };
    std::iter::repeat([Step::frame(beat), Step::Wait(every)]).flatten()
}

/// Anthropic's pings follow `message_start`; OpenAI's comments come first.
fn opening(scene: &Scene<'_>, script: &mut Script) -> Option<Step> {
    let starts = scene.streams() && scene.dialect() == Dialect::Anthropic;
    starts.then(|| script.steps.next()).flatten()
}

pub(super) fn ping(scene: &Scene<'_>) -> Plan {
    let every = scene.params.span("every").max(Duration::from_millis(1));
    let beats = scene.params.span("for").as_micros() / every.as_micros().max(1);
    let beats = usize::try_from(beats).unwrap_or(usize::MAX);
    let mut script = scene.good();
    let opening = opening(scene, &mut script).into_iter();
    let beats = heartbeats(scene).take(2 * beats);
    Plan::Answer(Script {
        length: None,
        steps: Box::new(opening.chain(beats).chain(script.steps)),
        ..script
    })
}

pub(super) fn pings_forever(scene: &Scene<'_>) -> Plan {
    let mut script = scene.good();
    let opening = opening(scene, &mut script).into_iter();
    Plan::Answer(Script {
        length: None,
        steps: Box::new(opening.chain(heartbeats(scene))),
        ..script
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
