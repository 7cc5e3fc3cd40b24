//! Numbers of India, Korea, Singapore, Thailand, the Philippines, China and Japan.

use super::super::Entity;
use super::super::checks::{at, day_of_month, figure, uniform, value, verhoeff, weighted};
use super::super::rules::Rule;
use super::{STRONG, WEAK};

pub(super) const RULES: &[Rule] = &[
    Rule::new(
        Entity::InAadhaar,
        &["9999:9999:9999"],
        |digits| at(digits, 0) >= b'2' && !uniform(digits) && verhoeff(digits),
        (50, 95),
        &["aadhaar", "aadhar", "uidai"],
    ),
    Rule::new(
        Entity::InPan,
        &["AAAAA9999A"],
        holder,
        (60, 95),
        &["pan", "permanent account"],
    ),
    Rule::new(
        Entity::InGstin,
        &["99AAAAA9999AXAX"],
        |bytes| matches!(figure(bytes, 0, 2), 1..=38 | 97) && at(bytes, 13) == b'Z',
        STRONG,
        &["gstin", "gst"],
    ),
    Rule::new(
        Entity::InVoter,
        &["AAA9999999"],
        |_| true,
        WEAK,
        &["voter", "epic", "vote", "election"],
    ),
    Rule::new(
        Entity::KrRrn,
        &["999999-9999999"],
        |digits| born(digits) && matches!(at(digits, 6), b'1'..=b'4'),
        WEAK,
        &["rrn", "resident registration", "주민등록번호"],
    ),
    Rule::new(
        Entity::KrFrn,
        &["999999-9999999"],
        |digits| born(digits) && matches!(at(digits, 6), b'5'..=b'8'),
        WEAK,
        &["frn", "foreigner registration", "외국인등록번호"],
    ),
    Rule::new(
        Entity::KrBrn,
        &["999h99h99999", "9999999999"],
        business,
        WEAK,
        &["brn", "business registration", "사업자등록번호"],
    ),
    Rule::new(Entity::SgNric, &["A9999999A"], resident, STRONG, NRIC),
    Rule::new(Entity::SgNric, &["A9999999A"], |_| true, WEAK, NRIC),
    Rule::new(
        Entity::SgUen,
        &["99999999A", "999999999A", "A99AA9999A"],
        |_| true,
        WEAK,
        &["uen", "entity number"],
    ),
    Rule::new(
        Entity::ThId,
        &["9-9999-99999-99-9"],
        thai,
        WEAK,
        &[
            "thai national",
            "thai id",
            "citizen id",
            "เลขประจำตัวประชาชน",
        ],
    ),
    Rule::new(
        Entity::PhTin,
        &["999-999-999-999", "999-999-999"],
        |digits| at(digits, 0) < b'6',
        WEAK,
        &["tin", "taxpayer", "bir"],
    ),
    Rule::new(
        Entity::CnId,
        &["99999999999999999X"],
        chinese,
        STRONG,
        &["身份证", "resident id", "id card"],
    ),
    Rule::new(
        Entity::JpMyNumber,
        &["9999-9999-9999"],
        japanese,
        WEAK,
        &["my number", "mynumber", "マイナンバー", "個人番号"],
    ),
];

const NRIC: &[&str] = &["nric", "fin", "identity"];

/// The fourth letter says who holds the number.
fn holder(bytes: &[u8]) -> bool {
    matches!(
        at(bytes, 3),
        b'A' | b'B' | b'C' | b'F' | b'G' | b'H' | b'J' | b'L' | b'P' | b'T' | b'S' | b'E' | b'K'
    )
}

fn born(digits: &[u8]) -> bool {
    day_of_month(figure(digits, 4, 6), figure(digits, 2, 4))
}

fn business(digits: &[u8]) -> bool {
    // The carry of the ninth product counts once more.
    let carry = value(at(digits, 8)).unwrap_or(0) * 5 / 10;
    let sum = weighted(digits, &[1, 3, 7, 1, 3, 7, 1, 3, 5]) + carry;
    figure(digits, 0, 3) > 100 && value(at(digits, 9)) == Some((10 - sum % 10) % 10)
}

fn resident(bytes: &[u8]) -> bool {
    let (letters, lead): (&[u8], u32) = match at(bytes, 0) {
        b'S' => (b"JZIHGFEDCBA", 0),
        b'T' => (b"JZIHGFEDCBA", 4),
        b'F' => (b"XWUTRQPNMLK", 0),
        b'G' => (b"XWUTRQPNMLK", 4),
        b'M' => (b"XWUTRQPNJLK", 3),
        _ => return false,
    };
    let sum = lead + weighted(bytes.get(1..8).unwrap_or_default(), &[2, 7, 6, 5, 4, 3, 2]);
    let place = if at(bytes, 0) == b'M' {
        10 - sum % 11
    } else {
        sum % 11
    };
    at(letters, place as usize) == at(bytes, 8)
}

fn thai(digits: &[u8]) -> bool {
    let sum = weighted(digits, &[13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2]);
    at(digits, 0) != b'0' && !uniform(digits) && value(at(digits, 12)) == Some((11 - sum % 11) % 10)
}

fn chinese(bytes: &[u8]) -> bool {
    let sum = weighted(
        bytes,
        &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2],
    );
    let born = day_of_month(figure(bytes, 12, 14), figure(bytes, 10, 12));
    born && at(b"10X98765432", (sum % 11) as usize) == at(bytes, 17)
}

fn japanese(digits: &[u8]) -> bool {
    let rest = weighted(digits, &[6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let check = if rest < 2 { 0 } else { 11 - rest };
    !uniform(digits) && value(at(digits, 11)) == Some(check)
}
