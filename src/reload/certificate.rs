//! Why: certificates live for weeks, processes for months. The pair is read again when its files change; connections
//! that are open keep the one they began with.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::InconsistentKeys;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::conf::{Config, Problems, Tls};

/// A certificate with its chain and its key, known to belong together.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why a pair of files is no certificate; each says which setting is to blame.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("the file {0} cannot be read: {1}")]
    File(PathBuf, std::io::Error),
    #[error("the file {0} holds no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error("the file {0} holds no private key in PEM form")]
    NoKey(PathBuf),
    #[error("the key {0} is of a kind that cannot be used")]
    Key(PathBuf),
    #[error("the certificate {0} and the key {1} do not belong together")]
    Mismatch(PathBuf, PathBuf),
    #[error("the certificate {0} cannot be understood: {1}")]
    Certificate(PathBuf, rustls::Error),
}

impl Unusable {
    fn setting(&self, tls: &Tls) -> &'static str {
        match self {
            Self::File(path, _) if *path == tls.cert => "cert",
            Self::NoCertificate(_) | Self::Certificate(..) | Self::Mismatch(..) => "cert",
            Self::File(..) | Self::NoKey(_) | Self::Key(_) => "key",
        }
    }
}

impl Certificate {
    /// Reads the pair that the configuration names; `None` when it names none.
    ///
    /// # Errors
    /// A pair that cannot be used, at the line that names it.
    pub fn read(config: &Config) -> Result<Option<Self>, Problems> {
        let Some(tls) = &config.tls else {
            return Ok(None);
        };
        pair(tls).map(Some).map_err(|error| {
            let path = ["tls", error.setting(tls)];
            let hint =
                "both are PEM files; the certificate comes first in its file, then its chain";
            config
                .source
                .problem(&path, error.to_string())
                .hint(hint)
                .into()
        })
    }

    fn is(&self, other: &Self) -> bool {
        // The key belongs to the leaf, so equal chains have equal keys.
        self.0.cert == other.0.cert
    }
}

fn pair(tls: &Tls) -> Result<Certificate, Unusable> {
    let (cert, key) = (&tls.cert, &tls.key);
    let chain = CertificateDer::pem_slice_iter(&read(cert)?).collect::<Result<Vec<_>, _>>();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| Unusable::NoCertificate(cert.clone()))?;
    let private = PrivateKeyDer::from_pem_slice(&read(key)?);
    let private = private.map_err(|_| Unusable::NoKey(key.clone()))?;
    let signer = rustls::crypto::ring::sign::any_supported_type(&private);
    let signer = signer.map_err(|_| Unusable::Key(key.clone()))?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => {
            Ok(Certificate(Arc::new(certified)))
        }
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(Unusable::Mismatch(cert.clone(), key.clone()))
        }
        Err(error) => Err(Unusable::Certificate(cert.clone(), error)),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Unusable> {
    std::fs::read(path).map_err(|error| Unusable::File(path.to_owned(), error))
}

/// The certificate that new connections are shown; it may be replaced at any time.
pub struct Certificates(ArcSwap<CertifiedKey>);

impl Certificates {
    /// Shows this one.
    #[must_use]
    pub fn new(certificate: Certificate) -> Arc<Self> {
        Arc::new(Self(ArcSwap::from(certificate.0)))
    }

    /// Shows another one from the next connection on.
    pub(super) fn replace(&self, certificate: Certificate) {
        self.0.store(certificate.0);
    }

    /// Whether this is the one that is shown.
    pub(super) fn shows(&self, certificate: &Certificate) -> bool {
        Certificate(self.0.load_full()).is(certificate)
    }
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificates").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::{Environment, parse};
    use rcgen::{CertificateParams, KeyPair};

    /// A folder with a pair, and the configuration that names it.
    fn world() -> (tempfile::TempDir, Config) {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let text = format!("tls:\n  cert: {}\n  key: {}\n", at("c"), at("k"));
        let config = parse("a.yaml", &text, &Environment::default()).unwrap();
        write(&folder, &["c", "k"]);
        (folder, config)
    }

    /// Writes these files of a new pair.
    fn write(folder: &tempfile::TempDir, files: &[&str]) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["a.test".to_owned()]).unwrap();
        let cert = params.self_signed(&key).unwrap();
        for file in files {
            let text = if *file == "c" {
                cert.pem()
            } else {
                key.serialize_pem()
            };
            std::fs::write(folder.path().join(file), text).unwrap();
        }
    }

    #[test]
    fn a_pair_is_shown_until_another_replaces_it() {
        let (folder, config) = world();
        let first = Certificate::read(&config).unwrap().unwrap();
        let shown = Certificates::new(first.clone());
        write(&folder, &["c", "k"]);
        let second = Certificate::read(&config).unwrap().unwrap();
        assert!(shown.shows(&first) && !shown.shows(&second));
        shown.replace(second.clone());
        assert!(shown.shows(&second) && !shown.shows(&first));
    }

    #[test]
    fn a_pair_that_cannot_be_used_is_refused_at_its_line() {
        type Spoil = dyn Fn(&tempfile::TempDir);
        let spoil: [(&str, &Spoil, &str); 5] = [
            (
                "tls.cert",
                &|folder| write(folder, &["c"]),
                "do not belong together",
            ),
            (
                "tls.cert",
                &|folder| std::fs::remove_file(folder.path().join("c")).unwrap(),
                "cannot be read",
            ),
            (
                "tls.key",
                &|folder| std::fs::remove_file(folder.path().join("k")).unwrap(),
                "cannot be read",
            ),
            (
                "tls.cert",
                &|folder| std::fs::write(folder.path().join("c"), "x").unwrap(),
                "no certificate",
            ),
            (
                "tls.key",
                &|folder| std::fs::write(folder.path().join("k"), "x").unwrap(),
                "no private key",
            ),
        ];
        for (path, spoil, message) in spoil {
            let (folder, config) = world();
            spoil(&folder);
            let problem = Certificate::read(&config).unwrap_err().0.remove(0);
            assert_eq!(problem.path, path, "{problem}");
            assert_eq!(problem.line, if path == "tls.cert" { 2 } else { 3 });
            assert!(problem.message.contains(message), "{problem}");
        }
    }

    #[test]
    fn without_tls_there_is_no_certificate() {
        let config = parse("a.yaml", "", &Environment::default()).unwrap();
        assert!(Certificate::read(&config).unwrap().is_none());
    }
}
