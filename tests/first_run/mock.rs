//! `alfred mock`: the scripted provider on a port of its own.

use serde_json::{Value, json};

use crate::support::{H1, Shell, chat, free_port, streaming, until};

#[tokio::test]
async fn the_mock_runs_alone_and_writes_its_usage() {
    let shell = Shell::new();
    let addr = std::net::SocketAddr::from(([127, 0, 0, 1], free_port()));
    let listen = addr.to_string();
    let running = shell.start(&["mock", "--listen", &listen, "--usage-log", "usage.jsonl"]);
    until("the mock to listen", || async {
        H1::try_connect(addr).await.is_ok()
    })
    .await;
    let url = format!("http://{listen}/v1");
    until("the mock to say where", || async {
        running.err().contains(&url)
    })
    .await;
    let mut client = H1::connect(addr).await;
    let answer = client.chat(&chat("echo", json!({}))).await.expect(200);
    assert_eq!(
        answer.json()["choices"][0]["message"]["content"],
        "one two three"
    );
    let events = client
        .chat(&streaming("mock/stream?chunks=3"))
        .await
        .expect(200)
        .events();
    assert!(events.done);
    let listed = client.get("/v1/models").await.expect(200).json();
    assert!(listed["data"].as_array().unwrap().len() > 20, "{listed}");
    client.chat(&chat("eko", json!({}))).await.expect(404);
    let lines = || -> Vec<Value> {
        let text = shell.read("usage.jsonl");
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    until("three lines of usage", || async { lines().len() >= 3 }).await;
    assert_eq!(lines()[0]["completion_tokens"], 3);
}

#[test]
fn the_scenarios_can_be_listed() {
    let said = Shell::new().run(&["mock", "--list"]);
    assert_eq!(said.status, 0, "{said:?}");
    for name in [
        "echo",
        "stream",
        "status",
        "hang",
        "error_in_stream",
        "no_usage",
        "retry_after",
        "chunks",
    ] {
        assert!(said.out.contains(name), "{name} is not in\n{}", said.out);
    }
}

#[test]
fn a_taken_port_is_a_clear_error() {
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let said = Shell::new().run(&["mock", "--listen", &listen]);
    assert_eq!(said.status, 2, "{said:?}");
    assert!(
        said.err.contains(&listen) && said.err.contains("cannot be opened"),
        "{}",
        said.err
    );
}
