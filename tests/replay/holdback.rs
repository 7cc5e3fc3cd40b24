//! A failed attempt leaves no trace at the client: the header is held back until there is
//! content. Each row is a way to die before it.

use std::time::Instant;

use crate::support::{Do, Gateway, Scripted, Upstream, chat, ms, streaming};
use crate::world::{Client, alias, calm, config};

const ERROR: &str = "data: {\"error\":{\"message\":\"Overloaded\",\"type\":\"overloaded_error\",\"code\":null}}\n\n";

fn head_and(text: &str) -> Do {
    Do::Send([Do::stream_head(), Do::chunk(text)].concat())
}

/// The first provider dies like this, twice (once per protocol of the client); the second answers.
async fn recovers(first: &[Do]) {
    let script = [&[Do::Read], first].concat();
    let bad = Scripted::new(vec![script]).await;
    let good = Scripted::new(vec![Do::answer("right")]).await;
    let providers = [
        bad.provider("bad", &calm("http: h1")),
        good.provider("good", &calm("http: h1")),
    ];
    let models = [alias("m", &["bad/x", "good/y"], "")];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    for mut client in Client::both(&gateway).await {
        let begun = Instant::now();
        let answer = client.chat(&streaming("m")).await.expect(200);
        answer.events().expect_whole("right");
        assert_eq!(answer.header("x-alfred-attempts"), "2", "{}", client.name());
        assert!(
            begun.elapsed() < ms(2000),
            "{} took {:?}",
            client.name(),
            begun.elapsed()
        );
        assert!(client.is_alive().await, "{}", client.name());
    }
    assert_eq!((bad.received().len(), good.received().len()), (2, 2));
    if first.iter().any(|step| matches!(step, Do::Hold)) {
        // The abandoned connection is closed at once, not when the provider has had enough.
        bad.left(0).await;
    }
    gateway.settled().await;
}

#[tokio::test]
async fn a_role_and_an_error_event_in_two_packets() {
    let error = Do::Send(Do::chunk(ERROR));
    recovers(&[head_and(&Do::role()), Do::Wait(30), error, Do::Hold]).await;
}

#[tokio::test]
async fn a_role_and_an_error_event_in_one_packet() {
    recovers(&[head_and(&(Do::role() + ERROR)), Do::Hold]).await;
}

#[tokio::test]
async fn an_error_event_with_its_own_name() {
    recovers(&[head_and(&format!("event: error\n{ERROR}")), Do::Hold]).await;
}

#[tokio::test]
async fn an_error_event_cut_into_three_packets() {
    let event = Do::role() + ERROR;
    let parts = [&event[..100], &event[100..220], &event[220..]];
    let packets = parts.map(|part| Do::Send(Do::chunk(part)));
    let [a, b, c] = packets;
    recovers(&[
        Do::Send(Do::stream_head()),
        Do::Wait(20),
        a,
        Do::Wait(20),
        b,
        Do::Wait(20),
        c,
        Do::Hold,
    ])
    .await;
}

#[tokio::test]
async fn a_role_and_then_the_end_of_the_connection() {
    recovers(&[head_and(&Do::role()), Do::Wait(30), Do::Close]).await;
}

#[tokio::test]
async fn a_header_and_the_end_of_the_connection_at_once() {
    recovers(&[Do::Send(Do::stream_head()), Do::Close]).await;
}

#[tokio::test]
async fn a_header_and_a_reset_at_once() {
    recovers(&[Do::Send(Do::stream_head()), Do::Reset]).await;
}

#[tokio::test]
async fn a_header_and_a_broken_chunk_size() {
    recovers(&[
        Do::Send([Do::stream_head(), b"XYZ\r\nno chunk\r\n".to_vec()].concat()),
        Do::Hold,
    ])
    .await;
}

