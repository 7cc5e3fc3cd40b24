//! Renders a request for one provider: which members of the original body are
//! replaced, renamed, dropped or added, all in one copy.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::json::{Cursor, Flaw, decode, quoted};
use crate::prompt::{Member, RequestPatch};
use crate::splice::Splices;

const USAGE: &str = "include_usage";

/// A member to set: its name, its raw JSON, and whether it found its place.
struct Setting<'a> {
    name: &'a str,
    raw: Cow<'a, str>,
    placed: bool,
}

/// Applies `patch` to `body`, which must be the JSON object whose `members` are
/// given. `stream` tells whether the request asks for a stream.
pub(crate) fn apply(
    body: &Bytes,
    members: &[Member],
    stream: bool,
    patch: &RequestPatch<'_>,
) -> Bytes {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let names: Vec<Cow<'_, str>> = members
        .iter()
        .map(|m| decode(text.get(m.key.clone()).unwrap_or_default()))
        .collect();
    let value_of = |name: &str| {
        let at = names.iter().position(|n| n == name)?;
        text.get(members.get(at)?.value.clone())
    };
    let mut settings = settings(value_of, stream, patch);
    let mut splices = Splices::default();
    let mut kept_before = false;
    for (at, (member, name)) in members.iter().zip(&names).enumerate() {
        if patch.plain_roles && name == "messages" && !patch.set.iter().any(|(n, _)| n == name) {
            // A body that was read has no flaw; were there one, it is the provider's to refuse.
            let _ = plain_roles(text, member.value.start, &mut splices);
        }
        if let Some(setting) = settings.iter_mut().find(|s| s.name == name) {
            setting.placed = true;
            if text.get(member.value.clone()) != Some(&*setting.raw) {
                splices.push(member.value.clone(), setting.raw.to_string());
            }
        } else if let Some(to) = renamed(name, patch, &names, &settings) {
            splices.push(member.key.clone(), quoted(to));
        } else if is_dropped(name, patch) {
            let before = at.checked_sub(1).and_then(|i| members.get(i));
            let after = members.get(at + 1);
            // Whoever goes takes one comma along: the one before it, or, where
            // nobody stands before it, the one after it.
            splices.push(
                match (kept_before, before, after) {
                    (true, Some(before), _) => before.value.end..member.value.end,
                    (_, _, Some(after)) => member.key.start..after.key.start,
                    _ => member.key.start..member.value.end,
                },
                "",
            );
            continue;
        }
        kept_before = true;
    }
    let end = members.last().map_or(0, |member| member.value.end);
    for setting in settings.iter().filter(|s| !s.placed) {
        let comma = if kept_before { "," } else { "" };
        splices.push(
            end..end,
            format!("{comma}{}:{}", quoted(setting.name), setting.raw),
        );
        kept_before = true;
    }
    splices
        .apply(text)
        .map_or_else(|| body.clone(), Bytes::from)
}

/// Replaces the role `developer` of every message in the array at `start` by `system`.
fn plain_roles(text: &str, start: usize, splices: &mut Splices<'_>) -> Result<(), Flaw> {
    if memchr::memmem::find(text.as_bytes(), b"developer").is_none()
        && memchr::memchr(b'\\', text.as_bytes()).is_none()
    {
        return Ok(());
    }
    let mut cursor = Cursor::new(text, start);
    cursor.open_array()?;
    while cursor.item()? {
        cursor.open_object()?;
        while let Some(key) = cursor.key()? {
            let value = cursor.skip()?;
            let word = |span: &Range<usize>| decode(text.get(span.clone()).unwrap_or_default());
            if word(&key) == "role" && word(&value) == "developer" {
                splices.push(value, "\"system\"");
            }
        }
    }
    Ok(())
}

/// Everything that must stand in the body: the patch's own list, the model and
/// the wish for usage.
fn settings<'a>(
    value_of: impl Fn(&str) -> Option<&'a str>,
    stream: bool,
    patch: &RequestPatch<'a>,
) -> Vec<Setting<'a>> {
    let mut settings: Vec<Setting<'a>> = Vec::with_capacity(patch.set.len() + 2);
    for (name, raw) in patch.set {
        settings.push(Setting {
            name,
            raw: Cow::Borrowed(raw),
            placed: false,
        });
    }
    let has = |settings: &[Setting<'_>], name: &str| settings.iter().any(|s| s.name == name);
    let same_model = value_of("model").is_some_and(|raw| decode(raw) == patch.model);
    let keep_model = same_model || patch.model.is_empty();
    if !keep_model && !has(&settings, "model") && !patch.remove.contains(&"model") {
        settings.push(Setting {
            name: "model",
            raw: Cow::Owned(quoted(patch.model)),
            placed: false,
        });
    }
    if stream && patch.ask_usage {
        if let Some(setting) = settings.iter_mut().find(|s| s.name == "stream_options") {
            if let Some(asked) = with_usage(&setting.raw) {
                setting.raw = Cow::Owned(asked);
            }
        } else if let Some(asked) = with_usage(value_of("stream_options").unwrap_or("null")) {
            settings.push(Setting {
                name: "stream_options",
                raw: Cow::Owned(asked),
                placed: false,
            });
        }
    }
    settings
}

