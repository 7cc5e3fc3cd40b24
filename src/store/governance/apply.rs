//! Why: an act, its version, its link in the audit chain and the answer to the same request again
//! are one transaction: all of it happened, or nothing did.

use super::super::StoreFault;
use super::super::sql::{Sql, values};
use super::change::{Change, Cx};
use super::{
    By, Command, Done, Guard, Idempotency, Scope, absences, api_keys, audit_log, check, denied,
    guard_findings, guard_policies, members, money, organisations, sessions, teams, tokens, users,
    wallets,
};

/// Longest idempotency key.
const MAX_KEY: usize = 200;
/// For how long a request may be repeated: a day.
const KEEP_ANSWERS_MS: i64 = 86_400_000;

/// How long after its end a token may still be taken, at most.
const LEEWAY_MS: i64 = 120_000;

pub(super) fn apply(
    sql: &mut dyn Sql,
    (by, scope): (&By, &Scope),
    command: &Command,
    guard: &Guard,
) -> Result<Done, StoreFault> {
    if let Some(idempotency) = &guard.idempotency
        && let Some(done) = replay(sql, by, idempotency)?
    {
        return Ok(done);
    }
    let if_version = guard.if_version;
    check::that(
        if_version.is_none() || has_version(command),
        "there is no version to compare with",
    )?;
    let cx = Cx {
        by,
        scope,
        if_version,
    };
    let change = carry_out(sql, &cx, command)?;
    audit_log::append(sql, vec![audit_log::link(by, &change)])?;
    let done = Done {
        entity: change.entity,
        replayed: false,
    };
    if let Some(idempotency) = &guard.idempotency {
        remember(sql, by, idempotency, &done)?;
    }
    Ok(done)
}

/// Whether the act changes a row that counts its changes.
const fn has_version(command: &Command) -> bool {
    use Command as C;
    !matches!(
        command,
        C::CreateOrganisation(_)
            | C::CreateTeam(_)
            | C::CreateUser(_)
            | C::PlanAbsence(_)
            | C::CreateWallet(_)
            | C::Reconcile(_)
            | C::CreateKey(_)
            | C::CreateToken(_)
            | C::RevokeToken(_)
            | C::DenyToken(_)
            | C::AllowToken(_)
            | C::CreateSession(_)
            | C::EndSession(_)
            | C::EndSessions(_)
    )
}

fn carry_out(sql: &mut dyn Sql, cx: &Cx<'_>, command: &Command) -> Result<Change, StoreFault> {
    use Command as C;
    match command {
        C::CreateOrganisation(new) => organisations::create(sql, cx, new),
        C::ChangeOrganisation(change) => organisations::change(sql, cx, change),
        C::CreateTeam(new) => teams::create(sql, cx, new),
        C::ChangeTeam(change) => teams::change(sql, cx, change),
        C::DeleteTeam(id) => teams::delete(sql, cx, *id),
        C::CreateUser(new) => users::create(sql, cx, new),
        C::ChangeUser(change) => users::change(sql, cx, change),
        C::SetUserStatus(standing) => users::set_status(sql, cx, *standing),
        C::SetPassword(password) => users::set_password(sql, cx, password),
        C::VoidTokens(id) => users::void_tokens(sql, cx, *id),
        C::PutMember(membership) => members::put(sql, cx, *membership),
        C::RemoveMember(id) => members::remove(sql, cx, *id),
        C::PlanAbsence(new) => absences::plan(sql, cx, *new),
        C::ChangeAbsence(change) => absences::change(sql, cx, *change),
        C::EndAbsence(id) => absences::end(sql, cx, *id),
        C::CreateWallet(new) => wallets::create(sql, cx, new),
        C::ChangeWallet(change) => wallets::change(sql, cx, change),
        C::SetWalletStatus(standing) => wallets::set_status(sql, cx, *standing),
        C::Credit(movement) => money::credit(sql, cx, movement),
        C::Debit(movement) => money::debit(sql, cx, movement),
        C::Transfer(transfer) => money::transfer(sql, cx, transfer),
        C::Adjust(adjustment) => money::adjust(sql, cx, adjustment),
        C::Reconcile(reconciliation) => money::reconcile(sql, cx, reconciliation),
        C::ForgiveOverage(forgiveness) => money::forgive(sql, cx, forgiveness),
        C::CreateKey(new) => api_keys::create(sql, cx, new),
        C::ChangeKey(change) => api_keys::change(sql, cx, change),
        C::RotateKey(rotation) => api_keys::rotate(sql, cx, rotation),
        C::RevokeKey(id) => api_keys::revoke(sql, cx, *id),
        C::CreateToken(new) => tokens::create(sql, cx, new),
        C::RevokeToken(id) => tokens::revoke(sql, cx, *id),
        C::DenyToken(new) => denied::deny(sql, cx, new),
        C::AllowToken(id) => denied::allow(sql, cx, *id),
        C::CreateSession(new) => sessions::create(sql, cx, new),
        C::EndSession(hash) => sessions::end(sql, cx, *hash),
        C::EndSessions(id) => sessions::end_all(sql, cx, *id),
        C::SetGuardPolicy(new) => guard_policies::set(sql, cx, new),
        C::DropGuardPolicy(owner) => guard_policies::drop(sql, cx, *owner),
    }
}

