//! An HTTP/2 client at the level of frames: streams, resets, windows.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Response};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use super::answer::{Answer, Ending};

/// No answer takes longer than this in a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection; dropping it closes the socket.
pub(crate) struct H2 {
    send: SendRequest<Bytes>,
    connection: AbortHandle,
    key: Option<String>,
    scheme: &'static str,
}

/// A request that is on its way.
pub(crate) struct Sending {
    answer: ResponseFuture,
    body: SendStream<Bytes>,
}

impl H2 {
    /// Connects without TLS.
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        let tcp = TcpStream::connect(addr).await.unwrap();
        tcp.set_nodelay(true).unwrap();
        Self::over(tcp, "http").await
    }

    /// Speaks HTTP/2 over any transport, with windows large enough not to matter.
    pub(crate) async fn over<T>(transport: T, scheme: &'static str) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        Self::with_window(transport, scheme, 16 << 20).await
    }

    /// Speaks HTTP/2 with this many bytes of window for each stream.
    pub(crate) async fn with_window<T>(transport: T, scheme: &'static str, window: u32) -> Self
    where
        T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut builder = h2::client::Builder::new();
        builder
            .initial_window_size(window)
            .initial_connection_window_size(32 << 20);
        let (send, connection) = builder.handshake(transport).await.unwrap();
        let connection = tokio::spawn(async { drop(connection.await) }).abort_handle();
        Self {
            send,
            connection,
            key: None,
            scheme,
        }
    }

    /// Sends this key with each request.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// Opens a stream; `end` tells that it has no body.
    pub(crate) async fn open(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        end: bool,
    ) -> Sending {
        self.try_open(method, path, headers, end).await.unwrap()
    }

    /// The same on a connection that the server may be about to leave.
    pub(crate) async fn try_open(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        end: bool,
    ) -> Result<Sending, h2::Error> {
        let uri = format!("{}://alfred.test{path}", self.scheme);
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send = self.send.clone().ready().await?;
        let (answer, body) = self.send.send_request(request.body(()).unwrap(), end)?;
        Ok(Sending { answer, body })
    }

    /// Opens a stream for a chat request; the length is announced if it is given.
    pub(crate) async fn open_chat(&mut self, length: Option<usize>) -> Sending {
        let length = length.map(|length| length.to_string());
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(length.as_deref().map(|length| ("content-length", length)));
        self.open("POST", "/v1/chat/completions", &headers, false)
            .await
    }

    /// Sends a whole chat request without waiting for the answer.
    pub(crate) async fn begin(&mut self, body: &[u8], announced: bool) -> Sending {
        let mut sending = self.open_chat(announced.then_some(body.len())).await;
        sending.send(body, true).await;
        sending
    }

    /// A chat request with its length announced, and its answer.
    pub(crate) async fn chat(&mut self, body: &[u8]) -> Answer {
        self.begin(body, true).await.answer().await
    }

    /// A chat request of unannounced length, and its answer.
    pub(crate) async fn chat_unannounced(&mut self, body: &[u8]) -> Answer {
        self.begin(body, false).await.answer().await
    }

    /// A GET, and its answer.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.open("GET", path, &[], true).await.answer().await
    }

    /// True when the connection still serves.
    pub(crate) async fn is_alive(&mut self) -> bool {
        self.get("/v1/models").await.status == 200
    }

    /// Closes the socket at once.
    pub(crate) fn close(self) {
        self.connection.abort();
    }
}

impl Drop for H2 {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Sending {
    /// Sends a part of the body as the windows allow; stops quietly if the server resets.
    pub(crate) async fn send(&mut self, bytes: &[u8], end: bool) {
        let mut bytes = Bytes::copy_from_slice(bytes);
        if bytes.is_empty() && end {
            let _ = self.body.send_data(bytes, true);
            return;
        }
        while !bytes.is_empty() {
            self.body.reserve_capacity(bytes.len());
            let room = std::future::poll_fn(|context| self.body.poll_capacity(context)).await;
            let Some(Ok(room)) = room else { return };
            let part = bytes.split_to(room.min(bytes.len()));
            let last = end && bytes.is_empty();
            if self.body.send_data(part, last).is_err() {
                return;
            }
        }
    }

    /// Resets the stream, as a client does that loses interest.
    pub(crate) fn cancel(mut self) {
        self.body.send_reset(Reason::CANCEL);
    }

    /// The header of the answer, and the stream of its body.
    pub(crate) async fn head(self) -> Result<Response<RecvStream>, h2::Error> {
        let Self { answer, body } = self;
        let head = tokio::time::timeout(PATIENCE, answer)
            .await
            .expect("no answer in time");
        // The sending half must outlive the wait: dropping it unfinished resets the stream.
        drop(body);
        head
    }

    /// The whole answer; a stream reset before the header is told as an error.
    pub(crate) async fn try_answer(self) -> Result<Answer, h2::Error> {
        let Self {
            answer,
            body: _body,
        } = self;
        let response = tokio::time::timeout(PATIENCE, answer)
            .await
            .expect("no answer in time")?;
        Ok(read(response).await)
    }

    /// The whole answer.
    pub(crate) async fn answer(self) -> Answer {
        self.try_answer()
            .await
            .expect("the stream was reset before an answer")
    }
}

/// Reads an answer to its end, giving the window back as it goes.
pub(crate) async fn read(response: Response<RecvStream>) -> Answer {
    let (parts, mut stream) = response.into_parts();
    let mut body = Vec::new();
    let ending = loop {
        let data = tokio::time::timeout(PATIENCE, stream.data())
            .await
            .expect("no whole answer in time");
        match data {
            None => break Ending::Complete,
            Some(Ok(data)) => {
                body.extend_from_slice(&data);
                let _ = stream.flow_control().release_capacity(data.len());
            }
            Some(Err(error)) => break Ending::Broken(error.to_string()),
        }
    };
    let value = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    Answer {
        status: parts.status.as_u16(),
        headers: parts
            .headers
            .iter()
            .map(|(name, line)| (name.to_string(), value(line)))
            .collect(),
        body,
        ending,
    }
}
