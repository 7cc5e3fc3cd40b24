//! The one service that clients talk to: Pingora's phases, each a line that leads to a room.
//!
//! Only this folder implements Pingora's traits.

mod alarm;
mod answering;
mod attempt;
mod body;
mod egress;
mod guard;
mod head;
mod intake;
mod ledger;
mod link;
mod logbook;
mod outcome;
mod peer;
mod pieces;
mod replay;
mod reply;
mod said;
mod screening;
mod server;
mod shutdown;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use http::HeaderMap;
use pingora_core::protocols::Digest;
use pingora_core::upstreams::peer::HttpPeer;
use pingora_core::{Error, Result};
use pingora_http::{RequestHeader, ResponseHeader};
use pingora_proxy::{FailToProxy, ProxyHttp, ProxyWarnLogContext, Session};

pub use server::{StartError, serve};

use crate::exchange::Exchange;
use crate::gateway::Gateway;
use link::Link;

/// Pingora's per-request context: the exchange, and what only the wire needs.
pub struct Context {
    pub(crate) exchange: Exchange,
    pub(crate) link: Arc<Link>,
    /// The body of the running attempt.
    pub(crate) rendered: Bytes,
    /// All that the answer said is on the receipt.
    pub(crate) noted: bool,
    /// The client speaks HTTP/2.
    pub(crate) http2: bool,
    /// The client speaks HTTP/1.1 and takes chunks.
    pub(crate) chunked: bool,
}

/// The service; holds the current world.
pub struct Proxy {
    world: Arc<ArcSwap<Gateway>>,
}

impl Proxy {
    /// A service over a world that may be swapped.
    #[must_use]
    pub fn new(world: Arc<ArcSwap<Gateway>>) -> Self {
        Self { world }
    }
}

#[async_trait]
impl ProxyHttp for Proxy {
    type CTX = Context;

    fn new_ctx(&self) -> Context {
        Context {
            exchange: Exchange::open(self.world.load_full()),
            link: Link::new(),
            rendered: Bytes::new(),
            noted: false,
            http2: false,
            chunked: true,
        }
    }

    async fn early_request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<()> {
        intake::prepare(session, ctx);
        Ok(())
    }

    async fn request_filter(&self, session: &mut Session, ctx: &mut Context) -> Result<bool> {
        guard::recovered(session, ctx).await
    }

    async fn upstream_peer(
        &self,
        session: &mut Session,
        ctx: &mut Context,
    ) -> Result<Box<HttpPeer>> {
        attempt::begin(session, ctx).await
    }

    async fn connected_to_upstream(
        &self,
        session: &mut Session,
        reused: bool,
        _peer: &HttpPeer,
        #[cfg(unix)] _fd: std::os::unix::io::RawFd,
        _digest: Option<&Digest>,
        ctx: &mut Context,
    ) -> Result<()> {
        attempt::connected(session, ctx, reused)
    }

    async fn upstream_request_filter(
        &self,
        session: &mut Session,
        request: &mut RequestHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        head::upstream_request(session, request, ctx)
    }

    async fn request_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        _end_of_stream: bool,
        ctx: &mut Context,
    ) -> Result<()> {
        *body = Some(ctx.rendered.clone());
        Ok(())
    }

    async fn upstream_response_filter(
        &self,
        _session: &mut Session,
        response: &mut ResponseHeader,
        ctx: &mut Context,
    ) -> Result<()> {
        guard::caught(ctx, |ctx| outcome::header(response, ctx))
    }

    fn response_body_filter(
        &self,
        _session: &mut Session,
        body: &mut Option<Bytes>,
        end_of_stream: bool,
        ctx: &mut Context,
    ) -> Result<Option<Duration>> {
        guard::caught(ctx, |ctx| outcome::piece(body, end_of_stream, ctx))?;
        Ok(None)
    }

    async fn response_trailer_filter(
        &self,
        _session: &mut Session,
        _trailers: &mut HeaderMap,
        ctx: &mut Context,
    ) -> Result<Option<Bytes>> {
        let mut last = None;
        guard::caught(ctx, |ctx| outcome::piece(&mut last, true, ctx))?;
        Ok(Some(last.unwrap_or_default()))
    }

    fn fail_to_connect(
        &self,
        _session: &mut Session,
        _peer: &HttpPeer,
        ctx: &mut Context,
        error: Box<Error>,
    ) -> Box<Error> {
        outcome::not_connected(error, ctx)
    }

    fn error_while_proxy(
        &self,
        _peer: &HttpPeer,
        session: &mut Session,
        error: Box<Error>,
        ctx: &mut Context,
        _client_reused: bool,
    ) -> Box<Error> {
        outcome::failed(session, error, ctx)
    }

    async fn fail_to_proxy(
        &self,
        session: &mut Session,
        error: &Error,
        ctx: &mut Context,
    ) -> FailToProxy {
        reply::last_words(session, error, ctx).await
    }

    async fn logging(&self, session: &mut Session, error: Option<&Error>, ctx: &mut Context) {
        logbook::close(session, error, ctx);
    }

    /// Receipts tell what happened; Pingora's lines would hold paths and queries.
    fn suppress_error_log(&self, _session: &Session, _ctx: &Context, _error: &Error) -> bool {
        true
    }

    fn suppress_proxy_warn_log(
        &self,
        _session: &Session,
        _ctx: &Context,
        _error: &Error,
        _log: ProxyWarnLogContext,
    ) -> bool {
        true
    }

    fn request_summary(&self, _session: &Session, ctx: &Context) -> String {
        format!("request {}", ctx.exchange.receipt.request_id)
    }
}
