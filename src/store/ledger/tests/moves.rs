//! Why: what movements of money by people promise, sentence by sentence.

use super::super::super::sql::{Engine, Row, Sql, SqlStore, Work, values};
use super::super::transfer::{self, Line};
use super::super::{LedgerStore, OwnerType, Settled, WalletId};
use super::world::*;
use crate::money::Nanos;
use crate::store::StoreFault;
use uuid::Uuid;

fn work<E: Engine, T>(
    store: &SqlStore<E>,
    work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    store.engine.run(Work::Governance, work)
}

fn move_money<E: Engine>(
    store: &SqlStore<E>,
    (from, to): (WalletId, WalletId),
    amount: i64,
) -> Result<Vec<Line>, StoreFault> {
    work(store, &mut |tx| {
        transfer::transfer(tx, (from, to), Nanos::new(amount), reason(NOON))
    })
}

fn every_movement_has_two_sides_and_their_hashes<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let (one, two) = (prepaid(store, tenant, 100), prepaid(store, tenant, 0));
    let house = house(store, tenant);
    let lines = move_money(store, (one, two), 30).unwrap();
    let sides = |lines: &[Line]| {
        let side = |line: &Line| {
            let (id, after) = (line.wallet.unwrap(), line.balance_after.unwrap().get());
            (id, line.amount.get(), after)
        };
        lines.iter().map(side).collect::<Vec<_>>()
    };
    assert_eq!(sides(&lines), [(one, -30, 70), (two, 30, 30)]);
    let lines = debit(store, one, 70).unwrap();
    assert_eq!(sides(&lines), [(one, -70, 0), (house, 70, -30)]);
    let stored = work(store, &mut |tx| {
        let find = |line: &Line| {
            let sql = "SELECT hash, settlement, note, created_at FROM transactions WHERE id = $1";
            tx.one(sql, values![*line.id.as_bytes()])
        };
        lines.iter().map(find).collect::<Result<Vec<Row>, _>>()
    })
    .unwrap();
    for (row, line) in stored.iter().zip(&lines) {
        assert_eq!(row.bytes(0).unwrap(), line.hash);
        assert_eq!(row.int_or_null(1).unwrap(), None);
        assert_eq!(
            (row.text(2).unwrap(), row.int(3).unwrap()),
            ("a test", NOON)
        );
    }
    assert_eq!(state(store, one), [0, 0, 0, 0, 0]);
    assert_eq!(state(store, house)[..2], [-30, -30]);
    assert_sound(store);
}

fn leased_money_cannot_be_taken_away<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let (one, two) = (prepaid(store, tenant, 100), prepaid(store, tenant, 0));
    let holder = store.enlist("one", 0).unwrap();
    take(store, holder, one, 60);
    let short = |answer: Result<Vec<Line>, StoreFault>| match answer {
        Err(StoreFault::InsufficientUnleased { wallet }) => wallet == one.0,
        _ => false,
    };
    assert!(short(debit(store, one, 41)));
    assert!(short(move_money(store, (one, two), 41)));
    assert_eq!(state(store, one), [100, 40, 60, 0, 0]);
    work(store, &mut |tx| transfer::call_in(tx, one)).unwrap();
    assert_eq!(store.wanted(holder).unwrap(), [(one, 1)]);
    store.give_back(holder, &[(one, Nanos::new(60))]).unwrap();
    move_money(store, (one, two), 41).unwrap();
    assert_sound(store);
}

fn an_overdraft_is_the_most_that_can_be_taken_out<E: Engine>(store: &SqlStore<E>) {
    let one = prepaid(store, org(store, "a"), 10);
    run(
        store,
        "UPDATE wallets SET overdraft = 5 WHERE id = $1",
        values![one.0],
    );
    assert!(debit(store, one, 16).is_err());
    debit(store, one, 15).unwrap();
    assert_eq!(state(store, one)[..2], [-5, -5]);
    assert_sound(store);
}

