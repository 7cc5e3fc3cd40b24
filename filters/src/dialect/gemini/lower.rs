//! Writes a request for `generateContent` from the canonical form.

use crate::ask::{Ask, PartKind, Role, Writer};

/// The whole body. Model and stream stand in the address.
pub(crate) fn lower(ask: &Ask<'_>) -> Vec<u8> {
    let mut out = Writer::new(4096);
    out.open("", b'{');
    out.open("contents", b'[');
    for turn in &ask.turns {
        out.open("", b'{');
        out.word(
            "role",
            if turn.role == Role::Assistant {
                "model"
            } else {
                "user"
            },
        );
        out.open("parts", b'[');
        for part in &turn.parts {
            if let PartKind::Text(text) = &part.kind {
                out.open("", b'{');
                out.string("text", text);
                out.close(b'}');
            }
        }
        out.close(b']');
        out.close(b'}');
    }
    out.close(b']');
    out.extras(&ask.extra);
    out.close(b'}');
    out.finish()
}
