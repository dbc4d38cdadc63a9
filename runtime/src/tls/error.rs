use core::fmt;
use std::error::Error;
use std::io;

use rustls::{AlertDescription, CertificateError, Error as Rustls};

/// What is wrong with certificates or keys that were given.
#[derive(Debug)]
pub struct TlsError {
    what: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl TlsError {
    pub(super) fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    pub(super) fn caused_by(what: &str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let source = source.into();
        Self { what: format!("{what}: {source}"), source: Some(source) }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl Error for TlsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn Error + 'static))
    }
}

/// What the other end is called in messages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Other {
    Server,
    Client,
}

impl Other {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Server => "the server",
            Self::Client => "the client",
        }
    }
}

/// A fault of TLS in words that a person can act on.
pub(super) fn explained(error: Rustls, other: Other) -> io::Error {
    let who = other.name();
    let hint = match (&error, other) {
        (Rustls::InvalidCertificate(CertificateError::UnknownIssuer), _) => {
            "its issuer is not among the roots that are trusted here"
        }
        (
            Rustls::InvalidCertificate(CertificateError::Expired | CertificateError::ExpiredContext { .. }),
            _,
        ) => "its certificate has expired",
        (
            Rustls::InvalidCertificate(
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
            ),
            _,
        ) => "its certificate is not valid yet",
        (
            Rustls::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ),
            _,
        ) => "its certificate is for another name (ClientTls::server_name says which one is meant)",
        (Rustls::InvalidMessage(_), Other::Server) => {
            "what it answers is not TLS (a server without TLS is called by http://)"
        }
        (Rustls::InvalidMessage(_), Other::Client) => "what it sends is not TLS",
        (Rustls::NoCertificatesPresented, _) => "it showed no certificate, and one is required",
        (Rustls::NoApplicationProtocol, _) => "it does not offer HTTP/2 (ALPN h2)",
        (Rustls::AlertReceived(alert), _) => match alert {
            AlertDescription::UnknownCA => "it does not trust the issuer of our certificate",
            AlertDescription::CertificateExpired => "it says that our certificate has expired",
            AlertDescription::BadCertificate | AlertDescription::CertificateUnknown => {
                "it does not accept our certificate"
            }
            AlertDescription::CertificateRequired => "it requires a certificate of ours",
            AlertDescription::NoApplicationProtocol => "it does not speak HTTP/2 (ALPN h2)",
            AlertDescription::ProtocolVersion => "it has no version of TLS in common with us (1.2 or 1.3)",
            AlertDescription::UnrecognisedName => "it does not serve the name that it was asked for",
            _ => "it gave the connection up",
        },
        _ => "the connection cannot be trusted",
    };
    io::Error::new(
        io::ErrorKind::InvalidData,
        Fault { text: format!("TLS with {who}: {hint}: {error}"), error },
    )
}

/// The same of a peer that agreed to no protocol at all.
pub(super) fn without_alpn(other: Other) -> io::Error {
    let who = other.name();
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("TLS with {who}: it does not speak HTTP/2 (no ALPN, h2 is required)"),
    )
}

/// An explained error with what it explains.
#[derive(Debug)]
struct Fault {
    text: String,
    error: Rustls,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.error)
    }
}
