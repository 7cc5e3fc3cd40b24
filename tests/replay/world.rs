//! Configurations for these tests.

use crate::support::{Answer, Gateway, H1, H2};

/// Settings of a provider that never rests: tests break it on purpose, again and again.
pub(crate) const CALM: &str =
    "breaker: { failures: 100000, connect_errors: 100000 }, retry_budget: { minimum: 100000 }";

/// [`CALM`] and more.
pub(crate) fn calm(more: &str) -> String {
    format!("{CALM}, {more}")
}

/// A configuration of these `providers:` and `models:` entries, without the flood guard.
pub(crate) fn config(providers: &[String], models: &[String]) -> String {
    let section = |name: &str, entries: &[String]| match entries {
        [] => String::new(),
        entries => format!("{name}:\n{}", entries.concat()),
    };
    let (providers, models) = (section("providers", providers), section("models", models));
    format!("flood: {{ requests: 0 }}\n{providers}{models}")
}

/// An alias that asks these in order; `more` holds further members, such as `retry: {…}`.
pub(crate) fn alias(name: &str, targets: &[&str], more: &str) -> String {
    let quoted: Vec<String> = targets
        .iter()
        .map(|target| format!("\"{target}\""))
        .collect();
    let (first, rest) = quoted.split_first().expect("at least one target");
    let more = if more.contains("retry:") {
        more.to_owned()
    } else {
        // As many attempts as there are targets: no second round unless a test wants one.
        let attempts = format!("retry: {{ attempts: {} }}", targets.len());
        [attempts.as_str(), more]
            .iter()
            .filter(|part| !part.is_empty())
            .copied()
            .collect::<Vec<_>>()
            .join(", ")
    };
    let fallback = rest.join(", ");
    format!("  {name}: {{ targets: [{first}], fallback: [{fallback}], {more} }}\n")
}

/// A client of either protocol.
pub(crate) enum Client {
    H1(H1),
    H2(H2),
}

impl Client {
    /// One of each.
    pub(crate) async fn both(gateway: &Gateway) -> [Self; 2] {
        [Self::H1(gateway.h1().await), Self::H2(gateway.h2().await)]
    }

    pub(crate) async fn chat(&mut self, body: &[u8]) -> Answer {
        match self {
            Self::H1(client) => client.chat(body).await,
            Self::H2(client) => client.chat(body).await,
        }
    }

    pub(crate) async fn is_alive(&mut self) -> bool {
        match self {
            Self::H1(client) => client.is_alive().await,
            Self::H2(client) => client.is_alive().await,
        }
    }

    /// Fails unless the connection is as its last answer said: alive, or closed as announced.
    pub(crate) async fn expect_truthful(&mut self, answer: &Answer) {
        let announced = answer.header("connection").eq_ignore_ascii_case("close");
        match self {
            Self::H1(client) if announced => assert!(client.is_closed().await, "not closed"),
            _ => assert!(self.is_alive().await, "closed without a word: {answer:?}"),
        }
    }

    /// After a stream was ended before its provider's end, an h1 connection may be closed; an h2
    /// connection must live.
    pub(crate) async fn expect_truthful_or_closed(&mut self, answer: &Answer) {
        match self {
            Self::H1(_) => {}
            Self::H2(_) => self.expect_truthful(answer).await,
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::H1(_) => "h1",
            Self::H2(_) => "h2",
        }
    }
}
