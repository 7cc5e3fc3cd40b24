//! Why: the name a client or provider uses for a model is rarely the name in a price table:
//! dates, regions, vendor prefixes and fine-tune suffixes come and go. Which ones may be ignored
//! is a decision about money, so it stands in one place.

/// Bedrock inference profiles and Azure deployment zones put the region first.
const REGIONS: &[&str] = &[
    "us.",
    "eu.",
    "apac.",
    "global.",
    "us-gov.",
    "jp.",
    "au.",
    "ca.",
    "us/",
    "eu/",
    "apac/",
    "global/",
    "global-standard/",
    "us-gov/",
];

/// No provider has longer names; clients may send any.
const MAX_NAME: usize = 256;

/// Calls `known` with each name a model may be listed under, likeliest first, until it answers.
/// Names are lower case.
pub(super) fn first_match<T>(model: &str, known: &dyn Fn(&str) -> Option<T>) -> Option<T> {
    if model.len() > MAX_NAME {
        return None;
    }
    let name = model.to_ascii_lowercase();
    let name = name.strip_prefix("models/").unwrap_or(&name);
    let name = fine_tune_base(name);
    let unprefixed = name.rsplit_once('/').map(|(_, last)| last);
    let unprefixed_region = unprefixed.and_then(without_region);
    [
        Some(name),
        without_region(name),
        unprefixed,
        unprefixed_region,
    ]
    .into_iter()
    .flatten()
    .flat_map(|name| [Some(name), without_date(name), without_latest(name)])
    .flatten()
    .find_map(known)
}

/// `ft:gpt-4o-mini-2024-07-18:acme::abc` is priced as `ft:gpt-4o-mini-2024-07-18`.
fn fine_tune_base(name: &str) -> &str {
    let Some(base) = name.strip_prefix("ft:") else {
        return name;
    };
    let end = base
        .find(':')
        .map_or(name.len(), |colon| "ft:".len() + colon);
    name.get(..end).unwrap_or(name)
}

fn without_region(name: &str) -> Option<&str> {
    REGIONS.iter().find_map(|region| name.strip_prefix(region))
}

fn without_latest(name: &str) -> Option<&str> {
    name.strip_suffix("-latest")
}

/// `gpt-4o-2024-08-06`, `claude-x-20251001` and `claude-x@20251001` lose their date. Shorter
/// numbers (`-0613`, `-2407`) name different models and stay.
fn without_date(name: &str) -> Option<&str> {
    let fits = |tail: &str, form: &str| {
        tail.len() == form.len()
            && tail
                .bytes()
                .zip(form.bytes())
                .all(|(byte, form)| match form {
                    b'0' => byte.is_ascii_digit(),
                    _ => byte == form,
                })
    };
    ["-0000-00-00", "-00000000", "@00000000"]
        .into_iter()
        .find_map(|form| {
            let (base, tail) = name.split_at_checked(name.len().checked_sub(form.len())?)?;
            (fits(tail, form) && !base.is_empty()).then_some(base)
        })
}
