//! The scenarios that fail, in every way a provider has been seen to: one function each, named
//! in the table of `table.rs`.

use bytes::Bytes;

use super::asked::Dialect;
use super::behaviour::{Scene, echo};
use super::fault_body::{Trouble, in_stream};
use super::script::{Plan, Script, Step};
use super::speech::{Speech, Text};

fn after(scene: &Scene<'_>) -> u64 {
    scene.params.count("after").unwrap_or_default()
}

fn code(scene: &Scene<'_>) -> u16 {
    let code = scene.params.count("code").unwrap_or(500);
    u16::try_from(code).unwrap_or(500)
}

/// The shape of the errors of the surface that was asked.
fn own_shape(scene: &Scene<'_>) -> &'static str {
    match scene.dialect() {
        Dialect::OpenAi => "openai",
        Dialect::Anthropic => "anthropic",
    }
}

fn refused(scene: &Scene<'_>, trouble: &Trouble<'_>) -> Script {
    let shape = match scene.params.text("shape") {
        "" => own_shape(scene),
        shape => shape,
    };
    let (content_type, body) = trouble.body(shape, &scene.voice.request_id());
    Script {
        before: scene.params.span("delay"),
        ..Script::whole(trouble.status, content_type, body)
    }
}

pub(super) fn status(scene: &Scene<'_>) -> Plan {
    let params = scene.params;
    let mut trouble = Trouble::of(code(scene));
    let set = |name| Some(params.text(name)).filter(|text| !text.is_empty());
    if let Some(kind) = set("type") {
        trouble = trouble.called(kind);
    }
    trouble.code = set("error").or(trouble.code);
    trouble.message = set("message").unwrap_or(trouble.message);
    let mut script = refused(scene, &trouble);
    if matches!(trouble.status, 204 | 304) {
        script = Script {
            length: None,
            steps: Box::new(std::iter::empty()),
            ..script
        };
    }
    if let Some(body) = set("body") {
        let kind = if body.starts_with('{') {
            "application/json"
        } else {
            "text/plain"
        };
        script = Script {
            before: script.before,
            ..Script::whole(trouble.status, kind, body.to_owned())
        };
    }
    let millis = params.count("retry_after_ms").map(|ms| ms.to_string());
    let own = |name| set(name).map(str::to_owned);
    script.headers = [
        ("retry-after", own("retry_after")),
        ("retry-after-ms", millis),
        ("x-should-retry", own("should_retry")),
        ("location", own("location")),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect();
    Plan::Answer(script)
}

pub(super) fn quota(scene: &Scene<'_>) -> Plan {
    Plan::Answer(refused(scene, &Trouble::QUOTA))
}

pub(super) fn auth(scene: &Scene<'_>) -> Plan {
    if scene.key == Some(scene.params.text("key")) {
        return echo(scene);
    }
    Plan::Answer(refused(scene, &Trouble::of(401)))
}

pub(super) fn flaky(scene: &Scene<'_>) -> Plan {
    let id = Some(scene.params.text("id")).filter(|id| !id.is_empty());
    let most = scene.params.count("fail").unwrap_or_default();
    if scene.journal.may_fail(id.unwrap_or(scene.model), most) {
        return Plan::Answer(refused(scene, &Trouble::of(code(scene))));
    }
    echo(scene)
}

pub(super) fn early(scene: &Scene<'_>) -> Plan {
    Plan::Answer(refused(scene, &Trouble::of(code(scene))))
}

pub(super) fn hang(_: &Scene<'_>) -> Plan {
    Plan::Silence
}

pub(super) fn close(_: &Scene<'_>) -> Plan {
    Plan::Close
}

pub(super) fn reset(scene: &Scene<'_>) -> Plan {
    match scene.params.count("after") {
        Some(after) => Plan::Answer(
            scene
                .good()
                .ended_after(after, vec![Step::settle(), Step::Reset]),
        ),
        None => Plan::Reset,
    }
}

fn cut_off() -> Vec<Step> {
    vec![Step::settle(), Step::Cut]
}

pub(super) fn cut(scene: &Scene<'_>) -> Plan {
    Plan::Answer(scene.good().ended_after(after(scene), cut_off()))
}

pub(super) fn cut_header(scene: &Scene<'_>) -> Plan {
    Plan::Answer(Script {
        steps: Box::new(cut_off().into_iter()),
        ..scene.good()
    })
}

pub(super) fn end_without_finish(scene: &Scene<'_>) -> Plan {
    if scene.streams() {
        return Plan::Answer(scene.good().ended_after(after(scene), Vec::new()));
    }
    let speech = Speech::of(scene.some_text());
    Plan::Answer(scene.say(Speech {
        finish: None,
        ..speech
    }))
}

pub(super) fn broken_chunk(scene: &Scene<'_>) -> Plan {
    let garbage = Step::Raw(Bytes::from_static(b"XYZ\r\nno chunk size\r\n"));
    let end = vec![Step::settle(), garbage, Step::settle(), Step::Cut];
    let script = scene.good().ended_after(after(scene), end);
    Plan::Answer(Script {
        length: None,
        ..script
    })
}

pub(super) fn bad_json(scene: &Scene<'_>) -> Plan {
    if scene.streams() {
        let junk = Step::frame(match scene.dialect() {
            Dialect::OpenAi => "data: {\"choices\":[{\"delta\":{\"content\":\"oh\n\n",
            Dialect::Anthropic => {
                "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"oh\n\n"
            }
        });
        return Plan::Answer(scene.good().paused_after(after(scene), vec![junk]));
    }
    let body = match scene.dialect() {
        Dialect::OpenAi => "{\"id\":\"chatcmpl-mock\",\"choices\":[{\"message\":{\"content\":\"oh",
        Dialect::Anthropic => "{\"id\":\"msg_mock\",\"content\":[{\"type\":\"text\",\"text\":\"oh",
    };
    Plan::Answer(Script::whole(200, "application/json", body))
}

/// The error as an event, and what becomes of the stream after it.
fn error_event(scene: &Scene<'_>) -> Vec<Step> {
    let shape = own_shape(scene);
    let named = match scene.params.text("form") {
        "" => shape == "anthropic",
        form => form == "event",
    };
    let trouble = Trouble::named(scene.params.text("type"));
    let (_, object) = trouble.body(shape, &scene.voice.request_id());
    let open = scene.params.text("close") == "no";
    let hold = open.then_some(Step::Hold);
    let event = Step::frame(in_stream(&object, named));
    std::iter::once(event).chain(hold).collect()
}

/// Some providers answer 200 with an error object when nothing was streamed either.
fn error_object(scene: &Scene<'_>) -> Plan {
    let trouble = Trouble::named(scene.params.text("type"));
    let (content_type, body) = trouble.body(own_shape(scene), &scene.voice.request_id());
    Plan::Answer(Script::whole(200, content_type, body))
}

pub(super) fn error_in_stream(scene: &Scene<'_>) -> Plan {
    if !scene.streams() {
        return error_object(scene);
    }
    let script = scene.good();
    Plan::Answer(match after(scene) {
        0 => Script {
            steps: Box::new(error_event(scene).into_iter()),
            ..script
        },
        after => script.ended_after(after, error_event(scene)),
    })
}

pub(super) fn role_then_error(scene: &Scene<'_>) -> Plan {
    if !scene.streams() {
        return error_object(scene);
    }
    let script = scene.say(Speech::of(Text::words("x")));
    let mut end = error_event(scene);
    if scene.params.text("packets") == "two" {
        end.insert(0, Step::settle());
    }
    Plan::Answer(script.ended_after(0, end))
}
