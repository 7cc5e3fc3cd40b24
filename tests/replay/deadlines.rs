//! Three deadlines, each for what it says: the first byte, the silence between two pieces, and
//! the whole request.

use std::time::{Duration, Instant};

use crate::support::{
    Answer, Do, Full, Gateway, Scripted, Upstream, chat, chat_of, ms, streaming, within,
};
use crate::world::{Client, alias, calm, config};

/// A mock behind the given time-outs, and aliases of one letter each for these lists of targets.
async fn start(timeouts: &str, models: &[(&str, &[&str])]) -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let limits = format!("timeouts: {{ {timeouts} }}");
    let providers = [
        mock.provider("p", &calm(&limits)),
        mock.provider("two", &calm(&format!("http: h2, {limits}"))),
    ];
    let models: Vec<String> = models
        .iter()
        .map(|(name, targets)| alias(name, targets, ""))
        .collect();
    (mock, Gateway::start(&config(&providers, &models)).await)
}

async fn timed(client: &mut Client, body: &[u8]) -> (Answer, Duration) {
    let begun = Instant::now();
    let answer = client.chat(body).await;
    (answer, begun.elapsed())
}

#[track_caller]
fn about(took: Duration, expected: u64) {
    let range = ms(expected.saturating_sub(30))..ms(expected + 4_000);
    assert!(
        range.contains(&took),
        "took {took:?} instead of about {expected} ms"
    );
}

#[tokio::test]
async fn a_late_first_byte_is_asked_for_elsewhere() {
    let limits = "first_byte: 300ms, between_chunks: 5s";
    let models: [(&str, &[&str]); 2] = [
        ("a", &["p/hang", "p/echo"]),
        ("b", &["two/hang", "two/echo"]),
    ];
    let (_mock, gateway) = start(limits, &models).await;
    for name in ["a", "b"] {
        for mut client in Client::both(&gateway).await {
            let (answer, took) = timed(&mut client, &streaming(name)).await;
            answer.expect(200).events().expect_whole("one two three");
            about(took, 300);
            assert!(client.is_alive().await);
        }
    }
}

#[tokio::test]
async fn the_last_target_that_is_late_makes_a_504() {
    let limits = "first_byte: 300ms, between_chunks: 300ms";
    let (_mock, gateway) = start(limits, &[("a", &["p/hang"]), ("b", &["two/hang"])]).await;
    for name in ["a", "b"] {
        for mut client in Client::both(&gateway).await {
            let (answer, took) = timed(&mut client, &streaming(name)).await;
            answer.expect_refusal(504, "provider_timeout");
            about(took, 300);
        }
    }
    gateway.settled().await;
}

#[tokio::test]
async fn the_first_byte_and_the_silence_have_limits_of_their_own() {
    let limits = "first_byte: 1500ms, between_chunks: 300ms";
    let models: [(&str, &[&str]); 2] = [
        ("late", &["p/slow?first_byte=800ms"]),
        ("gap", &["p/stall?after=2&for=800ms"]),
    ];
    let (_mock, gateway) = start(limits, &models).await;
    gateway
        .chat(&streaming("late"))
        .await
        .expect(200)
        .events()
        .expect_whole("w0 w1 w2 w3 w4 ");
    gateway
        .chat(&streaming("gap"))
        .await
        .expect(200)
        .events()
        .expect_broken("w0 w1 ");
    let (_mock, gateway) = start("first_byte: 300ms, between_chunks: 1500ms", &models).await;
    gateway
        .chat(&streaming("late"))
        .await
        .expect_refusal(504, "provider_timeout");
    gateway
        .chat(&streaming("gap"))
        .await
        .expect(200)
        .events()
        .expect_whole("w0 w1 w2 w3 w4 ");
}

#[tokio::test]
async fn a_silence_after_content_ends_the_stream_with_an_error_event() {
    let limits = "first_byte: 5s, between_chunks: 300ms";
    let models: [(&str, &[&str]); 2] = [
        ("a", &["p/stall?after=2&for=10s", "p/echo"]),
        ("b", &["two/stall?after=2&for=10s"]),
    ];
    let (mock, gateway) = start(limits, &models).await;
    for name in ["a", "b"] {
        for mut client in Client::both(&gateway).await {
            let (answer, took) = timed(&mut client, &streaming(name)).await;
            answer.expect(200).events().expect_broken("w0 w1 ");
            about(took, 300);
        }
    }
    assert!(
        mock.ended(4)
            .await
            .iter()
            .all(|seen| seen["ended"] == "client_gone")
    );
    gateway.settled().await;
}

