//! Why: the checked settings as the rest of the house sees them. Nothing here can be wrong any more: whoever holds a
//! `Config` need not check names, addresses or limits again.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ipnet::IpNet;
use serde_json::{Value, json};

use super::cx::Cx;
use super::egress::Egress;
use super::filters::{Filter, GuardSettings};
use super::images::Images;
use super::jwt::Issuer;
use super::ledger::{Credit, Ledger};
use super::model::Model;
use super::provider::Provider;
use super::secret::Secret;
use super::shape::{Shape, choice, section, variable};
use super::show::Show;
use super::source::Source;
use super::store::StoreKind;
use super::tree::{Kind, Node};
use super::units::{Count, Price, Size};

section! {
    /// The settings of Alfred: one YAML file.
    pub struct Config {
        /// The addresses Alfred listens on. A change needs a restart.
        pub listen: Listen = Listen::default(),
        /// Certificate and key of the gateway's port; without them it speaks plain HTTP. Files are read again when
        /// they change; TLS itself and its oldest version need a restart.
        pub tls: Option<Tls> = None,
        /// The folder of the database, the journal and the pepper. A change needs a restart.
        pub data_dir: PathBuf = PathBuf::from("./data"),
        /// Where keys, users and money are kept. A change needs a restart.
        pub store: StoreKind = StoreKind::Sqlite,
        /// The secret that keys the hashes of API keys: one or several lines of 64 hexadecimal digits, the last one for
        /// new keys. All processes that share a database need the same; without it each makes one in `data_dir`. A
        /// change needs a restart.
        pub pepper: Option<Secret> = None,
        /// The Ed25519 key that signs the blocks of settlements: PEM, or a seed of 64 hexadecimal digits. Without it each
        /// process makes one in `data_dir`. A change needs a restart.
        pub signing_key: Option<Secret> = None,
        /// Worker threads of the gateway; 0 means one per core. A change needs a restart.
        pub threads: usize = 0,
        /// The proxies in front of Alfred, as addresses or networks, whose `X-Forwarded-For` is believed.
        pub trusted_proxies: Vec<IpNet> = Vec::new(),
        /// Limits of request bodies.
        pub body: BodyLimits = BodyLimits::default(),
        /// How Alfred leaves when it is told to stop. A change needs a restart.
        pub shutdown: Shutdown = Shutdown::default(),
        /// The guard against floods from one address, met before authentication.
        pub flood: Flood = Flood::default(),
        /// Which web pages may call Alfred from a browser; without it none may.
        pub cors: Option<Cors> = None,
        /// The accounts and servers that answer, by name. `mock` always exists.
        pub providers: BTreeMap<String, Provider> = BTreeMap::new(),
        /// The aliases clients may ask for, beside `provider/model`.
        pub models: BTreeMap<String, Model> = BTreeMap::new(),
        /// Limits that hold for every key.
        pub limits: Vec<Limit> = Vec::new(),
        /// Keys that live in this file, beside those of the store.
        pub keys: Vec<StaticKey> = Vec::new(),
        /// Whose signed tokens (JWT) are taken in place of keys.
        pub jwt: Vec<Issuer> = Vec::new(),
        /// Prices by `provider/model`, in pico-USD per token (the same number is micro-USD per million tokens);
        /// they win over the shipped table.
        pub prices: BTreeMap<String, PriceOverride> = BTreeMap::new(),
        /// What is looked for in the texts of requests and answers, and what is done with it.
        pub filters: Vec<Filter> = Vec::new(),
        /// How those filters work.
        pub guard: GuardSettings = GuardSettings::default(),
        /// What happens to a call whose model has no known price.
        pub unknown_price: UnknownPrice = UnknownPrice::Warn,
        /// How the prompts of OpenAI's models are counted at `/v1/messages/count_tokens`. Elsewhere their providers count.
        pub tokenizer: Tokenizer = Tokenizer::Heuristic,
        /// What a credit is.
        pub credit: Credit = Credit::default(),
        /// How money is held, leased and settled.
        pub ledger: Ledger = Ledger::default(),
        /// Pictures that requests name by their address.
        pub images: Images = Images::default(),
        /// How calls leave this network.
        pub egress: Egress = Egress::default(),
        /// What is logged, and how. A change needs a restart.
        pub log: Log = Log::default(),
    }
    unwritten {
        /// Where each setting stands, for problems that are found later.
        pub source: Source
    }
}

