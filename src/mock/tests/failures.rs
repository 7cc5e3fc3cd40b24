//! Every way to fail.

use std::io::ErrorKind;

use super::*;

/// Sends a head and the first bytes of a body that never ends.
async fn begun(addr: SocketAddr, model: &str) -> TcpStream {
    let mut tcp = TcpStream::connect(addr).await.unwrap();
    let head =
        "POST /v1/chat/completions HTTP/1.1\r\nhost: mock\r\ncontent-length: 10000000\r\n\r\n";
    let start = format!("{head}{{\"model\":\"{model}\",\"messages\":[");
    tcp.write_all(start.as_bytes()).await.unwrap();
    tcp
}

#[tokio::test]
async fn a_status_comes_with_the_headers_asked_for() {
    let seen = whole("status?code=429&retry_after=2&retry_after_ms=1500&should_retry=false").await;
    assert_eq!(seen.status, 429);
    assert_eq!(seen.json()["error"]["code"], "rate_limit_exceeded");
    let header = |name: &str| seen.headers[name].to_str().unwrap().to_owned();
    assert_eq!(
        [
            header("retry-after"),
            header("retry-after-ms"),
            header("x-should-retry")
        ],
        ["2", "1500", "false"]
    );
    let seen = whole("status?code=503&body=%7Bgo%20away%7D").await;
    assert_eq!(
        (seen.status.as_u16(), seen.body.as_str()),
        (503, "{go away}")
    );
    assert_eq!(whole("status?code=204").await.body, "");
    assert_eq!(
        whole("quota").await.json()["error"]["code"],
        "insufficient_quota"
    );
}

#[tokio::test]
async fn unknown_names_and_parameters_are_refused_in_the_dialect() {
    let seen = whole("ecko").await;
    assert_eq!(seen.status, 404);
    let message = seen.json()["error"]["message"].to_string();
    assert!(message.contains("echo"), "{message}");
    assert_eq!(whole("echo?chunk=1").await.status, 400);
    let addr = start().await;
    let request =
        Request::post(format!("http://{addr}/v1/chat/completions")).header("host", "mock");
    let seen = send(addr, H1, request.body(Full::from("{nonsense")).unwrap())
        .await
        .unwrap();
    assert_eq!(
        (seen.status.as_u16(), &seen.json()["error"]["type"]),
        (400, &json!("invalid_request_error"))
    );
}

#[tokio::test]
async fn flaky_fails_as_often_as_told_per_id() {
    let addr = start().await;
    let mut statuses = Vec::new();
    for id in ["a", "a", "b", "a", "b", "b"] {
        let body = chat(&format!("flaky?fail=2&id={id}"), json!({}));
        statuses.push(
            send(addr, H1, post(addr, "/chat/completions", &body))
                .await
                .unwrap()
                .status
                .as_u16(),
        );
    }
    assert_eq!(statuses, [503, 503, 503, 200, 503, 200]);
}

