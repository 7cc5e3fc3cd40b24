//! What bodies beside those of a conversation must hold: lists, errors, responses.

use serde_json::Value;

use super::bodies::is_filled;
use super::findings::{Findings, excerpt};

pub(super) fn embeddings(body: &Value, findings: &mut Findings) {
    findings.hold(
        body["object"] == "list",
        "embeddings.object",
        "`object` is not `list`",
    );
    findings.hold(
        is_filled(&body["model"]),
        "embeddings.model",
        "`model` is missing or empty",
    );
    let counts = body["usage"]["prompt_tokens"].is_u64() && body["usage"]["total_tokens"].is_u64();
    findings.hold(
        counts,
        "embeddings.usage",
        "usage lacks prompt_tokens or total_tokens",
    );
    let rows = body["data"].as_array();
    findings.hold(
        rows.is_some_and(|rows| !rows.is_empty()),
        "embeddings.data",
        "`data` is no list, or empty",
    );
    for (place, row) in rows.into_iter().flatten().enumerate() {
        findings.go(format!("embedding {place}"));
        findings.hold(
            row["object"] == "embedding",
            "embeddings.row",
            "`object` is not `embedding`",
        );
        findings.hold(
            row["index"] == place,
            "embeddings.index",
            format!("its index is {}", row["index"]),
        );
        let vector = &row["embedding"];
        let numbers = vector
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(Value::is_number));
        findings.hold(
            numbers || is_filled(vector),
            "embeddings.vector",
            "`embedding` is neither numbers nor base64",
        );
    }
}

pub(super) fn models(body: &Value, findings: &mut Findings) {
    findings.hold(
        body["object"] == "list",
        "models.object",
        "`object` is not `list`",
    );
    let rows = body["data"].as_array();
    findings.hold(rows.is_some(), "models.data", "`data` is no list");
    for (place, row) in rows.into_iter().flatten().enumerate() {
        findings.go(format!("model {place}"));
        let is_whole = is_filled(&row["id"])
            && row["object"] == "model"
            && row["created"].is_u64()
            && row["owned_by"].is_string();
        findings.hold(
            is_whole,
            "models.row",
            "id, object, created or owned_by is missing",
        );
    }
}

pub(super) fn openai_error(body: &Value, findings: &mut Findings) {
    let error = &body["error"];
    findings.hold(error.is_object(), "error.object", "`error` is no object");
    findings.hold(
        is_filled(&error["message"]),
        "error.message",
        "`error.message` is missing or empty",
    );
    findings.hold(
        is_filled(&error["type"]),
        "error.type",
        "`error.type` is missing or empty",
    );
    for nullable in ["param", "code"] {
        let fits = error
            .get(nullable)
            .is_some_and(|value| value.is_string() || value.is_null());
        findings.hold(
            fits,
            "error.nullable",
            format!("`error.{nullable}` is neither a string nor null"),
        );
    }
}

pub(super) fn anthropic_error(body: &Value, findings: &mut Findings) {
    findings.hold(
        body["type"] == "error",
        "error.type",
        "`type` is not `error`",
    );
    findings.hold(
        is_filled(&body["error"]["type"]),
        "error.type",
        "`error.type` is missing or empty",
    );
    findings.hold(
        is_filled(&body["error"]["message"]),
        "error.message",
        "`error.message` is missing or empty",
    );
}

pub(super) fn response(body: &Value, findings: &mut Findings) {
    findings.hold(
        body["object"] == "response",
        "responses.object",
        "`object` is not `response`",
    );
    findings.hold(
        is_filled(&body["id"]),
        "responses.id",
        "`id` is missing or empty",
    );
    findings.hold(
        is_filled(&body["model"]),
        "responses.model",
        "`model` is missing or empty",
    );
    findings.hold(
        body["created_at"].is_number(),
        "responses.created",
        "`created_at` is no time",
    );
    let status = body["status"].as_str().unwrap_or_default();
    findings.hold(
        matches!(status, "completed" | "incomplete"),
        "responses.status",
        format!("the status is `{}`", excerpt(status)),
    );
    let explains = (status == "incomplete") == body["incomplete_details"].is_object();
    findings.hold(
        explains,
        "responses.incomplete",
        "incomplete_details belongs to `incomplete`, and to nothing else",
    );
    let usage = &body["usage"];
    let counts = ["input_tokens", "output_tokens", "total_tokens"].map(|key| usage[key].as_u64());
    let adds_up = matches!(counts, [Some(input), Some(output), Some(total)] if input.checked_add(output) == Some(total));
    findings.hold(
        adds_up,
        "responses.usage",
        "usage lacks counts, or does not add up",
    );
    let items = body["output"].as_array();
    findings.hold(items.is_some(), "responses.output", "`output` is no list");
    for (place, item) in items.into_iter().flatten().enumerate() {
        findings.go(format!("item {place}"));
        let is_whole = match item["type"].as_str() {
            Some("message") => {
                is_filled(&item["id"]) && item["role"] == "assistant" && item["content"].is_array()
            }
            Some("function_call") => {
                ["call_id", "name"].iter().all(|key| is_filled(&item[*key]))
                    && item["arguments"].is_string()
            }
            Some("reasoning") => is_filled(&item["id"]) && item["summary"].is_array(),
            kind => kind.is_some(),
        };
        findings.hold(
            is_whole,
            "responses.item",
            format!("an incomplete item: {}", excerpt(&item.to_string())),
        );
    }
}
