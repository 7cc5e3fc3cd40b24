//! Why: a token is believed because of what is written here and nothing else, so an issuer that could be taken for
//! another, or a key for one of another kind, is a mistake of the file.

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::config::Config;
use super::super::cx::Cx;
use super::super::jwt::{Algorithm, Issuer};

/// The widest gap between two clocks.
const MAX_LEEWAY: Duration = Duration::from_secs(60);
/// How rarely keys may be fetched: a key that its issuer withdrew must not be believed for days.
const MAX_REFRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// How often they may be.
const MIN_REFRESH: Duration = Duration::from_secs(1);

/// Checks every issuer of tokens.
pub(super) fn all(config: &Config, cx: &mut Cx<'_>) {
    for (index, issuer) in config.jwt.iter().enumerate() {
        let place = index.to_string();
        let place = Place(&place);
        name(&place, issuer, cx);
        sources(&place, issuer, cx);
        algorithms(&place, issuer, cx);
        texts(&place, issuer, cx);
        times(&place, issuer, cx);
        let before = config.jwt.get(..index).unwrap_or_default();
        for (other, taken) in before.iter().enumerate() {
            apart(&place, issuer, (&other.to_string(), taken), cx);
        }
    }
}

/// Where an issuer stands.
struct Place<'a>(&'a str);

impl<'a> Place<'a> {
    fn at(&self, field: &'a str) -> [&'a str; 3] {
        ["jwt", self.0, field]
    }
}

fn name(place: &Place<'_>, issuer: &Issuer, cx: &mut Cx<'_>) {
    let is_fine = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if issuer.name.len() > 100 || !issuer.name.bytes().all(is_fine) {
        let message = "the name of an issuer has 1 to 100 letters, digits, `.`, `_`, `-`";
        cx.cross(&[&place.at("name")], message, "choose a plain name");
    }
}

/// Exactly one source of keys, and one that can be called.
fn sources(place: &Place<'_>, issuer: &Issuer, cx: &mut Cx<'_>) {
    let all = [
        ("jwks_url", issuer.jwks_url.is_some()),
        ("jwks_file", issuer.jwks_file.is_some()),
        ("public_key", issuer.public_key.is_some()),
        ("secret", issuer.secret.is_some()),
    ];
    let mut written = all.iter().filter(|(_, written)| *written);
    match (written.next(), written.next()) {
        (None, _) => {
            let message = "has no keys: nobody could tell a good token from a forged one";
            let hint = "add one of `jwks_url`, `jwks_file`, `public_key`, `secret`";
            cx.cross(&[&["jwt", place.0]], message, hint);
        }
        (Some((first, _)), Some((second, _))) => {
            let message = format!("`{first}` is written too, and an issuer has one source of keys");
            let hint = "keep one of them; keys of several kinds stand together in a JWKS";
            cx.cross(&[&place.at(second), &place.at(first)], message, hint);
        }
        _ => {}
    }
    if let Some((message, hint)) = issuer.jwks_url.as_deref().and_then(bad_url) {
        cx.cross(&[&place.at("jwks_url")], message, hint);
    }
}

/// What is wrong with an address of keys. Whoever can change them on the way can make any token.
fn bad_url(text: &str) -> Option<(&'static str, &'static str)> {
    let example = "such as `https://id.example.com/.well-known/jwks.json`";
    let uri = text.parse::<http::Uri>().ok();
    let Some((scheme, authority)) = uri
        .as_ref()
        .and_then(|uri| Some((uri.scheme_str()?, uri.authority()?)))
    else {
        return Some(("is no address that can be called", example));
    };
    if authority.as_str().contains('@') || text.contains('#') {
        return Some(("must not hold a user, a password or a fragment", example));
    }
    let host = authority.host();
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    let is_here = bare == "localhost" || address.is_ok_and(|ip| ip.is_loopback());
    match scheme {
        "https" => None,
        "http" if is_here => None,
        _ => Some((
            "must begin with https://: keys that can be changed on the way sign anything",
            "or keep the keys in a file and write `jwks_file`",
        )),
    }
}

