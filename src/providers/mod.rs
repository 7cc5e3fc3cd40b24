//! Vendor accounts: a table of what each kind of provider wants, and the accounts built from it.
//!
//! A provider is data. Whoever speaks OpenAI's grammar needs a row here and no code.

mod bedrock;
mod entra;
mod paths;
pub mod sigv4;
mod table;
mod trial;

use std::fmt;
use std::sync::Arc;

use alfred_filters::dialect::Dialect;
use alfred_filters::prompt::Surface;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};

use crate::conf::{self, Kind, OnDisconnect};
use crate::outbound::{Egress, Outbound};
use crate::pool::{Endpoints, Host, Lane, Pool, Resolver, Via};
use crate::routing::RetryBudget;

pub use bedrock::Call;
pub use entra::{Identities, Identity};
pub use table::{ANTHROPIC_GRAMMAR, ANTHROPIC_VERSION, Auth, PROVIDERS, Speaks, Wants};
pub use trial::Needs;

use table::wants_of;

/// A vendor account.
pub struct Provider {
    /// Its name in the configuration.
    pub name: Arc<str>,
    /// What its kind wants.
    pub wants: &'static Wants,
    /// Its settings.
    pub settings: conf::Provider,
    /// Its endpoints and keys.
    pub pool: Pool,
    /// Members forced into every request: name and raw JSON.
    pub overrides: Box<[(String, String)]>,
    /// Headers added to every call.
    pub headers: Box<[(HeaderName, HeaderValue)]>,
    /// The models its configuration names, for `GET /v1/models`.
    pub listed_models: Vec<String>,
    /// Who it is called as, where that is no key.
    pub identity: Option<Arc<Identity>>,
    /// How many retries it may still receive; lives across reloads.
    pub budget: Arc<RetryBudget>,
}

impl fmt::Debug for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provider")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// What outlives every account and is shared by all of them.
#[derive(Clone, Copy, Debug)]
pub struct Shared<'a> {
    /// Names to addresses.
    pub resolver: &'a Resolver,
    /// How endpoints and keys do.
    pub endpoints: &'a Endpoints,
    /// The way out.
    pub egress: &'a Egress,
    /// Where the built-in mock listens.
    pub mock_url: &'a str,
    /// Who is known at Entra ID.
    pub identities: &'a Identities,
    /// Alfred's own client where a setting needs it, and the number of its way out.
    pub outbound: Option<(u64, &'a Outbound)>,
}

/// Why an account cannot be built; the place is the account's in the configuration.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A URL that cannot be taken apart.
    #[error("the address '{0}' is not an http:// or https:// URL with a host")]
    Address(String),
    /// A key that no header can hold.
    #[error("key number {0} holds characters that no HTTP header can carry")]
    Key(usize),
    /// A header name or value that HTTP does not allow.
    #[error("the header '{0}' is not one that HTTP can carry")]
    Header(String),
}

impl Provider {
    /// Builds an account.
    ///
    /// # Errors
    /// An address, key or header that cannot be used.
    pub fn build(
        name: &str,
        settings: &conf::Provider,
        shared: Shared<'_>,
        budget: Arc<RetryBudget>,
    ) -> Result<Self, BuildError> {
        let wants = wants_of(settings);
        let lanes = lanes(name, settings, wants, shared)?;
        Ok(Self {
            name: name.into(),
            wants,
            pool: Pool::new(lanes, settings.balance),
            overrides: raw_members(&settings.overrides),
            headers: headers(settings)?,
            listed_models: settings.models.clone(),
            identity: settings
                .entra
                .as_ref()
                .zip(shared.outbound)
                .map(|(entra, outbound)| shared.identities.identity(entra, outbound)),
            settings: settings.clone(),
            budget,
        })
    }

    /// The surface on which this provider serves a request that came through `surface`.
    #[must_use]
    pub fn upstream_surface(&self, surface: Surface) -> Surface {
        match (surface, self.wants.dialect(surface)) {
            (Surface::Chat | Surface::Responses, Dialect::AnthropicMessages) => Surface::Messages,
            (same, Dialect::AnthropicMessages | Dialect::OpenAiResponses) => same,
            (Surface::Messages | Surface::Responses, _) => Surface::Chat,
            (same, _) => same,
        }
    }

