//! Why: what a settlement promises, sentence by sentence.

use uuid::Uuid;

use super::super::super::sql::{Engine, Row, SqlStore, Value, Work, values};
use super::super::{LedgerStore, OwnerType, Settled, UsageSource, WalletId};
use super::world::*;
use crate::audit::{Hash, Settlement, SettlementVerifier, TransactionLeaf};
use crate::money::Nanos;
use crate::store::StoreFault;

/// Type, leg, wallet, amount and balance after, in the order in which they were posted.
fn lines<E: Engine>(store: &SqlStore<E>, settlement: i64) -> Vec<(String, Vec<Option<i64>>)> {
    let sql = "SELECT type, leg, wallet_id, amount, balance_after, cost, \
               prompt_tokens + completion_tokens \
               FROM transactions WHERE settlement = $1 ORDER BY position";
    let read = |row: &Row| {
        let cells = (1..7).map(|at| row.int_or_null(at).unwrap());
        (row.text(0).unwrap().to_owned(), cells.collect())
    };
    let rows = store.engine.run(Work::ReadLatest, &mut |tx| {
        tx.query(sql, values![settlement])
    });
    rows.unwrap().iter().map(read).collect()
}

fn last_settlement<E: Engine>(store: &SqlStore<E>) -> i64 {
    ask(store, "SELECT max(id) FROM settlements", &[])[0][0]
}

fn a_cost_is_split_over_payers_and_counted_by_caps<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let (team, key) = (team(store, tenant, 0), 5);
    let user = user(store, tenant, team);
    let quota = wallet(store, tenant, Terms::of(OwnerType::Quota, user));
    let pool = wallet(store, tenant, Terms::of(OwnerType::Team, team));
    let budget = wallet(store, tenant, Terms::of(OwnerType::Key, key));
    for id in [quota, pool, budget] {
        credit(store, id, 100).unwrap();
    }
    let one = store.enlist("one", 0).unwrap();
    for id in [quota, pool, budget] {
        take(store, one, id, 100);
    }
    let legs = [pay(quota, 30), pay(pool, 20), cap(budget, 50)];
    let mut spent = settled(tenant, &legs, 7);
    (spent.subject.user, spent.subject.team) = (Some(user), Some(team));
    let posted = store.settle(one, &[spent], NOON).unwrap();
    assert_eq!((posted.posted, posted.duplicates), (1, 0));
    let amounts =
        |balance, overage, spent| (Nanos::new(balance), Nanos::new(overage), Nanos::new(spent));
    let touched: Vec<_> = posted
        .wallets
        .iter()
        .map(|(id, a, b, c)| (*id, (*a, *b, *c)))
        .collect();
    let expected = [
        (quota, amounts(70, 7, 30)),
        (pool, amounts(80, 0, 20)),
        (budget, amounts(50, 0, 50)),
    ];
    assert_eq!(touched, expected);
    let line = |kind: &str, leg, id: WalletId, amount, after, cost, tokens| {
        let cells = [leg, id.0, amount, after, cost, tokens].map(Some).to_vec();
        (kind.to_owned(), cells)
    };
    let expected = [
        line("usage", 0, quota, -30, 70, 57, 15),
        line("usage", 1, pool, -20, 80, 0, 0),
        line("cap", 0, budget, -50, 50, 0, 0),
        line("overage", 0, quota, -7, 70, 0, 0),
    ];
    assert_eq!(lines(store, last_settlement(store)), expected);
    assert_eq!(ask(store, "SELECT used_tokens FROM users", &[]), [[15]]);
    assert_eq!(ask(store, "SELECT used_pool FROM teams", &[]), [[20]]);
    assert_sound(store);
}

