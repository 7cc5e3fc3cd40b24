//! Why: the one door through which a token becomes a caller. The order is the safety: find whose token it claims to be,
//! insist on what the configuration says of that issuer, check the signature, and only then read on.

use std::fmt;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::cache::{Cache, Checked};
use super::form::Form;
use super::key::{Key, KeySet, Material};
use super::sources::{KeySource, KeySources};
use super::{Claims, MAX_TOKEN, TokenRefusal, jwk, pem};
use crate::conf::{self, Algorithm, Config, Planes, Problem};
use crate::outbound::Outbound;

/// The door at which a token is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plane {
    /// The gateway's port.
    Data,
    /// The admin port.
    Admin,
}

/// What issuers are built with.
#[derive(Clone, Copy)]
pub struct Means<'a> {
    /// Keys that are fetched, and outlive a configuration.
    pub sources: &'a KeySources,
    /// The client that fetches them; needed where a `jwks_url` is configured.
    pub outbound: Option<&'a Outbound>,
    /// The number of the way out that it takes.
    pub way: u64,
}

impl fmt::Debug for Means<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Means")
            .field("way", &self.way)
            .finish_non_exhaustive()
    }
}

/// Everybody whose tokens are believed. Immutable but for what was checked already.
#[derive(Debug, Default)]
pub struct Issuers {
    list: Vec<Issuer>,
    cache: Cache,
}

#[derive(Debug)]
struct Issuer {
    settings: conf::Issuer,
    name: Arc<str>,
    leeway_ms: i64,
    keys: Keys,
}

#[derive(Debug)]
enum Keys {
    /// From the configuration. A single key has no id, and whatever id a token names means it.
    Fixed { set: Arc<KeySet>, is_single: bool },
    /// From an address.
    Fetched(Arc<KeySource>),
}

/// The most keys that are tried for a token that names none.
const MAX_TRIES: usize = 8;

impl Issuers {
    /// Builds the issuers of a configuration.
    ///
    /// # Errors
    /// Files of keys that cannot be used, each at its line.
    pub fn build(config: &Config, means: Means<'_>) -> Result<Self, Vec<Problem>> {
        let (mut list, mut problems) = (Vec::new(), Vec::new());
        for (index, settings) in config.jwt.iter().enumerate() {
            match keys(settings, means) {
                Ok(keys) => list.push(Issuer {
                    name: settings.name.as_str().into(),
                    leeway_ms: i64::try_from(settings.leeway.as_millis()).unwrap_or(0),
                    settings: settings.clone(),
                    keys,
                }),
                Err((field, message)) => {
                    let path = ["jwt", &index.to_string(), field];
                    problems.push(config.source.problem(&path, message));
                }
            }
        }
        match problems.is_empty() {
            true => Ok(Self {
                list,
                cache: Cache::default(),
            }),
            false => Err(problems),
        }
    }

    /// Whether nobody's tokens are believed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Checks a token that is shown at a door. Needs no network: about 100 us the first time, then about 1.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn verify(
        &self,
        token: &str,
        plane: Plane,
        now_unix_ms: i64,
    ) -> Result<Arc<Claims>, TokenRefusal> {
        if token.len() > MAX_TOKEN {
            return Err(TokenRefusal::TooLong);
        }
        let digest = *blake3::hash(token.as_bytes()).as_bytes();
        if let Some(checked) = self.cache.get(&digest)
            && let Some(issuer) = self.list.get(checked.issuer)
            && issuer.opens(plane)
        {
            if issuer.number() == Some(checked.keys) {
                let timely = checked.claims.check_times(now_unix_ms, issuer.leeway_ms);
                return timely.map(|()| checked.claims);
            }
            self.cache.remove(&digest);
        }
        let form = Form::read(token)?;
        let (place, issuer) = self.issuer(&form.payload, plane)?;
        let keys = issuer.check_signature(&form)?;
        let claims = Claims::read(&form.payload, &issuer.settings, &issuer.name)?;
        claims.check_times(now_unix_ms, issuer.leeway_ms)?;
        let checked = Checked {
            issuer: place,
            keys,
            claims: Arc::new(claims),
        };
        let claims = Arc::clone(&checked.claims);
        self.cache.put(digest, checked);
        Ok(claims)
    }

    /// The entry that a token asks to be judged by.
    fn issuer(
        &self,
        payload: &Map<String, Value>,
        plane: Plane,
    ) -> Result<(usize, &Issuer), TokenRefusal> {
        let iss = match payload.get("iss") {
            Some(Value::String(iss)) => iss,
            _ => return Err(TokenRefusal::Claim("iss")),
        };
        let audiences = audiences(payload).ok_or(TokenRefusal::Claim("aud"))?;
        let mut refusal = TokenRefusal::UnknownIssuer;
        for (place, issuer) in self.list.iter().enumerate() {
            if issuer.settings.issuer != *iss {
                continue;
            }
            let own = &issuer.settings.audience;
            if !audiences
                .iter()
                .any(|audience| own.iter().any(|own| own == audience))
            {
                // An entry that the token was made for says more than one it was not.
                if refusal == TokenRefusal::UnknownIssuer {
                    refusal = TokenRefusal::WrongAudience;
                }
            } else if !issuer.opens(plane) {
                refusal = TokenRefusal::WrongPlane;
            } else {
                return Ok((place, issuer));
            }
        }
        Err(refusal)
    }

    #[cfg(test)]
    pub(super) fn remembered(&self) -> usize {
        self.cache.len()
    }
}

