//! Why: handlers get what they need in one value: who asks, what they reach, and the ways to read
//! and to act within that and no further.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::Admin;
use super::access::Least;
use super::fault::{self, blocking};
use super::identity::Caller;
use super::problem::Problem;
use crate::exchange::unix_ms;
use crate::store::governance::{By, Command, Done, Guard, Person, Scope};
use crate::store::{Store, StoreFault};

/// A request that has passed the guard.
#[derive(Clone)]
pub(super) struct At {
    pub(super) admin: Arc<Admin>,
    pub(super) ip: IpAddr,
    pub(super) caller: Option<Caller>,
    /// The role by which the caller may do this.
    pub(super) level: Least,
    pub(super) scope: Option<Scope>,
    pub(super) guard: Guard,
    pub(super) is_json: bool,
    pub(super) body: Bytes,
}

impl At {
    /// Who asks. The guard has seen to it that somebody does.
    pub(super) fn caller(&self) -> Result<&Caller, Problem> {
        self.caller.as_ref().ok_or_else(Problem::fault)
    }

    pub(super) fn person(&self) -> Result<&Person, Problem> {
        self.caller().map(|caller| &caller.person)
    }

    /// What the caller reaches by this route.
    pub(super) fn scope(&self) -> Result<Scope, Problem> {
        self.scope.ok_or_else(Problem::fault)
    }

    /// Only what is the caller's own, whatever their role.
    pub(super) fn own(&self) -> Result<Scope, Problem> {
        let person = self.person()?;
        Ok(Scope::User {
            org_id: person.org_id,
            user_id: person.user_id,
        })
    }

    /// Whoever acts, for the audit log.
    pub(super) fn by(&self) -> Result<By, Problem> {
        let caller = self.caller()?;
        Ok(By {
            actor: caller.actor.clone(),
            user_id: Some(caller.person.user_id),
            org_id: Some(caller.person.org_id),
            ip: Some(self.ip.to_string()),
            now_ms: unix_ms(),
        })
    }

    /// Reads from the store within what the caller reaches.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Store, &Scope) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, Problem> {
        let scope = self.scope()?;
        self.read_in(scope, work).await
    }

    /// Reads from the store within a scope.
    pub(super) async fn read_in<T: Send + 'static>(
        &self,
        scope: Scope,
        work: impl FnOnce(&dyn Store, &Scope) -> Result<T, StoreFault> + Send + 'static,
    ) -> Result<T, Problem> {
        let store = Arc::clone(&self.admin.store);
        let read = blocking(move || work(&*store, &scope)).await?;
        read.map_err(|fault| fault::told(&fault))
    }

    /// The one row that a list by id holds.
    pub(super) async fn one<T: Send + 'static>(
        &self,
        noun: &'static str,
        work: impl FnOnce(&dyn Store, &Scope) -> Result<Vec<T>, StoreFault> + Send + 'static,
    ) -> Result<T, Problem> {
        let rows = self.read(work).await?;
        let row = rows.into_iter().next();
        row.ok_or_else(|| fault::not_found(&format!("there is no such {noun}")))
    }

    /// Acts within what the caller reaches.
    pub(super) async fn act(&self, command: Command) -> Result<Done, Problem> {
        let scope = self.scope()?;
        self.act_in(scope, command).await
    }

    /// Acts within a scope.
    pub(super) async fn act_in(&self, scope: Scope, command: Command) -> Result<Done, Problem> {
        let (by, guard) = (self.by()?, self.guard.clone());
        let work = move |store: &dyn Store, scope: &Scope| store.apply(&by, scope, command, &guard);
        self.read_in(scope, work).await
    }

    /// The body.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if !self.is_json {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "not_json",
                "The body must be JSON",
            )
            .detail("the Content-Type is not application/json")
            .hint("send `Content-Type: application/json`"));
        }
        serde_json::from_slice(&self.body).map_err(|error| match error.classify() {
            Category::Data => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "The body is not as it must be",
            )
            .detail(error.to_string())
            .hint("/docs shows the members that there are"),
            _ => Problem::new(StatusCode::BAD_REQUEST, "bad_json", "The body is no JSON")
                .detail(error.to_string())
                .hint("send one JSON object"),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for At {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        // Without a guard there is none, and no handler runs.
        parts.extensions.get().cloned().ok_or_else(Problem::fault)
    }
}

/// The query of a request; members that are not known are refused by their types.
pub(super) struct Find<T>(pub(super) T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Find<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let wrong = |detail: String| {
            Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid",
                "The query is not as it must be",
            )
            .detail(detail)
            .hint("/docs shows the parameters that there are")
        };
        // No database keeps such a text, and one of them does not even compare it.
        if parts.uri.query().is_some_and(|query| query.contains("%00")) {
            return Err(wrong("the query holds a NUL character".to_owned()));
        }
        let query = Query::<T>::try_from_uri(&parts.uri);
        query
            .map(|query| Self(query.0))
            .map_err(|error| wrong(error.body_text()))
    }
}

/// The ids in a path; what is no id names nothing.
pub(super) struct Place<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Place<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0))
            .map_err(|_| fault::not_found("the path holds no id"))
    }
}