impl Config {
    /// The files that the settings name, beside those of secrets: when their content changes, the configuration has.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let tls = self.tls.iter().flat_map(|tls| [&tls.cert, &tls.key]);
        let issuers = self.jwt.iter();
        let keys = issuers.flat_map(|issuer| issuer.jwks_file.iter().chain(&issuer.public_key));
        tls.chain(&self.egress.ca_file)
            .chain(keys)
            .map(PathBuf::as_path)
    }
}

section! {
    /// The addresses Alfred listens on, each as `address:port`.
    pub struct Listen {
        /// Where clients call.
        pub gateway: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9090),
        /// The admin API: on loopback over plain HTTP, elsewhere over TLS, which `tls` must configure.
        pub admin: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8000),
        /// `/metrics`, `/livez` and `/readyz`, without authentication.
        pub telemetry: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9464),
        /// The web console; loopback only. Reserved: this version does not serve it yet.
        pub console: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 3000),
    }
}

choice! {
    /// How Alfred counts tokens.
    pub enum Tokenizer {
        /// By the shapes of words: at once, and a few per cent off.
        Heuristic = "heuristic",
        /// By OpenAI's own vocabularies: exact for text. They are loaded in the background at the start, and take about 70 MiB.
        Bpe = "bpe",
    }
}

section! {
    /// Certificate and key of the gateway's port.
    pub struct Tls {
        /// PEM file of the certificate, followed by its chain.
        pub cert: PathBuf,
        /// PEM file of the private key.
        pub key: PathBuf,
        /// The oldest version of TLS that is spoken.
        pub min_version: TlsVersion = TlsVersion::V1_2,
    }
}

choice! {
    /// A version of TLS.
    pub enum TlsVersion {
        /// TLS 1.2.
        V1_2 = "1.2",
        /// TLS 1.3.
        V1_3 = "1.3",
    }
}

section! {
    /// Limits of request bodies.
    pub struct BodyLimits {
        /// The largest body, in bytes; a larger one is answered 413.
        pub max: u64 as Size = 20_000_000,
        /// How long a client may take to send its body; then 408.
        pub read_timeout: Duration = Duration::from_secs(30),
        /// The bytes of all bodies held at one time; beyond it clients are answered 503 and asked to retry after 1 s.
        pub in_flight_max: u64 as Size = 1_000_000_000,
    }
}

section! {
    /// How Alfred leaves when it is told to stop.
    pub struct Shutdown {
        /// The time between `/readyz` failing and the listeners closing, for load balancers to notice.
        pub pause: Duration = Duration::ZERO,
        /// How long running calls and streams may take to finish.
        pub drain: Duration = Duration::from_secs(120),
    }
}

section! {
    /// The guard against floods from one address, met before authentication.
    pub struct Flood {
        /// Requests of one client address in one window; 0 switches the guard off.
        pub requests: u64 as Count = 50_000,
        /// The length of the window.
        pub window: Duration = Duration::from_secs(1),
    }
}

section! {
    /// Which web pages may call Alfred from a browser.
    pub struct Cors {
        /// Origins such as `https://app.example.com`; `"*"` allows every page.
        pub origins: Vec<String>,
        /// How long a browser may remember the answer.
        pub max_age: Duration = Duration::from_secs(600),
    }
}

section! {
    /// A limit that holds for each one of a kind.
    pub struct Limit {
        /// Whom the limit counts.
        pub per: Per,
        /// Requests in one window.
        pub requests: Option<u64> as Option<Count> = None,
        /// Tokens, of prompts and answers together, in one window.
        pub tokens: Option<u64> as Option<Count> = None,
        /// The length of the window.
        pub window: Duration = Duration::from_secs(60),
    }
}

choice! {
    /// Whom a limit counts.
    pub enum Per {
        /// Each API key on its own.
        Key = "key",
    }
    later ["user", "team", "organisation", "model", "provider"]
}

section! {
    /// A key that lives in the configuration file.
    pub struct StaticKey {
        /// The name by which logs call the key.
        pub name: String,
        /// The hash of the key, as `alfred keys hash` prints it: `blake3:` and 64 hexadecimal digits.
        pub hash: Secret,
        /// What the key may use: aliases, `provider/model`, or the beginning of either with `*`, such as `openai/*`.
        /// Empty: everything.
        pub models: Vec<String> = Vec::new(),
        /// The moment the key stops working, such as `2026-12-31T23:59:59Z`.
        pub expires_at: Option<jiff::Timestamp> = None,
        /// Requests in one minute; it wins over `limits`.
        pub requests_per_minute: Option<u64> as Option<Count> = None,
        /// Tokens in one minute; it wins over `limits`.
        pub tokens_per_minute: Option<u64> as Option<Count> = None,
    }
}