/// What was answered to the same request before.
fn replay(
    sql: &mut dyn Sql,
    by: &By,
    idempotency: &Idempotency,
) -> Result<Option<Done>, StoreFault> {
    let length = idempotency.key.chars().count();
    check::that(
        (1..=MAX_KEY).contains(&length) && !idempotency.key.contains('\0'),
        "the idempotency key must have 1 to 200 characters",
    )?;
    let known = sql.first(
        "SELECT request, answer FROM idempotency \
         WHERE actor = $1 AND key = $2 AND created_at >= $3",
        values![
            &by.actor,
            &idempotency.key,
            by.now_ms.saturating_sub(KEEP_ANSWERS_MS)
        ],
    )?;
    let Some(known) = known else {
        return Ok(None);
    };
    if known.bytes::<32>(0)? != idempotency.request {
        return Err(StoreFault::OtherRequest);
    }
    let entity = serde_json::from_str(known.text(1)?);
    Ok(Some(Done {
        entity: entity.map_err(|_| StoreFault::Unreadable { column: 1 })?,
        replayed: true,
    }))
}

fn remember(
    sql: &mut dyn Sql,
    by: &By,
    idempotency: &Idempotency,
    done: &Done,
) -> Result<(), StoreFault> {
    // A row has no map with odd keys, which alone could fail.
    let answer = serde_json::to_string(&done.entity).unwrap_or_default();
    sql.execute(
        "INSERT INTO idempotency (actor, key, request, status, answer, created_at) \
         VALUES ($1, $2, $3, 200, $4, $5) \
         ON CONFLICT (actor, key) DO UPDATE SET request = excluded.request, \
         answer = excluded.answer, created_at = excluded.created_at",
        values![
            &by.actor,
            &idempotency.key,
            idempotency.request,
            answer,
            by.now_ms
        ],
    )?;
    Ok(())
}

/// Forgets what is out of date.
pub(super) fn tidy(sql: &mut dyn Sql, now_ms: i64) -> Result<u64, StoreFault> {
    let answers = sql.execute(
        "DELETE FROM idempotency WHERE created_at < $1",
        values![now_ms.saturating_sub(KEEP_ANSWERS_MS)],
    )?;
    let sessions = sql.execute(
        "DELETE FROM sessions WHERE expires_at < $1",
        values![now_ms],
    )?;
    // Clocks differ: a token is taken for up to a minute after its end.
    let denied = sql.execute(
        "DELETE FROM denied_tokens WHERE expires_at < $1",
        values![now_ms.saturating_sub(LEEWAY_MS)],
    )?;
    Ok(answers + sessions + denied + guard_findings::forget(sql, now_ms)?)
}
