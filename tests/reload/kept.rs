//! What counts outlives a reload: limits, budgets, requests in flight.

use serde_json::json;

use crate::place::Place;
use crate::support::{Upstream, chat, streaming, until};
use crate::world::{calm, config};

#[tokio::test]
async fn a_limit_goes_on_counting_when_everything_around_it_changes() {
    let (one, two) = (Upstream::mock().await, Upstream::mock().await);
    let limits =
        |more: &str| format!("limits: [ {{ per: key, requests: 9, window: 1h }}{more} ]\n");
    let yaml =
        |mock: &Upstream, more: &str| limits(more) + &config(&[mock.provider("p", &calm(""))], &[]);
    let place = Place::start(&yaml(&one, "")).await;
    let left = || async {
        let answer = place
            .gateway
            .chat(&chat("p/echo", json!({})))
            .await
            .expect(200);
        answer.header("x-ratelimit-remaining-requests").to_owned()
    };
    assert_eq!([left().await, left().await], ["8", "7"]);
    place.reload(&yaml(&two, ""), "applied").await;
    assert_eq!(left().await, "6", "other endpoints");
    place
        .reload(
            &yaml(&two, ", { per: key, tokens: 100k, window: 1m }"),
            "applied",
        )
        .await;
    assert_eq!(left().await, "5", "another rule beside it");
    place
        .reload(
            &yaml(&one, ", { per: key, requests: 4, window: 1d }"),
            "applied",
        )
        .await;
    assert_eq!(
        [left().await, left().await],
        ["3", "2"],
        "the new rule begins, and is the tighter one"
    );
    place.reload(&yaml(&one, ""), "applied").await;
    assert_eq!(
        left().await,
        "2",
        "each call counted once by the rule that stayed"
    );
    place
        .reload(&config(&[one.provider("p", &calm(""))], &[]), "applied")
        .await;
    assert_eq!(left().await, "", "no rule");
    place.reload(&yaml(&one, ""), "applied").await;
    assert_eq!(
        left().await,
        "1",
        "nothing was counted without it, and nothing forgotten"
    );
}

#[tokio::test]
async fn tokens_that_a_stream_holds_are_settled_by_the_rules_it_began_with() {
    let mock = Upstream::mock().await;
    let yaml = |more: &str| {
        let limits = "limits: [ { per: key, tokens: 100k, window: 1h } ]\n";
        limits.to_owned() + more + &config(&[mock.provider("p", &calm(""))], &[])
    };
    let place = Place::start(&yaml("")).await;
    let mut client = place.gateway.h1().await;
    client
        .begin(&streaming("p/stream?chunks=20&delay=50ms"))
        .await;
    client.read_until("w1 ").await;
    place.reload(&yaml("body: { max: 1MB }\n"), "applied").await;
    client.answer().await.expect(200);
    let answer = place
        .gateway
        .chat(&chat("p/echo", json!({ "max_tokens": 1 })))
        .await
        .expect(200);
    let left: u64 = answer
        .header("x-ratelimit-remaining-tokens")
        .parse()
        .unwrap();
    assert!(
        (99_800..99_990).contains(&left),
        "20 words were used, 256 were held: {left}"
    );
}

#[tokio::test]
async fn a_spent_retry_budget_stays_spent() {
    let mock = Upstream::mock().await;
    let budget =
        "breaker: { failures: 100000 }, retry_budget: { percent: 0, minimum: 1, window: 1h }";
    let yaml = |more: &str| {
        let models =
            "models: { m: { targets: [ \"p/status?code=500\" ], retry: { attempts: 2 } } }\n";
        config(&[mock.provider("p", budget)], &[]) + models + more
    };
    let place = Place::start(&yaml("")).await;
    let attempts = || async {
        let answer = place.gateway.chat(&chat("m", json!({}))).await;
        let receipt = place.gateway.receipt_of(&answer).await;
        receipt["attempts"].as_array().unwrap().len()
    };
    assert_eq!([attempts().await, attempts().await], [2, 1]);
    place.reload(&yaml("body: { max: 1MB }\n"), "applied").await;
    assert_eq!(attempts().await, 1);
}

#[tokio::test]
async fn requests_in_flight_are_counted_across_and_their_providers_may_vanish() {
    let mock = Upstream::mock().await;
    let place = Place::start(&config(&[mock.provider("p", &calm(""))], &[])).await;
    let mut client = place.gateway.h1().await;
    client
        .begin(&streaming("p/stream?chunks=30&delay=50ms"))
        .await;
    client.read_until("w1 ").await;
    place.reload("flood: { requests: 0 }\n", "applied").await;
    assert_eq!(
        place.gateway.metrics("alfred_requests_in_flight").await,
        1.0
    );
    assert_eq!(place.gateway.metrics("alfred_worlds_alive").await, 2.0);
    place
        .gateway
        .chat(&chat("p/echo", json!({})))
        .await
        .expect_refusal(404, "model_not_found");
    let events = client.answer().await.expect(200).events();
    assert_eq!(events.text().split_whitespace().count(), 30);
    assert!(events.done && events.errors().is_empty());
    place.gateway.settled().await;
    until("the old world to go", || async {
        place.gateway.metrics("alfred_worlds_alive").await == 1.0
    })
    .await;
}
