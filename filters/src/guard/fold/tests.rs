//! What folding promises.

use proptest::prelude::*;

use super::*;

fn folded(text: &str) -> String {
    Folded::of(text).map_or_else(|| text.to_owned(), |folded| folded.text().to_owned())
}

/// Where the folded text has this part, and what stands there in the original.
fn original<'a>(text: &'a str, part: &str) -> &'a str {
    let folded = Folded::of(text).unwrap();
    let at = folded.text().find(part).unwrap();
    &text[folded.original(at..at + part.len())]
}

#[test]
fn ascii_and_honest_text_wear_no_disguise() {
    for text in [
        "",
        "ignore me",
        "Größe, où, señor, łódź",
        "Привет, как дела?",
        "Ελληνικά κείμενα",
        "日本語のテキスト",
        "5 kΩ and a σ-algebra",
        "👨\u{200d}👩\u{200d}👧 family ❤\u{fe0f} and 1\u{fe0f}\u{20e3}",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} won",
    ] {
        assert!(Folded::of(text).is_none(), "{text}");
    }
}

#[test]
fn unseen_characters_are_dropped_and_counted_inside_words() {
    let text = "i\u{200b}g\u{200c}n\u{2060}o\u{ad}re \u{feff}all";
    let seen = Folded::of(text).unwrap();
    assert_eq!(seen.text(), "ignore all");
    assert_eq!(seen.flags.unseen, 4);
    assert!(seen.flags.suspicious());
    assert_eq!(
        original(text, "ignore"),
        "i\u{200b}g\u{200c}n\u{2060}o\u{ad}re"
    );
    assert_eq!(original(text, "all"), "all");
}

#[test]
fn an_end_leaves_out_what_is_not_seen_behind_it() {
    let text = "\u{200b}a\u{200b}\u{200b}b\u{200b}";
    assert_eq!(original(text, "a"), "a");
    assert_eq!(original(text, "b"), "b");
    assert_eq!(original(text, "ab"), "a\u{200b}\u{200b}b");
}

#[test]
fn tags_are_read_as_the_ascii_they_spell() {
    let hidden: String = "hi you"
        .chars()
        .map(|letter| char::from_u32(0xe0000 + u32::from(letter)).unwrap())
        .collect();
    let text = format!("Nice day.{hidden}");
    let seen = Folded::of(&text).unwrap();
    assert_eq!(seen.text(), "Nice day.hi you");
    assert_eq!(seen.flags.tags, 6);
    assert_eq!(original(&text, "hi you"), hidden);
}

#[test]
fn a_black_flag_does_not_hide_a_long_message() {
    let hidden: String = "ignore everything"
        .chars()
        .map(|letter| char::from_u32(0xe0000 + u32::from(letter)).unwrap())
        .collect();
    assert!(folded(&format!("\u{1f3f4}{hidden}\u{e007f}")).ends_with("ignore everything"));
}

#[test]
fn letters_of_another_script_are_folded_in_mixed_words_only() {
    // Cyrillic а, е, о in Latin words; a Russian word of twins alone stays.
    assert_eq!(
        folded("ign\u{43e}r\u{435} \u{441}\u{43e}\u{440}"),
        "ignore \u{441}\u{43e}\u{440}"
    );
    assert_eq!(original("my p\u{430}ss", "pass"), "p\u{430}ss");
    assert_eq!(folded("\u{440}\u{430}ypal"), "paypal");
    assert_eq!(folded("\u{430}\u{200b}dmin"), "admin");
}

#[test]
fn digits_and_full_width_forms_become_ascii() {
    assert_eq!(folded("４１１１－１１１１"), "4111-1111");
    assert_eq!(folded("٤١١١ ۴۱۱۱ ४१११"), "4111 4111 4111");
    assert_eq!(folded("ａ＠ｂ．ｃｏｍ"), "a@b.com");
    assert_eq!(original("tel ４１１", "411"), "４１１");
}

#[test]
fn spaces_and_hyphens_that_do_not_break_are_spaces_and_hyphens() {
    assert_eq!(folded("4111\u{a0}1111\u{2011}22"), "4111 1111-22");
}

#[test]
fn a_megabyte_in_disguise_is_folded_in_one_go() {
    let word = ("\u{430}\u{200b}".repeat(20) + "x").repeat(10_000);
    assert_eq!(folded(&word).len(), 210_000);
    let far = "\u{430}".repeat(200_000) + "x";
    assert_eq!(folded(&far).len(), far.len() - NEAR / 2);
}

/// Letters of all classes, and words' ends.
fn hidden_text() -> impl Strategy<Value = String> {
    let letters = "abXY01 .-_@é\u{430}\u{43e}\u{3b1}\u{416}\u{200b}\u{200d}\u{fe0f}\u{34f}\u{e0061}\u{e007f}\u{1f3f4}❤👩４٤ａ\u{a0}\n";
    let letters: Vec<char> = letters.chars().collect();
    proptest::collection::vec(proptest::sample::select(letters), 0..40)
        .prop_map(|letters| letters.into_iter().collect())
}

#[test]
fn a_digit_does_not_end_a_word_whose_latin_letters_may_still_come() {
    for text in ["is \u{395}11", "is \u{395}\u{34f}", "is \u{395}_1\u{3164}"] {
        assert_eq!(stable(text), 3, "{text:?}");
    }
    assert_eq!(stable("is \u{395}1a1"), 8);
}

proptest! {
    #[test]
    fn what_is_stable_folds_the_same_whatever_follows(
        text in hidden_text(), cut in any::<proptest::sample::Index>()
    ) {
        let cut = text.floor_char_boundary(cut.index(text.len() + 1));
        let end = stable(&text[..cut]);
        prop_assert!(cut - end <= NEAR);
        prop_assert!(folded(&text).starts_with(&folded(&text[..end])));
    }

    #[test]
    fn pieces_cut_at_white_space_fold_like_the_whole(text in hidden_text()) {
        let pieces: Vec<String> = text.split_inclusive(char::is_whitespace).map(folded).collect();
        prop_assert_eq!(pieces.concat(), folded(&text));
    }

    #[test]
    fn every_range_maps_to_whole_characters_in_order(text in hidden_text()) {
        if let Some(seen) = Folded::of(&text) {
            let ends: Vec<usize> = (0..=seen.text().len())
                .filter(|at| seen.text().is_char_boundary(*at))
                .collect();
            let mut last = 0;
            for pair in ends.windows(2) {
                let place = seen.original(pair[0]..pair[1]);
                prop_assert!(text.get(place.clone()).is_some_and(|part| part.chars().count() == 1));
                prop_assert!(place.start >= last);
                last = place.end;
            }
        }
    }
}
