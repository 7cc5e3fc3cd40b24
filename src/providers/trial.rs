//! How the endpoints of an account are tried without a client, made from its settings.

use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method};
use serde_json::json;
use std::sync::Arc;

use super::{ANTHROPIC_GRAMMAR, ANTHROPIC_VERSION, Provider, credential_header};
use crate::conf::{HealthCheck, Kind, Probe};
use crate::outbound::{Outbound, Request};
use crate::pool::{Cost, Endpoints, Lane, Means, Purse, Trial};
use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;

/// What trials need beside the account itself.
pub struct Needs<'a> {
    /// Alfred's own client; `None` while nobody needs it.
    pub outbound: Option<&'a Outbound>,
    /// Where what they cost is kept.
    pub endpoints: &'a Endpoints,
    /// What the model that they ask for costs.
    pub cost: Arc<Cost>,
}

impl Provider {
    /// Lets the endpoints be tried as the settings say, from now on.
    pub fn look_after_endpoints(&self, needs: &Needs<'_>) {
        let check = self.settings.health.as_ref();
        for lane in self.pool.lanes() {
            let first = self
                .pool
                .lanes()
                .iter()
                .find(|other| Arc::ptr_eq(&other.endpoint, &lane.endpoint));
            if first.is_some_and(|first| Arc::ptr_eq(first, lane)) {
                let trial = check.and_then(|check| self.trial(check, lane, needs));
                lane.endpoint.look_after(trial);
            }
        }
    }

    fn trial(&self, check: &HealthCheck, lane: &Arc<Lane>, needs: &Needs<'_>) -> Option<Trial> {
        let means = match check.probe {
            Probe::Tcp => Means::Tcp,
            Probe::Http => {
                let path = match &check.path {
                    Some(path) => path.clone(),
                    None => self.models_path(lane),
                };
                let request = Request {
                    timeout: check.timeout,
                    ..self.request(Method::GET, lane, &path)
                };
                Means::Http(needs.outbound?.clone(), Box::new(request))
            }
            Probe::Completion => {
                let model = check.model.clone()?;
                let path = self.path(lane, self.upstream_surface(Surface::Chat), (&model, false));
                let mut request = self.request(Method::POST, lane, &path);
                request.timeout = check.timeout;
                request.body = self.one_token(&model).into_bytes();
                let json = HeaderValue::from_static("application/json");
                request.headers.insert(CONTENT_TYPE, json);
                let cost = Arc::clone(&needs.cost);
                let purse = Purse {
                    spend: needs.endpoints.spend(&self.name),
                    limit: check.max_spend.unwrap_or(0),
                    cost: Box::new(move |input, output| cost(input, output)),
                };
                Means::Completion(needs.outbound?.clone(), Box::new(request), model, purse)
            }
        };
        Some(Trial {
            interval: check.interval,
            timeout: check.timeout,
            rules: lane.rules.clone(),
            lane: Arc::downgrade(lane),
            means,
        })
    }

    /// A request to a path at the lane's host, with the account's credential.
    fn request(&self, method: Method, lane: &Lane, path: &str) -> Request {
        let scheme = if lane.tls { "https" } else { "http" };
        let url = format!("{scheme}://{}{path}", lane.host.name());
        let mut request = Request::get(url, std::time::Duration::ZERO);
        request.method = method;
        if self.wants.dialect(Surface::Chat) == Dialect::AnthropicMessages {
            request.headers.insert(ANTHROPIC_VERSION, ANTHROPIC_GRAMMAR);
        }
        for (name, value) in &self.headers {
            request.headers.insert(name.clone(), value.clone());
        }
        if let Some(token) = self
            .identity
            .as_ref()
            .and_then(|identity| identity.header())
        {
            request.headers.insert(AUTHORIZATION, token);
        }
        if let Some(credential) = &lane.credential {
            // A signature would be old when the trial is made; the settings allow none.
            if let Some(name) = credential_header(self.wants.auth, credential) {
                request.headers.insert(name, credential.clone());
            }
        }
        request
    }

    /// The shortest completion that there is.
    fn one_token(&self, model: &str) -> String {
        if self.wants.dialect(Surface::Chat) == Dialect::Gemini {
            let contents = json!([{ "role": "user", "parts": [{ "text": "Hi" }] }]);
            let config = json!({ "maxOutputTokens": 1 });
            return json!({ "contents": contents, "generationConfig": config }).to_string();
        }
        if self.settings.is_native_ollama() {
            let messages = json!([{ "role": "user", "content": "Hi" }]);
            let options = json!({ "num_predict": 1 });
            let body = json!({ "model": model, "messages": messages, "options": options, "stream": false });
            return body.to_string();
        }
        let renamed = self.wants.rename.iter();
        let mut renamed = renamed.filter(|(from, _)| *from == "max_completion_tokens");
        let limit = match (renamed.next(), self.settings.kind) {
            (Some((_, to)), _) => to,
            // Not every server that is called compatible knows the newer name.
            (None, Kind::OpenaiCompatible | Kind::Anthropic) => "max_tokens",
            (None, _) => "max_completion_tokens",
        };
        let messages = json!([{ "role": "user", "content": "Hi" }]);
        json!({ "model": model, "messages": messages, limit: 1 }).to_string()
    }
}
