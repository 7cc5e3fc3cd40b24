//! Why: what a request's texts were screened with goes along with the request, because its answer needs the same vault.

use std::sync::Arc;

use alfred_filters::guard::Kind;
use alfred_filters::guard::injection::Trust;
use alfred_filters::guard::judging::judge_request;
use alfred_filters::guard::policy::Policy;
use alfred_filters::guard::report::{Report, name};
use alfred_filters::guard::request::screen_request;
use alfred_filters::guard::screen::{Blocked, Desk};
use alfred_filters::guard::vault::Vault;
use alfred_filters::prompt::Prompt;

use super::Guards;

/// The guard of one request and of its answer.
#[derive(Debug)]
pub struct Watch {
    guards: Arc<Guards>,
    vault: Vault,
    /// What was found in the request.
    pub asked: Report,
    /// What was found in the answer.
    pub answered: Report,
}

impl Watch {
    /// The guard of a request that has just been read. `key` keys its placeholders: one key for each team.
    #[must_use]
    pub fn new(guards: &Arc<Guards>, key: [u8; 32]) -> Self {
        Self {
            guards: Arc::clone(guards),
            vault: Vault::new(key),
            asked: Report::default(),
            answered: Report::default(),
        }
    }

    /// Screens the texts of the request; says how many were changed.
    ///
    /// # Errors
    /// Something that may not go on.
    pub fn screen(&mut self, prompt: &mut Prompt) -> Result<usize, Blocked> {
        let policy: Arc<Policy> = Arc::clone(&self.guards.request);
        let mut desk = Desk {
            policy: &policy,
            vault: &mut self.vault,
            report: &mut self.asked,
        };
        if let Some((judge, stance)) = &self.guards.judge {
            let known = &self.guards.known;
            let mut is_clean =
                |text: &str, trust, is_news| known.is_clean((text, trust == Trust::Tool), is_news);
            judge_request(prompt, judge, *stance, &mut desk, &mut is_clean)?;
        }
        screen_request(prompt, &mut desk)
    }

    /// What the answer's texts are screened with.
    pub fn desk(&mut self) -> Desk<'_> {
        Desk {
            policy: &self.guards.answer,
            vault: &mut self.vault,
            report: &mut self.answered,
        }
    }
}

/// What was blocked, in words: how many of which kind.
#[must_use]
pub fn blocked(what: &str, blocked: &Blocked) -> String {
    let kinds: Vec<String> = blocked
        .kinds
        .iter()
        .map(|(kind, count)| format!("{count} × {}", label(*kind)))
        .collect();
    if kinds.is_empty() {
        return format!(
            "{what} was stopped because a guard failed that must not let it pass unseen; the log has the cause under \
             this request's id"
        );
    }
    format!(
        "{what} was stopped by a guard: it holds {}",
        kinds.join(", ")
    )
}

fn label(kind: Kind) -> &'static str {
    match kind {
        Kind::Own(_) => "a term of this gateway's own list",
        kind => name(kind),
    }
}
