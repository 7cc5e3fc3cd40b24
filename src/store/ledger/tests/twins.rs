//! Why: random histories of holders, people and clocks leave every database in the state of the
//! model, with every promise kept after every step.

use proptest::test_runner::Config;
use proptest_state_machine::{StateMachineTest, prop_state_machine};

use super::super::super::sql::{Engine, Sql, SqlStore, Work, values};
use super::super::transfer;
use super::super::{HolderId, LedgerStore, OwnerType, WalletId, absence};
use super::machine::{Done, State};
use super::model::{HOUSE, KEY, POOL, PREPAID};
use super::world::*;
use crate::money::Nanos;
use crate::store::{PgStore, SqliteStore, StoreFault, testing};

fn make<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let owner = team(store, tenant, 50);
    let users = [user(store, tenant, owner), user(store, tenant, owner)];
    let weekly = Terms {
        period: "week",
        ..Terms::of(OwnerType::Quota, users[1]).monthly(80)
    };
    let overdrawn = Terms {
        overdraft: 20,
        ..Terms::of(OwnerType::User, users[0])
    };
    let daily = Terms {
        period: "day",
        hard_limit: Some(150),
        ..Terms::of(OwnerType::Key, 1)
    };
    let terms = [
        Terms::of(OwnerType::Quota, users[0]).monthly(100),
        weekly,
        Terms::of(OwnerType::Team, owner).monthly(200),
        overdrawn,
        daily,
    ];
    for (terms, id) in terms.into_iter().zip(1..) {
        assert_eq!(wallet(store, tenant, terms), WalletId(id));
    }
    credit(store, WalletId(PREPAID), 300).unwrap();
    credit(store, WalletId(KEY), 1_000).unwrap();
    store.housekeep(NOON).unwrap();
    assert_eq!(house(store, tenant), WalletId(HOUSE));
    assert_eq!((tenant, owner, users), (1, 1, [1, 2]));
}

