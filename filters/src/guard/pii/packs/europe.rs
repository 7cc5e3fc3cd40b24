//! Numbers of France, Spain, Italy, Poland, the Low Countries, Portugal, Switzerland,
//! Austria, Sweden, Finland and Turkey.

use super::super::Entity;
use super::super::checks::{at, day_of_month, figure, luhn, uniform, value, weighted};
use super::super::rules::Rule;
use super::{STRONG, WEAK};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Entity::FrNir,
        &["9-99-99-9X-999-999-99"],
        french,
        STRONG,
        &["sécurité sociale", "nir", "insee", "securite sociale"],
    ),
    Rule::new(
        Entity::EsNif,
        &["99999999-A", "9999999-A"],
        spanish,
        (60, 95),
        &["nif", "dni"],
    ),
    Rule::new(
        Entity::EsNie,
        &["A9999999-A"],
        foreigner,
        STRONG,
        &["nie", "extranjero"],
    ),
    Rule::new(
        Entity::ItFiscalCode,
        &["AAAAAA99A99A999A"],
        |_| true,
        (60, 95),
        &["codice fiscale", "fiscal code", "c.f."],
    ),
    Rule::new(
        Entity::ItVat,
        &["99999999999"],
        |digits| !uniform(digits) && luhn(digits),
        WEAK,
        &["partita iva", "p.iva", "piva", "vat"],
    ),
    Rule::new(
        Entity::ItIdentityCard,
        &["AA99999AA", "9999999AA", "AA-9999999"],
        |_| true,
        WEAK,
        &["carta d'identità", "carta identità", "identità", "cie"],
    ),
    Rule::new(Entity::PlPesel, &["99999999999"], pesel, WEAK, &["pesel"]),
    Rule::new(
        Entity::NlBsn,
        &["999999999", "9999.99.999"],
        bsn,
        WEAK,
        &["bsn", "burgerservicenummer", "sofinummer"],
    ),
    Rule::new(
        Entity::BeNational,
        &["99.99.99h999.99", "99999999999"],
        belgian,
        (60, 95),
        &[
            "rijksregister",
            "registre national",
            "national number",
            "niss",
            "insz",
        ],
    ),
    Rule::new(
        Entity::PtNif,
        &["999-999-999"],
        portuguese,
        WEAK,
        &["nif", "contribuinte"],
    ),
    Rule::new(
        Entity::ChAhv,
        &["999.9999.9999.99"],
        swiss,
        STRONG,
        &["ahv", "avs", "sozialversicherungsnummer"],
    ),
    Rule::new(
        Entity::AtSvnr,
        &["9999-999999"],
        austrian,
        WEAK,
        &["svnr", "sozialversicherung", "sv-nummer"],
    ),
    Rule::new(
        Entity::SePersonnummer,
        &["999999c9999", "99999999c9999", "999999999999", "9999999999"],
        swedish,
        WEAK,
        &["personnummer", "pnr", "personnr"],
    ),
    Rule::new(
        Entity::SeOrganisation,
        &["999999h9999", "9999999999"],
        |digits| at(digits, 2) >= b'2' && luhn(digits),
        WEAK,
        &["organisationsnummer", "orgnr", "org.nr", "company"],
    ),
    Rule::new(
        Entity::FiHetu,
        &["999999c999X"],
        finnish,
        STRONG,
        &["henkilötunnus", "hetu", "personbeteckning"],
    ),
    Rule::new(
        Entity::TrId,
        &["99999999999"],
        turkish,
        WEAK,
        &["tc kimlik", "kimlik", "tckn", "kişi"],
    ),
];

fn french(bytes: &[u8]) -> bool {
    let island = match at(bytes, 6) {
        b'A' => 19,
        b'B' => 18,
        _ => figure(bytes, 5, 7),
    };
    let head = figure(bytes, 0, 5) * 100 + island;
    let number = head * 1_000_000 + figure(bytes, 7, 13);
    let sex = matches!(at(bytes, 0), b'1' | b'2' | b'7' | b'8');
    sex && figure(bytes, 3, 5) > 0 && 97 - number % 97 == figure(bytes, 13, 15)
}

