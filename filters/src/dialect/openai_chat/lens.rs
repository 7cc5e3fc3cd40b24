//! The stream lens for OpenAI and Azure, whose clients are this dialect's own:
//! payloads pass byte by byte, so that members nobody here knows survive. Only
//! these spans are touched:
//!
//! | chunk | what happens |
//! |---|---|
//! | usage of a client that did not ask | the chunk of its own is dropped, a member elsewhere is cut out |
//! | usage of a client that asked | waits for the end of the stream, where figures of Alfred's may join it |
//! | Azure's first one, without choices, id and model | its `prompt_filter_results` move to the next chunk: a client that takes `choices[0]` breaks on the empty one |

use bytes::BytesMut;

use super::wire::Chunk;

/// The patches that outlive a chunk.
#[derive(Debug, Default)]
pub(crate) struct Lens {
    show_usage: bool,
    /// Azure's filter results, as `,"prompt_filter_results":…`.
    carried: String,
    /// The payload of the usage chunk that waits for the end.
    usage: String,
    /// The client has seen usage in a chunk that passed.
    pub(crate) usage_passed: bool,
    /// Events written so far.
    pub(crate) written: u64,
}

impl Lens {
    pub(crate) fn new(show_usage: bool) -> Lens {
        Lens {
            show_usage,
            ..Lens::default()
        }
    }

    /// Passes one event on. `text` is its payload and `chunk` what was read of it.
    pub(crate) fn pass(&mut self, name: &str, text: &str, chunk: &Chunk, out: &mut BytesMut) {
        let has_usage = chunk.usage(text).is_some();
        if chunk.has_choices && chunk.choices.is_empty() {
            if has_usage {
                if self.show_usage {
                    text.clone_into(&mut self.usage);
                }
                return;
            }
            if chunk.prompt_filter.is_some() && chunk.id.filled(text).is_none() {
                self.carried = format!(
                    ",\"prompt_filter_results\":{}",
                    chunk.prompt_filter.raw(text)
                );
                return;
            }
        }
        self.usage_passed |= has_usage && self.show_usage;
        let (before, after) = if chunk.usage_key.is_some() && !self.show_usage {
            without_usage(text, chunk)
        } else {
            text.split_at(last_brace(text))
        };
        let (middle, end) = after.split_at(last_brace(after));
        let carried = if chunk.choices.is_empty() {
            String::new()
        } else {
            std::mem::take(&mut self.carried)
        };
        write(name, &[before, middle, &carried, end], out);
        self.written += 1;
    }

    /// Writes the usage chunk that waited; false if none did. `more` are further
    /// members with a comma before each.
    pub(crate) fn usage(&mut self, more: &str, out: &mut BytesMut) -> bool {
        let usage = std::mem::take(&mut self.usage);
        let Some(brace) = usage.rfind('}') else {
            return false;
        };
        let (head, tail) = usage.split_at(brace);
        write("", &[head, more, tail], out);
        self.written += 1;
        true
    }
}

/// The text before and after the `usage` member and the comma that it needs.
fn without_usage<'a>(text: &'a str, chunk: &Chunk) -> (&'a str, &'a str) {
    let before = text
        .get(..chunk.usage_key.range().start)
        .unwrap_or_default()
        .trim_end();
    let after = text
        .get(chunk.usage_value.range().end..)
        .unwrap_or_default();
    if let Some(before) = before.strip_suffix(',') {
        return (before, after);
    }
    (
        before,
        after.trim_start().strip_prefix(',').unwrap_or(after),
    )
}

/// Where the object ends: nearly always at its last byte.
fn last_brace(text: &str) -> usize {
    if text.ends_with('}') {
        return text.len() - 1;
    }
    text.rfind('}').unwrap_or(text.len())
}

/// Writes one event whose payload is `parts` together. The payload has line
/// breaks only if the provider's did.
pub(crate) fn write(name: &str, parts: &[&str], out: &mut BytesMut) {
    if !name.is_empty() {
        out.extend_from_slice(b"event: ");
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\n");
    }
    out.extend_from_slice(b"data: ");
    for part in parts {
        let mut rest = part.as_bytes();
        while let Some(at) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at(at);
            out.extend_from_slice(line);
            out.extend_from_slice(b"\ndata: ");
            rest = after.get(1..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
    }
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(payloads: &[&str], show_usage: bool) -> String {
        let (mut lens, mut chunk) = (Lens::new(show_usage), Chunk::new(false));
        let mut out = BytesMut::new();
        for payload in payloads {
            chunk.read(payload).unwrap();
            lens.pass("", payload, &chunk, &mut out);
        }
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn usage_is_cut_out_with_exactly_one_comma_wherever_it_stands() {
        for (payload, without) in [
            (r#"{"usage":null,"choices":[1]}"#, r#"{"choices":[1]}"#),
            (r#"{"choices":[1],"usage":null}"#, r#"{"choices":[1]}"#),
            (
                r#"{"a":"}","usage" : {"x":"\"}"} , "b":[] }"#,
                r#"{"a":"}" , "b":[] }"#,
            ),
            (r#"{ "usage":null }"#, r#"{ }"#),
            (r#"{"usage":1,"a":{"usage":2}}"#, r#"{"a":{"usage":2}}"#),
        ] {
            assert_eq!(passed(&[payload], false), format!("data: {without}\n\n"));
            assert_eq!(passed(&[payload], true), format!("data: {payload}\n\n"));
        }
    }

    #[test]
    fn filter_results_ride_on_the_next_chunk_with_choices() {
        let first = r#"{"choices":[],"id":"","prompt_filter_results":[{"a":1}]}"#;
        let between = r#"{"choices":[],"id":"c","x":1}"#;
        let next = r#"{"choices":[{"index":0}],"usage":null}"#;
        let expected = concat!(
            "data: {\"choices\":[],\"id\":\"c\",\"x\":1}\n\n",
            "data: {\"choices\":[{\"index\":0}],\"prompt_filter_results\":[{\"a\":1}]}\n\n",
        );
        assert_eq!(passed(&[first, between, next], false), expected);
    }

    #[test]
    fn figures_of_alfred_join_the_usage_chunk_that_waited() {
        let mut lens = Lens::new(true);
        let mut chunk = Chunk::new(false);
        let mut out = BytesMut::new();
        let payload = r#"{"choices":[],"usage":{"total_tokens":3}}"#;
        chunk.read(payload).unwrap();
        lens.pass("", payload, &chunk, &mut out);
        assert!(out.is_empty(), "it waits");
        assert!(lens.usage(r#","alfred":{"cost":"0.1"}"#, &mut out));
        assert!(!lens.usage("", &mut out), "it is written once");
        let expected = "data: {\"choices\":[],\"usage\":{\"total_tokens\":3},\"alfred\":{\"cost\":\"0.1\"}}\n\n";
        assert_eq!(out, expected.as_bytes());
    }
}