    /// The path and query of a surface at an endpoint of this account; `stream`
    /// tells whether the answer is to be a stream.
    #[must_use]
    pub fn path(&self, lane: &Lane, surface: Surface, (model, stream): (&str, bool)) -> String {
        if self.settings.kind == Kind::Bedrock {
            return bedrock::path(lane, surface, (model, stream));
        }
        if self.wants.dialect(surface) == Dialect::Gemini {
            return paths::gemini(&lane.base_path, surface, (model, stream));
        }
        if self.wants.dialect(surface) == Dialect::HfFeatures {
            return paths::features(&lane.base_path, model);
        }
        if self.wants.dialect(surface) == Dialect::OllamaChat {
            let tail = match surface {
                Surface::Embeddings => "embed",
                _ => "chat",
            };
            return format!("{}/{tail}", lane.base_path);
        }
        if self.settings.kind == Kind::Cohere {
            let root = paths::cohere_root(&lane.base_path);
            return match surface {
                Surface::Embeddings => format!("{root}/v2/embed"),
                _ => format!("{root}/v2/chat"),
            };
        }
        let tail = match surface {
            Surface::Chat => "chat/completions",
            Surface::Embeddings => "embeddings",
            Surface::Completions => "completions",
            Surface::Messages => "messages",
            Surface::CountTokens => "messages/count_tokens",
            Surface::Responses => "responses",
        };
        let base = &lane.base_path;
        match (self.settings.kind, &self.settings.api_version) {
            // Its older form has one address for all deployments: the body names it.
            (Kind::Azure, Some(version)) if surface == Surface::Responses => {
                let base = base.split("/openai").next().unwrap_or_default();
                format!("{base}/openai/{tail}?api-version={version}")
            }
            (Kind::Azure, Some(version)) if base.contains("/deployments/") => {
                format!("{base}/{tail}?api-version={version}")
            }
            (Kind::Azure, Some(version)) => {
                format!(
                    "{base}/openai/deployments/{}/{tail}?api-version={version}",
                    sigv4::encoded(model, "")
                )
            }
            (Kind::Azure, None) if !base.ends_with("/openai/v1") => {
                format!("{base}/openai/v1/{tail}")
            }
            _ => format!("{base}/{tail}"),
        }
    }

    /// The path of the list of its models at an endpoint of this account.
    #[must_use]
    pub fn models_path(&self, lane: &Lane) -> String {
        match self.settings.kind {
            Kind::Cohere => format!("{}/v1/models", paths::cohere_root(&lane.base_path)),
            _ if self.settings.is_native_ollama() => format!("{}/tags", lane.base_path),
            _ => format!("{}/models", lane.base_path),
        }
    }

    /// Whether an answer is read to its end after the client left.
    #[must_use]
    pub fn drains(&self) -> bool {
        self.settings.on_client_disconnect == OnDisconnect::Drain
    }
}

/// Members of a configuration map as name and raw JSON.
pub fn raw_members<'a>(
    members: impl IntoIterator<Item = (&'a String, &'a serde_json::Value)>,
) -> Box<[(String, String)]> {
    let raw = members.into_iter();
    raw.map(|(key, value)| (key.clone(), value.to_string()))
        .collect()
}

