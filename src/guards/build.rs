//! Why: the lines of `filters` become policies once, when the world is built: nothing is compiled for a request.

use std::sync::Arc;
use std::time::Duration;

use alfred_filters::guard::action::Action;
use alfred_filters::guard::admission::clocked;
use alfred_filters::guard::injection::Injection;
use alfred_filters::guard::judging::Stance;
use alfred_filters::guard::links::Links;
use alfred_filters::guard::own::{Own, OwnError, OwnTerms};
use alfred_filters::guard::own_patterns::Patterns;
use alfred_filters::guard::policy::{Policy, Scan, Select, Spec, allow_hash};
use alfred_filters::guard::{Confidence, Entity, Kind};

use super::Tools;
use super::known::{Known, Reader};
use crate::conf::{
    CanaryFilter, Filter, GuardAction, GuardPolicy, InjectionAction, InjectionFilter, LinksFilter,
    OnFault, PatternsFilter, PiiFilter, SecretsFilter, Sureness, TermsFilter,
};

/// What the texts of requests and answers are screened with.
#[derive(Debug)]
pub struct Guards {
    /// For requests.
    pub request: Arc<Policy>,
    /// For answers.
    pub answer: Arc<Policy>,
    /// Whether the system prompt is marked.
    pub(super) has_canary: bool,
    /// Who judges injections, and what follows; `None` where nobody asks.
    pub judge: Option<(Arc<Injection>, Stance)>,
    /// Tells this policy for requests from any other one.
    pub(super) screens: Reader,
    /// Texts that were judged or screened in earlier turns.
    pub(super) known: Arc<Known>,
}

/// The two policies while they are put together.
#[derive(Default)]
struct Draft {
    request: Spec,
    answer: Spec,
    terms: Vec<OwnTerms>,
    /// Which filter each list of terms is.
    places: Vec<usize>,
    /// How many patterns there are.
    patterns: u16,
    stance: Option<Stance>,
    has_canary: bool,
}

impl Guards {
    /// The guards of a policy that comes in: its patterns are timed too. What was admitted once need not be timed again.
    ///
    /// # Errors
    /// As [`Guards::build`]; a pattern is too slow.
    pub fn admit(policy: &GuardPolicy, tools: &Tools) -> Result<Self, (usize, String)> {
        let guards = Self::build(policy, tools)?;
        timed(policy, &mut worked)?;
        Ok(guards)
    }

    /// The guards of a policy. Services that it names are not among them.
    ///
    /// # Errors
    /// The index of the filter that cannot be built, and why.
    pub fn build(policy: &GuardPolicy, tools: &Tools) -> Result<Self, (usize, String)> {
        let key = tools.allow_key();
        let mut draft = Draft::default();
        for (index, filter) in policy.filters.iter().enumerate() {
            match filter {
                Filter::Secrets(filter) => draft.secrets(filter, tools),
                Filter::Pii(filter) => draft.pii(filter, tools),
                Filter::Terms(filter) => draft.terms(index, filter),
                Filter::Patterns(filter) => {
                    draft.patterns(filter).map_err(|why| (index, why))?;
                }
                Filter::Links(filter) => draft.links(filter),
                Filter::Injection(filter) => draft.stance = Some(stance(filter)),
                Filter::Canary(filter) => draft.canary(filter),
                // They are asked after all others.
                Filter::Presidio(_) | Filter::Classifier(_) | Filter::Webhook(_) => {}
            }
        }
        if !draft.terms.is_empty() {
            let own = Own::new(&draft.terms).map_err(|error| draft.blame(&error))?;
            draft.scan_with(Arc::new(own));
        }
        let settings = &policy.guard;
        let compiled = |spec: Spec| {
            let spec = Spec {
                allow_key: key,
                dry_run: settings.dry_run,
                fail_closed: settings.on_fault == OnFault::Closed,
                ..spec
            };
            Policy::new(spec).map(Arc::new)
        };
        let mut actions = draft.answer.actions.iter();
        if actions.all(|(_, action, _)| *action == Action::Allow) {
            // Nothing is looked for in answers, though what was masked is put back.
            draft.answer.scanners.clear();
        }
        let made =
            compiled(draft.request).and_then(|request| Ok((request, compiled(draft.answer)?)));
        let (request, answer) = made.map_err(|error| (0, error.to_string()))?;
        Ok(Self {
            request,
            answer,
            has_canary: draft.has_canary,
            screens: identity(policy, &key),
            judge: draft.stance.map(|stance| (tools.judge(), stance)),
            known: Arc::clone(tools.known()),
        })
    }
}