impl Issuer {
    fn opens(&self, plane: Plane) -> bool {
        match self.settings.plane {
            Planes::Both => true,
            Planes::Data => plane == Plane::Data,
            Planes::Admin => plane == Plane::Admin,
        }
    }

    /// The number of the keys that hold now.
    fn number(&self) -> Option<u64> {
        match &self.keys {
            Keys::Fixed { set, .. } => Some(set.number),
            Keys::Fetched(source) => source.number(),
        }
    }

    /// Checks the signature with an algorithm and a key of this issuer; the number of the keys that were asked.
    fn check_signature(&self, form: &Form<'_>) -> Result<u64, TokenRefusal> {
        let named = |one: &&Algorithm| one.name() == form.algorithm;
        let accepted = self.settings.algorithms.iter().find(named);
        let algorithm = *accepted.ok_or(TokenRefusal::Algorithm)?;
        let (set, any_id) = match &self.keys {
            Keys::Fixed { set, is_single } => (Arc::clone(set), *is_single),
            Keys::Fetched(source) => {
                let Some(set) = source.keys() else {
                    source.want();
                    return Err(TokenRefusal::NoKeys);
                };
                (set, false)
            }
        };
        let is_meant = |key: &&Key| any_id || form.kid.is_none() || key.kid == form.kid;
        let mut meant = set.keys.iter().filter(is_meant).peekable();
        if meant.peek().is_none() {
            if let Keys::Fetched(source) = &self.keys {
                source.want();
            }
            return Err(TokenRefusal::UnknownKey);
        }
        let mut fitting = meant.filter(|key| key.fits(algorithm)).take(MAX_TRIES);
        let signed = form.signed.as_bytes();
        match fitting.any(|key| key.verifies(algorithm, signed, &form.signature)) {
            true => Ok(set.number),
            false => Err(TokenRefusal::Signature),
        }
    }
}

/// `aud`: a text or a list of them.
fn audiences(payload: &Map<String, Value>) -> Option<Vec<&str>> {
    match payload.get("aud")? {
        Value::String(one) => Some(vec![one]),
        Value::Array(list) => list.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

/// The keys that an entry names; otherwise the field that is to blame, and why.
fn keys(settings: &conf::Issuer, means: Means<'_>) -> Result<Keys, (&'static str, String)> {
    if let Some(url) = &settings.jwks_url {
        let no_client = || ("jwks_url", "there is no client to fetch it".to_owned());
        let outbound = means.outbound.ok_or_else(no_client)?;
        let way = (means.way, outbound);
        return Ok(Keys::Fetched(means.sources.source(
            url,
            settings.refresh,
            way,
        )));
    }
    let (field, keys, is_single) = if let Some(path) = &settings.jwks_file {
        let named =
            |why: &dyn fmt::Display| ("jwks_file", format!("the file {} {why}", path.display()));
        let document = file(path).map_err(|why| named(&why))?;
        (
            "jwks_file",
            jwk::keys(&document).map_err(|why| named(&why))?,
            false,
        )
    } else if let Some(path) = &settings.public_key {
        let named =
            |why: &dyn fmt::Display| ("public_key", format!("the file {} {why}", path.display()));
        let pem = file(path).map_err(|why| named(&why))?;
        let material = pem::public_key(&pem).map_err(|why| named(&why))?;
        ("public_key", vec![Key::plain(material)], true)
    } else if let Some(secret) = &settings.secret {
        let material = Material::Secret(secret.expose().as_bytes().to_vec());
        ("secret", vec![Key::plain(material)], true)
    } else {
        return Err(("algorithms", "this issuer has no keys".to_owned()));
    };
    let fits = |key: &Key| settings.algorithms.iter().any(|one| key.fits(*one));
    if !keys.iter().any(fits) {
        let names: Vec<_> = settings.algorithms.iter().map(|one| one.name()).collect();
        let message = format!("holds no key for {}", names.join(", "));
        return Err((field, message));
    }
    let set = Arc::new(KeySet::new(keys));
    Ok(Keys::Fixed { set, is_single })
}

fn file(path: &Path) -> Result<Vec<u8>, String> {
    let mut content = Vec::new();
    let most = jwk::MAX_JWKS as u64 + 1;
    std::fs::File::open(path)
        .and_then(|file| file.take(most).read_to_end(&mut content))
        .map_err(|error| format!("cannot be read: {error}"))?;
    Ok(content)
}
