//! Thoughts of other providers on their way to OpenAI. A conversation may move
//! there, and OpenAI refuses a seal that is not its own: such items are left out.

use crate::dialect::openai_chat::wire::{elements, members};

use super::{HIDDEN, SEAL};

/// The input without thoughts that Alfred sealed for others, if it holds any.
pub(crate) fn without_foreign(input: &str) -> Option<String> {
    memchr::memmem::find(input.as_bytes(), b"\"alfred.")?;
    let (mut kept, mut left_out) = (String::with_capacity(input.len()), false);
    elements(input, |item| {
        let mut foreign = false;
        members(item, |key, value| {
            let sealed = value.strip_prefix('"').unwrap_or_default();
            let own = sealed.starts_with(SEAL) || sealed.starts_with(HIDDEN);
            foreign |= key == "encrypted_content" && own;
        });
        if foreign {
            left_out = true;
        } else {
            kept.push(if kept.is_empty() { '[' } else { ',' });
            kept.push_str(item);
        }
    });
    if kept.is_empty() {
        kept.push('[');
    }
    kept.push(']');
    left_out.then_some(kept)
}

#[cfg(test)]
mod tests {
    use super::without_foreign;

    #[test]
    fn only_thoughts_that_others_sealed_are_left_out() {
        let theirs = r#"{"type":"reasoning","encrypted_content":"alfred.seal.x","summary":[]}"#;
        let own = r#"{"type":"reasoning","encrypted_content":"gAAA"}"#;
        let said = r#"{"role":"user","content":"\"alfred.seal."}"#;
        assert_eq!(without_foreign(&format!("[{own},{said}]")), None);
        assert_eq!(without_foreign(r#""alfred.seal.""#), None);
        assert_eq!(
            without_foreign(&format!("[{own}, {theirs} ,{said}]")),
            Some(format!("[{own},{said}]"))
        );
        assert_eq!(without_foreign(&format!("[{theirs}]")), Some("[]".into()));
    }
}
