//! Why: a token, a session or a password names a person; who they are and what voids their
//! credentials is one question with one answer.

use super::super::StoreFault;
use super::super::keys_sql::unhex;
use super::super::sql::{Row, Sql, values};
use super::{Credential, Identified, PasswordHash, Person, Proof, Role, TeamRole, read};

const PERSON: &str = "u.id, u.org_id, u.team_id, u.email, u.name, u.subject, u.role, u.team_role, \
     CASE WHEN u.status = 'active' AND o.status = 'active' THEN 1 ELSE 0 END, \
     u.tokens_valid_after";
/// How many columns that is.
const PROOF: usize = 10;
const FROM: &str = "FROM users u JOIN organisations o ON o.id = u.org_id";

pub(super) fn all(sql: &mut dyn Sql) -> Result<Vec<Person>, StoreFault> {
    let rows = sql.query(&format!("SELECT {PERSON} {FROM} ORDER BY u.id"), &[])?;
    rows.iter().map(person).collect()
}

pub(super) fn identify(
    sql: &mut dyn Sql,
    credential: Credential<'_>,
) -> Result<Option<Identified>, StoreFault> {
    let row = match credential {
        Credential::Session(hash) => {
            let statement = format!(
                "SELECT {PERSON}, s.created_at, s.expires_at {FROM} \
                 JOIN sessions s ON s.user_id = u.id WHERE s.token_hash = $1"
            );
            sql.first(&statement, values![*hash])?
        }
        Credential::Token(public_id) => {
            let statement = format!(
                "SELECT {PERSON}, a.id, a.token_hash, a.pepper_version, a.created_at, \
                 a.expires_at, a.revoked_at {FROM} \
                 JOIN access_tokens a ON a.user_id = u.id WHERE a.public_id = $1"
            );
            sql.first(&statement, values![public_id])?
        }
        Credential::Email(email) => {
            let statement =
                format!("SELECT {PERSON}, u.password_hash {FROM} WHERE lower(u.email) = $1");
            sql.first(&statement, values![email.to_lowercase()])?
        }
    };
    let Some(row) = row else { return Ok(None) };
    let proof = match credential {
        Credential::Session(_) => session(&row),
        Credential::Token(_) => token(&row),
        Credential::Email(_) => password(&row),
    };
    Ok(Some(Identified {
        person: person(&row)?,
        proof: proof?,
    }))
}

fn person(row: &Row) -> Result<Person, StoreFault> {
    Ok(Person {
        user_id: row.int(0)?,
        org_id: row.int(1)?,
        team_id: row.int_or_null(2)?,
        email: read::text(row, 3)?,
        name: read::text(row, 4)?,
        subject: read::text_or_null(row, 5)?,
        role: read::word(row, 6, Role::read)?,
        team_role: read::word(row, 7, TeamRole::read)?,
        is_active: row.flag(8)?,
        tokens_valid_after: row.int(9)?,
    })
}

fn session(row: &Row) -> Result<Proof, StoreFault> {
    Ok(Proof::Session {
        created_at: row.int(PROOF)?,
        expires_at: row.int(PROOF + 1)?,
    })
}

fn token(row: &Row) -> Result<Proof, StoreFault> {
    let column = PROOF + 1;
    Ok(Proof::Token {
        id: row.int(PROOF)?,
        hash: unhex(row.text(column)?).ok_or(StoreFault::Unreadable { column })?,
        pepper_version: read::small(row, PROOF + 2)?,
        created_at: row.int(PROOF + 3)?,
        expires_at: row.int_or_null(PROOF + 4)?,
        revoked_at: row.int_or_null(PROOF + 5)?,
    })
}

fn password(row: &Row) -> Result<Proof, StoreFault> {
    let hash = read::text_or_null(row, PROOF)?;
    Ok(Proof::Password(hash.map(PasswordHash)))
}
