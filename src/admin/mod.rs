//! Why: operators, scripts and later the console manage what Alfred serves and whom: one API with
//! one table of who may do what, one shape of refusals, and no way to a secret. The port is bound
//! to loopback or speaks TLS, and whoever asks must say who they are all the same.

mod absences;
pub mod access;
mod answer;
mod at;
mod audit;
mod config;
mod csv;
mod denied;
mod docs;
mod door;
mod fault;
mod guard;
mod guards;
mod host;
mod identity;
mod keys;
mod me;
mod money;
mod organisations;
mod password;
mod prices;
mod problem;
mod providers;
mod routes;
mod session;
mod teams;
mod throttle;
mod tokens;
mod transactions;
mod usage;
mod users;
mod wallets;
mod words;

use std::future::Future;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{from_fn_with_state, map_response};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::living::Living;
use crate::reload::Reloader;
use crate::secrets::Pepper;
use crate::store::Store;
use door::Door;
use password::Passwords;
use problem::Problem;
use routes::Routes;
use throttle::Throttle;

pub use csv::{HEAD as CSV_HEAD, line as csv_line};

/// What the handlers work with.
pub(crate) struct Admin {
    reloader: Arc<Reloader>,
    store: Arc<dyn Store>,
    living: Arc<Living>,
    /// Whether the port speaks TLS.
    is_tls: bool,
    throttle: Throttle,
    passwords: Arc<Passwords>,
    /// The whole chain is read by one at a time.
    verifying: Semaphore,
    /// The description of all routes, once they are all there.
    document: OnceLock<String>,
}

impl Admin {
    fn new(reloader: Arc<Reloader>, store: Arc<dyn Store>, is_tls: bool) -> Arc<Self> {
        let living = Arc::clone(&reloader.status().gateway.living);
        Arc::new(Self {
            reloader,
            store,
            living,
            is_tls,
            throttle: Throttle::default(),
            passwords: Arc::default(),
            verifying: Semaphore::new(1),
            document: OnceLock::new(),
        })
    }

    fn pepper(&self) -> &Pepper {
        self.living.keyring.pepper()
    }
}

/// Serves the port until `shutdown` resolves.
///
/// # Errors
/// Away from loopback there is no certificate.
pub async fn serve(
    listener: TcpListener,
    reloader: Arc<Reloader>,
    store: Arc<dyn Store>,
    shutdown: impl Future<Output = ()>,
) -> std::io::Result<()> {
    let door = Door::new(listener, &reloader)?;
    let router = router(&Admin::new(reloader, store, door.is_tls()));
    door.serve(router, shutdown).await;
    Ok(())
}

/// One line for each resource.
fn router(admin: &Arc<Admin>) -> Router {
    let is_tls = admin.is_tls;
    let routes = Routes::new(Arc::clone(admin))
        .merge(docs::routes)
        .merge(session::routes)
        .merge(me::routes)
        .merge(config::routes)
        .merge(providers::routes)
        .merge(prices::routes)
        .merge(organisations::routes)
        .merge(users::routes)
        .merge(teams::routes)
        .merge(absences::routes)
        .merge(wallets::routes)
        .merge(money::routes)
        .merge(transactions::routes)
        .merge(usage::routes)
        .merge(keys::routes)
        .merge(tokens::routes)
        .merge(guards::routes)
        .merge(denied::routes)
        .merge(audit::routes);
    let (router, document) = routes.finish();
    let _ = admin.document.set(document);
    router
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(is_tls, host::check))
        .layer(map_response(seal))
}

async fn unknown(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is no such resource",
    )
    .detail(format!("nothing is served at {path}"))
    .hint("/docs shows everything that is")
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "The resource is not used that way",
    )
    .detail(format!("{path} does not take {method}"))
    .hint("the Allow header names the methods that it takes")
}

/// Answers are of the moment, and for nobody's page to embed or guess at.
async fn seal(mut response: Response) -> Response {
    let fixed: [(HeaderName, &'static str); 4] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ];
    let headers = response.headers_mut();
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
        headers.insert(header::CONTENT_SECURITY_POLICY, nothing);
    }
    response
}
