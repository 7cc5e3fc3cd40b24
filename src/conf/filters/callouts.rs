//! Why: some things no pattern finds in microseconds. A guard may ask a service of the operator's about a request; how
//! long, and what happens when nobody answers, is decided here.

use std::time::Duration;

use serde_json::{Value, json};

use super::{GuardAction, InjectionAction, OnFault, Sureness};
use crate::conf::cx::Cx;
use crate::conf::secret::Secret;
use crate::conf::shape::{Shape, section};
use crate::conf::tree::Node;

section! {
    /// A web server of the operator's that decides about requests. It is told what the other guards have left of their
    /// texts.
    pub struct WebhookFilter {
        /// The name by which logs and refusals call it.
        pub name: String,
        /// The address that is sent each request by POST, such as `https://guards.example.com/alfred`.
        pub url: String as WebAddress,
        /// The key that signs what is sent, in the headers of Standard Webhooks: `webhook-id`, `webhook-timestamp` and
        /// `webhook-signature`.
        pub secret: Option<Secret> = None,
        /// How long its answer may take.
        pub timeout: Duration = Duration::from_secs(2),
        /// What happens when it does not answer in time, or not as it must.
        pub on_fault: OnFault = OnFault::Closed,
    }
}

section! {
    /// Presidio's analyzer, or a service that answers like it: names, addresses and what else patterns do not find.
    pub struct PresidioFilter {
        /// The address at which `/analyze` is, such as `http://presidio-analyzer:3000`.
        pub url: String as WebAddress,
        /// The language of the texts, as Presidio names it.
        pub language: String = "en".to_owned(),
        /// Presidio's types that are looked for, such as `[PERSON, LOCATION]`; empty: all it knows.
        pub types: Vec<String> = Vec::new(),
        /// What is done with what it finds in a request.
        pub action: GuardAction = GuardAction::MaskReversible,
        /// How sure it must be: `low` is a score of 0.35, `medium` 0.6, `high` 0.85.
        pub min_confidence: Sureness = Sureness::Medium,
        /// How long its answer may take.
        pub timeout: Duration = Duration::from_secs(2),
        /// What happens when it does not answer in time, or not as it must.
        pub on_fault: OnFault = OnFault::Closed,
    }
}

section! {
    /// A service that says how likely a text is an injection, such as a text classifier of Hugging Face's text-embeddings
    /// inference at `/predict`.
    pub struct ClassifierFilter {
        /// The address that is sent `{ "inputs": text }` by POST.
        pub url: String as WebAddress,
        /// The key that is sent as `Authorization: Bearer`.
        pub key: Option<Secret> = None,
        /// The labels of its answer that mean an injection.
        pub labels: Vec<String> = vec!["INJECTION".to_owned(), "MALICIOUS".to_owned(), "LABEL_1".to_owned()],
        /// From which score on it is one, in percent.
        pub threshold: u32 as Percent = 90,
        /// What is done with one in a user's text.
        pub action: InjectionAction = InjectionAction::Log,
        /// What is done with one in what a tool or a document says.
        pub tools: InjectionAction = InjectionAction::Log,
        /// How long its answer may take.
        pub timeout: Duration = Duration::from_secs(2),
        /// What happens when it does not answer in time, or not as it must.
        pub on_fault: OnFault = OnFault::Open,
    }
}

/// The address of a service over HTTP or HTTPS, without a login.
pub(super) struct WebAddress;

impl Shape for WebAddress {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        let text = String::read(node, cx)?;
        let uri = text.parse::<http::Uri>().ok();
        let is_web = uri.is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri
                    .authority()
                    .is_some_and(|it| !it.host().is_empty() && !it.as_str().contains('@'))
        });
        if is_web {
            return Some(text);
        }
        let hint = "write one such as `https://guards.example.com/alfred`, without a login";
        cx.at(
            &node.at,
            "is no address of a web server",
            Some(hint.to_owned()),
        );
        None
    }

    fn schema() -> Value {
        String::schema()
    }

    fn written(value: &String) -> Option<Value> {
        Some(Value::from(value.as_str()))
    }
}

/// 1 to 100.
pub(super) struct Percent;

impl Shape for Percent {
    type Value = u32;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<u32> {
        cx.scalar(node, "a number from 1 to 100", |text| {
            text.parse()
                .ok()
                .filter(|percent| (1..=100).contains(percent))
        })
    }

    fn schema() -> Value {
        json!({ "type": "integer", "minimum": 1, "maximum": 100 })
    }

    fn written(value: &u32) -> Option<Value> {
        Some(Value::from(*value))
    }
}
