//! A proxy on the way out.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A proxy that only knows CONNECT, and leads every name to one place.
pub(crate) struct ConnectProxy {
    pub(crate) addr: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    serving: tokio::task::AbortHandle,
}

impl ConnectProxy {
    pub(crate) async fn to(place: SocketAddr, status: &'static str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let heads = Arc::<Mutex<Vec<String>>>::default();
        let seen = Arc::clone(&heads);
        let serving = tokio::spawn(async move {
            let mut tunnels = tokio::task::JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                tunnels.spawn(tunnel(client, place, status, Arc::clone(&seen)));
            }
        });
        Self {
            addr,
            heads,
            serving: serving.abort_handle(),
        }
    }

    pub(crate) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

impl Drop for ConnectProxy {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn tunnel(
    mut client: TcpStream,
    place: SocketAddr,
    status: &'static str,
    seen: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = client.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    seen.lock().unwrap().push(String::from_utf8(head).unwrap());
    let answer = format!("HTTP/1.1 {status}\r\nproxy-agent: test\r\n\r\n");
    client.write_all(answer.as_bytes()).await.unwrap();
    if status.starts_with('2') {
        let mut server = TcpStream::connect(place).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
    }
}
