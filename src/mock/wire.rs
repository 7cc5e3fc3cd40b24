//! The socket under hyper. A scripted provider must be able to do what an HTTP library rightly
//! refuses: put garbage between two frames, or reset the connection in the middle of an answer.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;

/// A connection that the script can reach beside hyper.
pub(super) struct Socket {
    tcp: TcpStream,
    condemned: AtomicBool,
    sentence: Notify,
}

impl Socket {
    /// Takes the connection over and sends small packets at once.
    pub(super) fn new(tcp: TcpStream) -> io::Result<Arc<Self>> {
        tcp.set_nodelay(true)?;
        Ok(Arc::new(Self {
            tcp,
            condemned: AtomicBool::new(false),
            sentence: Notify::new(),
        }))
    }

    /// Writes past hyper; see [`TcpStream::try_write`].
    pub(super) fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.try_write(bytes)
    }

    /// Asks for a TCP reset: the connection's owner drops it as soon as it hears of it.
    pub(super) fn condemn(&self) {
        self.condemned.store(true, Ordering::Release);
        self.sentence.notify_one();
    }

    /// Resolves when the connection has been condemned.
    pub(super) async fn sentenced(&self) {
        self.sentence.notified().await;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // With a zero linger the kernel answers the close with RST instead of FIN.
        if self.condemned.load(Ordering::Acquire)
            && let Err(error) = self.tcp.set_zero_linger()
        {
            log::warn!(error:% = error; "mock: the connection will be closed instead of reset");
        }
    }
}

/// hyper's end of a [`Socket`].
pub(super) struct Wire(pub(super) Arc<Socket>);

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tcp = &self.0.tcp;
        loop {
            ready!(tcp.poll_read_ready(context))?;
            match tcp.try_read(buffer.initialize_unfilled()) {
                Ok(read) => {
                    buffer.advance(read);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl Wire {
    fn poll_send(
        &self,
        context: &mut Context<'_>,
        send: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let tcp = &self.0.tcp;
        loop {
            ready!(tcp.poll_write_ready(context))?;
            match send(tcp) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, |tcp| tcp.try_write(bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(context, |tcp| tcp.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(SockRef::from(&self.0.tcp).shutdown(Shutdown::Write))
    }
}
