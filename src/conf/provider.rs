//! Why: what a provider is: an account or a server that answers, with how to reach it and how long to wait for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use super::address;
use super::cx::Cx;
use super::droppable::Droppable;
use super::entra::Entra;
use super::secret::Secret;
use super::shape::{Shape, choice, section};
use super::show::Show;
use super::tree::{self, Node};
use super::units::Credits;

/// How the address of Ollama's own API ends.
pub(super) const OLLAMA_API: &str = "/api";

section! {
    /// An account or a server that answers.
    pub struct Provider {
        /// What the provider is: decides address, authentication and quirks.
        pub kind: Kind,
        /// Its API keys or access tokens, each a text, `${VARIABLE}` or `file:/path`. Several share the load.
        pub keys: Vec<Secret> = Vec::new(),
        /// Its base addresses, up to and including `/v1`; default: the public address of the kind. Ollama is asked by its
        /// own API where they end in `/api`, such as `http://127.0.0.1:11434/api`.
        pub endpoints: Vec<Endpoint> = Vec::new(),
        /// How calls are shared among the endpoints.
        pub balance: Balance = Balance::LeastInFlight,
        /// How long each step of a call may take.
        pub timeouts: Timeouts = Timeouts::default(),
        /// When an endpoint that fails is left alone.
        pub breaker: BreakerConfig = BreakerConfig::default(),
        /// How its endpoints are looked after without a client's call; unwritten, only clients' calls tell.
        pub health: Option<HealthCheck> = None,
        /// What happens to the call upstream when the client leaves.
        pub on_client_disconnect: OnDisconnect = OnDisconnect::Cancel,
        /// Azure's classic form only: the `api-version` of the query, such as `2024-10-21`.
        pub api_version: Option<String> = None,
        /// Azure only: an application of Entra ID, in place of `keys`.
        pub entra: Option<Entra> = None,
        /// Bedrock only: the AWS region, such as `eu-central-1`. Decides the address, and is part of every signature.
        pub region: Option<String> = None,
        /// The version of HTTP spoken to the endpoints.
        pub http: HttpVersion = HttpVersion::Auto,
        /// Headers added to every call, such as `OpenAI-Organization`.
        pub headers: BTreeMap<String, Secret> = BTreeMap::new(),
        /// How many of the calls may be retries.
        pub retry_budget: RetryBudget = RetryBudget::default(),
        /// Members forced into the top level of every request's JSON, such as `temperature: 0`.
        pub overrides: BTreeMap<String, Value> = BTreeMap::new(),
        /// Members of requests that are left out where this provider cannot be told them, instead of an error: names
        /// such as `parallel_tool_calls`, or `*` for any. The answer's header `x-alfred-dropped-params` names them.
        pub drop: Vec<String> as Vec<Droppable> = Vec::new(),
        /// Models listed by `/v1/models` under this provider; calls are not limited to them.
        pub models: Vec<String> = Vec::new(),
    }
}

impl Provider {
    /// A provider of this kind with every other setting at its default, and without keys and endpoints.
    pub fn of_kind(kind: Kind) -> Self {
        Self {
            kind,
            keys: Vec::new(),
            endpoints: Vec::new(),
            balance: Balance::LeastInFlight,
            timeouts: Timeouts::default(),
            breaker: BreakerConfig::default(),
            health: None,
            on_client_disconnect: OnDisconnect::Cancel,
            api_version: None,
            entra: None,
            region: None,
            http: HttpVersion::Auto,
            headers: BTreeMap::new(),
            retry_budget: RetryBudget::default(),
            overrides: BTreeMap::new(),
            drop: Vec::new(),
            models: Vec::new(),
        }
    }

    /// Whether it is an Ollama that is asked by its own API, as its addresses tell.
    pub fn is_native_ollama(&self) -> bool {
        let native = |endpoint: &Endpoint| endpoint.url.ends_with(OLLAMA_API);
        self.kind == Kind::Ollama && self.endpoints.iter().any(native)
    }

    /// How many pairs of an endpoint in use and a key it has.
    pub fn lanes(&self) -> usize {
        let endpoints = self.endpoints.iter().filter(|one| one.weight > 0).count();
        endpoints.max(1) * self.keys.len().max(1)
    }
}

