//! `GET /v1/models`: the names that the key may use, each with what it holds, can do and costs.

use alfred_filters::dialect::Dialect;
use bytes::Bytes;
use serde::Serialize;

use super::model_card::{Card, Pricing};
use super::quota;
use crate::gateway::Gateway;
use crate::ledger::{Charge, Purse};
use crate::refusal::Refusal;
use crate::secrets::Principal;

/// A model as OpenAI lists it, and its card.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
    #[serde(flatten)]
    card: Card,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

/// A model as Anthropic lists it, with its price.
#[derive(Serialize)]
struct AnthropicModel<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
    lifecycle: &'static str,
    max_input_tokens: Option<u64>,
    max_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    capabilities: Option<AnthropicCapabilities>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Pricing>,
}

/// Those of Anthropic's capabilities that the price table knows of.
#[derive(Serialize)]
struct AnthropicCapabilities {
    image_input: Support,
    pdf_input: Support,
    structured_outputs: Support,
    thinking: Support,
}

#[derive(Serialize)]
struct Support {
    supported: bool,
}

/// All of them are on the first page.
#[derive(Serialize)]
struct AnthropicPage<'a> {
    data: Vec<AnthropicModel<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

/// Who asks for the list: what they may use, and what they are charged.
pub(super) struct Reader<'a> {
    gateway: &'a Gateway,
    principal: &'a Principal,
    charge: Charge,
    dialect: Dialect,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        gateway: &'a Gateway,
        principal: &'a Principal,
        purse: Option<&Purse>,
        dialect: Dialect,
    ) -> Self {
        let charge = purse.map_or_else(|| quota::usual_charge(gateway), |purse| purse.charge);
        Self {
            gateway,
            principal,
            charge,
            dialect,
        }
    }

    /// The list, in the reader's dialect.
    ///
    /// # Errors
    /// [`Refusal::Internal`] if it cannot be written, which plain data always can.
    pub(super) fn list(&self) -> Result<Bytes, Refusal> {
        let names: Vec<_> = self.gateway.names.listed().collect();
        let allowed = names.iter().filter(|(id, _)| self.principal.allows(id));
        match self.dialect {
            Dialect::AnthropicMessages => {
                let data: Vec<_> = allowed
                    .map(|(id, _)| self.anthropic(id, self.card(id)))
                    .collect();
                written(&AnthropicPage {
                    has_more: false,
                    first_id: data.first().map(|model| model.id),
                    last_id: data.last().map(|model| model.id),
                    data,
                })
            }
            _ => written(&List {
                object: "list",
                data: allowed
                    .map(|(id, owner)| self.model(id, owner, self.card(id)))
                    .collect(),
            }),
        }
    }

    /// One model.
    ///
    /// # Errors
    /// [`Refusal::UnknownModel`] where there is none of that name, [`Refusal::ModelNotAllowed`] where
    /// the key may not use it.
    pub(super) fn one(&self, name: &str) -> Result<Bytes, Refusal> {
        let names = &self.gateway.names;
        let plan = names.plan(name, &mut || 0.0)?;
        if !self.principal.allows(name) {
            return Err(Refusal::ModelNotAllowed(name.to_owned()));
        }
        let listed = names.listed().find(|(id, _)| id == name);
        let owner = listed.map_or_else(
            || name.split('/').next().unwrap_or(name),
            |(_, owner)| owner,
        );
        let card = Card::new(self.gateway, &plan, self.charge);
        match self.dialect {
            Dialect::AnthropicMessages => written(&self.anthropic(name, card)),
            _ => written(&self.model(name, owner, card)),
        }
    }

    fn card(&self, name: &str) -> Card {
        let plan = self.gateway.names.plan(name, &mut || 0.0);
        plan.map(|plan| Card::new(self.gateway, &plan, self.charge))
            .unwrap_or_default()
    }

    fn anthropic<'n>(&self, id: &'n str, card: Card) -> AnthropicModel<'n> {
        let created = jiff::Timestamp::from_second(self.gateway.built_at).unwrap_or_default();
        AnthropicModel {
            kind: "model",
            id,
            display_name: id,
            created_at: created.to_string(),
            lifecycle: "active",
            max_input_tokens: card.context_length,
            max_tokens: card.max_completion_tokens,
            capabilities: AnthropicCapabilities::of(&card),
            pricing: card.pricing,
        }
    }

    fn model<'n>(&self, id: &'n str, owned_by: &'n str, card: Card) -> Model<'n> {
        Model {
            id,
            object: "model",
            created: self.gateway.built_at,
            owned_by,
            card,
        }
    }
}

impl AnthropicCapabilities {
    fn of(card: &Card) -> Option<Self> {
        let can = |what| card.can(what).map(|supported| Support { supported });
        Some(Self {
            image_input: can("vision")?,
            pdf_input: can("pdf")?,
            structured_outputs: can("json_schema")?,
            thinking: can("reasoning")?,
        })
    }
}

fn written(answer: &impl Serialize) -> Result<Bytes, Refusal> {
    serde_json::to_vec(answer)
        .map(Bytes::from)
        .map_err(|_| Refusal::Internal)
}
