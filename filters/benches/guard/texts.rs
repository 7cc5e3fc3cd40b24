//! The texts that guards are measured on. All of them are made here, the same in every
//! run: no two sentences have the same numbers, so that nothing is learnt by heart.

/// Draws numbers, the same ones in every run.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new() -> Dice {
        Dice(0x5eed_0000_1234_5678)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        let place = self.below(all.len() as u64) as usize;
        all.get(place).unwrap()
    }
}

const WORDS: &[&str] = &[
    "the", "bridge", "over", "a", "river", "and", "its", "keeper", "said", "nothing", "of",
    "winter", "when", "costs", "were", "counted", "by", "every", "hand", "in", "town", "budget",
    "agreed", "that", "roads", "carry", "more", "people", "than", "before", "it", "is", "letters",
];

/// Sentences of plain words, with a number now and then.
pub(crate) fn prose(size: usize) -> String {
    let mut dice = Dice::new();
    let mut text = String::with_capacity(size + 256);
    while text.len() < size {
        text.push_str("The ");
        for _ in 0..4 + dice.below(14) {
            text.push_str(dice.of(WORDS));
            text.push(' ');
        }
        let year = 1900 + dice.below(130);
        let end = [". ", ", so they say. ", "?\n", ": "];
        match dice.below(4) {
            0 => text.push_str(&format!("in {year}{}", dice.of(&end))),
            1 => text.push_str(&format!("(page {})! ", dice.below(400))),
            _ => text.push_str(&format!("there{}", dice.of(&end))),
        }
    }
    text.truncate(size);
    text
}

/// A program.
pub(crate) fn code(size: usize) -> String {
    let mut dice = Dice::new();
    let mut text = String::with_capacity(size + 512);
    while text.len() < size {
        let (name, other) = (dice.of(WORDS), dice.of(WORDS));
        let (count, mask) = (dice.below(512), dice.below(1 << 16));
        text.push_str(&format!(
            "    pub fn {name}_{other}(&self, request: &Request<Body>) -> Result<Response, Error> {{\n\
             \x20       let retries = self.config.max_{name}.unwrap_or({count});\n\
             \x20       for (i, row) in rows.iter().enumerate() {{ out[i + {count}] = row ^ {mask:#06x}; }}\n\
             \x20       // see https://docs.example.org/{other}/{name}.html#section-{count}\n    }}\n",
        ));
    }
    text.truncate(size);
    text
}

/// Records of a program, with hashes and dates.
pub(crate) fn json(size: usize) -> String {
    let mut dice = Dice::new();
    let mut text = String::with_capacity(size + 512);
    while text.len() < size {
        let mut hex = || format!("{:08x}", dice.below(1 << 32));
        let (id, sha) = (hex(), [hex(), hex(), hex(), hex()].concat());
        let (name, day) = (dice.of(WORDS), 1 + dice.below(28));
        let bytes = dice.below(1 << 24);
        text.push_str(&format!(
            "{{\"id\":\"{id}-77aa-4b0e-9d51-0c3e{id}\",\"name\":\"{name} {day}\",\"tags\":[\"alpha\",\"{name}\"],\
             \"size\":{bytes},\"sha\":\"{sha}\",\"at\":\"2026-03-{day:02}T08:15:30Z\"}},\n"
        ));
    }
    text.truncate(size);
    text
}

/// A prompt as people send them: prose, a list, some code, an address to be found.
pub(crate) fn mixed(size: usize) -> String {
    let (prose, code, json) = (prose(size), code(size), json(size));
    let mut dice = Dice::new();
    let mut text = String::with_capacity(size + 1024);
    let mut at = 0;
    while text.len() < size {
        let mut add = |from: &str, length: usize| {
            let part = from.get(at..at + length).unwrap_or(from);
            text.push_str(part.trim_end());
            text.push('\n');
            at = (at + length) % (size / 2);
        };
        add(&prose, 700);
        add(&code, 250);
        add(&prose, 400);
        add(&json, 150);
        text.push_str(&format!(
            "- on 2026-03-{:02} at 10:32 the job v2.4.{} took {} ms; Ann (ann.lee{}@example.org) said: \"retry\"\n",
            1 + dice.below(28),
            dice.below(20),
            dice.below(900),
            dice.below(99),
        ));
    }
    text.truncate(size);
    text
}

/// Lines of a log, dense with numbers.
pub(crate) fn log(size: usize) -> String {
    let mut dice = Dice::new();
    let mut text = String::with_capacity(size + 256);
    while text.len() < size {
        let (minute, wait, port) = (dice.below(60), dice.below(900), dice.below(60_000));
        let (name, key) = (dice.of(WORDS), dice.below(1 << 32));
        text.push_str(&format!(
            "2026-03-14T08:{minute:02}:30Z INFO gateway::route path=/v1/{name} id={key:08x} port={port} ms={wait}\n"
        ));
    }
    text.truncate(size);
    text
}

/// Sentences with letters of other scripts, curly quotes, dashes and pictures.
pub(crate) fn foreign(size: usize) -> String {
    const SENTENCES: &[&str] = &[
        "Für die Brücke über den Fluß fehlte „nur“ das Geld – so sagte es Frau Müller. ",
        "Le pont d’été coûte 42 € de plus, hélas… ",
        "Мост через реку никто не считал, и 7 писем остались без ответа. ",
        "橋の費用は誰も数えなかった。冬の前に、１２人が集まった。",
        "The keeper’s answer: “nothing — ever” 🙂👍🏽 (see № 12). ",
    ];
    let mut dice = Dice::new();
    let mut text = String::with_capacity(size + 256);
    while text.len() < size {
        text.push_str(dice.of(SENTENCES));
    }
    text.truncate(text.floor_char_boundary(size));
    text
}

/// Bytes drawn by lot in base 64, in lines of that length.
pub(crate) fn base64(size: usize, line: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut dice = Dice::new();
    let mut letter = |place: usize| match (place + 1).is_multiple_of(line + 1) {
        true => '\n',
        false => char::from(*LETTERS.get(dice.below(64) as usize).unwrap()),
    };
    (0..size).map(&mut letter).collect()
}

/// A piece again and again.
pub(crate) fn repeated(piece: &str, size: usize) -> String {
    let mut text = piece.repeat(size / piece.len() + 1);
    let end = text.floor_char_boundary(size);
    text.truncate(end);
    text
}
