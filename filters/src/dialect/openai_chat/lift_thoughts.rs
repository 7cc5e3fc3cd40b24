//! The thoughts of earlier turns, in the five spellings that providers of this
//! dialect and routers before them use. A message often holds the same thoughts
//! twice, once plain and once sealed: the sealed ones are taken.

use crate::ask::{Extra, Lift, Part, PartKind, Str};
use crate::json::Kind;
use crate::reading::Stop;
use crate::text::Path;

/// The thoughts of one message.
#[derive(Default)]
pub(super) struct Thoughts<'a> {
    /// `thinking_blocks` (LiteLLM): Anthropic's blocks as they are.
    blocks: Vec<Part<'a>>,
    /// `reasoning_details` (OpenRouter).
    details: Vec<Part<'a>>,
    /// `reasoning_content` (DeepSeek, vLLM).
    content: Option<Str<'a>>,
    /// `reasoning` (Groq, Ollama, OpenRouter).
    plain: Option<Str<'a>>,
}

impl<'a> Thoughts<'a> {
    /// Reads the member, if it holds thoughts.
    pub(super) fn member(
        &mut self,
        lift: &mut Lift<'a>,
        name: &str,
        path: &Path<'_>,
    ) -> Result<bool, Stop> {
        match (name, lift.kind()?) {
            ("reasoning_content", Kind::String) => self.content = lift.string(path)?,
            ("reasoning", Kind::String) => self.plain = lift.string(path)?,
            ("thinking_blocks", Kind::Array) => self.blocks = list(lift, path)?,
            ("reasoning_details", Kind::Array) => self.details = list(lift, path)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// The members that hold some.
    pub(super) fn members(&self) -> Vec<&'static str> {
        [
            ("thinking_blocks", !self.blocks.is_empty()),
            ("reasoning_details", !self.details.is_empty()),
            ("reasoning_content", self.content.is_some()),
            ("reasoning", self.plain.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, filled)| filled.then_some(name))
        .collect()
    }

    pub(super) fn parts(&mut self) -> Vec<Part<'a>> {
        let mut parts = std::mem::take(&mut self.blocks);
        if parts.is_empty() {
            parts = std::mem::take(&mut self.details);
        }
        if parts.is_empty() {
            let plain = self
                .plain
                .take()
                .filter(|p| self.content.as_ref() != Some(p));
            let texts = self.content.take().into_iter().chain(plain);
            parts.extend(texts.filter(|text| !text.raw().is_empty()).map(|text| {
                Part::from(PartKind::Thinking {
                    text,
                    signature: None,
                })
            }));
        }
        parts
    }
}

/// The members of a sealed thought, whatever its spelling.
#[derive(Default)]
struct Loose<'a> {
    text: Option<Str<'a>>,
    signature: Option<Str<'a>>,
    data: Option<Str<'a>>,
    extra: Vec<Extra<'a>>,
}

fn list<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Vec<Part<'a>>, Stop> {
    let mut parts = Vec::new();
    lift.array(path, &mut |lift, path| {
        let mut loose = Loose::default();
        lift.object(path, &mut |lift, name, path| {
            match (name, lift.kind()?) {
                ("thinking" | "text" | "summary", Kind::String) => {
                    loose.text = lift.string(path)?;
                }
                ("signature", Kind::String) => loose.signature = lift.string(path)?,
                ("data", Kind::String) => loose.data = lift.string(path)?,
                ("type", _) => lift.raw().map(drop)?,
                _ => lift.extra(name, &mut loose.extra)?,
            }
            Ok(())
        })?;
        let kind = match (loose.data, loose.text) {
            (Some(data), _) => PartKind::RedactedThinking { data },
            (None, Some(text)) => PartKind::Thinking {
                text,
                signature: loose.signature,
            },
            // A signature that came by itself, as the end of a stream sends it.
            (None, None) => return Ok(()),
        };
        parts.push(Part {
            kind,
            marker: None,
            extra: loose.extra,
        });
        Ok(())
    })?;
    Ok(parts)
}

/// A thought as a string, or as Mistral's list of text parts.
pub(super) fn thought<'a>(lift: &mut Lift<'a>, path: &Path<'_>) -> Result<Option<Str<'a>>, Stop> {
    if lift.kind()? != Kind::Array {
        return lift.string(path);
    }
    let mut texts: Vec<Str<'a>> = Vec::new();
    lift.array(path, &mut |lift, path| {
        lift.object(path, &mut |lift, name, path| {
            match (name, lift.kind()?) {
                ("text", Kind::String) => texts.extend(lift.string(path)?),
                _ => lift.raw().map(drop)?,
            }
            Ok(())
        })
    })?;
    if texts.len() < 2 {
        return Ok(Some(texts.pop().unwrap_or_default()));
    }
    let pieces: Vec<&str> = texts.iter().map(Str::raw).collect();
    Ok(Some(Str::join(&pieces)))
}

#[cfg(test)]
mod tests {
    use crate::ask::PartKind;
    use crate::prompt::{Prompt, Surface};

    /// The thoughts of an assistant's message: `text|signature` or `=data`.
    fn thoughts(members: &str) -> Vec<String> {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"assistant","content":"x",{members}}}]}}"#
        );
        let prompt = Prompt::read(Surface::Chat, bytes::Bytes::from(body)).unwrap();
        let ask = prompt.ask().unwrap();
        let said = |kind: &PartKind<'_>| match kind {
            PartKind::Thinking { text, signature } => {
                let seal = signature.as_ref().map(|s| s.read().into_owned());
                Some(format!("{}|{}", text.read(), seal.unwrap_or_default()))
            }
            PartKind::RedactedThinking { data } => Some(format!("={}", data.read())),
            _ => None,
        };
        ask.turns[0]
            .parts
            .iter()
            .filter_map(|p| said(&p.kind))
            .collect()
    }

    #[test]
    fn thoughts_are_found_in_every_spelling_and_sealed_ones_are_preferred() {
        for (members, expected) in [
            (r#""reasoning_content":"a""#, &["a|"][..]),
            (r#""reasoning":"a","reasoning_content":"a""#, &["a|"]),
            (r#""reasoning":"b","reasoning_content":"a""#, &["a|", "b|"]),
            (
                r#""reasoning_content":"a","thinking_blocks":[{"type":"thinking","thinking":"a","signature":"s"},{"type":"redacted_thinking","data":"d"}]"#,
                &["a|s", "=d"],
            ),
            (
                r#""reasoning":"a","reasoning_details":[{"type":"reasoning.text","text":"a","signature":"s","format":"x"},{"type":"reasoning.encrypted","data":"d"}]"#,
                &["a|s", "=d"],
            ),
            (r#""reasoning_details":[],"reasoning":"a""#, &["a|"]),
            (r#""reasoning_content":"""#, &[]),
        ] {
            assert_eq!(thoughts(members), expected, "{members}");
        }
    }

    #[test]
    fn a_list_of_text_parts_is_one_thought() {
        let body = r#"{"model":"m","messages":[{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"type":"text","text":"c"}]}]}"#;
        let prompt = Prompt::read(Surface::Chat, bytes::Bytes::from(body)).unwrap();
        let ask = prompt.ask().unwrap();
        assert!(matches!(&ask.turns[0].parts[0].kind,
            PartKind::Thinking { text, .. } if *text == *"ab"));
    }
}