#[tokio::test]
async fn a_silence_before_content_is_asked_for_elsewhere() {
    let limits = "first_byte: 5s, between_chunks: 300ms";
    let (_mock, gateway) = start(limits, &[("a", &["p/stall?after=0&for=10s", "p/echo"])]).await;
    for mut client in Client::both(&gateway).await {
        let (answer, took) = timed(&mut client, &streaming("a")).await;
        answer.expect(200).events().expect_whole("one two three");
        about(took, 300);
    }
}

#[tokio::test]
async fn the_total_ends_a_stream_that_flows() {
    let limits = "first_byte: 300ms, between_chunks: 300ms, commit_after: 300ms, connect: 300ms, total: 700ms";
    let models: [(&str, &[&str]); 2] = [
        ("a", &["p/stream?chunks=100&delay=50ms"]),
        ("b", &["two/stream?chunks=100&delay=50ms"]),
    ];
    let (_mock, gateway) = start(limits, &models).await;
    for name in ["a", "b"] {
        for mut client in Client::both(&gateway).await {
            let (answer, took) = timed(&mut client, &streaming(name)).await;
            let events = answer.expect(200).events();
            assert!(events.text().starts_with("w0 w1 w2 "), "{events:?}");
            assert_eq!(
                (events.errors().len(), events.finishes().len()),
                (1, 0),
                "{events:?}"
            );
            about(took, 700);
        }
    }
    gateway.settled().await;
}

#[tokio::test]
async fn the_total_counts_all_attempts_together() {
    let limits = "first_byte: 300ms, between_chunks: 300ms, commit_after: 300ms, connect: 300ms, total: 500ms";
    let (mock, gateway) = start(
        limits,
        &[("a", &["p/hang", "two/hang", "p/close", "p/echo"])],
    )
    .await;
    for mut client in Client::both(&gateway).await {
        let (answer, took) = timed(&mut client, &streaming("a")).await;
        answer.expect_refusal(504, "provider_timeout");
        about(took, 500);
    }
    assert_eq!(mock.requests().await.len(), 4);
}

#[tokio::test]
async fn pings_are_not_content_and_do_not_beat_the_total() {
    let limits = "first_byte: 300ms, between_chunks: 300ms, total: 900ms, connect: 300ms, commit_after: 400ms";
    let (_mock, gateway) = start(limits, &[("a", &["p/pings_forever?every=50ms"])]).await;
    for mut client in Client::both(&gateway).await {
        let (answer, took) = timed(&mut client, &streaming("a")).await;
        let events = answer.expect(200).events();
        assert_eq!(
            (events.text().as_str(), events.errors().len()),
            ("", 1),
            "{events:?}"
        );
        about(took, 900);
    }
}

#[tokio::test]
async fn a_first_byte_limit_that_passed_does_not_count_against_the_next_attempt() {
    // The second attempt waits for its turn longer than the first-byte limit of the first.
    let limits = "first_byte: 300ms, between_chunks: 300ms";
    let mock = Upstream::mock().await;
    let late = Scripted::new(vec![
        vec![Do::Read, Do::Hold],
        vec![
            Do::Read,
            Do::Send(
                b"HTTP/1.1 429 Slow Down\r\nretry-after-ms: 600\r\ncontent-length: 2\r\n\r\n{}"
                    .to_vec(),
            ),
        ],
        Do::answer("right"),
    ])
    .await;
    let limits = format!("timeouts: {{ {limits} }}");
    let providers = [
        late.provider("late", &calm(&limits)),
        mock.provider("p", ""),
    ];
    let models = [alias("m", &["late/x"], "retry: { attempts: 3 }")];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    let mut client = gateway.h1().await;
    let begun = Instant::now();
    client
        .chat(&streaming("m"))
        .await
        .expect(200)
        .events()
        .expect_whole("right");
    assert!(begun.elapsed() > ms(850), "{:?}", begun.elapsed());
    assert_eq!(late.received().len(), 3);
}

