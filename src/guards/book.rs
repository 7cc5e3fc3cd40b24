//! Why: organisations, teams and keys have policies of their own, over the house's. They are laid over each other and
//! compiled when one of them changes; a request only looks up the nearest.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use serde_json::Value;

use super::{Guards, Tools};
use crate::conf::{GuardPolicy, lay_over};

/// Whose policy it is, the widest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// Of all of an organisation.
    Organisation(i64),
    /// Of all of a team.
    Team(i64),
    /// Of all of a key.
    Key(i64),
}

/// One policy as its owner wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// Whose it is.
    pub owner: Owner,
    /// Their organisation.
    pub organisation: i64,
    /// The team above a key.
    pub team: Option<i64>,
    /// What it says.
    pub document: Value,
}

/// A policy of its own that cannot be built: nothing may pass by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unbuilt(String);

/// What screens the texts of an owner; `None` where nothing is looked for.
pub type Screens = Result<Option<Arc<Guards>>, Unbuilt>;

/// See the module text.
#[derive(Debug)]
pub struct GuardBook {
    tools: Tools,
    written: Mutex<Written>,
    compiled: ArcSwap<HashMap<Owner, Screens>>,
}

#[derive(Debug, Default)]
struct Written {
    house: Value,
    layers: Vec<Layer>,
}

impl GuardBook {
    /// A book without any policy.
    #[must_use]
    pub fn new(tools: Tools) -> Self {
        Self {
            tools,
            written: Mutex::default(),
            compiled: ArcSwap::default(),
        }
    }

    /// What all guards have in common.
    #[must_use]
    pub fn tools(&self) -> &Tools {
        &self.tools
    }

    /// The policy of the configuration, which is above all others.
    pub fn set_house(&self, policy: &GuardPolicy) {
        let mut written = self.lock();
        let house = policy.document();
        if written.house != house {
            written.house = house;
            self.compile(&written);
        }
    }

    /// The policies of all owners; says whether anything is new.
    pub fn set_layers(&self, layers: Vec<Layer>) -> bool {
        let mut written = self.lock();
        let is_new = written.layers != layers;
        if is_new {
            written.layers = layers;
            self.compile(&written);
        }
        is_new
    }

