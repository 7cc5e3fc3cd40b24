//! Why: operators, scripts and later the console ask what serves and have it read again, without a log to search. The
//! port is bound to loopback and takes no password, so it only tells and re-reads; what it tells holds no secret.

mod config;
mod host;
mod problem;
mod providers;

use std::future::Future;
use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::{from_fn, map_response};
use axum::response::Response;
use tokio::net::TcpListener;

use crate::reload::Reloader;
use problem::Problem;

/// Serves the port until `shutdown` resolves.
///
/// # Errors
/// The listener fails.
pub async fn serve(
    listener: TcpListener,
    reloader: Arc<Reloader>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(reloader))
        .with_graceful_shutdown(shutdown)
        .await
}

/// One line for each resource.
fn router(reloader: Arc<Reloader>) -> Router {
    Router::new()
        .merge(config::routes())
        .merge(providers::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn(host::check))
        .layer(map_response(seal))
        .with_state(reloader)
}

async fn unknown(uri: Uri) -> Problem {
    let path: String = uri.path().chars().take(100).collect();
    Problem::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "There is no such resource",
    )
    .detail(format!("nothing is served at {path}"))
    .hint("there are /v1/config, /v1/config/reload and /v1/providers")
}

async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let path = uri.path();
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
    let fixed: [(HeaderName, &'static str); 2] = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fixed {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