fn what_makes_no_sense_is_refused<E: Engine>(store: &SqlStore<E>) {
    let (tenant, other) = (org(store, "a"), org(store, "b"));
    let one = prepaid(store, tenant, 100);
    let stranger = prepaid(store, other, 100);
    let budget = wallet(store, tenant, Terms::of(OwnerType::Key, 1));
    let refused =
        |answer: Result<Vec<Line>, StoreFault>| matches!(answer, Err(StoreFault::Refused(_)));
    assert!(refused(credit(store, one, 0)) && refused(debit(store, one, -1)));
    assert!(refused(credit(store, house(store, tenant), 5)));
    assert!(refused(move_money(store, (one, one), 5)));
    assert!(refused(move_money(store, (one, budget), 5)));
    assert!(refused(move_money(store, (one, house(store, tenant)), 5)));
    let missing = |answer| matches!(answer, Err(StoreFault::NotFound("wallet")));
    assert!(missing(credit(store, WalletId(99), 5)));
    assert!(missing(move_money(store, (one, stranger), 5)));
    assert!(missing(move_money(store, (one, WalletId(99)), 5)));
    let most = credit(store, one, i64::MAX);
    assert!(matches!(most, Err(StoreFault::OutOfRange)), "{most:?}");
    run(
        store,
        "UPDATE wallets SET status = 'closed' WHERE id = $1",
        values![one.0],
    );
    assert!(matches!(
        credit(store, one, 1),
        Err(StoreFault::Conflict(_))
    ));
    debit(store, one, 100).unwrap();
    assert_sound(store);
}

fn a_correction_goes_either_way_and_overage_is_let_go<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let one = prepaid(store, tenant, 0);
    let holder = store.enlist("one", 0).unwrap();
    store
        .settle(holder, &[settled(tenant, &[pay(one, 0)], 9)], NOON)
        .unwrap();
    credit(store, one, 100).unwrap();
    let adjust = |amount| {
        work(store, &mut |tx| {
            transfer::adjust(tx, one, Nanos::new(amount), reason(NOON))
        })
    };
    adjust(20).unwrap();
    adjust(-50).unwrap();
    assert!(adjust(0).is_err() && adjust(-71).is_err());
    let forgive = |amount: Option<i64>| {
        work(store, &mut |tx| {
            transfer::forgive(tx, one, amount.map(Nanos::new), reason(NOON))
        })
    };
    assert!(forgive(Some(10)).is_err() && forgive(Some(0)).is_err());
    forgive(Some(4)).unwrap();
    assert_eq!(state(store, one), [70, 70, 0, 0, 5]);
    forgive(None).unwrap();
    assert!(forgive(None).is_err());
    assert_eq!(state(store, one), [70, 70, 0, 0, 0]);
    assert_sound(store);
}

/// An estimate of 100 that a user and a team paid, a key counted, with 10 of overage.
struct Estimate {
    user: WalletId,
    team: WalletId,
    key: WalletId,
    ids: Vec<Uuid>,
}

fn estimate<E: Engine>(store: &SqlStore<E>, name: &str) -> Estimate {
    let tenant = org(store, name);
    let user = prepaid(store, tenant, 60);
    let owner = team(store, tenant, 0);
    let team = wallet(store, tenant, Terms::of(OwnerType::Team, owner));
    let key = wallet(store, tenant, Terms::of(OwnerType::Key, tenant));
    credit(store, team, 100).unwrap();
    credit(store, key, 120).unwrap();
    let holder = store.enlist("one", 0).unwrap();
    for id in [user, team, key] {
        take(store, holder, id, 1_000);
    }
    let legs = [pay(user, 60), pay(team, 30), cap(key, 90)];
    let spent = Settled {
        estimated: true,
        ..settled(tenant, &legs, 10)
    };
    store
        .settle(holder, std::slice::from_ref(&spent), NOON)
        .unwrap();
    store.retire(holder).unwrap();
    let sql = "SELECT id FROM transactions WHERE request_id = $1 ORDER BY position";
    let ids = work(store, &mut |tx| {
        let rows = tx.query(sql, values![*spent.subject.request_id.as_bytes()])?;
        rows.iter()
            .map(|row| row.bytes(0).map(Uuid::from_bytes))
            .collect()
    });
    Estimate {
        user,
        team,
        key,
        ids: ids.unwrap(),
    }
}

fn reconcile<E: Engine>(
    store: &SqlStore<E>,
    id: Uuid,
    truth: i64,
) -> Result<Vec<Line>, StoreFault> {
    work(store, &mut |tx| {
        transfer::reconcile(tx, id, Nanos::new(truth), reason(NOON + DAY))
    })
}

