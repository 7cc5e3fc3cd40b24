//! An HTTP/1.1 client that hides nothing: exact bytes out, framing checked on the way in.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::answer::{Answer, Ending};

/// No answer takes longer than this in a test.
const PATIENCE: Duration = Duration::from_secs(30);

/// One connection.
pub(crate) struct H1 {
    tcp: TcpStream,
    buffer: Vec<u8>,
    key: Option<String>,
}

impl H1 {
    pub(crate) async fn try_connect(addr: SocketAddr) -> io::Result<Self> {
        let tcp = TcpStream::connect(addr).await?;
        tcp.set_nodelay(true)?;
        Ok(Self {
            tcp,
            buffer: Vec::new(),
            key: None,
        })
    }

    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        Self::try_connect(addr).await.unwrap()
    }

    /// Sends this key with each request made by the helpers.
    pub(crate) fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }

    /// The head of a request, with the key and these further lines.
    pub(crate) fn head(&self, method: &str, path: &str, lines: &[&str]) -> String {
        let key = self
            .key
            .as_ref()
            .map(|key| format!("authorization: Bearer {key}\r\n"));
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        format!(
            "{method} {path} HTTP/1.1\r\nhost: alfred.test\r\n{}{lines}\r\n",
            key.unwrap_or_default()
        )
    }

    /// The head of a chat request whose body has this length.
    pub(crate) fn chat_head(&self, length: usize) -> String {
        let length = format!("content-length: {length}");
        self.head(
            "POST",
            "/v1/chat/completions",
            &["content-type: application/json", &length],
        )
    }

    /// Writes bytes; an error is not one, since servers may close early.
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.tcp.write_all(bytes.as_ref()).await;
    }

    /// Sends a chat request without waiting for the answer.
    pub(crate) async fn begin(&mut self, body: &[u8]) {
        let head = self.chat_head(body.len());
        self.send(head).await;
        self.send(body).await;
    }

    /// Sends a chat request in chunks of `size` bytes without waiting for the answer.
    pub(crate) async fn begin_chunked(&mut self, body: &[u8], size: usize) {
        let lines = [
            "content-type: application/json",
            "transfer-encoding: chunked",
        ];
        let head = self.head("POST", "/v1/chat/completions", &lines);
        self.send(head).await;
        for chunk in body.chunks(size) {
            let mut framed = format!("{:x}\r\n", chunk.len()).into_bytes();
            framed.extend_from_slice(chunk);
            framed.extend_from_slice(b"\r\n");
            self.send(framed).await;
        }
        self.send("0\r\n\r\n").await;
    }

    /// A chat request with Content-Length, and its answer.
    pub(crate) async fn chat(&mut self, body: &[u8]) -> Answer {
        self.begin(body).await;
        self.answer().await
    }

    /// A chat request in chunks, and its answer.
    pub(crate) async fn chat_chunked(&mut self, body: &[u8], size: usize) -> Answer {
        self.begin_chunked(body, size).await;
        self.answer().await
    }

    /// A GET, and its answer.
    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.begin_get(path).await;
        self.answer().await
    }

    /// A GET, and its answer; `None` if the connection ends before its header.
    pub(crate) async fn try_get(&mut self, path: &str) -> Option<Answer> {
        self.begin_get(path).await;
        self.try_answer().await
    }

    async fn begin_get(&mut self, path: &str) {
        let head = self.head("GET", path, &[]);
        self.send(head).await;
    }

    /// Ends the sending side; the client still listens.
    pub(crate) async fn half_close(&mut self) {
        let _ = self.tcp.shutdown().await;
    }

    /// Ends the connection with a reset.
    pub(crate) fn reset(self) {
        self.tcp.set_zero_linger().unwrap();
    }

    /// True when the server has closed the connection and sent nothing more before.
    pub(crate) async fn is_closed(&mut self) -> bool {
        assert!(
            self.buffer.is_empty(),
            "stray bytes: {:?}",
            String::from_utf8_lossy(&self.buffer)
        );
        let read = tokio::time::timeout(Duration::from_secs(2), self.tcp.read_u8()).await;
        match read {
            Err(_) => false,
            Ok(Ok(byte)) => panic!("a stray byte: {byte}"),
            Ok(Err(_)) => true,
        }
    }

    /// True when the connection still serves: a request on it is answered.
    pub(crate) async fn is_alive(&mut self) -> bool {
        assert!(
            self.buffer.is_empty(),
            "stray bytes: {:?}",
            String::from_utf8_lossy(&self.buffer)
        );
        let head = self.head("GET", "/v1/models", &[]);
        if self.tcp.write_all(head.as_bytes()).await.is_err() {
            return false;
        }
        self.try_answer()
            .await
            .is_some_and(|answer| answer.status == 200)
    }

    /// The next answer, interim ones (1xx) included.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer()
            .await
            .expect("the connection ended without an answer")
    }

    /// The next answer; `None` if the connection ends before its header.
    pub(crate) async fn try_answer(&mut self) -> Option<Answer> {
        let read = tokio::time::timeout(PATIENCE, self.read_answer()).await;
        read.expect("no whole answer in time")
    }

    async fn read_answer(&mut self) -> Option<Answer> {
        let mut answer = self.read_head().await?;
        let chunked = answer
            .header("transfer-encoding")
            .eq_ignore_ascii_case("chunked");
        let length = answer.header("content-length").parse::<usize>().ok();
        assert!(!(chunked && length.is_some()), "two framings: {answer:?}");
        let bodiless = answer.status < 200 || matches!(answer.status, 204 | 304);
        answer.ending = match length {
            _ if bodiless => Ending::Complete,
            _ if chunked => self.read_chunks(&mut answer.body).await,
            Some(length) => self.read_length(length, &mut answer.body).await,
            None => self.read_rest(&mut answer.body).await,
        };
        Some(answer)
    }

    /// Reads the header of an answer only.
    pub(crate) async fn read_head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self
                .buffer
                .windows(4)
                .position(|window| window == b"\r\n\r\n")
            {
                break at + 4;
            }
            self.more().await.ok()?;
        };
        let head: Vec<u8> = self.buffer.drain(..end).collect();
        let head = String::from_utf8(head).expect("a header is text");
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().expect("a status");
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        Some(Answer {
            status,
            headers: lines.filter_map(header).collect(),
            body: Vec::new(),
            ending: Ending::Complete,
        })
    }

    /// Reads at least one more byte of whatever comes.
    pub(crate) async fn more(&mut self) -> Result<(), String> {
        self.buffer.reserve(16 << 10);
        let read = self.tcp.read_buf(&mut self.buffer).await;
        match read {
            Ok(0) => Err("end of file".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.kind().to_string()),
        }
    }

    /// Reads until the bytes not yet taken hold `text`.
    pub(crate) async fn read_until(&mut self, text: &str) {
        let wait = async {
            while !self
                .buffer
                .windows(text.len())
                .any(|window| window == text.as_bytes())
            {
                self.more().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| panic!("never saw {text:?}"));
    }

    async fn line(&mut self) -> Result<String, String> {
        loop {
            if let Some(at) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                let line: Vec<u8> = self.buffer.drain(..at + 2).collect();
                return Ok(String::from_utf8_lossy(&line[..at]).into_owned());
            }
            self.more().await?;
        }
    }

    async fn read_chunks(&mut self, body: &mut Vec<u8>) -> Ending {
        let result: Result<(), String> = async {
            loop {
                let size = self.line().await?;
                let size = usize::from_str_radix(size.trim(), 16)
                    .map_err(|_| format!("chunk size {size:?}"))?;
                self.take(size, body).await?;
                let end = self.line().await?;
                assert_eq!(end, "", "a chunk is longer than announced");
                if size == 0 {
                    return Ok(());
                }
            }
        }
        .await;
        result.map_or_else(Ending::Broken, |()| Ending::Complete)
    }

    async fn read_length(&mut self, length: usize, body: &mut Vec<u8>) -> Ending {
        let read = self.take(length, body).await;
        read.map_or_else(Ending::Broken, |()| Ending::Complete)
    }

    async fn read_rest(&mut self, body: &mut Vec<u8>) -> Ending {
        let end = loop {
            if let Err(end) = self.more().await {
                break end;
            }
        };
        body.append(&mut self.buffer);
        if end == "end of file" {
            Ending::Closed
        } else {
            Ending::Broken(end)
        }
    }

    async fn take(&mut self, length: usize, body: &mut Vec<u8>) -> Result<(), String> {
        let mut left = length;
        loop {
            let ready = left.min(self.buffer.len());
            body.extend(self.buffer.drain(..ready));
            left -= ready;
            if left == 0 {
                return Ok(());
            }
            self.more().await?;
        }
    }
}
