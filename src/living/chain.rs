//! Why: what a policy of guards may say depends on what stands above it. Whoever sets one, through the admin API or by
//! hand, is held to the same.

use serde_json::{Value, json};

use crate::conf::{GuardPolicy, lay_over};
use crate::guards::{Tools, sealed};
use crate::store::StoreFault;
use crate::store::governance::{
    Governance, GuardOwner, GuardOwnerType, GuardPolicyFilter, GuardPolicyRow, KeyFilter,
    OrganisationFilter, Page, Scope, TeamFilter,
};

/// The policies of guards that are laid over each other for an owner.
#[derive(Debug)]
pub struct GuardChain {
    /// What the configuration says, its allowed values as hashes.
    pub house: Value,
    /// The widest first, the owner's own last if there is one.
    pub layers: Vec<GuardPolicyRow>,
    owner: GuardOwner,
}

impl GuardChain {
    /// The chain of an owner with these [`layers`](Self::layers_of), below what the configuration says.
    #[must_use]
    pub fn new(
        house: &GuardPolicy,
        tools: &Tools,
        layers: Vec<GuardPolicyRow>,
        owner: GuardOwner,
    ) -> Self {
        Self {
            house: sealed(house.document(), tools),
            layers,
            owner,
        }
    }

    /// The policies that hold for an owner who lies within the scope, the widest first.
    ///
    /// # Errors
    /// There is no such owner, or the store does not answer.
    pub fn layers_of(
        store: &dyn Governance,
        scope: &Scope,
        owner: GuardOwner,
    ) -> Result<Vec<GuardPolicyRow>, StoreFault> {
        let (org, team) = place(store, scope, owner)?;
        let wanted = [
            Some((GuardOwnerType::Organisation, org)),
            team.map(|team| (GuardOwnerType::Team, team)),
            (owner.kind == GuardOwnerType::Key).then_some((GuardOwnerType::Key, owner.id)),
        ];
        let mut rows = Vec::new();
        for (kind, id) in wanted.into_iter().flatten() {
            let filter = GuardPolicyFilter {
                org_id: Some(org),
                owner_type: Some(kind),
                owner_id: Some(id),
            };
            // What is above a caller holds for them, though it is not theirs.
            rows.extend(store.guard_policies(&Scope::Organisation(org), &filter, Page::ONE)?);
        }
        Ok(rows)
    }

    /// The owner's own.
    #[must_use]
    pub fn own(&self) -> Option<&GuardPolicyRow> {
        self.layers.iter().find(|row| self.is_own(row))
    }

    /// All that holds if the owner's own is this document, and what of it is not heeded, since it is locked above.
    #[must_use]
    pub fn with(&self, document: &Value) -> (Value, Vec<String>) {
        let above = self.layers.iter().filter(|row| !self.is_own(row));
        let above = above.fold(self.house.clone(), |above, row| {
            lay_over(&above, &row.policy).0
        });
        lay_over(&above, document)
    }

    /// All that holds as it is, and what of the owner's own is not heeded.
    #[must_use]
    pub fn effective(&self) -> (Value, Vec<String>) {
        let nothing = json!({});
        self.with(self.own().map_or(&nothing, |row| &row.policy))
    }

    fn is_own(&self, row: &GuardPolicyRow) -> bool {
        (row.owner_type, row.owner_id) == (self.owner.kind, self.owner.id)
    }
}

/// The organisation and the team of an owner.
fn place(
    store: &dyn Governance,
    scope: &Scope,
    owner: GuardOwner,
) -> Result<(i64, Option<i64>), StoreFault> {
    let id = Some(owner.id);
    Ok(match owner.kind {
        GuardOwnerType::Organisation => {
            let filter = OrganisationFilter {
                id,
                ..OrganisationFilter::default()
            };
            let found = store.organisations(scope, &filter, Page::ONE)?.pop();
            (found.ok_or(StoreFault::NotFound("organisation"))?.id, None)
        }
        GuardOwnerType::Team => {
            let filter = TeamFilter {
                id,
                ..TeamFilter::default()
            };
            let found = store.teams(scope, &filter, Page::ONE)?.pop();
            let team = found.ok_or(StoreFault::NotFound("team"))?;
            (team.org_id, Some(team.id))
        }
        GuardOwnerType::Key => {
            let filter = KeyFilter {
                id,
                ..KeyFilter::default()
            };
            let found = store.api_keys(scope, &filter, Page::ONE)?.pop();
            let key = found.ok_or(StoreFault::NotFound("key"))?;
            (key.org_id, key.team_id)
        }
    })
}
