//! `/openapi.json` and `/docs`: the description of this API, made of the routes that are served, for
//! programs and for people. The page loads nothing from elsewhere and runs nothing but its own.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::at::At;
use super::problem::Problem;
use super::routes::{Routes, Shape};

const PAGE: &str = include_str!("docs.html");

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .on(("GET", "/openapi.json"), Shape::object(), description)
        .on(("GET", "/docs"), Shape::default().also("text/html"), page)
}

async fn description(at: At) -> Result<Response, Problem> {
    let document = at.admin.document.get().cloned();
    let document = document.ok_or_else(Problem::fault)?;
    let kind = HeaderValue::from_static("application/json");
    Ok(([(header::CONTENT_TYPE, kind)], document).into_response())
}

async fn page(_: At) -> Result<Response, Problem> {
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        hash_of("script"),
        hash_of("style"),
    );
    let policy = HeaderValue::from_str(&policy).map_err(|_| Problem::fault())?;
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let head = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    Ok((head, PAGE).into_response())
}

/// The hash by which a browser knows the one script and the one style of the page.
fn hash_of(element: &str) -> String {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let text = PAGE
        .split_once(&open)
        .and_then(|(_, rest)| rest.split_once(&close))
        .map_or("", |(text, _)| text);
    let hash = STANDARD.encode(digest(&SHA256, text.as_bytes()));
    format!("'sha256-{hash}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_one_script_and_one_style_and_nothing_from_elsewhere() {
        for element in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1);
            assert_ne!(hash_of(element), hash_of("nothing"));
        }
        for mark in [
            "http://",
            "https://",
            "innerHTML",
            "eval(",
            "onclick",
            "src=",
        ] {
            assert!(!PAGE.contains(mark), "{mark}");
        }
    }
}
