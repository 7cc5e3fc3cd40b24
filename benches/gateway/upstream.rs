//! The provider that everybody is measured against: OpenAI's dialect, and Anthropic's streams, on raw sockets, every answer
//! made beforehand, each chunk of a stream in a packet of its own with the time it was sent.

use std::cell::Cell;
use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;
use crate::clock::{self, Ticker};
use crate::scenario::{self, Behaviour, PLAIN, STREAMS, Script};
use crate::wire::{Framing, Head};

const BUFFER: usize = 16 * 1024;

thread_local! {
    /// Paced streams so far: each gets its own place in the interval, so that they do not send all
    /// at once.
    static PACED: Cell<u64> = const { Cell::new(0) };
}

/// The part itself.
pub(crate) fn run(listen: &str) -> Outcome<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            // A proxy that breaks off shows in the figures of its client.
            tokio::spawn(async { serve(stream).await.unwrap_or_default() });
        }
    })
}

async fn serve(mut stream: TcpStream) -> io::Result<()> {
    let mut input = BytesMut::with_capacity(BUFFER);
    while let Some(asked) = next_request(&mut stream, &mut input).await? {
        match asked.behaviour {
            Behaviour::Plain => stream.write_all(&PLAIN).await?,
            Behaviour::Stream { chunks, pace } => {
                let mut script = match asked.messages {
                    true => Script::messages(chunks),
                    false => Script::write(chunks, asked.usage),
                };
                stream.write_all(&script.opening).await?;
                send_chunks(&mut stream, &mut script, chunks, pace).await?;
                stream.write_all(&script.ending).await?;
            }
        }
    }
    Ok(())
}

async fn send_chunks(
    stream: &mut TcpStream,
    script: &mut Script,
    chunks: u32,
    pace: u32,
) -> io::Result<()> {
    if pace == 0 {
        for ordinal in 0..chunks {
            script.stamp(clock::now(), ordinal);
            stream.write_all(&script.chunk).await?;
            // All streams advance side by side, as those of a provider do.
            tokio::task::yield_now().await;
        }
        return Ok(());
    }
    let interval = u64::from(pace) * 1000;
    let streams = u64::from(STREAMS);
    let place = PACED.replace(PACED.get() + 1) % streams;
    let ticker = Ticker::start(interval, interval / streams * place)?;
    let mut ordinal = 0;
    while ordinal < chunks {
        for _ in 0..ticker.ticks().await? {
            if ordinal < chunks {
                script.stamp(clock::now(), ordinal);
                stream.write_all(&script.chunk).await?;
                ordinal += 1;
            }
        }
    }
    Ok(())
}

/// What a request asks for.
struct Asked {
    behaviour: Behaviour,
    /// It wants usage at a stream's end.
    usage: bool,
    /// It wants Anthropic's grammar.
    messages: bool,
}

/// What the next request asks for; `None` at the connection's end.
async fn next_request(stream: &mut TcpStream, input: &mut BytesMut) -> io::Result<Option<Asked>> {
    loop {
        if let Some(head) = Head::read(input) {
            let Framing::Length(length) = head.framing else {
                return Err(io::Error::other("requests have a length here"));
            };
            let all = head.size + length;
            if let Some(body) = input.get(head.size..all) {
                let asked = Behaviour::read(body).map(|behaviour| Asked {
                    behaviour,
                    usage: scenario::asks_usage(body),
                    messages: head.messages,
                });
                input.advance(all);
                return asked
                    .map(Some)
                    .ok_or_else(|| io::Error::other("an unknown model"));
            }
        }
        input.reserve(BUFFER / 4);
        if stream.read_buf(input).await? == 0 {
            return Ok(None);
        }
    }
}
