//! Folding: what is found in a folded text is whole characters of the original,
//! in order, and the pieces of a text cut at white space fold like the whole.
#![no_main]

use alfred_filters::guard::fold::Folded;
use alfred_filters_fuzz::Choices;
use libfuzzer_sys::fuzz_target;

fn folded(text: &str) -> String {
    Folded::of(text).map_or_else(|| text.to_owned(), |folded| folded.text().to_owned())
}

fuzz_target!(|input: &[u8]| {
    let (_, bytes) = Choices::split(input);
    let text = String::from_utf8_lossy(bytes);
    let pieces = text.split_inclusive(|c: char| c.is_ascii_whitespace());
    let pieces: String = pieces.map(folded).collect();
    assert_eq!(pieces, folded(&text));
    let Some(folded) = Folded::of(&text) else {
        return;
    };
    let mut end = 0;
    for (at, found) in folded.text().char_indices() {
        let original = folded.original(at..at + found.len_utf8());
        assert!(text.get(original.clone()).is_some(), "{original:?}");
        assert!(original.start >= end || original.end >= end, "{original:?} {end}");
        end = original.end;
    }
});
