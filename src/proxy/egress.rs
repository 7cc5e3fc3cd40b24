//! The way out, as Pingora takes it: a connector that asks a proxy for a tunnel, and the
//! authorities that are trusted at the other end.
//!
//! Pingora's own proxy setting speaks to a unix socket only. Its connection pool compares a
//! connection's other end with the peer's address, so the peer of a proxied lane is the proxy
//! itself, and a group key tells apart what lies behind it.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::catch_unwind;
use std::sync::Arc;

use async_trait::async_trait;
use pingora_core::connectors::l4::Connect;
use pingora_core::protocols::l4::socket::SocketAddr;
use pingora_core::protocols::l4::stream::Stream;
use pingora_core::protocols::tls::CaType;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::utils::tls::{WrappedX509, parse_x509};
use pingora_core::{Error, ErrorType, Result};
use tokio::net::TcpStream;

use crate::outbound::{self, Egress};
use crate::pool::{Lane, Via};

/// Lets a peer take the lane's way out.
pub(super) fn take(peer: &mut HttpPeer, lane: &Lane, egress: &Egress) {
    if egress.has_own_authorities() && lane.tls {
        peer.options.ca = trusted(egress);
    }
    if let Some(via) = &lane.via {
        let tunnel = Tunnel {
            via: Arc::clone(via),
            target: lane.host.name(),
        };
        peer.options.custom_l4 = Some(Arc::new(tunnel));
    }
    if lane.via.is_some() || egress.has_own_authorities() {
        let mut hasher = DefaultHasher::new();
        (egress.id, lane.host.name(), lane.tls).hash(&mut hasher);
        peer.group_key = hasher.finish();
    }
}

/// The authorities in Pingora's form, made once.
fn trusted(egress: &Egress) -> Option<Arc<CaType>> {
    let made = egress.prepared(|| {
        let authorities = egress.authorities().iter();
        // Pingora's parser panics at what it cannot read, such as an old authority of the system.
        let read = |der: Vec<u8>| catch_unwind(|| WrappedX509::new(der, parse_x509)).ok();
        let certificates = authorities.filter_map(|der| read(der.to_vec()));
        Arc::<CaType>::from(certificates.collect::<Vec<_>>())
    })?;
    Some(Arc::clone(&made))
}

/// Connects through a proxy.
#[derive(Debug)]
struct Tunnel {
    via: Arc<Via>,
    /// `host:port`; the proxy looks the name up.
    target: String,
}

#[async_trait]
impl Connect for Tunnel {
    async fn connect(&self, proxy: &SocketAddr) -> Result<Stream> {
        let Some(proxy) = proxy.as_inet() else {
            return Error::e_explain(ErrorType::InternalError, "the proxy has no address");
        };
        let failed = |why: String| Error::explain(ErrorType::ConnectProxyFailure, why);
        let mut stream = TcpStream::connect(proxy)
            .await
            .map_err(|error| failed(error.to_string()))?;
        let authorization = self.via.authorization.as_ref();
        if let Err(error) = outbound::open(&mut stream, &self.target, authorization).await {
            log::warn!(target_host = self.target.as_str(); "no way out: {error}");
            return Err(failed(error.to_string()));
        }
        Ok(stream.into())
    }
}
