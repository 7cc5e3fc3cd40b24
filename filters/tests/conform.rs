//! The rules themselves: our own translations of every recorded stream keep them,
//! and a stream or body that breaks one is found out by that rule.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that meets the unexpected must fail"
)]

mod answers;

use alfred_filters::answer::{Ending, Fidelity, StreamPlan};
use alfred_filters::conform::{Body, Grammar, Violation};
use alfred_filters::dialect::Dialect::{AnthropicMessages, OpenAiChat};
use answers::{PROVIDERS, plan, recordings, run};

const CHAT: &str = concat!(
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"t\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"logprobs\":null,\"finish_reason\":null}]}\n\n",
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"tool_calls\"}]}\n\n",
    "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":5,\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":1,\"total_tokens\":3}}\n\n",
    "data: [DONE]\n\n",
);

const MESSAGES: &str = concat!(
    "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":{\"input_tokens\":5,\"output_tokens\":1}}}\n\n",
    "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"f\",\"input\":{}}}\n\n",
    "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"{}\"}}\n\n",
    "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
    "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n\n",
    "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
);

fn rules(found: &[Violation]) -> Vec<&'static str> {
    found.iter().map(|violation| violation.rule).collect()
}

/// A stream with one piece of it replaced breaks this rule.
fn breaks(grammar: Grammar, whole: &str, change: (&str, &str), rule: &str) {
    let (from, to) = change;
    assert!(whole.contains(from), "{from} is not in the stream");
    let found = grammar.check(whole.replacen(from, to, 1).as_bytes());
    assert!(rules(&found).contains(&rule), "{rule}: {found:?}");
}

#[test]
fn a_good_stream_breaks_no_rule_whatever_comments_and_line_ends_it_has() {
    let usage = Grammar::Chat { usage: true };
    for (grammar, stream) in [(usage, CHAT), (Grammar::Messages, MESSAGES)] {
        assert_eq!(grammar.check(stream.as_bytes()), []);
        let odd = format!(": hello\n\n{stream}").replace('\n', "\r\n");
        assert_eq!(grammar.check(odd.as_bytes()), []);
    }
}

#[test]
fn each_rule_of_chat_finds_its_breach() {
    let last = "data: [DONE]\n\n";
    let finish = "\"delta\":{},\"logprobs\":null,\"finish_reason\":\"tool_calls\"";
    let first = CHAT.split("\n\n").next().unwrap().to_owned() + "\n\n";
    let with_error = format!("data: {{\"error\":{{\"message\":\"x\"}}}}\n\n{last}");
    let again = format!("{last}{first}");
    for (from, to, rule) in [
        ("\"object\":\"chat.completion.chunk\",", "", "chat.object"),
        ("\"id\":\"c\"", "\"id\":\"\"", "chat.id"),
        ("\"id\":\"c\"", "\"id\":\"other\"", "chat.same-head"),
        ("\"created\":5", "\"created\":0", "chat.created"),
        ("\"role\":\"assistant\",", "", "chat.role-first"),
        ("\"content\":\"\"", "\"content\":7", "chat.delta-text"),
        ("\"type\":\"function\",", "", "chat.call-head"),
        (
            "\"arguments\":\"{}\"",
            "\"arguments\":\"{\"",
            "chat.call-json",
        ),
        (
            "\"arguments\":\"{}\"",
            "\"arguments\":{}",
            "chat.call-arguments",
        ),
        (
            "[{\"index\":0,\"id\"",
            "[{\"index\":4,\"id\"",
            "chat.call-index",
        ),
        (
            finish,
            "\"delta\":{},\"finish_reason\":\"eos\"",
            "chat.finish-reason",
        ),
        (
            finish,
            "\"delta\":{},\"finish_reason\":\"stop\"",
            "chat.finish-calls",
        ),
        (
            finish,
            "\"delta\":{},\"finish_reason\":null",
            "chat.unfinished",
        ),
        (finish, "\"delta\":{}", "chat.finish-key"),
        (
            ",\"finish_reason\":null",
            ",\"finish_reason\":\"stop\"",
            "chat.after-finish",
        ),
        ("\"total_tokens\":3", "\"total_tokens\":4", "usage.sum"),
        ("\"total_tokens\":3", "\"total_tokens\":-3", "usage.counts"),
        (
            "\"choices\":[],\"usage\":{",
            "\"choices\":[],\"unused\":{",
            "chat.usage-missing",
        ),
        (last, "", "chat.done"),
        (last, &again, "chat.after-done"),
        (last, "data: [DONE]\n", "sse.blank-line"),
        (last, &with_error, "chat.error"),
        ("data: {", "event: chunk\ndata: {", "chat.event-name"),
        ("data: {", "data: ", "sse.json"),
        ("data: {", "what: {", "sse.field"),
    ] {
        breaks(Grammar::Chat { usage: true }, CHAT, (from, to), rule);
    }
    let unasked = Grammar::Chat { usage: false }.check(CHAT.as_bytes());
    assert_eq!(rules(&unasked), ["chat.usage-unasked"]);
    assert!(rules(&Grammar::Messages.check(b"\xff")).contains(&"sse.utf-8"));
    assert!(rules(&Grammar::Messages.check(b"")).contains(&"sse.empty"));
}

