//! Values that somebody else has found in a request, such as a service that knows names. Where one stands, in
//! whichever of its texts, it is found again.

use super::own::{MAX_TERM, Own, OwnTerms};
use super::{Confidence, Finding, Kind, Window};

/// Finds values that were told.
#[derive(Debug)]
pub struct Told {
    own: Own,
    kinds: Vec<Kind>,
    rule: &'static str,
}

impl Told {
    /// Looks for these values, each found as what it is; `rule` names who told them. Those without a visible
    /// character are passed over.
    ///
    /// # Errors
    /// A value is longer than [`MAX_TERM`] bytes, or there are too many kinds or values.
    pub fn new(
        rule: &'static str,
        values: &[(Kind, String)],
    ) -> Result<Told, super::own::OwnError> {
        let mut kinds: Vec<Kind> = values.iter().map(|(kind, _)| *kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let of = |kind: &Kind| OwnTerms {
            terms: values
                .iter()
                .filter(|(other, value)| other == kind && !value.trim().is_empty())
                .map(|(_, value)| value.clone())
                .collect(),
            ignore_case: false,
        };
        let dictionaries: Vec<OwnTerms> = kinds.iter().map(of).collect();
        Ok(Told {
            own: Own::new(&dictionaries)?,
            kinds,
            rule,
        })
    }

    /// Finds the longest value at every place; gives the bytes decided.
    pub fn scan(&self, window: Window<'_>, out: &mut Vec<Finding>) -> usize {
        let known = out.len();
        let decided = self.own.scan(window, out);
        for finding in out.iter_mut().skip(known) {
            if let Kind::Own(list) = finding.kind
                && let Some(kind) = self.kinds.get(usize::from(list))
            {
                finding.kind = *kind;
                finding.rule = self.rule;
                finding.confidence = Confidence::HIGH;
            }
        }
        decided
    }
}

/// The longest value that can be looked for, in bytes.
pub const MAX_VALUE: usize = MAX_TERM;

#[cfg(test)]
mod tests {
    use super::super::Entity;
    use super::*;

    #[test]
    fn a_value_is_found_wherever_it_stands_and_as_what_it_is() {
        let values = [
            (Kind::Own(7), "Berlin".to_owned()),
            (Kind::Pii(Entity::Phone), "Ann Lee".to_owned()),
            (Kind::Own(7), " ".to_owned()),
        ];
        let told = Told::new("service", &values).expect("values");
        let text = "Ann Lee lives in Berlin; Anna is no Ann  Lee. Berliner";
        let mut found = Vec::new();
        told.scan(Window::whole(text), &mut found);
        let seen: Vec<_> = found
            .iter()
            .map(|it| (it.kind, it.rule, &text[it.span.clone()]))
            .collect();
        let person = Kind::Pii(Entity::Phone);
        assert_eq!(
            seen,
            [
                (person, "service", "Ann Lee"),
                (Kind::Own(7), "service", "Berlin"),
                (person, "service", "Ann  Lee"),
            ]
        );
    }

    #[test]
    fn a_value_that_is_too_long_is_refused() {
        let values = [(Kind::Own(0), "x".repeat(MAX_VALUE + 1))];
        assert!(Told::new("service", &values).is_err());
    }
}
