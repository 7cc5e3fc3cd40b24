//! Why: money is right to the last nano-credit, for every provider's way of counting.

use alfred_filters::event::{Billed, Usage};

use super::{Charge, Class, Nanos, Price, PriceTable, ServiceTier, Unpriced, UsageCounts, cost};
use proptest::prelude::*;

fn price_of(kind: &str, model: &str) -> Price {
    let table = PriceTable::shipped();
    table.price(kind, kind, model).expect(model).clone()
}

fn plain(price: &Price, usage: UsageCounts) -> Result<Nanos, Unpriced> {
    cost(price, &usage, ServiceTier::Standard, Charge::default())
}

fn simple() -> Price {
    Price::new().with(Class::Input, 3).with(Class::Output, 7)
}

#[test]
fn a_request_is_rounded_up_once_not_per_kind_of_token() {
    let usage = |input, output| UsageCounts {
        input,
        output,
        ..UsageCounts::default()
    };
    // 3 + 7 pico-USD: one nano-credit, not two.
    assert_eq!(plain(&simple(), usage(1, 1)), Ok(Nanos::new(1)));
    assert_eq!(plain(&simple(), usage(100, 100)), Ok(Nanos::new(1)));
    assert_eq!(plain(&simple(), usage(101, 100)), Ok(Nanos::new(2)));
    assert_eq!(plain(&simple(), usage(0, 0)), Ok(Nanos::ZERO));
}

#[test]
fn unknown_is_never_free() {
    let only_input = Price::new().with(Class::Input, 5);
    let mut usage = UsageCounts {
        input: 1_000,
        ..UsageCounts::default()
    };
    assert_eq!(plain(&only_input, usage), Ok(Nanos::new(5)));
    usage.output = 1;
    assert_eq!(
        plain(&only_input, usage),
        Err(Unpriced::Unknown(Class::Output))
    );
    assert_eq!(
        plain(&Price::new(), usage),
        Err(Unpriced::Unknown(Class::Input))
    );
    assert_eq!(plain(&Price::free(), usage), Ok(Nanos::ZERO));
}

#[test]
fn absurd_counts_are_an_error_and_never_wrap() {
    let usage = UsageCounts {
        input: u64::MAX,
        output: u64::MAX,
        ..UsageCounts::default()
    };
    let dear = Price::new()
        .with(Class::Input, u64::MAX)
        .with(Class::Output, u64::MAX);
    assert_eq!(plain(&dear, usage), Err(Unpriced::Overflow));
    let ordinary = price_of("openai", "gpt-4o-mini");
    assert_eq!(plain(&ordinary, usage), Err(Unpriced::Overflow));
}

#[test]
fn details_larger_than_their_total_are_cut_to_it() {
    // Azure-hosted Grok reports more cached tokens than prompt tokens (providers.md, 0.5).
    let price = simple().with(Class::CacheRead, 1);
    let usage = UsageCounts {
        input: 1_000,
        cached: 5_000,
        cache_write: 9,
        audio_in: 9,
        output: 1_000,
        reasoning: 8_000,
        audio_out: 2_000,
        ..UsageCounts::default()
    };
    assert_eq!(plain(&price, usage), Ok(Nanos::new(1 + 7)));
}

#[test]
fn mark_up_and_the_worth_of_a_credit_enter_before_the_rounding() {
    let usage = UsageCounts {
        input: 1_000_000,
        ..UsageCounts::default()
    };
    let charge = |credit_usd_ppm, markup_ppm| Charge {
        credit_usd_ppm,
        markup_ppm,
    };
    let charged = |charge| cost(&simple(), &usage, ServiceTier::Standard, charge);
    assert_eq!(charged(charge(1_000_000, 1_200_000)), Ok(Nanos::new(3_600)));
    assert_eq!(charged(charge(10_000, 1_000_000)), Ok(Nanos::new(300_000)));
    assert_eq!(charged(charge(3_000_000, 1_000_001)), Ok(Nanos::new(1_001)));
    assert_eq!(charged(charge(0, 1)), Ok(Nanos::new(3_000)));
}

#[test]
fn openai_counts_cached_and_reasoning_tokens_inside_the_totals() {
    let usage = UsageCounts {
        input: 10_000,
        cached: 8_000,
        output: 500,
        reasoning: 300,
        ..UsageCounts::default()
    };
    // gpt-4o-mini: in 150,000, cache_read 75,000, out 600,000 pico-USD per token.
    let expected = (2_000 * 150_000 + 8_000 * 75_000 + 500 * 600_000) / 1_000;
    let price = price_of("openai", "gpt-4o-mini");
    assert_eq!(plain(&price, usage), Ok(Nanos::new(expected)));
}

