//! Reloads cost nothing that stays.

use std::fs;

use serde_json::json;

use crate::parrot::{Parrot, says};
use crate::place::Place;
use crate::support::{chat, until};
use crate::world::{calm, config};

/// Reloads with other endpoints and aliases each time, good files and bad ones, and a request in between.
async fn turn(place: &Place, mocks: &[Parrot; 2], number: usize) {
    let mock = &mocks[number % 2];
    let providers: Vec<String> = (0..10)
        .map(|nth| mock.provider(&format!("p{nth}"), &calm("")))
        .collect();
    let mut yaml = config(&providers, &[]) + &says("p0", &format!("turn {number}"), 0);
    for alias in 0..40 {
        yaml +=
            &format!("  a{number}x{alias}: {{ targets: [ p1/x, p2/x ], fallback: [ p3/x ] }}\n");
    }
    fs::write(place.file(), place.text(&yaml)).unwrap();
    place.ask().await.expect(200);
    let answer = place
        .gateway
        .chat(&chat("m", json!({})))
        .await
        .expect(200)
        .json();
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        format!("turn {number}")
    );
    // A provider with a name of its own must leave no trace either.
    let bad = yaml.replace("p9:", &format!("q{number}:")) + "keys: [ {} ]\n";
    fs::write(place.file(), place.text(&bad)).unwrap();
    place.ask().await.expect(422);
}

#[tokio::test]
async fn memory_does_not_grow_with_reloads() {
    let mocks = [Parrot::new().await, Parrot::new().await];
    let place = Place::start("").await;
    let resident = || async { place.gateway.metrics("process_resident_memory_bytes").await };
    for number in 0..60 {
        turn(&place, &mocks, number).await;
    }
    let early = resident().await;
    for number in 60..360 {
        turn(&place, &mocks, number).await;
    }
    place.gateway.settled().await;
    until("old worlds to go", || async {
        place.gateway.metrics("alfred_worlds_alive").await == 1.0
    })
    .await;
    let grown = resident().await - early;
    println!(
        "resident memory: {early} bytes after 60 reloads, {grown} more after 300 further ones"
    );
    assert!(grown < 8e6, "{grown} bytes in 300 reloads, from {early}");
}
