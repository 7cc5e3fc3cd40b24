//! A bare Pingora in front of the upstream: what everybody who builds on it pays before doing
//! anything at all.

use std::net::SocketAddr;

use async_trait::async_trait;
use pingora_core::Result;
use pingora_core::server::Server;
use pingora_core::server::configuration::ServerConf;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_proxy::{ProxyHttp, Session, http_proxy_service};

use crate::Outcome;

/// As many unused connections as there may be streams; Pingora's default is 128.
const KEEPALIVE_POOL: usize = 4096;

struct PassThrough {
    upstream: SocketAddr,
}

#[async_trait]
impl ProxyHttp for PassThrough {
    type CTX = ();

    fn new_ctx(&self) -> Self::CTX {}

    async fn upstream_peer(&self, _: &mut Session, (): &mut ()) -> Result<Box<HttpPeer>> {
        Ok(Box::new(HttpPeer::new(self.upstream, false, String::new())))
    }
}

/// The part itself.
pub(crate) fn run(listen: &str, upstream: &str) -> Outcome<()> {
    let upstream = upstream.parse()?;
    let settings = ServerConf {
        threads: 1,
        upstream_keepalive_pool_size: KEEPALIVE_POOL,
        ..ServerConf::default()
    };
    let mut server = Server::new_with_opt_and_conf(None, settings);
    server.bootstrap();
    let mut service = http_proxy_service(&server.configuration, PassThrough { upstream });
    service.add_tcp(listen);
    server.add_service(service);
    server.run_forever();
}