#[test]
fn what_is_on_the_bill_is_charged_where_there_is_one() {
    let usage = Usage {
        input: 1508,
        output: 42,
        cached: 1040,
        reasoning: 40,
        billed: Some(Billed {
            input: 69,
            output: 19,
        }),
        ..Usage::default()
    };
    let billed = UsageCounts {
        input: 69,
        output: 19,
        reasoning: 19,
        ..UsageCounts::default()
    };
    assert_eq!(UsageCounts::billed(usage), billed);
    let all = Usage {
        billed: None,
        ..usage
    };
    assert_eq!(UsageCounts::billed(all), UsageCounts::from(all));
}

#[test]
fn anthropic_charges_cache_writes_by_how_long_they_are_kept() {
    let usage = UsageCounts {
        input: 100 + 4_000 + 3_000,
        cached: 4_000,
        cache_write: 3_000,
        cache_write_1h: 1_000,
        output: 50,
        ..UsageCounts::default()
    };
    // claude-haiku-4-5: in 1.0, read 0.1, write 1.25, write 1h 2.0, out 5.0 USD per million.
    let expected = 100 * 1_000 + 4_000 * 100 + 2_000 * 1_250 + 1_000 * 2_000 + 50 * 5_000;
    let price = price_of("anthropic", "claude-haiku-4-5");
    assert_eq!(plain(&price, usage), Ok(Nanos::new(expected)));
}

#[test]
fn a_service_tier_has_its_own_price_or_the_ordinary_one() {
    let usage = UsageCounts {
        input: 1_000,
        output: 1_000,
        reasoning: 400,
        ..UsageCounts::default()
    };
    // gemini-2.5-flash: in 300,000 / 150,000 batch and flex, out 2,500,000 / 1,250,000.
    let price = price_of("gemini", "gemini-2.5-flash");
    let of = |tier| cost(&price, &usage, tier, Charge::default()).unwrap().get();
    assert_eq!(of(ServiceTier::Standard), 2_800_000);
    assert_eq!(of(ServiceTier::Batch), 1_400_000);
    assert!(of(ServiceTier::Priority) > of(ServiceTier::Standard));
    let of = |tier| cost(&simple(), &usage, tier, Charge::default());
    assert_eq!(of(ServiceTier::Flex), of(ServiceTier::Standard));
    assert_eq!(ServiceTier::read("flex"), ServiceTier::Flex);
    assert_eq!(ServiceTier::read("on_demand"), ServiceTier::Standard);
}

#[test]
fn a_long_prompt_is_charged_at_the_long_price_as_a_whole() {
    // claude-haiku-5-5: above 100,000 tokens in 500,000 and out 2,500,000 instead of a fifth.
    let price = price_of("anthropic", "claude-haiku-5-5");
    let usage = |input| UsageCounts {
        input,
        cached: 1_000,
        output: 10,
        ..UsageCounts::default()
    };
    let short = 99_000 * 100 + 1_000 * 10 + 10 * 500;
    assert_eq!(plain(&price, usage(100_000)), Ok(Nanos::new(short)));
    let long = 99_001 * 500 + 1_000 * 50 + 10 * 2_500;
    assert_eq!(plain(&price, usage(100_001)), Ok(Nanos::new(long)));
}

#[test]
fn a_step_that_names_only_the_plain_price_never_makes_a_tier_cheaper() {
    let text = r#"{"in":10,"in_priority":30,"in_flex":5,"out":1,"out_reasoning":1,
        "tiers":[{"above":100,"in":20,"out":4},{"above":50,"in":15}]}"#;
    let price = Price::from_json(text).unwrap();
    let at = |tier, prompt| price.per_token(Class::Input, tier, prompt);
    assert_eq!(at(ServiceTier::Priority, 101), Some(30));
    assert_eq!(at(ServiceTier::Flex, 101), Some(20));
    assert_eq!(at(ServiceTier::Flex, 51), Some(15));
    assert_eq!(at(ServiceTier::Flex, 50), Some(5));
    assert_eq!(at(ServiceTier::Standard, 51), Some(15));
    let reasoning = |prompt| price.per_token(Class::OutputReasoning, ServiceTier::Standard, prompt);
    assert_eq!((reasoning(1), reasoning(101)), (Some(1), Some(4)));
}

