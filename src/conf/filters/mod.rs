//! Why: what may stand in a request and in an answer is the operator's decision, kind by kind. Each line of `filters`
//! is one guard; what is not listed is not looked for.

mod callouts;
mod names;

use std::collections::BTreeMap;

use alfred_filters::guard::Entity;
use serde_json::{Value, json};

pub use self::callouts::{ClassifierFilter, PresidioFilter, WebhookFilter};
use self::names::{AllowHash, ByEntity, EntityName, PackName};
use super::cx::Cx;
use super::shape::{Shape, choice, section};
use super::show::Show;
use super::tree::Node;

/// One guard of the list.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// `- secrets: {…}`: credentials.
    Secrets(SecretsFilter),
    /// `- pii: {…}`: personal data.
    Pii(PiiFilter),
    /// `- terms: {…}`: words of the team's own.
    Terms(TermsFilter),
    /// `- patterns: {…}`: regular expressions of the team's own.
    Patterns(PatternsFilter),
    /// `- links: {…}`: links of answers that carry data out.
    Links(LinksFilter),
    /// `- injection: {…}`: instructions that try to take over.
    Injection(InjectionFilter),
    /// `- canary: {…}`: answers that give the system prompt away.
    Canary(CanaryFilter),
    /// `- presidio: {…}`: a service that finds names and the like.
    Presidio(PresidioFilter),
    /// `- classifier: {…}`: a service that judges injections.
    Classifier(ClassifierFilter),
    /// `- webhook: {…}`: a service that decides.
    Webhook(WebhookFilter),
}

impl Filter {
    /// Whether it asks a service: those are the operator's to name, in the configuration.
    #[must_use]
    pub fn asks_a_service(&self) -> bool {
        matches!(
            self,
            Self::Presidio(_) | Self::Classifier(_) | Self::Webhook(_)
        )
    }
}

section! {
    /// Credentials: keys, tokens, passwords and private keys, in texts of requests and answers.
    pub struct SecretsFilter {
        /// What is done with one in a request.
        pub action: GuardAction = GuardAction::Block,
        /// What is done with one in an answer.
        pub answer: GuardAction = GuardAction::Mask,
        /// How sure a rule must be.
        pub min_confidence: Sureness = Sureness::Medium,
        /// Values that are let through, letter for letter.
        pub allow: Vec<String> = Vec::new(),
        /// The same, by their keyed hashes: `alfred guard hash` tells them.
        pub allow_hashed: Vec<String> as Vec<AllowHash> = Vec::new(),
    }
}

section! {
    /// Personal data, in texts of requests and answers.
    pub struct PiiFilter {
        /// What is done with it in a request.
        pub action: GuardAction = GuardAction::MaskReversible,
        /// What is done in an answer with what the request did not hold.
        pub answer: GuardAction = GuardAction::Log,
        /// The kinds that are looked for; empty: those that checksums, strict grammars or context words can tell.
        pub types: Vec<Entity> as Vec<EntityName> = Vec::new(),
        /// Countries whose numbers are looked for too, such as `[de, us]`.
        pub packs: Vec<String> as Vec<PackName> = Vec::new(),
        /// Other actions in requests for some kinds, such as `{ us_ssn: block }`.
        pub actions: BTreeMap<String, GuardAction> as ByEntity = BTreeMap::new(),
        /// How sure a rule must be.
        pub min_confidence: Sureness = Sureness::Medium,
        /// Values that are let through, letter for letter.
        pub allow: Vec<String> = Vec::new(),
        /// The same, by their keyed hashes: `alfred guard hash` tells them.
        pub allow_hashed: Vec<String> as Vec<AllowHash> = Vec::new(),
    }
}

section! {
    /// Words of the team's own, such as names of customers and projects.
    pub struct TermsFilter {
        /// The name by which reports call the list.
        pub name: String,
        /// The words; each is found whole.
        pub terms: Vec<String>,
        /// Whether upper and lower case are one.
        pub ignore_case: bool = true,
        /// What is done with one in a request.
        pub action: GuardAction = GuardAction::MaskReversible,
        /// What is done in an answer with one that the request did not hold.
        pub answer: GuardAction = GuardAction::Log,
    }
}

section! {
    /// Regular expressions of the team's own, such as numbers of its staff.
    pub struct PatternsFilter {
        /// The name by which reports call the list.
        pub name: String,
        /// The expressions: ASCII, without look-around and back-references, each matching at most 256 bytes.
        pub patterns: Vec<String>,
        /// What is done with a match in a request.
        pub action: GuardAction = GuardAction::MaskReversible,
        /// What is done in an answer with one that the request did not hold.
        pub answer: GuardAction = GuardAction::Log,
    }
}

section! {
    /// Links and pictures of an answer whose address carries data to a host that is not listed.
    pub struct LinksFilter {
        /// What is done with one in an answer.
        pub answer: GuardAction = GuardAction::Redact,
        /// Hosts that links may carry anything to: `docs.example.com`, or `*.example.com` for all below it.
        pub hosts: Vec<String> = Vec::new(),
    }
}