#[tokio::test]
async fn answers_that_break_off_are_seen_to_over_both_protocols() {
    for protocol in [H1, H2] {
        for model in ["cut?after=3", "reset?after=3", "broken_chunk?after=3"] {
            let seen = streamed(model, protocol).await;
            assert_eq!(
                (seen.text().as_str(), seen.clean),
                ("w0 w1 w2 ", false),
                "{model} {protocol:?}"
            );
            let seen = ask(model, protocol, json!({})).await.unwrap();
            assert!(
                seen.body.contains("w0 w1 w2 ") && !seen.body.contains("w3") && !seen.clean,
                "{model} {protocol:?}"
            );
        }
        let seen = streamed("cut_header", protocol).await;
        assert_eq!((seen.body.as_str(), seen.clean), ("", false));
        let role = streamed("cut?after=0", protocol).await;
        assert_eq!((role.events().len(), role.clean), (1, false));
        for model in ["close", "reset"] {
            assert!(
                ask(model, protocol, json!({})).await.is_err(),
                "{model} {protocol:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_stream_can_end_cleanly_without_a_finish() {
    let seen = streamed("end_without_finish?after=2", H1).await;
    assert_eq!(
        (seen.text().as_str(), seen.finish().len(), seen.clean),
        ("w0 w1 ", 0, true)
    );
    assert!(!seen.body.contains("[DONE]"));
    assert_eq!(
        whole("end_without_finish").await.json()["choices"][0]["finish_reason"],
        Value::Null
    );
}

#[tokio::test]
async fn an_error_event_stands_where_it_was_put() {
    let seen = streamed("error_in_stream", H1).await;
    assert_eq!(seen.events()[0]["error"]["type"], "overloaded_error");
    assert!(seen.clean && seen.events().len() == 1);
    let seen = streamed("error_in_stream?after=2&form=event&type=rate_limit", H2).await;
    assert_eq!(seen.text(), "w0 w1 ");
    assert!(
        seen.body.contains("event: error\ndata: {\"error\""),
        "{}",
        seen.body
    );
    let seen = streamed("role_then_error?packets=two", H1).await;
    let events = seen.events();
    assert_eq!(events[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!((events.len(), events[1]["error"].is_object()), (2, true));
}

#[tokio::test]
async fn an_error_event_can_leave_the_answer_open() {
    let asked = streamed("error_in_stream?close=no", H1);
    assert!(
        tokio::time::timeout(Duration::from_millis(200), asked)
            .await
            .is_err()
    );
}

#[tokio::test]
async fn junk_is_not_json() {
    assert!(serde_json::from_str::<Value>(&whole("bad_json").await.body).is_err());
    let seen = streamed("bad_json?after=1", H1).await;
    let junk = seen
        .body
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"));
    assert_eq!(junk.filter(|data| !data.ends_with('}')).count(), 1);
}

#[tokio::test]
async fn an_early_answer_does_not_wait_for_the_body() {
    let mut tcp = begun(start().await, "early?code=503").await;
    let mut head = [0; 12];
    tcp.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 503");
}

#[tokio::test]
async fn a_reset_arrives_while_the_body_is_being_sent() {
    let mut tcp = begun(start().await, "reset?while=sending").await;
    let error = tcp.read(&mut [0; 10]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_close_is_a_fin_and_a_reset_is_not() {
    for (model, resets) in [("close", false), ("reset", true)] {
        let body = chat(model, json!({})).to_string();
        let mut tcp = TcpStream::connect(start().await).await.unwrap();
        let head = format!(
            "POST /chat/completions HTTP/1.1\r\nhost: mock\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        tcp.write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        let read = tcp.read(&mut [0; 10]).await;
        assert_eq!(read.is_err(), resets, "{model}: {read:?}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_is_noticed_and_nothing_stays_open() {
    let addr = start().await;
    for model in [
        "hang",
        "pings_forever?every=5ms",
        "stream?chunks=1000&delay=5ms",
        "hang?before=body",
    ] {
        let mut tcp = TcpStream::connect(addr).await.unwrap();
        let body = chat(model, json!({"stream": true})).to_string();
        let head = format!(
            "POST /chat/completions HTTP/1.1\r\nhost: mock\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        tcp.write_all(format!("{head}{body}").as_bytes())
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let journal = journal(addr).await;
    let ended: Vec<_> = journal["requests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|record| record["ended"].clone())
        .collect();
    assert_eq!(ended, ["client_gone"; 4]);
    assert_eq!(journal["counters"]["in_flight"], 0);
    assert_eq!(journal["counters"]["open_connections"], 1);
    assert!(journal["requests"][2]["chunks_sent"].as_u64().unwrap() > 2);
}

#[tokio::test]
async fn the_header_chooses_the_scenario_on_the_mocks_own_port() {
    let addr = start().await;
    let mut request = post(addr, "/v1/chat/completions", &chat("gpt-4o", json!({})));
    request
        .headers_mut()
        .insert("x-mock-scenario", "status?code=418".parse().unwrap());
    assert_eq!(send(addr, H1, request).await.unwrap().status, 418);
}

#[tokio::test]
async fn a_shutdown_ends_every_connection() {
    let mock = Mock::bind(MockOptions {
        listen: "127.0.0.1:0".parse().unwrap(),
        usage_log: None,
    });
    let mock = mock.await.unwrap();
    let addr = mock.addr();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(mock.serve(async { drop(stopped.await) }));
    let body = chat("pings_forever", json!({"stream": true}));
    let asked = tokio::spawn(send(addr, H1, post(addr, "/chat/completions", &body)));
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert!(!asked.await.unwrap().unwrap().clean);
    assert!(TcpStream::connect(addr).await.is_err());
}
