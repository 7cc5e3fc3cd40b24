//! `/v1/wallets/{id}/…`: money in, out and between wallets, by hand and never twice.

use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::answer::{self, Reply};
use super::at::{At, Place};
use super::routes::{Routes, Shape};
use crate::money::Nanos;
use crate::store::governance::{Adjustment, Command, Forgiveness, Movement, Transfer};

pub(super) fn routes(routes: Routes) -> Routes {
    let shape = Shape::object;
    routes
        .on(
            ("POST", "/v1/wallets/{id}/credit"),
            shape().body::<Amount>(),
            credit,
        )
        .on(
            ("POST", "/v1/wallets/{id}/debit"),
            shape().body::<Amount>(),
            debit,
        )
        .on(
            ("POST", "/v1/wallets/{id}/transfer"),
            shape().body::<TransferTo>(),
            transfer,
        )
        .on(
            ("POST", "/v1/wallets/{id}/adjust"),
            shape().body::<Correction>(),
            adjust,
        )
        .on(
            ("POST", "/v1/wallets/{id}/forgive"),
            shape().body::<Forgive>(),
            forgive,
        )
}

/// Money in or out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Amount {
    /// More than 0, e.g. `"12.5"`.
    #[schema(value_type = String)]
    amount: Nanos,
    /// What for.
    note: Option<String>,
}

/// Money to another wallet of the same organisation.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct TransferTo {
    /// Row id of the wallet that gets it.
    to: i64,
    /// More than 0.
    #[schema(value_type = String)]
    amount: Nanos,
    /// What for.
    note: Option<String>,
}

/// A correction.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Correction {
    /// Either way, not 0.
    #[schema(value_type = String)]
    amount: Nanos,
    /// The transaction that it corrects.
    reverses: Option<Uuid>,
    /// Why.
    note: Option<String>,
}

/// Overage let go.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Forgive {
    /// How much; all of it if nobody says.
    #[schema(value_type = Option<String>)]
    amount: Option<Nanos>,
    /// Why.
    note: Option<String>,
}

async fn credit(at: At, Place(wallet_id): Place<i64>) -> Reply {
    let Amount { amount, note } = at.body()?;
    let command = Command::Credit(Movement {
        wallet_id,
        amount,
        note,
    });
    answer::done(&at.act(command).await?, None)
}

async fn debit(at: At, Place(wallet_id): Place<i64>) -> Reply {
    let Amount { amount, note } = at.body()?;
    let command = Command::Debit(Movement {
        wallet_id,
        amount,
        note,
    });
    answer::done(&at.act(command).await?, None)
}

async fn transfer(at: At, Place(from): Place<i64>) -> Reply {
    let TransferTo { to, amount, note } = at.body()?;
    let command = Command::Transfer(Transfer {
        from,
        to,
        amount,
        note,
    });
    answer::done(&at.act(command).await?, None)
}

async fn adjust(at: At, Place(wallet_id): Place<i64>) -> Reply {
    let correction: Correction = at.body()?;
    let command = Command::Adjust(Adjustment {
        wallet_id,
        amount: correction.amount,
        reverses: correction.reverses,
        note: correction.note,
    });
    answer::done(&at.act(command).await?, None)
}

async fn forgive(at: At, Place(wallet_id): Place<i64>) -> Reply {
    let Forgive { amount, note } = at.body()?;
    let command = Command::ForgiveOverage(Forgiveness {
        wallet_id,
        amount,
        note,
    });
    answer::done(&at.act(command).await?, None)
}
