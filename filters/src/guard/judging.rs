//! The texts of a request before the judge of injections: whose words they are
//! decides how they are judged, and what was judged once is not judged again.

use std::sync::Arc;

use crate::prompt::Prompt;
use crate::text::{Role, TextChannel, TextRef};

use super::action::Action;
use super::injection::{Injection, Level, Trust};
use super::report::Note;
use super::screen::{Blocked, Desk};
use super::{Confidence, Kind};

/// What is done with an injection, by whose words it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stance {
    /// In a user's text: [`Action::Allow`], [`Action::Log`] or [`Action::Block`].
    pub user: Action,
    /// In what a tool or a document says: the same.
    pub tool: Action,
}

/// Judges the texts of a request. `is_clean` knows texts that were judged before, in
/// earlier turns and with the same trust, and is told those that are found clean
/// now: it is asked with `false` and told with `true`.
///
/// # Errors
/// An injection that may not go on.
pub fn judge_request(
    prompt: &Prompt,
    judge: &Injection,
    stance: Stance,
    desk: &mut Desk<'_>,
    is_clean: &mut dyn FnMut(&str, Trust, bool) -> bool,
) -> Result<(), Blocked> {
    let mut stopped = 0;
    prompt.visit_texts(&mut |text| {
        let Some(trust) = trust(&text) else {
            return;
        };
        let wanted = match trust {
            Trust::Tool => stance.tool,
            _ => stance.user,
        };
        if wanted == Action::Allow || is_clean(&text.text, trust, false) {
            return;
        }
        let verdict = judge.judge(&text.text, trust);
        if verdict.level == Level::None {
            is_clean(&text.text, trust, true);
            return;
        }
        let action = match (wanted, verdict.level) {
            (Action::Block, Level::Block) => Action::Block,
            _ => Action::Log,
        };
        stopped += usize::from(action == Action::Block);
        let hash = desk.vault.hash(Kind::Injection, &text.text);
        let path: Arc<str> = text.path.guarded().into();
        desk.report.note(|_| Note {
            kind: Kind::Injection,
            rule: verdict.rule.unwrap_or("linear"),
            confidence: Confidence(verdict.score),
            path,
            bytes: (0, text.text.len()),
            action,
            hash,
        });
    });
    match stopped {
        0 => Ok(()),
        _ if desk.policy.dry_run() => Ok(()),
        count => Err(Blocked {
            kinds: vec![(Kind::Injection, count)],
        }),
    }
}

/// How far a text is trusted; `None` for what is not judged.
#[must_use]
pub fn trust(text: &TextRef<'_>) -> Option<Trust> {
    match (text.channel, text.role) {
        (TextChannel::ToolResult, _) | (TextChannel::Content, Role::Tool) => Some(Trust::Tool),
        (TextChannel::Content, Role::User) => Some(Trust::User),
        _ => None,
    }
}
