//! The scenarios over real sockets: what a client sees is the only thing that counts here.

mod answers;
mod completions;
mod failures;
mod messages;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::*;

/// Starts a mock that lives as long as the test's runtime.
async fn start() -> SocketAddr {
    let listen = "127.0.0.1:0".parse().unwrap();
    let mock = Mock::bind(MockOptions {
        listen,
        usage_log: None,
    });
    let mock = mock.await.unwrap();
    let addr = mock.addr();
    tokio::spawn(mock.serve(std::future::pending()));
    addr
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Protocol {
    H1,
    H2,
}
use Protocol::{H1, H2};

/// What came of a request: the head, the body as far as it came, and whether it ended well.
#[derive(Debug)]
struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    clean: bool,
}

impl Seen {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The data of the events, `[DONE]` and comments left out.
    fn events(&self) -> Vec<Value> {
        let data = self
            .body
            .lines()
            .filter_map(|line| line.strip_prefix("data: "));
        data.filter_map(|data| serde_json::from_str(data).ok())
            .collect()
    }

    fn text(&self) -> String {
        let content = |event: &Value| {
            Some(
                event["choices"].get(0)?["delta"]["content"]
                    .as_str()?
                    .to_owned(),
            )
        };
        self.events().iter().filter_map(content).collect()
    }

    fn finish(&self) -> Vec<String> {
        let reason = |event: &Value| {
            Some(
                event["choices"].get(0)?["finish_reason"]
                    .as_str()?
                    .to_owned(),
            )
        };
        self.events().iter().filter_map(reason).collect()
    }

    fn usage(&self) -> Vec<Value> {
        let usage = |event: &Value| event.get("usage").filter(|usage| !usage.is_null()).cloned();
        self.events().iter().filter_map(usage).collect()
    }
}

async fn send(
    addr: SocketAddr,
    protocol: Protocol,
    request: Request<Full<Bytes>>,
) -> hyper::Result<Seen> {
    let io = TokioIo::new(TcpStream::connect(addr).await.unwrap());
    let response = match protocol {
        H1 => {
            let (mut client, connection) = hyper::client::conn::http1::handshake(io).await?;
            tokio::spawn(connection);
            client.send_request(request).await?
        }
        H2 => {
            let (mut client, connection) =
                hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await?;
            tokio::spawn(connection);
            client.send_request(request).await?
        }
    };
    let (parts, mut body) = response.into_parts();
    let mut bytes = Vec::new();
    let clean = loop {
        match body.frame().await {
            None => break true,
            Some(Err(_)) => break false,
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
        }
    };
    Ok(Seen {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8_lossy(&bytes).into_owned(),
        clean,
    })
}

fn post(addr: SocketAddr, path: &str, body: &Value) -> Request<Full<Bytes>> {
    let request = Request::post(format!("http://{addr}{path}")).header("host", addr.to_string());
    request.body(Full::from(body.to_string())).unwrap()
}

fn chat(model: &str, more: Value) -> Value {
    let mut body =
        json!({"model": model, "messages": [{"role": "user", "content": "one two three"}]});
    let (Value::Object(all), Value::Object(more)) = (&mut body, more) else {
        panic!()
    };
    all.extend(more);
    body
}

async fn ask(model: &str, protocol: Protocol, more: Value) -> hyper::Result<Seen> {
    let addr = start().await;
    send(
        addr,
        protocol,
        post(addr, "/v1/chat/completions", &chat(model, more)),
    )
    .await
}

async fn streamed(model: &str, protocol: Protocol) -> Seen {
    let more = json!({"stream": true, "stream_options": {"include_usage": true}});
    ask(model, protocol, more).await.unwrap()
}

async fn whole(model: &str) -> Seen {
    ask(model, H1, json!({})).await.unwrap()
}

async fn journal(addr: SocketAddr) -> Value {
    let request = Request::get(format!("http://{addr}/__mock/requests")).header("host", "mock");
    send(addr, H1, request.body(Full::default()).unwrap())
        .await
        .unwrap()
        .json()
}
