//! `/v1/guards` and the `guards` of organisations, teams and keys: what their texts are screened with, over what the
//! configuration says, and what was found.

use axum::Json;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Reply, shown, time};
use super::at::{At, Find, Place};
use super::fault::{self, blocking};
use super::problem::Problem;
use super::routes::{Routes, Shape};
use super::words::{Moment, month};
use crate::conf::{GuardPolicy, Problems};
use crate::exchange::unix_ms;
use crate::guards::{Guards, sealed};
use crate::living::GuardChain;
use crate::store::governance::{
    Command, FindingFilter, FindingRow, FindingsBy, GuardOwner, GuardOwnerType, GuardPolicyFilter,
    GuardPolicyRow, NewGuardPolicy,
};

const ORGANISATION: (GuardOwnerType, [&str; 2]) = (
    GuardOwnerType::Organisation,
    [
        "/v1/organisations/{id}/guards",
        "/v1/organisations/{id}/guards/effective",
    ],
);
const TEAM: (GuardOwnerType, [&str; 2]) = (
    GuardOwnerType::Team,
    ["/v1/teams/{id}/guards", "/v1/teams/{id}/guards/effective"],
);
const KEY: (GuardOwnerType, [&str; 2]) = (
    GuardOwnerType::Key,
    ["/v1/keys/{id}/guards", "/v1/keys/{id}/guards/effective"],
);

pub(super) fn routes(routes: Routes) -> Routes {
    let mut routes = routes
        .on(
            ("GET", "/v1/guards"),
            Shape::page::<GuardPolicyRow>().find::<Which>(),
            list,
        )
        .on(
            ("GET", "/v1/guards/report"),
            Shape::page::<FindingRow>().find::<Found>(),
            report,
        );
    let one = Shape::one::<GuardPolicyRow>;
    for (kind, [own, all]) in [ORGANISATION, TEAM, KEY] {
        let owner = move |Place(id): Place<i64>| GuardOwner { kind, id };
        routes = routes
            .on(
                ("GET", own),
                Shape::one::<Policy>(),
                move |at: At, place| read(at, owner(place)),
            )
            .on(
                ("PUT", own),
                one().body::<GuardPolicyDocument>(),
                move |at: At, place| set(at, owner(place)),
            )
            .on(("DELETE", own), Shape::object(), move |at: At, place| {
                drop(at, owner(place))
            })
            .on(
                ("GET", all),
                Shape::one::<EffectivePolicy>(),
                move |at: At, place| effective(at, owner(place)),
            );
    }
    routes
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of organisations, teams or keys.
    #[param(inline)]
    owner_type: Option<GuardOwnerType>,
    /// Of this owner.
    owner_id: Option<i64>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Found {
    /// By what it is summed up: rule, kind, action, direction, team, user, key or day.
    #[param(inline)]
    by: FindingsBy,
    /// Of this team.
    team_id: Option<i64>,
    /// Of this user.
    user_id: Option<i64>,
    /// Of this key.
    key_id: Option<i64>,
    /// In a `request` or an `answer`.
    direction: Option<String>,
    /// Of this kind, such as `email` or `secret`.
    kind: Option<String>,
    /// Whether it was a dry run.
    dry_run: Option<bool>,
    /// From this day on; the first of this month if nobody says.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Moment>,
    /// Before this moment; now if nobody says.
    #[param(value_type = Option<String>, format = DateTime)]
    until: Option<Moment>,
}

/// A policy, or what of it is to be otherwise than above: `filters` and `guard` as in the configuration.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "it only describes the body, which is read by the configuration's own reader"
)]
struct GuardPolicyDocument {
    /// Guards, each with what it changes: `[{ "pii": { "packs": ["de"] } }]`. Values in `allow` are kept as hashes.
    #[schema(value_type = Vec<Object>)]
    filters: Option<Vec<Value>>,
    /// How they work: `dry_run`, `on_fault`, and `locked`, a list of guards that nothing below may change.
    #[schema(value_type = Object)]
    guard: Option<Value>,
}

/// What an owner has set.
#[derive(Serialize, ToSchema)]
struct Policy {
    /// Whose.
    owner_type: GuardOwnerType,
    /// Row id of the owner.
    owner_id: i64,
    /// `filters` and `guard`; empty where nothing is set.
    #[schema(value_type = Object)]
    policy: Value,
    /// Counts its changes; 0 before the first.
    version: i64,
    /// When it was first set.
    #[schema(value_type = Option<i64>)]
    created_at: Option<i64>,
}