/// How often a list of patterns that seems slow is timed: a busy machine shall not refuse it.
const PATIENCE: usize = 5;

/// How long this thread has been at work. Time in which others had the core is not a pattern's.
fn worked() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Times the patterns of a policy; see [`clocked`].
fn timed(policy: &GuardPolicy, now: &mut dyn FnMut() -> Duration) -> Result<(), (usize, String)> {
    for (index, filter) in policy.filters.iter().enumerate() {
        let Filter::Patterns(filter) = filter else {
            continue;
        };
        let mut refused = clocked(&filter.patterns, now);
        for _ in 1..PATIENCE {
            if refused.is_ok() {
                break;
            }
            refused = clocked(&filter.patterns, now);
        }
        refused.map_err(|error| (index, error.to_string()))?;
    }
    Ok(())
}

impl Draft {
    fn scan_with(&mut self, scanner: Arc<dyn Scan>) {
        self.request.scanners.push(Arc::clone(&scanner));
        self.answer.scanners.push(scanner);
    }

    fn act(&mut self, select: Select, (request, answer): (Action, Action), least: Confidence) {
        self.request.actions.push((select, request, least));
        self.answer.actions.push((select, answer, least));
    }

    fn allow(&mut self, key: &[u8; 32], (values, hashed): (&[String], &[String])) {
        let hashes = values.iter().map(|value| allow_hash(key, value));
        let read = |hash: &String| blake3::Hash::from_hex(hash).ok().map(Into::into);
        let hashes: Vec<[u8; 32]> = hashes.chain(hashed.iter().filter_map(read)).collect();
        self.request.allow.extend(&hashes);
        self.answer.allow.extend(hashes);
    }

    fn secrets(&mut self, filter: &SecretsFilter, tools: &Tools) {
        self.scan_with(tools.secrets());
        let actions = (action(filter.action), action(filter.answer));
        let select = Select::Kind(Kind::Secret);
        self.act(select, actions, confidence(filter.min_confidence));
        self.allow(&tools.allow_key(), (&filter.allow, &filter.allow_hashed));
    }

    fn pii(&mut self, filter: &PiiFilter, tools: &Tools) {
        let mut entities: Vec<Entity> = match filter.types.is_empty() {
            true => Entity::defaults().collect(),
            false => filter.types.clone(),
        };
        entities.extend(filter.packs.iter().flat_map(|pack| Entity::pack(pack)));
        let named = filter.actions.keys();
        entities.extend(named.filter_map(|name| Entity::from_name(name)));
        entities.sort_unstable();
        entities.dedup();
        self.scan_with(tools.pii(entities));
        let (answer, least) = (action(filter.answer), confidence(filter.min_confidence));
        for (name, own) in &filter.actions {
            if let Some(entity) = Entity::from_name(name) {
                let select = Select::Kind(Kind::Pii(entity));
                self.act(select, (action(*own), answer), least);
            }
        }
        self.act(Select::Pii, (action(filter.action), answer), least);
        self.allow(&tools.allow_key(), (&filter.allow, &filter.allow_hashed));
    }

    fn patterns(&mut self, filter: &PatternsFilter) -> Result<(), String> {
        let first = FIRST_PATTERN + self.patterns;
        let made = Patterns::new(first, &filter.patterns).map_err(|error| error.to_string())?;
        self.scan_with(Arc::new(made));
        let actions = (action(filter.action), action(filter.answer));
        for index in 0..u16::try_from(filter.patterns.len()).unwrap_or(u16::MAX) {
            let select = Select::Kind(Kind::Own(first + index));
            self.act(select, actions, Confidence::LOW);
            self.patterns += 1;
        }
        Ok(())
    }

    /// The filter whose terms were refused, and why.
    fn blame(&self, error: &OwnError) -> (usize, String) {
        let place = match error {
            OwnError::TooMany => self.places.last(),
            OwnError::Empty(list) | OwnError::TooLong(list) => self.places.get(*list),
        };
        (place.copied().unwrap_or_default(), error.to_string())
    }

