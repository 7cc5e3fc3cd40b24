//! Why: what may stand in a request and in an answer is the operator's decision, kind by kind. Each line of `filters`
//! is one guard; what is not listed is not looked for.

use std::collections::BTreeMap;

use alfred_filters::guard::Entity;
use serde_json::{Value, json};

use super::cx::Cx;
use super::shape::{Shape, choice, section};
use super::show::Show;
use super::tree::{Kind, Node};

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
    /// How the guards of `filters` work.
    pub struct GuardSettings {
        /// Findings are counted and logged, and nothing is changed or blocked.
        pub dry_run: bool = false,
        /// What happens when a guard itself fails where it should mask or block.
        pub on_fault: OnFault = OnFault::Closed,
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

const NAMES: [&str; 6] = ["secrets", "pii", "terms", "patterns", "links", "injection"];

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
            "secrets" => SecretsFilter::read(value, cx).map(Self::Secrets),
            "pii" => PiiFilter::read(value, cx).map(Self::Pii),
            "terms" => TermsFilter::read(value, cx).map(Self::Terms),
            "patterns" => PatternsFilter::read(value, cx).map(Self::Patterns),
            "links" => LinksFilter::read(value, cx).map(Self::Links),
            "injection" => InjectionFilter::read(value, cx).map(Self::Injection),
            name => {
                let near = cx.near(name, NAMES);
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
        json!({ "anyOf": [
            one("secrets", SecretsFilter::schema()),
            one("pii", PiiFilter::schema()),
            one("terms", TermsFilter::schema()),
            one("patterns", PatternsFilter::schema()),
            one("links", LinksFilter::schema()),
            one("injection", InjectionFilter::schema()),
        ] })
    }

    fn show(value: &Self, show: &mut Show<'_>) -> Value {
        match value {
            Self::Secrets(filter) => json!({ "secrets": show_in("secrets", filter, show) }),
            Self::Pii(filter) => json!({ "pii": show_in("pii", filter, show) }),
            Self::Terms(filter) => json!({ "terms": show_in("terms", filter, show) }),
            Self::Patterns(filter) => json!({ "patterns": show_in("patterns", filter, show) }),
            Self::Links(filter) => json!({ "links": show_in("links", filter, show) }),
            Self::Injection(filter) => json!({ "injection": show_in("injection", filter, show) }),
        }
    }
}

fn show_in<S: Shape<Value = S>>(name: &str, filter: &S, show: &mut Show<'_>) -> Value {
    show.inside(name, |show| S::show(filter, show))
}

/// A kind of personal data by its name.
struct EntityName;

impl Shape for EntityName {
    type Value = Entity;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Entity> {
        let name = String::read(node, cx)?;
        let entity = Entity::from_name(&name);
        if entity.is_none() {
            unknown_entity(&name, &node.at, cx);
        }
        entity
    }

    fn schema() -> Value {
        String::schema()
    }

    fn written(value: &Entity) -> Option<Value> {
        Some(Value::from(value.name()))
    }
}

fn unknown_entity(name: &str, at: &std::ops::Range<usize>, cx: &mut Cx<'_>) {
    let names = Entity::ALL.iter().map(|entity| entity.name());
    let hint = match cx.near(name, names) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "docs/concepts/guards.md lists the kinds".to_owned(),
    };
    cx.at(at, "is no kind of personal data", Some(hint));
}

/// A country whose numbers are known.
struct PackName;

impl Shape for PackName {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        let name = String::read(node, cx)?;
        if Entity::pack(&name).next().is_some() {
            return Some(name);
        }
        let known: std::collections::BTreeSet<&str> = Entity::ALL
            .iter()
            .filter_map(|entity| entity.country())
            .collect();
        let known: Vec<&str> = known.into_iter().collect();
        let hint = format!("countries here: {}", known.join(", "));
        cx.at(&node.at, "is no country of a pack", Some(hint));
        None
    }

    fn schema() -> Value {
        String::schema()
    }

    fn written(value: &String) -> Option<Value> {
        Some(Value::from(value.as_str()))
    }
}

/// Actions by kind of personal data.
struct ByEntity;

impl Shape for ByEntity {
    type Value = BTreeMap<String, GuardAction>;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<Self::Value> {
        if let Kind::Map(entries) = &node.kind {
            for entry in entries
                .iter()
                .filter(|e| Entity::from_name(&e.name).is_none())
            {
                unknown_entity(&entry.name, &entry.at, cx);
            }
        }
        BTreeMap::<String, GuardAction>::read(node, cx)
    }

    fn schema() -> Value {
        BTreeMap::<String, GuardAction>::schema()
    }

    fn written(value: &Self::Value) -> Option<Value> {
        BTreeMap::<String, GuardAction>::written(value)
    }

    fn show(value: &Self::Value, show: &mut Show<'_>) -> Value {
        BTreeMap::<String, GuardAction>::show(value, show)
    }
}
