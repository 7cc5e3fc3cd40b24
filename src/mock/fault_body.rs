//! Error bodies in the shapes of several providers, so that a gateway's reading of each can be
//! tested (providers.md 1.6).

use serde_json::json;

/// What went wrong, in OpenAI's terms.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trouble<'a> {
    pub(super) status: u16,
    /// The error's `type`.
    pub(super) kind: &'a str,
    /// The error's `code`.
    pub(super) code: Option<&'a str>,
    pub(super) message: &'a str,
    /// The name that Anthropic has for it.
    anthropic: &'a str,
}

const fn trouble(
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    anthropic: &'static str,
    message: &'static str,
) -> Trouble<'static> {
    Trouble {
        status,
        kind,
        code,
        message,
        anthropic,
    }
}

const INVALID: &str = "invalid_request_error";

/// One row per status of note; any other is read as 400 or 500.
const TROUBLES: &[Trouble<'static>] = &[
    trouble(400, INVALID, None, INVALID, "The request is not valid."),
    trouble(
        401,
        INVALID,
        Some("invalid_api_key"),
        "authentication_error",
        "Incorrect API key provided.",
    ),
    trouble(
        402,
        "billing_error",
        Some("payment_required"),
        "billing_error",
        "The account has no credit left.",
    ),
    trouble(
        403,
        "permission_error",
        Some("permission_denied"),
        "permission_error",
        "The key may not do this.",
    ),
    trouble(
        404,
        INVALID,
        Some("model_not_found"),
        "not_found_error",
        "The model does not exist or you do not have access to it.",
    ),
    trouble(
        408,
        "timeout_error",
        Some("request_timeout"),
        "timeout_error",
        "The request took too long.",
    ),
    trouble(
        413,
        INVALID,
        Some("request_too_large"),
        "request_too_large",
        "The request is too large.",
    ),
    trouble(
        422,
        INVALID,
        Some("unprocessable"),
        INVALID,
        "The request cannot be processed.",
    ),
    trouble(
        429,
        "requests",
        Some("rate_limit_exceeded"),
        "rate_limit_error",
        "Rate limit reached for requests.",
    ),
    trouble(
        500,
        "server_error",
        Some("server_error"),
        "api_error",
        "The server had an error while processing your request.",
    ),
    trouble(
        502,
        "server_error",
        Some("bad_gateway"),
        "api_error",
        "Bad gateway.",
    ),
    trouble(
        503,
        "server_error",
        Some("service_unavailable"),
        "overloaded_error",
        "The engine is currently overloaded.",
    ),
    trouble(
        504,
        "timeout_error",
        Some("gateway_timeout"),
        "timeout_error",
        "The upstream took too long.",
    ),
    trouble(
        529,
        "overloaded_error",
        Some("overloaded"),
        "overloaded_error",
        "Overloaded.",
    ),
];

impl<'a> Trouble<'a> {
    /// An account without quota.
    pub(super) const QUOTA: Trouble<'static> = trouble(
        429,
        "insufficient_quota",
        Some("insufficient_quota"),
        "rate_limit_error",
        "You exceeded your current quota, please check your plan and billing details.",
    );

    /// What usually stands behind a status.
    pub(super) fn of(status: u16) -> Self {
        let status = if (200..=599).contains(&status) {
            status
        } else {
            500
        };
        let like = |status| {
            TROUBLES
                .iter()
                .find(move |trouble| trouble.status == status)
        };
        let class = if status < 500 { 400 } else { 500 };
        let found = like(status).or_else(|| like(class)).unwrap_or(&Self::QUOTA);
        Trouble { status, ..*found }
    }

    /// An error known by the name that tests use for it.
    pub(super) fn named(name: &'a str) -> Self {
        match name {
            "overloaded" => Self::of(529),
            "server_error" => Self::of(500),
            "rate_limit" => Self::of(429),
            "quota" => Self::QUOTA,
            kind => Self::of(500).called(kind),
        }
    }

    /// The same under another name, which every dialect then uses.
    pub(super) fn called(self, kind: &'a str) -> Self {
        Self {
            kind,
            anthropic: kind,
            code: None,
            ..self
        }
    }

    /// Content type and body in the shape of a provider: `openai`, `azure`, `anthropic`, `plain`,
    /// `html` or `empty`.
    pub(super) fn body(&self, shape: &str, request_id: &str) -> (&'static str, String) {
        const JSON: &str = "application/json";
        let Self { message, .. } = self;
        match shape {
            "azure" => {
                let code = self.status.to_string();
                (
                    JSON,
                    json!({"error": {"code": code, "message": message}}).to_string(),
                )
            }
            "anthropic" => {
                // A limit that the account has set itself: waiting does not help.
                let limit = json!({"error_code": "enforced_spend_limit_reached"});
                let spent = self.code == Self::QUOTA.code;
                let error = if spent {
                    json!({"type": self.anthropic, "message": message, "details": limit})
                } else {
                    json!({"type": self.anthropic, "message": message})
                };
                let body = json!({"type": "error", "error": error, "request_id": request_id});
                (JSON, body.to_string())
            }
            "plain" => ("text/plain; charset=utf-8", (*message).to_owned()),
            "html" => {
                let status = self.status;
                let page = format!(
                    "<html><head><title>{status}</title></head><body><h1>{message}</h1></body></html>\n"
                );
                ("text/html; charset=utf-8", page)
            }
            "empty" => ("text/plain", String::new()),
            _ => (JSON, self.object()),
        }
    }

    fn object(&self) -> String {
        let Self {
            kind,
            code,
            message,
            ..
        } = self;
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
            .to_string()
    }
}

/// An error's body as an event of a stream, with or without the line `event: error`.
pub(super) fn in_stream(body: &str, event_line: bool) -> String {
    let line = if event_line { "event: error\n" } else { "" };
    format!("{line}data: {body}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn each_shape_is_that_of_its_provider() {
        let body = |shape| Trouble::of(429).body(shape, "req_1").1;
        let json = |shape| serde_json::from_str::<Value>(&body(shape)).unwrap();
        assert_eq!(json("openai")["error"]["code"], "rate_limit_exceeded");
        assert_eq!(json("azure")["error"]["code"], "429");
        assert_eq!(json("anthropic")["error"]["type"], "rate_limit_error");
        assert!(body("html").starts_with("<html>"));
        assert_eq!(body("empty"), "");
    }

    #[test]
    fn an_unlisted_status_is_kept_and_told_like_its_class() {
        let trouble = Trouble::of(418);
        assert_eq!((trouble.status, trouble.kind), (418, INVALID));
        assert_eq!(Trouble::of(599).kind, "server_error");
        assert_eq!(Trouble::of(7).status, 500);
    }

    #[test]
    fn an_error_event_is_one_event() {
        let event = in_stream(&Trouble::named("overloaded").body("openai", "").1, true);
        assert!(event.starts_with("event: error\ndata: {"), "{event}");
        assert_eq!(event.matches("\n\n").count(), 1);
    }
}
