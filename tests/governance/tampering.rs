//! `alfred audit verify` of a record that somebody has touched: the first bad row is named.

use alfred::audit::{BlockBuilder, Head, Settlement, Signer};
use alfred::secrets::os_random;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use crate::says::{house, json, ok};
use crate::support::Shell;

fn database(shell: &Shell) -> Connection {
    Connection::open(shell.path().join("data/alfred.db")).unwrap()
}

/// Changes the database behind Alfred's back; the verification then names the flaw.
fn tampered(shell: &Shell, sql: &str, flaw: &str) {
    let changed = database(shell).execute(sql, []).unwrap();
    assert!(changed > 0, "{sql}");
    let said = shell.run(&["audit", "verify"]);
    assert_eq!(said.status, 1, "{sql}: {said:?}");
    assert!(
        said.out.contains("not all is as it was written"),
        "{said:?}"
    );
    assert!(
        said.err.starts_with(&format!("error: {flaw}")),
        "{sql}: '{flaw}' is not in {said:?}"
    );
    let said = shell.run(&["audit", "verify", "--json"]);
    let told: Value = serde_json::from_str(&said.out).unwrap();
    assert!(told["flaw"].as_str().unwrap().starts_with(flaw), "{told}");
}

fn record() -> Shell {
    let shell = house();
    ok(&shell, &["wallets", "create", "user:1", "--credit", "5"]);
    shell
}

#[test]
fn a_changed_record_is_named() {
    tampered(
        &record(),
        "UPDATE audit_log SET target = 'user:9' WHERE id = 3",
        "audit_log 3: its content was changed",
    );
}

#[test]
fn a_deleted_record_is_named() {
    tampered(
        &record(),
        "DELETE FROM audit_log WHERE id = 2",
        "audit_log 2: it was deleted",
    );
}

#[test]
fn a_cut_end_is_named() {
    tampered(
        &record(),
        "DELETE FROM audit_log WHERE id = 5",
        "audit_log 5: it was deleted",
    );
}

#[test]
fn a_credit_that_was_changed_invented_or_deleted_is_named() {
    let changed = "UPDATE transactions SET amount = amount * 2";
    tampered(&record(), changed, "transactions ");
    let shell = record();
    let invented = "INSERT INTO transactions (request_id, type, id, amount, hash, created_at) \
        VALUES (zeroblob(16), 'credit', zeroblob(16), 5, zeroblob(32), 0)";
    tampered(
        &shell,
        invented,
        "transactions 00000000-0000-0000-0000-000000000000",
    );
    tampered(
        &record(),
        "DELETE FROM transactions WHERE leg = 0",
        "transactions ",
    );
    let moved = "UPDATE transactions SET settlement = 7, position = 0 WHERE leg = 0";
    tampered(&record(), moved, "transactions ");
}

/// A wallet with an allowance, which the house posts in a settlement, and a block over it, made as
/// the sealer makes it.
fn sealed() -> Shell {
    let shell = house();
    ok(
        &shell,
        &[
            "wallets",
            "create",
            "user:1",
            "--period",
            "month",
            "--allowance",
            "5",
        ],
    );
    let database = database(&shell);
    let signer = Signer::load_or_create(&shell.path().join("data"), &mut os_random).unwrap();
    let mut builder = BlockBuilder::new();
    let read = "SELECT id, holder_id, count, amount, root, created_at FROM settlements ORDER BY id";
    let mut statement = database.prepare(read).unwrap();
    let settlements = statement.query_map([], |row| {
        Ok(Settlement {
            id: row.get(0)?,
            holder: row.get(1)?,
            count: row.get(2)?,
            amount: row.get(3)?,
            root: row.get(4)?,
            created_at: row.get(5)?,
        })
    });
    for settlement in settlements.unwrap() {
        builder.add(&settlement.unwrap()).unwrap();
    }
    let block = builder.seal(Head::GENESIS, 1, &signer).unwrap();
    let insert = "INSERT INTO blocks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    database
        .execute(
            insert,
            params![
                block.n,
                block.settlements,
                block.count,
                block.amount,
                block.root,
                block.previous_hash,
                block.hash,
                block.public_key,
                block.signature,
                block.sealed_at
            ],
        )
        .unwrap();
    database
        .execute("UPDATE settlements SET block = 1", [])
        .unwrap();
    shell
}