fn who_has_no_wallet_is_not_bounded<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let budget = wallet(store, tenant, Terms::of(OwnerType::Key, 1));
    credit(store, budget, 100).unwrap();
    let one = store.enlist("one", 0).unwrap();
    take(store, one, budget, 100);
    let cost = Nanos::new(40);
    let free = Settled {
        cost,
        ..settled(tenant, &[], 0)
    };
    let capped = Settled {
        cost,
        ..settled(tenant, &[cap(budget, 35)], 5)
    };
    store.settle(one, &[free, capped], NOON).unwrap();
    let line = |kind: &str, wallet: Option<WalletId>, amount, after, cost, tokens| {
        let wallet = wallet.map(|wallet| wallet.0);
        let cells = vec![
            Some(0),
            wallet,
            Some(amount),
            after,
            Some(cost),
            Some(tokens),
        ];
        (kind.to_owned(), cells)
    };
    let expected = [
        line("usage", None, -40, None, 40, 15),
        line("usage", None, -35, None, 40, 15),
        line("cap", Some(budget), -35, Some(65), 0, 0),
        line("overage", Some(budget), -5, Some(65), 0, 0),
    ];
    assert_eq!(lines(store, last_settlement(store)), expected);
    assert_eq!(state(store, budget), [65, 0, 100, 35, 5]);
    assert_sound(store);
}

fn all_that_could_not_be_reserved_is_overage_of_the_first_payer<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let (one, two) = (prepaid(store, tenant, 0), prepaid(store, tenant, 0));
    let holder = store.enlist("one", 0).unwrap();
    let spent = settled(tenant, &[pay(one, 0), pay(two, 0)], 9);
    store.settle(holder, &[spent], NOON).unwrap();
    assert_eq!(state(store, one), [0, 0, 0, 0, 9]);
    assert_eq!(state(store, two), [0, 0, 0, 0, 0]);
    assert_eq!(lines(store, last_settlement(store)).len(), 2);
    assert_sound(store);
}

fn what_was_not_delivered_is_paid_by_the_house<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 100);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 100);
    let lost = Settled {
        delivered: false,
        ..settled(tenant, &[pay(wallet, 30)], 0)
    };
    let mut again = settled(tenant, &[pay(wallet, 35)], 0);
    again.subject.request_id = lost.subject.request_id;
    again.attempt = 2;
    let lost_of = |org| {
        let mut lost = Settled {
            delivered: false,
            ..settled(tenant, &[pay(wallet, 30)], 0)
        };
        lost.subject.org = org;
        lost
    };
    let (nobodys, strangers) = (lost_of(None), lost_of(Some(99)));
    let posted = store
        .settle(one, &[lost, again, nobodys, strangers], NOON)
        .unwrap();
    assert_eq!(posted.posted, 4);
    assert_eq!(state(store, wallet), [65, 0, 100, 35, 0]);
    let house = house(store, tenant);
    assert_eq!(state(store, house)[..2], [-130, -130]);
    let tokens = ask(
        store,
        "SELECT sum(prompt_tokens) FROM transactions WHERE wallet_id IS NULL",
        &[],
    );
    assert_eq!(tokens, [[20]]);
    assert_sound(store);
}

fn a_house_is_opened_by_the_first_answer_that_got_lost<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let one = store.enlist("one", 0).unwrap();
    let lost = Settled {
        delivered: false,
        cost: Nanos::new(8),
        ..settled(tenant, &[], 0)
    };
    store.settle(one, &[lost], NOON).unwrap();
    let house = house(store, tenant);
    assert_eq!(state(store, house), [-8, -8, 0, 8, 0]);
    assert_sound(store);
}

