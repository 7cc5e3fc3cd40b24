//! A provider that says what the model's name tells it to, so that an answer shows which configuration it was asked by.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures_util::stream;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::support::Do;

/// The parrot, on a thread of its own; dropping it ends it.
pub(crate) struct Parrot {
    pub(crate) addr: SocketAddr,
    _running: oneshot::Sender<()>,
}

impl Parrot {
    pub(crate) async fn new() -> Self {
        let (running, stopped) = oneshot::channel();
        let (bound, addr) = oneshot::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
                let _ = bound.send(listener.local_addr().unwrap());
                let router = Router::new().route("/v1/chat/completions", post(answer));
                let serving = axum::serve(listener, router);
                let _ = serving
                    .with_graceful_shutdown(async { drop(stopped.await) })
                    .await;
            });
        });
        Self {
            addr: addr.await.unwrap(),
            _running: running,
        }
    }

    /// A `providers:` entry for it.
    pub(crate) fn provider(&self, name: &str, more: &str) -> String {
        let url = format!("http://{}/v1", self.addr);
        format!("  {name}: {{ kind: openai_compatible, endpoints: [\"{url}\"], {more} }}\n")
    }
}

/// The alias `m`: this provider says these words, with a pause before each when they are streamed.
pub(crate) fn says(provider: &str, words: &str, pause_ms: u64) -> String {
    format!("models:\n  m:\n    targets: [ \"{provider}/{pause_ms}:{words}\" ]\n")
}

async fn answer(Json(asked): Json<Value>) -> Response {
    let model = asked["model"].as_str().unwrap();
    let (pause, words) = model.split_once(':').unwrap();
    let pause = Duration::from_millis(pause.parse().unwrap());
    if asked["stream"] != true {
        return Json(json!({
            "id": "parrot", "object": "chat.completion", "created": 1, "model": model,
            "choices": [{
                "index": 0, "finish_reason": "stop",
                "message": { "role": "assistant", "content": words },
            }],
            "usage": { "prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2 },
        }))
        .into_response();
    }
    let mut events = vec![Do::role()];
    events.extend(words.split(' ').map(|word| Do::says(&format!("{word} "))));
    events.push(Do::stop());
    let pieces = stream::unfold(events.into_iter(), move |mut events| async move {
        let event = events.next()?;
        tokio::time::sleep(pause).await;
        Some((Ok::<_, std::io::Error>(Bytes::from(event)), events))
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::from_stream(pieces)).into_response()
}
