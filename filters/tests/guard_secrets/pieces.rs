//! Texts shown piece by piece, and what the law of windows says of that.

use alfred_filters::guard::secrets::Secrets;
use alfred_filters::guard::window::{LEFT_CONTEXT, OPEN};
use alfred_filters::guard::{Finding, Window};

/// Shows the text piece by piece as a stream does, with no more left of what was
/// decided than the law demands.
pub(crate) fn pieces(secrets: &Secrets, text: &str, cuts: &[usize]) -> Vec<Finding> {
    let (mut out, mut decided) = (Vec::new(), 0_usize);
    let ends = cuts.iter().copied().chain([text.len()]);
    for (nth, end) in ends.enumerate() {
        let mut since = decided.saturating_sub(LEFT_CONTEXT);
        while !text.is_char_boundary(since) {
            since -= 1;
        }
        let window = Window {
            text: &text[since..end],
            from: decided - since,
            last: nth == cuts.len(),
        };
        let mut found = Vec::new();
        let until = secrets.scan(window, &mut found) + since;
        assert!(
            until >= decided && until <= end,
            "{until} of {decided}..{end}"
        );
        assert!(end - until <= OPEN);
        for finding in &mut found {
            finding.span = finding.span.start + since..finding.span.end + since;
            assert!(finding.span.start >= decided && finding.span.end <= until);
        }
        out.append(&mut found);
        decided = until;
    }
    assert_eq!(decided, text.len());
    out
}

/// The findings of a text that is known as a whole.
pub(crate) fn whole(secrets: &Secrets, text: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    assert_eq!(secrets.scan(Window::whole(text), &mut out), text.len());
    for finding in &out {
        assert!(
            text.get(finding.span.clone()).is_some(),
            "{finding:?} in {text:?}"
        );
    }
    assert!(
        out.windows(2)
            .all(|pair| pair[0].span.end <= pair[1].span.start)
    );
    out
}