fn what_is_sent_again_is_posted_once<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 1_000);
    let (one, two) = (
        store.enlist("one", 0).unwrap(),
        store.enlist("two", 0).unwrap(),
    );
    take(store, one, wallet, 500);
    let batch: Vec<Settled> = (1..=9)
        .map(|n| settled(tenant, &[pay(wallet, n)], 0))
        .collect();
    let first = store.settle(one, &batch[..6], NOON).unwrap();
    assert_eq!((first.posted, first.duplicates), (6, 0));
    let again = store.settle(two, &batch[..6], NOON + 1).unwrap();
    assert_eq!((again.posted, again.duplicates), (0, 6));
    assert_eq!(again.wallets, first.wallets);
    // Some of it new, and one of those twice, with another amount.
    let mut mixed = batch[3..].to_vec();
    mixed.push(Settled {
        cost: Nanos::new(70),
        legs: vec![pay(wallet, 70)],
        ..batch[8].clone()
    });
    let last = store.settle(one, &mixed, NOON + 2).unwrap();
    assert_eq!((last.posted, last.duplicates), (3, 4));
    assert_eq!(state(store, wallet), [955, 500, 500, 45, 0]);
    let after: Vec<_> = lines(store, last_settlement(store))
        .iter()
        .map(|line| line.1[3])
        .collect();
    assert_eq!(after, [Some(972), Some(964), Some(955)]);
    assert_eq!(ask(store, "SELECT count(*) FROM settlements", &[]), [[2]]);
    assert_sound(store);
}

fn what_is_called_new_and_is_not_is_posted_once_all_the_same<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 1_000);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 500);
    let batch: Vec<Settled> = (1..=9)
        .map(|n| settled(tenant, &[pay(wallet, n)], 0))
        .collect();
    let first = store.settle_first(one, &batch[..6], NOON).unwrap();
    assert_eq!((first.posted, first.duplicates), (6, 0));
    let mut mixed = batch[3..].to_vec();
    mixed.push(batch[8].clone());
    let last = store.settle_first(one, &mixed, NOON + 1).unwrap();
    assert_eq!((last.posted, last.duplicates), (3, 4));
    assert_eq!(state(store, wallet), [955, 500, 500, 45, 0]);
    let again = store.settle_first(one, &batch, NOON + 2).unwrap();
    assert_eq!((again.posted, again.duplicates), (0, 9));
    assert_eq!(ask(store, "SELECT count(*) FROM settlements", &[]), [[2]]);
    assert_sound(store);
}

fn attempts_of_one_request_are_settled_apart<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let one = store.enlist("one", 0).unwrap();
    let first = settled(tenant, &[], 0);
    let second = Settled {
        attempt: 255,
        delivered: false,
        ..first.clone()
    };
    store
        .settle(one, std::slice::from_ref(&first), NOON)
        .unwrap();
    let posted = store.settle(one, &[first, second], NOON).unwrap();
    assert_eq!((posted.posted, posted.duplicates), (1, 1));
    assert_sound(store);
}

fn what_can_never_be_posted_is_named_and_harms_nothing<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 100);
    let house = house(store, tenant);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 100);
    let good = || settled(tenant, &[pay(wallet, 1)], 0);
    let with = |change: fn(&mut Settled)| {
        let mut bad = good();
        change(&mut bad);
        bad
    };
    let legs = |legs: &[crate::store::Leg]| settled(tenant, legs, 0);
    let bad = [
        with(|bad| bad.cost = Nanos::new(-1)),
        with(|bad| bad.cost = Nanos::new(i64::MAX)),
        with(|bad| bad.cost = Nanos::new(2)),
        with(|bad| bad.overage = Nanos::new(-1)),
        with(|bad| (bad.overage, bad.cost) = (Nanos::new(i64::MAX), Nanos::new(1))),
        with(|bad| bad.prompt_tokens = u64::MAX),
        with(|bad| bad.model = "a\0b".into()),
        with(|bad| bad.provider = "\0".into()),
        with(|bad| (bad.legs, bad.overage) = (Vec::new(), Nanos::new(1))),
        with(|bad| bad.legs = bad.legs.repeat(8)),
        with(|bad| (bad.delivered, bad.cost) = (false, Nanos::new(-5))),
        legs(&[pay(wallet, -1), pay(wallet, 1)]),
        legs(&[pay(wallet, 1), cap(wallet, 2)]),
        legs(&[pay(WalletId(4_711), 1)]),
        legs(&[pay(WalletId(-1), 1)]),
        legs(&[pay(house, 1)]),
        legs(&[pay(wallet, 0), cap(WalletId(0), 0)]),
    ];
    for bad in &bad[..16] {
        let batch = [good(), good(), bad.clone(), good()];
        let refused = store.settle(one, &batch, NOON);
        assert!(
            matches!(refused, Err(StoreFault::Unpostable { index: 2, .. })),
            "{bad:?} {refused:?}"
        );
    }
    // A part of nothing names nobody.
    assert_eq!(store.settle(one, &bad[16..], NOON).unwrap().posted, 1);
    let many = vec![good(); 1_001];
    assert!(matches!(
        store.settle(one, &many, NOON),
        Err(StoreFault::Refused(_))
    ));
    assert_eq!(state(store, wallet)[0], 100);
    assert_eq!(store.settle(one, &[], NOON).unwrap(), Default::default());
    assert_sound(store);
}

