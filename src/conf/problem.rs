//! Why: a person who mends a file wants to see all that is wrong with it at once: where it stands, the line itself,
//! and what to write instead.

use std::fmt;

/// Something that keeps Alfred from starting, with the place to mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the user named it.
    pub file: String,
    /// The line, from 1; 0 when no place in the file is to blame.
    pub line: usize,
    /// The column in characters, from 1; 0 when no place in the file is to blame.
    pub column: usize,
    /// The setting, such as `providers.vllm.timeouts.first_byte`; empty for the file as a whole.
    pub path: String,
    /// What is wrong, in one line.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line of the file, secrets masked.
    pub excerpt: Option<Excerpt>,
}

/// A line of the file with the place to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The text of the line, secrets masked and shortened when it is very long.
    pub text: String,
    /// How many characters stand before the place.
    pub before: usize,
    /// How many characters the place has, at least 1.
    pub width: usize,
}

impl Problem {
    /// A problem of a file as a whole, such as one that cannot be read.
    pub fn of_file(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            path: String::new(),
            message: message.into(),
            hint: None,
            excerpt: None,
        }
    }

    /// The same problem with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": ")?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{}", self.message)?;
        if let Some(excerpt) = &self.excerpt {
            let number = self.line.to_string();
            let margin = " ".repeat(number.len());
            let before = " ".repeat(excerpt.before);
            let carets = "^".repeat(excerpt.width);
            write!(f, "\n {margin} |\n {number} | {}", excerpt.text)?;
            write!(f, "\n {margin} | {before}{carets}")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n hint: {hint}")?;
        }
        Ok(())
    }
}

/// All that keeps Alfred from starting; never empty when it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Problems(pub Vec<Problem>);

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                write!(f, "\n\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}
