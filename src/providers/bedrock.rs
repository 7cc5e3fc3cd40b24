//! Bedrock's quirks: the model stands in the path, and a request is signed once all of it is known.

use alfred_filters::prompt::Surface;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Provider;
use super::sigv4::{self, Credentials, Scope, Signed};
use crate::pool::Lane;

/// What SigV4 calls the runtime of Bedrock.
const SERVICE: &str = "bedrock";
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const PAYLOAD: HeaderName = HeaderName::from_static("x-amz-content-sha256");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");

/// One call, ready to be signed.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// The path as it is sent.
    pub path: &'a str,
    /// The body as it is sent.
    pub body: &'a [u8],
    /// Unix seconds.
    pub now: i64,
}

/// The path of a call.
pub(super) fn path(lane: &Lane, surface: Surface, (model, stream): (&str, bool)) -> String {
    let action = match (surface, stream) {
        (Surface::Embeddings, _) => "invoke",
        (Surface::CountTokens, _) => "count-tokens",
        (_, true) => "converse-stream",
        (_, false) => "converse",
    };
    format!("{}/model/{}/{action}", lane.base_path, segment(model))
}

/// A model's id as one segment: colons and the slashes of an ARN are spelt by their numbers. Dots
/// alone would be a step in the tree.
fn segment(model: &str) -> String {
    match model {
        "." | ".." => model.replace('.', "%2E"),
        model => sigv4::encoded(model, ""),
    }
}

impl Provider {
    /// Signs a call with the key of an AWS account: the last thing that is done to its head.
    /// `None` if a header of it cannot be signed, which no header of Alfred's own is.
    pub fn sign(
        &self,
        headers: &mut HeaderMap,
        credential: &HeaderValue,
        call: &Call<'_>,
    ) -> Option<()> {
        let key = credential.to_str().ok()?;
        let Some(credentials) = Credentials::read(key) else {
            headers.insert(AUTHORIZATION, credential.clone());
            return Some(());
        };
        let payload = sigv4::hash(call.body);
        headers.insert(DATE, HeaderValue::try_from(sigv4::date(call.now)).ok()?);
        headers.insert(PAYLOAD, HeaderValue::from_str(&payload).ok()?);
        if let Some(token) = credentials.session_token {
            let mut token = HeaderValue::from_str(token).ok()?;
            token.set_sensitive(true);
            headers.insert(TOKEN, token);
        }
        let mut signed = Vec::with_capacity(5);
        // Not the others: what a proxy on the way may change must not be signed.
        let names = [HOST, CONTENT_TYPE, DATE, PAYLOAD, TOKEN];
        for name in &names {
            if let Some(value) = headers.get(name) {
                signed.push((name.as_str(), value.to_str().ok()?));
            }
        }
        let scope = Scope {
            region: self.settings.region.as_deref().unwrap_or_default(),
            service: SERVICE,
            now: call.now,
        };
        let value = sigv4::authorization(
            credentials,
            &scope,
            &Signed {
                method: "POST",
                path: call.path,
                normalize: true,
                query: "",
                headers: &signed,
                payload: &payload,
            },
        );
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_segment_whatever_it_holds() {
        assert_eq!(segment("amazon.nova-lite-v1:0"), "amazon.nova-lite-v1%3A0");
        assert_eq!(
            segment("arn:aws:bedrock:us-east-1:1:inference-profile/x"),
            "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fx"
        );
        assert_eq!(segment(".."), "%2E%2E");
    }
}
