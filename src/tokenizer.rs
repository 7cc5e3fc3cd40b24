//! Why: OpenAI's models read text in pieces that two published vocabularies name. Who asks for
//! an exact count gets one; loading them takes a fifth of a second, so no request waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Once};

use alfred_filters::estimate::Count;
use alfred_filters::prompt::Prompt;
use bpe_openai::{Tokenizer, cl100k_base, o200k_base};

/// Longer bodies are not counted exactly: each megabyte takes up to a quarter of a second.
const MOST: usize = 1024 * 1024;

/// Whether the vocabularies are in memory. They belong to the process.
static LOADED: AtomicBool = AtomicBool::new(false);

/// A vocabulary of OpenAI's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vocabulary {
    /// That of GPT-3.5, GPT-4 and the embedding models.
    Cl100k,
    /// That of GPT-4o and everything since.
    O200k,
}

/// Loads the vocabularies in a thread of its own, once.
pub fn load() {
    static BEGUN: Once = Once::new();
    BEGUN.call_once(|| {
        let work = || {
            LazyLock::force(&WARM);
            LOADED.store(true, Ordering::Release);
        };
        let thread = std::thread::Builder::new().name("vocabularies".to_owned());
        if let Err(error) = thread.spawn(work) {
            log::error!("the vocabularies cannot be loaded, tokens stay estimated: {error}");
        }
    });
}

/// The first count builds what later ones use.
static WARM: LazyLock<()> = LazyLock::new(|| {
    let _ = (cl100k_base().count("warm"), o200k_base().count("warm"));
});

impl Vocabulary {
    /// The vocabulary of a model; `None` if its name does not tell.
    #[must_use]
    pub fn of(model: &str) -> Option<Self> {
        const OLDER: &[&str] = &["gpt-3.5", "gpt-35", "gpt-4", "text-embedding-"];
        const NEWER: &[&str] = &[
            "gpt-4o", "gpt-4.", "gpt-5", "gpt-oss", "chatgpt-", "codex-", "o1", "o3", "o4",
        ];
        let name = model.strip_prefix("ft:").unwrap_or(model);
        let name = name.rsplit_once('/').map_or(name, |(_, last)| last);
        let is_any = |list: &[&str]| list.iter().any(|prefix| name.starts_with(prefix));
        match (is_any(NEWER), is_any(OLDER)) {
            (true, _) => Some(Self::O200k),
            (false, true) => Some(Self::Cl100k),
            (false, false) => None,
        }
    }

    fn tokenizer(self) -> &'static Tokenizer {
        match self {
            Self::Cl100k => cl100k_base(),
            Self::O200k => o200k_base(),
        }
    }

    /// Whether this prompt can be counted now, and in reasonable time.
    #[must_use]
    pub fn can_count(prompt: &Prompt) -> bool {
        LOADED.load(Ordering::Acquire) && prompt.body().len() <= MOST
    }

    /// The tokens of a prompt. Takes milliseconds for long ones: not for a thread that serves.
    #[must_use]
    pub fn count(self, prompt: &Prompt) -> Count {
        let tokenizer = self.tokenizer();
        prompt.count_input_tokens(&|text| u64::try_from(tokenizer.count(text)).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_vocabulary_or_nothing() {
        for (model, expected) in [
            ("gpt-4o-mini", Some(Vocabulary::O200k)),
            ("gpt-4.1", Some(Vocabulary::O200k)),
            ("gpt-5.2", Some(Vocabulary::O200k)),
            ("o3-mini", Some(Vocabulary::O200k)),
            (
                "ft:gpt-4o-mini-2024-07-18:acme::abc",
                Some(Vocabulary::O200k),
            ),
            ("openai/gpt-oss-20b", Some(Vocabulary::O200k)),
            ("gpt-4-turbo", Some(Vocabulary::Cl100k)),
            ("gpt-3.5-turbo", Some(Vocabulary::Cl100k)),
            ("gpt-35-turbo", Some(Vocabulary::Cl100k)),
            ("text-embedding-3-small", Some(Vocabulary::Cl100k)),
            ("my-deployment", None),
            ("", None),
        ] {
            assert_eq!(Vocabulary::of(model), expected, "{model}");
        }
    }

    #[test]
    fn text_is_counted_as_openai_counts_it() {
        // From the cookbook of OpenAI: these are the counts of its own library.
        let count = |vocabulary: Vocabulary, text| vocabulary.tokenizer().count(text);
        assert_eq!(count(Vocabulary::Cl100k, "antidisestablishmentarianism"), 6);
        assert_eq!(count(Vocabulary::Cl100k, "2 + 2 = 4"), 7);
        assert_eq!(count(Vocabulary::O200k, "2 + 2 = 4"), 7);
        assert_eq!(count(Vocabulary::Cl100k, "お誕生日おめでとう"), 9);
        assert_eq!(count(Vocabulary::O200k, "お誕生日おめでとう"), 8);
    }
}
