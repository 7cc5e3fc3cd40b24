//! What the scanner finds and leaves, and that cuts do not matter to it.

use std::sync::LazyLock;

use super::super::window::{HOLD, LEFT_CONTEXT};
use super::*;
use crate::guard::{Confidence, Kind};

fn scanner() -> &'static Pii {
    static ALL: LazyLock<Pii> = LazyLock::new(|| Pii::new(Entity::ALL));
    &ALL
}

pub(super) fn whole(pii: &Pii, text: &str) -> Vec<Finding> {
    let mut out = Vec::new();
    assert_eq!(pii.scan(Window::whole(text), &mut out), text.len());
    out
}

/// The findings over pieces, by a caller that keeps only the context it must.
pub(super) fn pieces(pii: &Pii, text: &str, cuts: &[usize]) -> Vec<Finding> {
    let mut out: Vec<Finding> = Vec::new();
    let (mut base, mut from) = (0, 0);
    let ends = cuts.iter().copied().chain([text.len()]);
    for end in ends {
        let last = end == text.len();
        let window = Window {
            text: &text[base..end],
            from: from - base,
            last,
        };
        let before = out.len();
        let decided = pii.scan(window, &mut out) + base;
        for finding in &mut out[before..] {
            finding.span = finding.span.start + base..finding.span.end + base;
            assert!(finding.span.start >= from && finding.span.end <= decided);
        }
        assert!(decided >= from && text.is_char_boundary(decided));
        from = decided;
        base = from.saturating_sub(LEFT_CONTEXT).max(base);
        while !text.is_char_boundary(base) {
            base -= 1;
        }
    }
    out
}

fn found(text: &str) -> Vec<(Entity, String)> {
    let pii = Pii::new(&Entity::defaults().collect::<Vec<_>>());
    let named = whole(&pii, text).into_iter().filter_map(|finding| {
        let Kind::Pii(entity) = finding.kind else {
            return None;
        };
        let sure = finding.confidence.0 >= 60;
        sure.then(|| (entity, text[finding.span].to_owned()))
    });
    named.collect()
}

/// Texts with one value each.
const FIXTURES: &[(&str, Entity, &str)] = &[
    (
        "Write to ann.lee+x@mail.example.org.",
        Entity::Email,
        "ann.lee+x@mail.example.org",
    ),
    (
        "at 12ab34@example.co.uk, please",
        Entity::Email,
        "12ab34@example.co.uk",
    ),
    (
        "jürgen@müller-bau.de",
        Entity::Email,
        "jürgen@müller-bau.de",
    ),
    ("邮箱是li4@example.cn谢谢", Entity::Email, "li4@example.cn"),
    (
        "pay with 4111 1111 1111 1111 now",
        Entity::CreditCard,
        "4111 1111 1111 1111",
    ),
    (
        "amex 3782-822463-10005",
        Entity::CreditCard,
        "3782-822463-10005",
    ),
    ("5555555555554444", Entity::CreditCard, "5555555555554444"),
    (
        "IBAN DE89 3704 0044 0532 0130 00.",
        Entity::Iban,
        "DE89 3704 0044 0532 0130 00",
    ),
    (
        "to gb82west12345698765432 today",
        Entity::Iban,
        "gb82west12345698765432",
    ),
    ("from 8.8.4.4, twice", Entity::IpAddress, "8.8.4.4"),
    (
        "http://203.0.113.9:8080/x",
        Entity::IpAddress,
        "203.0.113.9",
    ),
    (
        "net 10.20.0.0/16 is ours",
        Entity::IpAddress,
        "10.20.0.0/16",
    ),
    (
        "saw 2001:db8:a0f8::38c at 10:32",
        Entity::IpAddress,
        "2001:db8:a0f8::38c",
    ),
    (
        "saw fe80::1ff:fe23:4567:890a.",
        Entity::IpAddress,
        "fe80::1ff:fe23:4567:890a",
    ),
    (
        "card 00:1A:2b:3C:4d:5e up",
        Entity::MacAddress,
        "00:1A:2b:3C:4d:5e",
    ),
    (
        "card aa-bb-cc-dd-0e-ff up",
        Entity::MacAddress,
        "aa-bb-cc-dd-0e-ff",
    ),
    (
        "card 001a.2b3c.4d5e up",
        Entity::MacAddress,
        "001a.2b3c.4d5e",
    ),
    (
        "send 1BoatSLRHtKNngkdXEeobR76b53LETtpyT ok",
        Entity::CryptoWallet,
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    ),
    (
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
        Entity::CryptoWallet,
        "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq",
    ),
    (
        "0x52908400098527886E0F7030069857D2E4169EE7",
        Entity::CryptoWallet,
        "0x52908400098527886E0F7030069857D2E4169EE7",
    ),
    ("ring +49 (30) 901820 now", Entity::Phone, "+49 (30) 901820"),
    ("(202) 555-0143 is mine", Entity::Phone, "(202) 555-0143"),
    ("Telefon: 030 901820", Entity::Phone, "030 901820"),
    ("my ssn is 536-90-4399.", Entity::UsSsn, "536-90-4399"),
];

