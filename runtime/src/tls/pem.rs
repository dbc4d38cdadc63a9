//! Certificates and keys out of PEM (RFC 7468).

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::{TlsError, provider};

/// All certificates of `pem`, in order.
pub(super) fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| TlsError::caused_by("the certificates are not PEM", error))?;
    if certificates.is_empty() {
        return Err(TlsError::new(
            "the PEM has no certificate (a part that begins with -----BEGIN CERTIFICATE-----)",
        ));
    }
    Ok(certificates)
}

/// The certificates of `pem` as roots.
pub(super) fn roots(pem: &[u8]) -> Result<Arc<RootCertStore>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots
            .add(certificate)
            .map_err(|error| TlsError::caused_by("a root certificate cannot be used", error))?;
    }
    Ok(Arc::new(roots))
}

/// A chain, the leaf first, and the key that belongs to it.
pub(super) fn identity(chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = certificates(chain)?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| {
        TlsError::caused_by(
            "the PEM has no private key (a part that begins with -----BEGIN PRIVATE KEY-----)",
            error,
        )
    })?;
    let identity = CertifiedKey::from_der(chain, key, &provider())
        .map_err(|error| TlsError::caused_by("the private key cannot be used with the certificate", error))?;
    Ok(Arc::new(identity))
}
