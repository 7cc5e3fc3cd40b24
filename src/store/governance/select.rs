//! Why: a list has many filters and one boundary. The text of a statement is put together from
//! constants only; whatever came from outside goes in as a parameter.

use super::super::StoreFault;
use super::super::sql::{Row, Sql, Value};
use super::{MAX_PAGE, Page, Scope};

/// A `SELECT` that grows condition by condition.
pub(super) struct Select {
    text: String,
    params: Vec<Value>,
}

/// How rows of a table are told to lie inside a scope: conditions in which each `?` is the scope's id. `None`: no such
/// row does.
pub(super) struct Bounds {
    pub(super) org: &'static str,
    pub(super) team: Option<&'static str>,
    pub(super) user: Option<&'static str>,
}

impl Select {
    /// Begins with all up to `WHERE`.
    pub(super) fn new(head: &'static str) -> Self {
        Self {
            text: format!("{head} WHERE 1 = 1"),
            params: Vec::new(),
        }
    }

    /// Adds a condition; each `?` in it takes one value.
    pub(super) fn and(mut self, condition: &'static str, values: &[Value]) -> Self {
        self.text.push_str(" AND (");
        let mut values = values.iter();
        for part in condition.split_inclusive('?') {
            let (before, asks) = match part.strip_suffix('?') {
                Some(before) => (before, true),
                None => (part, false),
            };
            self.text.push_str(before);
            if let (true, Some(value)) = (asks, values.next()) {
                self.place(value.clone());
            }
        }
        self.text.push(')');
        self
    }

    /// Adds a condition if there is a value for it.
    pub(super) fn and_if<T: Into<Value>>(self, condition: &'static str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.and(condition, &[value.into()]),
            None => self,
        }
    }

    /// Leaves only what lies inside the scope.
    pub(super) fn within(self, scope: &Scope, bounds: &Bounds) -> Self {
        match *scope {
            Scope::House => self,
            Scope::Organisation(org) => self.and_some(Some(bounds.org), org),
            Scope::Team { org_id, team_id } => self
                .and_some(Some(bounds.org), org_id)
                .and_some(bounds.team, team_id),
            Scope::User { org_id, user_id } => self
                .and_some(Some(bounds.org), org_id)
                .and_some(bounds.user, user_id),
        }
    }

    fn and_some(self, condition: Option<&'static str>, id: i64) -> Self {
        match condition {
            Some(condition) => {
                let count = condition.matches('?').count();
                self.and(condition, &vec![id.into(); count])
            }
            None => self.and("1 = 0", &[]),
        }
    }

    /// The next rows by ascending id.
    pub(super) fn page(self, after: &'static str, order: &'static str, page: Page) -> Self {
        self.and_if(after, page.after)
            .order(order)
            .limit(page.limit)
    }

    /// Goes on behind the conditions.
    pub(super) fn order(mut self, tail: &'static str) -> Self {
        self.text.push(' ');
        self.text.push_str(tail);
        self
    }

    /// At most so many rows.
    pub(super) fn limit(mut self, limit: u32) -> Self {
        self.text.push_str(" LIMIT ");
        self.place(i64::from(limit.clamp(1, MAX_PAGE)).into());
        self
    }

    /// Answers its rows, read by `read`.
    pub(super) fn read<T>(
        self,
        sql: &mut dyn Sql,
        read: fn(&Row) -> Result<T, StoreFault>,
    ) -> Result<Vec<T>, StoreFault> {
        let rows = sql.query(&self.text, &self.params)?;
        rows.iter().map(read).collect()
    }

    fn place(&mut self, value: Value) {
        self.params.push(value);
        self.text.push('$');
        self.text.push_str(&self.params.len().to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_outside_is_never_in_the_text() {
        let hostile = "x' OR '1' = '1";
        let select = Select::new("SELECT 1 FROM t")
            .and_if("t.name = ?", Some(hostile))
            .and_if("t.id = ?", None::<i64>)
            .and("(t.a, t.b) < (?, ?)", &[1.into(), 2.into()])
            .order("ORDER BY t.id")
            .limit(9_999);
        let expected = "SELECT 1 FROM t WHERE 1 = 1 AND (t.name = $1) \
                        AND ((t.a, t.b) < ($2, $3)) ORDER BY t.id LIMIT $4";
        assert_eq!(select.text, expected);
        assert_eq!(select.params.last(), Some(&Value::Int(1_000)));
    }

    #[test]
    fn what_a_scope_can_never_hold_is_not_found_in_it() {
        let bounds = Bounds {
            org: "o.id = ?",
            team: None,
            user: None,
        };
        let scope = Scope::Team {
            org_id: 1,
            team_id: 2,
        };
        let select = Select::new("SELECT 1 FROM o").within(&scope, &bounds);
        assert!(select.text.ends_with("AND (o.id = $1) AND (1 = 0)"));
    }
}