#[tokio::test]
async fn a_role_and_a_broken_chunk_size() {
    recovers(&[
        head_and(&Do::role()),
        Do::Wait(20),
        Do::Send(b"XYZ\r\n".to_vec()),
        Do::Hold,
    ])
    .await;
}

#[tokio::test]
async fn a_role_and_a_clean_end() {
    recovers(&[Do::Send(
        [Do::stream_head(), Do::chunk(&Do::role()), Do::last_chunk()].concat(),
    )])
    .await;
}

#[tokio::test]
async fn a_header_and_a_clean_end() {
    recovers(&[Do::Send([Do::stream_head(), Do::last_chunk()].concat())]).await;
}

#[tokio::test]
async fn comments_and_empty_deltas_are_no_content() {
    let quiet = format!(": ping\n\n{}{}: ping\n\n", Do::role(), Do::says(""));
    recovers(&[head_and(&quiet), Do::Wait(30), Do::Close]).await;
}

#[tokio::test]
async fn nothing_at_all_and_a_close() {
    recovers(&[Do::Close]).await;
}

#[tokio::test]
async fn half_a_header_and_a_close() {
    recovers(&[
        Do::Send(b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()),
        Do::Close,
    ])
    .await;
}

#[tokio::test]
async fn no_http_at_all() {
    recovers(&[Do::Send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec()), Do::Hold]).await;
}

#[tokio::test]
async fn a_whole_json_answer_that_breaks_off_is_asked_for_elsewhere() {
    let cases = [
        vec![Do::Read, Do::Send(Do::json_head(100)), Do::Close],
        vec![
            Do::Read,
            Do::Send([Do::json_head(100), b"{\"id\":".to_vec()].concat()),
            Do::Wait(30),
            Do::Close,
        ],
        vec![
            Do::Read,
            Do::Send([Do::json_head(6), b"{\"id\":".to_vec()].concat()),
        ],
        vec![Do::Read, Do::Send(Do::json_head(0))],
    ];
    for script in cases {
        let bad = Scripted::new(vec![script]).await;
        let mock = Upstream::mock().await;
        let providers = [
            bad.provider("bad", &calm("http: h1")),
            mock.provider("good", ""),
        ];
        let models = [alias("m", &["bad/x", "good/echo"], "")];
        let gateway = Gateway::start(&config(&providers, &models)).await;
        for mut client in Client::both(&gateway).await {
            let answer = client
                .chat(&chat("m", serde_json::json!({})))
                .await
                .expect(200);
            assert_eq!(
                answer.json()["choices"][0]["message"]["content"],
                "one two three"
            );
            assert_eq!(answer.count("content-length"), 1);
            assert!(client.is_alive().await);
        }
    }
}

#[tokio::test]
async fn the_same_holds_over_an_h2_provider_whose_connection_stays_in_use() {
    let mock = Upstream::mock().await;
    let providers = [mock.provider("p", &calm("http: h2"))];
    let deaths = [
        "error_in_stream",
        "error_in_stream?form=event&close=no",
        "role_then_error?packets=one&close=no",
        "role_then_error?packets=two&close=no",
        "cut?after=0",
        "cut_header",
        "end_without_finish?after=0",
        "empty?what=body",
        "close",
    ];
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
    let models: Vec<String> = names
        .iter()
        .zip(deaths)
        .map(|(name, death)| alias(name, &[&format!("p/{death}"), "p/stream?chunks=2"], ""))
        .collect();
    let gateway = Gateway::start(&config(&providers, &models)).await;
    for (name, death) in names.iter().zip(deaths) {
        for mut client in Client::both(&gateway).await {
            let answer = client.chat(&streaming(name)).await;
            assert_eq!(answer.status, 200, "{death}: {answer:?}");
            answer.events().expect_whole("w0 w1 ");
            assert!(client.is_alive().await, "{death}");
        }
    }
    let seen = mock.requests().await;
    let connections: std::collections::BTreeSet<u64> = seen
        .iter()
        .map(|seen| seen["connection"].as_u64().unwrap())
        .collect();
    assert!(
        connections.len() <= 4,
        "the provider's connections are thrown away: {connections:?}"
    );
    gateway.settled().await;
}

