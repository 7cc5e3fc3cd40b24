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
/// # Errors
/// Something that may not go on, or that cannot be masked where it stands. The
/// prompt is then half changed and must not be sent.
pub fn screen_request(prompt: &mut Prompt, desk: &mut Desk<'_>) -> Result<usize, Blocked> {
    screen_texts(prompt, desk, |_| true)
}

/// The same for the texts of some channels.
///
/// # Errors
/// As [`screen_request`].
pub fn screen_texts(
    prompt: &mut Prompt,
    desk: &mut Desk<'_>,
    wanted: fn(TextChannel) -> bool,
) -> Result<usize, Blocked> {
    let mut outcome = Ok(());
    let changed = prompt.rewrite_texts(&mut |text| {
        if outcome.is_err() || text.channel == TextChannel::Url || !wanted(text.channel) {
            return None;
        }
        match screened(desk, &text) {
            Ok(new) => new,
            Err(blocked) => {
                outcome = Err(blocked);
                None
            }
        }
    });
    outcome.map(|()| changed)
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
