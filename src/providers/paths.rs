//! Addresses that need more than a name behind their base: of Gemini, Cohere and Hugging Face.

use alfred_filters::dialect::hf_features;
use alfred_filters::prompt::Surface;

use super::sigv4;

/// Hugging Face's router has the pipeline beside its `/v1`. The slash in a model's name
/// stands in the path; dots alone would be a step in the tree.
pub(super) fn features(base: &str, model: &str) -> String {
    let root = base.strip_suffix("/v1").unwrap_or(base);
    let model = hf_features::model_name(model).unwrap_or(model);
    let segments = model.split('/').map(|segment| match segment {
        "." | ".." => segment.replace('.', "%2E"),
        segment => sigv4::encoded(segment, ""),
    });
    let model = segments.collect::<Vec<_>>().join("/");
    format!("{root}/hf-inference/models/{model}/pipeline/feature-extraction")
}

/// Gemini names model and method in the address.
pub(super) fn gemini(base: &str, surface: Surface, (model, stream): (&str, bool)) -> String {
    let method = match (surface, stream) {
        (Surface::Embeddings, _) => "batchEmbedContents",
        (Surface::CountTokens, _) => "countTokens",
        (_, true) => "streamGenerateContent?alt=sse",
        (_, false) => "generateContent",
    };
    let model = model.strip_prefix("models/").unwrap_or(model);
    format!("{base}/models/{}:{method}", sigv4::encoded(model, ""))
}

/// Cohere's operations are of several versions, so a base address that names one is
/// taken without it.
pub(super) fn cohere_root(base: &str) -> &str {
    let versions = ["/v2", "/v1"];
    let root = versions
        .iter()
        .find_map(|version| base.strip_suffix(version));
    root.unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gemini_names_model_and_method_in_the_address() {
        let path = |surface, model, stream| gemini("/v1beta", surface, (model, stream));
        assert_eq!(
            path(Surface::Chat, "models/gemini-x", true),
            "/v1beta/models/gemini-x:streamGenerateContent?alt=sse"
        );
        assert_eq!(
            path(Surface::Chat, "a/../b?c", false),
            "/v1beta/models/a%2F..%2Fb%3Fc:generateContent"
        );
        assert_eq!(
            path(Surface::Embeddings, "e", false),
            "/v1beta/models/e:batchEmbedContents"
        );
        assert_eq!(
            path(Surface::CountTokens, "m", false),
            "/v1beta/models/m:countTokens"
        );
    }

    #[test]
    fn features_stand_beside_the_rest_of_the_router() {
        for (base, model, path) in [
            (
                "/v1",
                "o/n",
                "/hf-inference/models/o/n/pipeline/feature-extraction",
            ),
            (
                "/x",
                "o/../n?:hf-inference",
                "/x/hf-inference/models/o/%2E%2E/n%3F/pipeline/feature-extraction",
            ),
        ] {
            assert_eq!(features(base, model), path);
        }
    }
}