section! {
    /// The price of a model, in pico-USD per token.
    pub struct PriceOverride {
        /// Prompt tokens.
        pub input as "in": Option<u64> as Option<Price> = None,
        /// Tokens of the answer.
        pub output as "out": Option<u64> as Option<Price> = None,
        /// Prompt tokens the provider read from its cache; default: `in`.
        pub cache_read: Option<u64> as Option<Price> = None,
        /// Prompt tokens the provider wrote to its cache for 5 minutes; default: `in`.
        pub cache_write: Option<u64> as Option<Price> = None,
        /// Prompt tokens the provider wrote to its cache for an hour; default: `cache_write`.
        pub cache_write_1h: Option<u64> as Option<Price> = None,
        /// Reasoning tokens; default: `out`.
        pub output_reasoning as "out_reasoning": Option<u64> as Option<Price> = None,
        /// Audio tokens of the prompt; default: `in`.
        pub input_audio as "in_audio": Option<u64> as Option<Price> = None,
        /// Audio tokens of the answer; default: `out`.
        pub output_audio as "out_audio": Option<u64> as Option<Price> = None,
    }
}

/// What happens to a call whose model has no known price.
#[derive(Debug, Clone, PartialEq)]
pub enum UnknownPrice {
    /// `warn`: the call is made, its cost is marked unknown, and the log says so loudly.
    Warn,
    /// `refuse`: the call is refused.
    Refuse,
    /// `{ ceiling: { in: …, out: … } }`: the call is charged at these prices.
    Ceiling(CeilingPrices),
}

impl Shape for UnknownPrice {
    type Value = Self;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
        if let [entry] = node.entries()
            && entry.name == "ceiling"
        {
            let prices = cx.inside("ceiling", |cx| CeilingPrices::read(&entry.value, cx));
            return prices.map(Self::Ceiling);
        }
        if matches!(&node.kind, Kind::Scalar { text, .. } if text == "ceiling") {
            let hint = "write `{ ceiling: { in: …, out: … } }`, in pico-USD per token";
            cx.at(
                &node.at,
                "a ceiling needs its prices",
                Some(hint.to_owned()),
            );
            return None;
        }
        let words = [("warn", Self::Warn), ("refuse", Self::Refuse)];
        cx.word(node, &words, &[])
    }

    fn schema() -> Value {
        json!({ "anyOf": [
            { "enum": ["warn", "refuse"] },
            variable(),
            {
                "type": "object",
                "description": "Such a call is charged at the prices of the ceiling.",
                "properties": { "ceiling": CeilingPrices::schema() },
                "required": ["ceiling"],
                "additionalProperties": false,
            },
        ] })
    }

    fn written(_value: &Self) -> Option<Value> {
        Some(Value::from("warn"))
    }

    fn show(value: &Self, show: &mut Show<'_>) -> Value {
        match value {
            Self::Warn => Value::from("warn"),
            Self::Refuse => Value::from("refuse"),
            Self::Ceiling(prices) => json!({ "ceiling": CeilingPrices::show(prices, show) }),
        }
    }
}

section! {
    /// What an unpriced call is charged, in pico-USD per token.
    pub struct CeilingPrices {
        /// Prompt tokens.
        pub input as "in": u64 as Price,
        /// Tokens of the answer.
        pub output as "out": u64 as Price,
    }
}

section! {
    /// What is logged, and how.
    pub struct Log {
        /// The least important line that is written.
        pub level: LogLevel = LogLevel::Info,
        /// The form of the lines.
        pub format: LogFormat = LogFormat::Auto,
    }
}

choice! {
    /// The importance of a log line.
    pub enum LogLevel {
        /// Only failures of Alfred itself.
        Error = "error",
        /// Also what an operator should look at.
        Warn = "warn",
        /// Also one line for each request.
        Info = "info",
        /// Also decisions on the way.
        Debug = "debug",
        /// Everything.
        Trace = "trace",
    }
}

choice! {
    /// The form of log lines.
    pub enum LogFormat {
        /// Text on a terminal, JSON otherwise.
        Auto = "auto",
        /// One JSON object for each line.
        Json = "json",
        /// Text for people.
        Text = "text",
    }
}