fn lanes(
    name: &str,
    settings: &conf::Provider,
    wants: &Wants,
    shared: Shared<'_>,
) -> Result<Vec<Lane>, BuildError> {
    let fallback = settings.kind.default_url().unwrap_or(shared.mock_url);
    let default = conf::Endpoint {
        url: fallback.to_owned(),
        weight: 1,
    };
    let endpoints = match settings.endpoints.as_slice() {
        [] => std::slice::from_ref(&default),
        some => some,
    };
    let mut lanes = Vec::new();
    for settled in endpoints {
        let place = Place::parse(&settled.url)?;
        let via = shared.egress.proxy_for(&place.host).map(|proxy| {
            Arc::new(Via {
                host: shared.resolver.host(&proxy.host, proxy.port),
                authorization: proxy.authorization.clone(),
            })
        });
        let host = match via {
            // The proxy looks the name up; here it may not even be known.
            Some(_) => Arc::new(Host::new(&place.host, place.port)),
            None => shared.resolver.host(&place.host, place.port),
        };
        let authority = place.authority(&settled.url)?;
        let endpoint = shared.endpoints.endpoint(name, &settled.url);
        let lane = |key: Option<(usize, &str, HeaderValue)>| Lane {
            id: format!(
                "{}#{}",
                host.name(),
                key.as_ref().map_or(0, |(number, ..)| *number)
            )
            .into(),
            host: Arc::clone(&host),
            authority: authority.clone(),
            via: via.clone(),
            tls: place.tls,
            base_path: place.path.clone(),
            key: key.as_ref().map(|(number, ..)| *number),
            seat: shared
                .endpoints
                .seat(&endpoint, key.as_ref().map(|(_, key, _)| *key)),
            credential: key.map(|(_, _, value)| value),
            weight: settled.weight,
            endpoint: Arc::clone(&endpoint),
            rules: settings.breaker.clone(),
            scripted: settings.kind == Kind::Mock && settings.endpoints.is_empty(),
        };
        if settings.keys.is_empty() {
            lanes.push(lane(None));
        }
        for (number, key) in settings.keys.iter().enumerate() {
            let key = key.expose();
            let value = credential(wants.auth, key).ok_or(BuildError::Key(number))?;
            lanes.push(lane(Some((number, key, value))));
        }
    }
    Ok(lanes)
}

const BEARER: &str = "Bearer ";

/// Whether this is no key but a token that somebody was given for a while: of Entra ID (a JWT), of
/// Google, or of a subscription at Anthropic.
fn is_access_token(key: &str) -> bool {
    let is_jwt = key.starts_with("eyJ") && key.split('.').count() == 3;
    is_jwt || key.starts_with("ya29.") || key.starts_with("sk-ant-oat")
}

/// The header in which a credential goes; `None` where the request is signed with it instead.
#[must_use]
pub fn credential_header(auth: Auth, credential: &HeaderValue) -> Option<HeaderName> {
    match auth {
        Auth::Aws => None,
        Auth::Header(name) if !credential.as_bytes().starts_with(BEARER.as_bytes()) => {
            Some(HeaderName::from_static(name))
        }
        Auth::Header(_) | Auth::Bearer => Some(AUTHORIZATION),
    }
}