/// All that holds for an owner.
#[derive(Serialize, ToSchema)]
struct EffectivePolicy {
    /// Whose.
    owner_type: GuardOwnerType,
    /// Row id of the owner.
    owner_id: i64,
    /// `filters` and `guard`, defaults included. Words and patterns of the configuration's own are not told.
    #[schema(value_type = Object)]
    policy: Value,
    /// Policies that it was laid together from, the widest first; the configuration is above them all.
    layers: Vec<Value>,
    /// What of the lowest is not heeded, since it is locked above.
    locked: Vec<String>,
    /// Why it cannot be built: requests are refused until that is mended.
    problem: Option<String>,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = GuardPolicyFilter {
        org_id: None,
        owner_type: which.owner_type,
        owner_id: which.owner_id,
    };
    let rows = at
        .read(move |store, scope| store.guard_policies(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn report(at: At, Find(which): Find<Found>) -> Reply {
    let (by, now) = (which.by, unix_ms());
    let filter = FindingFilter {
        by,
        team_id: which.team_id,
        user_id: which.user_id,
        key_id: which.key_id,
        direction: which.direction,
        kind: which.kind,
        dry_run: which.dry_run,
        from_ms: which.from.map_or_else(|| month(now), |at| at.0),
        until_ms: which.until.map_or(now.saturating_add(1), |at| at.0),
    };
    let (from, until) = (time(filter.from_ms), time(filter.until_ms));
    let rows = at
        .read(move |store, scope| store.findings(scope, &filter))
        .await?;
    let data: Vec<Value> = rows
        .iter()
        .map(|row| answer::by_day(shown(row), by == FindingsBy::Day))
        .collect();
    let body = json!({
        "by": by, "from": from, "until": until, "data": data, "next_cursor": null,
    });
    Ok(Json(body).into_response())
}

/// Whoever has none has an empty one, of version 0.
async fn read(at: At, owner: GuardOwner) -> Reply {
    let chain = chain(&at, owner).await?;
    let own = chain.own();
    answer::row(&Policy {
        owner_type: owner.kind,
        owner_id: owner.id,
        policy: own.map_or_else(|| json!({}), |row| row.policy.clone()),
        version: own.map_or(0, |row| row.version),
        created_at: own.map(|row| row.created_at),
    })
}

async fn set(at: At, owner: GuardOwner) -> Reply {
    let document: Value = at.body()?;
    GuardPolicy::read("the body", &document).map_err(|problems| unreadable(&problems))?;
    let (merged, locked) = chain(&at, owner).await?.with(&document);
    if !locked.is_empty() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "locked",
            "A policy above does not allow that",
        )
        .detail(format!("locked above: {}", locked.join(", ")))
        .hint("leave them out; the effective policy tells what holds"));
    }
    let admin = at.admin.clone();
    let built = blocking(move || {
        let policy = GuardPolicy::read("the whole", &merged).map_err(|it| unreadable(&it))?;
        let admitted = Guards::admit(&policy, admin.living.guards.tools());
        admitted
            .map(|_| ())
            .map_err(|why| fault::refused(&policy.placed(why)))
    });
    built.await??;
    let policy = sealed(document, at.admin.living.guards.tools());
    let command = Command::SetGuardPolicy(NewGuardPolicy { owner, policy });
    answer::done(&at.act(command).await?, None)
}

async fn drop(at: At, owner: GuardOwner) -> Reply {
    answer::done(&at.act(Command::DropGuardPolicy(owner)).await?, None)
}

async fn effective(at: At, owner: GuardOwner) -> Reply {
    let chain = chain(&at, owner).await?;
    let (policy, locked) = chain.effective();
    let admin = at.admin.clone();
    let built = blocking(move || match GuardPolicy::read("the whole", &policy) {
        Ok(whole) => {
            let built = Guards::build(&whole, admin.living.guards.tools());
            let problem = built.err().map(|why| whole.placed(why));
            (whole.document(), problem)
        }
        Err(problems) => (policy, Some(problems.to_string())),
    });
    let (policy, problem) = built.await?;
    let told = |row: &GuardPolicyRow| json!({ "owner_type": row.owner_type, "owner_id": row.owner_id, "version": row.version });
    let body = EffectivePolicy {
        owner_type: owner.kind,
        owner_id: owner.id,
        policy: discreet(&chain.house, policy),
        layers: chain.layers.iter().map(told).collect(),
        locked,
        problem,
    };
    Ok(Json(json!(body)).into_response())
}

/// What is laid over each other for an owner who lies within what the caller reaches.
async fn chain(at: &At, owner: GuardOwner) -> Result<GuardChain, Problem> {
    let layers = at
        .read(move |store, scope| GuardChain::layers_of(store, scope, owner))
        .await?;
    let gateway = &at.admin.reloader.status().gateway;
    let tools = at.admin.living.guards.tools();
    let house = gateway.config.guard_policy();
    Ok(GuardChain::new(&house, tools, layers, owner))
}

/// The policy without the words and patterns of the configuration: they are the house's own.
fn discreet(house: &Value, mut policy: Value) -> Value {
    let filters = |document: &Value| document.get("filters").and_then(Value::as_array).cloned();
    let house = filters(house).unwrap_or_default();
    let all = policy.get_mut("filters").and_then(Value::as_array_mut);
    for entry in all.into_iter().flatten() {
        for list in ["terms", "patterns"] {
            let name = |entry: &Value| entry.get(list)?.get("name").cloned();
            let named = name(entry);
            let is_own = named.is_some() && house.iter().any(|other| name(other) == named);
            let settings = entry.get_mut(list).and_then(Value::as_object_mut);
            if let Some(settings) = settings.filter(|_| is_own) {
                settings.insert(list.to_owned(), json!(["***"]));
            }
        }
    }
    policy
}

/// All that is wrong with a document.
fn unreadable(problems: &Problems) -> Problem {
    let told: Vec<Value> = problems
        .0
        .iter()
        .map(|it| json!({ "path": it.path, "message": it.message, "hint": it.hint }))
        .collect();
    let first = problems.0.first();
    let detail = first.map_or_else(String::new, |it| format!("{}: {}", it.path, it.message));
    fault::refused(&detail).with("problems", told.into())
}
