//! Why: many processes govern at once. Each act happens wholly, after another and before a third.

use super::super::*;
use super::chain::proved;
use super::money::usage;
use super::support::*;
use super::wallets::is_sound;
use crate::store::{StoreFault, WalletId, Want};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::thread;

const THREADS: usize = 8;
const ROUNDS: usize = 6;

fn name_of(store: &dyn Governance, team_id: i64) -> TeamRow {
    let filter = TeamFilter {
        id: Some(team_id),
        ..TeamFilter::default()
    };
    let found = store.teams(&Scope::House, &filter, Page::ONE);
    found.unwrap().pop().unwrap()
}

pub(super) fn acts_of_a_crowd_leave_an_unbroken_chain(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let before = proved(store).len();
    let links = AtomicUsize::new(0);
    let renamed = AtomicI64::new(0);
    let one = |n: usize| {
        for round in 0..ROUNDS {
            let new = new_team(here.org, &format!("team {n} {round}"));
            team(act(store, Command::CreateTeam(new)));
            let credit = Movement {
                wallet_id: here.wallet,
                amount: credits(1),
                note: None,
            };
            moved(act(store, Command::Credit(credit)));
            let nameless = act(store, Command::CreateTeam(new_team(here.org, "")));
            assert!(is_refused(&nameless));
            let refusal = PolicyEvent {
                event_type: "policy.refused".into(),
                org_id: Some(here.org),
                user_id: None,
                actor: format!("key:{n}"),
                action: "refuse".into(),
                target: "model:m".into(),
                details: serde_json::json!({}),
                ip: None,
                at_ms: NOW,
            };
            store.record(&[refusal.clone(), refusal]).unwrap();
            links.fetch_add(4, Ordering::Relaxed);
            let seen = name_of(store, here.team).version;
            let rename = TeamChange {
                id: here.team,
                name: Some(format!("core {n} {round}")),
                ..TeamChange::default()
            };
            let guard = Guard {
                idempotency: None,
                if_version: Some(seen),
            };
            let command = Command::ChangeTeam(rename);
            match store.apply(&cli(), &Scope::House, command, &guard) {
                Ok(_) => renamed.fetch_add(1, Ordering::Relaxed),
                Err(StoreFault::Stale { .. }) => 0,
                other => panic!("{other:?}"),
            };
            // The name is free or not; either way nobody else may have two of it.
            let _ = act(store, Command::CreateTeam(new_team(here.org, "core")))
                .map(|_| links.fetch_add(1, Ordering::Relaxed));
        }
    };
    thread::scope(|scope| {
        for n in 0..THREADS {
            scope.spawn(move || one(n));
        }
    });
    let renamed = renamed.into_inner();
    assert!(renamed > 0);
    assert_eq!(name_of(store, here.team).version, 1 + renamed);
    let links = links.into_inner() + usize::try_from(renamed).unwrap();
    assert_eq!(proved(store).len(), before + links);
    is_sound(store);
}

pub(super) fn one_request_from_everybody_is_done_once(store: &dyn Fixture) {
    let guard = Guard {
        idempotency: Some(Idempotency {
            key: "k".into(),
            request: [1; 32],
        }),
        if_version: None,
    };
    let done = AtomicUsize::new(0);
    let one = || {
        let answer = store.apply(&cli(), &Scope::House, new_organisation("acme"), &guard);
        if !answer.unwrap().replayed {
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(one);
        }
    });
    assert_eq!(done.into_inner(), 1);
    assert_eq!(proved(store).len(), 1);
}

/// Governance locks wallets, users and teams in the order in which settlements do: neither waits
/// for the other in a circle.
pub(super) fn money_is_governed_while_it_is_spent(store: &dyn Fixture) {
    let here = tenant(store, "a");
    let spend = |n: usize| {
        let holder = store.enlist("pod", NOW).unwrap();
        let want = |wallet| Want {
            wallet: WalletId(wallet),
            least: credits(1),
            most: credits(1),
        };
        for round in 0..ROUNDS {
            let wants = [want(here.wallet), want(here.team_wallet)];
            store.take(holder, &wants).unwrap();
            let id = u128::try_from(n * 1_000 + round + 1).unwrap();
            store
                .settle(holder, &[usage(here, id, NOW, "m")], NOW)
                .unwrap();
            let back = [(WalletId(here.team_wallet), credits(1))];
            store.give_back(holder, &back).unwrap();
        }
        store.retire(holder).unwrap();
    };
    let govern = |n: usize| {
        for round in 0..ROUNDS {
            let sum = credits(i64::try_from(50 + n * 10 + round).unwrap());
            let quota = UserChange {
                id: here.member,
                personal_quota: Some(sum),
                ..UserChange::default()
            };
            user(act(store, Command::ChangeUser(quota)));
            let pool = TeamChange {
                id: here.team,
                common_pool: Some(sum),
                ..TeamChange::default()
            };
            let pool = act(store, Command::ChangeTeam(pool));
            // What is just being leased may not be there to be cut.
            assert!(matches!(
                pool,
                Ok(_) | Err(StoreFault::InsufficientUnleased { .. })
            ));
            let gift = Transfer {
                from: here.wallet,
                to: here.team_wallet,
                amount: credits(1),
                note: None,
            };
            let gift = act(store, Command::Transfer(gift));
            assert!(matches!(
                gift,
                Ok(_) | Err(StoreFault::InsufficientUnleased { .. })
            ));
            let rules = WalletChange {
                id: here.wallet,
                overdraft: Some(credits(5)),
                ..WalletChange::default()
            };
            wallet(act(store, Command::ChangeWallet(rules)));
        }
    };
    thread::scope(|scope| {
        for n in 0..THREADS / 2 {
            scope.spawn(move || spend(n));
            scope.spawn(move || govern(n));
        }
    });
    proved(store);
    is_sound(store);
}
