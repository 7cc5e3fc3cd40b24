//! Streams of Bedrock's: every line is a frame with right checksums.
#![no_main]

use alfred_filters::dialect::Dialect;
use alfred_filters_fuzz::{Choices, aws, decoder};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (choices, lines) = Choices::split(input);
    decoder::check(Dialect::BedrockConverse, choices, aws::lines(lines));
});