fn a_sum_out_of_range_names_the_settlement_that_makes_it<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 0);
    let one = store.enlist("one", 0).unwrap();
    let most = 1_000_000_000_000_000_000;
    let batch: Vec<Settled> = (0..20)
        .map(|_| settled(tenant, &[pay(wallet, most)], 0))
        .collect();
    let refused = store.settle(one, &batch, NOON);
    assert!(
        matches!(refused, Err(StoreFault::Unpostable { index: 9, .. })),
        "{refused:?}"
    );
    assert_eq!(state(store, wallet), [0; 5]);
}

fn a_batch_of_a_thousand_over_many_wallets_is_posted_whole<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallets: Vec<WalletId> = (0..21).map(|_| prepaid(store, tenant, 10_000)).collect();
    let owners = ask(
        store,
        "SELECT owner_id FROM wallets WHERE owner_type = 'user' ORDER BY id",
        &[],
    );
    let one = store.enlist("one", 0).unwrap();
    for wallet in &wallets {
        take(store, one, *wallet, 10_000);
    }
    let batch: Vec<Settled> = (0..1_000)
        .map(|n: usize| {
            let mut spent = settled(tenant, &[pay(wallets[n * 7 % 21], 2)], 0);
            spent.subject.user = Some(owners[n * 7 % 21][0]);
            spent
        })
        .collect();
    assert_eq!(store.settle(one, &batch, NOON).unwrap().posted, 1_000);
    assert_eq!(store.settle(one, &batch, NOON).unwrap().duplicates, 1_000);
    let sum = ask(
        store,
        "SELECT CAST(sum(balance) AS BIGINT) FROM wallets WHERE owner_type = 'user'",
        &[],
    );
    assert_eq!(sum, [[210_000 - 2_000]]);
    assert_sound(store);
}

fn rows_prove_their_settlement<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let wallet = prepaid(store, tenant, 1_000);
    let one = store.enlist("one", 0).unwrap();
    take(store, one, wallet, 1_000);
    let mut batch: Vec<Settled> = (1..=7)
        .map(|n| settled(tenant, &[pay(wallet, n)], 1))
        .collect();
    batch[3].source = UsageSource::Hold;
    batch[3].estimated = true;
    batch[4].delivered = false;
    store.settle(one, &batch, NOON + 5).unwrap();
    let id = last_settlement(store);
    let sql =
        "SELECT id, holder_id, count, amount, root, created_at FROM settlements WHERE id = $1";
    let row = store
        .engine
        .run(Work::ReadLatest, &mut |tx| tx.one(sql, values![id]))
        .unwrap();
    let settlement = Settlement {
        id,
        holder: row.int(1).unwrap(),
        count: row.int(2).unwrap(),
        amount: row.int(3).unwrap(),
        root: row.bytes(4).unwrap(),
        created_at: row.int(5).unwrap(),
    };
    assert_eq!(
        (settlement.holder, settlement.count, settlement.created_at),
        (one.0, 13, NOON + 5)
    );
    let mut verifier = SettlementVerifier::new(settlement);
    let rows = stored(store, id);
    for row in &rows {
        let (leaf, hash) = leaf(row);
        verifier.feed(&leaf, &hash).unwrap();
    }
    verifier.finish().unwrap();
}

