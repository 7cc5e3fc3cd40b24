//! An HTTP/2 provider may end its answer with trailers instead of a last piece. No body filter sees
//! that end, and the answer must be whole all the same.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Response};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::support::{Do, Gateway, chat, streaming};
use crate::world::{Client, alias, calm, config};

/// A provider that answers every call with this body and then trailers.
struct Trailing {
    addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Trailing {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Trailing {
    async fn start(kind: &'static str, body: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let mut calls = h2::server::handshake(tcp).await.unwrap();
                while let Some(Ok((request, mut reply))) = calls.accept().await {
                    let mut sent = request.into_body();
                    while let Some(Ok(piece)) = poll_in(&mut calls, &mut sent).await {
                        let _ = sent.flow_control().release_capacity(piece.len());
                    }
                    let head = Response::builder()
                        .header("content-type", kind)
                        .body(())
                        .unwrap();
                    let mut answer = reply.send_response(head, false).unwrap();
                    answer.send_data(Bytes::from(body.clone()), false).unwrap();
                    let mut trailers = HeaderMap::new();
                    trailers.insert("x-checksum", "1".parse().unwrap());
                    answer.send_trailers(trailers).unwrap();
                }
            }
        });
        Self { addr, task }
    }

    fn provider(&self) -> String {
        let (addr, calm) = (self.addr, calm("http: h2"));
        format!("  t: {{ kind: openai_compatible, endpoints: [\"http://{addr}/v1\"], {calm} }}\n")
    }
}

/// The next piece of a request body, while the connection goes on working.
async fn poll_in(
    calls: &mut h2::server::Connection<tokio::net::TcpStream, Bytes>,
    sent: &mut h2::RecvStream,
) -> Option<Result<Bytes, h2::Error>> {
    std::future::poll_fn(|cx| {
        let _ = calls.poll_closed(cx);
        sent.poll_data(cx)
    })
    .await
}

async fn gateway_over(provider: &Trailing) -> Gateway {
    Gateway::start(&config(&[provider.provider()], &[alias("m", &["t/x"], "")])).await
}

#[tokio::test]
async fn a_stream_that_ends_in_trailers_is_whole() {
    let events = Do::role() + &Do::says("all") + &Do::event("{}", "\"stop\"");
    let provider = Trailing::start("text/event-stream", events).await;
    let gateway = gateway_over(&provider).await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&streaming("m")).await.expect(200);
        answer.events().expect_whole("all");
        assert!(client.is_alive().await, "{}", client.name());
    }
    gateway.settled().await;
}

#[tokio::test]
async fn a_stream_cut_by_trailers_is_told_as_cut() {
    let events = Do::role() + &Do::says("some");
    let provider = Trailing::start("text/event-stream", events).await;
    let gateway = gateway_over(&provider).await;
    for mut client in Client::both(&gateway).await {
        let answer = client.chat(&streaming("m")).await.expect(200);
        answer.events().expect_broken("some");
    }
    gateway.settled().await;
}

#[tokio::test]
async fn a_whole_answer_that_ends_in_trailers_is_whole() {
    let body = r#"{"id":"x","object":"chat.completion","created":1,"model":"x","choices":[{"index":0,"message":{"role":"assistant","content":"all"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
    let provider = Trailing::start("application/json", body.to_owned()).await;
    let gateway = gateway_over(&provider).await;
    for mut client in Client::both(&gateway).await {
        let body = chat("m", serde_json::json!({}));
        let answer = client.chat(&body).await.expect(200);
        assert_eq!(answer.json()["choices"][0]["message"]["content"], "all");
        assert_eq!(answer.count("content-length"), 1);
        assert!(client.is_alive().await, "{}", client.name());
    }
    gateway.settled().await;
}
