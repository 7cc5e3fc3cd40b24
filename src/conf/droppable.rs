//! Why: a provider that cannot be told everything is better than none, but what a request is about
//! cannot be left out of it.

use super::cx::Cx;
use super::shape::Shape;
use super::tree::Node;

/// What makes a request, and what bounds its cost.
const NEEDED: &[&str] = &[
    "model",
    "messages",
    "input",
    "prompt",
    "stream",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
];

/// Whether a member of a request may be left out.
#[must_use]
pub fn is_droppable(name: &str) -> bool {
    !NEEDED.contains(&name)
}

/// The name of such a member, or `*` for all.
pub(super) struct Droppable;

impl Shape for Droppable {
    type Value = String;

    fn read(node: &Node, cx: &mut Cx<'_>) -> Option<String> {
        let name = String::read(node, cx)?;
        if is_droppable(&name) && !name.is_empty() {
            return Some(name);
        }
        let hint = "name a member that requests can do without, such as `parallel_tool_calls`";
        cx.at(
            &node.at,
            "cannot be left out of a request",
            Some(hint.to_owned()),
        );
        None
    }

    fn schema() -> serde_json::Value {
        String::schema()
    }
}
