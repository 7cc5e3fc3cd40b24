//! Names and postal addresses: what is found in each language, what is left, and that
//! cuts do not matter to either.

use std::sync::LazyLock;

use super::cue_words::{ALL, NOBODY_WORDS, PARTICLE_WORDS, SMALL_WORDS, STREET_WORDS};
use super::tests::{pieces, whole};
use super::*;
use crate::guard::Kind;

fn scanner() -> &'static Pii {
    static BOTH: LazyLock<Pii> = LazyLock::new(|| Pii::new(&[Entity::Person, Entity::Address]));
    &BOTH
}

fn found(text: &str) -> Vec<(Entity, &str)> {
    let named = whole(scanner(), text).into_iter().filter_map(|finding| {
        let Kind::Pii(entity) = finding.kind else {
            return None;
        };
        Some((entity, text.get(finding.span)?))
    });
    named.collect()
}

const PEOPLE: &[(&str, &str)] = &[
    ("Hello, my name is Ann Lee and I need help.", "Ann Lee"),
    ("MY NAME IS Ann-Marie O'Neil.", "Ann-Marie O'Neil"),
    ("Please ask Mr. J. R. Smith about it.", "J. R. Smith"),
    ("Dear Jonathan,\nwe met", "Jonathan"),
    (
        "See you.\n\nKind regards,\nMary Ann Evans\n",
        "Mary Ann Evans",
    ),
    (
        "Full name: Ludwig van Beethoven\nPhone:",
        "Ludwig van Beethoven",
    ),
    ("Name: Jeremy Reyna\nPhone: 1", "Jeremy Reyna"),
    ("{\"name\": \"Ann Lee\", \"age\": 3}", "Ann Lee"),
    ("{\"firstName\":\"Ann\"}", "Ann"),
    ("Ich heiße Jürgen Müller und wohne", "Jürgen Müller"),
    ("Sehr geehrter Herr Dr. Özdemir,", "Özdemir"),
    ("mein Name ist Łukasz Groß.", "Łukasz Groß"),
    (
        "Mit freundlichen Grüßen\nAnke von der Heide",
        "Anke von der Heide",
    ),
    ("Je m'appelle Élodie Lefèvre.", "Élodie Lefèvre"),
    ("Je m’appelle Chloé et", "Chloé"),
    ("Madame Dupont est partie", "Dupont"),
    ("Nom de famille : Moreau", "Moreau"),
    ("Hola, me llamo José García López y", "José García López"),
    ("La Sra. Núñez llamó", "Núñez"),
    ("Mi chiamo Giulia De Luca e", "Giulia De Luca"),
    ("Gentile Marco,\ngrazie", "Marco"),
    ("O meu nome é João da Silva.", "João da Silva"),
    ("Atenciosamente,\nInês Sousa\n", "Inês Sousa"),
    ("Mijn naam is Sanne de Vries.", "Sanne de Vries"),
    ("Geachte mevrouw, Mevrouw Jansen belde", "Jansen"),
    ("Nazywam się Żaneta Wiśniewska.", "Żaneta Wiśniewska"),
    ("Imię i nazwisko: Paweł Nowak", "Paweł Nowak"),
    (
        "tell her that Nguyễn is no match, but my name is Nguyễn Văn An.",
        "Nguyễn Văn An",
    ),
];

const PLACES: &[(&str, &str)] = &[
    (
        "I live at 12 High Street, London SW1A 1AA.",
        "12 High Street, London SW1A 1AA",
    ),
    ("Address: 221b Baker Street", "221b Baker Street"),
    ("my address is 4 Privet Drive and", "4 Privet Drive"),
    (
        "wohnhaft in Musterstraße 5a, 10115 Berlin, seit",
        "Musterstraße 5a, 10115 Berlin",
    ),
    (
        "Anschrift:\nAm Markt 3, 99084 Erfurt\n",
        "Am Markt 3, 99084 Erfurt",
    ),
    (
        "J'habite au 26 rue des Lilas, 75011 Paris.",
        "26 rue des Lilas, 75011 Paris",
    ),
    ("Vivo en la calle Mayor 3, Madrid", "calle Mayor 3, Madrid"),
    ("Dirección: Avda. Rio Nalón 58", "Avda. Rio Nalón 58"),
    ("abito in via Roma 12, Torino", "via Roma 12, Torino"),
    ("Moro na Rua Augusta 100, Lisboa", "Rua Augusta 100, Lisboa"),
    (
        "Ik woon aan de Nassaustraat 123, Utrecht",
        "Nassaustraat 123, Utrecht",
    ),
    (
        "mieszkam przy ul. Długiej 7, Kraków",
        "ul. Długiej 7, Kraków",
    ),
];

#[test]
fn people_who_are_introduced_are_found_in_every_language() {
    for (text, name) in PEOPLE {
        assert_eq!(found(text), [(Entity::Person, *name)], "{text}");
    }
}

