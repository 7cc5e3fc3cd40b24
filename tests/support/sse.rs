//! Server-sent events as a client's parser sees them.

use serde_json::Value;

/// The events of one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Events {
    /// The JSON data of each event, in order.
    pub(crate) data: Vec<Value>,
    /// `[DONE]` came, and nothing after it.
    pub(crate) done: bool,
    /// Lines that begin with a colon.
    pub(crate) comments: usize,
}

impl Events {
    /// Reads a whole stream; fails on anything that a strict parser would choke on.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("a stream is UTF-8");
        let mut events = Self::default();
        for line in text.lines() {
            if let Some(data) = line.strip_prefix("data: ") {
                assert!(!events.done, "data after [DONE]: {line}");
                events.take(data);
            } else if line.starts_with(':') {
                events.comments += 1;
            } else {
                assert!(
                    line.is_empty() || line.starts_with("event: "),
                    "not SSE: {line}"
                );
            }
        }
        assert!(
            text.is_empty() || text.ends_with("\n\n"),
            "cut inside an event: {text}"
        );
        events
    }

    fn take(&mut self, data: &str) {
        if data == "[DONE]" {
            self.done = true;
            return;
        }
        let json = serde_json::from_str(data).unwrap_or_else(|error| panic!("{error}: {data}"));
        self.data.push(json);
    }

    /// The text of the first choice.
    pub(crate) fn text(&self) -> String {
        let content = |event: &Value| {
            let delta = &event["choices"].get(0)?["delta"];
            Some(delta["content"].as_str()?.to_owned())
        };
        self.data.iter().filter_map(content).collect()
    }

    /// The finish reasons, in order.
    pub(crate) fn finishes(&self) -> Vec<String> {
        let reason = |event: &Value| {
            let choice = event["choices"].get(0)?;
            Some(choice["finish_reason"].as_str()?.to_owned())
        };
        self.data.iter().filter_map(reason).collect()
    }

    /// The error events.
    pub(crate) fn errors(&self) -> Vec<&Value> {
        self.data
            .iter()
            .filter(|event| event["error"].is_object())
            .collect()
    }

    /// The usage reports.
    pub(crate) fn usage(&self) -> Vec<&Value> {
        self.data
            .iter()
            .filter(|event| event["usage"].is_object())
            .collect()
    }

    /// How many events open a message: more than one means that two answers were spliced.
    pub(crate) fn roles(&self) -> usize {
        let opens = |event: &&Value| event["choices"][0]["delta"]["role"].is_string();
        self.data.iter().filter(opens).count()
    }

    /// Fails unless it is one whole answer with this text.
    #[track_caller]
    pub(crate) fn expect_whole(&self, text: &str) {
        assert_eq!(self.text(), text, "{self:?}");
        assert_eq!(
            (self.roles(), self.finishes().len(), self.done),
            (1, 1, true),
            "{self:?}"
        );
        assert!(self.errors().is_empty(), "{self:?}");
    }

    /// Fails unless it is the beginning of an answer, ended by one error event of this type.
    #[track_caller]
    pub(crate) fn expect_broken(&self, text: &str) {
        assert_eq!(self.text(), text, "{self:?}");
        assert_eq!(
            (self.errors().len(), self.finishes().len()),
            (1, 0),
            "{self:?}"
        );
        let last = self.data.last().expect("an error event");
        assert!(
            last["error"].is_object(),
            "the error is not the last event: {self:?}"
        );
    }
}
