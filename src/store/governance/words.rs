//! Why: the tables and the API say the same few words (a role, a status, a period), and no other
//! word may get into a row.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$about:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum $name {
            $($(#[$about])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// The word in tables and on the wire.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// Reads the word.
            #[must_use]
            pub fn read(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

words! {
    /// Whether an organisation may use the gateway.
    OrganisationStatus {
        /// Yes.
        Active = "active",
        /// None of its keys, sessions and tokens are honoured.
        Suspended = "suspended",
    }
}

words! {
    /// What a user may do in the organisation.
    Role {
        /// Everything, owners included.
        Owner = "owner",
        /// Everything but what concerns owners.
        Admin = "admin",
        /// Reads everything, changes nothing.
        Auditor = "auditor",
        /// Their own things.
        Member = "member",
    }
}

words! {
    /// What a user may do in the team.
    TeamRole {
        /// Manages it.
        Lead = "lead",
        /// Belongs to it.
        Member = "member",
    }
}

words! {
    /// Whether a user may use the gateway.
    UserStatus {
        /// Yes.
        Active = "active",
        /// Not for now.
        Suspended = "suspended",
        /// Never again.
        Closed = "closed",
    }
}

words! {
    /// How far an absence has got.
    AbsenceState {
        /// It lies ahead.
        Planned = "planned",
        /// The share of the quota is lent.
        Active = "active",
        /// Over, or called off.
        Ended = "ended",
    }
}

words! {
    /// How often a wallet begins anew, in UTC.
    Period {
        /// Never.
        None = "none",
        /// At midnight.
        Day = "day",
        /// On Monday.
        Week = "week",
        /// On the first of the month.
        Month = "month",
    }
}

words! {
    /// How much of a request's possible cost is held.
    Mode {
        /// The whole cost of the longest answer.
        Strict = "strict",
        /// The prompt and a slice of the answer, extended while it streams.
        Incremental = "incremental",
        /// At most the wallet's cap.
        Cap = "cap",
    }
}

words! {
    /// Whose texts a policy of guards is about.
    GuardOwnerType {
        /// All of a tenant.
        Organisation = "organisation",
        /// All of a team.
        Team = "team",
        /// All of a key.
        Key = "key",
    }
}

words! {
    /// By what findings of guards are summed up.
    FindingsBy {
        /// By the rule that found them.
        Rule = "rule",
        /// By what they are.
        Kind = "kind",
        /// By what was done.
        Action = "action",
        /// In requests or in answers.
        Direction = "direction",
        /// Whose team.
        Team = "team",
        /// Who asked.
        User = "user",
        /// With which key.
        Key = "key",
        /// On which day, in UTC.
        Day = "day",
    }
}

words! {
    /// By what usage is summed up.
    GroupBy {
        /// Who asked.
        User = "user",
        /// Their team.
        Team = "team",
        /// With which key.
        Key = "key",
        /// Which model answered.
        Model = "model",
        /// Whose model.
        Provider = "provider",
        /// On which day, in UTC.
        Day = "day",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_read_back_and_an_unknown_one_is_nothing() {
        for role in [Role::Owner, Role::Admin, Role::Auditor, Role::Member] {
            assert_eq!(Role::read(role.word()), Some(role));
            let json = serde_json::to_string(&role).unwrap();
            assert_eq!(json, format!("\"{}\"", role.word()));
        }
        assert_eq!(Role::read("Owner"), None);
        assert_eq!(Period::read(""), None);
    }
}
