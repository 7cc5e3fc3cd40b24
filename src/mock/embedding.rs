//! Embeddings that are the same for the same text, so that tests can compare them, and differ
//! for different ones, so that a search among them finds what it should.

use serde_json::{Value, json};

use super::asked::Asked;
use super::scenario::Params;
use super::script::{Bill, Script};

/// The answer to an embeddings request.
pub(super) fn answer(asked: &Asked, params: &Params, model: &str) -> Script {
    let data: Vec<Value> = asked
        .inputs
        .iter()
        .enumerate()
        .map(|(index, text)| {
            let vector = vector(text, asked.dimensions);
            let embedding = if asked.base64 {
                let bytes: Vec<u8> = vector
                    .iter()
                    .flat_map(|number| number.to_le_bytes())
                    .collect();
                base64(&bytes).into()
            } else {
                Value::from(vector)
            };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens = params.count("tokens_in").unwrap_or(asked.prompt_tokens);
    // OpenAI sends no id; Mistral and vLLM do, and Mistral's client insists on one.
    let body = json!({
        "id": "embd-mock",
        "object": "list",
        "data": data,
        "model": model,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    });
    Script {
        before: params.span("delay"),
        bill: Bill {
            prompt_tokens: tokens,
            completion_tokens: 0,
        },
        ..Script::whole(200, "application/json", body.to_string())
    }
}

/// A unit vector drawn from the hash of the text.
fn vector(text: &str, dimensions: usize) -> Vec<f32> {
    let mut hash = blake3::Hasher::new().update(text.as_bytes()).finalize_xof();
    let mut draw = || {
        let mut bytes = [0; 2];
        hash.fill(&mut bytes);
        f32::from(i16::from_le_bytes(bytes))
    };
    let drawn: Vec<f32> = (0..dimensions).map(|_| draw()).collect();
    let length = drawn
        .iter()
        .map(|number| number * number)
        .sum::<f32>()
        .sqrt();
    drawn
        .iter()
        .map(|number| number / length.max(1.0))
        .collect()
}

/// Base64 as of RFC 4648, padded.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letter = |bits: u32| LETTERS.get((bits & 63) as usize).copied().unwrap_or(b'=');
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut padded = [0; 4];
        padded
            .iter_mut()
            .skip(1)
            .zip(group)
            .for_each(|(to, from)| *to = *from);
        let bits = u32::from_be_bytes(padded);
        let letters = [18, 12, 6, 0].map(|shift| letter(bits >> shift));
        let kept = letters.iter().take(group.len() + 1).copied();
        text.extend(kept.chain(std::iter::repeat(b'=')).take(4).map(char::from));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let cases = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
        ];
        for (plain, coded) in cases {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(&[0xfb, 0xff]), "+/8=");
    }

    #[test]
    fn equal_texts_have_equal_unit_vectors_and_others_do_not() {
        let one = vector("a text", 64);
        let length: f32 = one.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-3, "{length}");
        assert_eq!(one, vector("a text", 64));
        assert_ne!(one, vector("another", 64));
    }
}
