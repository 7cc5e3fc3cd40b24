//! `GET /v1/models`: the names that the key may use.

use alfred_filters::dialect::Dialect;
use bytes::Bytes;
use serde::Serialize;

use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::secrets::Principal;

/// A model as OpenAI lists it.
#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'a str,
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

/// A model as Anthropic lists it.
#[derive(Serialize)]
struct AnthropicModel<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
}

/// All of them are on the first page.
#[derive(Serialize)]
struct AnthropicPage<'a> {
    data: Vec<AnthropicModel<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

/// The list, in the caller's dialect.
///
/// # Errors
/// [`Refusal::Internal`] if it cannot be written, which plain data always can.
pub(super) fn list(
    gateway: &Gateway,
    principal: &Principal,
    dialect: Dialect,
) -> Result<Bytes, Refusal> {
    let names: Vec<_> = gateway.names.listed().collect();
    let allowed = names.iter().filter(|(id, _)| principal.allows(id));
    match dialect {
        Dialect::AnthropicMessages => {
            let data: Vec<_> = allowed.map(|(id, _)| anthropic(gateway, id)).collect();
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
                .map(|(id, owner)| model(gateway, id, owner))
                .collect(),
        }),
    }
}

fn written(answer: &impl Serialize) -> Result<Bytes, Refusal> {
    serde_json::to_vec(answer)
        .map(Bytes::from)
        .map_err(|_| Refusal::Internal)
}

/// One model.
///
/// # Errors
/// [`Refusal::UnknownModel`] where there is none of that name, [`Refusal::ModelNotAllowed`] where
/// the key may not use it.
pub(super) fn one(
    gateway: &Gateway,
    principal: &Principal,
    name: &str,
    dialect: Dialect,
) -> Result<Bytes, Refusal> {
    gateway.names.plan(name, &mut || 0.0)?;
    if !principal.allows(name) {
        return Err(Refusal::ModelNotAllowed(name.to_owned()));
    }
    let listed = gateway.names.listed().find(|(id, _)| id == name);
    let owner = listed.map_or_else(
        || name.split('/').next().unwrap_or(name),
        |(_, owner)| owner,
    );
    match dialect {
        Dialect::AnthropicMessages => written(&anthropic(gateway, name)),
        _ => written(&model(gateway, name, owner)),
    }
}

fn anthropic<'a>(gateway: &Gateway, id: &'a str) -> AnthropicModel<'a> {
    let created = jiff::Timestamp::from_second(gateway.built_at).unwrap_or_default();
    AnthropicModel {
        kind: "model",
        id,
        display_name: id,
        created_at: created.to_string(),
    }
}

fn model<'a>(gateway: &Gateway, id: &'a str, owned_by: &'a str) -> Model<'a> {
    Model {
        id,
        object: "model",
        created: gateway.built_at,
        owned_by,
    }
}
