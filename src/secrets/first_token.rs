//! Why: a person who starts Alfred for the first time must be able to use the admin API as well.
//! The first access token is made for them beside the first key, in `data_dir/first-token`.

use super::{AccessToken, Pepper, Random, SecretProblem, TokenRequest};
use crate::private_file::{self, FileProblem};
use crate::store::StoreFault;
use crate::store::governance::{
    By, Command, Credential, Governance, Guard, OrganisationFilter, Page, Proof, Role, Scope,
    TokenFilter, UserFilter, UserStatus,
};
use std::path::Path;

const FILE: &str = "first-token";

/// The access token of a fresh installation.
#[derive(Debug)]
pub struct FirstToken {
    /// The token in the clear.
    pub token: AccessToken<'static>,
    /// True when this start made it.
    pub is_new: bool,
}

/// The access token to print at start, of the owner of the first organisation: made on the very
/// first start, read on later ones. `None` when there is none to print: others were made, it was
/// revoked, or nobody owns anything yet.
///
/// As with the first key, the file is written before the row.
pub fn first_token(
    data_dir: &Path,
    store: &dyn Governance,
    pepper: &Pepper,
    now_ms: i64,
    random: &mut Random<'_>,
) -> Result<Option<FirstToken>, SecretProblem> {
    let path = data_dir.join(FILE);
    let text = match private_file::read(&path)? {
        Some(text) => text,
        None => {
            let others = store.tokens(&Scope::House, &TokenFilter::default(), Page::ONE)?;
            if !others.is_empty() {
                return Ok(None);
            }
            let token = AccessToken::generate(random)?;
            private_file::create(&path, &format!("{}\n", token.expose()), random)?;
            private_file::read(&path)?.unwrap_or_default()
        }
    };
    let token = AccessToken::parse(text.trim()).map_err(|_| FileProblem::Malformed {
        path: path.clone(),
        expected: "one access token (at_…) on one line",
        hint: "delete the file and make a token with `alfred tokens create`",
    })?;
    let token = token.into_owned();
    let Some(found) = store.identify(Credential::Token(token.public_id()))? else {
        let Some(user_id) = owner(store)? else {
            return Ok(None);
        };
        let is_new = keep(store, pepper, &token, (user_id, now_ms))?;
        return Ok(Some(FirstToken { token, is_new }));
    };
    let is_own = match &found.proof {
        Proof::Token {
            hash,
            pepper_version,
            ..
        } => token.is(hash, *pepper_version, pepper),
        _ => false,
    };
    if !is_own {
        return Err(SecretProblem::Mismatch { path });
    }
    let stands = found.stands(now_ms);
    Ok(stands.then_some(FirstToken {
        token,
        is_new: false,
    }))
}

/// An active owner of the organisation with the lowest id.
fn owner(store: &dyn Governance) -> Result<Option<i64>, StoreFault> {
    let first = store.organisations(&Scope::House, &OrganisationFilter::default(), Page::ONE)?;
    let Some(first) = first.first() else {
        return Ok(None);
    };
    let filter = UserFilter {
        org_id: Some(first.id),
        role: Some(Role::Owner),
        status: Some(UserStatus::Active),
        ..UserFilter::default()
    };
    let owners = store.users(&Scope::House, &filter, Page::ONE)?;
    Ok(owners.first().map(|owner| owner.id))
}

/// Whether this call stored it: another process may have been faster.
fn keep(
    store: &dyn Governance,
    pepper: &Pepper,
    token: &AccessToken<'_>,
    (user_id, now_ms): (i64, i64),
) -> Result<bool, StoreFault> {
    let request = TokenRequest {
        user_id,
        name: "first token".to_owned(),
        expires_at: None,
    };
    let by = By {
        actor: "start".to_owned(),
        user_id: None,
        org_id: None,
        ip: None,
        now_ms,
    };
    let command = Command::CreateToken(token.to_store(pepper, request));
    match store.apply(&by, &Scope::House, command, &Guard::default()) {
        Ok(_) => Ok(true),
        Err(StoreFault::Taken) => Ok(false),
        Err(fault) => Err(fault),
    }
}
