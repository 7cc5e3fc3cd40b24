//! Why: whoever pays wants to know before the money is gone. A wallet that reaches its soft limit
//! is told to a web server of the operator's, signed, so that nobody else can cry wolf.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::json;

use super::{SoftLimit, unix_ms};
use crate::conf::Alerts;
use crate::outbound::{Outbound, Request, Trust};

/// Carries the HMAC of the body.
const SIGNATURE: HeaderName = HeaderName::from_static("x-alfred-signature");
/// How long a web server may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often it is tried, and the pause between tries.
const TRIES: (u32, Duration) = (3, Duration::from_secs(1));

/// Tells `alerts` of wallets that have reached their soft limit.
pub async fn tell(reached: &[SoftLimit], alerts: &Alerts, outbound: &Outbound) {
    for reached in reached {
        let request = request(alerts, reached, unix_ms());
        if !deliver(outbound, &request).await {
            log::warn!(
                "nobody could be told that wallet {} has reached its soft limit",
                reached.wallet.0
            );
        }
    }
}

async fn deliver(outbound: &Outbound, request: &Request) -> bool {
    for attempt in 0..TRIES.0 {
        if attempt > 0 {
            tokio::time::sleep(TRIES.1).await;
        }
        match outbound.call(request.clone(), Trust::Configured).await {
            Ok(reply) if (200..300).contains(&reply.status) => return true,
            Ok(reply) => log::debug!("the alert was answered with {}", reply.status),
            Err(error) => log::debug!("the alert could not be sent: {error}"),
        }
    }
    false
}

fn request(alerts: &Alerts, reached: &SoftLimit, now_ms: i64) -> Request {
    let body = json!({
        "event": "wallet.soft_limit_reached",
        "wallet_id": reached.wallet.0,
        "spent": reached.spent.to_string(),
        "soft_limit": reached.limit.to_string(),
        "at_ms": now_ms,
    });
    let body = body.to_string().into_bytes();
    let mut headers = HeaderMap::new();
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(secret) = &alerts.secret
        && let Ok(value) = HeaderValue::from_str(&signature(secret.expose(), &body))
    {
        headers.insert(SIGNATURE, value);
    }
    Request {
        method: Method::POST,
        headers,
        body,
        ..Request::get(alerts.url.clone(), TIMEOUT)
    }
}

fn signature(secret: &str, body: &[u8]) -> String {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let mut text = "sha256=".to_owned();
    for byte in ring::hmac::sign(&key, body).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_signed_as_every_toolbox_does() {
        // RFC 4231, test case 2.
        assert_eq!(
            signature("Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
