//! After content nothing is spliced: the client keeps what it has, is told what happened in the
//! stream's own grammar, and keeps its connection.

use std::time::Instant;

use crate::support::{Answer, Do, Gateway, Scripted, Upstream, ms, streaming};
use crate::world::{Client, alias, calm, config};

const ERROR: &str = "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\",\"code\":null}}\n\n";

/// A gateway whose alias `m` asks this mock scenario first and another target after it.
async fn mocked(scenario: &str, more: &str) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm(more))];
    let models = [alias("m", &[&format!("p/{scenario}"), "p/echo"], "")];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    (mock, gateway)
}

async fn breaks_off(scenario: &str, http: &str) {
    let (mock, gateway) = mocked(scenario, &format!("http: {http}")).await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&streaming("m")).await.expect(200);
        answer.events().expect_broken("w0 w1 w2 ");
        assert!(client.is_alive().await, "{scenario}, {}", client.name());
        let receipt = gateway.receipt_of(&answer).await;
        assert_eq!(receipt["outcome"], "truncated", "{receipt:#}");
        let output = receipt["usage"]["output"].as_u64().unwrap();
        assert!((3..=9).contains(&output), "three short words: {receipt:#}");
        assert_eq!(receipt["attempts"].as_array().unwrap().len(), 1);
    }
    assert_eq!(
        mock.requests().await.len(),
        2,
        "another target was asked after content"
    );
    gateway.settled().await;
}

#[tokio::test]
async fn a_provider_that_dies_ends_the_stream_with_an_error_event_and_the_client_connection_lives()
{
    for scenario in [
        "cut?after=3",
        "reset?after=3",
        "broken_chunk?after=3",
        "end_without_finish?after=3",
    ] {
        breaks_off(scenario, "h1").await;
    }
}

#[tokio::test]
async fn the_same_over_h2_providers() {
    for scenario in ["cut?after=3", "reset?after=3", "end_without_finish?after=3"] {
        breaks_off(scenario, "h2").await;
    }
}

#[tokio::test]
async fn an_error_event_after_content_is_passed_on_in_the_dialect() {
    for form in ["data", "event"] {
        breaks_off(&format!("error_in_stream?after=3&form={form}"), "h1").await;
        breaks_off(&format!("error_in_stream?after=3&form={form}"), "h2").await;
    }
}

async fn ends_at_once(http: &str) {
    let (mock, gateway) =
        mocked("error_in_stream?after=3&close=no", &format!("http: {http}")).await;
    for mut client in Client::both(&gateway).await {
        let begun = Instant::now();
        let answer = client.chat(&streaming("m")).await.expect(200);
        answer.events().expect_broken("w0 w1 w2 ");
        assert!(
            begun.elapsed() < ms(1000),
            "waited {:?} for a provider that had nothing more",
            begun.elapsed()
        );
        client.expect_truthful_or_closed(&answer).await;
    }
    for seen in mock.ended(2).await {
        assert_eq!(
            seen["ended"], "client_gone",
            "the provider's side was not let go: {seen}"
        );
    }
    gateway.settled().await;
}

#[tokio::test]
async fn an_error_event_ends_the_answer_at_once_though_the_h1_provider_stays_open() {
    ends_at_once("h1").await;
}

#[tokio::test]
async fn an_error_event_ends_the_answer_at_once_though_the_h2_provider_stays_open() {
    ends_at_once("h2").await;
}

/// A raw provider whose stream goes like this after the request.
async fn raw(packets: Vec<Do>) -> (Scripted, Gateway) {
    let script = [vec![Do::Read], packets].concat();
    let raw = Scripted::new(vec![script]).await;
    let gateway = Gateway::start(&config(
        &[raw.provider("p", &calm("http: h1"))],
        &[alias("m", &["p/x", "p/x"], "")],
    ))
    .await;
    (raw, gateway)
}

async fn both(gateway: &Gateway) -> Vec<Answer> {
    let mut answers = Vec::new();
    for mut client in Client::both(gateway).await {
        answers.push(client.chat(&streaming("m")).await.expect(200));
        assert!(client.is_alive().await, "{}", client.name());
    }
    gateway.settled().await;
    answers
}

#[tokio::test]
async fn content_and_the_death_in_one_packet() {
    let say = Do::role() + &Do::says("some");
    let packet = [Do::stream_head(), Do::chunk(&say), b"XYZ\r\n".to_vec()].concat();
    let (_raw, gateway) = raw(vec![Do::Send(packet), Do::Close]).await;
    for answer in both(&gateway).await {
        // What came with the death may be lost with it, in which case another attempt followed.
        let events = answer.events();
        assert_eq!(events.errors().len(), 1, "{events:?}");
    }
}

#[tokio::test]
async fn content_then_the_end_of_the_connection_in_the_same_moment() {
    let say = Do::role() + &Do::says("some");
    let packet = [Do::stream_head(), Do::chunk(&say)].concat();
    let (_raw, gateway) = raw(vec![Do::Send(packet), Do::Close]).await;
    for answer in both(&gateway).await {
        answer.events().expect_broken("some");
    }
}

#[tokio::test]
async fn an_event_that_is_cut_in_the_middle_is_not_passed_on() {
    let say = Do::role() + &Do::says("some");
    let half = &Do::says("lost")[..40];
    let packets = vec![
        Do::Send([Do::stream_head(), Do::chunk(&say)].concat()),
        Do::Wait(30),
        Do::Send(Do::chunk(half)),
        Do::Wait(30),
        Do::Close,
    ];
    let (_raw, gateway) = raw(packets).await;
    for answer in both(&gateway).await {
        answer.events().expect_broken("some");
    }
}

#[tokio::test]
async fn a_stream_without_done_but_with_a_finish_is_whole() {
    let (_mock, gateway) = mocked("no_done?chunks=2", "").await;
    for answer in both(&gateway).await {
        answer.events().expect_whole("w0 w1 ");
    }
}

#[tokio::test]
async fn a_connection_that_closes_after_the_finish_is_a_whole_answer() {
    let events = Do::role() + &Do::says("all") + &Do::event("{}", "\"stop\"");
    let (_raw, gateway) = raw(vec![
        Do::Send([Do::stream_head(), Do::chunk(&events)].concat()),
        Do::Wait(30),
        Do::Close,
    ])
    .await;
    for answer in both(&gateway).await {
        answer.events().expect_whole("all");
    }
}

#[tokio::test]
async fn what_follows_an_error_event_is_swallowed() {
    let first = Do::role() + &Do::says("some");
    let packets = vec![
        Do::Send([Do::stream_head(), Do::chunk(&first)].concat()),
        Do::Wait(30),
        Do::Send(
            [
                Do::chunk(&(ERROR.to_owned() + &Do::says("more") + ERROR)),
                Do::last_chunk(),
            ]
            .concat(),
        ),
    ];
    let (_raw, gateway) = raw(packets).await;
    for answer in both(&gateway).await {
        answer.events().expect_broken("some");
    }
}

#[tokio::test]
async fn usage_up_to_the_break_is_told_and_marked_as_counted() {
    let (_mock, gateway) = mocked("cut?after=3", "").await;
    let answer = gateway.chat(&streaming("m")).await.expect(200);
    let text = answer.text();
    assert!(
        text.contains("completion_tokens"),
        "no usage beside the error: {text}"
    );
    let receipt = gateway.receipt_of(&answer).await;
    assert_eq!(receipt["usage"]["estimated"], true, "{receipt:#}");
}
