//! Keys that are refused or throttled rest, and traffic keeps away from them.

use std::collections::BTreeMap;

use crate::pliant::{Manner, Pliant};
use crate::support::{ms, until};
use crate::world::{all_answered, ask, at_once, over, state};

const KEYS: &str = "keys: [first-key, second-key], balance: round_robin";

fn by_key(first: Manner, second: Manner) -> Manner {
    Manner::ByKey(BTreeMap::from([
        ("first-key", first),
        ("second-key", second),
    ]))
}

#[tokio::test]
async fn a_refused_key_is_asked_once_and_the_other_serves() {
    for status in [401, 403] {
        let a = Pliant::new(by_key(Manner::Status(status, ""), Manner::Answer)).await;
        let gateway = over(&[&a], KEYS).await;
        all_answered(&gateway, 20).await;
        assert_eq!((a.count_of("first-key"), a.count_of("second-key")), (1, 20));
        assert_eq!(gateway.metrics("alfred_keys_resting").await, 1.0);
        assert_eq!(state(&gateway, &a.url()).await, 0.0, "the endpoint is fine");
        let log = gateway.log();
        assert!(!log.contains("first-key") && !log.contains("second-key"));
    }
}

#[tokio::test]
async fn a_throttled_key_is_left_alone_until_its_retry_after() {
    let throttled = Manner::Status(429, "retry-after: 3\r\n");
    let a = Pliant::new(by_key(throttled, Manner::Answer)).await;
    let gateway = over(&[&a], KEYS).await;
    all_answered(&gateway, 20).await;
    assert_eq!((a.count_of("first-key"), a.count_of("second-key")), (1, 20));
    assert_eq!(gateway.metrics("alfred_keys_resting").await, 1.0);
    a.turn(by_key(Manner::Answer, Manner::Answer));
    tokio::time::sleep(ms(3100)).await;
    assert_eq!(gateway.metrics("alfred_keys_resting").await, 0.0);
    all_answered(&gateway, 20).await;
    assert_eq!(a.count_of("first-key"), 11, "it has its share again");
}

#[tokio::test]
async fn without_another_key_a_throttle_is_answered_at_once_until_it_is_over() {
    let a = Pliant::new(Manner::Status(429, "retry-after: 2\r\n")).await;
    let more = "keys: [only-key], balance: round_robin";
    let gateway = over(
        &[&a],
        &format!("{more}, retry_budget: {{ percent: 0, minimum: 0 }}"),
    )
    .await;
    gateway.chat(&ask()).await.expect(429);
    let before = a.count();
    for (answer, _) in at_once(&gateway, 20).await {
        let answer = answer.expect_refusal(429, "rate_limit_exceeded");
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=2).contains(&wait), "{wait}");
    }
    assert_eq!(a.count(), before);
    a.turn(Manner::Answer);
    until("the rest to be over", || async {
        gateway.chat(&ask()).await.status == 200
    })
    .await;
    assert_eq!(a.count(), before + 1);
}

#[tokio::test]
async fn a_throttle_rests_one_endpoint_and_one_model_not_their_neighbours() {
    let (a, b) = (
        Pliant::new(Manner::Status(429, "retry-after: 60\r\n")).await,
        Pliant::new(Manner::Answer).await,
    );
    let gateway = over(&[&a, &b], "keys: [only-key], balance: round_robin").await;
    all_answered(&gateway, 10).await;
    assert_eq!((a.count(), b.count()), (1, 10));
    a.turn(Manner::Answer);
    let other = crate::support::chat("p/another", serde_json::json!({}));
    for _ in 0..4 {
        gateway.chat(&other).await.expect(200);
    }
    assert_eq!((a.count(), b.count()), (3, 12));
}