fn an_estimate_that_was_too_high_is_given_back_once<E: Engine>(store: &SqlStore<E>) {
    let made = estimate(store, "a");
    assert_eq!(made.ids.len(), 4);
    // 10 of overage, 30 of the team, 15 of the user.
    reconcile(store, made.ids[2], 45).unwrap();
    assert_eq!(state(store, made.user), [15, 15, 60, 60, 0]);
    assert_eq!(state(store, made.team), [100, 100, 30, 30, 0]);
    assert_eq!(state(store, made.key), [85, 85, 90, 90, 0]);
    for id in &made.ids {
        let again = reconcile(store, *id, 0);
        assert!(matches!(again, Err(StoreFault::Conflict(_))), "{again:?}");
    }
    assert_sound(store);
}

fn an_estimate_that_was_too_low_is_charged_as_far_as_it_goes<E: Engine>(store: &SqlStore<E>) {
    let made = estimate(store, "a");
    // 70 are left in the team's pool, 30 in the key's budget; the user has nothing.
    let lines = reconcile(store, made.ids[0], 190).unwrap();
    assert_eq!(lines.iter().map(|line| line.amount.get()).sum::<i64>(), -20);
    assert_eq!(state(store, made.user), [0, 0, 60, 60, 30]);
    assert_eq!(state(store, made.team), [0, 0, 30, 30, 0]);
    assert_eq!(state(store, made.key), [0, 0, 90, 90, 0]);
    assert_sound(store);
}

fn an_estimate_that_was_right_or_void_is_settled_too<E: Engine>(store: &SqlStore<E>) {
    let right = estimate(store, "a");
    reconcile(store, right.ids[0], 100).unwrap();
    assert!(reconcile(store, right.ids[0], 100).is_err());
    assert_eq!(state(store, right.user), [0, 0, 60, 60, 10]);
    let void = estimate(store, "b");
    reconcile(store, void.ids[3], 0).unwrap();
    assert_eq!(state(store, void.user)[0], 60);
    assert_eq!(state(store, void.team)[0], 100);
    assert_eq!(state(store, void.key)[0], 120);
    assert_sound(store);
}

fn only_estimates_are_reconciled<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let one = prepaid(store, tenant, 100);
    let holder = store.enlist("one", 0).unwrap();
    take(store, holder, one, 100);
    let exact = settled(tenant, &[pay(one, 5)], 0);
    let lost = Settled {
        delivered: false,
        estimated: true,
        ..settled(tenant, &[], 0)
    };
    let free = Settled {
        estimated: true,
        cost: Nanos::new(50),
        ..settled(tenant, &[], 0)
    };
    let batch = [exact, lost, free];
    store.settle(holder, &batch, NOON).unwrap();
    let id = |settled: &Settled, last: u8| {
        let mut id = *settled.subject.request_id.as_bytes();
        (id[14], id[15]) = (1, last);
        Uuid::from_bytes(id)
    };
    let [exact, lost, free] = &batch;
    assert!(matches!(
        reconcile(store, id(exact, 0), 1),
        Err(StoreFault::Conflict(_))
    ));
    assert!(matches!(
        reconcile(store, id(lost, 0x30), 1),
        Err(StoreFault::Conflict(_))
    ));
    let nothing = reconcile(store, id(exact, 0x50), 1);
    assert!(matches!(nothing, Err(StoreFault::NotFound("transaction"))));
    assert!(reconcile(store, id(free, 0), -1).is_err());
    reconcile(store, id(free, 0), 20).unwrap();
    assert_sound(store);
}

super::sentences!(
    every_movement_has_two_sides_and_their_hashes,
    leased_money_cannot_be_taken_away,
    an_overdraft_is_the_most_that_can_be_taken_out,
    what_makes_no_sense_is_refused,
    a_correction_goes_either_way_and_overage_is_let_go,
    an_estimate_that_was_too_high_is_given_back_once,
    an_estimate_that_was_too_low_is_charged_as_far_as_it_goes,
    an_estimate_that_was_right_or_void_is_settled_too,
    only_estimates_are_reconciled,
);
