//! AWS's Signature Version 4: how a request to Bedrock proves who sent it, without the secret
//! leaving this house. Pure: the clock is passed in.
//!
//! Own code, because what it takes is two hashes that `ring` has already: AWS's crate would bring
//! seven more of its family. It is held to AWS's own vectors.

use std::fmt;

use jiff::Timestamp;
use ring::{digest, hmac};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";

/// Credentials of an AWS account, written `ACCESS_KEY_ID:SECRET_ACCESS_KEY` or
/// `ACCESS_KEY_ID:SECRET_ACCESS_KEY:SESSION_TOKEN`.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    /// Names the key.
    pub access_key: &'a str,
    /// Signs.
    pub secret: &'a str,
    /// Goes with credentials that end.
    pub session_token: Option<&'a str>,
}

impl<'a> Credentials<'a> {
    /// Reads them. `None` for a key of another form: a Bedrock API key, which has no colon.
    #[must_use]
    pub fn read(key: &'a str) -> Option<Self> {
        let (access_key, rest) = key.split_once(':')?;
        let (secret, token) = rest.split_once(':').unwrap_or((rest, ""));
        Some(Self {
            access_key,
            secret,
            session_token: Some(token).filter(|token| !token.is_empty()),
        })
    }
}

impl fmt::Debug for Credentials<'_> {
    /// The name of the key alone: the rest never shows.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .finish_non_exhaustive()
    }
}

/// For whom and when a request is signed.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Such as `eu-central-1`.
    pub region: &'a str,
    /// Such as `bedrock`.
    pub service: &'a str,
    /// Unix seconds.
    pub now: i64,
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// `POST`
    pub method: &'a str,
    /// The path as it is sent. Every service but S3 wants it encoded once more in the signature.
    pub path: &'a str,
    /// Whether dots and empty segments are taken out of the path first; every service but S3.
    pub normalize: bool,
    /// The query as it is sent, without its question mark.
    pub query: &'a str,
    /// The headers that are signed, `host` and `x-amz-date` among them, in any order and case.
    pub headers: &'a [(&'a str, &'a str)],
    /// [`hash`] of the body.
    pub payload: &'a str,
}

/// The time as `x-amz-date` has it; the epoch for a time that no calendar has.
#[must_use]
pub fn date(now: i64) -> String {
    let time = Timestamp::from_second(now).unwrap_or(Timestamp::UNIX_EPOCH);
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn hash(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// The value of `Authorization`.
#[must_use]
pub fn authorization(
    credentials: Credentials<'_>,
    scope: &Scope<'_>,
    signed: &Signed<'_>,
) -> String {
    let date = date(scope.now);
    let day = date.split('T').next().unwrap_or_default();
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let (canonical, names) = canonical(signed);
    let text = format!(
        "{ALGORITHM}\n{date}\n{place}\n{}",
        hash(canonical.as_bytes())
    );
    let first = format!("AWS4{}", credentials.secret);
    let key = [day, scope.region, scope.service, "aws4_request"]
        .iter()
        .fold(first.into_bytes(), |key, word| sign(&key, word.as_bytes()));
    let signature = hex(&sign(&key, text.as_bytes()));
    let key_id = credentials.access_key;
    format!("{ALGORITHM} Credential={key_id}/{place}, SignedHeaders={names}, Signature={signature}")
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text).as_ref().to_vec()
}

/// The request in the one form that both sides hash, and the names of its headers.
fn canonical(signed: &Signed<'_>) -> (String, String) {
    let mut headers: Vec<(String, String)> = signed
        .headers
        .iter()
        .map(|(name, value)| {
            let words: Vec<&str> = value.split(' ').filter(|word| !word.is_empty()).collect();
            (name.to_ascii_lowercase(), words.join(" "))
        })
        .collect();
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines: String = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"))
        .collect();
    let path = match signed.normalize {
        true => normalized(signed.path),
        false => signed.path.to_owned(),
    };
    let mut query: Vec<(&str, &str)> = signed
        .query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    query.sort_unstable();
    let query: Vec<String> = query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let canonical = format!(
        "{}\n{}\n{}\n{lines}\n{names}\n{}",
        signed.method,
        encoded(&path, "/"),
        query.join("&"),
        signed.payload
    );
    (canonical, names)
}

/// The path without empty segments and dots.
fn normalized(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                kept.pop();
            }
            segment => kept.push(segment),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", kept.join("/"))
}