fn lettered(number: u64, letter: u8) -> bool {
    const LETTERS: &[u8] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    at(LETTERS, (number % 23) as usize) == letter
}

fn spanish(bytes: &[u8]) -> bool {
    let Some((letter, digits)) = bytes.split_last() else {
        return false;
    };
    lettered(figure(digits, 0, digits.len()), *letter)
}

fn foreigner(bytes: &[u8]) -> bool {
    let lead = match at(bytes, 0) {
        b'X' => 0,
        b'Y' => 1,
        b'Z' => 2,
        _ => return false,
    };
    lettered(lead * 10_000_000 + figure(bytes, 1, 8), at(bytes, 8))
}

fn pesel(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
    let born = day_of_month(figure(digits, 4, 6), figure(digits, 2, 4) % 20);
    born && value(at(digits, 10)) == Some((10 - sum % 10) % 10)
}

fn bsn(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    !uniform(digits) && value(at(digits, 8)).is_some_and(|last| sum % 11 == last)
}

fn belgian(digits: &[u8]) -> bool {
    let (number, check) = (figure(digits, 0, 9), figure(digits, 9, 11));
    let holds = |number: u64| 97 - number % 97 == check;
    let month = figure(digits, 2, 4) % 20;
    month <= 12 && number > 0 && (holds(number) || holds(2_000_000_000 + number))
}

fn portuguese(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    matches!(at(digits, 0), b'1'..=b'3' | b'5' | b'6' | b'8' | b'9')
        && value(at(digits, 8)) == Some(check)
}

fn swiss(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]);
    digits.starts_with(b"756") && sum.is_multiple_of(10)
}

fn austrian(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[3, 7, 9, 0, 5, 8, 4, 2, 1, 6]) % 11;
    let born = day_of_month(figure(digits, 4, 6), figure(digits, 6, 8));
    born && value(at(digits, 3)) == Some(sum)
}

/// With or without a century; `-` or `+` may stand before the last four.
fn swedish(bytes: &[u8]) -> bool {
    let mut digits = [0; 12];
    let mut length = 0;
    for byte in bytes.iter().filter(|byte| byte.is_ascii_digit()) {
        if let Some(slot) = digits.get_mut(length) {
            *slot = *byte;
            length += 1;
        }
    }
    let odd = bytes.iter().any(u8::is_ascii_alphabetic) || !matches!(length, 10 | 12);
    let short = digits
        .get(length.saturating_sub(10)..length)
        .unwrap_or_default();
    let century = length == 10 || matches!(figure(&digits, 0, 2), 18..=20);
    let day = figure(short, 4, 6);
    // Coordination numbers add 60 to the day.
    let day = if day > 60 { day - 60 } else { day };
    !odd && century && day_of_month(day, figure(short, 2, 4)) && luhn(short)
}

fn finnish(bytes: &[u8]) -> bool {
    const LETTERS: &[u8] = b"0123456789ABCDEFHJKLMNPRSTUVWXY";
    let century = matches!(at(bytes, 6), b'+' | b'-' | b'A'..=b'F' | b'U'..=b'Y');
    let number = figure(bytes, 0, 6) * 1000 + figure(bytes, 7, 10);
    let born = day_of_month(figure(bytes, 0, 2), figure(bytes, 2, 4));
    century
        && born
        && figure(bytes, 7, 10) >= 2
        && at(LETTERS, (number % 31) as usize) == at(bytes, 10)
}

fn turkish(digits: &[u8]) -> bool {
    let odd = weighted(digits, &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
    let even = weighted(digits, &[0, 1, 0, 1, 0, 1, 0, 1]);
    let tenth = (odd * 7 + 100 - even) % 10;
    at(digits, 0) != b'0'
        && value(at(digits, 9)) == Some(tenth)
        && value(at(digits, 10)) == Some((odd + even + tenth) % 10)
}
