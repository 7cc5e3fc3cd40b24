//! Why: accountants read the ledger with a spreadsheet, and a spreadsheet runs what looks like a
//! formula. One place writes the lines, for the API and the command line alike.

use crate::store::governance::TransactionRow;

use super::answer::time;

/// The names of the columns.
pub const HEAD: &str = "id,request_id,attempt,type,leg,org_id,team_id,user_id,key_id,wallet_id,\
amount,balance_after,model,provider,prompt_tokens,completion_tokens,cached_tokens,\
cache_write_tokens,reasoning_tokens,cost,estimated,usage_source,price_version,settlement,position,\
hash,reverses,note,created_at\n";

/// One line of the ledger.
#[must_use]
pub fn line(row: &TransactionRow) -> String {
    let number = |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    let text = |value: &Option<String>| value.as_deref().map_or_else(String::new, quoted);
    let cells = [
        row.id.to_string(),
        row.request_id.to_string(),
        row.attempt.to_string(),
        quoted(&row.kind),
        row.leg.to_string(),
        number(row.org_id),
        number(row.team_id),
        number(row.user_id),
        number(row.key_id),
        number(row.wallet_id),
        row.amount.to_string(),
        row.balance_after
            .map_or_else(String::new, |amount| amount.to_string()),
        text(&row.model),
        text(&row.provider),
        row.prompt_tokens.to_string(),
        row.completion_tokens.to_string(),
        row.cached_tokens.to_string(),
        row.cache_write_tokens.to_string(),
        row.reasoning_tokens.to_string(),
        row.cost.to_string(),
        row.estimated.to_string(),
        quoted(&row.usage_source),
        number(row.price_version),
        number(row.settlement),
        number(row.position),
        row.hash.clone(),
        row.reverses.map_or_else(String::new, |id| id.to_string()),
        text(&row.note),
        time(row.created_at).unwrap_or_default(),
    ];
    format!("{}\n", cells.join(","))
}

/// A text as a cell. What a spreadsheet would take for a formula is marked as text: names and
/// notes are chosen by people who are not the reader.
fn quoted(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let mark = if is_formula { "'" } else { "" };
    match is_formula || text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{mark}{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_gets_out_of_its_cell_or_becomes_a_formula() {
        assert_eq!(quoted("gpt-5"), "gpt-5");
        assert_eq!(quoted("a,b"), "\"a,b\"");
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(quoted("a\nb"), "\"a\nb\"");
        assert_eq!(quoted("=cmd|' /C calc'!A0"), "\"'=cmd|' /C calc'!A0\"");
    }
}