#[test]
fn places_where_somebody_lives_are_found_in_every_language() {
    for (text, place) in PLACES {
        assert_eq!(found(text), [(Entity::Address, *place)], "{text}");
    }
}

#[test]
fn phrases_without_a_name_behind_them_are_left() {
    for text in [
        "Dear Sir or Madam,",
        "Dear Customer,",
        "Hi there!",
        "Hello World!",
        "Hello World",
        "Hi Ann where are you",
        "my name is not important",
        "My name is what?",
        "my name is root@example.org",
        "the name is foo_bar, name: Foo::Bar",
        "\"name\": \"left-pad\", \"version\": 1",
        "steps:\n  - name: Run Tests\n",
        "name: build\nfrom: scratch",
        "Thanks,\nPlease find the file",
        "Kind regards,\n[Your Name]",
        "Best,\nThe Team",
        "Frau ist ein Wort, Herrschaft auch",
        "die Frau Und",
        "a mr Smith without his capital",
        "pan American",
        "renamed Unnamed is Nothing",
        "address: 10.0.0.5",
        "Address: ann@example.org",
        "the address is 0x7fff5694",
        "I live at home",
        "ich wohne in Berlin und arbeite",
        "located at the end of the list",
        "he lives at 5 PM",
        "address: see page 12",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn neither_is_looked_for_unless_it_is_named() {
    let defaults = Pii::new(&Entity::defaults().collect::<Vec<_>>());
    for (text, _) in PEOPLE.iter().chain(PLACES) {
        assert_eq!(whole(&defaults, text), [], "{text}");
    }
    for one in [Entity::Person, Entity::Address] {
        let alone = Pii::new(&[one]);
        for (text, _) in PEOPLE.iter().chain(PLACES) {
            let others = whole(&alone, text).into_iter();
            assert_eq!(
                others
                    .filter(|finding| finding.kind != Kind::Pii(one))
                    .count(),
                0
            );
        }
    }
}

#[test]
fn phrases_are_written_as_the_automaton_reads_them() {
    for (cue, phrases) in ALL.iter().flat_map(|language| language.iter()) {
        for phrase in *phrases {
            assert!(phrase.len() <= cues::LONGEST, "{phrase}");
            assert_eq!(phrase.to_lowercase(), *phrase, "{cue:?}");
        }
    }
}

#[test]
fn lists_of_words_are_in_order_and_in_lower_case() {
    for list in [NOBODY_WORDS, PARTICLE_WORDS, SMALL_WORDS, STREET_WORDS] {
        assert!(list.is_sorted());
        for word in list {
            assert_eq!(word.to_lowercase(), *word);
        }
    }
}

#[test]
fn a_phrase_cut_anywhere_gives_the_findings_of_the_whole() {
    let pii = Pii::new(Entity::ALL);
    let rows = PEOPLE.iter().chain(PLACES).map(|row| row.0);
    for text in rows {
        let expected = whole(&pii, text);
        let cuts: Vec<usize> = (0..=text.len())
            .filter(|at| text.is_char_boundary(*at))
            .collect();
        assert_eq!(pieces(&pii, text, &cuts), expected, "{text} in characters");
        for cut in cuts {
            assert_eq!(pieces(&pii, text, &[cut]), expected, "{text} at {cut}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn cuts_do_not_matter_to_any_soup_of_phrases(
        parts in proptest::collection::vec(proptest::prop_oneof![
            proptest::sample::select(ALL.iter().flat_map(|language| language.iter())
                .flat_map(|(_, phrases)| phrases.iter().map(|phrase| (*phrase).to_owned())).collect::<Vec<_>>()),
            proptest::sample::select(PEOPLE.iter().chain(PLACES).map(|row| row.0.to_owned()).collect::<Vec<_>>()),
            "[ :,.\n]{1,3}", "(Ann|Lee|J\\.|Élo|12|10115| von |rue |@|Mr|dear|::1|\\+49 30 901820|a@b.org)", "[A-Za-zéŁ]{1,60}",
        ], 0..16),
        step in 1_usize..9,
    ) {
        static ALL_KINDS: LazyLock<Pii> = LazyLock::new(|| Pii::new(Entity::ALL));
        for text in [parts.concat(), parts.join(" ")] {
            let expected = whole(&ALL_KINDS, &text);
            let bounds: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
            for cut in &bounds {
                proptest::prop_assert_eq!(&pieces(&ALL_KINDS, &text, &[*cut]), &expected, "{} at {}", text, cut);
            }
            let many: Vec<usize> = bounds.iter().copied().step_by(step).collect();
            proptest::prop_assert_eq!(&pieces(&ALL_KINDS, &text, &many), &expected, "{} by {}", text, step);
        }
    }
}