    fn links(&mut self, filter: &LinksFilter) {
        self.answer
            .scanners
            .push(Arc::new(Links::new(&filter.hosts)));
        let select = Select::Kind(Kind::Exfiltration);
        let row = (select, action(filter.answer), Confidence::LOW);
        self.answer.actions.push(row);
    }

    fn canary(&mut self, filter: &CanaryFilter) {
        let action = action(filter.answer);
        self.has_canary = action != Action::Allow;
        let row = (Select::Kind(Kind::Canary), action, Confidence::LOW);
        self.answer.actions.push(row);
    }

    fn terms(&mut self, place: usize, filter: &TermsFilter) {
        self.places.push(place);
        let index = u16::try_from(self.terms.len()).unwrap_or(u16::MAX);
        self.terms.push(OwnTerms {
            terms: filter.terms.clone(),
            ignore_case: filter.ignore_case,
        });
        let actions = (action(filter.action), action(filter.answer));
        let select = Select::Kind(Kind::Own(index));
        self.act(select, actions, Confidence::LOW);
    }
}

/// A name of a policy that no other one has.
fn identity(policy: &GuardPolicy, key: &[u8; 32]) -> Reader {
    let hash = blake3::keyed_hash(key, format!("{policy:?}").as_bytes());
    let mut name = Reader::default();
    name.iter_mut()
        .zip(hash.as_bytes())
        .for_each(|(to, from)| *to = *from);
    name
}

/// Numbers of the team's own kinds: patterns begin here, lists of terms at 0.
const FIRST_PATTERN: u16 = 1 << 15;

fn stance(filter: &InjectionFilter) -> Stance {
    Stance {
        user: judged(filter.action),
        tool: judged(filter.tools),
    }
}

pub(super) fn judged(action: InjectionAction) -> Action {
    match action {
        InjectionAction::Allow => Action::Allow,
        InjectionAction::Log => Action::Log,
        InjectionAction::Block => Action::Block,
    }
}

pub(super) fn action(action: GuardAction) -> Action {
    match action {
        GuardAction::Allow => Action::Allow,
        GuardAction::Log => Action::Log,
        GuardAction::Mask => Action::Mask,
        GuardAction::MaskReversible => Action::MaskReversible,
        GuardAction::Hash => Action::Hash,
        GuardAction::Redact => Action::Redact,
        GuardAction::Block => Action::Block,
    }
}

pub(super) fn confidence(sureness: Sureness) -> Confidence {
    match sureness {
        Sureness::Low => Confidence::LOW,
        Sureness::Medium => Confidence::MEDIUM,
        Sureness::High => Confidence::HIGH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::{Environment, parse};

    fn refused(filters: &str) -> (usize, String) {
        let yaml = format!("filters:\n{filters}");
        let config = parse("a.yaml", &yaml, &Environment::default()).expect("a good file");
        let tools = Tools::new([1; 32]);
        Guards::build(&config.guard_policy(), &tools).expect_err("no policy")
    }

    #[test]
    fn what_cannot_be_built_is_told_at_its_own_filter() {
        let terms = "  - secrets: {}\n  - terms: { name: a, terms: [Acme] }\n  - pii: {}\n";
        let empty = format!("{terms}  - terms: {{ name: b, terms: [\" \"] }}\n");
        assert_eq!(refused(&empty).0, 3);
        let pattern = "  - secrets: {}\n  - patterns: { name: p, patterns: [\"(\"] }\n";
        assert_eq!(refused(pattern).0, 1);
    }

    #[test]
    fn a_slow_pattern_is_told_at_its_own_filter_with_its_speed() {
        let yaml =
            "filters: [ { secrets: {} }, { patterns: { name: p, patterns: ['EMP-[0-9]{6}'] } } ]";
        let config = parse("a.yaml", yaml, &Environment::default()).expect("a good file");
        let policy = config.guard_policy();
        let mut hours = 0;
        let mut standing = || Duration::ZERO;
        assert_eq!(timed(&policy, &mut standing), Ok(()));
        let mut racing = || {
            hours += 1;
            Duration::from_secs(hours * 3600)
        };
        let (index, why) = timed(&policy, &mut racing).expect_err("too slow");
        assert_eq!(index, 1);
        assert!(why.contains("MB/s"), "{why}");
    }
}
