//! The way out of this network: through a proxy or not, and whom to trust at the other end.

use std::any::Any;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use ipnet::IpNet;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::conf;

/// The proxy through which calls leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proxy {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// What its `Proxy-Authorization` wants to be.
    pub authorization: Option<HeaderValue>,
}

/// What is called directly in spite of a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Exception {
    Everything,
    Net(IpNet),
    /// A host and all below it.
    Domain(String),
}

impl Exception {
    fn read(text: &str) -> Self {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Self::Everything;
        }
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        let net = bare.parse::<IpNet>().ok();
        let net = net.or_else(|| bare.parse::<IpAddr>().ok().map(IpNet::from));
        net.map_or_else(
            || Self::Domain(text.trim_start_matches("*.").trim_matches('.').to_owned()),
            Self::Net,
        )
    }

    fn covers(&self, host: &str, ip: Option<IpAddr>) -> bool {
        match self {
            Self::Everything => true,
            Self::Net(net) => ip.is_some_and(|ip| net.contains(&ip)),
            Self::Domain(domain) => {
                let below = host.strip_suffix(domain.as_str());
                below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
        }
    }
}

/// See the module text.
pub struct Egress {
    /// The same number means the same way out: connections may be shared.
    pub id: u64,
    proxy: Option<Proxy>,
    except: Vec<Exception>,
    /// The authorities that are trusted beside the system's.
    own: Vec<CertificateDer<'static>>,
    /// Every authority; the system's are read only where something needs them here.
    roots: OnceLock<Vec<CertificateDer<'static>>>,
    prepared: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why there is no way out.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The file of authorities cannot be read.
    #[error("the file of certificate authorities {0} cannot be read: {1}")]
    Unreadable(PathBuf, String),
    /// It holds no certificate, or one that is none of an authority.
    #[error(
        "the file of certificate authorities {0} holds no usable certificate; it must be PEM, with `BEGIN CERTIFICATE`: {1}"
    )]
    NoAuthority(PathBuf, String),
    /// The login of the proxy fits no header.
    #[error("the login of the proxy cannot be sent in a header")]
    Login,
}

impl Default for Egress {
    /// Straight out, trusting the system's authorities.
    fn default() -> Self {
        Self {
            id: 0,
            proxy: None,
            except: Vec::new(),
            own: Vec::new(),
            roots: OnceLock::new(),
            prepared: OnceLock::new(),
        }
    }
}

impl Egress {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// The file of authorities or the login cannot be used.
    pub fn build(settings: &conf::Egress) -> Result<Self, EgressError> {
        let proxy = settings.proxy.as_ref().map(proxy).transpose()?;
        let except = settings.except.iter().flat_map(|text| text.split(','));
        let except = except.map(str::trim).filter(|text| !text.is_empty());
        let own = match &settings.ca_file {
            Some(path) => authorities(path)?,
            None => Vec::new(),
        };
        let mut egress = Self {
            proxy,
            except: except.map(Exception::read).collect(),
            own,
            ..Self::default()
        };
        egress.id = egress.number();
        Ok(egress)
    }

    /// The proxy by which this host is called; `None` when it is called directly.
    #[must_use]
    pub fn proxy_for(&self, host: &str) -> Option<&Proxy> {
        let proxy = self.proxy.as_ref()?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let host = host.to_ascii_lowercase();
        let ip = host.parse::<IpAddr>().ok();
        let here = host == "localhost" || ip.is_some_and(|ip| ip.is_loopback());
        let direct = here
            || self
                .except
                .iter()
                .any(|exception| exception.covers(&host, ip));
        (!direct).then_some(proxy)
    }

    /// What the proxy's `Proxy-Authorization` wants to be.
    pub(super) fn login(&self) -> Option<HeaderValue> {
        self.proxy.as_ref()?.authorization.clone()
    }

    /// Whether authorities are trusted beside the system's.
    #[must_use]
    pub fn has_own_authorities(&self) -> bool {
        !self.own.is_empty()
    }

    /// Every authority that is trusted: the system's and one's own.
    pub fn authorities(&self) -> &[CertificateDer<'static>] {
        self.roots.get_or_init(|| {
            let system = rustls_native_certs::load_native_certs().unwrap_or_else(|error| {
                log::warn!("the system's certificate authorities cannot be read: {error}");
                Vec::new()
            });
            self.own.iter().cloned().chain(system).collect()
        })
    }