    /// What screens a caller's texts; `None` where the configuration's guards do.
    #[must_use]
    pub fn nearest(
        &self,
        organisation: Option<i64>,
        team: Option<i64>,
        key: Option<i64>,
    ) -> Option<Screens> {
        let compiled = self.compiled.load();
        if compiled.is_empty() {
            return None;
        }
        let of = |owner: Option<Owner>| compiled.get(&owner?).cloned();
        of(key.map(Owner::Key))
            .or_else(|| of(team.map(Owner::Team)))
            .or_else(|| of(organisation.map(Owner::Organisation)))
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn compile(&self, written: &Written) {
        let mut known: BTreeMap<String, Screens> = BTreeMap::new();
        let mut compiled = HashMap::new();
        for layer in &written.layers {
            let document = effective(&written.house, &written.layers, layer);
            // Many keys say the same.
            let screens = known.entry(document.to_string());
            let screens = screens.or_insert_with(|| self.build(&document, layer.owner));
            compiled.insert(layer.owner, screens.clone());
        }
        self.compiled.store(Arc::new(compiled));
    }

    fn build(&self, document: &Value, owner: Owner) -> Screens {
        let name = format!("the guards of {owner:?}");
        let policy = GuardPolicy::read(&name, document).map_err(|problems| problems.to_string());
        let built = policy.and_then(|policy| {
            if policy.filters.is_empty() {
                return Ok(None);
            }
            let built = Guards::build(&policy, &self.tools);
            let built = built.map_err(|(index, why)| format!("{name}: filters.{index}: {why}"));
            built.map(|guards| Some(Arc::new(guards)))
        });
        built.map_err(|why| {
            log::error!("{why}; its requests are refused until the policy is changed");
            Unbuilt("the guard policy that holds here cannot be built".to_owned())
        })
    }
}

/// All that holds for the owner of a layer, house and layers above included.
fn effective(house: &Value, layers: &[Layer], layer: &Layer) -> Value {
    let above = above(layers, layer).into_iter();
    let chain = above.map(|above| &above.document).chain([&layer.document]);
    chain.fold(house.clone(), |above, own| lay_over(&above, own).0)
}

/// The layers between the house and this one, the widest first.
fn above<'a>(layers: &'a [Layer], layer: &Layer) -> Vec<&'a Layer> {
    let organisation = Owner::Organisation(layer.organisation);
    let team = layer.team.map(Owner::Team);
    let wanted = [Some(organisation), team].into_iter().flatten();
    wanted
        .filter(|owner| *owner < layer.owner)
        .filter_map(|owner| layers.iter().find(|layer| layer.owner == owner))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alfred_filters::guard::action::Action;
    use alfred_filters::guard::{Confidence, Kind};
    use serde_json::json;

    fn layer(owner: Owner, team: Option<i64>, document: Value) -> Layer {
        Layer {
            owner,
            organisation: 1,
            team,
            document,
        }
    }

    fn secrets(action: &str) -> Value {
        json!({ "filters": [{ "secrets": { "action": action } }] })
    }

    fn book() -> GuardBook {
        let book = GuardBook::new(Tools::new([1; 32]));
        let house = GuardPolicy::read("house", &secrets("log")).expect("a policy");
        book.set_house(&house);
        book
    }

    fn action(book: &GuardBook, team: i64, key: i64) -> Option<Action> {
        let screens = book.nearest(Some(1), Some(team), Some(key))?;
        let guards = screens.expect("guards").expect("some");
        Some(guards.request.action(Kind::Secret, Confidence::CERTAIN))
    }

    #[test]
    fn the_nearest_policy_holds_and_has_all_above_it_in_it() {
        let book = book();
        assert_eq!(action(&book, 3, 7), None);
        let layers = vec![
            layer(Owner::Organisation(1), None, secrets("mask")),
            layer(Owner::Team(3), None, json!({ "filters": [{ "pii": {} }] })),
            layer(Owner::Key(7), Some(3), secrets("block")),
        ];
        assert!(book.set_layers(layers.clone()));
        assert!(!book.set_layers(layers));
        assert_eq!(action(&book, 4, 8), Some(Action::Mask));
        assert_eq!(action(&book, 3, 8), Some(Action::Mask));
        assert_eq!(action(&book, 3, 7), Some(Action::Block));
        assert!(book.nearest(Some(2), None, None).is_none());
        assert!(book.nearest(None, None, None).is_none());
        book.set_layers(Vec::new());
        assert_eq!(action(&book, 3, 7), None);
    }

    #[test]
    fn a_reload_of_the_house_reaches_every_layer() {
        let book = book();
        book.set_layers(vec![layer(Owner::Team(3), None, json!({ "filters": [] }))]);
        assert_eq!(action(&book, 3, 7), Some(Action::Log));
        let house = GuardPolicy::read("house", &secrets("redact")).expect("a policy");
        book.set_house(&house);
        assert_eq!(action(&book, 3, 7), Some(Action::Redact));
    }

    #[test]
    fn what_cannot_be_built_lets_nothing_pass() {
        let book = book();
        let bad = json!({ "filters": [{ "patterns": { "name": "p", "patterns": ["("] } }] });
        book.set_layers(vec![layer(Owner::Team(3), None, bad)]);
        assert!(book.nearest(Some(1), Some(3), None).expect("one").is_err());
    }

    #[test]
    fn equal_policies_are_compiled_once() {
        let book = book();
        let keys = (0..3).map(|key| layer(Owner::Key(key), None, secrets("mask")));
        book.set_layers(keys.collect());
        let of = |key| {
            book.nearest(Some(1), None, Some(key))
                .expect("one")
                .expect("guards")
                .expect("some")
        };
        assert!(Arc::ptr_eq(&of(0), &of(2)));
    }
}
