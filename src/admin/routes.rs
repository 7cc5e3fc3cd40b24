//! Why: a route gets its rights, its guard and its page of the description in one act, from its
//! row in the table. None of the three can be forgotten.

use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodFilter, on};
use serde_json::{Map, Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::{IntoParams, PartialSchema, ToSchema};

use super::Admin;
use super::access::{self, Least, Reach, Row, Versions};
use super::answer::is_time;
use super::guard;
use super::identity::cookie_name;

/// The routes so far, and what is said of them.
pub(super) struct Routes {
    admin: Arc<Admin>,
    router: Router<Arc<Admin>>,
    paths: Map<String, Value>,
    schemas: Map<String, Value>,
    /// Routes without a row, which are not served.
    lost: Vec<String>,
}

/// What a route takes and answers.
#[derive(Default)]
pub(super) struct Shape {
    schemas: Vec<(String, Value)>,
    query: Vec<Value>,
    body: Option<Value>,
    answer: Option<Value>,
    status: Option<&'static str>,
    types: Vec<&'static str>,
}

impl Shape {
    /// Answers one row.
    pub(super) fn one<T: ToSchema>() -> Self {
        let mut shape = Self::default();
        shape.answer = Some(shape.refer::<T>());
        shape
    }

    /// Answers a page of rows.
    pub(super) fn page<T: ToSchema>() -> Self {
        let mut shape = Self::default();
        let row = shape.refer::<T>();
        shape.answer = Some(json!({
            "type": "object",
            "required": ["data", "next_cursor"],
            "properties": {
                "data": { "type": "array", "items": row },
                "next_cursor": { "type": ["string", "null"] },
            },
        }));
        shape
    }

    /// Answers an object that is described elsewhere.
    pub(super) fn object() -> Self {
        Self {
            answer: Some(json!({ "type": "object" })),
            ..Self::default()
        }
    }

    /// Takes these query parameters.
    pub(super) fn find<T: IntoParams>(mut self) -> Self {
        let parameters = T::into_params(|| Some(ParameterIn::Query));
        let parameters = parameters.into_iter().map(serde_json::to_value);
        self.query.extend(parameters.flatten());
        self
    }

    /// Takes this body.
    pub(super) fn body<T: ToSchema>(mut self) -> Self {
        self.body = Some(self.refer::<T>());
        self
    }

    /// The status of success, if it is not 200.
    pub(super) fn status(mut self, status: &'static str) -> Self {
        self.status = Some(status);
        self
    }

    /// Answers in this form as well.
    pub(super) fn also(mut self, kind: &'static str) -> Self {
        self.types.push(kind);
        self
    }

    /// A reference to a schema, which comes along with all that it refers to.
    fn refer<T: ToSchema>(&mut self) -> Value {
        let mut inner = Vec::new();
        T::schemas(&mut inner);
        let name = T::name().into_owned();
        inner.push((name.clone(), <T as PartialSchema>::schema()));
        for (name, schema) in inner {
            if let Ok(mut schema) = serde_json::to_value(schema) {
                times(&mut schema);
                self.schemas.push((name, schema));
            }
        }
        json!({ "$ref": format!("#/components/schemas/{name}") })
    }

    fn operation(self, row: &Row) -> Value {
        let mut parameters: Vec<Value> = placeholders(row.path)
            .map(|name| {
                let kind = match row.path.contains("transactions") {
                    true => json!({ "type": "string", "format": "uuid" }),
                    false => json!({ "type": "integer", "format": "int64" }),
                };
                json!({ "name": name, "in": "path", "required": true, "schema": kind })
            })
            .collect();
        parameters.extend(self.query);
        let text = json!({ "type": "string" });
        if guard::needs_key(row) {
            parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "required": true,
                "description": "1 to 200 characters; the same request with the same key is done once",
                "schema": text }));
        }
        if row.versions == Versions::Required {
            parameters.push(
                json!({ "name": "If-Match", "in": "header", "required": true,
                "description": "the ETag of the row as it was read", "schema": text }),
            );
        }
        let mut content = Map::new();
        if let Some(answer) = self.answer {
            content.insert("application/json".into(), json!({ "schema": answer }));
        }
        for kind in self.types {
            content.insert(kind.into(), json!({ "schema": { "type": "string" } }));
        }
        let tag = row.path.trim_start_matches("/v1/").split('/').next();
        let mut operation = json!({
            "operationId": operation_id(row),
            "tags": [tag.unwrap_or_default()],
            "summary": row.about,
            "x-alfred-least": format!("{:?}", row.least).to_lowercase(),
            "x-alfred-reach": format!("{:?}", row.reach).to_lowercase(),
            "description": rights(row),
            "parameters": parameters,
            "responses": {
                self.status.unwrap_or("200"): { "description": "Done", "content": content },
                "default": { "$ref": "#/components/responses/Problem" },
            },
        });
        let Some(members) = operation.as_object_mut() else {
            return operation;
        };
        if row.least == Least::Anyone {
            members.insert("security".into(), json!([]));
        }
        if let Some(body) = self.body {
            let content = json!({ "application/json": { "schema": body } });
            members.insert(
                "requestBody".into(),
                json!({ "required": true, "content": content }),
            );
        }
        operation
    }
}

fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn operation_id(row: &Row) -> String {
    let words = row.path.split(|c: char| !c.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty() && *word != "v1");
    let words = std::iter::once(row.method.to_lowercase()).chain(words.map(str::to_owned));
    words.collect::<Vec<_>>().join("_")
}

fn rights(row: &Row) -> String {
    let who = match row.least {
        Least::Anyone => return "Nobody needs to be known.".to_owned(),
        Least::Member => "every user",
        Least::Lead => "leads, auditors, admins and owners",
        Least::Auditor => "auditors, admins and owners",
        Least::Admin => "admins and owners",
        Least::Owner => "owners",
    };
    match row.reach {
        Reach::House => format!("For {who} of the organisation that runs the house."),
        _ => format!("For {who}, each within what is theirs."),
    }
}

/// Times are told in RFC 3339, whatever the row keeps.
fn times(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            if !is_time(name) {
                continue;
            }
            let is_nullable = property.get("type").is_some_and(Value::is_array);
            let kind = match is_nullable {
                true => json!(["string", "null"]),
                false => json!("string"),
            };
            *property = json!({ "type": kind, "format": "date-time" });
        }
    }
}

impl Routes {
    pub(super) fn new(admin: Arc<Admin>) -> Self {
        Self {
            admin,
            router: Router::new(),
            paths: Map::new(),
            schemas: Map::new(),
            lost: Vec::new(),
        }
    }

    /// Adds the routes of a resource.
    pub(super) fn merge(self, add: fn(Self) -> Self) -> Self {
        add(self)
    }

    /// Adds a route. Without a row in the table it is not served.
    pub(super) fn on<H, T>(
        mut self,
        (method, path): (&'static str, &'static str),
        shape: Shape,
        handler: H,
    ) -> Self
    where
        H: Handler<T, Arc<Admin>>,
        T: 'static,
    {
        let (Some(row), Some(filter)) = (access::row(method, path), filter(method)) else {
            log::error!("{method} {path} has no row in the table of rights and is not served");
            self.lost.push(format!("{method} {path}"));
            return self;
        };
        let mut shape = shape;
        self.schemas.extend(std::mem::take(&mut shape.schemas));
        let operation = shape.operation(row);
        let item = self.paths.entry(path).or_insert_with(|| json!({}));
        if let Some(item) = item.as_object_mut() {
            item.insert(method.to_lowercase(), operation);
        }
        let state = (Arc::clone(&self.admin), row);
        let guarded = on(filter, handler).route_layer(from_fn_with_state(state, guard::check));
        self.router = self.router.route(path, guarded);
        self
    }

    /// The router, and the description in JSON.
    pub(super) fn finish(self) -> (Router, String) {
        let problem = json!({
            "type": "object",
            "required": ["type", "title", "status", "code"],
            "properties": {
                "type": { "type": "string" },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "code": { "type": "string" },
                "detail": { "type": "string" },
                "hint": { "type": "string" },
            },
        });
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Alfred admin API",
                "version": env!("CARGO_PKG_VERSION"),
                "description": "Money is a decimal string of credits, a time is RFC 3339. Every \
                    change needs an Idempotency-Key; rows carry their version as ETag.",
            },
            "security": [{ "token": [] }, { "session": [] }],
            "paths": self.paths,
            "components": {
                "schemas": self.schemas,
                "responses": { "Problem": {
                    "description": "A refusal, RFC 9457",
                    "content": { "application/problem+json": { "schema": problem } },
                } },
                "securitySchemes": {
                    "token": { "type": "http", "scheme": "bearer",
                        "description": "an access token, at_…" },
                    "session": { "type": "apiKey", "in": "cookie", "name": cookie_name(self.admin.is_tls),
                        "description": "after log-in; changes need x-csrf-token too" },
                },
            },
        });
        (self.router.with_state(self.admin), document.to_string())
    }
}

fn filter(method: &str) -> Option<MethodFilter> {
    Some(match method {
        "GET" => MethodFilter::GET,
        "POST" => MethodFilter::POST,
        "PUT" => MethodFilter::PUT,
        "PATCH" => MethodFilter::PATCH,
        "DELETE" => MethodFilter::DELETE,
        _ => return None,
    })
}