    /// TLS towards the outside.
    ///
    /// # Errors
    /// The versions of TLS are not available.
    pub fn tls(&self) -> Result<ClientConfig, rustls::Error> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(self.authorities().iter().cloned());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS12, &rustls::version::TLS13])?;
        Ok(config.with_root_certificates(roots).with_no_client_auth())
    }

    /// What another room makes of this once, in a form of its own.
    pub fn prepared<T: Send + Sync + 'static>(&self, make: impl FnOnce() -> T) -> Option<Arc<T>> {
        let made = self.prepared.get_or_init(|| Arc::new(make()));
        Arc::clone(made).downcast::<T>().ok()
    }

    fn number(&self) -> u64 {
        let mut hasher = blake3::Hasher::new();
        if let Some(proxy) = &self.proxy {
            hasher.update(format!("{}:{} ", proxy.host, proxy.port).as_bytes());
            hasher.update(proxy.authorization.as_ref().map_or(b"", |a| a.as_bytes()));
        }
        for authority in &self.own {
            hasher.update(authority);
        }
        let hash = hasher.finalize();
        let (head, _) = hash
            .as_bytes()
            .split_first_chunk()
            .unwrap_or((&[0; 8], &[]));
        u64::from_le_bytes(*head)
    }
}

fn proxy(settings: &conf::ProxyAddress) -> Result<Proxy, EgressError> {
    let header = |login: &conf::Secret| {
        let text = format!("Basic {}", STANDARD.encode(login.expose()));
        let mut value = HeaderValue::from_str(&text).map_err(|_| EgressError::Login)?;
        value.set_sensitive(true);
        Ok(value)
    };
    Ok(Proxy {
        host: settings.host.clone(),
        port: settings.port,
        authorization: settings.login.as_ref().map(header).transpose()?,
    })
}

fn authorities(path: &PathBuf) -> Result<Vec<CertificateDer<'static>>, EgressError> {
    let pem = std::fs::read(path)
        .map_err(|error| EgressError::Unreadable(path.clone(), error.to_string()))?;
    let none = |why: String| EgressError::NoAuthority(path.clone(), why);
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    let found = found.map_err(|error| none(error.to_string()))?;
    let mut store = RootCertStore::empty();
    for authority in &found {
        store
            .add(authority.clone())
            .map_err(|error| none(error.to_string()))?;
    }
    match found.is_empty() {
        true => Err(none("there is none in it".to_owned())),
        false => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn egress(except: &[&str]) -> Egress {
        let settings = conf::Egress {
            proxy: Some(conf::ProxyAddress {
                host: "proxy".into(),
                port: 3128,
                login: Some(conf::Secret::new("me:secret")),
            }),
            except: except.iter().map(|text| (*text).to_owned()).collect(),
            ca_file: None,
        };
        Egress::build(&settings).expect("builds")
    }

    #[test]
    fn everything_goes_through_the_proxy_but_what_is_excepted_and_this_machine() {
        let egress = egress(&["example.com, .corp", "10.0.0.0/8", "192.168.1.7", "*.lan"]);
        let goes = |host: &str| egress.proxy_for(host).is_some();
        for direct in [
            "example.com",
            "api.example.com",
            "API.Example.COM",
            "a.corp",
            "10.1.2.3",
            "192.168.1.7",
            "x.lan",
            "localhost",
            "127.0.0.2",
            "[::1]",
        ] {
            assert!(!goes(direct), "{direct}");
        }
        for proxied in [
            "notexample.com",
            "api.openai.com",
            "192.168.1.8",
            "11.0.0.1",
        ] {
            assert!(goes(proxied), "{proxied}");
        }
        assert!(
            super::Egress::default()
                .proxy_for("api.openai.com")
                .is_none()
        );
    }

    #[test]
    fn a_star_excepts_everything() {
        assert!(egress(&["*"]).proxy_for("api.openai.com").is_none());
    }

    #[test]
    fn the_login_is_sent_as_basic_and_never_shown() {
        let egress = egress(&[]);
        let proxy = egress.proxy_for("api.openai.com").expect("the proxy");
        let sent = proxy.authorization.as_ref().expect("a login");
        assert_eq!(sent.as_bytes(), b"Basic bWU6c2VjcmV0");
        assert!(!format!("{egress:?} {proxy:?}").contains("bWU6"));
    }

    #[test]
    fn another_way_out_has_another_number() {
        assert_eq!(egress(&[]).id, egress(&["*"]).id);
        assert_ne!(egress(&[]).id, Egress::default().id);
    }
}