/// The text with every byte percent-encoded but letters, digits, `-._~` and those in `kept`.
#[must_use]
pub fn encoded(text: &str, kept: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || kept.as_bytes().contains(&byte)
        {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn vectors() -> Vec<Value> {
        let root = std::env::var("ALFRED_SHARED").map_or_else(
            |_| std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
            Into::into,
        );
        let path = root.join("fixtures/aws_vectors/sigv4.jsonl");
        let text = std::fs::read_to_string(path).expect("the vectors of the shared fixtures");
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a row"))
            .collect()
    }

    /// Head and body of a request of the suite.
    type Parsed = (String, String, String, Vec<(String, String)>, String);

    fn parse(text: &str) -> Parsed {
        let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
        let mut lines = head.lines();
        let first = lines.next().expect("a request line");
        let (method, rest) = first.split_once(' ').expect("a method");
        let target = rest.strip_suffix(" HTTP/1.1").expect("a version");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let headers = lines
            .map(|line| line.split_once(':').expect("a header"))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        (
            method.to_owned(),
            path.to_owned(),
            query.to_owned(),
            headers,
            body.to_owned(),
        )
    }

    #[test]
    fn every_vector_of_aws_is_signed_as_aws_signs_it() {
        let vectors = vectors();
        assert_eq!(vectors.len(), 14);
        for vector in vectors {
            let case = vector["case"].as_str().expect("a name");
            let file = |name: &str| vector["files"][name].as_str().expect("a file");
            let context: Value = serde_json::from_str(file("context.json")).expect("a context");
            let (method, path, query, mut headers, body) = parse(file("request.txt"));
            let keys = &context["credentials"];
            let token = keys["token"].as_str();
            let now = 1_440_938_160;
            let payload = hash(body.as_bytes());
            headers.push(("X-Amz-Date".to_owned(), date(now)));
            if let Some(token) = token
                && context["omit_session_token"] != true
            {
                headers.push(("X-Amz-Security-Token".to_owned(), token.to_owned()));
            }
            if context["sign_body"] == true {
                headers.push(("x-amz-content-sha256".to_owned(), payload.clone()));
            }
            let headers: Vec<(&str, &str)> = headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let signed = Signed {
                method: &method,
                path: &path,
                normalize: context["normalize"] == true,
                query: &query,
                headers: &headers,
                payload: &payload,
            };
            let credentials = Credentials {
                access_key: keys["access_key_id"].as_str().expect("an id"),
                secret: keys["secret_access_key"].as_str().expect("a secret"),
                session_token: token,
            };
            let scope = Scope {
                region: context["region"].as_str().expect("a region"),
                service: context["service"].as_str().expect("a service"),
                now,
            };
            let ours = canonical(&signed).0;
            assert_eq!(ours, file("header-canonical-request.txt"), "{case}");
            let value = authorization(credentials, &scope, &signed);
            let signature = file("header-signature.txt");
            assert!(value.ends_with(signature), "{case}: {value}");
            let line = format!("Authorization:{value}\n");
            assert!(file("header-signed-request.txt").contains(&line), "{case}");
        }
    }

    #[test]
    fn a_key_with_a_colon_is_that_of_an_account() {
        let read = |key| {
            let found = Credentials::read(key)?;
            Some((found.access_key, found.secret, found.session_token))
        };
        assert_eq!(read("bedrock-api-key-YWJj"), None);
        assert_eq!(read("AKID:s/e+c"), Some(("AKID", "s/e+c", None)));
        assert_eq!(read("AKID:s:"), Some(("AKID", "s", None)));
        assert_eq!(read("AKID:s:t=="), Some(("AKID", "s", Some("t=="))));
        let shown = format!("{:?}", Credentials::read("AKID:secret:token"));
        assert!(
            !shown.contains("secret") && !shown.contains("token"),
            "{shown}"
        );
    }

    #[test]
    fn a_model_id_is_encoded_once_for_the_path_and_once_more_for_the_signature() {
        let path = format!("/model/{}/converse", encoded("amazon.nova:0", ""));
        assert_eq!(path, "/model/amazon.nova%3A0/converse");
        let signed = Signed {
            method: "POST",
            path: &path,
            normalize: true,
            query: "",
            headers: &[],
            payload: "",
        };
        assert!(
            canonical(&signed)
                .0
                .contains("\n/model/amazon.nova%253A0/converse\n")
        );
    }
}