/// A secret and a pair of keys are never two answers to one question.
fn algorithms(place: &Place<'_>, issuer: &Issuer, cx: &mut Cx<'_>) {
    let at = place.at("algorithms");
    if issuer.algorithms.is_empty() {
        let hint = "such as `[RS256]`";
        cx.cross(&[&at], "accepts no signature at all", hint);
    }
    let shared = |algorithm: &Algorithm| algorithm.secret_length().is_some();
    for (index, algorithm) in issuer.algorithms.iter().enumerate() {
        let item = index.to_string();
        let path = ["jwt", place.0, "algorithms", &item];
        let (name, before) = (algorithm.name(), issuer.algorithms.get(..index));
        if before.is_some_and(|before| before.contains(algorithm)) {
            let message = format!("`{name}` stands here twice");
            cx.cross(&[&path], message, "keep one of them");
        } else if shared(algorithm) != issuer.secret.is_some() {
            let (message, hint) = match issuer.secret {
                Some(_) => (
                    format!("`{name}` needs a public key, and this issuer has a secret"),
                    "a secret signs with HS256, HS384 or HS512; give another kind an issuer of its own",
                ),
                None => (
                    format!("`{name}` needs a `secret`, and this issuer has public keys"),
                    "whoever knows a public key could sign with it; give another kind an issuer of its own",
                ),
            };
            cx.cross(&[&path], message, hint);
        }
    }
    let least = issuer
        .algorithms
        .iter()
        .filter_map(|one| one.secret_length());
    let (Some(secret), Some(least)) = (&issuer.secret, least.max()) else {
        return;
    };
    if secret.expose().len() < least {
        let message = format!("is shorter than the {least} characters that its algorithms need");
        let hint = "`openssl rand -base64 64` makes one";
        cx.cross(&[&place.at("secret")], message, hint);
    }
}

/// The longest name, prefix, audience or path.
const MAX_TEXT: usize = 500;

fn texts(place: &Place<'_>, issuer: &Issuer, cx: &mut Cx<'_>) {
    let mut seen = BTreeSet::new();
    if issuer.audience.is_empty() {
        let message = "names nobody: tokens for other services would open this one";
        cx.cross(&[&place.at("audience")], message, "such as `alfred`");
    }
    for (index, audience) in issuer.audience.iter().enumerate() {
        let item = index.to_string();
        let whole = ["jwt", place.0, "audience"];
        let path = [whole.as_slice(), &[&item]].concat();
        if !seen.insert(audience) {
            cx.cross(
                &[&path],
                "this audience stands here twice",
                "keep one of them",
            );
        }
        if audience.len() > MAX_TEXT {
            cx.cross(
                &[&path],
                "is too long for an audience",
                "choose a shorter one",
            );
        }
    }
    let claims = &issuer.claims;
    for (field, path) in [
        ("user", &claims.user),
        ("email", &claims.email),
        ("team", &claims.team),
        ("roles", &claims.roles),
    ] {
        if path.len() > MAX_TEXT || path.split('.').any(str::is_empty) {
            let at = ["jwt", place.0, "claims", field];
            let hint = "such as `sub`, or `resource_access.alfred.roles`";
            cx.cross(&[&at], "is not the path of a claim", hint);
        }
    }
}

fn times(place: &Place<'_>, issuer: &Issuer, cx: &mut Cx<'_>) {
    if issuer.leeway > MAX_LEEWAY {
        let message = "is more than 60 s: tokens would live on after their end";
        let hint = "set the clocks right instead; `30s` is the default";
        cx.cross(&[&place.at("leeway")], message, hint);
    }
    if !(MIN_REFRESH..=MAX_REFRESH).contains(&issuer.refresh) {
        let message = "is less than a second or more than a day";
        cx.cross(&[&place.at("refresh")], message, "such as `5m`");
    }
}

/// Two issuers must be told apart: in logs, by their tokens, and by the names of their users.
fn apart(place: &Place<'_>, one: &Issuer, (other, taken): (&str, &Issuer), cx: &mut Cx<'_>) {
    let there = Place(other);
    if one.name == taken.name {
        let hint = "logs could not tell them apart";
        cx.cross(
            &[&place.at("name"), &there.at("name")],
            "another issuer has this name",
            hint,
        );
    }
    if one.issuer == taken.issuer {
        if one
            .audience
            .iter()
            .any(|text| taken.audience.contains(text))
        {
            cx.cross(
                &[&place.at("audience"), &there.at("audience")],
                "another entry takes the same tokens",
                "give each an audience of its own, or make one entry of them",
            );
        }
        return;
    }
    let prefix = |issuer: &Issuer| issuer.subject_prefix.clone().unwrap_or_default();
    let (own, theirs) = (prefix(one), prefix(taken));
    if own.starts_with(&theirs) || theirs.starts_with(&own) {
        let message = format!(
            "its users could pass for those of `{}`: one subject prefix begins with the other",
            taken.name
        );
        let field = match one.subject_prefix {
            Some(_) => place.at("subject_prefix").to_vec(),
            None => vec!["jwt", place.0],
        };
        let hint = "give every issuer its own `subject_prefix`, such as `okta:`";
        cx.cross(&[&field], message, hint);
    }
}
