//! Streams of providers that speak `ollama_chat`.
#![no_main]

use alfred_filters::dialect::Dialect;
use alfred_filters_fuzz::{Choices, decoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (choices, stream) = Choices::split(input);
    decoder::check(Dialect::OllamaChat, choices, stream.to_vec());
});
