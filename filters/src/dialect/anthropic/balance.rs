//! When the arguments of a call have come whole: brackets are counted as the
//! pieces pass, so that nothing is read twice.

/// Tells when the arguments of a call are whole, without reading them twice.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    depth: u32,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Balance {
    pub(crate) fn push(&mut self, json: &str) {
        for byte in json.bytes() {
            if self.in_string {
                match byte {
                    _ if std::mem::take(&mut self.escaped) => {}
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => {
                    self.begun = true;
                    self.depth += 1;
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_whole_at_their_last_bracket_wherever_they_are_cut() {
        let json = r#"{"a":"}\\\"{[","b":[{},[1]]}"#;
        for cut in 0..json.len() {
            let mut balance = Balance::default();
            balance.push(&json[..cut]);
            assert!(!balance.is_whole(), "{cut}");
            balance.push(&json[cut..]);
            assert!(balance.is_whole(), "{cut}");
        }
    }
}