#[test]
fn a_sealed_block_holds_and_its_head_is_an_anchor() {
    let shell = sealed();
    let told = json(&shell, &["audit", "verify", "--strict"]);
    assert_eq!(
        (&told["blocks"], &told["settlements"]),
        (&json!(1), &json!(1))
    );
    assert!(told["transactions"].as_i64().unwrap() >= 2, "{told}");
    assert_eq!(
        (&told["unsealed_settlements"], &told["warnings"]),
        (&json!(0), &json!([]))
    );
    let head = ok(&shell, &["audit", "head"]);
    assert!(head.contains("alfred-anchor 1 block 1 "), "{head}");
    shell.write("anchors", &head);
    ok(&shell, &["audit", "verify", "--anchors", "anchors"]);
    tampered(
        &shell,
        "UPDATE settlements SET amount = amount + 1",
        "settlements 1: its content was changed",
    );
}

#[test]
fn a_key_that_is_not_trusted_is_told_and_with_strict_refused() {
    let shell = sealed();
    let key = json(&shell, &["audit", "verify", "--strict"]);
    assert_eq!(key["warnings"], json!([]));
    std::fs::remove_file(shell.path().join("data/signing-key")).unwrap();
    let said = shell.run(&["audit", "verify"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(
        said.err.contains("warning: blocks 1") && said.err.contains("--trust"),
        "{said:?}"
    );
    let said = shell.run(&["audit", "verify", "--strict"]);
    assert_eq!(said.status, 1, "{said:?}");
    let trusted = said.err.trim().rsplit(' ').next().unwrap();
    ok(&shell, &["audit", "verify", "--strict", "--trust", trusted]);
}

#[test]
fn a_transaction_of_a_sealed_block_is_named_when_it_changes() {
    let changed = "UPDATE transactions SET amount = 7 WHERE settlement IS NOT NULL AND leg = 0";
    tampered(&sealed(), changed, "transactions ");
    let deleted = "DELETE FROM transactions WHERE settlement IS NOT NULL AND leg = 1";
    tampered(&sealed(), deleted, "transactions of settlement 1");
    tampered(&sealed(), "DELETE FROM blocks", "blocks 1: it was deleted");
    tampered(
        &sealed(),
        "UPDATE blocks SET amount = 1",
        "blocks 1: its content was changed",
    );
}

#[test]
fn rows_that_nobody_of_the_house_would_number_so_are_found() {
    let records = "UPDATE audit_log SET id = -1 WHERE id = 1";
    tampered(&record(), records, "audit_log -1: it was moved");
    let settlement = "INSERT INTO settlements (id, holder_id, count, amount, root, created_at) \
                      VALUES (-5, 0, 1, 0, zeroblob(32), 0)";
    tampered(&record(), settlement, "transactions of settlement -5");
    let block = "INSERT INTO blocks VALUES (0, 1, 1, 0, zeroblob(32), zeroblob(32), zeroblob(32), \
                 zeroblob(32), zeroblob(64), 0)";
    tampered(&record(), block, "blocks 0: it was inserted");
}

#[test]
fn what_is_not_sealed_yet_is_verified_too() {
    let shell = house();
    ok(
        &shell,
        &[
            "wallets",
            "create",
            "user:1",
            "--period",
            "month",
            "--allowance",
            "5",
        ],
    );
    let changed = "UPDATE transactions SET amount = 7 WHERE settlement IS NOT NULL AND leg = 0";
    tampered(&shell, changed, "transactions ");
}
