use core::fmt;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::pki_types::ServerName;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::{ALPN, TlsError, pem, provider};

/// How a channel trusts its server, and what it shows of itself.
#[derive(Clone)]
pub struct ClientTls {
    roots: Arc<RootCertStore>,
    identity: Option<Arc<CertifiedKey>>,
    server_name: Option<String>,
}

impl ClientTls {
    /// Trusts whom the system trusts.
    ///
    /// # Errors
    ///
    /// When no root certificate is to be found on this system.
    pub fn with_system_roots() -> Result<Self, TlsError> {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = RootCertStore::empty();
        // A few of a system's certificates are often older than what is accepted; the rest serve.
        let (added, _) = roots.add_parsable_certificates(found.certs);
        if added == 0 {
            let why = found.errors.first().map(|error| format!(": {error}")).unwrap_or_default();
            return Err(TlsError::new(format!("no root certificates are to be found on this system{why}")));
        }
        Ok(Self::trusting(Arc::new(roots)))
    }

    /// Trusts those whom one of the certificates in `pem` has signed, and nobody else.
    ///
    /// # Errors
    ///
    /// When that is not PEM of certificates.
    pub fn with_roots(pem: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        Ok(Self::trusting(pem::roots(pem.as_ref())?))
    }

    const fn trusting(roots: Arc<RootCertStore>) -> Self {
        Self { roots, identity: None, server_name: None }
    }

    /// Shows a certificate to servers that ask for one (mutual TLS): a chain in PEM, the leaf first, and its key.
    ///
    /// # Errors
    ///
    /// When that is not PEM, or the key does not belong to the certificate.
    pub fn identity(mut self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        self.identity = Some(pem::identity(chain.as_ref(), key.as_ref())?);
        Ok(self)
    }

    /// The name that the server is asked for (SNI) and that its certificate has to have, instead of the target's host.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }
}

impl fmt::Debug for ClientTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTls")
            .field("roots", &self.roots.len())
            .field("has_identity", &self.identity.is_some())
            .field("server_name", &self.server_name)
            .finish()
    }
}

/// What makes a channel's connections: the same for each, so that sessions can be resumed.
#[derive(Clone)]
pub(crate) struct Connector {
    pub(super) config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Connector {
    /// For connections to `host`, unless another name is meant.
    pub(crate) fn new(tls: &ClientTls, host: &str) -> Result<Self, TlsError> {
        let host = tls.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| TlsError::new(format!("{host:?} is not a name that a certificate could have")))?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::caused_by("TLS cannot be set up", error))?
            .with_root_certificates(Arc::clone(&tls.roots));
        let mut config = match &tls.identity {
            Some(identity) => {
                let resolver: Arc<dyn ResolvesClientCert> =
                    Arc::new(SingleCertAndKey::from(Arc::clone(identity)));
                config.with_client_cert_resolver(resolver)
            }
            None => config.with_no_client_auth(),
        };
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config), name })
    }

    /// A session that is about to begin.
    pub(super) fn session(&self) -> Result<ClientConnection, rustls::Error> {
        ClientConnection::new(Arc::clone(&self.config), self.name.clone())
    }
}