#[tokio::test]
async fn six_deaths_in_a_row_leave_one_clean_answer() {
    let raw = Scripted::new(vec![
        vec![Do::Read, head_and(&(Do::role() + ERROR)), Do::Hold],
        vec![Do::Read, Do::Send(Do::stream_head()), Do::Close],
        vec![
            Do::Read,
            Do::Send(b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}".to_vec()),
        ],
        vec![Do::ReadSome(10), Do::Reset],
        vec![Do::Read, head_and(&Do::role()), Do::Wait(20), Do::Close],
        vec![
            Do::Read,
            Do::Send([Do::stream_head(), b"-1\r\n".to_vec()].concat()),
            Do::Hold,
        ],
        Do::answer("right"),
    ])
    .await;
    let providers = [raw.provider("p", &calm("http: h1"))];
    let targets = ["p/1", "p/2", "p/3", "p/4", "p/5", "p/6", "p/7"];
    let gateway = Gateway::start(&config(&providers, &[alias("m", &targets, "")])).await;
    let mut client = gateway.h1().await;
    let answer = client.chat(&streaming("m")).await.expect(200);
    answer.events().expect_whole("right");
    assert_eq!(answer.header("x-alfred-attempts"), "7");
    assert!(client.is_alive().await);
}

#[tokio::test]
async fn a_header_with_its_first_content_passes_at_once() {
    let say = Do::role() + &Do::says("now");
    let raw = Scripted::new(vec![vec![Do::Read, head_and(&say), Do::Hold]]).await;
    let gateway = Gateway::start(&config(
        &[raw.provider("p", "")],
        &[alias("m", &["p/x"], "")],
    ))
    .await;
    let mut client = gateway.h1().await;
    let begun = Instant::now();
    client.begin(&streaming("m")).await;
    client.read_until("now").await;
    assert!(begun.elapsed() < ms(1_500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_json_answer_in_two_packets_keeps_length_and_connection() {
    let json = r#"{"id":"x","object":"chat.completion","created":1,"model":"y","choices":[{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}]}"#;
    let raw = Scripted::new(vec![vec![
        Do::Read,
        Do::Send(Do::json_head(json.len())),
        Do::Wait(100),
        Do::Send(json.as_bytes().to_vec()),
    ]])
    .await;
    let gateway = Gateway::start(&config(
        &[raw.provider("p", "")],
        &[alias("m", &["p/x"], "")],
    ))
    .await;
    for mut client in Client::both(&gateway).await {
        let answer = client
            .chat(&chat("m", serde_json::json!({})))
            .await
            .expect(200);
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "hello");
        assert_eq!(
            answer.header("content-length"),
            answer.body.len().to_string()
        );
        assert!(client.is_alive().await);
    }
}

#[tokio::test]
async fn a_silent_model_is_committed_in_time_and_kept_warm() {
    let mock = Upstream::mock().await;
    let limits = "timeouts: { first_byte: 5s, between_chunks: 5s, commit_after: 300ms }";
    let providers = [mock.provider("p", &calm(limits))];
    let models = [alias(
        "m",
        &["p/ping?every=50ms&for=800ms&chunks=2", "p/echo"],
        "",
    )];
    let gateway = Gateway::start(&config(&providers, &models)).await;
    let mut client = gateway.h1().await;
    let begun = Instant::now();
    client.begin(&streaming("m")).await;
    client.read_until(":").await;
    let first = begun.elapsed();
    assert!(
        (ms(250)..ms(5_000)).contains(&first),
        "committed after {first:?}"
    );
    let events = client.answer().await.expect(200).events();
    events.expect_whole("w0 w1 ");
    assert!(events.comments > 0);
}