choice! {
    /// What a provider is.
    pub enum Kind {
        /// OpenAI.
        Openai = "openai",
        /// Azure OpenAI, in both forms of its address.
        Azure = "azure",
        /// Anthropic, and whoever speaks its Messages API.
        Anthropic = "anthropic",
        /// Google's Gemini, by its own API.
        Gemini = "gemini",
        /// Mistral.
        Mistral = "mistral",
        /// Groq.
        Groq = "groq",
        /// Together.
        Together = "together",
        /// Ollama, by its `/v1` surface; by its own API where its endpoints end in `/api`.
        Ollama = "ollama",
        /// The router of Hugging Face; embeddings by its pipeline `feature-extraction`.
        Huggingface = "huggingface",
        /// Amazon Bedrock, by its Converse API. A key is a Bedrock API key, or that of an account:
        /// `ACCESS_KEY_ID:SECRET_ACCESS_KEY`, with `:SESSION_TOKEN` if it has one.
        Bedrock = "bedrock",
        /// Cohere, by its own v2 API.
        Cohere = "cohere",
        /// Any other server that speaks OpenAI's chat completions: vLLM, llama.cpp, SGLang, LM Studio, TGI …
        OpenaiCompatible = "openai_compatible",
        /// Alfred's own scripted server; without endpoints, the one that is built in.
        Mock = "mock",
    }
    later ["vertex"]
}

impl Kind {
    /// The public base address, without a trailing slash; `None` where each account or server has its own.
    pub fn default_url(self) -> Option<&'static str> {
        match self {
            Self::Openai => Some("https://api.openai.com/v1"),
            Self::Anthropic => Some("https://api.anthropic.com/v1"),
            Self::Gemini => Some("https://generativelanguage.googleapis.com/v1beta"),
            Self::Mistral => Some("https://api.mistral.ai/v1"),
            Self::Groq => Some("https://api.groq.com/openai/v1"),
            Self::Together => Some("https://api.together.xyz/v1"),
            Self::Ollama => Some("http://127.0.0.1:11434/v1"),
            Self::Huggingface => Some("https://router.huggingface.co/v1"),
            Self::Cohere => Some("https://api.cohere.com"),
            Self::Azure | Self::Bedrock | Self::OpenaiCompatible | Self::Mock => None,
        }
    }

    /// The environment variable in which the vendor's own SDK looks for the API key.
    pub fn key_variable(self) -> Option<&'static str> {
        match self {
            Self::Openai => Some("OPENAI_API_KEY"),
            Self::Azure => Some("AZURE_OPENAI_API_KEY"),
            Self::Anthropic => Some("ANTHROPIC_API_KEY"),
            Self::Gemini => Some("GEMINI_API_KEY"),
            Self::Mistral => Some("MISTRAL_API_KEY"),
            Self::Groq => Some("GROQ_API_KEY"),
            Self::Together => Some("TOGETHER_API_KEY"),
            Self::Huggingface => Some("HF_TOKEN"),
            Self::Bedrock => Some("AWS_BEARER_TOKEN_BEDROCK"),
            Self::Cohere => Some("COHERE_API_KEY"),
            Self::Ollama | Self::OpenaiCompatible | Self::Mock => None,
        }
    }

    /// Whether every call needs an API key.
    pub fn needs_key(self) -> bool {
        !matches!(self, Self::Ollama | Self::OpenaiCompatible | Self::Mock)
    }
}

/// One base address of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The base address without a trailing slash, up to and including `/v1`, such as `http://10.0.0.5:8000/v1`.
    pub url: String,
    /// Its share of the calls beside the other endpoints; 0 takes it out.
    pub weight: u32,
}

section! {
    /// One base address of a provider, with its share.
    pub(super) struct EndpointForm {
        /// The base address, up to and including `/v1`, such as `http://10.0.0.5:8000/v1`.
        pub(super) url: String as Address,
        /// Its share of the calls beside the other endpoints; 0 takes it out.
        pub(super) weight: u32 = 1,
    }
}

impl Shape for Endpoint {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let tree::Kind::Scalar { .. } = node.kind {
            let url = Address::read(node, cx)?;
            return Some(Self { url, weight: 1 });
        }
        let EndpointForm { url, weight } = EndpointForm::read(node, cx)?;
        Some(Self { url, weight })
    }

    fn schema() -> Value {
        json!({ "anyOf": [Address::schema(), EndpointForm::schema()] })
    }

    fn show(value: &Self, _show: &mut Show<'_>) -> Value {
        json!({ "url": value.url, "weight": value.weight })
    }
}

/// A base address.
struct Address;

impl Shape for Address {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        let text = cx.text(node, "an address such as `http://10.0.0.5:8000/v1`")?;
        match address::base(text.text.trim()) {
            Ok(url) => Some(url),
            Err((message, hint)) => {
                if text.text.contains(['@', '?']) {
                    // A password or a key may stand in it.
                    cx.mask(node);
                }
                cx.at(&node.at, message, Some(hint.to_owned()));
                None
            }
        }
    }

    fn schema() -> Value {
        json!({ "type": "string", "pattern": r"^https?://[^?#@]+$|\$\{" })
    }

    fn written(value: &String) -> Option<Value> {
        Some(Value::from(value.as_str()))
    }
}

