//! TLS, as the command line asks for it.

use std::fs;
use std::path::{Path, PathBuf};

use unwired::tls::{ClientTls, ServerTls, TlsError};
use unwired::{channel, server};

use super::Options;

/// `--tls-…`: the files that TLS is made of, all of them PEM. Without any there is no TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tls {
    /// `--tls-cert`: the chain of certificates to show, the leaf first.
    pub cert: Option<PathBuf>,
    /// `--tls-key`: the key that belongs to it.
    pub key: Option<PathBuf>,
    /// `--tls-ca`: who has to have signed the certificate of the peer.
    pub ca: Option<PathBuf>,
    /// `--tls-name` of a client: the name that the server's certificate has to have.
    pub name: Option<String>,
}

/// What the files of a certificate and its key have in them.
struct Identity {
    chain: Vec<u8>,
    key: Vec<u8>,
}

impl Options {
    /// The server, with TLS if it was asked for. What ends a connection before its time is a line on standard error.
    ///
    /// # Errors
    /// In a line, which file cannot be used and why.
    pub fn secure_server(&self, server: server::Builder) -> Result<server::Builder, String> {
        let server = server.on_connection_error(|error| eprintln!("{error}"));
        let Some(Identity { chain, key }) = self.tls.identity()? else { return Ok(server) };
        let mut tls = used("--tls-cert", ServerTls::from_pem(chain, key))?;
        if let Some(path) = &self.tls.ca {
            tls = used("--tls-ca", tls.require_client_certificate(content(path)?))?;
        }
        Ok(server.tls(tls))
    }

    /// The channel, with TLS if it was asked for.
    ///
    /// # Errors
    /// In a line, which file cannot be used and why.
    pub fn secure_channel(&self, channel: channel::Builder) -> Result<channel::Builder, String> {
        if self.tls == Tls::default() {
            return Ok(channel);
        }
        let mut tls = match &self.tls.ca {
            Some(path) => used("--tls-ca", ClientTls::with_roots(content(path)?))?,
            None => ClientTls::with_system_roots().map_err(|error| error.to_string())?,
        };
        if let Some(Identity { chain, key }) = self.tls.identity()? {
            tls = used("--tls-cert", tls.identity(chain, key))?;
        }
        if let Some(name) = &self.tls.name {
            tls = tls.server_name(name);
        }
        Ok(channel.tls(tls))
    }
}

impl Tls {
    /// What is asked for by halves, in a line: for TLS of a server everything else hangs on its certificate.
    pub(super) fn lack(&self, is_server: bool) -> Option<&'static str> {
        match (&self.cert, &self.key) {
            (Some(_), None) => Some("`--tls-cert` needs `--tls-key` as well"),
            (None, Some(_)) => Some("`--tls-key` needs `--tls-cert` as well"),
            (None, None) if is_server && self.ca.is_some() => {
                Some("`--tls-ca` needs `--tls-cert` and `--tls-key` as well")
            }
            _ => None,
        }
    }

    fn identity(&self) -> Result<Option<Identity>, String> {
        let (Some(chain), Some(key)) = (&self.cert, &self.key) else { return Ok(None) };
        Ok(Some(Identity { chain: content(chain)?, key: content(key)? }))
    }
}

/// What was made of the file of an option, or an error that names the option.
fn used<T>(option: &str, made: Result<T, TlsError>) -> Result<T, String> {
    made.map_err(|error| format!("`{option}` cannot be used: {error}"))
}

fn content(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
