//! What is known of endpoints and keys outlives a reload, except that refused keys get another chance.

use std::fs;

use serde_json::{Value, json};

use crate::place::Place;
use crate::support::{Upstream, chat, ms, until};
use crate::world::config;

/// The state of the only endpoint of provider `p`, as the admin port tells it.
async fn endpoint(place: &Place) -> Value {
    let told = place.admin("GET", "/v1/providers").await.expect(200).json();
    let providers = told["providers"].as_array().unwrap().clone();
    let provider = providers
        .into_iter()
        .find(|provider| provider["name"] == "p");
    provider.unwrap()["endpoints"][0].clone()
}

#[tokio::test]
async fn an_open_breaker_stays_open_when_everything_around_it_changes() {
    let mock = Upstream::mock().await;
    let breaker = "breaker: { failures: 2, window: 1h, cooldown: 1h }";
    let yaml = |more: &str| config(&[mock.provider("p", breaker)], &[]) + more;
    let place = Place::start(&yaml("")).await;
    let ask = || async {
        let answer = place
            .gateway
            .chat(&chat("p/status?code=500", json!({})))
            .await;
        answer.status
    };
    until("the breaker to open", || async {
        assert_ne!(ask().await, 200);
        endpoint(&place).await["state"] == "open"
    })
    .await;
    let asked = mock.requests().await.len();
    place.reload(&yaml("body: { max: 1MB }\n"), "applied").await;
    let aliases = "models: { m: { targets: [ p/echo ] } }\n";
    place.reload(&yaml(aliases), "applied").await;
    assert_eq!(endpoint(&place).await["state"], "open");
    assert_eq!(ask().await, 503);
    assert_eq!(mock.requests().await.len(), asked, "nobody is asked");
}

#[tokio::test]
async fn a_key_that_was_refused_rests_until_a_reload_even_one_that_changes_nothing() {
    let mock = Upstream::mock().await;
    let yaml = config(&[mock.provider("p", "keys: [good-one]")], &[]);
    let place = Place::start(&yaml).await;
    let ask = |key: &'static str| {
        let body = chat(&format!("p/auth?key={key}"), json!({}));
        let place = &place;
        async move { place.gateway.chat(&body).await.status }
    };
    // The provider refuses the key, until it is unlocked there.
    assert_ne!(ask("other").await, 200);
    let asked = mock.requests().await.len();
    assert_ne!(ask("good-one").await, 200);
    assert_eq!(mock.requests().await.len(), asked, "it rests");
    // A file that was only touched forgives nothing.
    fs::write(place.file(), place.text(&yaml)).unwrap();
    tokio::time::sleep(ms(1500)).await;
    assert_ne!(ask("good-one").await, 200);
    let answer = place.ask().await.expect(200).json();
    assert_eq!(answer["result"], "unchanged");
    assert_eq!(ask("good-one").await, 200);
}
