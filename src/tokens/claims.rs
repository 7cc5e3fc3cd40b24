//! Why: what a checked token says, in the words of this house. A claim that has another type than it must have is
//! refused and not passed over: a date in quotes is no date, and a token without an end would never end.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::TokenRefusal::{self, Claim};
use crate::conf::{Issuer, UnknownUsers};

/// The longest name of a user, in bytes.
const MAX_NAME: usize = 500;
/// The most roles, and the longest.
const MAX_ROLES: usize = 200;
/// The end of the year 9999: no honest date lies behind it, and sums with it cannot overflow.
const LAST_SECOND: i64 = 253_402_300_799;

/// What a checked token says. Whoever holds one need not check it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `jwt:<issuer>:<sub>`: stable, for limits and logs.
    pub id: Arc<str>,
    /// What people call the user: the e-mail, or else the name at the issuer.
    pub name: Arc<str>,
    /// The name of the issuer in the configuration.
    pub issuer: Arc<str>,
    /// `sub`, the user's name at the issuer.
    pub subject: String,
    /// The mapped user with the issuer's prefix before it: what stored users' subjects are compared with.
    pub user: String,
    /// The mapped e-mail in small letters; `None` also when the issuer says that it is not verified.
    pub email: Option<String>,
    /// The mapped team.
    pub team: Option<String>,
    /// The mapped roles.
    pub roles: Vec<String>,
    /// `jti`, the token's own name.
    pub jti: Option<String>,
    /// `nonce`: what whoever asked for an ID token gave along, to know it again.
    pub nonce: Option<String>,
    /// `iat` in Unix milliseconds: a user's older tokens are void when an administrator says so.
    pub issued_at_ms: i64,
    /// `exp` in Unix milliseconds.
    pub expires_at_ms: i64,
    /// `nbf` in Unix milliseconds.
    pub not_before_ms: Option<i64>,
    /// `epoch` as it stands in the token.
    pub epoch: Option<i64>,
    /// Whether the issuer's users need not be stored here.
    pub may_be_unknown: bool,
}

impl Claims {
    /// Reads what the token of this issuer says.
    pub(super) fn read(
        payload: &Map<String, Value>,
        issuer: &Issuer,
        name: &Arc<str>,
    ) -> Result<Self, TokenRefusal> {
        let names = &issuer.claims;
        let subject = match payload.get("sub") {
            Some(Value::String(subject)) => person(subject).ok_or(Claim("sub"))?,
            _ => return Err(Claim("sub")),
        };
        let user = text(payload, &names.user, "user")?.ok_or(Claim("user"))?;
        let user = person(&user).ok_or(Claim("user"))?;
        let email = text(payload, &names.email, "email")?.filter(|_| is_verified(payload));
        let email = email.map(|email| email.to_ascii_lowercase());
        let email = email.map(|email| person(&email).ok_or(Claim("email")));
        let email = email.transpose()?;
        let epoch = match payload.get("epoch") {
            None => None,
            Some(epoch) => Some(epoch.as_i64().ok_or(Claim("epoch"))?),
        };
        let own_text = |name: &'static str| match payload.get(name) {
            None => Ok(None),
            Some(value) => value
                .as_str()
                .map(|text| Some(text.to_owned()))
                .ok_or(Claim(name)),
        };
        Ok(Self {
            id: format!("jwt:{name}:{subject}").into(),
            name: email.as_deref().unwrap_or(&user).into(),
            issuer: Arc::clone(name),
            user: format!("{}{user}", issuer.subject_prefix.as_deref().unwrap_or("")),
            subject,
            email,
            team: text(payload, &names.team, "team")?,
            roles: roles(payload, &names.roles)?,
            jti: own_text("jti")?,
            nonce: own_text("nonce")?,
            issued_at_ms: moment(payload, "iat")?.ok_or(Claim("iat"))?,
            expires_at_ms: moment(payload, "exp")?.ok_or(Claim("exp"))?,
            not_before_ms: moment(payload, "nbf")?,
            epoch,
            may_be_unknown: issuer.unknown_users == UnknownUsers::Allow,
        })
    }

    /// Whether this is the token's time.
    pub(super) fn check_times(&self, now_ms: i64, leeway_ms: i64) -> Result<(), TokenRefusal> {
        if self.expires_at_ms.saturating_add(leeway_ms) <= now_ms {
            return Err(TokenRefusal::Expired);
        }
        let begins = self.not_before_ms.unwrap_or(0).max(self.issued_at_ms);
        match begins > now_ms.saturating_add(leeway_ms) {
            true => Err(TokenRefusal::NotYetValid),
            false => Ok(()),
        }
    }
}

/// A name that may stand in logs: not empty, not endless, without control characters.
fn person(text: &str) -> Option<String> {
    let is_fine = !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control);
    is_fine.then(|| text.to_owned())
}

/// An issuer that does not speak of verification is believed; one that says no is believed too.
fn is_verified(payload: &Map<String, Value>) -> bool {
    match payload.get("email_verified") {
        None | Some(Value::Bool(true)) => true,
        Some(Value::String(word)) => word == "true",
        Some(_) => false,
    }
}

/// The member at a path: one whose whole name it is, or else one step after the other.
fn at<'v>(payload: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    if let Some(found) = payload.get(path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    let inside = payload.get(first)?;
    rest.split('.')
        .try_fold(inside, |value, step| value.get(step))
}

/// A text, or a whole number as text.
fn text(
    payload: &Map<String, Value>,
    path: &str,
    what: &'static str,
) -> Result<Option<String>, TokenRefusal> {
    match at(payload, path) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) if !number.is_f64() => Ok(Some(number.to_string())),
        Some(_) => Err(Claim(what)),
    }
}

fn roles(payload: &Map<String, Value>, path: &str) -> Result<Vec<String>, TokenRefusal> {
    let roles: Option<Vec<String>> = match at(payload, path) {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::String(text)) => Some(text.split_whitespace().map(str::to_owned).collect()),
        Some(Value::Array(list)) => {
            let texts = list.iter().map(|role| role.as_str().map(str::to_owned));
            texts.collect()
        }
        Some(_) => None,
    };
    roles
        .filter(|roles| roles.len() <= MAX_ROLES)
        .ok_or(Claim("roles"))
}

/// A NumericDate (RFC 7519) in milliseconds: a number, perhaps with a fraction, and nothing else.
fn moment(payload: &Map<String, Value>, name: &'static str) -> Result<Option<i64>, TokenRefusal> {
    let number = match payload.get(name) {
        None => return Ok(None),
        Some(Value::Number(number)) => number,
        Some(_) => return Err(Claim(name)),
    };
    let whole = number
        .as_i64()
        .filter(|seconds| (0..=LAST_SECOND).contains(seconds));
    if let Some(seconds) = whole {
        return Ok(Some(seconds * 1000));
    }
    #[expect(clippy::cast_precision_loss, reason = "the bound is far below 2^53")]
    let last = LAST_SECOND as f64;
    let seconds = number.as_f64().filter(|_| number.is_f64());
    let seconds = seconds.filter(|seconds| (0.0..=last).contains(seconds));
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    let millis = seconds.map(|seconds| (seconds * 1000.0).floor() as i64);
    millis.map(Some).ok_or(Claim(name))
}
