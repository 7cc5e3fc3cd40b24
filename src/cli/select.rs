//! Why: people name things as they know them (an address, a name, `user:7`); the store knows row
//! ids. The way from one to the other is walked here, and a name that fits two things fits none.

use std::str::FromStr;

use alfred::store::OwnerType;
use alfred::store::governance::{
    ApiKeyRow, KeyFilter, OrganisationFilter, OrganisationRow, Page, Scope, TeamFilter, TeamRow,
    UserFilter, UserRow, WalletFilter, WalletRow,
};

use super::Failure;
use super::open::House;

const OWNER_FORM: &str =
    "expected an owner: user:7, user:ann@example.com, quota:7, team:3, key:5 or organisation:1";

/// An owner of a wallet, as typed.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    kind: OwnerType,
    name: String,
}

impl FromStr for Owner {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = text.split_once(':').ok_or(OWNER_FORM)?;
        match OwnerType::read(kind) {
            Some(kind) if !name.is_empty() => Ok(Self {
                kind,
                name: name.to_owned(),
            }),
            _ => Err(OWNER_FORM),
        }
    }
}

/// A wallet, as typed: its number or its owner.
#[derive(Clone, Debug)]
pub(super) enum Wallet {
    Id(i64),
    Of(Owner),
}

impl FromStr for Wallet {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match number(text) {
            Some(id) => Ok(Self::Id(id)),
            None => text.parse().map(Self::Of),
        }
    }
}

/// Kind and row id of an owner.
pub(super) type OwnerId = (OwnerType, i64);

/// A row id; names of digits alone are numbers.
fn number(text: &str) -> Option<i64> {
    let is_digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then(|| text.parse().ok()).flatten()
}

fn absent(what: &'static str, list: &'static str) -> Failure {
    Failure::Absent { what, list }
}

impl House {
    /// The tenant that is named, or the only one there is.
    pub(super) fn organisation(&self, name: Option<&str>) -> Result<OrganisationRow, Failure> {
        let id = name.and_then(number);
        let filter = OrganisationFilter {
            id,
            name: name.filter(|_| id.is_none()).map(str::to_owned),
            status: None,
        };
        let two = Page {
            after: None,
            limit: 2,
        };
        let mut found = self
            .governance()
            .organisations(&Scope::House, &filter, two)?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(absent("organisation", "organisations list")),
            _ => Err(Failure::Usage(
                "there are several organisations\nhint: say which with --organisation".to_owned(),
            )),
        }
    }

    /// A user by number or address.
    pub(super) fn user(&self, name: &str) -> Result<UserRow, Failure> {
        let id = number(name);
        let filter = UserFilter {
            id,
            email: id.is_none().then(|| name.to_owned()),
            ..UserFilter::default()
        };
        let found = self.governance().users(&Scope::House, &filter, Page::ONE)?;
        let found = found.into_iter().next();
        found.ok_or_else(|| absent("user", "users list"))
    }

    /// A team by number, or by its name within a tenant.
    pub(super) fn team(&self, name: &str, organisation: Option<&str>) -> Result<TeamRow, Failure> {
        let org = organisation.map(|name| self.organisation(Some(name)));
        let id = number(name);
        let filter = TeamFilter {
            id,
            org_id: org.transpose()?.map(|row| row.id),
            name: id.is_none().then(|| name.to_owned()),
        };
        let two = Page {
            after: None,
            limit: 2,
        };
        let mut found = self.governance().teams(&Scope::House, &filter, two)?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(absent("team", "teams list")),
            _ => Err(Failure::Usage(
                "several organisations have a team of that name\nhint: say which with \
                 --organisation, or give the team's number"
                    .to_owned(),
            )),
        }
    }

    /// A key by number, public id, or whole.
    pub(super) fn key(&self, name: &str) -> Result<ApiKeyRow, Failure> {
        // Whoever has found a leaked key has the whole of it.
        let whole = alfred::secrets::ApiKey::parse(name.trim());
        let name = whole.as_ref().map_or(name, |key| key.public_id());
        // A public id may consist of digits alone, so the length decides.
        let id = number(name).filter(|_| name.len() != 12);
        let filter = KeyFilter {
            id,
            public_id: id.is_none().then(|| name.to_owned()),
            ..KeyFilter::default()
        };
        let found = self
            .governance()
            .api_keys(&Scope::House, &filter, Page::ONE)?;
        let found = found.into_iter().next();
        // What was typed is not repeated: it may be a whole key, mistyped.
        found.ok_or_else(|| absent("key", "keys list"))
    }

    /// Kind and row id of an owner; whether there is one, the store decides.
    pub(super) fn owner(
        &self,
        owner: &Owner,
        organisation: Option<&str>,
    ) -> Result<OwnerId, Failure> {
        let name = owner.name.as_str();
        let id = match owner.kind {
            OwnerType::User | OwnerType::Quota => self.user(name)?.id,
            OwnerType::Team => self.team(name, organisation)?.id,
            OwnerType::Key => self.key(name)?.id,
            OwnerType::Organisation => self.organisation(Some(name))?.id,
            OwnerType::House => number(name).ok_or_else(|| absent("wallet", "wallets list"))?,
        };
        Ok((owner.kind, id))
    }

    /// A wallet by its number or its owner.
    pub(super) fn wallet(
        &self,
        wallet: &Wallet,
        organisation: Option<&str>,
    ) -> Result<WalletRow, Failure> {
        let filter = match wallet {
            Wallet::Id(id) => WalletFilter {
                id: Some(*id),
                ..WalletFilter::default()
            },
            Wallet::Of(owner) => {
                let (kind, id) = self.owner(owner, organisation)?;
                WalletFilter {
                    owner_type: Some(kind),
                    owner_id: Some(id),
                    ..WalletFilter::default()
                }
            }
        };
        let two = Page {
            after: None,
            limit: 2,
        };
        let mut found = self.governance().wallets(&Scope::House, &filter, two)?;
        match (found.pop(), found.is_empty()) {
            (Some(one), true) => Ok(one),
            (None, _) => Err(absent("wallet", "wallets list")),
            _ => Err(Failure::Usage(
                "several wallets have that owner\nhint: give the wallet's number".to_owned(),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_a_kind_and_a_name() {
        assert!("user:7".parse::<Owner>().is_ok());
        assert!(
            "team:a:b"
                .parse::<Owner>()
                .is_ok_and(|owner| owner.name == "a:b")
        );
        for bad in ["", "7", "user", "user:", ":7", "User:7", "prince:7"] {
            assert!(bad.parse::<Owner>().is_err(), "{bad}");
        }
    }

    #[test]
    fn digits_alone_are_a_number() {
        assert_eq!(number("7"), Some(7));
        for bad in ["", "-7", "+7", "7a", "٧", "99999999999999999999"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }
}
