//! Why: a ledger that cannot be checked is a claim. Every promise that the tables must keep is
//! recomputed here from the rows, each by one statement that names who breaks it.

use super::super::StoreFault;
use super::super::sql::Sql;
use super::Broken;

/// Most offenders named for each promise.
const MOST: usize = 100;

/// Leases by wallet: granted and not used.
const HELD: &str = "(SELECT wallet_id, sum(part) AS held FROM ( \
     SELECT wallet_id, granted AS part FROM lease_grants UNION ALL \
     SELECT wallet_id, -used FROM lease_uses) AS parts GROUP BY wallet_id)";

/// The statements. Each answers a text for each offender; `{hex}` writes the id of a request.
const PROMISES: &[(&str, &str)] = &[
    (
        "I1",
        "SELECT 'wallet ' || w.id || ' has no pool' FROM wallets w \
         WHERE NOT EXISTS (SELECT 1 FROM wallet_pool p WHERE p.wallet_id = w.id)",
    ),
    (
        "I1",
        "SELECT 'wallet ' || w.id || ': its balance is ' || w.balance || ', its pool and leases \
         hold ' || (p.unleased + coalesce(l.held, 0)) \
         FROM wallets w JOIN wallet_pool p ON p.wallet_id = w.id \
         LEFT JOIN {held} AS l ON l.wallet_id = w.id \
         WHERE w.balance <> p.unleased + coalesce(l.held, 0)",
    ),
    (
        "I2",
        "SELECT 'wallet ' || w.id || ': ' || p.unleased || ' is unleased, its overdraft is ' \
         || w.overdraft || ', late ' || p.late \
         FROM wallets w JOIN wallet_pool p ON p.wallet_id = w.id \
         WHERE w.owner_type <> 'house' AND p.unleased < -w.overdraft - p.late",
    ),
    (
        "I2",
        "SELECT 'wallet ' || w.id || ': drawn is ' || p.drawn || ', spent and leases are ' \
         || (w.spent + coalesce(l.held, 0)) \
         FROM wallets w JOIN wallet_pool p ON p.wallet_id = w.id \
         LEFT JOIN {held} AS l ON l.wallet_id = w.id \
         WHERE w.owner_type <> 'house' AND p.drawn <> w.spent + coalesce(l.held, 0)",
    ),
    (
        "I3",
        "SELECT type || ' ' || {hex} || ': its legs add up to ' || sum(amount) \
         FROM transactions WHERE wallet_id IS NOT NULL AND type IN \
         ('credit', 'debit', 'transfer', 'lend', 'reclaim', 'reset', 'adjustment') \
         GROUP BY request_id, attempt, type HAVING sum(amount) <> 0",
    ),
    (
        "I3",
        "SELECT 'request ' || {hex} || ' attempt ' || attempt || ': its cost is ' || sum(cost) \
         || ', what is borne ' || -sum(amount) \
         FROM transactions WHERE type IN ('usage', 'undelivered') \
         OR (type = 'overage' AND leg = 0) \
         GROUP BY request_id, attempt HAVING sum(cost) <> -sum(amount)",
    ),
    (
        "I4",
        "SELECT 'wallet ' || w.id || ': its balance is ' || w.balance || ', its transactions \
         add up to ' || coalesce(t.moved, 0) FROM wallets w \
         LEFT JOIN (SELECT wallet_id, sum(amount) AS moved FROM transactions \
         WHERE type NOT IN ('overage', 'forgiven') GROUP BY wallet_id) AS t \
         ON t.wallet_id = w.id WHERE w.balance <> coalesce(t.moved, 0)",
    ),
    (
        "I4",
        "SELECT 'wallet ' || w.id || ': its overage is ' || w.overage || ', its transactions \
         add up to ' || coalesce(t.moved, 0) FROM wallets w \
         LEFT JOIN (SELECT wallet_id, -sum(amount) AS moved FROM transactions \
         WHERE type IN ('overage', 'forgiven') GROUP BY wallet_id) AS t \
         ON t.wallet_id = w.id WHERE w.overage <> coalesce(t.moved, 0)",
    ),
    (
        "I4",
        "SELECT 'wallet ' || w.id || ': it has spent ' || w.spent || ', usage of its period is ' \
         || coalesce(u.used, 0) FROM wallets w \
         LEFT JOIN (SELECT t.wallet_id, -sum(t.amount) AS used FROM transactions t \
         LEFT JOIN (SELECT wallet_id, max(settlement) AS last FROM transactions \
         WHERE type = 'reset' AND leg = 0 GROUP BY wallet_id) AS r ON r.wallet_id = t.wallet_id \
         WHERE t.type IN ('usage', 'cap', 'undelivered') AND t.settlement > coalesce(r.last, 0) \
         GROUP BY t.wallet_id) AS u ON u.wallet_id = w.id WHERE w.spent <> coalesce(u.used, 0)",
    ),
    (
        "I4",
        "SELECT 'user ' || u.id || ': used_tokens is ' || u.used_tokens || ', usage is ' \
         || coalesce(t.tokens, 0) FROM users u \
         LEFT JOIN (SELECT user_id, sum(prompt_tokens + completion_tokens) AS tokens \
         FROM transactions WHERE type = 'usage' GROUP BY user_id) AS t ON t.user_id = u.id \
         WHERE u.used_tokens <> coalesce(t.tokens, 0)",
    ),
    (
        "I4",
        "SELECT 'team ' || t.id || ': used_pool is ' || t.used_pool || ', its wallet has spent ' \
         || w.spent FROM teams t JOIN wallets w \
         ON w.owner_type = 'team' AND w.owner_id = t.id AND w.org_id = t.org_id \
         WHERE t.used_pool <> w.spent",
    ),
    (
        "I5",
        "SELECT 'request ' || {hex} || ' attempt ' || attempt || ': settled more than once' \
         FROM transactions WHERE type IN ('usage', 'cap', 'undelivered') \
         OR (type = 'overage' AND leg = 0) GROUP BY request_id, attempt \
         HAVING min(settlement) <> max(settlement) OR (max(CASE type WHEN 'usage' THEN 1 ELSE 0 \
         END) + max(CASE type WHEN 'undelivered' THEN 1 ELSE 0 END)) <> 1",
    ),
    (
        "I5",
        "SELECT 'request ' || {hex} || ': delivered ' || count(*) || ' times' \
         FROM transactions WHERE type = 'usage' AND leg = 0 \
         GROUP BY request_id HAVING count(*) > 1",
    ),
    (
        "I6",
        "SELECT 'holder ' || h.id || ' wallet ' || u.wallet_id || ': ' || u.used || ' used of ' \
         || coalesce(g.granted, 0) FROM lease_uses u \
         JOIN holders h ON h.id = u.holder_id AND h.state = 'live' \
         LEFT JOIN lease_grants g ON g.holder_id = u.holder_id AND g.wallet_id = u.wallet_id \
         WHERE u.used > coalesce(g.granted, 0)",
    ),
    (
        "I6",
        "SELECT 'holder ' || holder_id || ' wallet ' || wallet_id || ': granted ' || granted \
         FROM lease_grants WHERE granted < 0",
    ),
    (
        "I6",
        "SELECT 'loan ' || l.id || ': ' || l.state || ' of an absence that is ' || a.state \
         FROM loans l JOIN absences a ON a.id = l.absence_id \
         WHERE l.state = 'open' AND a.state <> 'active'",
    ),
];

/// Recomputes every promise.
pub(super) fn check(sql: &mut dyn Sql) -> Result<Vec<Broken>, StoreFault> {
    let hex = match sql.locks_rows() {
        true => "encode(request_id, 'hex')",
        false => "lower(hex(request_id))",
    };
    let mut broken = Vec::new();
    for (invariant, text) in PROMISES {
        let text = text.replace("{hex}", hex).replace("{held}", HELD);
        let text = format!("{text} LIMIT {MOST}");
        for row in sql.query(&text, &[])? {
            broken.push(Broken {
                invariant,
                detail: row.text(0)?.to_owned(),
            });
        }
    }
    Ok(broken)
}
