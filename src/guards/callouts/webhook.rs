//! Why: what a house allows may be more than patterns can say. A server of its own is told the request, signed so that
//! it knows who asks, and says whether it may go on, or with which texts.

use std::collections::HashMap;
use std::time::Duration;

use alfred_filters::prompt::Prompt;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Asker, Fault, Stopped, call, pieces, plain, post};
use crate::conf::{OnFault, Secret, WebhookFilter};
use crate::guards::Watch;
use crate::outbound::{Outbound, Request};

/// The headers of Standard Webhooks: <https://www.standardwebhooks.com>.
const ID: HeaderName = HeaderName::from_static("webhook-id");
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
/// How such a key begins when it is written in base64.
const PREFIX: &str = "whsec_";

/// One server.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) name: String,
    pub(super) on_fault: OnFault,
    url: String,
    secret: Option<Secret>,
    timeout: Duration,
}

/// What it says.
#[derive(Debug, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
enum Verdict {
    Allow {},
    Block {
        #[serde(default)]
        reason: Option<String>,
    },
    Replace {
        texts: Vec<Replaced>,
    },
}

#[derive(Debug, Deserialize)]
struct Replaced {
    index: usize,
    text: String,
}

impl Webhook {
    pub(super) fn new(settings: &WebhookFilter) -> Self {
        Self {
            name: settings.name.clone(),
            on_fault: settings.on_fault,
            url: settings.url.clone(),
            secret: settings.secret.clone(),
            timeout: settings.timeout,
        }
    }

    /// Asks about a request; says how many texts were replaced.
    pub(super) async fn ask(
        &self,
        outbound: &Outbound,
        asker: Asker<'_>,
        (prompt, watch): (&mut Prompt, &Watch),
    ) -> Result<Result<usize, Stopped>, Fault> {
        let now = jiff::Timestamp::now();
        let request = self.request(
            &question(asker, prompt, watch),
            asker.request_id,
            now.as_second(),
        );
        let answer = call(outbound, request).await?;
        let verdict = serde_json::from_value(answer)
            .map_err(|_| Fault::Answer("it has no `action` of allow, block or replace"))?;
        if watch.is_dry_run() {
            return Ok(Ok(0));
        }
        match verdict {
            Verdict::Allow {} => Ok(Ok(0)),
            Verdict::Block { reason } => Ok(Err(Stopped::Refused {
                name: self.name.clone(),
                reason: reason.map_or_else(String::new, |text| format!(": {}", plain(&text))),
            })),
            Verdict::Replace { texts } => replace(prompt, texts).map(Ok),
        }
    }

    fn request(&self, body: &Value, id: &str, now: i64) -> Request {
        let mut request = post(&self.url, body, self.timeout);
        let stamp = now.to_string();
        let signed = self.secret.as_ref().map(|secret| {
            let text = [id.as_bytes(), b".", stamp.as_bytes(), b".", &request.body].concat();
            format!("v1,{}", STANDARD.encode(signature(secret.expose(), &text)))
        });
        let lines = [
            (ID, Some(id.to_owned())),
            (TIMESTAMP, Some(stamp)),
            (SIGNATURE, signed),
        ];
        for (name, value) in lines {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                request.headers.insert(name, value);
            }
        }
        request
    }
}

/// HMAC-SHA256; a key in the notation of Standard Webhooks is decoded.
fn signature(secret: &str, text: &[u8]) -> Vec<u8> {
    let decoded = secret
        .strip_prefix(PREFIX)
        .and_then(|key| STANDARD.decode(key).ok());
    let key = decoded.unwrap_or_else(|| secret.as_bytes().to_vec());
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    ring::hmac::sign(&key, text).as_ref().to_vec()
}

fn question(asker: Asker<'_>, prompt: &Prompt, watch: &Watch) -> Value {
    let texts: Vec<Value> = pieces(prompt)
        .iter()
        .map(|piece| {
            json!({
                "index": piece.index,
                "path": piece.path,
                "role": piece.role,
                "text": piece.text,
            })
        })
        .collect();
    let found = watch.asked.counts.iter();
    let found: Vec<Value> = found
        .map(|(tally, count)| {
            json!({ "kind": tally.kind, "rule": tally.rule, "action": tally.action, "count": count })
        })
        .collect();
    json!({
        "type": "guard.request",
        "data": {
            "request_id": asker.request_id,
            "surface": asker.surface,
            "model": asker.model,
            "caller": asker.caller,
            "organisation_id": asker.organisation,
            "team_id": asker.team,
            "user_id": asker.user,
            "texts": texts,
            "findings": found,
        },
    })
}

/// Puts other texts in the place of some.
fn replace(prompt: &mut Prompt, texts: Vec<Replaced>) -> Result<usize, Fault> {
    let known: Vec<usize> = pieces(prompt).iter().map(|piece| piece.index).collect();
    let mut wanted: HashMap<usize, String> = HashMap::new();
    for Replaced { index, text } in texts {
        if !known.contains(&index) || wanted.insert(index, text).is_some() {
            return Err(Fault::Answer(
                "it replaces a text that was not told, or one twice",
            ));
        }
    }
    let mut index = 0;
    Ok(prompt.rewrite_texts(&mut |_| {
        let new = wanted.remove(&index);
        index += 1;
        new
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_signed_as_standard_webhooks_demand() {
        // The example of the specification.
        let text = br#"msg_p5jXN8AQM9LWM0D4loKWxJek.1614265330.{"test": 2432232314}"#;
        let signed = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", text);
        assert_eq!(
            STANDARD.encode(signed),
            "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_verdict_has_one_of_three_words() {
        let read = |text| serde_json::from_str::<Verdict>(text);
        assert!(matches!(
            read(r#"{"action":"allow","x":1}"#),
            Ok(Verdict::Allow {})
        ));
        assert!(matches!(
            read(r#"{"action":"block"}"#),
            Ok(Verdict::Block { reason: None })
        ));
        for bad in [
            "{}",
            r#"{"action":"maybe"}"#,
            r#"{"action":"replace"}"#,
            "[]",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
