//! Alfred, a drop-in layer-7 proxy in front of LLM APIs, as a map of its rooms.
//!
//! A request is read by [`proxy`], the only room that implements Pingora's traits. It passes the
//! stations of [`pipeline`] in a fixed order, gets a plan from [`routing`], an endpoint from
//! [`pool`] and a credential from [`providers`]; its answer comes back through the decoders of
//! `alfred_filters` and ends as one receipt in [`telemetry`].
//!
//! | room | what it is for | may use |
//! |---|---|---|
//! | `alfred_filters` | dialects, lenses, events, meters: pure and synchronous | nothing |
//! | [`money`], [`random`] | nano-credits; unpredictable bytes | nothing |
//! | [`private_file`] | files that only their owner may read | random |
//! | [`audit`] | proof that what was written is what stands there: hashes, trees, sealed blocks | private_file |
//! | [`conf`] | YAML and the environment become a checked `Config` | filters |
//! | [`store`] | what must survive: the only room with SQL | conf, audit |
//! | [`secrets`] | API keys, the pepper, the key ring | store |
//! | [`telemetry`] | receipts, metrics, logs, the telemetry port | conf |
//! | [`limits`], [`ledger`] | rates and prices | conf |
//! | [`outbound`] | the way out, and Alfred's own calls | conf |
//! | [`guards`] | filters become policies; what a request and its answer are screened with | conf |
//! | [`tokens`] | tokens of other issuers (JWT) become claims | outbound |
//! | [`pool`], [`providers`] | endpoints and vendor accounts | the above |
//! | [`routing`] | names become plans, failures become decisions | providers |
//! | [`pipeline`] | the stations before the first attempt | routing |
//! | [`gateway`], [`living`] | the world, and the state that outlives it | pipeline |
//! | [`reload`] | the next world, when the configuration changes | gateway |
//! | [`admin`] | the admin port: what serves, and reload | reload |
//! | [`proxy`] | Pingora | everything |
//! | [`mock`] | a scripted provider for first runs and tests | nothing |
//! | [`lab`] | asks any gateway what clients ask, and holds it to the grammars | outbound |

pub mod admin;
pub mod audit;
pub mod conf;
pub mod exchange;
pub mod gateway;
pub mod guards;
pub mod lab;
pub mod ledger;
pub mod limits;
pub mod living;
pub mod mock;
pub mod money;
pub mod outbound;
pub mod pipeline;
pub mod pool;
pub mod private_file;
pub mod providers;
pub mod proxy;
pub mod random;
pub mod refusal;
pub mod reload;
pub mod routing;
pub mod secrets;
pub mod store;
pub mod supervisor;
pub mod telemetry;
pub mod tokenizer;
pub mod tokens;