/// Every number that the model knows too.
type Numbers = Vec<(&'static str, Vec<Vec<i64>>)>;

const TABLES: [(&str, &str); 7] = [
    (
        "wallets: id, balance, overage, spent, unleased, drawn, wanted, period_start",
        "SELECT w.id, w.balance, w.overage, w.spent, p.unleased, p.drawn, p.wanted, \
         w.period_start FROM wallets w JOIN wallet_pool p ON p.wallet_id = w.id ORDER BY w.id",
    ),
    (
        "leases: holder, wallet, granted, used",
        "SELECT holder_id, wallet_id, CAST(sum(granted) AS BIGINT), CAST(sum(used) AS BIGINT) \
         FROM (SELECT holder_id, wallet_id, granted, 0 AS used FROM lease_grants UNION ALL \
         SELECT holder_id, wallet_id, 0, used FROM lease_uses) AS leases \
         GROUP BY holder_id, wallet_id HAVING sum(granted) <> 0 OR sum(used) <> 0 ORDER BY 1, 2",
    ),
    (
        "holders: id, live, beat",
        "SELECT id, CAST(CASE state WHEN 'live' THEN 1 ELSE 0 END AS BIGINT), beat \
         FROM holders ORDER BY id",
    ),
    (
        "absences: id, state, version",
        "SELECT id, CAST(CASE state WHEN 'planned' THEN 0 WHEN 'active' THEN 1 ELSE 2 END \
         AS BIGINT), version FROM absences ORDER BY id",
    ),
    (
        "loans: id, absence, from, amount, reclaimed, state",
        "SELECT id, absence_id, from_wallet, amount, reclaimed, CAST(CASE state \
         WHEN 'open' THEN 0 WHEN 'ending' THEN 1 ELSE 2 END AS BIGINT) FROM loans ORDER BY id",
    ),
    ("users: tokens", "SELECT used_tokens FROM users ORDER BY id"),
    (
        "teams: used pool",
        "SELECT used_pool FROM teams ORDER BY id",
    ),
];

fn numbers<E: Engine>(store: &SqlStore<E>) -> Numbers {
    TABLES
        .map(|(name, sql)| (name, ask(store, sql, &[])))
        .to_vec()
}

fn expected(state: &State) -> Numbers {
    let model = &state.model;
    let wallets = model.wallets.iter().map(|(id, wallet)| {
        vec![
            *id,
            wallet.balance,
            wallet.overage,
            wallet.spent,
            model.unleased(*id),
            model.drawn(*id),
            wallet.wanted,
            wallet.period_start,
        ]
    });
    let leases = model.holders.iter().flat_map(|(holder, row)| {
        let leases = row.leases.iter().filter(|(_, lease)| **lease != (0, 0));
        leases.map(|(wallet, lease)| vec![*holder, *wallet, lease.0, lease.1])
    });
    let holders = model.holders.iter();
    let holders = holders.map(|(id, row)| vec![*id, i64::from(row.is_live), row.beat]);
    let absences = model.absences.iter();
    let absences = absences.map(|(id, row)| vec![*id, row.state, row.version]);
    let loans = model.loans.iter().map(|(id, loan)| {
        vec![
            *id,
            loan.absence,
            loan.from,
            loan.amount,
            loan.reclaimed,
            loan.state,
        ]
    });
    let rows = [
        wallets.collect(),
        leases.collect(),
        holders.collect(),
        absences.collect(),
        loans.collect(),
        model.tokens.iter().map(|count| vec![*count]).collect(),
        vec![vec![model.wallets[&POOL].spent]],
    ];
    TABLES.iter().map(|(name, _)| *name).zip(rows).collect()
}

/// The answer, or the name of the fault.
fn told<T: std::fmt::Debug>(answer: &Result<T, StoreFault>) -> String {
    match answer {
        Ok(_) => "()".to_owned(),
        Err(fault) => {
            let text = format!("{fault:?}");
            let end = text.find(|c: char| !c.is_ascii_alphabetic());
            text[..end.unwrap_or(text.len())].to_owned()
        }
    }
}

fn people<E: Engine, T>(
    store: &SqlStore<E>,
    work: &mut dyn FnMut(&mut dyn Sql) -> Result<T, StoreFault>,
) -> Result<T, StoreFault> {
    store.engine.run(Work::Governance, work)
}

/// Does to a database what was done to the model, and wants the same answer.
fn play<E: Engine>(store: &SqlStore<E>, state: &State) {
    let reason = reason(state.now);
    match &state.done {
        Done::Begun | Done::Nothing | Done::Housekeep(_) => {}
        Done::Enlist(id) => assert_eq!(store.enlist("one", 0).unwrap(), HolderId(*id)),
        Done::Beat(id, live) => assert_eq!(store.beat(HolderId(*id)).unwrap(), *live),
        Done::Take(id, wallet, (least, most), expected) => {
            let taken = store.take(HolderId(*id), &[want(WalletId(*wallet), *least, *most)]);
            let answer = match &taken {
                Ok(taken) => {
                    let one = taken[0];
                    let denied = one.denied.map(|denied| format!("{denied:?}"));
                    let amounts = (one.granted.get(), one.left.get(), one.elsewhere.get());
                    format!("{:?}", (amounts.0, amounts.1, amounts.2, denied))
                }
                Err(_) => told(&taken),
            };
            assert_eq!(answer, *expected);
        }
        Done::GiveBack(id, wallet, amount) => {
            let back = [(WalletId(*wallet), Nanos::new(*amount))];
            store.give_back(HolderId(*id), &back).unwrap();
        }
        Done::Settle(id, batch, expected) => {
            let posted = store.settle(HolderId(*id), batch, state.now).unwrap();
            assert_eq!((posted.posted, posted.duplicates), *expected);
        }
        Done::Retire(id) => store.retire(HolderId(*id)).unwrap(),
        Done::Fence(id, beat, expected) => {
            assert_eq!(store.fence(HolderId(*id), *beat).unwrap(), *expected);
        }
        Done::Move(wallet, amount, expected) => {
            let (wallet, size) = (WalletId(*wallet), Nanos::new(amount.abs()));
            let answer = people(store, &mut |tx| match *amount < 0 {
                true => transfer::debit(tx, wallet, size, reason),
                false => transfer::credit(tx, wallet, size, reason),
            });
            assert_eq!(told(&answer), *expected);
        }
        Done::Transfer(from, to, amount, expected) => {
            let both = (WalletId(*from), WalletId(*to));
            let amount = Nanos::new(*amount);
            let answer = people(store, &mut |tx| {
                transfer::transfer(tx, both, amount, reason)
            });
            assert_eq!(told(&answer), *expected);
        }
        Done::Forgive(wallet, amount, expected) => {
            let (wallet, amount) = (WalletId(*wallet), Some(Nanos::new(*amount)));
            let answer = people(store, &mut |tx| {
                transfer::forgive(tx, wallet, amount, reason)
            });
            assert_eq!(told(&answer), *expected);
        }
        Done::Reconcile(id, truth, expected) => {
            let truth = Nanos::new(*truth);
            let answer = people(store, &mut |tx| transfer::reconcile(tx, *id, truth, reason));
            assert_eq!(told(&answer), *expected);
        }
        done => change(store, done, state.now),
    }
}

/// What people write into the tables.
fn change<E: Engine>(store: &SqlStore<E>, done: &Done, now: i64) {
    match done {
        Done::Freeze(wallet, is_frozen) => {
            let word = if *is_frozen { "frozen" } else { "active" };
            let sql = "UPDATE wallets SET status = $2 WHERE id = $1";
            run(store, sql, values![*wallet, word]);
        }
        Done::Allow(wallet, amount) => {
            let sql = "UPDATE wallets SET allowance = $2 WHERE id = $1";
            run(store, sql, values![*wallet, *amount]);
        }
        Done::Share(percent) => {
            run(
                store,
                "UPDATE teams SET vacation_share_pct = $1",
                values![*percent],
            );
        }
        Done::Plan(user, from, to) => run(
            store,
            "INSERT INTO absences (org_id, user_id, starts_at, ends_at, created_at) \
             VALUES (1, $1, $2, $3, 0)",
            values![*user, *from, *to],
        ),
        Done::Return(id, expected) => {
            let ended = people(store, &mut |tx| absence::end(tx, *id, now));
            assert_eq!(ended.unwrap(), *expected);
        }
        other => panic!("{other:?} is played elsewhere"),
    }
}

fn assert_like<E: Engine>(store: &SqlStore<E>, state: &State) {
    let numbers = numbers(store);
    for (stored, expected) in numbers.iter().zip(expected(state)) {
        assert_eq!(*stored, expected, "after {:?}", state.done);
    }
    assert_sound(store);
}

/// SQLite alone: fast, so that many histories are tried.
struct Alone;

impl StateMachineTest for Alone {
    type SystemUnderTest = SqliteStore;
    type Reference = State;

    fn init_test(_: &State) -> SqliteStore {
        let store = SqliteStore::in_memory().unwrap();
        make(&store);
        store
    }

    fn apply(store: SqliteStore, state: &State, _: super::machine::Act) -> SqliteStore {
        play(&store, state);
        if let Done::Housekeep(expected) = state.done {
            assert_eq!(store.housekeep(state.now).unwrap(), expected);
        }
        store
    }

    fn check_invariants(store: &SqliteStore, state: &State) {
        assert_like(store, state);
    }
}

/// Both databases, side by side.
struct Both;

impl StateMachineTest for Both {
    type SystemUnderTest = (SqliteStore, PgStore);
    type Reference = State;

    fn init_test(state: &State) -> (SqliteStore, PgStore) {
        let postgres = testing::on_postgres();
        make(&postgres);
        (Alone::init_test(state), postgres)
    }

    fn apply(
        (sqlite, postgres): (SqliteStore, PgStore),
        state: &State,
        act: super::machine::Act,
    ) -> (SqliteStore, PgStore) {
        play(&postgres, state);
        if let Done::Housekeep(expected) = state.done {
            // Partitions are made there too.
            assert!(postgres.housekeep(state.now).unwrap() || !expected);
        }
        (Alone::apply(sqlite, state, act), postgres)
    }

    fn check_invariants((sqlite, postgres): &(SqliteStore, PgStore), state: &State) {
        assert_like(sqlite, state);
        assert_like(postgres, state);
    }
}

/// So many histories, or what `PROPTEST_CASES` says.
fn cases(modest: u32) -> Config {
    let config = Config::default();
    let cases = match std::env::var_os("PROPTEST_CASES") {
        Some(_) => config.cases,
        None => modest,
    };
    Config {
        cases,
        max_shrink_iters: 2_000,
        ..config
    }
}

prop_state_machine! {
    #![proptest_config(cases(48))]

    #[test]
    fn random_histories_leave_sqlite_like_the_model(sequential 1..60 => Alone);
}

prop_state_machine! {
    #![proptest_config(cases(6))]

    #[test]
    fn random_histories_leave_both_databases_like_the_model(sequential 1..50 => Both);
}
