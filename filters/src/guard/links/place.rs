//! Where an address stands: what fetches it, and which character ends it. Only
//! the short left context is read, so that cuts cannot matter.

use super::LEFT_CONTEXT;

/// What makes the reader's program open an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    MarkdownImage,
    MarkdownLink,
    /// It may serve an image or a link: the use stands elsewhere.
    MarkdownReference,
    HtmlImage,
    HtmlLink,
    CssUrl,
    /// Text that many programs make a link of.
    Bare,
}

/// What ends an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// This quote, or an empty line.
    Quote(u8),
    /// `>` or the line's end.
    Angle,
    /// White space or a `)` that was not opened.
    Paren,
    /// Also quotes, brackets and whatever is not ASCII.
    Plain,
}

impl Place {
    /// The rule that names it in findings.
    pub(super) fn rule(self) -> &'static str {
        match self {
            Place::MarkdownImage => "markdown-image",
            Place::MarkdownLink => "markdown-link",
            Place::MarkdownReference => "markdown-reference",
            Place::HtmlImage => "html-image",
            Place::HtmlLink => "html-link",
            Place::CssUrl => "css-url",
            Place::Bare => "bare-link",
        }
    }

    /// Whether it may be fetched without a click.
    pub(super) fn fetched(self) -> bool {
        !matches!(self, Place::MarkdownLink | Place::HtmlLink | Place::Bare)
    }

    pub(super) fn bare(self) -> bool {
        self == Place::Bare
    }
}

impl Close {
    /// How long the address is, when its end is there.
    pub(super) fn end(self, bytes: &[u8]) -> Option<usize> {
        let (mut depth, mut before) = (0_usize, 0);
        bytes.iter().position(|byte| {
            let empty_line = *byte == b'\n' && before == b'\n';
            before = *byte;
            if matches!(self, Close::Paren | Close::Plain) {
                match byte {
                    b'(' => depth += 1,
                    b')' if depth == 0 => return true,
                    b')' => depth -= 1,
                    _ => {}
                }
            }
            match self {
                Close::Quote(quote) => *byte == quote || empty_line,
                Close::Angle => matches!(byte, b'>' | b'\n'),
                Close::Paren => *byte <= b' ',
                Close::Plain => *byte <= b' ' || *byte >= 0x7f || b"<>\"'`]|}".contains(byte),
            }
        })
    }
}

/// Where an address stands that follows these bytes.
pub(super) fn of(left: &[u8]) -> (Place, Close) {
    let mut rest = left.trim_ascii_end();
    let mut close = Close::Plain;
    match rest.split_last() {
        Some((quote @ (b'"' | b'\''), before)) => {
            close = Close::Quote(*quote);
            rest = before
                .strip_suffix(b"\\")
                .unwrap_or(before)
                .trim_ascii_end();
        }
        Some((b'<', before)) => {
            close = Close::Angle;
            rest = before.trim_ascii_end();
        }
        _ => {}
    }
    let unless = |other| if close == Close::Plain { other } else { close };
    if rest.ends_with(b"](") {
        let label = rest.strip_suffix(b"](").unwrap_or_default();
        let known = left.len() < LEFT_CONTEXT;
        return (markdown(label, known), unless(Close::Paren));
    }
    if rest.ends_with(b"]:") {
        return (Place::MarkdownReference, close);
    }
    if rest.len() >= 4
        && rest
            .get(rest.len() - 4..)
            .is_some_and(|end| end.eq_ignore_ascii_case(b"url("))
    {
        return (Place::CssUrl, unless(Close::Paren));
    }
    if let Some(before) = rest.strip_suffix(b"=")
        && let Some(place) = attribute(before.trim_ascii_end())
    {
        return (place, close);
    }
    match close {
        Close::Angle => (Place::Bare, Close::Angle),
        _ => (Place::Bare, Close::Plain),
    }
}

/// Whether the label before `](` is an image's. One that is too long to tell is.
fn markdown(label: &[u8], known: bool) -> Place {
    let mut depth = 0_usize;
    for (at, byte) in label.iter().enumerate().rev() {
        match byte {
            b']' => depth += 1,
            b'[' if depth > 0 => depth -= 1,
            b'[' => {
                return match at.checked_sub(1).map(|at| label.get(at)) {
                    Some(Some(b'!')) => Place::MarkdownImage,
                    None if !known => Place::MarkdownImage,
                    _ => Place::MarkdownLink,
                };
            }
            _ => {}
        }
    }
    Place::MarkdownImage
}

/// What an attribute does with an address.
fn attribute(before: &[u8]) -> Option<Place> {
    let in_name = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b':' | b'-');
    let length = before.iter().rev().take_while(|byte| in_name(byte)).count();
    let (tag, name) = before.split_at(before.len() - length);
    let is = |names: &[&str]| {
        names
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    };
    if is(&[
        "src",
        "srcset",
        "data-src",
        "poster",
        "background",
        "url",
        "lowsrc",
    ]) {
        return Some(Place::HtmlImage);
    }
    if !is(&["href", "xlink:href", "action", "formaction", "ping"]) {
        return None;
    }
    let tag = memchr::memrchr(b'<', tag).and_then(|at| tag.get(at + 1..));
    let clicked = tag.is_none_or(|tag| {
        let name = tag.split(|byte| !byte.is_ascii_alphanumeric()).next();
        let name = name.unwrap_or_default();
        ["a", "area", "form", "button", "input"]
            .iter()
            .any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
    });
    Some(if clicked {
        Place::HtmlLink
    } else {
        Place::HtmlImage
    })
}
