//! Why: every command that touches what is stored opens it in the same way, and acts in the same
//! name. Which database it is, only this file knows.

use std::sync::Arc;

use alfred::conf::Config;
use alfred::exchange::unix_ms;
use alfred::secrets::Pepper;
use alfred::store::governance::{By, Command, Entity, Governance, Guard, MAX_PAGE, Page, Scope};
use alfred::store::{self, Archive, LedgerStore, Store, StoreFault};

use super::{ConfigArg, Failure, check};

/// The store of a configuration, opened by whoever owns the machine: all of it is theirs.
pub(super) struct House {
    pub(super) config: Config,
    store: Arc<dyn Store>,
}

impl House {
    pub(super) fn open(arg: &ConfigArg) -> Result<Self, Failure> {
        let config = check::load(arg)?;
        let store = store::open(&config)?;
        Ok(Self { config, store })
    }

    pub(super) fn governance(&self) -> &dyn Governance {
        &*self.store
    }

    pub(super) fn ledger(&self) -> &dyn LedgerStore {
        &*self.store
    }

    pub(super) fn archive(&self) -> &dyn Archive {
        &*self.store
    }

    pub(super) fn pepper(&self) -> Result<Pepper, Failure> {
        check::pepper(&self.config)
    }

    /// Does one act and records it in the audit chain as the command line's.
    pub(super) fn act(&self, command: Command) -> Result<Entity, Failure> {
        let by = By {
            actor: "cli".to_owned(),
            user_id: None,
            org_id: None,
            ip: None,
            now_ms: unix_ms(),
        };
        let done = self
            .governance()
            .apply(&by, &Scope::House, command, &Guard::default())?;
        Ok(done.entity)
    }
}

/// Every row of a list, page by page.
pub(super) fn all<T>(
    mut read: impl FnMut(Page) -> Result<Vec<T>, StoreFault>,
    id: impl Fn(&T) -> i64,
) -> Result<Vec<T>, Failure> {
    let (mut rows, mut page) = (Vec::new(), Page::FIRST);
    loop {
        let more = read(page)?;
        let is_last = more.len() < MAX_PAGE as usize;
        rows.extend(more);
        page.after = rows.last().map(&id);
        if is_last {
            return Ok(rows);
        }
    }
}
