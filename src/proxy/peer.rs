//! A dialled target, with every time-out set: Pingora's own defaults wait for ever.

use std::net::SocketAddr;
use std::time::Duration;

use pingora_core::protocols::TcpKeepalive;
use pingora_core::upstreams::peer::{HttpPeer, PeerOptions};

use super::alarm::UPLOAD_RATE;
use super::egress;
use crate::conf::HttpVersion;
use crate::outbound::Egress;
use crate::pool::Lane;
use crate::routing::Target;

/// How long an unused connection to a provider is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Slack by which Pingora's own time-outs lie behind those of the replay session, which know why.
const SLACK: Duration = Duration::from_secs(2);
/// Streams that share one HTTP/2 connection.
const MAX_H2_STREAMS: usize = 100;

/// The peer of an attempt that sends `request_bytes` of body.
pub(super) fn build(
    address: SocketAddr,
    lane: &Lane,
    egress: &Egress,
    target: &Target,
    request_bytes: u64,
) -> HttpPeer {
    let tls = lane.tls;
    let sni = if tls {
        lane.host.host().to_owned()
    } else {
        String::new()
    };
    let mut peer = HttpPeer::new(address, tls, sni);
    egress::take(&mut peer, lane, egress);
    set_timeouts(&mut peer.options, target, request_bytes);
    peer.options.tcp_keepalive = Some(TcpKeepalive {
        idle: Duration::from_secs(60),
        interval: Duration::from_secs(10),
        count: 3,
        #[cfg(target_os = "linux")]
        user_timeout: Duration::ZERO,
    });
    peer.options.max_h2_streams = MAX_H2_STREAMS;
    match (target.provider.settings.http, tls) {
        (HttpVersion::Auto, true) => peer.options.set_http_version(2, 1),
        (HttpVersion::H2, _) => peer.options.set_http_version(2, 2),
        (HttpVersion::H1, _) | (HttpVersion::Auto, false) => {
            peer.options.set_http_version(1, 1);
        }
    }
    peer
}

/// `read_timeout` counts from the request header with HTTP/2, so it includes the upload; it must
/// end before `write_timeout`, or the retry would meet the same exhausted window.
fn set_timeouts(options: &mut PeerOptions, target: &Target, request_bytes: u64) {
    let timeouts = &target.timeouts;
    let upload = Duration::from_millis(request_bytes.saturating_mul(1000) / UPLOAD_RATE);
    let read = timeouts.first_byte.max(timeouts.between_chunks) + upload + SLACK;
    options.connection_timeout = Some(timeouts.connect);
    options.total_connection_timeout = Some(timeouts.connect);
    options.read_timeout = Some(read);
    options.write_timeout = Some(read + SLACK);
    options.idle_timeout = Some(IDLE);
}