#[test]
fn each_rule_of_messages_finds_its_breach() {
    let stop = "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\n";
    let end = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let twice = format!("{end}{end}");
    for (from, to, rule) in [
        ("event: message_start\n", "", "messages.event-name"),
        ("\"id\":\"msg_1\"", "\"id\":\"\"", "messages.id"),
        (
            "\"content\":[]",
            "\"content\":[{}]",
            "messages.start-content",
        ),
        (
            "\"stop_sequence\":null,\"usage\"",
            "\"usage\"",
            "messages.start-stop",
        ),
        (
            "\"input_tokens\":5",
            "\"input_tokens\":-5",
            "messages.start-usage",
        ),
        (
            "_start\",\"index\":0",
            "_start\",\"index\":1",
            "messages.block-index",
        ),
        ("\"id\":\"t\",", "", "messages.block-member"),
        ("\"input\":{}", "\"input\":null", "messages.call"),
        ("input_json_delta", "text_delta", "messages.delta-kind"),
        (
            "_delta\",\"index\":0",
            "_delta\",\"index\":3",
            "messages.delta-place",
        ),
        (
            "\"partial_json\":\"{}\"",
            "\"partial_json\":\"{\"",
            "messages.input-json",
        ),
        (
            "\"partial_json\":\"{}\"",
            "\"partial_json\":5",
            "messages.delta-value",
        ),
        (stop, "", "messages.block-open"),
        (
            "\"stop_reason\":\"tool_use\"",
            "\"stop_reason\":\"stop\"",
            "messages.stop-reason",
        ),
        (
            "\"usage\":{\"output_tokens\":9}",
            "\"usage\":{}",
            "messages.end-usage",
        ),
        (end, "", "messages.unfinished"),
        (end, &twice, "messages.after-stop"),
        (end, "data: [DONE]\n\n", "messages.done"),
        (
            "event: message_delta\ndata: {\"type\":\"message_delta\"",
            "event: ping\ndata: {\"type\":\"ping\"",
            "messages.stop-early",
        ),
        (
            "event: message_start\ndata: {\"type\":\"message_start\"",
            "event: ping\ndata: {\"type\":\"ping\"",
            "messages.order",
        ),
    ] {
        breaks(Grammar::Messages, MESSAGES, (from, to), rule);
    }
}

#[test]
fn bodies_are_held_to_their_rules() {
    let chat = r#"{"id":"c","object":"chat.completion","created":5,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}}"#;
    let message = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":1,"output_tokens":1}}"#;
    let vectors = r#"{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":1,"total_tokens":1}}"#;
    let models =
        r#"{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"x"}]}"#;
    let error =
        r#"{"error":{"message":"no","type":"invalid_request_error","param":null,"code":null}}"#;
    let refusal = r#"{"type":"error","error":{"type":"not_found_error","message":"no"}}"#;
    for (kind, good, from, to, rule) in [
        (
            Body::Chat,
            chat,
            "\"refusal\":null",
            "\"x\":1",
            "chat.message-text",
        ),
        (Body::Chat, chat, "\"logprobs\":null,", "", "chat.logprobs"),
        (
            Body::Chat,
            chat,
            "\"finish_reason\":\"stop\"",
            "\"finish_reason\":\"tool_calls\"",
            "chat.finish-calls",
        ),
        (
            Body::Chat,
            chat,
            "\"refusal\":null",
            "\"refusal\":null,\"tool_calls\":null",
            "chat.tool-calls",
        ),
        (
            Body::Message,
            message,
            "\"stop_sequence\":null,",
            "",
            "messages.stop-sequence",
        ),
        (
            Body::Message,
            message,
            "\"type\":\"text\"",
            "\"type\":\"thinking\",\"thinking\":\"\"",
            "messages.signature",
        ),
        (
            Body::Embeddings,
            vectors,
            "[0.5]",
            "[]",
            "embeddings.vector",
        ),
        (
            Body::Embeddings,
            vectors,
            "\"index\":0",
            "\"index\":1",
            "embeddings.index",
        ),
        (
            Body::Models,
            models,
            "\"owned_by\":\"x\"",
            "\"owned_by\":null",
            "models.row",
        ),
        (
            Body::OpenAiError,
            error,
            "\"param\":null,",
            "",
            "error.nullable",
        ),
        (
            Body::OpenAiError,
            error,
            "\"message\":\"no\"",
            "\"message\":\"\"",
            "error.message",
        ),
        (
            Body::AnthropicError,
            refusal,
            "not_found_error",
            "",
            "error.type",
        ),
        (
            Body::CountTokens,
            r#"{"input_tokens":4}"#,
            "4",
            "-4",
            "count.input-tokens",
        ),
    ] {
        assert_eq!(kind.check(good.as_bytes()), [], "{good}");
        let found = kind.check(good.replacen(from, to, 1).as_bytes());
        assert!(rules(&found).contains(&rule), "{rule}: {found:?}");
    }
    assert_eq!(rules(&Body::Chat.check(b"<html>")), ["body.json"]);
}

#[test]
fn every_recorded_stream_keeps_the_rules_once_it_is_written_anew() {
    let messages = recordings("messages", &["anthropic"]);
    let chat = recordings("chat_completions", &PROVIDERS);
    let all = messages.iter().map(|one| (AnthropicMessages, one));
    let all = all.chain(chat.iter().map(|one| (OpenAiChat, one)));
    let mut checked = 0;
    for (from, recording) in all.filter(|(_, one)| one.status == 200 && one.stream) {
        for to in [OpenAiChat, AnthropicMessages] {
            let plan = StreamPlan {
                from,
                to,
                ..plan(Fidelity::Canonical, true)
            };
            let (out, ending, _) = run(plan, &recording.body, &[97]);
            if ending != Ending::Complete {
                continue;
            }
            let grammar = match to {
                AnthropicMessages => Grammar::Messages,
                _ => Grammar::Chat { usage: true },
            };
            assert_eq!(grammar.check(&out), [], "{} to {to:?}", recording.name);
            checked += 1;
        }
    }
    assert!(checked > 300, "only {checked} streams were checked");
}