#[test]
fn every_default_kind_is_found_in_its_forms() {
    for (text, entity, value) in FIXTURES {
        assert_eq!(found(text), [(*entity, (*value).to_owned())], "{text}");
    }
}

#[test]
fn what_only_looks_like_personal_data_is_left() {
    for text in [
        "git@github.com:a/b.git",
        "logo@2x.png",
        "4111 1111 1111 1112",
        "DE89 3704 0044 0532 0130 01",
        "Chrome/120.0.0.0 Safari",
        "version 1.2.3.4",
        "std::fmt::Display a::b",
        "12:30:45",
        "2024-01-02 10:11:12",
        "256.1.1.1",
        "1.2.3.4.5",
        "00:1A:2B:3C:4D",
        "order 20240102123",
        "score 178-14-1379",
        "000-12-3456",
        "1700000000",
        "3.14159265358979",
        "550e8400-e29b-41d4-a716-446655440000",
        "a @ b.c",
        "1BoatSLRHtKNngkdXEeobR76b53LETtpyU",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn numbers_of_countries_hold_by_their_check_and_no_other_digit() {
    for (entity, number) in [
        (Entity::UsNpi, "1234567893"),
        (Entity::UsRouting, "021000021"),
        (Entity::UkNhs, "943 476 5919"),
        (Entity::DeTaxId, "86 095 742 719"),
        (Entity::FrNir, "1 84 12 76 451 089 46"),
        (Entity::PlPesel, "44051401359"),
        (Entity::NlBsn, "111222333"),
        (Entity::BeNational, "85.07.30-033.28"),
        (Entity::ChAhv, "756.9217.0769.85"),
        (Entity::AtSvnr, "1237 010180"),
        (Entity::BrCpf, "529.982.247-25"),
        (Entity::BrCnpj, "11.222.333/0001-81"),
        (Entity::CaSin, "130 692 544"),
        (Entity::AuAbn, "51 824 753 556"),
        (Entity::InAadhaar, "3998 7654 3211"),
        (Entity::ZaId, "9202201234088"),
        (Entity::SePersonnummer, "19910924-2397"),
        (Entity::KrBrn, "124-81-00998"),
        (Entity::TrId, "10000000146"),
        (Entity::ThId, "1234567890121"),
        (Entity::JpMyNumber, "123456789018"),
    ] {
        let pii = Pii::new(&[entity]);
        assert_eq!(whole(&pii, number).len(), 1, "{entity:?} {number}");
        let last = number
            .as_bytes()
            .last()
            .map_or(0, |byte| (byte - b'0' + 1) % 10);
        let wrong = format!("{}{last}", &number[..number.len() - 1]);
        assert_eq!(whole(&pii, &wrong), [], "{entity:?} {wrong}");
    }
}

#[test]
fn a_word_of_any_language_makes_a_number_sure() {
    let pii = scanner();
    for (text, entity) in [
        ("Passport: AB1234567", Entity::Passport),
        ("Reisepass C01234565", Entity::Passport),
        ("geboren am 03.04.1985", Entity::BirthDate),
        ("née le 03/04/1985", Entity::BirthDate),
        ("data urodzenia 1985-04-03", Entity::BirthDate),
        ("número de cuenta 12345678", Entity::BankAccount),
        ("targa AB 123 CD", Entity::LicencePlate),
    ] {
        let sure = whole(pii, text).into_iter().any(|finding| {
            finding.kind == Kind::Pii(entity) && finding.confidence >= Confidence::HIGH
        });
        assert!(sure, "{text}: {:?}", whole(pii, text));
    }
}

#[test]
fn plans_of_countries_stand_in_order() {
    assert!(plans::PLANS.is_sorted_by_key(|(code, _)| *code));
}

#[test]
fn a_text_cut_in_two_or_three_gives_the_findings_of_the_whole() {
    let pii = scanner();
    let joined = FIXTURES
        .iter()
        .map(|row| row.0)
        .collect::<Vec<_>>()
        .join(" \n");
    let mut texts: Vec<&str> = FIXTURES.iter().map(|row| row.0).collect();
    texts.push(&joined);
    for text in texts {
        let expected = whole(pii, text);
        let cuts: Vec<usize> = (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .collect();
        for (i, cut) in cuts.iter().enumerate() {
            assert_eq!(pieces(pii, text, &[*cut]), expected, "{text} at {cut}");
            for second in cuts.iter().skip(i).step_by(7) {
                assert_eq!(
                    pieces(pii, text, &[*cut, *second]),
                    expected,
                    "{text} at {cut}, {second}"
                );
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn where_bare_digits_stand_nothing_is_found(
        before in "([ a-zA-Z:.@+(/_-]|\\+|AB |phone ){0,3}",
        digits in "[0-9]{1,6}",
        behind in "[ a-z0-9:.@()/,;&x-]{0,16}",
    ) {
        let (pii, text) = (scanner(), format!("{before}{digits}{behind}"));
        let view = View::new(text.as_bytes(), true);
        let anchor = before.len();
        let end = view.run(anchor, chain::DIGITS + 1, digit);
        let alone = !alnum(view.before(anchor));
        if alone && pii.is_bare(&view, (anchor, end)) {
            let mut reader = Reader::new(&pii.words);
            let hit = pii.standing(&view, (anchor, anchor, end), &mut reader);
            proptest::prop_assert!(hit.is_none(), "{:?}", text);
        }
    }

    #[test]
    fn cuts_do_not_matter_to_any_text(
        parts in proptest::collection::vec(proptest::prop_oneof![
            "[ a-f0-9:.@+()/x-]{1,30}", "[0-9 -]{1,24}", "[a-zé中]{1,90}", "(phone|order|ssn|card|,| |\n| \\| )",
            proptest::sample::select(FIXTURES.iter().map(|row| row.0.to_owned()).collect::<Vec<_>>()),
        ], 0..12),
        seed in 0_usize..1000,
    ) {
        let pii = scanner();
        let text = parts.concat();
        let expected = whole(pii, &text);
        let bounds: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        for cut in &bounds {
            proptest::prop_assert_eq!(&pieces(pii, &text, &[*cut]), &expected, "{} at {}", text, cut);
        }
        let step = seed % 5 + 1;
        let many: Vec<usize> = bounds.iter().copied().step_by(step).collect();
        proptest::prop_assert_eq!(&pieces(pii, &text, &many), &expected, "{} by {}", text, step);
    }

    #[test]
    fn little_is_held_of_text_without_candidates(text in "[a-z ,.'\\n:é中-]{0,300}") {
        let text = text.replace("::", ":;");
        let decided = scanner().scan(Window { text: &text, from: 0, last: false }, &mut Vec::new());
        proptest::prop_assert!(text.len() - decided <= HOLD, "{}", text.len() - decided);
    }
}

#[test]
fn a_number_that_is_all_of_a_text_needs_no_word() {
    let kinds = [Entity::UkNhs, Entity::Phone];
    let pii = Pii::new(&kinds);
    let sure = |text: &str| {
        let mut found = Vec::new();
        pii.scan(Window::whole(text), &mut found);
        let best = found.iter().map(|finding| finding.confidence.0).max();
        best.unwrap_or_default()
    };
    for text in ["401-023-2137", " 401 023 2137\n", "030 901820"] {
        assert!(sure(text) >= 60, "{text:?}: {}", sure(text));
        for more in [
            format!("x {text}"),
            format!("{text} x"),
            format!("{text}, {text}"),
        ] {
            assert!(sure(&more) < 60, "{more:?}: {}", sure(&more));
        }
    }
}
