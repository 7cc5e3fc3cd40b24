//! Why: time in the model, by counting days: no calendar library is asked.

use super::model::{Absence, Loan, Model, POOL, QUOTAS};
use super::world::DAY;

/// When the period of this kind began in which a moment lies.
pub(super) fn start(period: char, now: i64) -> i64 {
    let day = now.div_euclid(DAY);
    let first = match period {
        'd' => day,
        // The first of January 1970 was a Thursday.
        'w' => day - (day + 3).rem_euclid(7),
        _ => month(day),
    };
    first * DAY
}

/// The first day of the month in which a day of our times lies.
fn month(day: i64) -> i64 {
    let mut first = 0;
    for year in 1970.. {
        let leap = i64::from(year % 4 == 0 && (year % 100 != 0 || year % 400 == 0));
        for length in [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
            if day < first + length {
                return first;
            }
            first += length;
        }
    }
    unreachable!("the loop has no end")
}

impl Model {
    /// Whether anything was done.
    pub(super) fn housekeep(&mut self, now: i64) -> bool {
        let mut done = false;
        let ending: Vec<i64> = self.absences_in(1, |absence| absence.to <= now);
        let owed: Vec<i64> = self.loans_in(1);
        let due: Vec<i64> = self
            .wallets
            .keys()
            .copied()
            .filter(|id| self.is_due(*id, now))
            .collect();
        let beginning: Vec<i64> = self.absences_in(0, |absence| absence.from <= now);
        for holder in self.holders.values_mut().filter(|holder| !holder.is_live) {
            done |= holder.leases.values().any(|lease| *lease != (0, 0));
            holder.leases.clear();
        }
        for id in ending {
            done |= self.come_home(id);
        }
        // What was not owed before has just been asked for.
        if !owed.is_empty() {
            for id in self.loans_in(1) {
                let (part, is_closed) = self.recall(id, false);
                done |= part > 0 || is_closed;
            }
        }
        for id in due {
            done = true;
            self.anew(id, now);
        }
        for id in beginning {
            done = true;
            let absence = self.absences.get_mut(&id).unwrap();
            absence.version += 1;
            absence.state = if absence.to <= now { 2 } else { 1 };
            if absence.state == 1 {
                self.lend(id, None);
            }
        }
        done
    }

    fn absences_in(&self, state: i64, is_due: impl Fn(&Absence) -> bool) -> Vec<i64> {
        let due = self.absences.iter();
        let due = due.filter(|(_, absence)| absence.state == state && is_due(absence));
        due.map(|(id, _)| *id).collect()
    }

    fn loans_in(&self, state: i64) -> Vec<i64> {
        let loans = self.loans.iter().filter(|(_, loan)| loan.state == state);
        loans.map(|(id, _)| *id).collect()
    }

    fn is_due(&self, id: i64, now: i64) -> bool {
        let wallet = &self.wallets[&id];
        wallet
            .period
            .is_some_and(|period| start(period, now) > wallet.period_start)
    }

    fn anew(&mut self, id: i64, now: i64) {
        let mut kept = Vec::new();
        for (loan_id, loan) in self.loans.clone() {
            if loan.state < 2 && (loan.from == id || id == POOL) {
                let (part, _) = self.recall(loan_id, true);
                if id == POOL && loan.state == 0 && part > 0 {
                    kept.push((loan.absence, part));
                }
            }
        }
        let wallet = self.wallet(id);
        let change = wallet
            .allowance
            .map_or(0, |allowance| allowance - wallet.balance);
        wallet.balance += change;
        wallet.spent = 0;
        wallet.period_start = start(wallet.period.unwrap(), now);
        self.wallet(super::model::HOUSE).balance -= change;
        for (absence, part) in kept {
            self.lend(absence, Some(part));
        }
        if QUOTAS.contains(&id) {
            for absence in self.absences_in(1, |absence| QUOTAS[absence.user] == id) {
                self.lend(absence, None);
            }
        }
    }

    fn lend(&mut self, absence: i64, again: Option<i64>) {
        let from = QUOTAS[self.absences[&absence].user];
        let unused = self.unleased(from).min(self.wallets[&from].balance).max(0);
        let amount = match again {
            Some(again) => again.min(unused),
            None => unused * self.percent / 100,
        };
        if amount == 0 || self.wallets[&from].is_frozen || self.wallets[&POOL].is_frozen {
            return;
        }
        self.wallet(from).balance -= amount;
        self.wallet(POOL).balance += amount;
        let id = self.loans.keys().next_back().unwrap_or(&0) + 1;
        let loan = Loan {
            absence,
            from,
            amount,
            reclaimed: 0,
            state: 0,
        };
        self.loans.insert(id, loan);
    }

    /// False if it was over.
    pub(super) fn come_home(&mut self, absence: i64) -> bool {
        let absence_id = absence;
        let absence = self.absences.get_mut(&absence).unwrap();
        if absence.state == 2 {
            return false;
        }
        absence.state = 2;
        absence.version += 1;
        for (id, loan) in self.loans.clone() {
            if loan.absence == absence_id && loan.state < 2 {
                self.recall(id, false);
            }
        }
        true
    }

    /// The pool's own money is spent first, then the oldest loan.
    fn unspent(&self, id: i64) -> i64 {
        let open = self.loans.iter().filter(|(_, loan)| loan.state < 2);
        let open: Vec<(i64, i64)> = open
            .map(|(id, loan)| (*id, loan.amount - loan.reclaimed))
            .collect();
        let lent: i64 = open.iter().map(|(_, part)| part).sum();
        let mut eaten = (lent - self.wallets[&POOL].balance).max(0);
        for (other, part) in open {
            let left = (part - eaten).max(0);
            if other == id {
                return left;
            }
            eaten = (eaten - part).max(0);
        }
        0
    }

    fn recall(&mut self, id: i64, is_void: bool) -> (i64, bool) {
        let unspent = self.unspent(id);
        let part = unspent.min(self.unleased(POOL).max(0));
        let loan = self.loans.get_mut(&id).unwrap();
        loan.reclaimed += part;
        let is_closed = is_void || part == unspent;
        loan.state = if is_closed { 2 } else { 1 };
        let from = loan.from;
        self.wallet(from).balance += part;
        self.wallet(POOL).balance -= part;
        if !is_closed {
            self.wallet(POOL).wanted += 1;
        }
        (part, is_closed)
    }
}
