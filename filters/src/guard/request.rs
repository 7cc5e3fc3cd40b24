//! A request on its way through the guards: every text that a person or a program
//! wrote is passed through a screen, in the form it has, and only changed spans are
//! patched in the body.

use std::sync::Arc;

use crate::prompt::Prompt;
use crate::text::{TextChannel, TextRef};

use super::screen::{Blocked, Desk, Form, Task, whole};

/// Passes all texts of a request through the policy. Returns how many were changed.
///
/// Addresses of pictures and files are left alone: a masked address leads nowhere.
/// Names are passed as they are or not at all, because other parts of the request
/// refer to them: what would have to be masked in one blocks the request.
///
/// `is_clean` knows texts in which this policy found nothing before, in earlier turns
/// and in the same form, and is told those in which it finds nothing now: it is asked
/// with `false` and told with `true`.
///
/// # Errors
/// Something that may not go on, or that cannot be masked where it stands. The
/// prompt is then half changed and must not be sent.
pub fn screen_request(
    prompt: &mut Prompt,
    desk: &mut Desk<'_>,
    is_clean: &mut IsClean<'_>,
) -> Result<usize, Blocked> {
    pass(prompt, desk, |_| true, is_clean)
}

/// The same for all texts of some channels, known or not.
///
/// # Errors
/// As [`screen_request`].
pub fn screen_texts(
    prompt: &mut Prompt,
    desk: &mut Desk<'_>,
    wanted: fn(TextChannel) -> bool,
) -> Result<usize, Blocked> {
    pass(prompt, desk, wanted, &mut |_, _| false)
}

/// Whether a text of a form is known, and whether this is news.
pub type IsClean<'a> = dyn FnMut((&str, Form), bool) -> bool + 'a;

/// Shorter texts are read as fast as they are recalled, in bytes.
const WORTH_KNOWING: usize = 128;

fn pass(
    prompt: &mut Prompt,
    desk: &mut Desk<'_>,
    wanted: fn(TextChannel) -> bool,
    is_clean: &mut IsClean<'_>,
) -> Result<usize, Blocked> {
    let mut outcome = Ok(());
    let changed = prompt.rewrite_texts(&mut |text| {
        if outcome.is_err() || text.channel == TextChannel::Url || !wanted(text.channel) {
            return None;
        }
        let known = (&*text.text, form(&text));
        let is_worth = text.text.len() >= WORTH_KNOWING;
        if is_worth && is_clean(known, false) {
            return None;
        }
        let before = traces(desk);
        match screened(desk, &text) {
            Ok(new) => {
                if is_worth && traces(desk) == before {
                    is_clean(known, true);
                }
                new
            }
            Err(blocked) => {
                outcome = Err(blocked);
                None
            }
        }
    });
    outcome.map(|()| changed)
}

/// What a text leaves behind that is not clean: findings, faults, names that are taken.
fn traces(desk: &Desk<'_>) -> (u64, u64, usize) {
    let found = desk.report.counts.values().sum();
    (found, desk.report.faults, desk.vault.traces())
}

fn screened(desk: &mut Desk<'_>, text: &TextRef<'_>) -> Result<Option<String>, Blocked> {
    let told = desk.report.notes.len();
    let screened = whole(form(text), Task::Mask, desk, &text.text);
    let news = desk.report.notes.get_mut(told..).unwrap_or_default();
    if !news.is_empty() {
        // Rendered only now: a clean text costs no allocation.
        let path: Arc<str> = text.path.guarded().into();
        news.iter_mut()
            .for_each(|note| note.path = Arc::clone(&path));
    }
    match (text.channel, screened?) {
        (TextChannel::Name, Some(_)) => Err(Blocked {
            kinds: news.iter().map(|note| (note.kind, 1)).collect(),
        }),
        (_, new) => Ok(new),
    }
}

/// What tools are asked and what they say is mostly JSON, where values may be spelt
/// in escapes.
fn form(text: &TextRef<'_>) -> Form {
    let is_tools = matches!(
        text.channel,
        TextChannel::ToolArguments | TextChannel::ToolResult
    );
    match is_tools && text.text.trim_start().starts_with(['{', '[']) {
        true => Form::Json,
        false => Form::Text,
    }
}