#[tokio::test]
async fn a_back_off_ends_with_the_total() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider(
        "p",
        &calm("timeouts: { total: 500ms, connect: 400ms, commit_after: 400ms, first_byte: 400ms, between_chunks: 400ms }"),
    )];
    // A model for each: the first one rests when the second client comes.
    let models = [("h1", 900), ("h2", 901)].map(|(name, wait)| {
        let target = format!("p/status?code=429&retry_after_ms={wait}");
        alias(name, &[&target], "retry: { attempts: 3, deadline: 5s }")
    });
    let gateway = Gateway::start(&config(&providers, &models)).await;
    for mut client in Client::both(&gateway).await {
        let body = chat(client.name(), serde_json::json!({}));
        let (answer, took) = timed(&mut client, &body).await;
        assert!([429, 504].contains(&answer.status), "{answer:?}");
        assert!(took < ms(1200), "{took:?}");
    }
    gateway.settled().await;
}

#[tokio::test]
async fn connecting_has_a_limit_too() {
    let full = Full::new().await;
    let mock = Upstream::mock().await;
    let providers = [
        full.provider("full", &calm("timeouts: { connect: 400ms }")),
        mock.provider("p", ""),
    ];
    let models = [
        alias("m", &["full/x", "p/echo"], ""),
        alias("only", &["full/x"], ""),
    ];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    let mut client = Client::H1(gateway.h1().await);
    let (answer, took) = timed(&mut client, &streaming("m")).await;
    answer.expect(200).events().expect_whole("one two three");
    about(took, 400);
    let (answer, took) = timed(&mut client, &streaming("only")).await;
    answer.expect_refusal(504, "provider_timeout");
    about(took, 400);
}

#[tokio::test]
async fn an_upload_is_not_mistaken_for_a_late_answer() {
    let script = vec![Do::ReadSlowly(16_000), Do::Send(Do::whole_stream("right"))];
    let slow = Scripted::new(vec![script]).await;
    let providers = [slow.provider(
        "slow",
        &calm("http: h1, timeouts: { first_byte: 500ms, between_chunks: 500ms }"),
    )];
    let gateway = Gateway::start(&config(&providers, &[alias("m", &["slow/x"], "")])).await;
    // Ten megabytes take longer than the first-byte limit, but they move.
    let body = chat_of(10 << 20, "m", true);
    let mut client = gateway.h1().await;
    client
        .chat(&body)
        .await
        .expect(200)
        .events()
        .expect_whole("right");
}

#[tokio::test]
async fn an_h2_provider_that_never_opens_its_window_is_given_up() {
    let limits = "first_byte: 300ms, between_chunks: 300ms";
    let (_mock, gateway) = start(
        limits,
        &[("m", &["two/hang?before=body", "two/stream?chunks=1"])],
    )
    .await;
    for mut client in Client::both(&gateway).await {
        let body = chat_of(1 << 20, "m", true);
        let answer = within(
            Duration::from_secs(20),
            "the next target's answer",
            client.chat(&body),
        )
        .await;
        answer.expect(200).events().expect_whole("w0 ");
    }
    gateway.settled().await;
}

/// A client that reads nothing for a time and then everything.
async fn slow_reader(gateway: &Gateway, http2: bool) {
    let body = streaming("m");
    let answer = if http2 {
        let tcp = tokio::net::TcpStream::connect(gateway.addr).await.unwrap();
        let mut client = crate::support::H2::with_window(tcp, "http", 65_535)
            .await
            .with_key(&gateway.key);
        let response = client.begin(&body, true).await.head().await.unwrap();
        tokio::time::sleep(ms(6000)).await;
        crate::support::read(response).await
    } else {
        let mut client = gateway.h1().await;
        client.begin(&body).await;
        tokio::time::sleep(ms(6000)).await;
        client.answer().await
    };
    let events = answer.expect(200).events();
    assert_eq!(events.text().len(), 16 << 20);
    assert!(events.errors().is_empty() && events.done);
}

#[tokio::test]
async fn a_slow_reader_is_not_the_providers_fault() {
    let limits = "first_byte: 2s, between_chunks: 2s, commit_after: 2s, total: 5s";
    let (_mock, gateway) = start(limits, &[("m", &["p/huge?mb=16"])]).await;
    tokio::join!(slow_reader(&gateway, false), slow_reader(&gateway, true));
}
