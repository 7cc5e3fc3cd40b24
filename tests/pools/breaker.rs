//! Traffic leaves an endpoint that fails, within the threshold, and returns when it has recovered.

use std::net::{Ipv4Addr, SocketAddr};

use crate::pliant::{Manner, Pliant};
use crate::support::{Gateway, free_port, ms, until};
use crate::world::{Crowd, QUICK, all_answered, ask, at_once, over, pool, state, times};

async fn three() -> [Pliant; 3] {
    [
        Pliant::new(Manner::Answer).await,
        Pliant::new(Manner::Answer).await,
        Pliant::new(Manner::Answer).await,
    ]
}

#[tokio::test]
async fn one_of_three_that_answers_with_errors_is_left_after_five_of_them() {
    for balance in [
        "round_robin",
        "least_in_flight",
        "weighted",
        "consistent_hash",
    ] {
        let [a, b, c] = three().await;
        let gateway = over(&[&a, &b, &c], &format!("balance: {balance}")).await;
        let others = [&a, &b, &c];
        all_answered(&gateway, 1).await;
        // With a hash all calls go to one of them; that is the one to break.
        let bad = others.into_iter().max_by_key(|one| one.count()).unwrap();
        bad.turn(Manner::Status(500, ""));
        let before = bad.count();
        all_answered(&gateway, 100).await;
        assert_eq!(bad.count() - before, 5, "{balance}");
        assert_eq!(state(&gateway, &bad.url()).await, 2.0);
        assert_eq!(times(&gateway, &bad.url(), "open").await, 1.0);
    }
}

#[tokio::test]
async fn one_that_hangs_is_left_after_three_silences() {
    let [a, b, c] = three().await;
    a.turn(Manner::Hang);
    let gateway = over(
        &[&a, &b, &c],
        "balance: round_robin, timeouts: { first_byte: 300ms }",
    )
    .await;
    all_answered(&gateway, 60).await;
    assert_eq!(a.count(), 3);
    assert_eq!(state(&gateway, &a.url()).await, 2.0);
    assert_eq!(
        (
            state(&gateway, &b.url()).await,
            state(&gateway, &c.url()).await
        ),
        (0.0, 0.0)
    );
}

#[tokio::test]
async fn one_that_is_not_there_is_left_and_found_again() {
    let addr = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let gone = format!("http://{addr}/v1");
    let b = Pliant::new(Manner::Answer).await;
    let yaml = pool(
        &[gone.clone(), b.url()],
        &format!("balance: round_robin, {QUICK}"),
    );
    let gateway = Gateway::start(&yaml).await;
    all_answered(&gateway, 30).await;
    assert_eq!(state(&gateway, &gone).await, 2.0);
    let a = Pliant::at(addr, Manner::Answer).await;
    until("the breaker to close", || async {
        all_answered(&gateway, 2).await;
        state(&gateway, &gone).await == 0.0
    })
    .await;
    let before = a.count();
    all_answered(&gateway, 20).await;
    assert_eq!(a.count() - before, 10, "half of the traffic is back");
}

#[tokio::test]
async fn a_crowd_loses_nothing_while_one_flaps_and_one_comes_and_goes() {
    let [a, b, c] = three().await;
    let gateway = over(&[&a, &b, &c], QUICK).await;
    let crowd = Crowd::new(&gateway, 8).await;
    for round in 0..10 {
        a.turn(match round % 4 {
            0 => Manner::Status(500, ""),
            1 => Manner::Answer,
            2 => Manner::Close,
            _ => Manner::Hang,
        });
        b.turn(match round % 3 {
            0 => Manner::Status(503, "retry-after: 1\r\n"),
            _ => Manner::Answer,
        });
        tokio::time::sleep(ms(350)).await;
    }
    a.turn(Manner::Answer);
    b.turn(Manner::Answer);
    until("both to be back", || async {
        state(&gateway, &a.url()).await + state(&gateway, &b.url()).await == 0.0
    })
    .await;
    let asked = crowd.end().await;
    assert!(asked > 100, "{asked}");
    assert!(times(&gateway, &a.url(), "open").await > 0.0);
    assert!(times(&gateway, &b.url(), "open").await > 0.0);
    assert_eq!(times(&gateway, &c.url(), "open").await, 0.0);
    gateway.settled().await;
}

#[tokio::test]
async fn fifty_at_once_lose_nothing_when_their_endpoint_falls_silent() {
    let [a, b, c] = three().await;
    let gateway = over(&[&a, &b, &c], QUICK).await;
    a.turn(Manner::Hang);
    for (answer, _) in at_once(&gateway, 50).await {
        answer.expect(200);
    }
    assert_eq!(state(&gateway, &a.url()).await, 2.0);
    gateway.settled().await;
}

#[tokio::test]
async fn what_the_client_did_wrong_never_opens_a_breaker() {
    let a = Pliant::new(Manner::Answer).await;
    let gateway = over(&[&a], QUICK).await;
    for status in [400, 404, 413, 422] {
        a.turn(Manner::Status(status, ""));
        for _ in 0..10 {
            gateway.chat(&ask()).await.expect(status);
        }
    }
    assert_eq!(state(&gateway, &a.url()).await, 0.0);
    assert_eq!(a.count(), 40);
}

#[tokio::test]
async fn a_caller_stays_with_its_endpoint_and_comes_back_to_it() {
    let [a, b, c] = three().await;
    let all = [&a, &b, &c];
    let gateway = over(&all, &format!("balance: consistent_hash, {QUICK}")).await;
    all_answered(&gateway, 20).await;
    let counts: Vec<usize> = all.iter().map(|one| one.count()).collect();
    let home = counts.iter().position(|count| *count == 20).unwrap();
    assert_eq!(counts.iter().sum::<usize>(), 20);
    all[home].turn(Manner::Status(500, ""));
    all_answered(&gateway, 20).await;
    let away: Vec<usize> = (0..3)
        .filter(|at| *at != home)
        .map(|at| all[at].count())
        .collect();
    assert!(
        away.contains(&0) && away.contains(&20),
        "one stands in: {away:?}"
    );
    all[home].turn(Manner::Answer);
    until("the caller to be home again", || async {
        all_answered(&gateway, 1).await;
        state(&gateway, &all[home].url()).await == 0.0
    })
    .await;
    let before = all[home].count();
    all_answered(&gateway, 20).await;
    assert_eq!(all[home].count() - before, 20);
}
