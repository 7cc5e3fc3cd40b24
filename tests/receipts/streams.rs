//! What a stream looked like: events and tokens counted, the first one and the gaps timed, and the
//! usage that was asked for behind the client's back kept from it.

use serde_json::{Value, json};

use crate::support::{Answer, Gateway, Upstream, chat, streaming};
use crate::world::{calm, config};

async fn start() -> (Upstream, Gateway) {
    let mock = Upstream::mock().await;
    let prices = "prices: { \"p/*\": { in: 1000, out: 3000 } }\n";
    let yaml = prices.to_owned() + &config(&[mock.provider("p", &calm(""))], &[]);
    (mock, Gateway::start(&yaml).await)
}

async fn streamed(gateway: &Gateway, answer: &Answer) -> Value {
    gateway.receipt_of(answer).await["streamed"].clone()
}

#[tokio::test]
async fn events_and_text_are_counted_on_both_sides() {
    let (_mock, gateway) = start().await;
    let answer = gateway
        .chat(&streaming("p/stream?chunks=25"))
        .await
        .expect(200);
    let streamed = streamed(&gateway, &answer).await;
    let emitted = answer.events().data.len();
    assert!(
        (26..=30).contains(&streamed["provider_events"].as_u64().unwrap()),
        "{streamed}"
    );
    assert!(
        streamed["emitted_events"]
            .as_u64()
            .unwrap()
            .abs_diff(emitted as u64)
            <= 1,
        "{emitted}: {streamed}"
    );
    assert_eq!(
        streamed["text_bytes"],
        answer.events().text().len(),
        "{streamed}"
    );
    assert!(
        streamed["counted_tokens"].as_u64().unwrap() >= 25,
        "{streamed}"
    );
}

#[tokio::test]
async fn the_first_token_and_the_longest_silence_are_timed() {
    let (_mock, gateway) = start().await;
    let answer = gateway
        .chat(&streaming("p/slow?first_byte=200ms&chunks=3"))
        .await
        .expect(200);
    let first = streamed(&gateway, &answer).await["first_token_us"]
        .as_u64()
        .unwrap();
    assert!((190_000..5_000_000).contains(&first), "{first}");
    let answer = gateway
        .chat(&streaming("p/stall?after=2&for=400ms"))
        .await
        .expect(200);
    let streamed = streamed(&gateway, &answer).await;
    let gap = streamed["longest_gap_us"].as_u64().unwrap();
    assert!((350_000..5_000_000).contains(&gap), "{streamed}");
    assert!(
        streamed["first_token_us"].as_u64().unwrap() < gap,
        "{streamed}"
    );
    let answer = gateway
        .chat(&streaming("p/ping?every=50ms&for=400ms"))
        .await
        .expect(200);
    let first = self::streamed(&gateway, &answer).await["first_token_us"]
        .as_u64()
        .unwrap();
    assert!(first >= 380_000, "pings are no tokens: {first}");
}

#[tokio::test]
async fn usage_is_asked_for_upstream_and_hidden_from_a_client_that_did_not_ask() {
    let (_mock, gateway) = start().await;
    let hidden = gateway
        .chat(&chat(
            "p/stream?chunks=4&tokens_out=4711",
            json!({"stream": true}),
        ))
        .await;
    let hidden = hidden.expect(200);
    assert!(hidden.events().usage().is_empty(), "{}", hidden.text());
    assert!(
        hidden
            .events()
            .data
            .iter()
            .all(|event| event["choices"][0].is_object()),
        "{}",
        hidden.text()
    );
    let receipt = gateway.receipt_of(&hidden).await;
    assert_eq!(receipt["usage"]["output"], 4711, "{receipt:#}");
    assert_eq!(receipt["usage"]["estimated"], false);
    let shown = gateway
        .chat(&streaming("p/stream?chunks=4&tokens_out=4711"))
        .await
        .expect(200);
    let events = shown.events();
    assert_eq!(events.usage().len(), 1, "{}", shown.text());
    let last = events.data.last().unwrap();
    assert_eq!(last["usage"]["completion_tokens"], 4711);
    assert_eq!(last["choices"], json!([]), "usage has a chunk of its own");
}

#[tokio::test]
async fn a_whole_answer_has_no_stream_on_its_receipt() {
    let (_mock, gateway) = start().await;
    let answer = gateway.chat(&chat("p/echo", json!({}))).await.expect(200);
    assert!(streamed(&gateway, &answer).await.is_null());
}