fn is_dropped(name: &str, patch: &RequestPatch<'_>) -> bool {
    patch.remove.contains(&name) || patch.rename.iter().any(|(from, _)| *from == name)
}

/// The new name of a member, unless that name is taken or the member is to go.
fn renamed<'a>(
    name: &str,
    patch: &RequestPatch<'a>,
    names: &[Cow<'_, str>],
    settings: &[Setting<'_>],
) -> Option<&'a str> {
    if patch.remove.contains(&name) {
        return None;
    }
    let (_, to) = patch.rename.iter().find(|(from, _)| *from == name)?;
    let stands = |name: &str| names.iter().any(|n| n == name) && !patch.remove.contains(&name);
    let first = patch
        .rename
        .iter()
        .find(|(from, target)| target == to && stands(from));
    let taken = stands(to) || settings.iter().any(|s| s.name == *to);
    (!taken && first.is_some_and(|(from, _)| *from == name)).then_some(to)
}

/// `stream_options` with `include_usage: true` and every other option as it was;
/// `None` when it says so already.
fn with_usage(options: &str) -> Option<String> {
    match usage_splices(options) {
        Ok(splices) => splices.apply(options),
        Err(_) => Some(format!("{{\"{USAGE}\":true}}")),
    }
}

fn usage_splices(options: &str) -> Result<Splices<'_>, Flaw> {
    let mut cursor = Cursor::new(options, 0);
    cursor.open_object()?;
    let inside = cursor.at();
    let (mut found, mut empty) = (false, true);
    let mut splices = Splices::default();
    while let Some(key) = cursor.key()? {
        let value = cursor.skip()?;
        empty = false;
        if decode(options.get(key).unwrap_or_default()) == USAGE {
            found = true;
            if options.get(value.clone()) != Some("true") {
                splices.push(value, "true");
            }
        }
    }
    if !found {
        let comma = if empty { "" } else { "," };
        splices.push(inside..inside, format!("\"{USAGE}\":true{comma}"));
    }
    Ok(splices)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::prompt::{Prompt, Surface};

    const BODY: &str = r#"{ "max_tokens" : 9, "model":"a",  "messages":[{"role":"user","content":"x"}],"top_p" :1 ,"n":1 }"#;

    fn render(body: &str, patch: RequestPatch<'_>) -> String {
        let prompt = Prompt::read(Surface::Chat, Bytes::copy_from_slice(body.as_bytes())).unwrap();
        let out = String::from_utf8(prompt.render(&patch).to_vec()).unwrap();
        let _: Value = serde_json::from_str(&out).unwrap();
        out
    }

    fn patch<'a>() -> RequestPatch<'a> {
        RequestPatch {
            model: "a",
            ..RequestPatch::default()
        }
    }

    #[test]
    fn the_model_is_replaced_and_every_space_stays() {
        let out = render(
            BODY,
            RequestPatch {
                model: "b\"c",
                ..patch()
            },
        );
        assert_eq!(out, BODY.replace(r#""a""#, r#""b\"c""#));
    }

    #[test]
    fn a_model_that_is_only_spelt_differently_is_left_alone() {
        let body = BODY.replace(r#""a""#, r#""\u0061""#);
        assert_eq!(render(&body, patch()), body);
    }

    #[test]
    fn developers_become_system_where_the_provider_knows_no_developers() {
        let body = r#"{"messages":[{"content":"developer","role": "developer"},{"role":"\u0064eveloper","content":"x"},{"role":"user","content":"y"}],"model":"a"}"#;
        let patch = RequestPatch {
            plain_roles: true,
            ..patch()
        };
        let expected = body
            .replace(r#""role": "developer""#, r#""role": "system""#)
            .replace(r#""\u0064eveloper""#, r#""system""#);
        assert_eq!(render(body, patch), expected);
        assert_eq!(render(BODY, patch), BODY);
    }

    #[test]
    fn an_empty_patch_changes_nothing() {
        assert_eq!(render(BODY, RequestPatch::default()), BODY);
    }

    #[test]
    fn members_go_from_the_head_the_middle_and_the_tail_with_one_comma_each() {
        for (remove, expected) in [
            (
                &["max_tokens"][..],
                r#"{ "model":"a",  "messages":[],"top_p" :1 ,"n":1 }"#,
            ),
            (
                &["top_p"],
                r#"{ "max_tokens" : 9, "model":"a",  "messages":[] ,"n":1 }"#,
            ),
            (
                &["n"],
                r#"{ "max_tokens" : 9, "model":"a",  "messages":[],"top_p" :1 }"#,
            ),
            (
                &["top_p", "n"],
                r#"{ "max_tokens" : 9, "model":"a",  "messages":[] }"#,
            ),
            (
                &["max_tokens", "model"],
                r#"{ "messages":[],"top_p" :1 ,"n":1 }"#,
            ),
            (&["max_tokens", "model", "messages", "top_p", "n"], "{  }"),
        ] {
            let out = render(BODY, RequestPatch { remove, ..patch() });
            let out = out.replace(r#"[{"role":"user","content":"x"}]"#, "[]");
            let squeezed = |text: &str| text.replace(' ', "");
            assert_eq!(squeezed(&out), squeezed(expected), "{remove:?}");
        }
    }

    #[test]
    fn a_body_without_any_member_left_takes_new_ones() {
        let remove = &["max_tokens", "model", "messages", "top_p", "n"];
        let out = render(
            BODY,
            RequestPatch {
                remove,
                set: &[("x", "1"), ("y", "[]")],
                ..patch()
            },
        );
        assert_eq!(out.replace(' ', ""), r#"{"x":1,"y":[]}"#);
    }

    #[test]
    fn set_replaces_in_place_or_appends_and_wins_over_remove_and_rename() {
        let out = render(
            BODY,
            RequestPatch {
                set: &[("top_p", "0.5"), ("seed", "7"), ("n", "2")],
                remove: &["n"],
                rename: &[("top_p", "p")],
                ..patch()
            },
        );
        assert_eq!(
            out,
            BODY.replace(r#""top_p" :1"#, r#""top_p" :0.5"#)
                .replace(r#""n":1 "#, r#""n":2,"seed":7 "#)
        );
    }

    #[test]
    fn a_rename_keeps_the_value_and_yields_to_a_member_of_the_new_name() {
        let rename = &[("max_tokens", "max_completion_tokens")];
        let out = render(BODY, RequestPatch { rename, ..patch() });
        assert_eq!(out, BODY.replace("max_tokens", "max_completion_tokens"));
        let both = BODY.replace(r#""n":1"#, r#""max_completion_tokens":5"#);
        let out = render(&both, RequestPatch { rename, ..patch() });
        assert_eq!(out, both.replace(r#""max_tokens" : 9, "#, ""));
        let out = render(
            BODY,
            RequestPatch {
                rename: &[("n", "z"), ("top_p", "z")],
                ..patch()
            },
        );
        assert_eq!(out.matches("\"z\"").count(), 1);
    }

    #[test]
    fn usage_is_asked_for_once_and_other_options_stay() {
        for (before, after) in [
            ("", r#","stream_options":{"include_usage":true}"#),
            (
                r#","stream_options":null"#,
                r#","stream_options":{"include_usage":true}"#,
            ),
            (
                r#","stream_options":{ }"#,
                r#","stream_options":{"include_usage":true }"#,
            ),
            (
                r#","stream_options":{"include_usage":false}"#,
                r#","stream_options":{"include_usage":true}"#,
            ),
            (
                r#","stream_options":{"include_usage": true}"#,
                r#","stream_options":{"include_usage": true}"#,
            ),
            (
                r#","stream_options":{"include_obfuscation":false}"#,
                r#","stream_options":{"include_usage":true,"include_obfuscation":false}"#,
            ),
        ] {
            let body = |options: &str| {
                format!(r#"{{"model":"a","messages":[{{"role":"user"}}],"stream":true{options}}}"#)
            };
            let out = render(
                &body(before),
                RequestPatch {
                    ask_usage: true,
                    ..patch()
                },
            );
            assert_eq!(out, body(after));
        }
    }

    #[test]
    fn usage_is_not_asked_for_without_a_stream() {
        assert_eq!(
            render(
                BODY,
                RequestPatch {
                    ask_usage: true,
                    ..patch()
                }
            ),
            BODY
        );
    }

    #[test]
    fn a_key_in_escapes_is_the_same_key() {
        let body = BODY.replace("top_p", r"top\u005fp");
        let out = render(
            &body,
            RequestPatch {
                set: &[("top_p", "0")],
                ..patch()
            },
        );
        assert_eq!(out, body.replace(" :1 ", " :0 "));
    }
}
