//! That no text makes the scanner slow. What it reads is counted, since a clock of a
//! shared machine proves nothing: every byte of a text is read a bounded number of times.

use super::view::work;
use super::*;

/// The most bytes that are read per byte of any text.
const MOST: u64 = 40;
/// How long a hostile text is, in bytes: long enough that what grows with it shows.
const SIZE: usize = 16 << 10;

/// What is told by its words, shapes and separators, over and over.
fn hostile() -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for byte in (1..128_u8).map(char::from) {
        for around in [
            "1", "12", "123456", "1:", "a1", "@", "(", "+1", "1.1.1.1", "| 123456",
        ] {
            texts.push(format!("{around}{byte}"));
        }
    }
    let words = words::ALL.iter().flat_map(|language| language.iter());
    let words = words.flat_map(|(_, words)| words.iter());
    for word in words.chain(packs::all().flat_map(|rule| rule.words)) {
        texts.extend(["", " ", " 1 ", "1", " 123456789 "].map(|rest| format!("{word}{rest}")));
    }
    let phrases = cue_words::ALL.iter().flat_map(|language| language.iter());
    for phrase in phrases.flat_map(|(_, phrases)| phrases.iter()) {
        let behind = [
            " ",
            ": ",
            " Ann",
            ": Ann Lee\n",
            ",\nAnn",
            " 1 ",
            ": rue de la ",
        ];
        texts.extend(behind.map(|behind| format!("{phrase}{behind}")));
    }
    for shape in packs::all().flat_map(|rule| rule.shapes) {
        let part = |part: char| match part {
            'A' | 'X' | '9' => part,
            's' | 'd' => '/',
            'p' | '.' => '.',
            'h' | 'c' => '-',
            _ => ' ',
        };
        let whole: String = shape.chars().map(part).collect();
        let most = whole.get(..whole.len() - 1).unwrap_or_default();
        texts.extend([
            format!("{whole} "),
            format!("{most} "),
            whole.replace(' ', "") + "\n",
        ]);
    }
    texts.extend(
        [
            "a@",
            "1@a.b ",
            "::",
            "a::",
            ":a",
            "a:a:a:a::",
            "fe80::1 ",
            "ab:cd:e1:",
            "-a-a-1",
            "4111 1111 1111 1112 ",
            "4111 1111 1111 1111 ",
            "GB82 ",
            "GB82 WEST ",
            "1(1)",
            "12(34)",
            "1 (2) 3 ",
            "+49 ",
            "0049 30 ",
            "(202) 555-0143 ",
            "1 202 555 0143 x1",
            "1 2 3 4 5 ",
            "|tel|\n|123456|\n",
            "|aaaa\n|123456|123456\n",
            "|tel|123456",
            "|\n",
            "|1\n|",
        ]
        .map(str::to_owned),
    );
    texts
}

#[test]
fn every_byte_of_a_hostile_text_is_read_a_few_times() {
    let scanners = [
        Pii::new(&Entity::defaults().collect::<Vec<_>>()),
        Pii::new(Entity::ALL),
    ];
    let mut worst = (0, String::new());
    for part in hostile() {
        let text = part.repeat(SIZE / part.len());
        for pii in &scanners {
            work::taken();
            pii.scan(Window::whole(&text), &mut Vec::new());
            let read = work::taken() / text.len() as u64;
            worst = worst.max((read, part.clone()));
        }
    }
    println!("{} bytes are read per byte of {:?}", worst.0, worst.1);
    assert!(worst.0 <= MOST, "{worst:?}");
}