section! {
    /// Instructions that try to take over, in new texts of users, tools and documents. It is a signal more than a wall.
    pub struct InjectionFilter {
        /// What is done with one in a user's text; only the surest are blocked, the others logged.
        pub action: InjectionAction = InjectionAction::Log,
        /// What is done with one in what a tool or a document says.
        pub tools: InjectionAction = InjectionAction::Log,
    }
}

section! {
    /// A mark in the system prompt: an answer that holds it gives the prompt away, also in capitals, backwards, or in hex or
    /// base64. The mark is the same as long as the prompt is, so providers' prompt caches stay warm.
    pub struct CanaryFilter {
        /// What is done with an answer that holds it.
        pub answer: GuardAction = GuardAction::Block,
    }
}

section! {
    /// How the guards of `filters` work.
    pub struct GuardSettings {
        /// Findings are counted and logged, and nothing is changed or blocked.
        pub dry_run: bool = false,
        /// What happens when a guard itself fails where it should mask or block.
        pub on_fault: OnFault = OnFault::Closed,
        /// Guards that the policies of organisations, teams and keys may not change. If there are any, `dry_run` and
        /// `on_fault` are locked too.
        pub locked: Vec<GuardName> = Vec::new(),
    }
}

choice! {
    /// A guard of the list.
    pub enum GuardName {
        /// Credentials.
        Secrets = "secrets",
        /// Personal data.
        Pii = "pii",
        /// Words of the team's own.
        Terms = "terms",
        /// Regular expressions of the team's own.
        Patterns = "patterns",
        /// Links that carry data out.
        Links = "links",
        /// Instructions that try to take over.
        Injection = "injection",
        /// Answers that give the system prompt away.
        Canary = "canary",
    }
}

choice! {
    /// What is done with what a guard finds.
    pub enum GuardAction {
        /// Nothing.
        Allow = "allow",
        /// It is counted and logged, never its value.
        Log = "log",
        /// A word such as `[EMAIL]` stands in its place.
        Mask = "mask",
        /// A name such as `[EMAIL_k7q2f]` stands in its place, and the value comes back in the answer.
        MaskReversible = "mask_reversible",
        /// A keyed hash stands in its place.
        Hash = "hash",
        /// `[REDACTED]` stands in its place.
        Redact = "redact",
        /// The request is refused, the answer ended.
        Block = "block",
    }
}

choice! {
    /// What is done with what looks like an injection.
    pub enum InjectionAction {
        /// Nothing.
        Allow = "allow",
        /// It is counted and logged.
        Log = "log",
        /// Where it is as sure as can be, the request is refused; else it is logged.
        Block = "block",
    }
}

choice! {
    /// How sure a rule is.
    pub enum Sureness {
        /// Also shapes that ordinary text may have by chance.
        Low = "low",
        /// Shapes that are rarely anything else.
        Medium = "medium",
        /// A word beside it says what it is, or its grammar is strict.
        High = "high",
    }
}

choice! {
    /// What happens when a guard fails.
    pub enum OnFault {
        /// Nothing goes on: the request is refused, the answer ended.
        Closed = "closed",
        /// The text goes on as it is.
        Open = "open",
    }
}

macro_rules! guards {
    ($($name:literal $variant:ident $section:ident,)+) => {
        impl Filter {
            /// The name by which the configuration calls its kind.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $name,)+
                }
            }
        }

        const NAMES: &[&str] = &[$($name),+];

        impl Shape for Filter {
            type Value = Self;

            fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self> {
                let [entry] = node.entries() else {
                    let hint = "write `- pii: { … }`: one guard in each line";
                    cx.at(&node.at, "expects one guard", Some(hint.to_owned()));
                    return None;
                };
                let value = &entry.value;
                cx.inside(&entry.name, |cx| match entry.name.as_str() {
                    $($name => $section::read(value, cx).map(Self::$variant),)+
                    name => {
                        let near = cx.near(name, NAMES.iter().copied());
                        let hint = match near {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => format!("guards: {}", NAMES.join(", ")),
                        };
                        cx.at(&entry.at, "unknown guard", Some(hint));
                        None
                    }
                })
            }

            fn schema() -> Value {
                let one = |name: &str, schema: Value| {
                    json!({
                        "type": "object",
                        "properties": { name: schema },
                        "required": [name],
                        "additionalProperties": false,
                    })
                };
                json!({ "anyOf": [$(one($name, $section::schema())),+] })
            }

            fn show(value: &Self, show: &mut Show<'_>) -> Value {
                match value {
                    $(Self::$variant(filter) => json!({ $name: show_in($name, filter, show) }),)+
                }
            }
        }
    };
}

guards! {
    "secrets" Secrets SecretsFilter,
    "pii" Pii PiiFilter,
    "terms" Terms TermsFilter,
    "patterns" Patterns PatternsFilter,
    "links" Links LinksFilter,
    "injection" Injection InjectionFilter,
    "canary" Canary CanaryFilter,
    "presidio" Presidio PresidioFilter,
    "classifier" Classifier ClassifierFilter,
    "webhook" Webhook WebhookFilter,
}

fn show_in<S: Shape<Value = S>>(name: &str, filter: &S, show: &mut Show<'_>) -> Value {
    show.inside(name, |show| S::show(filter, show))
}
