//! When nobody is left, the answer is no and comes at once; when the cooldown is over, one call
//! finds out.

use std::time::Duration;

use crate::pliant::{Manner, Pliant};
use crate::support::{Gateway, chat, ms, streaming, until};
use crate::world::{QUICK, all_answered, ask, at_once, break_down, over, state, times};

#[tokio::test]
async fn with_every_endpoint_open_the_answer_is_503_at_once_and_nobody_is_called() {
    let (a, b) = (
        Pliant::new(Manner::Status(500, "")).await,
        Pliant::new(Manner::Status(500, "")).await,
    );
    let gateway = over(&[&a, &b], "breaker: { cooldown: 30s }").await;
    until("both to be open", || async {
        gateway.chat(&ask()).await;
        state(&gateway, &a.url()).await + state(&gateway, &b.url()).await == 4.0
    })
    .await;
    let before = a.count() + b.count();
    let mut h1 = gateway.h1().await;
    let mut h2 = gateway.h2().await;
    for _ in 0..10 {
        for answer in [h1.chat(&ask()).await, h2.chat(&streaming("m")).await] {
            let answer = answer.expect_refusal(503, "no_healthy_endpoint");
            let wait: u64 = answer.header("retry-after").parse().unwrap();
            assert!((1..=30).contains(&wait), "{wait}");
            assert_ne!(answer.header("x-should-retry"), "false");
            assert_eq!(answer.header("x-alfred-error-source"), "gateway");
            assert!(!answer.text().contains("127.0.0.1"), "{}", answer.text());
        }
    }
    for (answer, took) in at_once(&gateway, 30).await {
        answer.expect_refusal(503, "no_healthy_endpoint");
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    assert!(h1.is_alive().await && h2.is_alive().await);
    assert_eq!(a.count() + b.count(), before, "nobody was called");
    let refused = "alfred_refusals_total{code=\"no_healthy_endpoint\"}";
    assert!(gateway.metrics(refused).await >= 50.0);
    gateway.settled().await;
}

#[tokio::test]
async fn another_target_is_asked_at_once_and_without_a_retry() {
    let (a, b) = (
        Pliant::new(Manner::Status(500, "")).await,
        Pliant::new(Manner::Answer).await,
    );
    let yaml = format!(
        "flood: {{ requests: 0 }}\n\
         providers:\n  \
         p: {{ kind: openai_compatible, endpoints: [\"{}\"], breaker: {{ cooldown: 60s }} }}\n  \
         q: {{ kind: openai_compatible, endpoints: [\"{}\"] }}\n\
         models:\n  \
         m: {{ targets: [p/x], fallback: [q/x], retry: {{ attempts: 2 }} }}\n  \
         once: {{ targets: [p/x], fallback: [q/x], retry: {{ attempts: 1 }} }}\n",
        a.url(),
        b.url()
    );
    let gateway = Gateway::start(&yaml).await;
    break_down(&gateway, &a.url()).await;
    let before = a.count();
    for model in ["m", "once"] {
        let answer = gateway.chat(&chat(model, serde_json::json!({}))).await;
        let answer = answer.expect(200);
        assert_eq!(answer.header("x-alfred-attempts"), "1");
        assert_eq!(answer.header("x-alfred-provider"), "q");
    }
    assert_eq!(a.count(), before);
}

#[tokio::test]
async fn of_fifty_at_once_exactly_one_is_the_probe() {
    let a = Pliant::new(Manner::Status(500, "")).await;
    let gateway = over(&[&a], "breaker: { cooldown: 3s }").await;
    break_down(&gateway, &a.url()).await;
    for good in [false, true] {
        tokio::time::sleep(ms(3100)).await;
        a.turn(match good {
            true => Manner::Slow(1500),
            false => Manner::Status(500, ""),
        });
        let before = a.count();
        let answers = at_once(&gateway, 50).await;
        let passed = answers.iter().filter(|(answer, _)| answer.status == 200);
        assert_eq!(passed.count(), usize::from(good));
        assert_eq!(a.count() - before, 1, "one probe");
    }
    assert_eq!(state(&gateway, &a.url()).await, 0.0);
    gateway.settled().await;
}

#[tokio::test]
async fn while_another_endpoint_lives_the_probe_is_never_more_than_one_and_nobody_is_lost() {
    let (a, b) = (
        Pliant::new(Manner::Hang).await,
        Pliant::new(Manner::Answer).await,
    );
    let gateway = over(&[&a, &b], QUICK).await;
    until("the breaker to open", || async {
        all_answered(&gateway, 1).await;
        state(&gateway, &a.url()).await == 2.0
    })
    .await;
    for _ in 0..3 {
        tokio::time::sleep(ms(1200)).await;
        let (before, _) = (a.count(), a.most());
        for (answer, _) in at_once(&gateway, 50).await {
            answer.expect(200);
        }
        assert_eq!((a.count() - before, a.most()), (1, 1));
    }
    a.turn(Manner::Answer);
    until("the endpoint to be back", || async {
        all_answered(&gateway, 2).await;
        state(&gateway, &a.url()).await == 0.0
    })
    .await;
}

#[tokio::test]
async fn a_client_that_leaves_during_the_probe_does_not_wedge_it() {
    let a = Pliant::new(Manner::Status(500, "")).await;
    let more = "breaker: { cooldown: 600ms }, timeouts: { first_byte: 60s }";
    let gateway = over(&[&a], more).await;
    break_down(&gateway, &a.url()).await;
    a.turn(Manner::Hang);
    tokio::time::sleep(ms(700)).await;
    for _ in 0..3 {
        let before = a.count();
        let mut client = gateway.h1().await;
        client.begin(&ask()).await;
        until("the probe to be asked", || async { a.count() > before }).await;
        let refused = gateway.chat(&ask()).await;
        refused.expect_refusal(503, "no_healthy_endpoint");
        drop(client);
        gateway.settled().await;
        assert_eq!(state(&gateway, &a.url()).await, 1.0, "no verdict");
    }
    a.turn(Manner::Answer);
    gateway.chat(&ask()).await.expect(200);
    assert_eq!(state(&gateway, &a.url()).await, 0.0);
    assert_eq!(times(&gateway, &a.url(), "half_open").await, 1.0);
}

#[tokio::test]
async fn a_long_stream_that_is_the_probe_lets_the_others_in_with_its_first_word() {
    let a = Pliant::new(Manner::Status(500, "")).await;
    let gateway = over(&[&a], QUICK).await;
    break_down(&gateway, &a.url()).await;
    a.turn(Manner::Stream(3000));
    tokio::time::sleep(ms(700)).await;
    let mut client = gateway.h1().await;
    client.begin(&streaming("m")).await;
    client.read_until("begun").await;
    a.turn(Manner::Answer);
    gateway.chat(&ask()).await.expect(200);
    assert_eq!(state(&gateway, &a.url()).await, 0.0);
    client
        .answer()
        .await
        .expect(200)
        .events()
        .expect_whole("begun");
}