fn credential(auth: Auth, key: &str) -> Option<HeaderValue> {
    let text = match auth {
        Auth::Aws if sigv4::Credentials::read(key).is_some() => key.to_owned(),
        Auth::Bearer | Auth::Aws => format!("{BEARER}{key}"),
        Auth::Header(_) if is_access_token(key) => format!("{BEARER}{key}"),
        Auth::Header(_) => key.to_owned(),
    };
    let mut value = HeaderValue::from_str(&text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn headers(settings: &conf::Provider) -> Result<Box<[(HeaderName, HeaderValue)]>, BuildError> {
    let header = |(name, value): (&String, &conf::Secret)| {
        let bad = || BuildError::Header(name.clone());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        let value = HeaderValue::from_str(value.expose()).map_err(|_| bad())?;
        Ok((name, value))
    };
    settings.headers.iter().map(header).collect()
}

/// A URL taken apart.
struct Place {
    host: String,
    port: u16,
    tls: bool,
    path: String,
}

impl Place {
    /// The `Host` header: the port is left out where the scheme implies it (RFC 9110, 7.2).
    fn authority(&self, url: &str) -> Result<HeaderValue, BuildError> {
        let text = match (self.tls, self.port) {
            (true, 443) | (false, 80) => self.host.clone(),
            (_, port) => format!("{}:{port}", self.host),
        };
        HeaderValue::try_from(text).map_err(|_| BuildError::Address(url.to_owned()))
    }

    fn parse(url: &str) -> Result<Self, BuildError> {
        let bad = || BuildError::Address(url.to_owned());
        let uri: http::Uri = url.parse().map_err(|_| bad())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(bad()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
        Ok(Self {
            host: host.to_owned(),
            port: uri.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            tls,
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_of_cohere_has_the_version_that_is_its_own() {
        for (base, root) in [
            ("", ""),
            ("/v2", ""),
            ("/proxy/v1", "/proxy"),
            ("/v2x", "/v2x"),
        ] {
            assert_eq!(paths::cohere_root(base), root);
        }
    }

    fn azure(url: &str, version: Option<&str>) -> String {
        address(Kind::Azure, url, version, Surface::Chat)
    }

    fn address(kind: Kind, url: &str, version: Option<&str>, surface: Surface) -> String {
        let settings = conf::Provider {
            keys: vec![conf::Secret::new("k")],
            endpoints: vec![conf::Endpoint {
                url: url.to_owned(),
                weight: 1,
            }],
            api_version: version.map(str::to_owned),
            ..conf::Provider::of_kind(kind)
        };
        let shared = Shared {
            resolver: &Resolver::default(),
            endpoints: &Endpoints::default(),
            egress: &Egress::default(),
            mock_url: "",
            identities: &Identities::default(),
            outbound: None,
        };
        let provider = Provider::build("az", &settings, shared, Arc::default()).expect("builds");
        let lane = provider.pool.lanes().first().expect("a lane");
        provider.path(lane, surface, ("my dep/1", false))
    }

    #[test]
    fn an_ollama_is_asked_by_the_api_that_its_address_names() {
        for (url, surface, path) in [
            ("http://h:11434/v1", Surface::Chat, "/v1/chat/completions"),
            ("http://h:11434/api", Surface::Chat, "/api/chat"),
            ("http://h/far/api", Surface::Embeddings, "/far/api/embed"),
        ] {
            assert_eq!(address(Kind::Ollama, url, None, surface), path);
        }
    }

    #[test]
    fn azure_has_two_forms_of_address() {
        assert_eq!(
            azure("https://r.openai.azure.com", Some("2024-10-21")),
            "/openai/deployments/my%20dep%2F1/chat/completions?api-version=2024-10-21"
        );
        assert_eq!(
            azure("https://r.openai.azure.com", None),
            "/openai/v1/chat/completions"
        );
        assert_eq!(
            azure("https://r.openai.azure.com/openai/v1", None),
            "/openai/v1/chat/completions"
        );
        assert_eq!(
            azure("https://r.openai.azure.com/openai/deployments/d", Some("v")),
            "/openai/deployments/d/chat/completions?api-version=v"
        );
    }

    #[test]
    fn an_access_token_goes_where_access_tokens_go() {
        let header = |auth, key| {
            let value = credential(auth, key).expect("a header");
            let name = credential_header(auth, &value).expect("a name");
            (name.to_string(), value.to_str().expect("text").to_owned())
        };
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let azure = Auth::Header("api-key");
        assert_eq!(header(azure, "0123abcd"), pair("api-key", "0123abcd"));
        let token = "eyJ0eXAi.eyJhdWQi.c2lnbmVk";
        let bearer = format!("Bearer {token}");
        assert_eq!(header(azure, token), pair("authorization", &bearer));
        assert_eq!(header(azure, "eyJ0.x"), pair("api-key", "eyJ0.x"));
        let claude = Auth::Header("x-api-key");
        let own = pair("authorization", "Bearer sk-ant-oat01-x");
        assert_eq!(header(claude, "sk-ant-oat01-x"), own);
        assert_eq!(
            header(Auth::Bearer, "sk-x"),
            pair("authorization", "Bearer sk-x")
        );
    }

    #[test]
    fn a_credential_never_shows_in_debug_output() {
        let value = credential(Auth::Bearer, "sk-secret").expect("a header");
        assert!(!format!("{value:?}").contains("sk-secret"));
    }
}
