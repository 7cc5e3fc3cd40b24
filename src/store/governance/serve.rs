//! Why: each method of [`Governance`] is one transaction of whichever database there is.

use super::super::ledger::transfer::call_in;
use super::super::sql::{Engine, SqlStore, Work};
use super::super::{StoreFault, WalletId};
use super::{
    AbsenceFilter, AbsenceRow, ApiKeyRow, AuditFilter, AuditRow, By, Command, Credential,
    DeniedRow, Done, FindingCount, FindingFilter, FindingRow, Governance, Guard, GuardPolicyFilter,
    GuardPolicyRow, Identified, KeyFilter, OrganisationFilter, OrganisationRow, Page, Person,
    PolicyEvent, Scope, SessionRow, TeamFilter, TeamRow, TokenFilter, TokenRow, TransactionCursor,
    TransactionFilter, TransactionRow, UsageFilter, UsageRow, UserFilter, UserRow, WalletFilter,
    WalletRow, absences, api_keys, apply, audit_log, denied, guard_findings, guard_policies,
    organisations, people, sessions, teams, tokens, transactions, usage, users, wallets,
};
use crate::audit::{AuditRecord, Head};

impl<E: Engine> Governance for SqlStore<E> {
    fn apply(
        &self,
        by: &By,
        scope: &Scope,
        command: Command,
        guard: &Guard,
    ) -> Result<Done, StoreFault> {
        let answer = self.engine.run(Work::Governance, &mut |sql| {
            apply::apply(sql, (by, scope), &command, guard)
        });
        // Nothing was done; but the next time there may be enough.
        if let Err(StoreFault::InsufficientUnleased { wallet }) = answer {
            self.engine
                .run(Work::Money, &mut |sql| call_in(sql, WalletId(wallet)))?;
        }
        answer
    }

    fn organisations(
        &self,
        scope: &Scope,
        filter: &OrganisationFilter,
        page: Page,
    ) -> Result<Vec<OrganisationRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            organisations::list(sql, scope, filter, page)
        })
    }

    fn teams(
        &self,
        scope: &Scope,
        filter: &TeamFilter,
        page: Page,
    ) -> Result<Vec<TeamRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            teams::list(sql, scope, filter, page)
        })
    }

    fn users(
        &self,
        scope: &Scope,
        filter: &UserFilter,
        page: Page,
    ) -> Result<Vec<UserRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            users::list(sql, scope, filter, page)
        })
    }

    fn absences(
        &self,
        scope: &Scope,
        filter: &AbsenceFilter,
        page: Page,
    ) -> Result<Vec<AbsenceRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            absences::list(sql, scope, filter, page)
        })
    }

    fn wallets(
        &self,
        scope: &Scope,
        filter: &WalletFilter,
        page: Page,
    ) -> Result<Vec<WalletRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            wallets::list(sql, scope, filter, page)
        })
    }

    fn api_keys(
        &self,
        scope: &Scope,
        filter: &KeyFilter,
        page: Page,
    ) -> Result<Vec<ApiKeyRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            api_keys::list(sql, scope, filter, page)
        })
    }

    fn tokens(
        &self,
        scope: &Scope,
        filter: &TokenFilter,
        page: Page,
    ) -> Result<Vec<TokenRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            tokens::list(sql, scope, filter, page)
        })
    }

    fn denied_tokens(&self, page: Page) -> Result<Vec<DeniedRow>, StoreFault> {
        self.engine
            .run(Work::ReadLatest, &mut |sql| denied::list(sql, page))
    }

    fn denials(&self) -> Result<Vec<(String, String)>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut denied::all)
    }

    fn note_used(&self, keys: &[(i64, i64)]) -> Result<(), StoreFault> {
        self.engine
            .run(Work::Governance, &mut |sql| api_keys::note_used(sql, keys))
    }

    fn guard_policies(
        &self,
        scope: &Scope,
        filter: &GuardPolicyFilter,
        page: Page,
    ) -> Result<Vec<GuardPolicyRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            guard_policies::list(sql, scope, filter, page)
        })
    }

    fn all_guard_policies(&self) -> Result<Vec<GuardPolicyRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut guard_policies::all)
    }

    fn count_findings(&self, counts: &[FindingCount]) -> Result<(), StoreFault> {
        self.engine.run(Work::Governance, &mut |sql| {
            guard_findings::add(sql, counts)
        })
    }

    fn findings(
        &self,
        scope: &Scope,
        filter: &FindingFilter,
    ) -> Result<Vec<FindingRow>, StoreFault> {
        self.engine.run(Work::Read, &mut |sql| {
            guard_findings::report(sql, scope, filter)
        })
    }

    fn sessions(&self, scope: &Scope, user_id: i64) -> Result<Vec<SessionRow>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            sessions::of_user(sql, scope, user_id)
        })
    }

    fn transactions(
        &self,
        scope: &Scope,
        filter: &TransactionFilter,
        after: Option<TransactionCursor>,
        limit: u32,
    ) -> Result<Vec<TransactionRow>, StoreFault> {
        self.engine.run(Work::Read, &mut |sql| {
            transactions::list(sql, scope, filter, after, limit)
        })
    }

    fn usage(&self, scope: &Scope, filter: &UsageFilter) -> Result<Vec<UsageRow>, StoreFault> {
        self.engine
            .run(Work::Read, &mut |sql| usage::report(sql, scope, filter))
    }

    fn audit_log(
        &self,
        scope: &Scope,
        filter: &AuditFilter,
        page: Page,
    ) -> Result<Vec<AuditRow>, StoreFault> {
        self.engine.run(Work::Read, &mut |sql| {
            audit_log::list(sql, scope, filter, page)
        })
    }

    fn audit_chain(&self, page: Page) -> Result<Vec<AuditRecord>, StoreFault> {
        self.engine
            .run(Work::ReadLatest, &mut |sql| audit_log::chain(sql, page))
    }

    fn audit_head(&self) -> Result<Head, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut audit_log::head)
    }

    fn record(&self, events: &[PolicyEvent]) -> Result<(), StoreFault> {
        if events.is_empty() {
            return Ok(());
        }
        self.engine.run(Work::Governance, &mut |sql| {
            audit_log::append(sql, events.iter().map(audit_log::refusal).collect())
        })
    }

    fn people(&self) -> Result<Vec<Person>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut people::all)
    }

    fn identify(&self, credential: Credential<'_>) -> Result<Option<Identified>, StoreFault> {
        self.engine.run(Work::ReadLatest, &mut |sql| {
            people::identify(sql, credential)
        })
    }

    fn tidy(&self, now_ms: i64) -> Result<u64, StoreFault> {
        self.engine
            .run(Work::Governance, &mut |sql| apply::tidy(sql, now_ms))
    }
}