#[test]
fn a_line_that_is_no_price_is_no_price() {
    assert_eq!(Price::from_json("nonsense"), None);
    let odd = Price::from_json(r#"{"in":"1","out":-2,"cache_read":1.5,"tiers":[7,{"in":3}]}"#);
    assert_eq!(odd, Some(Price::new()));
}

fn counts() -> impl Strategy<Value = UsageCounts> {
    let few = 0_u64..1 << 40;
    (prop::array::uniform8(few), any::<bool>()).prop_map(|(n, contained)| {
        let [a, b, c, d, e, f, g, h] = n;
        let (cache_write_1h, cache_write) = (c.min(d), c.max(d));
        let inside = if contained { b + cache_write + f } else { 0 };
        let (input, output) = (a + inside, e + if contained { g + h } else { 0 });
        UsageCounts {
            input,
            output,
            cached: b,
            cache_write,
            cache_write_1h,
            reasoning: g,
            audio_in: f,
            audio_out: h,
        }
    })
}

/// The same sum by repeated subtraction, in numbers that cannot overflow here.
fn oracle(prices: &[u64; 8], usage: &UsageCounts, charge: Charge) -> u128 {
    let mut input = usage.input;
    let mut output = usage.output;
    let mut sum = 0_u128;
    let mut spend = |pot: &mut u64, tokens: u64, price: u64| {
        let tokens = tokens.min(*pot);
        *pot -= tokens;
        sum += u128::from(tokens) * u128::from(price);
    };
    let [
        p_in,
        p_out,
        p_read,
        p_write,
        p_1h,
        p_reason,
        p_audio_in,
        p_audio_out,
    ] = *prices;
    spend(&mut input, usage.cached, p_read);
    spend(&mut input, usage.cache_write_1h, p_1h);
    spend(
        &mut input,
        usage.cache_write - usage.cache_write_1h,
        p_write,
    );
    spend(&mut input, usage.audio_in, p_audio_in);
    let rest = input;
    spend(&mut input, rest, p_in);
    spend(&mut output, usage.audio_out, p_audio_out);
    spend(&mut output, usage.reasoning, p_reason);
    let rest = output;
    spend(&mut output, rest, p_out);
    let scaled = sum * u128::from(charge.markup_ppm);
    let divisor = 1_000 * u128::from(charge.credit_usd_ppm);
    scaled / divisor + u128::from(!scaled.is_multiple_of(divisor))
}

proptest! {
    #[test]
    fn the_cost_equals_an_exact_oracle(
        usage in counts(),
        prices in prop::array::uniform8(0_u64..1 << 35),
        credit_usd_ppm in 1_u32..,
        markup_ppm in 0_u32..,
    ) {
        let charge = Charge { credit_usd_ppm, markup_ppm };
        let classes = [
            Class::Input, Class::Output, Class::CacheRead, Class::CacheWrite,
            Class::CacheWrite1h, Class::OutputReasoning, Class::InputAudio, Class::OutputAudio,
        ];
        let price = classes
            .into_iter()
            .zip(prices)
            .fold(Price::new(), |price, (class, pico)| price.with(class, pico));
        let expected = i64::try_from(oracle(&prices, &usage, charge))
            .map(Nanos::new)
            .map_err(|_| Unpriced::Overflow);
        prop_assert_eq!(cost(&price, &usage, ServiceTier::Standard, charge), expected);
    }

    #[test]
    fn no_counts_and_no_prices_panic(
        n in prop::array::uniform8(any::<u64>()),
        prices in prop::array::uniform2(any::<u64>()),
        credit_usd_ppm: u32,
        markup_ppm: u32,
    ) {
        let [input, output, cached, cache_write, cache_write_1h, reasoning, audio_in, audio_out] = n;
        let usage = UsageCounts {
            input, output, cached, cache_write, cache_write_1h, reasoning, audio_in, audio_out,
        };
        let price = Price::new().with(Class::Input, prices[0]).with(Class::Output, prices[1]);
        let charge = Charge { credit_usd_ppm, markup_ppm };
        if let Ok(cost) = cost(&price, &usage, ServiceTier::Priority, charge) {
            prop_assert!(cost >= Nanos::ZERO);
        }
    }
}