choice! {
    /// How calls are shared among endpoints.
    pub enum Balance {
        /// To the one with the fewest calls running, in proportion to the weights.
        LeastInFlight = "least_in_flight",
        /// In turn.
        RoundRobin = "round_robin",
        /// At random, in proportion to the weights.
        Weighted = "weighted",
        /// The same key always to the same endpoint, so that prompt caches stay warm.
        ConsistentHash = "consistent_hash",
    }
}

section! {
    /// How long each step of a call may take.
    pub struct Timeouts {
        /// To connect, TLS included.
        pub connect: Duration = Duration::from_secs(2),
        /// From the end of the request to the first byte of the answer.
        pub first_byte: Duration = Duration::from_secs(60),
        /// Between two pieces of an answer.
        pub between_chunks: Duration = Duration::from_secs(30),
        /// For the whole call.
        pub total: Duration = Duration::from_secs(600),
        /// How long a stream may stay without content before the client is answered 200 all the same.
        pub commit_after: Duration = Duration::from_secs(20),
    }
}

impl Timeouts {
    /// The same, where every limit that `is_written` does not name gives way to `total`: who writes
    /// `total: 5s` alone has not contradicted himself.
    pub(super) fn within_total(&self, is_written: impl Fn(&str) -> bool) -> Self {
        let limit = |name: &str, limit: Duration| {
            if is_written(name) {
                limit
            } else {
                limit.min(self.total)
            }
        };
        Self {
            connect: limit("connect", self.connect),
            first_byte: limit("first_byte", self.first_byte),
            between_chunks: limit("between_chunks", self.between_chunks),
            commit_after: limit("commit_after", self.commit_after),
            total: self.total,
        }
    }
}

section! {
    /// When an endpoint that fails is left alone, and for how long.
    pub struct BreakerConfig {
        /// Failures within one window that open the breaker, if they are also `ratio` percent of its calls.
        pub failures: u32 = 5,
        /// The share of the window's calls, in percent, that must have failed.
        pub ratio: u32 = 50,
        /// Calls in a row that found nobody, by a failed connection or by silence, that open the breaker at once.
        pub connect_errors: u32 = 3,
        /// The window in which calls and failures are counted.
        pub window: Duration = Duration::from_secs(30),
        /// How long the endpoint is left alone before one call tries it again.
        pub cooldown: Duration = Duration::from_secs(15),
    }
}

section! {
    /// How endpoints are looked after without a client's call.
    pub struct HealthCheck {
        /// What is tried.
        pub probe: Probe,
        /// How often each endpoint is tried.
        pub interval: Duration = Duration::from_secs(10),
        /// How long one trial may take.
        pub timeout: Duration = Duration::from_secs(2),
        /// For `http`: the path that is asked for at the endpoint's host, such as `/health`; unwritten, `models` below
        /// the base address.
        pub path: Option<String> = None,
        /// For `completion`: the model that is asked for one token.
        pub model: Option<String> = None,
        /// For `completion`: the most that the trials of this provider may cost in one day, in credits, such as `0.05`.
        /// When it is spent, or the model has no known price, no more are made.
        pub max_spend: Option<u64> as Option<Credits> = None,
    }
}

choice! {
    /// What is tried.
    pub enum Probe {
        /// That a connection can be made. It costs nothing, and tells nothing about the server behind it.
        Tcp = "tcp",
        /// That a GET is answered below 500.
        Http = "http",
        /// That a chat completion of one token is answered. It costs money.
        Completion = "completion",
    }
}

choice! {
    /// What happens to the call upstream when the client leaves.
    pub enum OnDisconnect {
        /// It is given up; what was generated is billed by estimate.
        Cancel = "cancel",
        /// It is read to its end, so that the provider's own count is billed.
        Drain = "drain",
    }
}

choice! {
    /// The version of HTTP spoken to an endpoint.
    pub enum HttpVersion {
        /// HTTP/2 where TLS negotiates it, otherwise HTTP/1.1.
        Auto = "auto",
        /// HTTP/1.1.
        H1 = "h1",
        /// HTTP/2, also without TLS.
        H2 = "h2",
    }
}

section! {
    /// How many of the calls to a provider may be retries: a share of the window's calls, and some more.
    pub struct RetryBudget {
        /// Retries per hundred calls.
        pub percent: u32 = 20,
        /// The window in which both are counted.
        pub window: Duration = Duration::from_secs(10),
        /// Retries of one window that are always allowed.
        pub minimum: u32 = 10,
    }
}
