//! `/v1/wallets`: what bounds spending, and by which rules.

use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Reply};
use super::at::{At, Find, Place};
use super::routes::{Routes, Shape};
use super::words::there;
use crate::money::Nanos;
use crate::store::governance::{
    Command, Mode, NewWallet, Page, Period, WalletChange, WalletFilter, WalletRow, WalletStanding,
    WalletTerms,
};
use crate::store::{OwnerType, WalletStatus};

pub(super) fn routes(routes: Routes) -> Routes {
    let one = Shape::one::<WalletRow>;
    routes
        .on(
            ("GET", "/v1/wallets"),
            Shape::page::<WalletRow>().find::<Which>(),
            list,
        )
        .on(
            ("POST", "/v1/wallets"),
            one().body::<WalletNew>().status("201"),
            create,
        )
        .on(("GET", "/v1/wallets/{id}"), one(), read)
        .on(
            ("PATCH", "/v1/wallets/{id}"),
            one().body::<WalletPatch>(),
            change,
        )
        .on(
            ("PUT", "/v1/wallets/{id}/status"),
            one().body::<WalletStands>(),
            stand,
        )
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct Which {
    /// At most so many, 1 to 500; 100 if nobody says.
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Of this kind of owner.
    #[param(inline)]
    owner_type: Option<OwnerType>,
    /// Of this owner.
    owner_id: Option<i64>,
    /// In this status.
    #[param(inline)]
    status: Option<WalletStatus>,
}

/// A wallet to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WalletNew {
    /// Whose it is.
    owner_type: OwnerType,
    /// Row id of the user, team, key or organisation.
    owner_id: i64,
    /// How far the balance may fall below zero; 0 if nobody says.
    #[schema(value_type = Option<String>)]
    overdraft: Option<Nanos>,
    /// The most that is spent in a period.
    #[schema(value_type = Option<String>)]
    hard_limit: Option<Nanos>,
    /// Spent in a period beyond this, callers are warned.
    #[schema(value_type = Option<String>)]
    soft_limit: Option<Nanos>,
    /// How much of a request's possible cost is held; incremental if nobody says.
    mode: Option<Mode>,
    /// The most that one request holds, in mode cap and only there.
    #[schema(value_type = Option<String>)]
    cap: Option<Nanos>,
    /// How often it begins anew; never if nobody says.
    period: Option<Period>,
    /// What the balance is set to when a period begins, and now.
    #[schema(value_type = Option<String>)]
    allowance: Option<Nanos>,
}

/// What changes about a wallet's rules.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WalletPatch {
    /// How far the balance may fall below zero.
    #[schema(value_type = Option<String>)]
    overdraft: Option<Nanos>,
    /// The most that is spent in a period; null: no limit.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    hard_limit: Option<Option<Nanos>>,
    /// Spent in a period beyond this, callers are warned; null: never.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    soft_limit: Option<Option<Nanos>>,
    /// How much of a request's possible cost is held.
    mode: Option<Mode>,
    /// The most that one request holds.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    cap: Option<Option<Nanos>>,
    /// How often it begins anew.
    period: Option<Period>,
    /// What the balance is set to when the next period begins.
    #[serde(default, deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    allowance: Option<Option<Nanos>>,
}

/// Whether a wallet may be used.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct WalletStands {
    /// From now on; a closed wallet stays closed.
    status: WalletStatus,
}

async fn list(at: At, Find(which): Find<Which>) -> Reply {
    let page = answer::page(which.limit, which.cursor.as_deref())?;
    let filter = WalletFilter {
        owner_type: which.owner_type,
        owner_id: which.owner_id,
        status: which.status,
        ..WalletFilter::default()
    };
    let rows = at
        .read(move |store, scope| store.wallets(scope, &filter, page))
        .await?;
    answer::rows(&rows, page, |row| row.id)
}

async fn read(at: At, Place(id): Place<i64>) -> Reply {
    let filter = WalletFilter {
        id: Some(id),
        ..WalletFilter::default()
    };
    let row = at
        .one("wallet", move |store, scope| {
            store.wallets(scope, &filter, Page::ONE)
        })
        .await?;
    answer::row(&row)
}

async fn create(at: At) -> Reply {
    let new: WalletNew = at.body()?;
    let usual = WalletTerms::default();
    let command = Command::CreateWallet(NewWallet {
        owner_type: new.owner_type,
        owner_id: new.owner_id,
        rules: WalletTerms {
            overdraft: new.overdraft.unwrap_or(usual.overdraft),
            hard_limit: new.hard_limit,
            soft_limit: new.soft_limit,
            mode: new.mode.unwrap_or(usual.mode),
            cap: new.cap,
            period: new.period.unwrap_or(usual.period),
            allowance: new.allowance,
        },
    });
    answer::done(&at.act(command).await?, Some("/v1/wallets"))
}

async fn change(at: At, Place(id): Place<i64>) -> Reply {
    let change: WalletPatch = at.body()?;
    let command = Command::ChangeWallet(WalletChange {
        id,
        overdraft: change.overdraft,
        hard_limit: change.hard_limit,
        soft_limit: change.soft_limit,
        mode: change.mode,
        cap: change.cap,
        period: change.period,
        allowance: change.allowance,
    });
    answer::done(&at.act(command).await?, None)
}

async fn stand(at: At, Place(id): Place<i64>) -> Reply {
    let WalletStands { status } = at.body()?;
    let command = Command::SetWalletStatus(WalletStanding { id, status });
    answer::done(&at.act(command).await?, None)
}
