//! `GET /v1/models`: the names that the key may use.

use bytes::Bytes;
use serde::Serialize;

use crate::gateway::Gateway;
use crate::refusal::Refusal;
use crate::secrets::Principal;

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

/// The list, as OpenAI writes it.
pub(super) fn list(gateway: &Gateway, principal: &Principal) -> Bytes {
    let names: Vec<_> = gateway.names.listed().collect();
    let allowed = names.iter().filter(|(id, _)| principal.allows(id));
    let data = allowed
        .map(|(id, owner)| model(gateway, id, owner))
        .collect();
    let list = List {
        object: "list",
        data,
    };
    Bytes::from(serde_json::to_vec(&list).unwrap_or_default())
}

/// One model.
///
/// # Errors
/// [`Refusal::UnknownModel`] where there is none of that name, [`Refusal::ModelNotAllowed`] where
/// the key may not use it.
pub(super) fn one(gateway: &Gateway, principal: &Principal, name: &str) -> Result<Bytes, Refusal> {
    gateway.names.plan(name, &mut || 0.0)?;
    if !principal.allows(name) {
        return Err(Refusal::ModelNotAllowed(name.to_owned()));
    }
    let listed = gateway.names.listed().find(|(id, _)| id == name);
    let owner = listed.map_or_else(
        || name.split('/').next().unwrap_or(name),
        |(_, owner)| owner,
    );
    let text = serde_json::to_vec(&model(gateway, name, owner)).unwrap_or_default();
    Ok(Bytes::from(text))
}

fn model<'a>(gateway: &Gateway, id: &'a str, owned_by: &'a str) -> Model<'a> {
    Model {
        id,
        object: "model",
        created: gateway.built_at,
        owned_by,
    }
}