/// Every column of the rows of a settlement.
fn stored<E: Engine>(store: &SqlStore<E>, settlement: i64) -> Vec<Row> {
    let names: Vec<&str> = super::super::rows::TRANSACTION
        .iter()
        .map(|column| column.name())
        .collect();
    let sql = format!(
        "SELECT {} FROM transactions WHERE settlement = $1 ORDER BY position",
        names.join(", ")
    );
    let rows = store.engine.run(Work::ReadLatest, &mut |tx| {
        tx.query(&sql, values![settlement])
    });
    rows.unwrap()
}

/// What was stored, read column by column.
fn leaf(row: &Row) -> (TransactionLeaf<'_>, Hash) {
    let int = |at| row.int(at).unwrap();
    let some = |at| row.int_or_null(at).unwrap();
    let leaf = TransactionLeaf {
        request_id: row.bytes(0).unwrap(),
        attempt: u8::try_from(int(1)).unwrap(),
        kind: row.text(2).unwrap(),
        leg: u8::try_from(int(3)).unwrap(),
        id: row.bytes(4).unwrap(),
        org: some(5),
        team: some(6),
        user: some(7),
        key: some(8),
        wallet: some(9),
        amount: int(10),
        balance_after: some(11),
        model: row.text_or_null(12).unwrap(),
        provider: row.text_or_null(13).unwrap(),
        prompt_tokens: int(14),
        completion_tokens: int(15),
        cached_tokens: int(16),
        cache_write_tokens: int(17),
        reasoning_tokens: int(18),
        cost: int(19),
        estimated: row.flag(20).unwrap(),
        usage_source: row.text(21).unwrap(),
        price_version: some(22),
        holder: some(23),
        settlement: some(24),
        position: some(25),
        reverses: row.bytes_or_null(27).unwrap(),
        note: row.text_or_null(28).unwrap(),
        created_at: int(29),
    };
    (leaf, row.bytes(26).unwrap())
}

fn a_transaction_is_known_by_an_id_made_of_its_key<E: Engine>(store: &SqlStore<E>) {
    let tenant = org(store, "a");
    let one = store.enlist("one", 0).unwrap();
    let mut lost = settled(tenant, &[], 0);
    (lost.delivered, lost.attempt) = (false, 9);
    store.settle(one, &[lost.clone()], NOON).unwrap();
    let row = &stored(store, last_settlement(store))[0];
    let mut id = *lost.subject.request_id.as_bytes();
    (id[14], id[15]) = (9, 0x30);
    assert_eq!(row.0[4], Value::from(id));
    assert!(Uuid::from_bytes(id) != lost.subject.request_id);
}

super::sentences!(
    a_cost_is_split_over_payers_and_counted_by_caps,
    who_has_no_wallet_is_not_bounded,
    all_that_could_not_be_reserved_is_overage_of_the_first_payer,
    what_was_not_delivered_is_paid_by_the_house,
    a_house_is_opened_by_the_first_answer_that_got_lost,
    what_is_sent_again_is_posted_once,
    what_is_called_new_and_is_not_is_posted_once_all_the_same,
    attempts_of_one_request_are_settled_apart,
    what_can_never_be_posted_is_named_and_harms_nothing,
    a_sum_out_of_range_names_the_settlement_that_makes_it,
    a_batch_of_a_thousand_over_many_wallets_is_posted_whole,
    rows_prove_their_settlement,
    a_transaction_is_known_by_an_id_made_of_its_key,
);
