//! An answer as the client got it, down to how it ended.

use serde_json::Value;

use super::sse::Events;

/// How an answer ended on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As its framing announced: length reached, last chunk, END_STREAM.
    Complete,
    /// By the end of the connection, where the framing allows that.
    Closed,
    /// It broke off; the text says how.
    Broken(String),
}

/// An answer as the client got it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) ending: Ending,
}

impl Answer {
    /// The value of a header, empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// How often a header is there.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.headers
            .iter()
            .filter(|(known, _)| known == name)
            .count()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{error} in the {} answer: {}", self.status, self.text())
        })
    }

    pub(crate) fn events(&self) -> Events {
        Events::read(&self.body)
    }

    /// The `code` of an error in OpenAI's shape.
    pub(crate) fn error_code(&self) -> String {
        let code = self.json()["error"]["code"].as_str().map(str::to_owned);
        code.unwrap_or_else(|| panic!("no code in {}", self.text()))
    }

    /// Fails unless the answer has this status and ended as announced.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(
            (self.status, &self.ending),
            (status, &Ending::Complete),
            "{self:?}"
        );
        self
    }

    /// Fails unless it is a refusal in OpenAI's shape with this status and code.
    #[track_caller]
    pub(crate) fn expect_refusal(self, status: u16, code: &str) -> Self {
        let answer = self.expect(status);
        assert_eq!(answer.error_code(), code, "{}", answer.text());
        let error = &answer.json()["error"];
        assert!(
            error["message"].is_string() && error["type"].is_string(),
            "{error}"
        );
        assert_ne!(answer.header("x-request-id"), "");
        answer
    }
}
