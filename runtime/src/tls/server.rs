use core::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::danger::ClientCertVerifier;
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, ServerConnection};

use super::{ALPN, TlsError, pem, provider};

/// What a server shows of itself, and whether its clients have to do the same. Clones share the certificate.
#[derive(Clone)]
pub struct ServerTls {
    pub(super) config: Arc<ServerConfig>,
    shown: Arc<Shown>,
}

impl ServerTls {
    /// Shows the certificate of `chain`, PEM with the leaf first, whose key is `key`.
    ///
    /// # Errors
    ///
    /// When that is not PEM, or the key does not belong to the certificate.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        let identity = pem::identity(chain.as_ref(), key.as_ref())?;
        Self::new(Arc::new(Shown(RwLock::new(identity))), WebPkiClientVerifier::no_client_auth())
    }

    fn new(shown: Arc<Shown>, clients: Arc<dyn ClientCertVerifier>) -> Result<Self, TlsError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::caused_by("TLS cannot be set up", error))?
            .with_client_cert_verifier(clients)
            .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Self { config: Arc::new(config), shown })
    }

    /// Accepts only clients whose certificate one of `roots` (PEM) has signed (mutual TLS).
    ///
    /// # Errors
    ///
    /// When that is not PEM of certificates.
    pub fn require_client_certificate(self, roots: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        self.verifying(roots.as_ref(), false)
    }

    /// Asks clients for a certificate: one that one of `roots` (PEM) has signed, or none at all.
    ///
    /// # Errors
    ///
    /// When that is not PEM of certificates.
    pub fn request_client_certificate(self, roots: impl AsRef<[u8]>) -> Result<Self, TlsError> {
        self.verifying(roots.as_ref(), true)
    }

    fn verifying(self, roots: &[u8], or_none: bool) -> Result<Self, TlsError> {
        let verifier = WebPkiClientVerifier::builder_with_provider(pem::roots(roots)?, provider());
        let verifier = if or_none { verifier.allow_unauthenticated() } else { verifier };
        let verifier = verifier
            .build()
            .map_err(|error| TlsError::caused_by("the roots for clients cannot be used", error))?;
        Self::new(self.shown, verifier)
    }

    /// Shows another certificate from the next connection on, also where a clone is in use already.
    ///
    /// # Errors
    ///
    /// As [`from_pem`](Self::from_pem), and the certificate of before goes on to be shown.
    pub fn replace(&self, chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<(), TlsError> {
        let identity = pem::identity(chain.as_ref(), key.as_ref())?;
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = identity;
        Ok(())
    }

    /// A session that is about to begin.
    pub(super) fn session(&self) -> Result<ServerConnection, rustls::Error> {
        ServerConnection::new(Arc::clone(&self.config))
    }
}

impl fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerTls").finish_non_exhaustive()
    }
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}
